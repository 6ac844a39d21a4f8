"""The folders of the published speaker detector: `pywork/<video>` and `head_boxes`.

What the published code pickles is read without running anything in it, and written so that it can
read it. Boxes of `faces.pckl` and `tracks.pckl` are y1, x1, y2, x2 over the image's size.
"""

from __future__ import annotations

import io
import operator
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eyeline.errors import DataError
from eyeline.files import write_bytes
from eyeline.pickles import read_npy, read_pickle
from eyeline.results import Floats, Ints
from eyeline.speech.syncnet.crops import Squares
from eyeline.systems.gaze_following.heads import Heads, Maps
from eyeline.systems.gaze_following.tracking import FaceTrack

FACES, SCENES, TRACKS = "faces.pckl", "scene.pckl", "tracks.pckl"
DISTANCES, OFFSETS, SPEAKER = "activesd.pckl", "offsets.txt", "whospeaks.npy"
LIPS, AUDIO = "V_feats.npy", "A_feats.npy"

_HEADER = "FILENAME\tOFFSET\tCONF"
_OFFSET = re.compile(r"(\d+)\.avi\t(-?\d+)\t(-?\d+(?:\.\d+)?)")
_PROTOCOL = 3


class StoredFaces(NamedTuple):
    """`faces.pckl`: faces by the detector, in its order."""

    frame: Ints
    """`(n,)`."""
    box_norm: Floats
    """`(n, 4)`."""
    score: Floats
    """`(n,)`."""
    frames_read: int


class StoredScenes(NamedTuple):
    """`scene.pckl`."""

    frames_read: int
    cuts: tuple[int, ...]
    """First frames of shots; none for a single one."""


class StoredTrack(NamedTuple):
    """An entry of `tracks.pckl`."""

    track: FaceTrack
    squares: Squares
    """In pixels."""


class StoredOffset(NamedTuple):
    """A row of `offsets.txt`."""

    ticks: int
    confidence: float


def read_faces(path: Path) -> StoredFaces:
    """Faces by the detector; DataError for a file of another kind."""
    frames = _list(path)
    rows = [face for faces in frames for face in _expected(path, faces, list)]
    try:
        frame = np.array([f for f, _, _ in rows], np.int64).reshape(len(rows))
        box = np.array([b for _, b, _ in rows], np.float64).reshape(len(rows), 4)
        score = np.array([s for _, _, s in rows], np.float64).reshape(len(rows))
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f"{path}: a face is [frame, [y1, x1, y2, x2], score] there; this is not"
        ) from None
    return StoredFaces(frame, box, score, len(frames))


def write_faces(path: Path, faces: StoredFaces) -> None:
    """The same file, with plain numbers in it."""
    frames: list[list[Any]] = [[] for _ in range(faces.frames_read)]
    for frame, box, score in zip(faces.frame, faces.box_norm, faces.score, strict=True):
        frames[int(frame)].append([int(frame), box.tolist(), float(score)])
    _pickle(path, frames)


def read_scenes(path: Path) -> StoredScenes:
    """How many frames there are and where shots begin."""
    content = _list(path)
    try:
        frames, cuts = content
        return StoredScenes(operator.index(frames), tuple(operator.index(cut) for cut in cuts))
    except (TypeError, ValueError):
        raise DataError(f"{path}: expected [frames, [first frames of shots]]") from None


def write_scenes(path: Path, scenes: StoredScenes) -> None:
    """The same file."""
    _pickle(path, [scenes.frames_read, list(scenes.cuts)])


def read_tracks(path: Path) -> list[StoredTrack]:
    """Tracks with their smoothed squares."""
    result: list[StoredTrack] = []
    for entry in _list(path):
        try:
            (frame, box), (half, x, y) = entry
            columns = [np.asarray(v, np.float64) for v in (half, x, y)]
            track = FaceTrack(np.asarray(frame, np.int64), np.asarray(box, np.float64))
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{path}: a track is [[frames, boxes], [s, x, y]] there") from None
        rows = (track.frame.size,)
        if {v.shape for v in (track.frame, *columns)} != {rows} or track.box_norm.shape != (
            *rows,
            4,
        ):
            raise DataError(f"{path}: track {len(result)} has columns of unequal length")
        result.append(StoredTrack(track, Squares(*columns)))
    return result


def write_tracks(path: Path, tracks: Sequence[StoredTrack]) -> None:
    """The same file."""
    _pickle(path, [[[t.track.frame, t.track.box_norm], list(t.squares)] for t in tracks])


def read_distances(path: Path) -> list[Floats]:
    """Distances `(n, 31)` of each track at shifts of -15 to 15 ticks."""
    result: list[Floats] = _list(path)
    if any(not isinstance(d, np.ndarray) or d.ndim != 2 for d in result):
        raise DataError(f"{path}: expected a table of distances for each track")
    return result


def write_distances(path: Path, distances: Sequence[Floats]) -> None:
    """The same file, in single precision."""
    _pickle(path, [np.asarray(d, np.float32) for d in distances])


def read_offsets(path: Path) -> list[StoredOffset]:
    """The best shift of each track."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    rows = [_OFFSET.fullmatch(line) for line in lines[1:]]
    if not lines or lines[0] != _HEADER or None in rows:
        wrong = 1 if not lines or lines[0] != _HEADER else rows.index(None) + 2
        raise DataError(
            f"{path}, line {wrong}: expected '{_HEADER}', then '00000.avi\\t-6\\t0.847'"
        )
    return [StoredOffset(int(row[2]), float(row[3])) for row in rows if row]


def write_offsets(path: Path, offsets: Sequence[StoredOffset]) -> None:
    """The same file."""
    rows = [f"{i:05d}.avi\t{o.ticks}\t{o.confidence:.3f}" for i, o in enumerate(offsets)]
    write_bytes(path, "".join(f"{line}\n" for line in (_HEADER, *rows)).encode())


def read_array(path: Path, axes: int) -> Floats:
    """An array of numbers: `whospeaks.npy` `(n,)`, features `(tracks, n, 1024)`."""
    result = read_npy(path)
    if not isinstance(result, np.ndarray) or result.ndim != axes:
        raise DataError(f"{path}: expected an array of {axes} axes")
    return result


def write_array(path: Path, array: Floats) -> None:
    """The same file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    write_bytes(path, file.getvalue())


def read_head_boxes(path: Path) -> Ints:
    """`<video>_frame_faces_boxes.npy`: `(tracks, n, 4)` xyxy, or of corners `(tracks, n, 4, 2)`."""
    content = _expected(path, read_npy(path), dict)
    if content.keys() != {str(i) for i in range(len(content))}:
        result = ", ".join(map(str, content))
        raise DataError(f"{path}: expected tracks '0', '1', ..., got {result}")
    try:
        boxes = np.array([content[str(i)] for i in range(len(content))], np.int64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{path}: tracks of unequal length, or boxes that are none") from None
    if boxes.shape[2:] not in ((4,), (4, 2)):
        raise DataError(f"{path}: boxes of shape {boxes.shape[2:]}; expected 4 sides or 4 corners")
    return boxes


def write_head_boxes(folder: Path, video: str, heads: Heads) -> None:
    """Both files of head boxes of heads `(tracks, n)`."""
    write_boxes(folder / f"{video}_frame_faces_boxes.npy", heads.box_xyxy)
    write_boxes(folder / f"{video}_faces_bboxes.npy", heads.corners_px)


def write_boxes(path: Path, boxes: Ints) -> None:
    """One such file: `(tracks, n, 4)` xyxy, or corners `(tracks, n, 4, 2)`, which are tuples."""
    tracks = boxes.tolist()
    if boxes.ndim == 4:
        tracks = [[[tuple(corner) for corner in box] for box in track] for track in tracks]
    content = np.array({str(i): track for i, track in enumerate(tracks)}, object)
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, header)
    file.write(_dumped(content))
    write_bytes(path, file.getvalue())


def write_maps(folder: Path, video: str, frame: int, drawn: Maps) -> None:
    """Both images of a frame's heads, `VVV_f<frame>_speaker.png` and `..._nonspeaker.png`."""
    import cv2

    for path, image in zip(_map_paths(folder, video, frame), drawn, strict=True):
        write_bytes(path, cv2.imencode(".png", image)[1].tobytes())


def read_maps(folder: Path, video: str, frame: int) -> Maps | None:
    """Both images of a frame's heads; None for a frame that has none.

    Raises:
        DataError: only one is there, one is no image, or they differ in size.
    """
    import cv2

    paths = _map_paths(folder, video, frame)
    there = [path for path in paths if path.is_file()]
    if not there:
        return None
    if len(there) < len(paths):
        raise DataError(f"{there[0]} lies there without its other half")
    result = [cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE) for path in paths]
    images = [np.asarray(image, np.uint8) for image in result if image is not None]
    if len(images) < len(paths) or images[0].shape != images[1].shape:
        raise DataError(f"{paths[0]} and {paths[1].name}: not two images of one size")
    return Maps(*images)


def _map_paths(folder: Path, video: str, frame: int) -> list[Path]:
    return [folder / f"{video}_f{frame}_{kind}.png" for kind in ("speaker", "nonspeaker")]


def _pickle(path: Path, content: Any) -> None:
    write_bytes(path, _dumped(content))


def _dumped(content: Any) -> bytes:
    """A pickle that the numpy of the published code can read, too."""
    return pickle.dumps(content, protocol=_PROTOCOL).replace(
        b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"
    )


def _list(path: Path) -> list[Any]:
    result: list[Any] = _expected(path, read_pickle(path, objects=True), list)
    return result


def _expected(path: Path, content: Any, kind: type) -> Any:
    if not isinstance(content, kind):
        raise DataError(f"{path} holds a {type(content).__name__}; expected a {kind.__name__}")
    return content
