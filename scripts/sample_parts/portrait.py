"""A portrait becomes a head in depth and a body.

Coordinates are pixels of the photograph (512 x 512) until `DETAIL` refines them; depth is in the
same pixels, positive towards the viewer, zero at the outer corners of the eyes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import RBFInterpolator

from . import outlines

Array = npt.NDArray[np.floating[Any]]

DETAIL = 2
"""Pixels of a layer for each pixel of the photograph."""
MM = 2 / 3
"""Photograph pixels for a millimetre of the head: 60 between the outer eye corners."""
BACK_OF_HEAD = -53.0
"""Depth of the head's outline: the plane of the ears."""
HAIR_ENDS = 137.0
"""Row at which the hair ends at the back of the head."""


@dataclass(frozen=True)
class Portrait:
    """Layers of one person, all `DETAIL` pixels for a pixel of the photograph."""

    head_rgb: Array
    """`(h, w, 3)` in [0, 1], continued beyond the outline."""
    front: Array
    """`(h, w)` depth of the visible surface."""
    back: Array
    """`(h, w)` depth of the far surface."""
    inside: Array
    """`(h, w)` signed distance to the head's outline, positive inside."""
    body_rgba: Array
    """`(h, w, 4)` neck, collar and suit, colour not multiplied by alpha."""
    origin: Array
    """`(h, w, 2)` where in the photograph (x, y) the features of a place come from."""
    mirrored: bool = False
    """Whether the person is shown as in a mirror; the layers are not."""


def cut_out(photo: npt.NDArray[np.uint8]) -> Portrait:
    """The portrait's layers, from the photograph `(512, 512, 3)` RGB."""
    size = (photo.shape[1] * DETAIL, photo.shape[0] * DETAIL)
    rgb = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC), np.float32) / 255
    head = _filled((*outlines.HAIR, *outlines.JAW), size)
    inside = _signed_distance(head)
    front, back = _surfaces(inside, size)
    head_rgb = _continued(rgb, inside > 2.0 * DETAIL, 6)
    row, column = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32) / DETAIL
    return Portrait(head_rgb, front, back, inside, _body(rgb, head, size), np.dstack([column, row]))


def reshaped(person: Portrait, moves: Mapping[tuple[int, int], tuple[float, float]]) -> Portrait:
    """The same person with another face.

    Args:
        person: as cut out of the photograph.
        moves: how far places `(x, y)` of the photograph move, `(right, down)`; the rest follows.
    """
    to = np.array([(x + dx, y + dy) for (x, y), (dx, dy) in moves.items()], np.float64)
    still = np.array(
        [*outlines.HAIR[3:-3:2], (150, 10), (310, 10), (140, 200), (310, 200)], np.float64
    )
    places = np.vstack([to, still])
    back = np.vstack([-np.array(list(moves.values()), np.float64), np.zeros_like(still)])
    h, w = person.front.shape
    y, x = np.mgrid[0:h:8, 0:w:8] / DETAIL
    field = RBFInterpolator(places, back, kernel="thin_plate_spline", smoothing=1.0)
    shift = field(np.column_stack([x.ravel(), y.ravel()])).reshape(*x.shape, 2)
    fade = np.exp(-(((x - 226) / 75) ** 4) - ((y - 125) / 75) ** 4)[..., None]
    smooth = cv2.resize((shift * fade).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    return replace(person, origin=person.origin + smooth)


def recoloured(person: Portrait, hair: tuple[float, float, float], suit_hue_deg: float) -> Portrait:
    """The same person with other hair and another suit.

    Args:
        person: as cut out of the photograph.
        hair: factors of red, green and blue.
        suit_hue_deg: the hue that replaces orange.
    """
    h, w = person.front.shape
    skin = cv2.GaussianBlur(_filled((*outlines.FACE, *outlines.JAW), (w, h)), (0, 0), 1.2 * DETAIL)[
        ..., None
    ]
    ears = person.head_rgb[..., :1] - person.head_rgb[..., 2:3] > 0.24
    bright = person.head_rgb.mean(axis=-1, keepdims=True) > 0.55
    rows = np.arange(h)[:, None, None] > 118 * DETAIL
    skin = np.maximum(
        skin, cv2.GaussianBlur((ears & bright & rows).astype(np.float32), (0, 0), 1.5)[..., None]
    )
    dyed = np.asarray(hair, np.float32)
    head = person.head_rgb * (skin + (1 - skin) * dyed)
    body = person.body_rgba.copy()
    neck = cv2.dilate(_filled(outlines.NECK, (w, h)), np.ones((9, 9)))[..., None]
    body[..., :3] = body[..., :3] * neck + _other_suit(body[..., :3], suit_hue_deg) * (1 - neck)
    return replace(person, head_rgb=head, body_rgba=body)


def _filled(points: Any, size: tuple[int, int]) -> Array:
    """A smooth closed outline through the points, filled: `(h, w)` in {0, 1}."""
    fine = np.round(np.asarray(points, np.float64) * DETAIL * 16).astype(np.int32)
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [fine], 255, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5 * DETAIL) > 127, np.float32)


def _signed_distance(mask: Array) -> Array:
    within = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    beyond = cv2.distanceTransform(1 - mask.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(cv2.GaussianBlur(within - beyond, (0, 0), 1.0), np.float32)


def _continued(rgb: Array, known: npt.NDArray[np.bool_], sigma: float) -> Array:
    """Colours of the known region, continued outwards by ever wider blurs."""
    weight = known.astype(np.float32)
    result = rgb * weight[..., None]
    filled = weight.copy()
    colour = np.dstack([result, weight])
    for octave in range(6):
        blurred = cv2.GaussianBlur(colour, (0, 0), sigma)
        wide = cv2.resize(blurred, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        fraction = np.clip(wide[..., 3] * 8, 0, 1) * (1 - filled)
        result += fraction[..., None] * wide[..., :3] / np.maximum(wide[..., 3:], 1e-6)
        filled += fraction
        colour = blurred if octave == 0 else cv2.pyrDown(blurred)
    return np.asarray(result / np.maximum(filled, 1e-6)[..., None], np.float32)


def _surfaces(inside: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """Depth of the front and of the back of the head, smooth, meeting near the outline."""
    coarse = 4
    y, x = np.mgrid[0 : size[1] : coarse, 0 : size[0] : coarse] / DETAIL
    grid = np.column_stack([x.ravel(), y.ravel()])
    rim = _rim_depth(grid).reshape(x.shape)
    depth = inside[::coarse, ::coarse] / DETAIL
    round_off = np.sqrt(1 - (1 - np.clip(depth / 62, 0, 1)) ** 2)
    base = rim + (12.0 - rim) * round_off
    front = base + _features(grid, base, depth, x.shape)
    hair = np.clip((HAIR_ENDS - y) / 4, 0, 1)
    behind_jaw = np.maximum(rim - 14, BACK_OF_HEAD)
    back = hair * (BACK_OF_HEAD - 70.0 * round_off) + (1 - hair) * behind_jaw
    return _refined(front, size), _refined(back, size)


def _refined(depth: npt.NDArray[np.float64], size: tuple[int, int]) -> Array:
    fine = cv2.resize(depth.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(fine, (0, 0), 2.0 * DETAIL))


def _rim_depth(grid: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Depth the outline would have anywhere: the ears' plane, coming forward along the jaw."""
    hair = np.array(outlines.HAIR[2:-2:2], np.float64)
    jaw = np.array(list(outlines.OUTLINE_DEPTH_MM), np.float64)
    depth = np.concatenate(
        [np.full(len(hair), BACK_OF_HEAD), MM * np.array(list(outlines.OUTLINE_DEPTH_MM.values()))]
    )
    return np.asarray(RBFInterpolator(np.vstack([hair, jaw]), depth, kernel="linear")(grid))


def _features(
    grid: npt.NDArray[np.float64], base: Any, depth: Any, shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """What the face adds to the base: nothing at the outline, the measured depths inside."""
    points = np.array(outlines.DEPTH_MM, np.float64)
    column = np.round(points[:, 0] * DETAIL / 4).astype(int)
    row = np.round(points[:, 1] * DETAIL / 4).astype(int)
    extra = points[:, 2] * MM - base[row, column]
    border = np.array((*outlines.HAIR[::2], *outlines.JAW[::2]), np.float64)
    places = np.vstack([points[:, :2], border])
    values = np.concatenate([extra, np.zeros(len(border))])
    field = RBFInterpolator(places, values, kernel="thin_plate_spline", smoothing=2.0)(grid)
    return np.asarray(field.reshape(shape) * np.clip(depth / 6, 0, 1))


def _body(rgb: Array, head: Array, size: tuple[int, int]) -> Array:
    """Neck, collar and suit with the head taken away: `(h, w, 4)`."""
    neck = _filled(outlines.NECK, size)
    skin = neck * (cv2.dilate(head, np.ones((7, 7))) == 0)
    shadow = np.clip((np.arange(size[1], dtype=np.float32)[:, None] / DETAIL - 125) / 60, 0.6, 1)[
        ..., None
    ]
    throat = _continued(rgb, cv2.erode(skin, np.ones((9, 9))) > 0, 4) * shadow
    keep = cv2.GaussianBlur(skin, (0, 0), 2.0)[..., None]
    throat = throat * (1 - keep) + rgb * keep
    collar = _continued(rgb, (_filled(outlines.BODY, size) > 0) & (neck == 0) & (head == 0), 3)
    soft = cv2.GaussianBlur(neck, (0, 0), 1.0)[..., None]
    colour = collar * (1 - soft) + throat * soft
    alpha = cv2.GaussianBlur(np.maximum(_filled(outlines.BODY, size), neck), (0, 0), 1.2)
    return np.dstack([colour, alpha]).astype(np.float32)


def _other_suit(rgb: Array, hue_deg: float) -> Array:
    hsv = cv2.cvtColor(np.clip(rgb, 0, 1), cv2.COLOR_RGB2HSV)
    from_orange = np.abs((hsv[..., 0] - 8 + 180) % 360 - 180)
    orange = np.clip((hsv[..., 1] - 0.32) / 0.1, 0, 1) * (from_orange < 32)
    orange = cv2.GaussianBlur(orange.astype(np.float32), (0, 0), 1.0)[..., None]
    other = hsv * np.array([0, 0.62, 0.72], np.float32)
    other[..., 0] = hue_deg
    changed = cv2.cvtColor(other, cv2.COLOR_HSV2RGB)
    return np.asarray(rgb * (1 - orange) + changed * orange, np.float32)
