"""Tracklet files and lists as the authors write them: boxes, six landmarks, gaze features.

Coordinates are normalised by the image's width and height. Frames count at 25 Hz.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import npz_names, read_npz
from eyeline.errors import DataError, check_shape
from eyeline.files import replacing, write_bytes
from eyeline.results import Floats

SUFFIX = "_fps25"
"""What the authors' code adds to the name of a video that was converted to 25 Hz."""
_SUFFIXES = (SUFFIX, "_25fps")
"""That, and what their README has in its place."""
LIST_HEAD = ("id", "video", "tracklet", "start", "end")
"""Columns of a list of tracklets."""

_FARTHEST = 2.0  # faces at the border reach beyond the image, by less than its size


@dataclass(frozen=True)
class TrackletFile:
    """One face followed without a break: `n` frames in a row."""

    start_frame: int
    """Video frame of the first row."""
    box_norm: Floats
    """`(n, 4)` float64 left / W, top / H, right / W, bottom / H."""
    six_norm: Floats
    """`(n, 6, 2)` float64 x / W, y / H of `people.tracks.SIX_OF_68`."""
    feature: Floats | None = None
    """`(n, feature)` float32 of the gaze network, 2048 wide as published, or None."""

    def __post_init__(self) -> None:
        """Check shapes, and that all is finite and near the image; DataError otherwise."""
        if self.start_frame < 0:
            raise DataError(f"start_frame is {self.start_frame}; frames count from 0")
        sizes = check_shape(self.box_norm, "frame 4", "bbx")
        check_shape(self.six_norm, "frame 6 2", "landmark", sizes)
        if not sizes["frame"]:
            raise DataError("a tracklet without frames")
        _check_places(self.box_norm, "bbx")
        _check_places(self.six_norm, "landmark")
        if np.any(self.box_norm[:, :2] >= self.box_norm[:, 2:]):
            row = int(np.argmax((self.box_norm[:, :2] >= self.box_norm[:, 2:]).any(axis=1)))
            raise DataError(f"bbx: row {row} is no box with left < right and top < bottom")
        if self.feature is not None:
            check_shape(self.feature, "frame feature", "gaze_feature", sizes)
            if not np.isfinite(self.feature).all():
                raise DataError("gaze_feature holds values that are no numbers")

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.box_norm)

    @property
    def end_frame(self) -> int:
        """The first video frame after it."""
        return self.start_frame + len(self)


@dataclass(frozen=True)
class ListRow:
    """One line of a list of tracklets."""

    celebrity: str
    video: str
    """Without suffix, as of `video_name`."""
    tracklet: str
    """Number as its file is called, for example `000`."""
    start: int
    """Video frame of the first row."""
    end: int
    """The first video frame after the last row."""
    line: int = field(default=0, compare=False)
    """Where it stands in its file; 0 for none."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What may stand in a list only once."""
        return self.celebrity, self.video, self.tracklet


def read_tracklet(path: Path | str, *, feature: bool = True) -> TrackletFile:
    """A tracklet file of the authors' layout.

    Args:
        path: an `.npz` with `start_frame`, `bbx`, `landmark` and maybe `gaze_feature`.
        feature: whether to read `gaze_feature` where there is one; it is most of the file.

    Raises:
        DataError: naming the file and what is missing or wrong in it.
    """
    path = Path(path)
    arrays = _read_arrays(path, ("start_frame", "bbx", "landmark"), feature)
    try:
        return _tracklet(arrays)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def read_feature(path: Path | str) -> Floats | None:
    """Only `gaze_feature` `(n, feature)` float32 of a tracklet file; None where it has none.

    Raises:
        DataError: as `read_tracklet`.
    """
    path = Path(path)
    result = _read_arrays(path, (), True).get("gaze_feature")
    if result is None:
        return None
    check_shape(result, "frame feature", f"{path}: gaze_feature")
    if result.dtype.kind != "f" or not np.isfinite(result).all():
        raise DataError(f"{path}: gaze_feature holds values that are no numbers")
    return np.asarray(result, np.float32)


def has_feature(path: Path | str) -> bool:
    """Whether a tracklet file holds `gaze_feature`, from its table of contents alone.

    Raises:
        DataError: as `read_tracklet`.
    """
    return "gaze_feature" in npz_names(Path(path))


def write_tracklet(path: Path | str, tracklet: TrackletFile, *, compressed: bool = False) -> None:
    """Write a tracklet under the authors' keys, whole or not at all.

    Args:
        path: where to; the folder is made.
        tracklet: what to write.
        compressed: smaller, and slower to write and read; both are read alike.

    Raises:
        OutputError: the place cannot be written.
    """
    arrays: dict[str, Any] = {
        "start_frame": np.int64(tracklet.start_frame),
        "bbx": np.asarray(tracklet.box_norm, np.float64),
        "landmark": np.asarray(tracklet.six_norm, np.float64)[:, :, None],
    }
    if tracklet.feature is not None:
        arrays["gaze_feature"] = np.asarray(tracklet.feature, np.float32)
    save = np.savez_compressed if compressed else np.savez
    with replacing(Path(path)) as temporary, temporary.open("wb") as file:
        save(file, **arrays)


def read_list(path: Path | str) -> list[ListRow]:
    """The rows of `test_tracklet_list.csv`, `voxdataset_train.csv` and the like, in file order.

    Raises:
        DataError: naming the file and line: other columns, a span that is none, or a tracklet
            that stands in it twice.
    """
    path = Path(path)
    rows: list[ListRow] = []
    lines: dict[tuple[str, str, str], int] = {}
    for number, cells in read_csv(path, LIST_HEAD):
        row = _list_row(cells, number, path)
        if row.key in lines:
            raise DataError(
                f"{path}, line {number}: {'/'.join(row.key)} stands in line {lines[row.key]} too"
            )
        lines[row.key] = number
        rows.append(row)
    return rows


def write_list(path: Path | str, rows: Iterable[ListRow]) -> None:
    """Write a list as the original has it, with `_fps25` and `.npz`, whole or not at all.

    Raises:
        OutputError: the place cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LIST_HEAD)
    for row in rows:
        names = (row.celebrity, f"{row.video}{SUFFIX}", f"{row.tracklet}.npz")
        writer.writerow([*names, row.start, row.end])
    write_bytes(Path(path), text.getvalue().encode())


def read_csv(path: Path, columns: Iterable[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Rows of a CSV with their line numbers.

    Raises:
        DataError: no such file, no UTF-8, or a head or row without one of the columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            head = reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            if lacking := [c for c in columns if c not in head]:
                raise DataError(
                    f"{path}, line 1: no column {', '.join(lacking)}; it has: "
                    f"{', '.join(head) or 'nothing'}"
                )
            for cells in reader:
                if None in cells or any(cells[c] is None for c in columns):
                    raise DataError(f"{path}, line {reader.line_num}: expected {len(head)} cells")
                yield reader.line_num, cells
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV in UTF-8: {error}") from error


def whole_number(cell: str, column: str, where: str) -> int:
    """A cell that holds a whole number from 0; DataError names where it stands otherwise."""
    if not re.fullmatch(r"[0-9]{1,18}", cell.strip()):
        raise DataError(f"{where}: column '{column}' holds {cell!r}, expected a whole number")
    return int(cell)


def video_name(text: str) -> str:
    """The name of a video without what was added when it was converted to 25 Hz."""
    for suffix in _SUFFIXES:
        text = text.removesuffix(suffix)
    return text


def tracklet_folder(root: Path, celebrity: str, video: str) -> Path:
    """Where the tracklets of a video of the training set lie, or are to lie."""
    folders = [root / celebrity / "tracklets" / f"{video}{suffix}" for suffix in _SUFFIXES]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def tracklet_number(name: str) -> str:
    """`000` of `000`, `000.npz` or `0`."""
    stem = name.strip().removesuffix(".npz")
    return stem.zfill(3)


def _list_row(cells: Mapping[str, str], line: int, path: Path) -> ListRow:
    where = f"{path}, line {line}"
    names = [cells[c].strip() for c in LIST_HEAD[:3]]
    if not all(names):
        raise DataError(f"{where}: id, video or tracklet is empty")
    if any(part in (".", "..") or "/" in part or "\\" in part for part in names):
        raise DataError(f"{where}: {'/'.join(names)} is no name of a tracklet")
    start, end = (whole_number(cells[c], c, where) for c in LIST_HEAD[3:])
    if start >= end:
        raise DataError(f"{where}: frames {start} to {end} (exclusive) are none")
    return ListRow(names[0], video_name(names[1]), tracklet_number(names[2]), start, end, line)


def _read_arrays(path: Path, names: tuple[str, ...], feature: bool) -> dict[str, Any]:
    arrays = read_npz(path, (*names, "gaze_feature") if feature else names)
    if lacking := [name for name in names if name not in arrays]:
        raise DataError(f"{path} lacks the array '{lacking[0]}'")
    return arrays


def _tracklet(arrays: Mapping[str, Any]) -> TrackletFile:
    start = arrays["start_frame"]
    if start.size != 1 or start.dtype.kind not in "iu":
        raise DataError(f"start_frame has shape {start.shape} and type {start.dtype}, not a number")
    for name in ("bbx", "landmark"):
        if arrays[name].dtype.kind != "f":
            raise DataError(f"{name} is {arrays[name].dtype}; expected normalised floats")
    check_shape(arrays["landmark"], "frame 6 1 2", "landmark")
    feature = arrays.get("gaze_feature")
    if feature is not None and feature.dtype.kind != "f":
        raise DataError(f"gaze_feature is {feature.dtype}; expected floats")
    return TrackletFile(
        int(start.reshape(())),
        arrays["bbx"].astype(np.float64),
        arrays["landmark"][:, :, 0].astype(np.float64),
        None if feature is None else feature.astype(np.float32, copy=False),
    )


def _check_places(values: Floats, what: str) -> None:
    if not np.isfinite(values).all():
        raise DataError(f"{what} holds values that are no numbers")
    if values.min() < 1 - _FARTHEST or values.max() > _FARTHEST:
        raise DataError(
            f"{what} runs from {values.min():.4g} to {values.max():.4g}; "
            "expected coordinates over width and height, about 0 to 1"
        )
