"""Crops of heads and eyes, and angles as they look along the ray to the head."""

from __future__ import annotations

import numpy as np

from eyeline.geometry import boxes
from eyeline.geometry.directions import normalise, rotation_from_angles, to_yaw_pitch
from eyeline.results import Floats, Image

HEAD_PX = 96
"""Side of the head's crop."""
HEAD_MARGIN = 1.25
"""Side of the crop over the longer side of the head's box."""
EYE_W, EYE_H = 60, 36
"""Of one eye's crop."""
EYE_PX_PER_MM = 1.6
EYES_MM = 62.0
"""What the crops take the distance of the two eyes to be."""
_MEAN, _SPREAD = 127.5, 64.0
_SHRUNK = 0.6
"""Below this zoom pixels are averaged before they are picked."""


def towards(rays: Floats) -> Floats:
    """`(n, 3, 3)` turns of the camera frame that bring its z axis onto rays `(n, 3)`."""
    yaw, pitch = to_yaw_pitch(-normalise(rays))
    return rotation_from_angles(yaw, pitch, np.zeros_like(yaw)).swapaxes(-1, -2)


def head_affine(box_xyxy: Floats) -> Floats:
    """The map `(2, 3)` from an image's pixels to the crop's, from the box of a head."""
    centre = boxes.centre(box_xyxy)
    scale = HEAD_PX / (HEAD_MARGIN * float((box_xyxy[2:] - box_xyxy[:2]).max()))
    return np.array(
        [[scale, 0, HEAD_PX / 2 - scale * centre[0]], [0, scale, HEAD_PX / 2 - scale * centre[1]]]
    )


def turned(affine: Floats, angle_rad: float) -> Floats:
    """A head's map `(2, 3)` with the crop's content turned about its centre, clockwise."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    centre = np.full(2, HEAD_PX / 2)
    return np.column_stack([turn @ affine[:, :2], turn @ (affine[:, 2] - centre) + centre])


def eye_affine(centre_px: Floats, px_per_mm: float, roll_rad: float, mirrored: bool) -> Floats:
    """The map `(2, 3)` from an image's pixels to an eye's crop, its eyes' row level.

    Args:
        centre_px: `(2,)` between the corners of the eye.
        px_per_mm: of the image, where `EYES_MM` lie between the eyes.
        roll_rad: of the row of the eyes, clockwise in the image.
        mirrored: whether to swap sides; the eye on the image's right is, so that the nose always
            lies to the right in the crop.
    """
    scale = EYE_PX_PER_MM / px_per_mm
    cos, sin = scale * np.cos(roll_rad), scale * np.sin(roll_rad)
    linear = np.array([[cos, sin], [-sin, cos]])
    if mirrored:
        linear = linear * np.array([[-1.0], [1.0]])
    offset = np.array([EYE_W, EYE_H]) / 2 - linear @ centre_px
    return np.concatenate([linear, offset[:, None]], 1)


def cut(image: Image, affine: Floats, size_wh: tuple[int, int]) -> Image:
    """The part of an image `(h, w, 3)` that a map takes into a crop; pixel centres at halves."""
    import cv2

    zoom = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    if zoom < _SHRUNK:
        image, affine = _near(image, affine, size_wh, 4 / zoom)
        small = np.maximum(1, np.round(np.array(image.shape[1::-1]) * zoom * 1.2)).astype(int)
        factor = np.array(image.shape[1::-1]) / small
        image = np.asarray(cv2.resize(image, small.tolist(), interpolation=cv2.INTER_AREA))
        affine = affine * np.array([*factor, 1.0])
    matrix = affine.copy()
    matrix[:, 2] += affine[:, :2] @ [0.5, 0.5] - 0.5
    return np.asarray(
        cv2.warpAffine(
            image, matrix, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    )


def _near(
    image: Image, affine: Floats, size_wh: tuple[int, int], margin_px: float
) -> tuple[Image, Floats]:
    """The part of an image about a crop, and the map from there: the rest need not be shrunk."""
    width, height = size_wh
    ends = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    ends = np.linalg.solve(affine[:, :2], (ends - affine[:, 2]).T).T
    most = np.array(image.shape[1::-1])
    low = np.clip(np.floor(ends.min(0) - margin_px), 0, most - 1).astype(int)
    high = np.clip(np.ceil(ends.max(0) + margin_px), low + 1, most).astype(int)
    moved = affine.copy()
    moved[:, 2] += affine[:, :2] @ low
    return image[low[1] : high[1], low[0] : high[0]], moved


def apply(affine: Floats, points: Floats) -> Floats:
    """Points `(..., 2)` through a map `(2, 3)`."""
    return np.asarray(points @ affine[:, :2].T + affine[:, 2])


def standardised(crops: Image) -> Floats:
    """Crops `(..., h, w, 3)` as the networks take them, `(..., 3, h, w)` float32."""
    values = (crops.astype(np.float32) - _MEAN) / _SPREAD
    return np.ascontiguousarray(np.moveaxis(values, -1, -3))
