"""The results that lie below a folder, each under a name of its own."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.corrections import is_current, load_corrected, read
from eyeline.errors import DataError, UsageError, first_names
from eyeline.export.catalogue import Catalogue
from eyeline.export.columns import COMPUTED, CORRECTED
from eyeline.export.files import CORRECTED as CORRECTED_FOLDER
from eyeline.export.files import CORRECTIONS, FRAMES
from eyeline.export.index import read_corrected_index, read_index
from eyeline.export.stored import video_from_json
from eyeline.files import sha256
from eyeline.results import Analysis

_SETTINGS = ("rate_hz", "systems", "detector", "tracker", "speaker")
"""Those that matter to sums."""


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
    brief: bytes
    """As of `Catalogue.brief`; a tenth of the objects that it stands for."""

    @property
    def index(self) -> dict[str, Any]:
        """What the index says of the video."""
        content: dict[str, Any] = json.loads(self.brief)
        return content


@dataclass(frozen=True)
class Corpus:
    """All results below a folder."""

    folder: Path
    results: tuple[Result, ...]
    faults: tuple[Fault, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Shorter names of videos: the last part of the name, and the file's name."""

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset([r.video for r in self.results] + [f.video for f in self.faults])

    def video_named(self, text: str) -> str:
        """The name of a video by itself, by its last part or by the name of its file.

        Raises:
            DataError: no video of that name, or several.
        """
        names = self.aliases.get(text, ())
        if text in self._names:
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
    results, faults, catalogue = list[Result](), list[Fault](), Catalogue(folder)
    for place in catalogue.results():
        inside = place.relative_to(folder).as_posix()
        video = text_of(folder.resolve().name if inside == "." else inside)
        try:
            result = Result(video, place, catalogue.brief(place))
            video_row(result)
            results.append(result)
        except DataError as error:
            faults.append(Fault(video, str(error)))
    catalogue.save()
    if not results:
        why = "".join(f"\n  {fault.video}: {fault.message}" for fault in faults)
        raise DataError(
            f"{folder} holds no results that can be read: give a folder in which "
            f"`eyeline analyze ... -o` has finished at least one video{why}"
        )
    return Corpus(folder, tuple(results), tuple(faults), _aliases(results, faults))


def video_row(result: Result) -> dict[str, Any]:
    """What the index says of a video; DataError where it does not describe one."""
    index = result.index
    video = index["video"]
    try:
        return {
            "video": result.video,
            "path": text_of(video["path"]),
            "folder": text_of(str(result.folder)),
            "status": index["status"],
            "duration_s": float(video["duration_s"]),
            "analysed_s": video_from_json(video).analysed_s,
            "width_px": video["width_px"],
            "height_px": video["height_px"],
            "rate_hz": float(Fraction(video["rate_hz"])),
            "analyzed_rate_hz": index["settings"].get("rate_hz"),
            "frame_count": video["frame_count"],
            "has_audio": video["has_sound"],
            "persons": index["persons"],
            "version": str(index["version"]),
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
    values: dict[str, Counter[str]] = {name: Counter() for name in ("version", *_SETTINGS)}
    videos: dict[str, list[str]] = {}
    for result in results:
        index = result.index
        values["version"][str(index["version"])] += 1
        for name in _SETTINGS:
            values[name][str(index["settings"].get(name))] += 1
        videos.setdefault(str(index["source"].get("sha256")), []).append(result.video)
    notes = []
    for name, counts in values.items():
        if len(counts) > 1:
            what = (
                "results of several versions of eyeline are summed together"
                if name == "version"
                else f"the setting {name} differs between videos"
            )
            listed = [f"{value} ({n})" for value, n in sorted(counts.items())]
            notes.append(f"{what}: {first_names(listed, 10)}")
    videos.pop("None", None)
    for names in (n for n in videos.values() if len(n) > 1):
        notes.append(f"results of one video are summed more than once: {first_names(names)}")
    return notes


# The three functions below are the one place where results are read, for measures and for SQL.


def analysis_of(result: Result) -> Analysis:
    """The analysis of a video as people have corrected it; DataError where it cannot be read."""
    return load_corrected(result.folder)


def sources_of(analysis: Analysis) -> dict[str, str]:
    """By name of the answers, and `people`: whether people have corrected anything of them.

    An episode that was deleted leaves no row that says so, the operation does.
    """
    tables = [("people", analysis.people), *((a.name, a) for a in analysis.answers)]
    corrected = {name for name, table in tables if np.any(table.corrected)}
    if analysis.corrected and analysis.folder:
        tiers = [getattr(op, "tier", None) for op in read(analysis.folder).operations]
        corrected |= {tier.partition(" (")[0] for tier in tiers if tier}
    return {name: CORRECTED if name in corrected else COMPUTED for name, _ in tables}


def tables_of(result: Result, tables: Iterable[str]) -> dict[str, Path]:
    """Parquet files by table, corrected ones where there are corrections; older results lack one.

    Raises:
        DataError: one is missing, its size or hash is not what the index says, or corrections
            are not in the tables yet.
    """
    folder, index = result.folder, read_index(result.folder)
    if (folder / CORRECTIONS).exists() or (folder / CORRECTED_FOLDER).exists():
        if not is_current(folder):
            raise DataError(
                f"the tables of {folder} do not follow its corrections: run "
                f"`eyeline correct {folder} write` first"
            )
        written = read_corrected_index(folder / CORRECTED_FOLDER)
        if written is not None:
            folder, index = folder / CORRECTED_FOLDER, written
    return {table: path for table in tables if (path := _checked_table(folder, index, table))}


def _checked_table(folder: Path, index: Mapping[str, Any], table: str) -> Path | None:
    path = folder / f"{table}.parquet"
    listed = [entry for entry in index["files"] if entry.get("name") == path.name]
    if not listed and table == FRAMES:
        return None
    if not listed or not path.is_file():
        raise DataError(f"{path} is missing. Analyse the video again.")
    size, digest = listed[0].get("bytes"), listed[0].get("sha256")
    if path.stat().st_size != size or sha256(path) != digest:
        raise DataError(
            f"{path} is damaged: it differs from what its index says. Analyse the video again."
        )
    return path
