"""The annotated videos: ELAN texts, tracklets of six landmarks, and their frame labels."""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Ints

RATE_HZ = 25
"""Frames a second of the annotated videos; all frame numbers count these."""

TARGETS = ("none", "host", "host2", "host3", "camera")
"""Names of the gaze targets by their number; every one but the first is eye contact."""
UNCERTAIN = "uncertain"
"""The tier of spans in which the annotators could not tell."""

_TIERS = (*TARGETS[1:], UNCERTAIN)
_COLUMNS = 5


@dataclass(frozen=True)
class Interval:
    """One row of an annotation."""

    tier: str
    """One of `TARGETS` or `UNCERTAIN`."""
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Tracklet:
    """One face followed without a break at 25 Hz, with the annotators' labels."""

    start_frame: int
    """Video frame of the first row."""
    six_px: Floats
    """`(n, 6, 2)` points `people.tracks.SIX_OF_68`."""
    label: Ints
    """`(n,)` 1 eye contact, 0 none."""
    uncertain: Ints
    """`(n,)` 1 where the annotators could not tell; the label is then 0 unless a target's row
    covers it."""

    def __len__(self) -> int:
        return len(self.label)

    @property
    def time_s(self) -> Floats:
        """`(n,)` seconds since the video's first frame."""
        return np.asarray((self.start_frame + np.arange(len(self))) / RATE_HZ)


@dataclass(frozen=True)
class AnnotatedVideo:
    """All tracklets of the one annotated person of a video."""

    name: str
    """`celebrity_video`."""
    fold: int
    """Part of the cross-validation, from 0."""
    width_px: int
    height_px: int
    tracklets: tuple[Tracklet, ...]

    @property
    def frame_count(self) -> int:
        """Annotated frames over all tracklets."""
        return sum(len(t) for t in self.tracklets)


def parse_elan(text: str, source: str) -> list[Interval]:
    """The rows of a tab-delimited ELAN export: tier, participant, begin s, end s, value.

    Args:
        text: the export, without a head line.
        source: what to call it in a message.

    Raises:
        DataError: naming the line that has other columns, an unknown tier or times that are none.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            rows.append(_parse_row(line, f"{source}, line {number}"))
    return rows


def read_elan(path: Path | str) -> list[Interval]:
    """`parse_elan` of a file; DataError where there is none or it is no text."""
    path = Path(path)
    try:
        return parse_elan(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise DataError(f"cannot read the annotation {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a text in UTF-8 (byte {error.start})") from error


def frame_labels(rows: Sequence[Interval], frames: Ints) -> tuple[Ints, Ints, Ints]:
    """Labels of video frames by the published rule.

    A row covers the frames from `ceil(start * 25)` to `floor(end * 25)`, both included, in double
    arithmetic as
    published: `0.28 * 25` is a little over 7, so that its first frame is 8. Rows that come later in
    the file overwrite the target.

    Args:
        rows: the annotation in file order.
        frames: `(n,)` increasing video frame numbers.

    Returns:
        label 0 or 1, target as index into `TARGETS`, and uncertain 0 or 1, each `(n,)`.
    """
    target = np.zeros(len(frames), np.int64)
    uncertain = np.zeros(len(frames), np.int64)
    for row in rows:
        first, last = math.ceil(row.start_s * RATE_HZ), math.floor(row.end_s * RATE_HZ)
        span = slice(*np.searchsorted(frames, [first, last + 1]))
        if row.tier == UNCERTAIN:
            uncertain[span] = 1
        else:
            target[span] = TARGETS.index(row.tier)
    return (target > 0).astype(np.int64), target, uncertain


def read_videos(folder: Path | str) -> list[AnnotatedVideo]:
    """All visible annotated videos that have tracklets, in the order of `videos.csv`.

    Args:
        folder: holds `videos.csv` and `per_video/<celebrity>_<video>.npz`.

    Raises:
        DataError: naming the file, and the line or array, that is missing or wrong.
    """
    folder = Path(folder)
    index = folder / "videos.csv"
    if not index.is_file():
        raise DataError(f"no videos.csv in {folder}; expected the folder of the annotated videos")
    with index.open(newline="", encoding="utf-8") as file:
        entries = [
            (f"{index}, line {number}", row) for number, row in enumerate(csv.DictReader(file), 2)
        ]
    videos = [_read_video(folder, row, where) for where, row in entries if _has_tracks(row, where)]
    if not videos:
        raise DataError(f"{index} lists no video with tracklets")
    return videos


def _parse_row(line: str, where: str) -> Interval:
    cells = line.split("\t")
    if len(cells) != _COLUMNS:
        raise DataError(f"{where}: {len(cells)} columns, expected {_COLUMNS} parted by tabs")
    if cells[0] not in _TIERS:
        raise DataError(f"{where}: unknown tier '{cells[0]}'; tiers: {', '.join(_TIERS)}")
    start_s, end_s = _number(cells[2], where), _number(cells[3], where)
    if not 0 <= start_s <= end_s:
        raise DataError(f"{where}: the span {start_s} to {end_s} s does not run forward from 0")
    return Interval(cells[0], start_s, end_s)


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: '{cell}' is no time in seconds")
    return value


def _has_tracks(row: Mapping[str, str], where: str) -> bool:
    return _whole(row, "tracklets", where) > 0


def _whole(row: Mapping[str, str], column: str, where: str) -> int:
    cell = row.get(column)
    if cell is None or not cell.strip().isdigit():
        raise DataError(f"{where}: column '{column}' holds {cell!r}, expected a whole number")
    return int(cell)


def _read_video(folder: Path, row: Mapping[str, str], where: str) -> AnnotatedVideo:
    if not row.get("celebrity_id") or not row.get("video_name"):
        raise DataError(f"{where}: needs the columns celebrity_id and video_name")
    name = f"{row['celebrity_id']}_{row['video_name']}"
    path = folder / "per_video" / f"{name}.npz"
    arrays = _read_arrays(path)
    width_px, height_px = (int(n) for n in arrays["size"])
    tracklets = _tracklets(arrays, path)
    if len(tracklets) != _whole(row, "tracklets", where):
        raise DataError(f"{where}: {row['tracklets']} tracklets, but {path} has {len(tracklets)}")
    return AnnotatedVideo(name, _whole(row, "fold", where), width_px, height_px, tracklets)


_ARRAYS = {
    "size": "2",
    "start_frame": "tracklet",
    "length": "tracklet",
    "landmark_px": "frame 6 2",
    "label": "frame",
    "uncertain": "frame",
}


def _read_arrays(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS if name in file}
    except FileNotFoundError as error:
        raise DataError(f"no tracklets at {path}, which videos.csv lists") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not a readable .npz file: {error}") from error
    sizes: dict[str, int] = {}
    for name, axes in _ARRAYS.items():
        if name not in arrays:
            raise DataError(f"{path} lacks the array '{name}'")
        sizes = check_shape(arrays[name], axes, f"{path}: {name}", sizes)
    if int(arrays["length"].sum()) != sizes["frame"]:
        raise DataError(
            f"{path}: tracklets add up to {arrays['length'].sum()} frames, "
            f"arrays hold {sizes['frame']}"
        )
    return arrays


def _tracklets(arrays: Mapping[str, Any], path: Path) -> tuple[Tracklet, ...]:
    if not np.isin(arrays["label"], (0, 1)).all():
        raise DataError(f"{path}: labels other than 0 and 1")
    cuts = np.cumsum(arrays["length"])[:-1]
    columns = (
        np.split(arrays["landmark_px"].astype(np.float64), cuts),
        np.split(arrays["label"].astype(np.int64), cuts),
        np.split(arrays["uncertain"].astype(np.int64), cuts),
    )
    starts = arrays["start_frame"].tolist()
    return tuple(Tracklet(int(s), *rest) for s, *rest in zip(starts, *columns, strict=True))
