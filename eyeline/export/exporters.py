"""The table of exporters: a new one is a row here, and the file that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eyeline.export.files import (
    AREAS,
    ELAN,
    REPORT,
    RTTM,
    SCENE,
    TABLES,
    TEXTGRID,
    THUMBNAILS,
    VIDEO,
)
from eyeline.results import Analysis


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
    """The field of `Settings` that asks for it; empty for one that is always written."""
    module: str = ""
    """The module that must be installed."""
    install: str = ""
    """What it is part of, and how it is installed."""
    spare: str = ""
    """Its name in a warning, if all else is written where it cannot be."""


def _tables(export: Export) -> None:
    from eyeline.export.tables import write_tables

    write_tables(export.analysis, export.folder)


def _video(export: Export) -> None:
    from eyeline.export.to_video import write_annotated

    length_s, tell = export.analysis.video.duration_s, export.progress

    def progress(done: int, total: int) -> None:
        if tell:
            tell("drawing", length_s * done / total, length_s)

    write_annotated(export.analysis, export.source, export.folder, progress)


def _elan(export: Export) -> None:
    from eyeline.export.elan import write_elan

    # without the annotated video ELAN is pointed at the source, which it looks for by name
    own = (export.folder / VIDEO).is_file()
    media = VIDEO if own else export.media or export.source.name
    write_elan(export.analysis, export.folder, media=media)


def _textgrid(export: Export) -> None:
    from eyeline.export.textgrid import write_textgrid

    write_textgrid(export.analysis, export.folder)


def _rttm(export: Export) -> None:
    from eyeline.export.rttm import write_rttm

    write_rttm(export.analysis, export.folder, file_id=export.name or None)


def _rerun(export: Export) -> None:
    from eyeline.export.to_rerun import write_rerun
    from eyeline.geometry.camera import Camera

    camera = Camera(*export.analysis.settings["camera_px"])
    write_rerun(export.analysis, export.folder, camera, export.source)


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
    "elan": Exporter({ELAN: "for ELAN"}, _elan),
    "textgrid": Exporter({TEXTGRID: "for Praat"}, _textgrid),
    "rttm": Exporter({RTTM: "who speaks when, for diarisation tools"}, _rttm),
    "rerun": Exporter(
        {SCENE: "heads and looks in space, for the Rerun viewer"},
        _rerun,
        licence="own code, Apache-2.0; rerun-sdk MIT or Apache-2.0",
        option="rerun",
        module="rerun",
        install="rerun-sdk: pip install eyeline[rerun]",
    ),
    "report": Exporter({REPORT: ""}, _report),
}
"""In the order in which they are written: the report lists what lies in the folder by then."""

OF_CORRECTIONS: Mapping[str, Exporter] = {
    "areas": Exporter(
        {f"{AREAS}.parquet": "", f"{AREAS}.csv": "areas of interest by frame"}, _areas
    ),
}
"""Before those, of corrected results: what people have added."""


def present(folder: Path) -> list[str]:
    """Names, relative to the folder, of all files of an analysis in it but the index."""
    exporters = (*EXPORTERS.values(), *OF_CORRECTIONS.values())
    names = [name for exporter in exporters for name in exporter.files]
    images = sorted((folder / THUMBNAILS).glob("person_*.png"))
    return [name for name in names if (folder / name).is_file()] + [
        f"{THUMBNAILS}/{image.name}" for image in images
    ]
