"""Faces in one frame: CenterFace, from the model file that the package carries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.carried import carried
from eyeline.geometry import boxes
from eyeline.people.sessions import open_session
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.people.follow import Measure
    from eyeline.people.tracks import BoxSource, Track
    from eyeline.video.reader import Frame

_STRIDE = 4
"""Pixels of the network's input per cell of its output."""
_MULTIPLE = 32
"""Both sides of the network's input must be multiples of this."""

LONGEST_PX = 480
"""Longer side of the copy in which faces are looked for."""

HEAD_WIDTH, HEAD_HEIGHT, HEAD_RISE = 1.4, 1.35, 0.08
"""Size of a head against the detector's face box, and how far its middle lies higher, in face
heights."""


@dataclass(frozen=True)
class Faces:
    """The faces of one frame, the surest first."""

    box_xyxy: Floats
    """`(n, 4)` pixels of the upright frame, forehead to chin."""
    score: Floats
    """`(n,)` in [0, 1]."""
    five_px: Floats
    """`(n, 5, 2)` eye on the image's left, other eye, nose tip, mouth corners left and right."""

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.score)

    @classmethod
    def none(cls) -> Faces:
        """No face at all."""
        return cls(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))


class Detector(ABC):
    """Whatever finds faces."""

    box_source: BoxSource = "centerface"
    """What its boxes are like, see `published_face`."""

    @abstractmethod
    def detect(self, frame: Frame) -> Faces:
        """The faces of a frame, in the frame's own pixels."""

    def measure(self) -> Measure | None:
        """What measures its faces, None for the usual `follow.Measure`."""
        return None

    def completed(self, tracks: Sequence[Track]) -> list[Track]:
        """The tracks with what else it knows of them."""
        return list(tracks)


def head_box(face_xyxy: Floats) -> Floats:
    """Boxes of whole heads `(..., 4)`, hair to chin, ear to ear, guessed from faces `(..., 4)`."""
    width, height = (face_xyxy[..., i + 2] - face_xyxy[..., i] for i in (0, 1))
    x, y = np.moveaxis(boxes.centre(face_xyxy), -1, 0)
    half_width, half_height = HEAD_WIDTH / 2 * width, HEAD_HEIGHT / 2 * height
    y = y - HEAD_RISE * height
    return np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=-1)


def input_size(width_px: int, height_px: int, longest_px: int = LONGEST_PX) -> tuple[int, int]:
    """Width and height of a scaled copy: multiples of 32, no larger than the frame needs."""
    scale = min(1.0, longest_px / max(width_px, height_px))

    def fit(n: int) -> int:
        return max(_MULTIPLE, round(n * scale / _MULTIPLE) * _MULTIPLE)

    return fit(width_px), fit(height_px)


class CenterFace(Detector):
    """CenterFace on a scaled copy of the frame (Xu et al. 2020, arXiv 1911.03599; model MIT).

    Args:
        longest_px: longer side of the scaled copy. 480 finds faces of about 1/40 of that side; a
            larger value finds smaller faces in proportion and costs its square.
        threshold: least confidence of a face.
        threads: threads of the network's session.
    """

    def __init__(
        self, longest_px: int = LONGEST_PX, threshold: float = 0.35, threads: int = 1
    ) -> None:
        """Open the model; CheckpointError if its file is missing."""
        self.longest_px = longest_px
        self.threshold = threshold
        self._session = _open_session(carried("centerface.onnx"), threads)

    def input_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Width and height of the scaled copy."""
        return input_size(width_px, height_px, self.longest_px)

    def detect(self, frame: Frame) -> Faces:
        """The faces of a frame, in the frame's own pixels."""
        height_px, width_px = frame.gray().shape
        width, height = self.input_size(width_px, height_px)
        return self.detect_small(frame.small_rgb(width, height), width_px, height_px)

    def detect_small(self, rgb: Image, width_px: int, height_px: int) -> Faces:
        """The faces of a scaled copy `(h, w, 3)`, in pixels of the frame of the given size."""
        blob = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32)
        heat, size, offset, points = self._session.run(
            None, {self._session.get_inputs()[0].name: blob}
        )
        faces = decode(heat[0, 0], size[0], offset[0], points[0], self.threshold)
        stretch = np.array([width_px / rgb.shape[1], height_px / rgb.shape[0]])
        box = boxes.clip(faces.box_xyxy * np.tile(stretch, 2), width_px, height_px)
        return Faces(box, faces.score, faces.five_px * stretch)


def decode(heat: Floats, size: Floats, offset: Floats, points: Floats, threshold: float) -> Faces:
    """Faces from the network's four maps, overlapping ones suppressed.

    Args:
        heat: `(rows, columns)` confidence that a face's middle lies in the cell.
        size: `(2, rows, columns)` logarithm of height and width in cells.
        offset: `(2, rows, columns)` shift of the middle down and right, in cells.
        points: `(10, rows, columns)` the five points, y and x in turn, in box sizes from the box's
            corner.
        threshold: least confidence.
    """
    row, column = np.nonzero(heat > threshold)
    score = heat[row, column].astype(np.float64)
    order = np.argsort(-score, kind="stable")
    row, column, score = row[order], column[order], score[order]
    hw = np.exp(size[:, row, column].T.astype(np.float64)) * _STRIDE
    centre = (np.stack([row, column], 1) + offset[:, row, column].T + 0.5) * _STRIDE
    corner = centre - hw / 2
    box = np.concatenate([corner[:, ::-1], (corner + hw)[:, ::-1]], axis=1)
    five = points[:, row, column].T.reshape(-1, 5, 2) * hw[:, None] + corner[:, None]
    keep = suppress(box, 0.3)
    return Faces(box[keep], score[keep], five[keep, :, ::-1])


def suppress(box_xyxy: Floats, most_iou: float) -> list[int]:
    """Indices of boxes that overlap no earlier kept one by more than `most_iou`.

    Args:
        box_xyxy: `(n, 4)`, the surest first.
        most_iou: intersection over union up to which both are kept.
    """
    overlap = boxes.iou(box_xyxy, box_xyxy)
    kept: list[int] = []
    for i in range(len(box_xyxy)):
        if not kept or overlap[i, kept].max() <= most_iou:
            kept.append(i)
    return kept


def _open_session(path: Path, threads: int) -> Any:
    """A session on the published graph, for images of any size.

    The file fixes the input to 10x3x32x32 and lists weights as inputs; it is freed of both.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    for value in (*graph.input, *graph.output):
        for axis, word in ((0, "batch"), (2, "height"), (3, "width")):
            dim = value.type.tensor_type.shape.dim[axis]
            dim.ClearField("dim_value")
            dim.dim_param = f"{value.name}_{word}"
    return open_session(model.SerializeToString(), threads)
