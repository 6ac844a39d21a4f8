"""The scene: two people at a table before a plain wall, drawn frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from . import head, outlines, portrait
from .head import Pose
from .portrait import Array, Portrait

WIDTH_PX, HEIGHT_PX = 854, 480
TABLE_PX = 418
"""Row at which the table begins."""

_EYES = (225.0, 102.5, -6.0)
"""Midway between the outer corners of the eyes: photograph pixels, depth in the same."""


@dataclass(frozen=True)
class Seat:
    """A person in a place."""

    person: Portrait
    body: Array
    """`(h, w, 4)` RGB multiplied by alpha, at the image's scale."""
    scale: float
    """Pixels of the image for a pixel of the photograph."""
    pivot_px: tuple[float, float]
    """Where the neck ends in the image."""


def seats(photo: npt.NDArray[np.uint8]) -> tuple[Seat, Seat]:
    """Both people, from the one photograph `(512, 512, 3)` RGB."""
    first = portrait.cut_out(photo)
    second = portrait.recoloured(
        portrait.reshaped(first, outlines.OTHER_FACE), (0.42, 0.36, 0.34), 205
    )
    return (
        _seat(first, 1.30, (225.0, 214.0)),
        _seat(replace(second, mirrored=True), 1.34, (632.0, 206.0)),
    )


def backdrop() -> Array:
    """Wall and table `(HEIGHT_PX, WIDTH_PX, 3)`, RGB in [0, 1]."""
    y, x = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX].astype(np.float32)
    wall = np.array([0.60, 0.645, 0.66], np.float32) * np.ones_like(x)[..., None]
    glow = np.exp(-(((x - 400) / 420) ** 2) - ((y - 150) / 300) ** 2)
    panel = 0.5 + 0.5 * np.tanh((np.abs(x - 427) - 300) / 2.5)
    wall = wall * (0.72 + 0.42 * glow - 0.05 * panel)[..., None]
    skirting = np.clip((y - 300) / 120, 0, 1)[..., None]
    wall = wall * (1 - 0.12 * skirting)
    grain = np.random.default_rng(3).standard_normal((HEIGHT_PX, WIDTH_PX)).astype(np.float32)
    streaks = cv2.GaussianBlur(grain, (0, 0), sigmaX=60, sigmaY=0.8) * 7
    wood = np.array([0.45, 0.32, 0.22], np.float32) * (1 + 0.05 * streaks)[..., None]
    wood = wood * (0.75 + 0.35 * np.clip((y - TABLE_PX) / 60, 0, 1))[..., None]
    edge = np.clip(y - TABLE_PX + 0.5, 0, 1)[..., None]
    lit = np.exp(-np.abs(y - TABLE_PX - 2) / 1.5)[..., None] * 0.10
    dither = np.random.default_rng(4).uniform(-0.5, 0.5, (HEIGHT_PX, WIDTH_PX, 1)) / 255
    return np.asarray(wall * (1 - edge) + (wood + lit) * edge + dither, np.float32)


def draw(
    wall: Array, people: tuple[Seat, ...], poses: tuple[Pose, ...], sway_px: Any
) -> npt.NDArray[np.uint8]:
    """One frame `(HEIGHT_PX, WIDTH_PX, 3)` RGB; `sway_px` is `(people, 2)`."""
    image = wall.copy()
    for seat, pose, sway in zip(people, poses, sway_px, strict=True):
        _paste_body(image, seat, sway)
        x, y = _centre_px(seat, sway)
        whole = np.floor([x, y]).astype(int)
        drawn = head.draw_head(
            seat.person, pose, seat.scale, (float(x - whole[0]), float(y - whole[1]))
        )
        _paste(image, drawn, *(whole - drawn.shape[0] // 2))
    image[TABLE_PX:] = wall[TABLE_PX:]
    _reflect(image)
    return np.asarray(np.clip(image * 255 + 0.5, 0, 255), np.uint8)


def eyes_px(seat: Seat, pose: Pose, sway_px: Any) -> tuple[float, float]:
    """Where the point between the eyes is drawn, `(x, y)` in pixels of the image."""
    sign = -1.0 if seat.person.mirrored else 1.0
    seen = replace(pose, yaw_deg=sign * pose.yaw_deg, roll_deg=sign * pose.roll_deg)
    offset = np.subtract(_EYES, head.PIVOT) @ head.rotation(seen)
    x = seat.pivot_px[0] + sway_px[0] + sign * seat.scale * offset[0]
    return float(x), float(seat.pivot_px[1] + sway_px[1] + seat.scale * offset[1])


def _seat(person: Portrait, scale: float, pivot_px: tuple[float, float]) -> Seat:
    colour, alpha = person.body_rgba[..., :3], person.body_rgba[..., 3:]
    factor = scale / portrait.DETAIL
    body = cv2.resize(
        np.dstack([colour * alpha, alpha]), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA
    )
    return Seat(
        person, np.ascontiguousarray(body[:, ::-1] if person.mirrored else body), scale, pivot_px
    )


def _across(seat: Seat, column: float) -> float:
    """Pixels of the image from the pivot to a column of the photograph."""
    right = (column - head.PIVOT[0]) * seat.scale
    return -right if seat.person.mirrored else right


def _centre_px(seat: Seat, sway: Any) -> tuple[float, float]:
    down = (head.CENTRE[1] - head.PIVOT[1]) * seat.scale
    return seat.pivot_px[0] + _across(seat, head.CENTRE[0]) + sway[0], seat.pivot_px[
        1
    ] + down + sway[1]


def _paste_body(image: Array, seat: Seat, sway: Any) -> None:
    width = seat.body.shape[1]
    column = head.PIVOT[0] * seat.scale
    left = seat.pivot_px[0] + sway[0] - (width - column if seat.person.mirrored else column)
    top = seat.pivot_px[1] + sway[1] - head.PIVOT[1] * seat.scale
    lean = sway[0] / (TABLE_PX - seat.pivot_px[1])
    to_image = np.array([[1, -lean, left + lean * head.PIVOT[1] * seat.scale], [0, 1, top]])
    layer = cv2.warpAffine(seat.body, to_image, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_CUBIC)
    image *= 1 - np.clip(layer[..., 3:], 0, 1)
    image += np.clip(layer[..., :3], 0, 1)


def _paste(image: Array, layer: Array, left: int, top: int) -> None:
    """Draw a layer, RGB multiplied by alpha, over the image, cut at its borders."""
    h, w = layer.shape[:2]
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + h, image.shape[0]), min(left + w, image.shape[1])
    part = layer[y0 - top : y1 - top, x0 - left : x1 - left]
    target = image[y0:y1, x0:x1]
    target *= 1 - part[..., 3:]
    target += part[..., :3]


def _reflect(image: Array) -> None:
    """A dim mirror image of what stands behind the table."""
    rows = image.shape[0] - TABLE_PX
    above = cv2.GaussianBlur(image[TABLE_PX - rows : TABLE_PX][::-1], (0, 0), 5)
    fade = np.linspace(0.16, 0.02, rows, dtype=np.float32)[:, None, None]
    image[TABLE_PX:] = image[TABLE_PX:] * (1 - fade) + above * fade
