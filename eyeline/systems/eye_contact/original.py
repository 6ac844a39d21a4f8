"""The folder `Annotations/` as the authors published it: which files make up which video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.results import Floats
from eyeline.systems.eye_contact.tracklets import (
    ListRow,
    read_list,
    read_names,
    read_tracklet,
    tracklet_number,
)

META = "meta_list.csv"
LIST = "test_tracklet_list.csv"
FOLDS = 5
"""Parts of the cross-validation."""

_SIZES_PX = np.arange(16, 8193)
_WHOLE_PX = 1e-6
_VALUES_AT_ONCE = 64


@dataclass(frozen=True)
class Entry:
    """One video of the folder."""

    celebrity: str
    video: str
    annotation: Path
    """Its ELAN text or `.eaf`."""
    tracklets: tuple[tuple[ListRow, Path], ...]
    """Those that are evaluated, by number."""


@dataclass(frozen=True)
class Folder:
    """All videos of the folder, in the order of `meta_list.csv`."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    """Videos and tracklets that are left out, and why."""


def find(folder: Path) -> Path | None:
    """The folder of the published layout: this one, or `Annotations` in it; None for neither."""
    for place in (folder, folder / "Annotations"):
        if (place / META).is_file():
            return place
    return None


def read_folder(folder: Path) -> Folder:
    """Videos, annotations and evaluated tracklets of a folder with `meta_list.csv`.

    `tracklets/test_tracklet_list.csv` decides which tracklets are evaluated; without it all are but
    those that repeat the one before. DataError names file and line: a video without annotation, one
    that stands there twice, a listed tracklet without file, or of a video that is not in
    `meta_list.csv`.
    """
    names, place = _names(folder), folder / "tracklets"
    files = {
        key: {tracklet_number(p.name): p for p in sorted(place.joinpath(*key).glob("*.npz"))}
        for key in names
    }
    listed, notes = _listed(place / LIST, files)
    entries = []
    for key, where in names.items():
        paths, rows = files[key], listed.pop(key, [])
        taken = {row.tracklet for row in rows}
        for path in (path for number, path in paths.items() if number not in taken):
            why = "equal to the one before" if _repeats(path, paths) else "not listed"
            notes.append(f"{path} is not evaluated: {why}")
        if not rows:
            notes.append(f"{where}: {'/'.join(key)} has no tracklet and is left out")
            continue
        for row in rows:
            if row.tracklet not in paths:
                path = place.joinpath(*key) / f"{row.tracklet}.npz"
                raise DataError(f"{place / LIST}, line {row.line}: no tracklet {path}")
        pairs = tuple((row, paths[row.tracklet]) for row in rows)
        entries.append(Entry(*key, _annotation(folder.joinpath(*key), where), pairs))
    for row, *_ in listed.values():
        where = f"{place / LIST}, line {row.line}"
        raise DataError(f"{where}: {'/'.join(row.key)} belongs to no video of {META}")
    return Folder(tuple(entries), tuple(notes))


def frame_size(norm: Floats, where: str) -> tuple[int, int]:
    """The smallest width and height for which all coordinates of a video are whole pixels.

    `norm` `(n, 2)` are x over width, y over height. DataError if there is no such size up to 8192.
    """
    width, height = _whole(norm[:, 0]), _whole(norm[:, 1])
    if width is None or height is None:
        raise DataError(f"{where}: coordinates are whole pixels of no image: its size is unknown")
    return width, height


def folds(positive: Sequence[tuple[float, str, str]]) -> list[int]:
    """Fold of each video: its rank by fraction of contact, celebrity and video, modulo `FOLDS`."""
    rank = {key: number for number, key in enumerate(sorted(positive))}
    return [rank[key] % FOLDS for key in positive]


def _names(folder: Path) -> dict[tuple[str, str], str]:
    result: dict[tuple[str, str], str] = {}
    for celebrity, video, line in read_names(folder / META):
        where = f"{folder / META}, line {line}"
        if (celebrity, video) in result:
            raise DataError(f"{where}: {celebrity}/{video} stands there twice")
        result[celebrity, video] = where
    return result


def _annotation(stem: Path, where: str) -> Path:
    for path in (stem.with_name(f"{stem.name}{suffix}") for suffix in (".txt", ".eaf")):
        if path.is_file():
            return path
    raise DataError(f"{where}: no annotation {stem}.txt or .eaf")


def _listed(
    path: Path, files: dict[tuple[str, str], dict[str, Path]]
) -> tuple[dict[tuple[str, str], list[ListRow]], list[str]]:
    """Rows by video, each list by number; without a list all but repeated ones, and a note."""
    rows, notes = [], []
    if path.is_file():
        rows = read_list(path)
    else:
        notes.append(f"no {path}: all tracklets are taken but repeated ones")
        for key, paths in files.items():
            for number, file in paths.items():
                if not _repeats(file, paths):
                    own = read_tracklet(file, feature=False)
                    rows.append(ListRow(*key, number, own.start_frame, own.end_frame))
    listed: dict[tuple[str, str], list[ListRow]] = {}
    for row in sorted(rows, key=lambda r: r.key):
        listed.setdefault((row.celebrity, row.video), []).append(row)
    return listed, notes


def _repeats(path: Path, paths: dict[str, Path]) -> bool:
    """Whether a tracklet holds the same frames, boxes and landmarks as the one before it."""
    ordered = list(paths.values())
    place = ordered.index(path)
    if not place:
        return False
    own, before = (read_tracklet(p, feature=False) for p in (path, ordered[place - 1]))
    return own.start_frame == before.start_frame and all(
        np.array_equal(a, b)
        for a, b in ((own.box_norm, before.box_norm), (own.six_norm, before.six_norm))
    )


def _whole(norm: Floats) -> int | None:
    sizes, values = _SIZES_PX, np.unique(norm)
    for begin in range(0, len(values), _VALUES_AT_ONCE):
        places = values[begin : begin + _VALUES_AT_ONCE, None] * sizes
        sizes = sizes[(np.abs(places - np.rint(places)) < _WHOLE_PX).all(axis=0)]
    return int(sizes[0]) if len(sizes) else None
