"""A head in depth, posed and drawn: mouth and eyes move in the photograph, the turn is ray cast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from eyeline.geometry.directions import rotation_from_angles

from .portrait import BACK_OF_HEAD, DETAIL, HAIR_ENDS, Array, Portrait

Bools = npt.NDArray[np.bool_]

PIVOT = (226.0, 150.0, -42.0)
"""Where the head turns: on top of the neck, photograph pixels and depth."""
PORTRAIT_ROLL_DEG, PORTRAIT_PITCH_DEG = 2.0, -4.0
"""How the photographed head is held: tilted clockwise, nodding down."""
CENTRE = (226.0, 114.0)
"""Middle of the square in which a head is drawn, photograph pixels."""
REACH = 126.0
"""Half side of that square."""

_EYES = ((195.0, 101.5, 212.5, 104.0, 203.0), (237.0, 105.0, 256.0, 104.0, 246.5))
"""Corners (x, y, x, y) of both eyes and the column of the iris."""
_MOUTH = (224.0, 22.0)
"""Middle and half width of the mouth."""
_IRIS_TRAVEL = 4.6
"""Photograph pixels that the iris moves for an eye turned by 45 degrees."""
_FROM, _TO, _STEP = 120.0, -125.0, 3.0
"""Depths about the pivot between which rays are followed, and how finely."""
_LIGHT = np.array([-0.35, -0.55, 0.76])
"""Towards the key light: right, down, towards the viewer."""


@dataclass(frozen=True)
class Pose:
    """How a head is held and what its features do."""

    yaw_deg: float = 0.0
    """Towards the right edge of the image, as seen from the camera."""
    pitch_deg: float = 0.0
    """Upwards."""
    roll_deg: float = 0.0
    """Clockwise."""
    eye_yaw_deg: float = 0.0
    """Turn of the eyes within the head, towards the right edge of the image."""
    mouth: float = 0.0
    """0 lips closed, 1 wide open."""
    blink: float = 0.0
    """0 eyes open, 1 closed."""


def draw_head(
    person: Portrait, pose: Pose, scale: float, shift_px: tuple[float, float] = (0.0, 0.0)
) -> Array:
    """The head as an image.

    Args:
        person: whose head.
        pose: how it is held.
        scale: pixels of the image for a pixel of the photograph.
        shift_px: fractions of a pixel, right and down, by which the head is off the middle.

    Returns:
        `(n, n, 4)` RGB multiplied by alpha, `CENTRE` (mirrored with the person) in its middle.
    """
    if person.mirrored:
        pose = replace(
            pose, yaw_deg=-pose.yaw_deg, roll_deg=-pose.roll_deg, eye_yaw_deg=-pose.eye_yaw_deg
        )
        shift_px = (-shift_px[0], shift_px[1])
    side = 2 * round(REACH * scale)
    centre = np.subtract(CENTRE, PIVOT[:2]) - np.divide(shift_px, scale)
    fine = _rays_hit(_with_features(person, pose), pose, side * 3 // 2, scale * 1.5, centre)
    small = cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[:, ::-1] if person.mirrored else small)


def _with_features(person: Portrait, pose: Pose) -> Portrait:
    """The layers after mouth, lids and eyes have moved."""
    x, y = person.origin[..., 0], person.origin[..., 1]
    mouth_y, gap = _mouth_rows(x, y, pose.mouth)
    map_y = _lid_rows(x, mouth_y, pose.blink) * DETAIL
    map_x = (x + _iris_shift(x, y, pose.eye_yaw_deg)) * DETAIL
    rgb = _sampled(person.head_rgb, map_x, map_y)
    cavity = np.array([0.16, 0.05, 0.06], np.float32)
    return replace(
        person,
        head_rgb=rgb * (1 - gap[..., None]) + cavity * gap[..., None],
        front=_sampled(person.front, map_x, map_y),
        inside=_sampled(person.inside, map_x, map_y),
    )


def _mouth_rows(x: Array, y: Array, opening: float) -> tuple[Array, Array]:
    """Source rows of a mouth that opens, and where its dark inside shows.

    The photograph smiles with the teeth showing: the lower lip rises over them to close the mouth,
    and falls with the chin to open it.
    """
    centre, half = _MOUTH
    window = np.sqrt(np.clip(1 - ((x - centre) / half) ** 2, 0, 1))
    jaw = np.clip(1 - ((x - centre) / 60) ** 2, 0, 1) ** 2
    lip = 140 + 9.3 * window**2
    fall = window * (-6.2 + 12.5 * opening)
    chin, chin_fall = 179.0, jaw * (-1.5 + 7.5 * opening)
    lip_now, chin_now = lip + fall, chin + chin_fall
    between = lip + (y - lip_now) * (chin - lip) / np.maximum(chin_now - lip_now, 1)
    rows = np.where(y < lip_now, np.minimum(y, lip), between)
    rows = np.where(y > chin_now, y - chin_fall, rows)
    rows = np.where(y < 139, y, rows)
    gap = np.clip((y - lip + 0.5) / 1.2, 0, 1) * np.clip((lip_now - y) / 1.2, 0, 1)
    return rows.astype(np.float32), np.asarray(gap * (window > 0.05), np.float32)


def _lid_rows(x: Array, y: Array, closed: float) -> Array:
    """Source rows of upper lids that come down, the skin below the brow following."""
    rows = y
    for x0, y0, x1, y1, _ in _EYES:
        along = (x - x0) / (x1 - x0)
        arch = np.sqrt(np.clip(1 - (2 * along - 1) ** 2, 0, 1))
        line = y0 + (y1 - y0) * along
        upper, lower, brow = line - 6.2 * arch, line + 2.4 * arch, line - 9.5
        lid = upper + closed * (lower - upper)
        skin = brow + (y - brow) * (upper - brow) / np.maximum(lid - brow, 1)
        below = (y < lid) & (y > brow) & (arch > 0)
        rows = np.where(below, skin, rows)
    return np.asarray(rows, np.float32)


def _iris_shift(x: Array, y: Array, eye_yaw_deg: float) -> Array:
    """Source columns minus columns, for eyes turned in the unmirrored photograph."""
    travel = _IRIS_TRAVEL * np.sin(np.radians(eye_yaw_deg)) / np.sin(np.radians(45))
    shift = np.zeros_like(x)
    for x0, y0, x1, y1, iris in _EYES:
        along = np.clip((x - x0) / (x1 - x0), 0, 1)
        line = y0 + (y1 - y0) * along
        arch = np.sqrt(np.clip(1 - (2 * along - 1) ** 2, 0, 1))
        inside = np.clip((y - line + 6.0 * arch) / 1.0, 0, 1) * np.clip(
            (line + 3.0 * arch - y) / 1.0, 0, 1
        )
        target = iris + travel
        near = np.clip(
            1 - np.abs(x - target) / np.where(x < target, target - x0, x1 - target), 0, 1
        )
        shift -= travel * np.clip(near * 1.8, 0, 1) * inside
    return np.asarray(shift, np.float32)


def _sampled(layer: Array, map_x: Array, map_y: Array) -> Array:
    flags = cv2.INTER_CUBIC if layer.ndim == 3 else cv2.INTER_LINEAR
    return np.asarray(
        cv2.remap(
            layer,
            map_x.astype(np.float32),
            map_y.astype(np.float32),
            flags,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _rays_hit(person: Portrait, pose: Pose, side: int, scale: float, centre: Any) -> Array:
    """Cast a ray through every pixel of a square: `(side, side, 4)`, RGB multiplied by alpha."""
    turn = rotation(pose)
    solid = np.dstack([person.inside / DETAIL, person.front, person.back])
    row, column = np.mgrid[0:side, 0:side].astype(np.float32)
    ray = np.stack([column, row], axis=-1)
    ray = (ray + 0.5 - side / 2) / scale + np.asarray(centre, np.float32)
    near = ray @ turn[:, :2].T.astype(np.float32)
    forward = turn[:, 2].astype(np.float32)
    hit, depth = _first_hit(solid, near, forward)
    place = near + depth[..., None] * forward
    return np.dstack([_colour(person, place, turn), np.ones_like(depth)]) * hit[..., None]


def rotation(pose: Pose) -> npt.NDArray[np.float64]:
    """From the image (x right, y down, z towards the viewer) to the photographed head."""
    held = rotation_from_angles(*np.radians([pose.yaw_deg, pose.pitch_deg, pose.roll_deg]))
    shot = rotation_from_angles(*np.radians([0.0, PORTRAIT_PITCH_DEG, PORTRAIT_ROLL_DEG]))
    towards_viewer = np.diag([1.0, 1.0, -1.0])
    return np.asarray(towards_viewer @ shot @ held.T @ towards_viewer)


def _first_hit(solid: Array, near: Array, forward: Array) -> tuple[Bools, Array]:
    """Where rays `near + depth * forward` first enter the solid, coming from large depths.

    Every fourth ray is followed from far off; its hit tells its neighbours where to begin.
    """
    h, w = near.shape[:2]
    sparse = np.ascontiguousarray(near[2::4, 2::4])
    start = np.full(sparse.shape[0] * sparse.shape[1], _FROM, np.float32)
    hit, depth = _enter(solid, sparse.reshape(-1, 3), forward, start)
    result = np.where(hit, depth, -1e3).astype(np.float32).reshape(sparse.shape[:2])
    around = cv2.resize(
        cv2.dilate(result, np.ones((3, 3))), (w, h), interpolation=cv2.INTER_NEAREST
    )
    near_head = np.flatnonzero(around > -1e3)
    start = around.ravel()[near_head] + 3 * _STEP
    all_hit, all_depth = np.zeros(h * w, bool), np.zeros(h * w, np.float32)
    all_hit[near_head], all_depth[near_head] = _enter(
        solid, near.reshape(-1, 3)[near_head], forward, start
    )
    return all_hit.reshape(h, w), all_depth.reshape(h, w)


def _enter(solid: Array, near: Array, forward: Array, start: Array) -> tuple[Bools, Array]:
    """Follow rays `(n, 3)` from depths `(n,)` until they enter: whether, and where."""
    hit, depth = np.zeros(len(near), bool), np.zeros(len(near), np.float32)
    going, before = np.arange(len(near)), np.full(len(near), 1e3, np.float32)
    at = start
    while len(going):
        outside = _outside(solid, near[going] + at[:, None] * forward)
        new = outside <= 0
        fraction = np.clip(before[new] / np.maximum(before[new] - outside[new], 1e-6), 0, 1)
        hit[going[new]], depth[going[new]] = True, at[new] + _STEP * (1 - fraction)
        stay = ~new & (at > _TO)
        going, before, at = going[stay], outside[stay], at[stay] - np.float32(_STEP)
    return hit, depth


def _outside(solid: Array, place: Array) -> Array:
    """How far places `(n, 3)` about the pivot are outside the solid: negative within."""
    width = 1024  # OpenCV maps images, of less than 32768 rows and columns
    padded = np.zeros((-(-len(place) // width) * width, 2), np.float32)
    padded[: len(place)] = (place[:, :2] + PIVOT[:2]) * DETAIL
    image = padded.reshape(-1, width, 2)
    at = cv2.remap(
        solid, image[..., 0], image[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    inside, front, back = at.reshape(-1, 3)[: len(place)].T
    depth = place[:, 2] + PIVOT[2]
    return np.asarray(np.maximum(-inside, np.maximum(depth - front, back - depth)))


def _colour(person: Portrait, place: Array, turn: npt.NDArray[np.float64]) -> Array:
    """Colours `(n, m, 3)` of places `(n, m, 3)` on the surface, lit as they now lie."""
    map_x = (place[..., 0] + PIVOT[0]) * DETAIL
    map_y = (place[..., 1] + PIVOT[1]) * DETAIL
    depth = place[..., 2] + PIVOT[2]
    front = cv2.remap(person.head_rgb, map_x, map_y, cv2.INTER_LINEAR)
    far = _hair_behind(person, map_x, map_y, BACK_OF_HEAD - depth)
    surface = cv2.remap(person.front, map_x, map_y, cv2.INTER_LINEAR)
    behind = np.clip((BACK_OF_HEAD + 4 - depth) / 8, 0, 1) * (map_y < (HAIR_ENDS + 2) * DETAIL)
    wall = np.clip((surface - depth - 3) / 12, 0, 1) * (1 - behind)
    colour = front + (far - front) * behind[..., None]
    light = (1 - 0.35 * wall) * _relit(person, map_x, map_y, turn)
    return np.asarray(colour * light[..., None], np.float32)


def _hair_behind(person: Portrait, map_x: Array, map_y: Array, depth: Array) -> Array:
    """Hair `(n, m, 3)` of the far side: that of the near side, folded over the outline."""
    inside = cv2.remap(person.inside, map_x, map_y, cv2.INTER_LINEAR)
    inwards = np.sign(PIVOT[0] * DETAIL - map_x)
    along = 18 - np.abs(18 - (0.8 * np.clip(depth, 0, None)) % 36)
    column = map_x + inwards * ((2 + along) * DETAIL - inside)
    row = np.where(map_y > 96 * DETAIL, 192 * DETAIL - map_y, map_y)
    hair = cv2.remap(
        person.head_rgb, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR
    )
    return np.asarray(hair * 0.9)


def _relit(person: Portrait, map_x: Array, map_y: Array, turn: Any) -> Array:
    """Factor `(n, m)`: light on the turned surface over the light in the photograph."""
    smooth = cv2.GaussianBlur(person.front, (0, 0), 6.0 * DETAIL) * DETAIL
    slope_y, slope_x = np.gradient(smooth)
    slopes = np.dstack([slope_x, slope_y]).astype(np.float32)
    slope = cv2.remap(slopes, map_x, map_y, cv2.INTER_LINEAR)
    normal = np.dstack([-slope, np.ones_like(map_x)])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    was = 0.82 + 0.25 * np.clip(normal @ _LIGHT, 0, None)
    now = 0.82 + 0.25 * np.clip(normal @ (turn @ _LIGHT), 0, None)
    return np.asarray(np.clip(now / was, 0.75, 1.2))
