"""Conversations at a table as images: people, the table, and the things on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eyeline.geometry.directions import rotation_from_angles, to_yaw_pitch
from eyeline.results import Floats, Image
from eyeline.synthetic.head import DrawnHeads, Head, HeadPose, HeadRenderer
from eyeline.systems.gaze_following.synthetic.scenes import TABLE_HALF_M, Scene, Thing
from eyeline.systems.gaze_following.synthetic.talk import Voices

_EYES = 1.7
"""Size of the eyes; larger than life, to be seen."""
_BITS = 4  # binary digits of a pixel in which shapes are drawn


def images(
    rng: np.random.Generator, scene: Scene, voices: Voices, renderer: HeadRenderer | None = None
) -> Iterator[Image]:
    """The frames of a video `(h, w, 3)` RGB, one after another; heads as of `DrawnHeads`."""
    heads = [Head.drawn(rng, _EYES) for _ in range(scene.people)]
    renderer = renderer or DrawnHeads()
    light = np.array([rng.uniform(-0.7, 0.7), -0.6, -0.8])
    light /= np.linalg.norm(light)
    room, table = _room(rng, scene), _Layer.of(scene)
    noise = rng.normal(0, 1.0, room.shape).astype(np.float32)
    far = np.argsort(-scene.heads_m[:, 0, 2])
    nearer = scene.heads_m[far, 0, 2] < scene.table_m[2]
    for t in range(scene.frames):
        image = room + np.roll(noise, (17 * t, 29 * t), axis=(0, 1))
        for i in (*far[~nearer].tolist(), None, *far[nearer].tolist()):
            if i is None:
                table.lay_on(image)
            else:
                pose, gaze = _pose(scene, voices, i, t), scene.looks.gaze[i, t]
                renderer.draw(image, heads[i], pose, gaze, scene.view, light)
        yield np.clip(image + 0.5, 0, 255).astype(np.uint8)


def _pose(scene: Scene, voices: Voices, person: int, t: int) -> HeadPose:
    yaw, pitch = to_yaw_pitch(scene.looks.head[person, t])
    turn = rotation_from_angles(yaw, pitch, np.array(0.0))
    mouth, smile = float(voices.mouths[person, t]), float(voices.smiles[person, t])
    return HeadPose(1000 * scene.heads_m[person, t], turn, mouth, smile)


def _room(rng: np.random.Generator, scene: Scene) -> Floats:
    """The wall behind: a colour that falls off, panels, and a floor."""
    height, width = scene.view.height_px, scene.view.width_px
    wall, floor = rng.uniform(90, 190, 3), rng.uniform(60, 140, 3)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    image = wall * (1.05 - 0.35 * y / height)[..., None]
    for _ in range(3):
        left, top = rng.uniform(0, 0.9) * width, rng.uniform(0, 0.25) * height
        inside = (x > left) & (x < left + 0.12 * width) & (y > top) & (y < top + 0.3 * height)
        image[inside] = image[inside] * 0.5 + 0.5 * rng.uniform(40, 220, 3)
    image[y > 0.72 * height] = floor
    return np.asarray(image, np.float32)


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
        """Drawn on black and on white, which shows what covers."""
        shape = (scene.view.height_px, scene.view.width_px, 3)
        black, white = np.zeros(shape, np.float32), np.ones(shape, np.float32)
        _draw_table(black, scene)
        white *= 255
        _draw_table(white, scene)
        through = np.clip((white - black) / 255, 0, 1)
        rows, columns = (np.flatnonzero((through < 1).any(axis=(axis, 2))) for axis in (1, 0))
        place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return cls((int(columns[0]), int(rows[0])), black[place], through[place])

    def lay_on(self, image: Floats) -> None:
        """Before what the image `(h, w, 3)` shows."""
        (x, y), (height, width) = self.left_top, self.colour.shape[:2]
        part = image[y : y + height, x : x + width]
        part *= self.through
        part += self.colour


def _draw_table(image: Floats, scene: Scene) -> None:
    """A board seen from a little above, and what stands on it, the farthest first."""
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wide, deep = TABLE_HALF_M
    rim = scene.table_m + np.column_stack(
        [wide * np.cos(around), np.zeros(48), deep * np.sin(around)]
    )
    _polygon(image, scene.view.project(rim + np.array([0, 0.04, 0])), np.array([88.0, 62, 44]))
    _polygon(image, scene.view.project(rim), np.array([150.0, 112, 82]))
    order = np.argsort([-t.place_m[2] for t in scene.things])
    boxes = scene.things_xyxy()
    for i in order.tolist():
        _draw_thing(image, scene.things[i], boxes[i])


def _draw_thing(image: Floats, thing: Thing, box_xyxy: Floats) -> None:
    """Shapes within a box that set the kinds apart."""
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
        shape = np.array(
            [[0, 0], [0.75, 0], [0.75, 0.2], [1, 0.3], [1, 0.7], [0.75, 0.8], [0.75, 1], [0, 1]]
        )
    _polygon(image, [x1, y1] + shape * [width, height], thing.colour)
    inner = shape.mean(axis=0) + 0.55 * (shape - shape.mean(axis=0))
    _polygon(image, [x1, y1] + inner * [width, height], np.minimum(thing.colour * 1.25, 255))


def _polygon(image: Floats, points_px: Floats, colour: Floats) -> None:
    """Filled, with soft borders."""
    import cv2

    fixed = np.round(np.asarray(points_px) * 2**_BITS).astype(np.int32)
    low = np.maximum(np.floor(np.min(points_px, axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(np.max(points_px, axis=0)).astype(int) + 2, image.shape[1::-1])
    if (low >= high).any():
        return
    cover = np.zeros((high - low)[::-1], np.uint8)
    cv2.fillPoly(cover, [fixed - low * 2**_BITS], 255, cv2.LINE_AA, _BITS)
    part = image[low[1] : high[1], low[0] : high[0]]
    part += (cover[..., None] / np.float32(255)) * (colour.astype(np.float32) - part)
