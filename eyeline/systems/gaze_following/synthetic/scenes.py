"""Where everything stands: people about a table, things on it, and a camera that sees them all.

Metres in the camera frame: x right, y down, z ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats
from eyeline.synthetic.camera import View
from eyeline.systems.gaze_following.synthetic.gaze import GazePaths, draw_gaze
from eyeline.systems.gaze_following.synthetic.talk import RATE_HZ, Yes, draw_talk

FACE_M = np.array([0.075, 0.095])
"""Half sides of a face's box, as a face detector draws it."""
TABLE_HALF_M = (0.52, 0.4)
"""Half axes of the table: aside, and away from the camera."""
KINDS = ("mug", "book", "bottle", "phone", "bowl")
"""Of things on the table."""

_SIZE_M = {
    "mug": (0.09, 0.1),
    "book": (0.2, 0.06),
    "bottle": (0.08, 0.26),
    "phone": (0.13, 0.05),
    "bowl": (0.2, 0.09),
}
_DRAWS = 400  # of seats before fewer people are placed, and of things before fewer are


@dataclass(frozen=True)
class Thing:
    """Something on the table."""

    kind: str
    """One of `KINDS`."""
    place_m: Floats
    """`(3,)` its middle."""
    size_m: tuple[float, float]
    """Width and height."""
    colour: Floats
    """`(3,)` RGB, 0 to 255."""


@dataclass(frozen=True)
class Scene:
    """All that happens in one video, `frames` at `RATE_HZ`."""

    view: View
    things: tuple[Thing, ...]
    table_m: Floats
    """`(3,)` middle of the table's top."""
    heads_m: Floats
    """`(people, frames, 3)` middles of heads; from left to right in the image."""
    speaks: Yes
    """`(people, frames)` bool; never two at a time, at times nobody."""
    looks: GazePaths

    @property
    def people(self) -> int:
        """How many there are."""
        return int(self.heads_m.shape[0])

    @property
    def frames(self) -> int:
        """Of the video."""
        return int(self.heads_m.shape[1])

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the image."""
        return self.view.width_px, self.view.height_px

    @property
    def faces_xyxy(self) -> Floats:
        """`(people, frames, 4)` boxes of faces, which are within the image."""
        return self._boxes(self.heads_m, FACE_M)

    def things_xyxy(self) -> Floats:
        """`(things, 4)`."""
        place = np.array([t.place_m for t in self.things]).reshape(-1, 3)
        half = np.array([t.size_m for t in self.things]).reshape(-1, 2) / 2
        return self._boxes(place, half)

    def points_px(self) -> Floats:
        """`(people, frames, 2)` what is looked at, NaN where it is out of the image."""
        target = self.looks.target_m
        inside = self.view.inside(target)
        pixel = self.view.project(np.where(inside[..., None], target, 1.0))
        return np.where(inside[..., None], pixel, np.nan)

    def _boxes(self, centre_m: Floats, half_m: Floats) -> Floats:
        at = self.view.project(centre_m)
        half = self.view.focal_px * half_m / centre_m[..., 2:]
        return np.concatenate([at - half, at + half], axis=-1)


def draw_scene(rng: np.random.Generator, people: int, frames: int, width_px: int) -> Scene:
    """A conversation of 2 to 4 people; fewer if there is no room to see all of them.

    An image's height is nine sixteenths of its width, an even number.
    """
    height_px = 2 * round(width_px * 9 / 32)
    view = View.ahead(width_px, height_px, width_px * rng.uniform(0.95, 1.15))
    table = np.array([rng.uniform(-0.05, 0.05), 0.33, rng.uniform(2.0, 2.25)])
    seats = _seats(rng, people, table)
    things = _things(rng, table)
    heads = seats[:, None] + _sway(rng, len(seats), frames)
    speaks = draw_talk(rng, len(seats), frames / RATE_HZ, RATE_HZ)
    places = np.array([t.place_m for t in things])
    return Scene(view, things, table, heads, speaks, draw_gaze(rng, heads, speaks, places))


def _seats(rng: np.random.Generator, people: int, table: Floats) -> Floats:
    """Heads `(people, 3)` about the far side and the ends of the table, none before another."""
    for attempt in range(_DRAWS):
        count = people if attempt < _DRAWS // 2 else max(2, people - 1)
        around = np.sort(rng.uniform(-1.7, 1.7, count))
        aside = (TABLE_HALF_M[0] + 0.3) * np.sin(around)
        away = (TABLE_HALF_M[1] + 0.3) * np.cos(around)
        up = rng.uniform(-0.68, -0.54, count)
        seats = table + np.column_stack([aside, up, away])
        if np.diff(seats[:, 0] / seats[:, 2]).min() > 0.13:
            return np.asarray(seats)
    aside = np.linspace(-0.75, 0.75, people)
    return np.asarray(table + np.column_stack([aside, np.full(people, -0.6), np.full(people, 0.3)]))


def _things(rng: np.random.Generator, table: Floats) -> tuple[Thing, ...]:
    """Up to four things on the table that do not hide each other."""
    count, result = int(rng.integers(3, 5)), list[Thing]()
    for _ in range(_DRAWS):
        if len(result) == count:
            break
        kind = KINDS[rng.integers(len(KINDS))]
        wide, high = (float(v) for v in np.array(_SIZE_M[kind]) * rng.uniform(0.9, 1.15))
        spread = rng.uniform(-1, 1, 2)
        if np.hypot(*spread) > 0.85:
            continue
        x, z = table[[0, 2]] + spread * TABLE_HALF_M
        place = np.array([x, table[1] - high / 2, z])
        near = [np.abs(x / z - t.place_m[0] / t.place_m[2]) < 0.08 for t in result]
        if not any(near):
            result.append(Thing(kind, place, (wide, high), rng.uniform(40, 230, 3)))
    return tuple(result)


def _sway(rng: np.random.Generator, people: int, frames: int) -> Floats:
    """`(people, frames, 3)` small slow movements of the heads."""
    from scipy.ndimage import gaussian_filter1d

    noise = rng.standard_normal((people, frames, 3))
    smooth = gaussian_filter1d(noise, 0.6 * RATE_HZ, axis=1, mode="reflect")
    scale = np.sqrt(2 * np.sqrt(np.pi) * 0.6 * RATE_HZ)
    return np.asarray(smooth * scale * [0.015, 0.008, 0.01])
