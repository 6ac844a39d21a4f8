"""The table of exporters: a new one is a row here, and the file that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from eyeline.export.files import (
    ANONYMISED,
    AREAS,
    COCO,
    ELAN,
    MOT,
    REPORT,
    RTTM,
    SCENE,
    TABLES,
    TEXTGRID,
    THUMBNAILS,
    TIMELINE,
    VIDEO,
)
from eyeline.results import Analysis

FORMATS_OPTION = "formats"
"""The field of `Settings` with names of exporters."""
What = Literal["faces", "eyes", "people"]
"""What can be covered in the images that are written."""
Kind = Literal["solid", "pixels", "blur"]
"""With what, the safest first."""
COVERABLE, KINDS, VOICES = get_args(What), get_args(Kind), ("pitched", "none")


@dataclass(frozen=True)
class Export:
    """An analysis on its way into a folder."""

    analysis: Analysis
    folder: Path
    source: Path
    """The video."""
    name: str = ""
    """What tells the video from others whose files are put together; by default its own."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of eyeline and the libraries that mattered."""
    progress: Callable[[str, float, float], None] | None = None
    """Called with the stage, the seconds of video done and the seconds there are."""
    media: str = ""
    """The video to link where the annotated one is not in the folder; by default the source."""


@dataclass(frozen=True)
class Exporter:
    """One way of writing an analysis; what several need is computed once, see `spans.once`."""

    files: Mapping[str, str]
    """What it writes, with the words of the report's list of files; empty for no word."""
    write: Callable[[Export], object]
    licence: str = "own code, Apache-2.0"
    option: str = ""
    """The field of `Settings` that asks for it, `formats` by its name; empty for one that is always
    written."""
    module: str = ""
    """The module that must be installed, one of `extras.PACKAGES`."""
    spare: str = ""
    """Its name in a warning, if all else is written where it cannot be."""


def wanted(name: str, settings: Any) -> bool:
    """Whether an exporter of the table is asked for."""
    option = EXPORTERS[name].option
    value: Any = getattr(settings, option) if option else True
    return name in value if option == FORMATS_OPTION else bool(value)


def _tables(export: Export) -> None:
    from eyeline.export.tables import write_tables

    write_tables(export.analysis, export.folder)


def _video(export: Export) -> None:
    from eyeline.export.to_video import write_annotated

    write_annotated(export.analysis, export.source, export.folder, _progress(export, "drawing"))


def _plain(export: Export) -> None:
    from eyeline.export.anonymised import write_plain

    write_plain(export.analysis, export.source, export.folder, _progress(export, "covering"))


def _progress(export: Export, stage: str) -> Callable[[int, int], None]:
    length_s, report = export.analysis.video.duration_s, export.progress

    def progress(done: int, total: int) -> None:
        if report:
            report(stage, length_s * done / total, length_s)

    return progress


def _elan(export: Export) -> None:
    from eyeline.export.coding import write_elan

    # without a copy of the video ELAN is pointed at the source, which it looks for by name
    anonymous = "anonymise" in export.analysis.settings
    media = copy_in(export.folder) or export.media or ("" if anonymous else export.source.name)
    write_elan(export.analysis, export.folder, media=media)


def copy_in(folder: Path) -> str:
    """Name of the copy of the video in a folder, the annotated one first; empty for none."""
    return next((name for name in (VIDEO, ANONYMISED) if (folder / name).is_file()), "")


def _textgrid(export: Export) -> None:
    from eyeline.export.coding import write_textgrid

    write_textgrid(export.analysis, export.folder)


def _rttm(export: Export) -> None:
    from eyeline.export.rttm import write_rttm

    write_rttm(export.analysis, export.folder, file_id=export.name or None)


def _rerun(export: Export) -> None:
    from eyeline.export.to_rerun import write_rerun
    from eyeline.geometry.camera import Camera

    camera = Camera(*export.analysis.settings["camera_px"])
    write_rerun(export.analysis, export.folder, camera, export.source)


def _named(file: str, about: str, write: Callable[[Export], object]) -> Exporter:
    """One that `Settings.formats` names."""
    return Exporter({file: about}, write, option=FORMATS_OPTION)


def _timeline(name: str) -> Callable[[Export], None]:
    """The writer of a coding's format, see `codings.formats`."""

    def write(export: Export) -> None:
        from eyeline.codings.formats import FORMATS
        from eyeline.export.coding import coding_of
        from eyeline.files import write_bytes

        one = FORMATS[name]
        data = one.write(coding_of(export.analysis), "excel")
        write_bytes(export.folder / f"{TIMELINE}{one.suffixes[0]}", data)

    return write


def _coco(export: Export) -> None:
    from eyeline.export.boxes import write_coco

    write_coco(export.analysis, export.folder)


def _mot(export: Export) -> None:
    from eyeline.export.boxes import write_mot

    write_mot(export.analysis, export.folder)


def _report(export: Export) -> None:
    from eyeline.export.report import write_report

    media = None if (export.folder / VIDEO).is_file() else export.media
    write_report(export.analysis, export.folder, media=media, versions=export.versions)


def _areas(export: Export) -> None:
    from eyeline.export.area_tables import write_areas

    write_areas(export.analysis, export.folder)


_ABOUT_TABLES = {
    "people.csv": "faces by frame",
    "scores.csv": "numbers between 0 and 1 by person and frame",
    "directions.csv": "gaze directions by person and frame",
    "points.csv": "what each person looks at, by frame",
    "segments.csv": "spans of time: speech, contact, looks, mutual gaze, joint attention",
}

EXPORTERS: Mapping[str, Exporter] = {
    "tables": Exporter(
        {
            name: _ABOUT_TABLES.get(name, "")
            for name in (f"{table}.{kind}" for table in TABLES for kind in ("parquet", "csv"))
        },
        _tables,
    ),
    "video": Exporter(
        {VIDEO: "the video with everything drawn on it, with its audio"},
        _video,
        option="video",
        spare="the annotated video",
    ),
    "plain": Exporter(
        {ANONYMISED: "the video with people covered, and nothing drawn on it"},
        _plain,
        option="plain",
        spare="the anonymised video",
    ),
    "elan": Exporter({ELAN: "for ELAN"}, _elan),
    "textgrid": Exporter({TEXTGRID: "for Praat"}, _textgrid),
    "rttm": Exporter({RTTM: "who speaks when, for diarisation tools"}, _rttm),
    "rerun": Exporter(
        {SCENE: "heads and looks in space, for the Rerun viewer"},
        _rerun,
        licence="own code, Apache-2.0; rerun-sdk MIT or Apache-2.0",
        option="rerun",
        module="rerun",
    ),
    "boris": _named(f"{TIMELINE}.boris", "for BORIS", _timeline("boris")),
    "datavyu": _named(f"{TIMELINE}.opf", "for Datavyu", _timeline("datavyu")),
    "csv": _named(f"{TIMELINE}.csv", "a row for each span", _timeline("csv")),
    "xlsx": replace(
        _named(f"{TIMELINE}.xlsx", "a row for each span, for Excel", _timeline("xlsx")),
        licence="own code, Apache-2.0; openpyxl MIT",
        module="openpyxl",
    ),
    "webvtt": _named(f"{TIMELINE}.vtt", "subtitles", _timeline("webvtt")),
    "coco": _named(COCO, "boxes of heads, COCO", _coco),
    "mot": _named(MOT, "boxes of heads, MOT", _mot),
    "report": Exporter({REPORT: ""}, _report),
}
"""In the order in which they are written: the report lists what lies in the folder by then."""

OF_CORRECTIONS: Mapping[str, Exporter] = {
    "areas": Exporter(
        {f"{AREAS}.parquet": "", f"{AREAS}.csv": "areas of interest by frame"}, _areas
    ),
}
"""Before those, of corrected results: what people have added."""


FORMATS = tuple(name for name, one in EXPORTERS.items() if one.option == FORMATS_OPTION)
"""Those that are written where they are named."""


def present(folder: Path) -> list[str]:
    """Names, relative to the folder, of all files of an analysis in it but the index."""
    exporters = (*EXPORTERS.values(), *OF_CORRECTIONS.values())
    names = [name for exporter in exporters for name in exporter.files]
    images = sorted((folder / THUMBNAILS).glob("person_*.png"))
    return [name for name in names if (folder / name).is_file()] + [
        f"{THUMBNAILS}/{image.name}" for image in images
    ]
