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
    read_csv,
    read_list,
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
    where: str
    """File and line that name the video."""


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
    those that repeat the one before.

    Raises:
        DataError: naming file and line: a video without annotation, one that stands there twice, a
            listed tracklet without file, or of a video that is not in `meta_list.csv`.
    """
    names = _names(folder)
    files = {key: _tracklet_files(folder, *key) for key in names}
    listed, notes = _listed(folder, files)
    entries = []
    for (celebrity, video), where in names.items():
        paths = files[celebrity, video]
        rows = listed.pop((celebrity, video), [])
        notes += _left_out(rows, paths)
        if not rows:
            notes.append(f"{where}: {celebrity}/{video} has no tracklet and is left out")
            continue
        pairs = tuple((row, _path_of(row, paths, folder)) for row in rows)
        entries.append(
            Entry(celebrity, video, _annotation(folder, celebrity, video, where), pairs, where)
        )
    for rows in listed.values():
        raise DataError(
            f"{_place(folder, rows[0])}: {'/'.join(rows[0].key)} belongs to no video of {META}"
        )
    return Folder(tuple(entries), tuple(notes))


def frame_size(norm: Floats, where: str) -> tuple[int, int]:
    """The smallest width and height for which all coordinates are whole pixels.

    Args:
        norm: `(n, 2)` x over width, y over height, of one video.
        where: what to call it in a message.

    Raises:
        DataError: there is no such size up to 8192.
    """
    width, height = _whole(norm[:, 0]), _whole(norm[:, 1])
    if width is None or height is None:
        raise DataError(
            f"{where}: coordinates are whole pixels of no image, so that its size cannot be told"
        )
    return width, height


def folds(positive: Sequence[tuple[float, str, str]]) -> list[int]:
    """Fold of each video: its rank by share of contact, celebrity and video, modulo `FOLDS`."""
    order = sorted(range(len(positive)), key=lambda i: positive[i])
    fold = [0] * len(positive)
    for rank, index in enumerate(order):
        fold[index] = rank % FOLDS
    return fold


def _names(folder: Path) -> dict[tuple[str, str], str]:
    result: dict[tuple[str, str], str] = {}
    path = folder / META
    for line, cells in read_csv(path, ("celebrity_id", "video_name")):
        key = cells["celebrity_id"].strip(), cells["video_name"].strip()
        where = f"{path}, line {line}"
        if not all(key) or any(part in (".", "..") or "/" in part for part in key):
            raise DataError(f"{where}: {'/'.join(key)} is no name of a video")
        if key in result:
            raise DataError(f"{where}: {'/'.join(key)} stands there twice")
        result[key] = where
    return result


def _annotation(folder: Path, celebrity: str, video: str, where: str) -> Path:
    for suffix in (".txt", ".eaf"):
        path = folder / celebrity / f"{video}{suffix}"
        if path.is_file():
            return path
    raise DataError(f"{where}: no annotation {folder / celebrity / video}.txt or .eaf")


def _tracklet_files(folder: Path, celebrity: str, video: str) -> dict[str, Path]:
    place = folder / "tracklets" / celebrity / video
    return {tracklet_number(path.name): path for path in sorted(place.glob("*.npz"))}


def _listed(
    folder: Path, files: dict[tuple[str, str], dict[str, Path]]
) -> tuple[dict[tuple[str, str], list[ListRow]], list[str]]:
    """Rows by video, each list by number, and what there is to tell of them."""
    path = folder / "tracklets" / LIST
    if not path.is_file():
        rows = [row for key, paths in files.items() for row in _all_of(*key, paths)]
        notes = [f"no {path}: all tracklets are taken but repeated ones"]
    else:
        rows, notes = read_list(path), []
    listed: dict[tuple[str, str], list[ListRow]] = {}
    for row in sorted(rows, key=lambda r: r.key):
        listed.setdefault((row.celebrity, row.video), []).append(row)
    return listed, notes


def _all_of(celebrity: str, video: str, paths: dict[str, Path]) -> list[ListRow]:
    rows = []
    for number, path in paths.items():
        if not _repeats(path, paths):
            own = read_tracklet(path, feature=False)
            rows.append(ListRow(celebrity, video, number, own.start_frame, own.end_frame))
    return rows


def _left_out(rows: Sequence[ListRow], paths: dict[str, Path]) -> list[str]:
    taken = {row.tracklet for row in rows}
    return [
        f"{path} is not evaluated: "
        + ("equal to the one before" if _repeats(path, paths) else "not listed")
        for number, path in paths.items()
        if number not in taken
    ]


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


def _path_of(row: ListRow, paths: dict[str, Path], folder: Path) -> Path:
    if row.tracklet not in paths:
        place = folder / "tracklets" / row.celebrity / row.video / f"{row.tracklet}.npz"
        raise DataError(f"{_place(folder, row)}: no tracklet {place}")
    return paths[row.tracklet]


def _place(folder: Path, row: ListRow) -> str:
    return f"{folder / 'tracklets' / LIST}, line {row.line}"


def _whole(norm: Floats) -> int | None:
    sizes, values = _SIZES_PX, np.unique(norm)
    for begin in range(0, len(values), _VALUES_AT_ONCE):
        places = values[begin : begin + _VALUES_AT_ONCE, None] * sizes
        sizes = sizes[(np.abs(places - np.rint(places)) < _WHOLE_PX).all(axis=0)]
    return int(sizes[0]) if len(sizes) else None
