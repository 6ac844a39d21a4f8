"""Tracklet files and lists as the authors write them: boxes, six landmarks, gaze features.

Coordinates are normalised by the image's width and height. Frames count at 25 Hz.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import npz_names, read_npz
from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column, Side, whole
from eyeline.files import replacing
from eyeline.results import Floats

SUFFIX = "_fps25"
"""What the authors' code adds to the name of a video that was converted to 25 Hz."""
_SUFFIXES = (SUFFIX, "_25fps")
"""That, and what their README has in its place."""
LIST_HEAD = ("id", "video", "tracklet", "start", "end")
"""Columns of a list of tracklets."""
NAMES_HEAD = ("celebrity_id", "video_name")
"""Columns of a list of videos."""

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
    """A tracklet file: an `.npz` with `start_frame`, `bbx`, `landmark` and maybe `gaze_feature`.

    `gaze_feature` is most of the file and read only if wanted. DataError names the file and what is
    missing or wrong in it.
    """
    path = Path(path)
    arrays = _read_arrays(path, ("start_frame", "bbx", "landmark"), feature)
    try:
        return _tracklet(arrays)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def read_feature(path: Path | str) -> Floats | None:
    """Only `gaze_feature` `(n, feature)` float32 of a tracklet file; None where it has none."""
    path = Path(path)
    result = _read_arrays(path, (), True).get("gaze_feature")
    if result is None:
        return None
    check_shape(result, "frame feature", f"{path}: gaze_feature")
    if result.dtype.kind != "f" or not np.isfinite(result).all():
        raise DataError(f"{path}: gaze_feature holds values that are no numbers")
    return np.asarray(result, np.float32)


def has_feature(path: Path | str) -> bool:
    """Whether a tracklet file holds `gaze_feature`, from its table of contents alone."""
    return "gaze_feature" in npz_names(Path(path))


def write_tracklet(path: Path | str, tracklet: TrackletFile, *, compressed: bool = False) -> None:
    """Write a tracklet under the authors' keys, whole or not at all; the folder is made.

    `compressed` is smaller, and slower to write and read; both are read alike.
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

    DataError names the file and line: other columns, a span that is none, or a tracklet that stands
    in it twice.
    """
    path = Path(path)
    wanted = [Column(c, name_part, object) for c in LIST_HEAD[:3]]
    columns, line = tables.read(path, wanted + [Column(c, whole, np.int64) for c in LIST_HEAD[3:]])
    rows = [
        ListRow(celebrity, video_name(video), tracklet_number(tracklet), *span)
        for celebrity, video, tracklet, *span in zip(
            *(columns[name].tolist() for name in LIST_HEAD), line.tolist(), strict=True
        )
    ]
    for row in rows:
        if row.start >= row.end:
            where = f"{path}, line {row.line}"
            raise DataError(f"{where}: frames {row.start} to {row.end} (exclusive) are none")
    keys = [row.key for row in rows]
    tables.check_once(Side(str(path), keys, lambda row: "/".join(keys[row])), line)
    return rows


def write_list(path: Path | str, rows: Iterable[ListRow]) -> None:
    """Write a list as the original has it, with `_fps25` and `.npz`, whole or not at all."""
    cells = [(r.celebrity, f"{r.video}{SUFFIX}", f"{r.tracklet}.npz", r.start, r.end) for r in rows]
    tables.write(Path(path), {name: [c[i] for c in cells] for i, name in enumerate(LIST_HEAD)})


def read_names(path: Path) -> list[tuple[str, str, int]]:
    """Celebrity, video and line of each row of a list of videos; DataError names file and line."""
    columns, line = tables.read(path, [Column(name, name_part, object) for name in NAMES_HEAD])
    return list(zip(*(columns[name] for name in NAMES_HEAD), line.tolist(), strict=True))


def write_names(path: Path, names: Sequence[tuple[str, str]]) -> None:
    """Write a list of videos, by celebrity and name."""
    tables.write(path, {head: [name[i] for name in names] for i, head in enumerate(NAMES_HEAD)})


def name_part(cell: str) -> str:
    """What may name a folder or file; ValueError says what is expected."""
    name = tables.text(cell)
    if name in (".", "..") or "/" in name or "\\" in name:
        raise ValueError("a name without slashes")
    return name


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
