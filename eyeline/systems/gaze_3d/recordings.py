"""One camera of a prepared data set: body crops with their boxes and directions, in either layout.

Ours is `annotation.npz` beside numbered images; the authors' is `annotation.pickle` beside
numbered images, or beside `image.pickle`, which holds them all and is read whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.documents import read_npz
from eyeline.errors import DataError, check_shape
from eyeline.pickles import read_pickle
from eyeline.results import Floats, Image, Ints
from eyeline.systems.gaze_3d.inputs import JOINTS, SIZE
from eyeline.systems.gaze_3d.raw import numbered

ANNOTATION = "annotation.npz"
ORIGINAL = "annotation.pickle"
ORIGINAL_IMAGES = "image.pickle"

_FROM_ORIGINAL = {
    "frame": ("index",),
    "joints": ("keypoins", "keypoints"),
    "gaze": ("gazes",),
    "head": ("heads",),
    "body": ("bodys",),
    "head_box": ("head_bb",),
    "body_box": ("body_bb",),
    "head_position": ("head_pos",),
    "body_position": ("body_pos",),
    "rotation": ("R_cam",),
    "position": ("t_cam",),
}
"""Our name -> the authors', in both spellings."""
_SHAPES = {
    "frame": "frame",
    "joints": f"frame {JOINTS} coordinates",
    "rotation": "3 3",
    "position": "3",
    "head_box": "frame 4",
    "body_box": "frame 4",
}
"""Of all others `frame 3`."""


@dataclass(frozen=True)
class Rows:
    """What is known of a camera's frames; a row a frame that shows the person."""

    frame: Ints
    """`(n,)` number in the recording, ascending, with gaps; the same in all its cameras."""
    joints: Floats
    """`(n, 25, 2 or more)` pixels of the recording's image; 0 where a joint is missing."""
    head_box: Floats
    """`(n, 4)` float32 xywh, pixels of the recording's image, as the body box."""
    body_box: Floats
    """`(n, 4)` float32 xywh of the crop; may reach outside the image."""
    gaze: Floats
    """`(n, 3)` float32 unit vectors in the camera frame, as the other directions."""
    head: Floats
    body: Floats
    head_position: Floats
    """`(n, 3)` float32 metres in the camera frame."""
    body_position: Floats
    rotation: Floats
    """`(3, 3)` float32 camera frame to world."""
    position: Floats
    """`(3,)` float32 of the camera in the world, metres."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.frame)


@dataclass(frozen=True)
class Recording:
    """One camera: its rows, and its crops when they are asked for."""

    name: str
    """For example `library/1029_2/Camera_5_0`."""
    folder: Path
    rows: Rows
    files: Mapping[int, str]
    """Frame number -> file of the crop; empty where one file holds them all."""

    @cached_property
    def usable(self) -> npt.NDArray[np.bool_]:
        """`(n,)` whether a row has a crop, boxes with an extent and directions with a length."""
        rows = self.rows
        boxes = np.concatenate([rows.head_box, rows.body_box], axis=1)
        audio = np.isfinite(boxes).all(axis=1) & (rows.body_box[:, 2:] > 0).all(axis=1)
        for vectors in (rows.gaze, rows.head, rows.body):
            length = np.linalg.norm(vectors, axis=1)
            audio &= np.isfinite(length) & (length > 1e-6)
        there = self.files or self._images
        return np.asarray(audio & np.array([int(n) in there for n in rows.frame], bool))

    def crop(self, row: int) -> Image:
        """The body crop of a row, `(256, 192, 3)` uint8 RGB.

        Raises:
            DataError: it is missing, damaged or of another size; names the file.
        """
        number = int(self.rows.frame[row])
        if not self.files:
            image = self._images.get(number)
        else:
            image = decoded(self.folder / self.files.get(number, f"{number:06d}.jpg"))
        what = f"{self.name}: crop of frame {number}"
        if image is None:
            raise DataError(f"{what} is missing or damaged")
        check_shape(image, f"{SIZE[0]} {SIZE[1]} 3", what)
        return image

    @cached_property
    def _images(self) -> dict[int, Image]:
        path = self.folder / ORIGINAL_IMAGES
        if not path.is_file():
            return {}
        content = read_pickle(path, images=True)
        if not isinstance(content, dict) or not _images_by_name(content):
            raise DataError(f"{path}: expected a dict of images by name")
        names, _ = numbered(content)
        return {number: content[name] for number, name in names.items()}


def open_recording(folder: Path, name: str) -> Recording:
    """A camera's folder in our layout or the authors'.

    Raises:
        DataError: no annotation in it, or one that lacks something, has another shape, or frame
            numbers that do not ascend; names the recording.
    """
    ours, original = folder / ANNOTATION, folder / ORIGINAL
    if not (ours.is_file() or original.is_file()):
        raise DataError(f"{name}: no {ANNOTATION} or {ORIGINAL} in {folder}")
    try:
        content = _read_ours(ours) if ours.is_file() else _read_original(original)
        rows = _rows(content)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    files, _ = numbered(p.name for p in folder.iterdir())
    return Recording(name, folder, rows, files)


def write_rows(path: Path, rows: Rows) -> None:
    """Write `annotation.npz`; OutputError where that cannot be."""
    from eyeline.files import replacing

    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{f.name: getattr(rows, f.name) for f in fields(Rows)})


def _read_ours(path: Path) -> dict[str, Any]:
    try:
        return read_npz(path)
    except DataError as error:
        raise DataError(f"{path.name} is damaged: {error}") from None


def _images_by_name(content: Mapping[Any, Any]) -> bool:
    return all(isinstance(k, str) and isinstance(v, np.ndarray) for k, v in content.items())


def _read_original(path: Path) -> dict[str, Any]:
    content = read_pickle(path, images=True)
    if not isinstance(content, dict):
        raise DataError(f"{path.name}: expected a dict, it holds a {type(content).__name__}")
    result = {}
    for ours, theirs in _FROM_ORIGINAL.items():
        present = [name for name in theirs if name in content]
        if not present:
            raise DataError(f"{path.name}: no '{theirs[0]}' in it")
        result[ours] = content[present[0]]
    return result


def _rows(content: Mapping[str, Any]) -> Rows:
    arrays: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for field in fields(Rows):
        name = field.name
        if name not in content:
            raise DataError(f"no '{name}' in the annotation")
        array = _array(content[name], name)
        pattern = _SHAPES.get(name, "frame 3")
        if pattern.startswith("frame "):
            array = array.reshape(0, *_empty(pattern)) if not array.size else array
        sizes = check_shape(array, pattern, name, sizes)
        arrays[name] = array
    if (np.diff(arrays["frame"]) <= 0).any():
        raise DataError("frame numbers do not ascend")
    return Rows(**arrays)


def _array(value: Any, name: str) -> npt.NDArray[Any]:
    kind = np.int64 if name == "frame" else np.float32
    try:
        array = np.asarray(value, kind)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"'{name}' is no array of numbers") from None
    return array.reshape(-1) if name == "position" else array


def _empty(pattern: str) -> tuple[int, ...]:
    """Sizes beside the frames of an array without any."""
    return tuple(int(axis) if axis.isdigit() else 2 for axis in pattern.split()[1:])


def decoded(path: Path) -> Image | None:
    """`(h, w, 3)` RGB; None where the file is not there or no image."""
    import cv2

    try:
        content = np.fromfile(path, np.uint8)
    except OSError:
        return None
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    return None if image is None else np.ascontiguousarray(image[..., ::-1], np.uint8)
