"""The networks that learned from rendered heads, on the faces of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.geometry import directions
from eyeline.people import head_crops
from eyeline.people.detect import head_box
from eyeline.people.sessions import open_session
from eyeline.people.turns import Turns
from eyeline.results import Floats, Image

WEIGHTS = Path(__file__).parent / "weights"
"""Trained by us on rendered heads: `gaze_3d/rendered_heads` and `gaze_3d/rendered_eyes`."""


class HeadNetwork:
    """Turns of the heads in an image.

    Args:
        weights: an ONNX file of `gaze_3d/rendered_heads`.
        threads: threads of the network's session.
    """

    def __init__(self, weights: Path | str = WEIGHTS / "heads.onnx", threads: int = 1) -> None:
        """Load the network."""
        self._session = open_session(Path(weights).read_bytes(), threads)

    def __call__(self, image: Image, face_xyxy: Floats) -> Turns:
        """Of faces `(n, 4)` in an image `(h, w, 3)`."""
        size = (head_crops.HEAD_PX, head_crops.HEAD_PX)
        crops = [
            head_crops.cut(image, head_crops.head_affine(box), size) for box in head_box(face_xyxy)
        ]
        rotation, log_error = self._session.run(
            ["rotation", "log_error"], {"crop": head_crops.standardised(np.stack(crops))}
        )
        return Turns(np.asarray(rotation, np.float64), np.exp(np.asarray(log_error, np.float64)))


@dataclass(frozen=True)
class Look:
    """What both eyes of a face show; the eye on the image's left first."""

    gaze_rad: Floats
    """`(2,)` yaw and pitch of both together in the head's frame."""
    error_rad: float
    """Expected angle of its error, as stated."""
    iris_px: Floats
    """`(2, 2)` centres of the rims in the frame."""
    opening: Floats
    """`(2,)` distance of the lids over the width of the eye."""
    closed: Floats
    """`(2,)` probability."""
    visible: Floats
    """`(2,)` probability that at least a third of the iris is seen."""

    def open(self) -> npt.NDArray[np.bool_]:
        """`(2,)` which eyes show where they look."""
        return np.asarray((self.closed < 0.5) & (self.visible > 0.5))


class EyeNetwork:
    """Where the eyes of a face look within its head.

    Args:
        weights: an ONNX file of `gaze_3d/rendered_eyes`.
        threads: threads of the network's session.
    """

    def __init__(self, weights: Path | str = WEIGHTS / "eyes.onnx", threads: int = 1) -> None:
        """Load the network."""
        self._session = open_session(Path(weights).read_bytes(), threads)

    def __call__(
        self, image: Image, eyes_px: Floats, px_per_mm: float, roll_rad: float, rotation: Floats
    ) -> Look:
        """Of one face.

        Args:
            image: `(h, w, 3)` frame.
            eyes_px: `(2, 2)` middles of the lids.
            px_per_mm: of a face whose eyes lie 62 mm apart.
            roll_rad: of the head in the image, clockwise.
            rotation: `(3, 3)` of `HeadNetwork`.
        """
        size = (head_crops.EYE_W, head_crops.EYE_H)
        maps = [
            head_crops.eye_affine(eyes_px[k], px_per_mm, roll_rad, mirrored=k == 1)
            for k in range(2)
        ]
        crops = np.stack([head_crops.cut(image, matrix, size) for matrix in maps])
        zero = np.zeros(1)
        level = directions.rotation_from_angles(zero, zero, np.array([-roll_rad]))[0] @ rotation
        names = ["gaze", "log_error", "iris", "opening", "closed", "visible"]
        given = {
            "crops": head_crops.standardised(crops)[None],
            "rotation": level[None].astype(np.float32),
        }
        values = [np.asarray(v[0], np.float64) for v in self._session.run(names, given)]
        gaze, log_error, iris, opening, closed, visible = values
        places = [
            np.linalg.solve(matrix[:, :2], place - matrix[:, 2])
            for matrix, place in zip(maps, iris, strict=True)
        ]
        return Look(
            gaze,
            float(np.exp(log_error)),
            np.array(places),
            opening,
            1 / (1 + np.exp(-closed)),
            1 / (1 + np.exp(-visible)),
        )


def eye_middles(six_px: Floats) -> Floats:
    """Middles `(2, 2)` between the corners of each eye, from `Track.six_px` of a frame."""
    return np.asarray(six_px[:4].reshape(2, 2, 2).mean(1))
