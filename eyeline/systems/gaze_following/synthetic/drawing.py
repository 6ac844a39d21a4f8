"""Drawn people at a table: heads that turn, eyes that look, mouths that move, and things.

A head is an ellipsoid seen from afar, painted by its own coordinates: half axes are 1, x is to the
left of the person, y down, and the face is at z -1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eyeline.geometry.directions import rotation_from_angles, to_yaw_pitch
from eyeline.results import Floats, Image
from eyeline.systems.gaze_following.synthetic.scenes import HEAD_M, TABLE_HALF_M, Scene, Thing
from eyeline.systems.gaze_following.synthetic.voices import Heard

_EYES_X, _EYES_Y = 0.38, -0.14
_EYE, _IRIS, _TRAVEL = (0.2, 0.1), 0.1, 0.22
"""Half axes of an eye, radius of an iris, and how far it moves; larger than life, to be seen."""
_MOUTH_Y, _MOUTH_X = 0.46, 0.27
_NOSE = np.array([0.0, 0.12, -0.98]), np.array([0.13, 0.22, 0.26])
_BITS = 4  # binary digits of a pixel in which shapes are drawn


@dataclass(frozen=True)
class Person:
    """What somebody is like; colours `(3,)` RGB, 0 to 255."""

    skin: Floats
    hair: Floats
    shirt: Floats
    fringe: float
    """Where the hair begins, on the head's own axis."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Person:
        """Somebody."""
        skin = np.array([232.0, 186, 156]) * rng.uniform(0.45, 1) * rng.uniform(0.95, 1.05, 3)
        hair = np.array([96.0, 70, 46]) * rng.uniform(0.2, 1.8)
        return cls(skin, hair, rng.uniform(30, 220, 3), float(rng.uniform(-0.62, -0.42)))


def pictures(rng: np.random.Generator, scene: Scene, heard: Heard) -> Iterator[Image]:
    """The frames of a video `(h, w, 3)` RGB, one after another."""
    people = [Person.drawn(rng) for _ in range(scene.people)]
    light = np.array([rng.uniform(-0.7, 0.7), -0.6, -0.8])
    light /= np.linalg.norm(light)
    room, table = _room(rng, scene), _Layer.of(scene)
    noise = rng.normal(0, 1.0, room.shape).astype(np.float32)
    far = np.argsort(-scene.heads_m[:, 0, 2])
    behind = [int(i) for i in far if scene.heads_m[i, 0, 2] >= scene.table_m[2]]
    before = [int(i) for i in far if i not in behind]
    for t in range(scene.frames):
        picture = room + np.roll(noise, (17 * t, 29 * t), axis=(0, 1))
        for person in behind:
            _draw_person(picture, scene, person, t, people[person], heard, light)
        table.lay_on(picture)
        for person in before:
            _draw_person(picture, scene, person, t, people[person], heard, light)
        yield np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _room(rng: np.random.Generator, scene: Scene) -> Floats:
    """The wall behind: a colour that falls off, panels, and a floor."""
    height, width = scene.view.height_px, scene.view.width_px
    wall, floor = rng.uniform(90, 190, 3), rng.uniform(60, 140, 3)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    picture = wall * (1.05 - 0.35 * y / height)[..., None]
    for _ in range(3):
        left, top = rng.uniform(0, 0.9) * width, rng.uniform(0, 0.25) * height
        inside = (x > left) & (x < left + 0.12 * width) & (y > top) & (y < top + 0.3 * height)
        picture[inside] = picture[inside] * 0.5 + 0.5 * rng.uniform(40, 220, 3)
    picture[y > 0.72 * height] = floor
    return np.asarray(picture, np.float32)


@dataclass(frozen=True)
class _Layer:
    """The table with all on it, which never moves."""

    left_top: tuple[int, int]
    colour: Floats
    """`(h, w, 3)`, as on black."""
    through: Floats
    """`(h, w, 3)` share of what is behind that is seen."""

    @classmethod
    def of(cls, scene: Scene) -> _Layer:
        """Drawn on black and on white, which tells what covers."""
        shape = (scene.view.height_px, scene.view.width_px, 3)
        black, white = np.zeros(shape, np.float32), np.ones(shape, np.float32)
        _draw_table(black, scene)
        white *= 255
        _draw_table(white, scene)
        through = np.clip((white - black) / 255, 0, 1)
        rows, columns = (np.flatnonzero((through < 1).any(axis=(axis, 2))) for axis in (1, 0))
        place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return cls((int(columns[0]), int(rows[0])), black[place], through[place])

    def lay_on(self, picture: Floats) -> None:
        """Before what the picture `(h, w, 3)` shows."""
        (x, y), (height, width) = self.left_top, self.colour.shape[:2]
        part = picture[y : y + height, x : x + width]
        part *= self.through
        part += self.colour


def _draw_table(picture: Floats, scene: Scene) -> None:
    """A board seen from a little above, and what stands on it, the farthest first."""
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wide, deep = TABLE_HALF_M
    rim = scene.table_m + np.column_stack(
        [wide * np.cos(around), np.zeros(48), deep * np.sin(around)]
    )
    _polygon(picture, scene.view.project(rim + np.array([0, 0.04, 0])), np.array([88.0, 62, 44]))
    _polygon(picture, scene.view.project(rim), np.array([150.0, 112, 82]))
    order = np.argsort([-t.place_m[2] for t in scene.things])
    boxes = scene.things_xyxy()
    for i in order.tolist():
        _draw_thing(picture, scene.things[i], boxes[i])


def _draw_thing(picture: Floats, thing: Thing, box_xyxy: Floats) -> None:
    """Shapes within a box that tell the kinds apart."""
    x1, y1, x2, y2 = box_xyxy
    width, height = x2 - x1, y2 - y1
    if thing.kind == "bottle":
        body = np.array([[0, 0.35], [0.3, 0.25], [0.3, 0], [0.7, 0], [0.7, 0.25], [1, 0.35]])
        shape = np.concatenate([body, [[1, 1], [0, 1]]])
    elif thing.kind == "bowl":
        shape = np.array([[0, 0], [1, 0], [0.8, 0.8], [0.6, 1], [0.4, 1], [0.2, 0.8]])
    elif thing.kind in ("book", "phone"):
        shape = np.array([[0.12, 0], [0.88, 0], [1, 1], [0, 1]])
    else:
        shape = np.array([[0, 0], [0.75, 0], [0.75, 0.2], [1, 0.3], [1, 0.7], [0.75, 0.8],
                          [0.75, 1], [0, 1]])  # fmt: skip
    _polygon(picture, [x1, y1] + shape * [width, height], thing.colour)
    inner = shape.mean(axis=0) + 0.55 * (shape - shape.mean(axis=0))
    _polygon(picture, [x1, y1] + inner * [width, height], np.minimum(thing.colour * 1.25, 255))


def _draw_person(
    picture: Floats, scene: Scene, person: int, t: int, looks: Person, heard: Heard, light: Floats
) -> None:  # fmt: skip
    middle_m = scene.heads_m[person, t]
    middle, scale = scene.view.project(middle_m), scene.view.focal_px / middle_m[2]
    yaw, pitch = to_yaw_pitch(scene.looks.head[person, t])
    turn = rotation_from_angles(yaw, pitch, np.array(0.0))
    eyes = turn.T @ scene.looks.gaze[person, t]
    _draw_body(picture, middle, scale, looks)
    mouth = float(heard.mouths[person, t]), float(heard.smiles[person, t])
    axes = HEAD_M * scale
    _draw_ellipsoid(picture, middle, turn, axes, light, looks, (eyes, *mouth))
    place, size = _NOSE
    tip = middle + (turn @ (place * axes))[:2]
    _draw_ellipsoid(picture, tip, turn, size * axes, light, looks, None)


def _draw_body(picture: Floats, middle: Floats, scale: float, looks: Person) -> None:
    """Neck and shoulders, which do not turn."""
    neck = np.array([[-0.05, 0.06], [0.05, 0.06], [0.06, 0.2], [-0.06, 0.2]])
    body = np.array([[-0.08, 0.16], [0.08, 0.16], [0.2, 0.23], [0.3, 1.2], [-0.3, 1.2],
                     [-0.2, 0.23]])  # fmt: skip
    _polygon(picture, middle + scale * neck, 0.75 * looks.skin)
    _polygon(picture, middle + scale * body, looks.shirt)


def _draw_ellipsoid(
    picture: Floats, middle: Floats, turn: Floats, axes_px: Floats, light: Floats, looks: Person,
    face: tuple[Floats, float, float] | None,
) -> None:  # fmt: skip
    """A part of a head, with a face or of bare skin."""
    form = turn @ np.diag(axes_px**-2.0) @ turn.T
    reach = np.sqrt(np.diag(np.linalg.inv(form))[:2])
    x0, y0 = np.maximum(np.floor(middle - reach - 1), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(middle + reach + 2), picture.shape[1::-1]).astype(int)
    if x0 >= x1 or y0 >= y1:
        return
    u = (np.arange(x0, x1) + 0.5 - middle[0]).astype(np.float32)[None]
    v = (np.arange(y0, y1) + 0.5 - middle[1]).astype(np.float32)[:, None]
    a, b = form[2, 2], form[0, 2] * u + form[1, 2] * v
    c = form[0, 0] * u * u + 2 * form[0, 1] * u * v + form[1, 1] * v * v - 1
    root = b * b - a * c
    z = (-b - np.sqrt(np.maximum(root, 0))) / a
    x, y, z = ((turn[0, k] * u + turn[1, k] * v + turn[2, k] * z) / axes_px[k] for k in range(3))
    own = np.stack([x, y, z], axis=-1)
    normal = own / axes_px.astype(np.float32)
    lit = (
        normal
        @ (turn.T @ light).astype(np.float32)
        / np.maximum(np.linalg.norm(normal, axis=-1), 1e-9)
    )
    colour = looks.skin * 0.94 if face is None else _painted(own, looks, *face, 1 / axes_px[0])
    soft = np.clip(root / a * (float(reach.mean()) / 2), 0, 1)  # as soft as a pixel at the rim
    part = picture[y0:y1, x0:x1]
    part += soft[..., None] * (colour * (0.55 + 0.5 * np.maximum(lit, 0))[..., None] - part)


def _painted(
    own: Floats, looks: Person, eyes: Floats, mouth: float, smile: float, pixel: float
) -> Floats:
    """Colours of places `(h, w, 3)` on a head whose pixels are so long there."""
    x, y, front = own[..., 0], own[..., 1], own[..., 2] < -0.15
    colour = np.broadcast_to(looks.skin, own.shape).copy()

    def paint(inside: Floats, what: Floats) -> None:
        cover = np.clip(inside, 0, 1)[..., None]
        colour[:] = colour + cover * (what - colour)

    def ellipse(cx: float, cy: float, half_x: float, half_y: float) -> Floats:
        away = np.hypot((x - cx) / half_x, (y - cy) / half_y)
        return np.asarray((1 - away) * min(half_x, half_y) / pixel + 0.5)

    for side in (-1, 1):
        cx = side * _EYES_X
        brow = ellipse(cx, _EYES_Y - 0.2, 0.2, 0.05)
        paint(np.where(front, brow, 0), looks.hair * 0.8)
        opening = np.where(front, ellipse(cx, _EYES_Y, *_EYE), 0)
        paint(opening, np.array([238.0, 236, 232]))
        at = cx + _TRAVEL * float(eyes[0]), _EYES_Y + 0.6 * _TRAVEL * float(eyes[1])
        paint(np.minimum(opening, ellipse(*at, _IRIS, _IRIS)), np.array([40.0, 30, 26]))
    wide = _MOUTH_X * (1 + 0.35 * smile - 0.15 * mouth)
    bend = 0.25 * smile * (x / _MOUTH_X) ** 2 * (np.abs(x) < 1.5 * _MOUTH_X)
    y = y + bend
    lips = np.minimum(looks.skin * [0.85, 0.5, 0.5], 255)
    paint(np.where(front, ellipse(0, _MOUTH_Y, wide, 0.07 + 0.16 * mouth), 0), lips)
    inner = max(0.02, 0.15 * mouth)
    paint(np.where(front, ellipse(0, _MOUTH_Y, 0.8 * wide, inner), 0), np.array([42.0, 14, 16]))
    y = own[..., 1]
    behind = np.where(y < 0.55, own[..., 2] - 0.1, -1.0)
    over = np.maximum(looks.fringe - y, behind) / pixel
    paint(over + 0.5, looks.hair)
    return np.asarray(colour)


def _polygon(picture: Floats, points_px: Floats, colour: Floats) -> None:
    """Filled, with soft borders."""
    import cv2

    fixed = np.round(np.asarray(points_px) * 2**_BITS).astype(np.int32)
    low = np.maximum(np.floor(np.min(points_px, axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(np.max(points_px, axis=0)).astype(int) + 2, picture.shape[1::-1])
    if (low >= high).any():
        return
    cover = np.zeros((high - low)[::-1], np.uint8)
    cv2.fillPoly(cover, [fixed - low * 2**_BITS], 255, cv2.LINE_AA, _BITS)
    part = picture[low[1] : high[1], low[0] : high[0]]
    part += (cover[..., None] / np.float32(255)) * (colour.astype(np.float32) - part)
