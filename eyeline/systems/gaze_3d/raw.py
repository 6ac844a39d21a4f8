"""The data set as its authors give it out: cameras, their annotations, and numbered images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import read_npz
from eyeline.errors import DataError, check_shape
from eyeline.pickles import read_pickle
from eyeline.results import Floats
from eyeline.systems.gaze_3d.inputs import JOINTS

ANNOTATION = ".pkl"
IMAGES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, order=True)
class RawCamera:
    """One camera of one recording."""

    name: str
    """For example `library/1029_2/Camera_5_0`."""
    annotation: Path
    folder: Path
    """Of its images."""


@dataclass(frozen=True)
class Found:
    """The cameras of a data set, by name."""

    cameras: tuple[RawCamera, ...]
    incomplete: Mapping[str, str]
    """Name -> what is missing."""


@dataclass(frozen=True)
class Annotation:
    """What was measured of the person; a row for each frame number."""

    joints: Floats
    """`(t, 25, 2)` pixels; 0 where a joint is missing."""
    gaze: Floats
    """`(t, 3)` unit vectors in the camera frame, as the other directions."""
    head: Floats
    body: Floats
    head_position: Floats
    """`(t, 3)` metres in the camera frame."""
    body_position: Floats
    rotation: Floats
    """`(3, 3)` camera frame to world."""
    position: Floats
    """`(3,)` of the camera in the world, metres."""

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.joints)


def data_root(source: Path) -> Path:
    """The folder of the scenes: `source`, or `raw_data` in it."""
    inner = source / "raw_data"
    return inner if inner.is_dir() else source


def find_cameras(source: Path, sessions: Sequence[str] | None = None) -> Found:
    """All cameras below `<scene>/<session>`, those without annotation or images named apart.

    Args:
        source: the data set.
        sessions: for example `library/1029_2`; all by default.

    Raises:
        DataError: no such folder, or a session that is not there or has no camera.
    """
    root = data_root(source)
    if not root.is_dir():
        raise DataError(f"{source}: no such folder")
    if sessions is None:
        sessions = sorted(f"{p.parent.name}/{p.name}" for p in root.glob("*/*") if p.is_dir())
    cameras: list[RawCamera] = []
    incomplete: dict[str, str] = {}
    for session in sessions:
        whole, lacking = _cameras_of(root / session, session)
        cameras += whole
        incomplete |= lacking
    if not cameras and not incomplete:
        raise DataError(f"{source} holds no camera SCENE/SESSION/CAMERA with CAMERA{ANNOTATION}")
    return Found(tuple(cameras), incomplete)


def read_annotation(path: Path) -> Annotation:
    """The annotation of one camera.

    Raises:
        DataError: not a pickle of arrays, or one that lacks a key or has another shape; named.
    """
    content = read_pickle(path, images=True)
    try:
        return _annotation(content)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def numbered(names: Iterable[str]) -> tuple[dict[int, str], list[str]]:
    """Images by frame number, ascending, and names that number no frame or one twice."""
    result: dict[int, str] = {}
    strange = []
    for name in sorted(names):
        stem, dot, kind = name.rpartition(".")
        if dot + kind.lower() not in IMAGES:
            continue
        number = int(stem) if re.fullmatch(r"[0-9]{1,12}", stem) else -1
        if number < 0 or number in result:
            strange.append(name)
        else:
            result[number] = name
    return dict(sorted(result.items())), strange


def read_matrix(path: Path) -> tuple[Floats, Floats]:
    """Camera matrix `(3, 3)` and distortion `(12,)`, OpenCV's order, of `intrinsics.npz`.

    Raises:
        DataError: the file cannot be read or lacks one of them.
    """
    result = read_npz(path, ("cam_mat", "dist_coeffs"))
    if len(result) < 2:
        raise DataError(f"{path} lacks cam_mat or dist_coeffs")
    matrix, distortion = result["cam_mat"], result["dist_coeffs"].reshape(-1)
    check_shape(matrix, "3 3", f"{path}: cam_mat")
    if any(array.dtype.kind not in "fiu" for array in result.values()):
        raise DataError(f"{path}: cam_mat or dist_coeffs are no numbers")
    return matrix, distortion


def _cameras_of(folder: Path, session: str) -> tuple[list[RawCamera], dict[str, str]]:
    if not folder.is_dir():
        raise DataError(f"session {session}: no folder {folder}")
    names = {p.stem for p in folder.glob(f"*{ANNOTATION}")} | {
        p.name for p in folder.iterdir() if p.is_dir()
    }
    cameras, incomplete = [], {}
    for name in sorted(names):
        annotation, images = folder / f"{name}{ANNOTATION}", folder / name
        if not annotation.is_file():
            incomplete[f"{session}/{name}"] = f"no annotation {annotation.name}"
        elif not images.is_dir():
            incomplete[f"{session}/{name}"] = "no folder of images"
        else:
            cameras.append(RawCamera(f"{session}/{name}", annotation, images))
    if not names:
        raise DataError(f"session {session}: no camera in {folder}")
    return cameras, incomplete


def _annotation(content: Any) -> Annotation:
    if not isinstance(content, dict):
        raise DataError(f"expected a dict, it holds a {type(content).__name__}")
    joints = _array(content, "keypoints2d", f"time {JOINTS} coordinates")
    if joints.shape[2] < 2:
        raise DataError(f"keypoints2d has shape {joints.shape}; expected x and y at least")
    count = len(joints)
    return Annotation(
        joints=np.ascontiguousarray(joints[:, :, :2]),
        gaze=_part(content, "gaze", "direction", count),
        head=_part(content, "head", "direction", count),
        body=_part(content, "chest", "direction", count),
        head_position=_part(content, "head", "position", count),
        body_position=_part(content, "chest", "position", count),
        rotation=_array(content, "R_cam2w", "3 3"),
        position=_array(content, "t_cam2w", "3"),
    )


def _part(content: Mapping[str, Any], part: str, key: str, count: int) -> Floats:
    inner = content.get(part)
    if not isinstance(inner, dict):
        raise DataError(f"no dict '{part}' in it")
    return _array(inner, key, f"{count} 3", part)


def _array(content: Mapping[str, Any], key: str, pattern: str, part: str = "") -> Floats:
    what = f"{part}.{key}" if part else key
    value = content.get(key)
    if value is None:
        raise DataError(f"no '{what}' in it")
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"'{what}' is no array of numbers") from None
    if key == "t_cam2w":
        array = array.reshape(-1)
    check_shape(array, pattern, what)
    return array
