"""Where the field's sets keep images and directions: a reader each, in one table.

All directions are given as unit vectors in the frame of the camera that took the image: x right, y
down, z forward.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.datasets.prepare import SkippedError
from eyeline.documents import read_json
from eyeline.errors import DataError
from eyeline.extras import needed_by
from eyeline.geometry.camera import Camera
from eyeline.geometry.directions import from_yaw_pitch
from eyeline.results import Floats, Image
from eyeline.systems.gaze_3d.recordings import decoded


@dataclass(frozen=True)
class Sample:
    """One person in one image."""

    frame: int
    """Number in the recording."""
    image: Callable[[], Image | None]
    """`(h, w, 3)` RGB; None where it is missing or damaged."""
    gaze: Floats
    """`(3,)`."""
    matrix: Floats
    """`(3, 3)` intrinsics, pixels."""
    face_px: Floats = field(default_factory=lambda: np.full(2, np.nan))
    """`(2,)` where the face is; NaN where the set does not say: the largest face counts."""


@dataclass(frozen=True)
class Layout:
    """How one data set lies on the disk."""

    recordings: Callable[[Path], Sequence[str]]
    """Names `PERSON/RECORDING`, or `PERSON` alone: one person before one camera each."""
    samples: Callable[[Path, str], Iterator[Sample]]
    every: int
    """Of the samples of a recording each how-manieth is taken unless something else is asked."""


# Columbia Gaze: ID/ID_2m_POSEP_VERTICALV_HORIZONTALH.jpg, degrees against the line to the camera.

_COLUMBIA = re.compile(r"(\d{4})_\d+m_(-?\d+P)_(-?\d+)V_(-?\d+)H", re.IGNORECASE)
_COLUMBIA_FOCAL = 85 / 22.3
"""Focal length over the width of the image: 85 mm before a sensor of 22.3 mm."""


def _columbia(source: Path) -> Iterator[tuple[str, Path, float, float]]:
    """Recording, file, and gaze to the right of the image and up in degrees."""
    for path in sorted(source.rglob("*.jpg")):
        if parts := _COLUMBIA.fullmatch(path.stem):
            yield f"{parts[1]}/{parts[2]}", path, float(parts[4]), float(parts[3])


def _columbia_recordings(source: Path) -> list[str]:
    return sorted({name for name, *_ in _columbia(source)})


def _columbia_samples(source: Path, name: str) -> Iterator[Sample]:
    from PIL import Image as PillowImage

    own = [row for row in _columbia(source) if row[0] == name]
    for number, (_, path, right, up) in enumerate(own):
        try:
            with PillowImage.open(path) as image:
                width, height = image.size
        except (OSError, PillowImage.DecompressionBombError):
            width, height = 5184, 3456
        focal = _COLUMBIA_FOCAL * width
        matrix = Camera(focal, focal, width / 2, height / 2).matrix
        gaze = from_yaw_pitch(np.radians(right), np.radians(up))
        yield Sample(number, partial(decoded, path), gaze, matrix)


# MPIIFaceGaze: pXX/pXX.txt, a line an image: file, 2 numbers of the screen, 12 of landmarks, 6 of
# the head, 3 of the face's centre and 3 of the target in millimetres before the camera, and an eye.


def _mpii_recordings(source: Path) -> list[str]:
    return sorted(p.stem for p in source.rglob("p??.txt") if p.parent.name == p.stem)


def _mpii_samples(source: Path, name: str) -> Iterator[Sample]:
    folder = next(p.parent for p in source.rglob(f"{name}.txt") if p.parent.name == name)
    matrix = _mat(folder / "Calibration" / "Camera.mat", "cameraMatrix").reshape(3, 3)
    camera = Camera(matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2])
    for number, cells in enumerate(_lines(folder / f"{name}.txt", r"\s+", 27)):
        face, target = np.array(cells[21:24], np.float64), np.array(cells[24:27], np.float64)
        image = partial(decoded, folder / str(cells[0]))
        yield Sample(number, image, target - face, matrix, camera.project(face))


# Gaze360: metadata.mat, and crops of heads in imgs/RECORDING/head/IDENTITY/FRAME.jpg. Directions
# are against the ray from the camera: x left, y up, z away. Those of the published test are taken.

_GAZE360_TEST = 2
CANVAS_PX = 448
"""Side of the image that a crop of a head, half as large, is put into the middle of."""
_CANVAS_FOCAL = 4.0
"""Focal length over that side: a long lens, so that the face lies on the axis."""


@lru_cache(maxsize=1)
def _gaze360(source: Path) -> dict[str, Any]:
    """Columns of all frames; `recordings` holds the names of recordings."""
    path = next(iter(sorted(source.rglob("metadata.mat"))), None)
    if path is None:
        raise DataError(f"{source}: no metadata.mat in it")
    keys = ("recording", "frame", "person_identity", "split")
    columns: dict[str, Any] = {key: _mat(path, key).reshape(-1).astype(np.int64) for key in keys}
    columns["gaze"] = _mat(path, "gaze_dir").reshape(-1, 3)
    names = [str(np.ravel(name)[0]).strip() for name in np.ravel(_mat(path, "recordings", object))]
    if any(len(columns[key]) != len(columns["gaze"]) for key in keys):
        raise DataError(f"{path}: its columns have different lengths")
    who = zip(columns["recording"], columns["person_identity"], strict=True)
    columns["name"] = np.array(
        [f"{names[r]}/{i:06d}" if 0 <= r < len(names) else "" for r, i in who]
    )
    return columns | {"root": path.parent}


def _gaze360_recordings(source: Path) -> list[str]:
    columns = _gaze360(source)
    return sorted({*columns["name"][columns["split"] == _GAZE360_TEST].tolist()} - {""})


def _gaze360_samples(source: Path, name: str) -> Iterator[Sample]:
    columns = _gaze360(source)
    recording, _, identity = name.partition("/")
    focal = _CANVAS_FOCAL * CANVAS_PX
    matrix = Camera(focal, focal, CANVAS_PX / 2, CANVAS_PX / 2).matrix
    own = np.flatnonzero((columns["name"] == name) & (columns["split"] == _GAZE360_TEST))
    for row in own[np.argsort(columns["frame"][own], kind="stable")]:
        frame = int(columns["frame"][row])
        path = columns["root"] / "imgs" / recording / "head" / identity / f"{frame:06d}.jpg"
        gaze = columns["gaze"][row] * [-1, -1, 1]
        yield Sample(frame, partial(_on_canvas, path), gaze, matrix, np.full(2, CANVAS_PX / 2))


def _on_canvas(path: Path) -> Image | None:
    import cv2

    image = decoded(path)
    if image is None:
        return None
    scale = CANVAS_PX / 2 / max(image.shape[:2])
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(image, (width, height), interpolation=kind), np.uint8)
    top, left = (CANVAS_PX - height) // 2, (CANVAS_PX - width) // 2
    sides = top, CANVAS_PX - height - top, left, CANVAS_PX - width - left
    return np.asarray(cv2.copyMakeBorder(image, *sides, cv2.BORDER_REPLICATE), np.uint8)


# ETH-XGaze: subjectXXXX.h5 of normalised faces, BGR, with pitch and yaw, and train_test_split.json.

_XGAZE_FOCAL_PX, _XGAZE_SIDE_PX = 960.0, 224
"""Of the published normalisation; faces of another side have a focal length in proportion."""


def _xgaze_recordings(source: Path) -> list[str]:
    split = next(iter(sorted(source.rglob("train_test_split.json"))), None)
    content = read_json(split) if split else {}
    listed = content.get("train", ()) if isinstance(content, dict) else ()
    named = {Path(str(name)).stem for name in listed}
    own = {path.stem for path in source.rglob("subject*.h5")}
    return sorted(own & named if named else own)


def _xgaze_samples(source: Path, name: str) -> Iterator[Sample]:
    with needed_by("ETH-XGaze, which lies in HDF5 files,"):
        import h5py
    path = next(iter(sorted(source.rglob(f"{name}.h5"))))
    try:
        with h5py.File(path, "r") as file:
            if "face_gaze" not in file:
                raise SkippedError("no face_gaze in it: the authors keep its directions back")
            angles, patches = np.asarray(file["face_gaze"], np.float64), file["face_patch"]
            side = patches.shape[1]
            focal = _XGAZE_FOCAL_PX * side / _XGAZE_SIDE_PX
            matrix = Camera(focal, focal, side / 2, side / 2).matrix
            for row, (pitch, yaw) in enumerate(angles):
                image = partial(_bgr_row, patches, row)
                yield Sample(row, image, from_yaw_pitch(-yaw, pitch), matrix, np.full(2, side / 2))
    except (OSError, KeyError, ValueError, IndexError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _bgr_row(patches: Any, row: int) -> Image:
    return np.ascontiguousarray(np.asarray(patches[row], np.uint8)[..., ::-1])


# EYEDIAP: SESSION/rgb_vga.mov, with the eyes and the target of each frame in metres. Eyes and ball
# are in the world's frame, places on the screen in the camera's.


def _eyediap_recordings(source: Path) -> list[str]:
    sessions = sorted(path.parent.name for path in source.rglob("rgb_vga.mov"))
    return [f"{name.partition('_')[0].zfill(2)}/{name}" for name in sessions]


def _eyediap_samples(source: Path, name: str) -> Iterator[Sample]:
    session = name.partition("/")[2]
    movie = next(p for p in source.rglob("rgb_vga.mov") if p.parent.name == session)
    folder = movie.parent
    matrix, rotation, position = _eyediap_camera(folder / "rgb_vga_calibration.txt")
    screen = folder / "screen_coordinates.txt"
    targets = _numbers(screen if screen.is_file() else folder / "ball_tracking.txt", 3)
    eyes = _numbers(folder / "eye_tracking.txt", 18)
    usable = _eyediap_states(source, session)
    for frame, image in enumerate(_movie(movie)):
        eye, target = eyes.get(frame), targets.get(frame)
        if eye is None or target is None or not usable.get(frame, True):
            continue
        both = (eye[12:18].reshape(2, 3) - position) @ rotation
        aim = target[-3:] if screen.is_file() else (target[-3:] - position) @ rotation
        face_px = eye[:4].reshape(2, 2).mean(axis=0)
        yield Sample(frame, image, aim - both.mean(axis=0), matrix, face_px)


def _eyediap_camera(path: Path) -> tuple[Floats, Floats, Floats]:
    """Intrinsics, rotation and position of the camera in the world."""
    parts: dict[str, list[float]] = {}
    for line in _text(path).splitlines():
        if line.startswith("["):
            own = parts.setdefault(line.strip("[] \r").lower(), [])
        elif line.strip():
            own += [_number(cell, path) for cell in line.split(";") if cell.strip()]
    try:
        matrix, rotation = (np.reshape(parts[key], (3, 3)) for key in ("intrinsics", "r"))
        return matrix, rotation, np.reshape(parts["t"], 3)
    except (KeyError, ValueError):
        raise DataError(
            f"{path}: expected [intrinsics], [R] and [T] of 9, 9 and 3 numbers"
        ) from None


def _eyediap_states(source: Path, session: str) -> dict[int, bool]:
    """Frame -> whether the annotators say that the person looks at the target."""
    paths = (p for p in sorted(source.rglob("gaze_state.txt")) if p.parent.name == session)
    path = next(paths, None)
    rows = (line.split() for line in _text(path).splitlines()) if path else ()
    return {int(row[0]): row[1] == "OK" for row in rows if len(row) > 1 and row[0].isdigit()}


def _movie(path: Path) -> Iterator[Callable[[], Image]]:
    from eyeline.video.reader import VideoReader

    for frame in VideoReader(path):
        yield frame.rgb


def _numbers(path: Path, least: int) -> dict[int, Floats]:
    """Frame -> its numbers; without frames whose numbers lack or are all 0: nothing was seen."""
    rows = {}
    for line in _text(path).splitlines()[1:]:
        frame, *cells = [cell for cell in line.strip().split(";") if cell.strip()] or ["x"]
        values = np.array([_number(cell, path) for cell in cells])
        if frame.isdigit() and len(values) >= least and values[-3:].any():
            rows[int(frame)] = values
    return rows


def _lines(path: Path, between: str, least: int) -> Iterator[list[Any]]:
    """Rows of a text: a name, then numbers."""
    for line in _text(path).splitlines():
        name, *cells = re.split(between, line.strip())
        if name and len(cells) + 1 < least:
            raise DataError(f"{path}: a line of {len(cells) + 1} columns; expected {least} or more")
        if name:
            yield [name, *(_number(cell, path) for cell in cells[: least - 1])]


def _number(cell: str, path: Path) -> float:
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"{path}: '{cell}' is no number") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _mat(path: Path, key: str, kind: Any = np.float64) -> Any:
    """An array of a MATLAB file of versions 4 to 7."""
    from scipy.io import loadmat

    try:
        return np.asarray(loadmat(path, variable_names=[key])[key], kind)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except (KeyError, ValueError, TypeError, NotImplementedError) as error:
        raise DataError(f"{path}: no '{key}' that can be read ({error})") from None


LAYOUTS = {
    "columbia": Layout(_columbia_recordings, _columbia_samples, every=1),
    "mpiifacegaze": Layout(_mpii_recordings, _mpii_samples, every=10),
    "gaze360": Layout(_gaze360_recordings, _gaze360_samples, every=5),
    "ethxgaze": Layout(_xgaze_recordings, _xgaze_samples, every=50),
    "eyediap": Layout(_eyediap_recordings, _eyediap_samples, every=15),
}
