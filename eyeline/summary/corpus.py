"""The results that lie below a folder, each under a name of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from eyeline.errors import DataError, UsageError
from eyeline.export.files import INDEX, TABLES
from eyeline.export.index import read_index
from eyeline.export.stored import load
from eyeline.files import sha256
from eyeline.results import Analysis, Segments

COMPUTED = "computed"
CORRECTED = "corrected"


@dataclass(frozen=True)
class Fault:
    """A video that is left out, and why."""

    video: str
    message: str


@dataclass(frozen=True)
class Result:
    """The results of one video."""

    video: str
    """Its name: the folder below the one that was searched, `day1/talk`."""
    folder: Path
    index: Mapping[str, Any]
    """Content of `analysis.json`."""

    @property
    def version(self) -> str:
        """Of eyeline that wrote it."""
        return str(self.index.get("versions", {}).get("eyeline", "not stated"))


@dataclass(frozen=True)
class Corpus:
    """All results below a folder."""

    folder: Path
    results: tuple[Result, ...]
    faults: tuple[Fault, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Shorter names of videos: the last part of the name, and the file's name."""

    def video_named(self, text: str) -> str:
        """The name of a video by itself, by its last part or by the name of its file.

        Raises:
            DataError: no video of that name, or several.
        """
        names = self.aliases.get(text, ())
        if text in {r.video for r in self.results} | {f.video for f in self.faults}:
            return text
        if len(names) > 1:
            raise DataError(f"'{text}' names {len(names)} videos: write {' or '.join(names)}")
        if not names:
            raise DataError(f"there is no video '{text}' in {self.folder}")
        return names[0]


def read_corpus(folder: Path) -> Corpus:
    """Find all results below a folder; a damaged one is a fault, and the rest is read.

    Raises:
        UsageError: no such folder.
        DataError: it holds no results at all, or none that can be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder: give the -o folder of `eyeline analyze`")
    results, faults = list[Result](), list[Fault]()
    for place in _results_below(folder):
        video = _name(place, folder)
        try:
            result = Result(video, place, _checked(place))
            video_row(result)
            results.append(result)
        except DataError as error:
            faults.append(Fault(video, str(error)))
    if not results:
        why = "".join(f"\n  {fault.video}: {fault.message}" for fault in faults)
        raise DataError(
            f"{folder} holds no results that can be read: give a folder in which "
            f"`eyeline analyze ... -o` has finished at least one video{why}"
        )
    return Corpus(folder, tuple(results), tuple(faults), _aliases(results, faults))


def _results_below(folder: Path) -> Iterator[Path]:
    """Folders with an index, or with tables that lack one; hidden ones hold unfinished work."""
    for place, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if INDEX in names or {f"{table}.parquet" for table in TABLES[1:]} <= {*names}:
            below.clear()
            yield Path(place)


def _name(place: Path, folder: Path) -> str:
    inside = place.relative_to(folder).as_posix()
    text = folder.resolve().name if inside == "." else inside
    return text_of(text)


def _checked(folder: Path) -> dict[str, Any]:
    """The index, with the parts that are read of it."""
    index = read_index(folder)
    for name, kind in (("video", dict), ("files", list), ("persons", list), ("settings", dict)):
        if not isinstance(index.get(name), kind):
            raise DataError(f"{folder / INDEX} has no {name}. Analyse the video again.")
    return index


def video_row(result: Result) -> dict[str, Any]:
    """What the index says of a video; DataError where it does not describe one."""
    index, video = result.index, result.index["video"]
    try:
        gaps_s = sum(gap["end_s"] - gap["start_s"] for gap in video.get("gaps", ()))
        return {
            "video": result.video,
            "path": text_of(video["path"]),
            "folder": text_of(str(result.folder)),
            "status": index["status"],
            "duration_s": float(video["duration_s"]),
            "recorded_s": float(video["duration_s"]) - gaps_s,
            "width_px": video["width_px"],
            "height_px": video["height_px"],
            "rate_hz": float(Fraction(video["rate_hz"])),
            "analyzed_rate_hz": index["settings"].get("rate_hz"),
            "frame_count": video["frame_count"],
            "has_audio": video["has_sound"],
            "persons": len(index["persons"]),
            "version": result.version,
            "warnings": "; ".join(index.get("warnings", ())),
        }
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise DataError(
            f"the index of {result.folder} does not describe its video "
            f"({type(error).__name__}: {error}). Analyse the video again."
        ) from None


def text_of(path: str) -> str:
    """A name that UTF-8 can hold."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _aliases(results: Sequence[Result], faults: Sequence[Fault]) -> dict[str, tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for result in results:
        file = Path(str(result.index["video"].get("path", "")))
        for alias in {result.folder.name, file.name, file.stem}:
            names.setdefault(alias, []).append(result.video)
    for fault in faults:
        names.setdefault(Path(fault.video).name, []).append(fault.video)
    return {alias: tuple(sorted(videos)) for alias, videos in names.items()}


def mixed(results: Sequence[Result]) -> list[str]:
    """What differs between the results and may matter to their sums, in words."""
    versions = Counter(result.version for result in results)
    notes = []
    if len(versions) > 1:
        counts = ", ".join(f"{version} ({n})" for version, n in sorted(versions.items()))
        notes.append(f"results of several versions of eyeline are summed together: {counts}")
    for name in ("rate_hz", "systems", "detector", "tracker", "speaker"):
        values = Counter(str(r.index["settings"].get(name)) for r in results)
        if len(values) > 1:
            counts = ", ".join(f"{value} ({n})" for value, n in sorted(values.items()))
            notes.append(f"the setting {name} differs between videos: {counts}")
    return notes


# The three functions below are the one place where results are read, for measures and for SQL:
# corrections of results join here.


def analysis_of(result: Result) -> Analysis:
    """The analysis of a video; DataError where its files are damaged or not complete."""
    return load(result.folder)


def source_of(segments: Segments | None) -> str:
    """Whether segments are as computed, or were corrected."""
    return str(getattr(segments, "source", COMPUTED))


def table_of(result: Result, table: str) -> Path | None:
    """The Parquet file of a table, None for one that older results lack.

    Raises:
        DataError: it is missing, or its size or hash is not what the index says.
    """
    name = f"{table}.parquet"
    listed = [entry for entry in result.index["files"] if entry.get("name") == name]
    if not listed and table == TABLES[0]:
        return None
    path = result.folder / name
    if not listed or not path.is_file():
        raise DataError(f"{path} is missing. Analyse the video again.")
    size, digest = listed[0].get("bytes"), listed[0].get("sha256")
    if path.stat().st_size != size or sha256(path) != digest:
        raise DataError(
            f"{path} is damaged: it differs from what {INDEX} says. Analyse the video again."
        )
    return path
