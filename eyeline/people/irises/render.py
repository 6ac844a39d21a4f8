"""A random eye painted in grey: skin, lids, lashes, brow, eyeball, glints, glasses, hair.

All values are brightness, 0 to 1 or a little more; places are millimetres of `anatomy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from eyeline.people.irises.anatomy import BALL_MM, Eye
from eyeline.results import Floats, Image

CANVAS_W, CANVAS_H = 144, 112
CANVAS_PX_PER_MM = 2.0
_FINE = 4
"""Binary digits of a pixel in which shapes are drawn."""


@dataclass(frozen=True)
class Painting:
    """A painted eye."""

    image: Floats
    """`(CANVAS_H, CANVAS_W)` brightness."""
    seen: float
    """Share of the iris' disc that nothing hides, [0, 1]."""


def paint(rng: np.random.Generator, eye: Eye) -> Painting:
    """Paint an eye; the same state of the generator gives the same image."""
    opening = _filled(np.concatenate([eye.upper, eye.lower[::-1]]))
    skin: Floats = _skin(rng, eye)
    ball, disc = _ball(rng, eye)
    skin = skin * _lash_shadow(rng, eye)
    image: Floats = skin + opening * (ball * _lid_shadow(rng, eye) - skin)
    image = _margins(rng, eye, image)
    clear: Floats = opening.copy()
    image, clear = _beyond_the_face(rng, eye, image, clear)
    image, clear = _glasses(rng, image, clear)
    image, clear = _covered(rng, image, clear)
    seen = float((clear * disc).sum() / max(disc.sum(), 1e-6)) if disc.any() else 0.0
    return Painting(np.asarray(image, np.float32), seen)


@cache
def _mm() -> tuple[Floats, Floats]:
    """Places `(1, w)` and `(h, 1)` of the canvas' pixels in millimetres."""
    x = (np.arange(CANVAS_W) - (CANVAS_W - 1) / 2) / CANVAS_PX_PER_MM
    y = (np.arange(CANVAS_H) - (CANVAS_H - 1) / 2) / CANVAS_PX_PER_MM
    return x[None].astype(np.float32), y[:, None].astype(np.float32)


def _pixels(points: Floats) -> Image:
    """Millimetres `(k, 2)` as canvas pixels in binary fractions."""
    centre = np.array([CANVAS_W - 1, CANVAS_H - 1]) / 2
    pixels = np.clip(points * CANVAS_PX_PER_MM + centre, -500, 700)
    return np.asarray(np.round(pixels * 2**_FINE), np.int32)


def _filled(points: Floats) -> Floats:
    """Cover `(h, w)` in [0, 1] of a polygon."""
    import cv2

    mask = np.zeros((CANVAS_H, CANVAS_W), np.uint8)
    cv2.fillPoly(mask, [_pixels(points)], 255, cv2.LINE_AA, _FINE)
    return np.asarray(mask, np.float32) / 255


def _stroked(lines: Sequence[Floats], width_mm: float) -> Floats:
    """Cover `(h, w)` in [0, 1] of lines `(k, 2)` of one width; thin ones are faint."""
    import cv2

    mask = np.zeros((CANVAS_H, CANVAS_W), np.uint8)
    width = width_mm * CANVAS_PX_PER_MM
    cv2.polylines(
        mask, [_pixels(p) for p in lines], False, 255, max(1, round(width)), cv2.LINE_AA, _FINE
    )
    return np.asarray(mask, np.float32) * (min(1.0, width) / 255)


def _cloud(rng: np.random.Generator, cells: int, amount: float) -> Floats:
    """Smooth noise `(h, w)` of some cells across."""
    import cv2

    small = rng.normal(0, amount, (max(2, cells * 3 // 4), cells)).astype(np.float32)
    return np.asarray(cv2.resize(small, (CANVAS_W, CANVAS_H), interpolation=cv2.INTER_CUBIC))


def _height_over(curve: Floats) -> Floats:
    """How far `(h, w)` each place lies below a curve, in millimetres."""
    x, y = _mm()
    order = np.argsort(curve[:, 0])
    return np.asarray(y - np.interp(x[0], curve[order, 0], curve[order, 1])[None], np.float32)


def _skin(rng: np.random.Generator, eye: Eye) -> Floats:
    """Skin with its light, the socket's shade, folds, bag and brow."""
    x, y = _mm()
    tone = rng.uniform(0.15, 0.9)
    light = rng.normal(0, 0.007, 2)
    shade = 1 + light[0] * x + light[1] * y + _cloud(rng, 5, 0.05) + _cloud(rng, 24, 0.02)
    socket = np.exp(-(((x - rng.uniform(0, 16)) / 14) ** 2) - ((y + rng.uniform(0, 9)) / 9) ** 2)
    shade *= 1 - rng.uniform(-0.1, 0.45) * socket
    fold, below = _height_over(eye.crease), _height_over(eye.lower)
    within = np.exp(-((x / 17) ** 4))
    shade *= 1 - rng.uniform(0, 0.5) * within * np.exp(-((fold / rng.uniform(0.5, 1.4)) ** 2))
    lid = (fold > 0) & (below < 0)
    shade *= 1 + rng.choice([0.0, 1.0], p=[0.4, 0.6]) * rng.uniform(-0.4, 0.3) * lid * within
    bag = (below - rng.uniform(3, 9)) / rng.uniform(1, 3)
    shade *= 1 - rng.uniform(0, 0.25) * within * np.exp(-(bag**2))
    return np.asarray(tone * np.clip(_brow(rng, shade, eye), 0.1, 2.0), np.float32)


def _brow(rng: np.random.Generator, shade: Floats, eye: Eye) -> Floats:
    x, y = _mm()
    line = -rng.uniform(12, 22) + rng.uniform(0, 0.012) * (x - rng.uniform(-8, 8)) ** 2
    line = line + rng.normal(0, 0.1) * x
    band = np.exp(-(np.abs((y - line) / rng.uniform(1.5, 4.5)) ** 3))
    band = band * (x < 17 * np.cos(eye.yaw_rad) + 4) * np.clip(1 + _cloud(rng, 48, 0.5), 0, 2)
    return np.asarray(shade * (1 - np.clip(rng.uniform(-0.2, 0.85) * band, -0.5, 0.95)))


def _ball(rng: np.random.Generator, eye: Eye) -> tuple[Floats, Floats]:
    """The eyeball with its iris as if there were no lids, and the iris' disc `(h, w)`."""
    x, y = _mm()
    dx, dy = x - eye.ball[0], y - eye.ball[1]
    z = np.sqrt(np.maximum(BALL_MM**2 - dx**2 - dy**2, 0.0))
    facing = (dx * eye.gaze[0] + dy * eye.gaze[1] - z * eye.gaze[2]) / BALL_MM
    white = rng.uniform(0.35, 1.0) * (rng.uniform(0.35, 0.8) + 0.5 * z / BALL_MM)
    side = (x - eye.corners[:, 0].mean()) / 15
    white = white * (1 - rng.uniform(0, 0.5) * np.abs(side) ** 3) + _cloud(rng, 12, 0.03)
    away = np.sqrt(np.maximum(1 - facing**2, 0.0)) * BALL_MM / eye.iris_radius
    away = np.where((facing > 0) & (z > 0), away, 9.0)
    soft = rng.uniform(0.03, 0.16)
    disc = np.clip((1 + soft - away) / (2 * soft), 0, 1)
    image = white + disc * (_iris(rng, eye, away, dx, dy, z) - white)
    return _glints(rng, eye, image), np.asarray(disc, np.float32)


def _iris(
    rng: np.random.Generator, eye: Eye, away: Floats, dx: Floats, dy: Floats, z: Floats
) -> Floats:
    """Iris with fibres, a ring at its rim, pupil; `away` is the distance in iris radii."""
    side = np.cross(eye.gaze, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    over = np.cross(side, eye.gaze)
    angle = np.arctan2(
        dx * over[0] + dy * over[1] - z * over[2], dx * side[0] + dy * side[1] - z * side[2]
    )
    base = rng.uniform(0.04, 0.2) if rng.random() < 0.6 else rng.uniform(0.15, 0.55)
    waves = np.zeros_like(away)
    for count in rng.integers(3, 40, 4):
        waves = waves + np.cos(count * angle + rng.uniform(0, 6.3))
    colour = base * (1 + rng.uniform(0, 0.12) * waves)
    colour = colour * (1 + rng.uniform(-0.2, 0.6) * np.exp(-(((away - 0.5) / 0.12) ** 2)))
    colour = colour * (1 - rng.uniform(0, 0.7) * np.clip((away - 0.8) / 0.15, 0, 1))
    pupil = np.clip((rng.uniform(0.22, 0.62) - away) / 0.06, 0, 1)
    return np.asarray(colour + pupil * (rng.uniform(0.01, 0.07) - colour))


def _glints(rng: np.random.Generator, eye: Eye, image: Floats) -> Floats:
    """Lamps and windows mirrored by the cornea."""
    x, y = _mm()
    for _ in range(rng.choice(4, p=[0.25, 0.4, 0.25, 0.1])):
        at = eye.iris + rng.normal([0, -1.2], [2.6, 2.0])
        size = rng.uniform(0.3, 1.3, 2)
        power = rng.choice([2, 6])
        spot = np.exp(-(np.abs((x - at[0]) / size[0]) ** power))
        spot = spot * np.exp(-(np.abs((y - at[1]) / size[1]) ** power))
        image = image + rng.uniform(0.15, 1.0) * spot * (1.05 - image)
    return image


def _lid_shadow(rng: np.random.Generator, eye: Eye) -> Floats:
    """What the upper lid and its lashes leave of the light on the eyeball, [0, 1]."""
    depth = np.maximum(_height_over(eye.upper), 0) / rng.uniform(0.8, 3.0)
    return np.asarray(1 - rng.uniform(0.1, 0.7) * np.exp(-depth))


def _margins(rng: np.random.Generator, eye: Eye, image: Floats) -> Floats:
    """Lash lines, lashes, the wet lower margin, the pink inner corner."""
    dark = rng.uniform(0.02, 0.25)
    wet = _stroked([eye.lower], rng.uniform(0.4, 1.0)) * rng.uniform(0, 0.5)
    image = image + wet * (image.mean() * 1.3 - image)
    lower = _stroked([eye.lower + np.array([0, 0.7])], rng.uniform(0.3, 1.0)) * rng.uniform(0, 0.6)
    upper = _stroked([eye.upper], rng.uniform(0.4, 2.0)) * rng.uniform(0.2, 1.0)
    lashes = _stroked(_lashes(rng, eye), rng.uniform(0.15, 0.5)) * rng.uniform(0, 1.0)
    cover = np.maximum.reduce([lower, upper, lashes, _fringe(rng, eye)])
    corner = np.exp(-((_mm()[0] - eye.corners[1, 0]) ** 2 + (_mm()[1] - eye.corners[1, 1]) ** 2))
    image = image + rng.uniform(0, 0.6) * corner * (image.mean() * 0.8 - image)
    return np.asarray(image + cover * (dark - image))


def _fringe(rng: np.random.Generator, eye: Eye) -> Floats:
    """Lashes too fine to be told apart: a dark band at the upper lid, below it where it is low."""
    x, _ = _mm()
    low = eye.opening < rng.uniform(0.1, 0.3)
    width, shift = rng.uniform(0.5, 2.5), rng.uniform(0, 2.0) * (1 if low else -0.5)
    band = np.exp(-(((_height_over(eye.upper) - shift) / width) ** 2))
    reach = (eye.corners[0, 0] - 1 < x) & (x < eye.corners[1, 0])
    return np.asarray(band * reach * rng.choice([0.0, rng.uniform(0.1, 0.9)], p=[0.4, 0.6]))


def _lash_shadow(rng: np.random.Generator, eye: Eye) -> Floats:
    """What lashes leave of the light on the skin below low lids, [0, 1]."""
    if rng.random() > (0.65 if eye.opening < 0.12 else 0.1):
        return np.ones((CANVAS_H, CANVAS_W), np.float32)
    x, _ = _mm()
    band = (_height_over(eye.upper) - rng.uniform(0.5, 6.0)) / rng.uniform(1.0, 5.0)
    along = np.exp(-(((x - rng.normal(0, 6)) / rng.uniform(6, 18)) ** 2))
    dark = rng.uniform(0.1, 0.8) * np.exp(-(band**2)) * along * (1 + _cloud(rng, 30, 0.35))
    return np.asarray(np.clip(1 - dark, 0.1, 1.0), np.float32)


def _lashes(rng: np.random.Generator, eye: Eye) -> list[Floats]:
    """Upper lashes as short lines; they hang down where the lid does."""
    count, length = int(rng.integers(8, 40)), rng.uniform(2, 9)
    lift = -1.0 if eye.opening > rng.uniform(0.08, 0.25) else 0.8
    rooted = eye.upper[rng.integers(1, len(eye.upper) - 3, count)]
    lean = -0.5 + rooted[:, 0] / 30
    tips = rooted + length * np.stack([lean, np.full(count, lift)], 1) * rng.uniform(
        0.3, 1.0, (count, 1)
    )
    return list(np.stack([rooted, (rooted + tips) / 2 + [0, 0.4], tips], axis=1))


def _beyond_the_face(
    rng: np.random.Generator, eye: Eye, image: Floats, clear: Floats
) -> tuple[Floats, Floats]:
    """Of a turned head: the room beyond the temple, or the nose before the eye's inner part."""
    if eye.yaw_rad > -0.45:
        return image, clear
    turn = -eye.yaw_rad
    x, y = _mm()
    edge = eye.corners[0, 0] - 12 * np.cos(turn) - 1 + rng.normal(0, 1.5)
    outside = np.clip((edge + 0.004 * (y + 5) ** 2 - x) * 2, 0, 1)
    room = rng.uniform(0.02, 1.0) + _cloud(rng, 6, 0.15)
    image = image + outside * (room - image)
    rim = eye.corners[1, 0] + rng.uniform(1, 9) * np.cos(turn) - 4 * max(0.0, turn - 0.9)
    nose = np.clip((x - rim - 0.3 * np.minimum(-y, 4)) / rng.uniform(0.5, 3), 0, 1)
    nose = nose * (turn > 0.7)
    bridge = np.median(image) * rng.uniform(0.7, 1.4)
    return image + nose * (bridge - image), clear * (1 - outside) * (1 - nose)


def _glasses(rng: np.random.Generator, image: Floats, clear: Floats) -> tuple[Floats, Floats]:
    """Rim, arm and what the lens mirrors, on one face in six."""
    if rng.random() > 0.17:
        return image, clear
    angle = np.linspace(0, 2 * np.pi, 40)
    size = rng.uniform([18, 11], [30, 22])
    round_ = rng.uniform(0.5, 1.0)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    ring = np.sign(ring) * np.abs(ring) ** round_ * size + rng.normal([0, 2], [3, 3])
    arm = np.array([ring[len(ring) // 2], [-40.0, ring[len(ring) // 2, 1] + rng.normal(0, 4)]])
    rim = _stroked([ring, arm], rng.uniform(0.6, 3.0)) * rng.uniform(0.4, 1.0)
    x, y = _mm()
    slope = np.cos(turn := rng.uniform(0, np.pi)) * x + np.sin(turn) * y
    sheen = np.exp(-(((slope - rng.normal(0, 12)) / rng.uniform(1, 8)) ** 2))
    sheen = sheen * _filled(ring) * rng.choice([0.0, rng.uniform(0.1, 0.8)])
    image = image + sheen * (rng.uniform(0.6, 1.1) - image)
    return image + rim * (rng.choice([0.05, 0.15, 0.6, 0.9]) - image), clear * (1 - rim)


def _covered(rng: np.random.Generator, image: Floats, clear: Floats) -> tuple[Floats, Floats]:
    """Strands of hair on some faces, a hand or another thing before a few."""
    if rng.random() < 0.15:
        start = rng.uniform([-40, -30], [40, 0])
        line = np.cumsum(np.concatenate([start[None], rng.normal([0, 7], [4, 3], (9, 2))]), axis=0)
        lines = [line + rng.normal(0, 1.5, 2) for _ in range(rng.integers(1, 5))]
        hair = _stroked(lines, rng.uniform(0.3, 2.5)) * rng.uniform(0.3, 1.0)
        image = image + hair * (rng.uniform(0.03, 0.8) - image)
        clear = clear * (1 - hair)
    if rng.random() < 0.05:
        x, y = _mm()
        turn = rng.uniform(0, 2 * np.pi)
        before = np.clip(np.cos(turn) * x + np.sin(turn) * y - rng.uniform(-10, 12), 0, 1)
        thing = rng.uniform(0.05, 1.0) + _cloud(rng, 8, 0.08)
        image, clear = image + before * (thing - image), clear * (1 - before)
    return image, clear
