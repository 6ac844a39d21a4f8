"""Who or what is looked at: the gaze's cone against faces, the camera and everything else.

For one person at one time there is a hypothesis for each other visible face, one for the camera
and one for "elsewhere". Each face is placed in space by its direction from the camera and by its
size; sizes differ between people, so its distance is taken as uncertain. Posterior = prior x
density of the measured direction under the hypothesis; a speaking face has a higher prior. Over
time the hypotheses form a chain that rarely switches. "Elsewhere" is divided into scene and off
screen by how much of the cone, followed towards and past the camera's distance, stays inside the
picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.results import Floats, Image, Ints

HEAD_SHARE = 0.75
"""Share of a turn away from the camera that measured directions show. Heads do some 70 % of a gaze
shift in conversation (Stiefelhagen & Zhu 2002) and five points flatten profiles; irises give part
of it back."""
DISTANCE_SPREAD = 0.22
"""Standard deviation of the logarithm of a face's distance when it is judged by its size."""
PRIOR_FACES, PRIOR_CAMERA, PRIOR_ELSEWHERE = 0.40, 0.10, 0.50
SPEAKER_GAIN = 4.0
"""A surely speaking face has 1 + this times the prior of a silent one."""
NEAR_MM = 300.0
"""Faces nearer than this to the looker are ever less likely looked at: people cheek to cheek look
at something else, and interpersonal distance in conversation begins at half a metre (Hall 1966)."""
DEPTH_UNSURE = 0.35
CORRELATED_S = 0.4
"""Errors of directions last about this long, so that frames within it are one witness, not many."""
NOD_KNOWN_BETTER = 1.5
"""How much smaller the error of pitch is than that of yaw: turns flatten the five points, nods do
not."""
SWITCHES_HZ = 0.8
"""How often the target changes."""
_FRAMES_AT_ONCE = 1024  # what is spread out along the cone stays small
REACH = (0.15, 0.3, 0.45, 0.7, 1.1)
"""Distances at which the cone is followed for what lies elsewhere, in distances of the looker from
the camera."""
LAP_MM = 350.0
"""A look down ends at the latest this far below the eyes: at hands, a table, a lap."""
ELSEWHERE_DOWN_RAD = np.radians(15.0)
ELSEWHERE_CONCENTRATION = 2.0
"""Looks elsewhere scatter widely about a direction a little below facing the camera: hands,
tables, things shown."""


@dataclass(frozen=True)
class Looker:
    """One person over a stretch of `n` frames, with everybody else."""

    eyes_px: Floats
    """`(n, 2)`."""
    distance_mm: Floats
    """`(n,)` from the camera."""
    gaze: Floats
    """`(n, 3)` unit vectors."""
    concentration: Floats
    """`(n,)`."""
    other_px: Floats
    """`(n, others, 2)` eyes of the others, NaN while not visible."""
    other_mm: Floats
    """`(n, others)` their distances from the camera."""
    other_speaks: Floats
    """`(n, others)` probability that they speak, 0 if unknown."""

    def at(self, rows: Ints) -> Looker:
        """The same in some of the frames."""
        return Looker(**{name: value[rows] for name, value in vars(self).items()})


def likelihoods(looker: Looker, camera: Camera) -> Floats:
    """Prior times density `(n, others + 2)` of each hypothesis; camera and elsewhere come last."""
    here = camera.rays(looker.eyes_px)
    start = here * looker.distance_mm[:, None]
    faces = np.zeros(looker.other_mm.shape)
    for offset, weight in _distance_nodes():
        place = camera.rays(looker.other_px) * (looker.other_mm * np.exp(offset))[..., None]
        way = place - start[:, None]
        length = np.linalg.norm(way, axis=-1)
        seen = _as_measured(way / np.maximum(length, 1.0)[..., None], here[:, None])
        faces += weight * _density(looker.gaze[:, None], seen, looker.concentration[:, None])
    faces *= _room_between(looker, camera)
    visible = np.isfinite(looker.other_px[..., 0])
    gain = np.where(visible, 1 + SPEAKER_GAIN * looker.other_speaks, 0.0)
    share = gain / np.maximum(gain.sum(1, keepdims=True), 1e-9)
    face = PRIOR_FACES * share * np.where(visible, np.nan_to_num(faces), 0.0)
    into = PRIOR_CAMERA * _density(looker.gaze, -here, looker.concentration)
    yaw, pitch = directions.to_yaw_pitch(-here)
    below = directions.from_yaw_pitch(yaw, pitch - ELSEWHERE_DOWN_RAD)
    elsewhere = PRIOR_ELSEWHERE * _density(
        looker.gaze, below, np.full(len(face), ELSEWHERE_CONCENTRATION)
    )
    return np.concatenate([face, into[:, None], elsewhere[:, None]], axis=1)


def _room_between(looker: Looker, camera: Camera) -> Floats:
    """Factor `(n, others)` in [0, 1] that falls for faces nearer than `NEAR_MM`.

    Children's faces are smaller, so a difference in depth counts only beyond `DEPTH_UNSURE` of the
    distance.
    """
    mean_mm = (looker.other_mm + looker.distance_mm[:, None]) / 2
    across = (camera.rays(looker.other_px) - camera.rays(looker.eyes_px)[:, None]) * mean_mm[
        ..., None
    ]
    deep = np.abs(looker.other_mm - looker.distance_mm[:, None]) - DEPTH_UNSURE * mean_mm
    apart = np.hypot(np.linalg.norm(across, axis=-1), np.maximum(deep, 0))
    return np.asarray(np.clip(apart / NEAR_MM, 0, 1) ** 2)


def chain(likelihood: Floats, step_s: Floats) -> Floats:
    """Posterior `(n, k)` of a chain whose state changes `SWITCHES_HZ` times a second.

    By the forward-backward algorithm.

    Args:
        likelihood: `(n, k)` prior times density; a column of zeros cannot be.
        step_s: `(n,)` time since the row before.
    """
    n, k = likelihood.shape
    row = likelihood / likelihood.max(axis=1, keepdims=True)
    row = row ** (np.clip(step_s, 1e-3, CORRELATED_S) / CORRELATED_S)[:, None]
    stay = np.exp(-SWITCHES_HZ * np.clip(step_s, 0, 5))
    forward, backward = np.empty((n, k)), np.ones((n, k))
    forward[0] = row[0] / row[0].sum()
    for i in range(1, n):
        now = (stay[i] * forward[i - 1] + (1 - stay[i]) / k) * row[i]
        forward[i] = now / now.sum()
    for i in range(n - 2, -1, -1):
        ahead = backward[i + 1] * row[i + 1]
        now = stay[i + 1] * ahead + (1 - stay[i + 1]) * ahead.mean()
        backward[i] = now / now.sum()
    both = forward * backward
    return np.asarray(both / both.sum(axis=1, keepdims=True))


def landing(looker: Looker, camera: Camera, width_px: int, height_px: int) -> tuple[Floats, Floats]:
    """Where the cone lands when it meets no face.

    Returns:
        The share `(n,)` of the cone that stays in the picture, and the middle `(n, 2)` of that
        part, NaN without any.
    """
    n = len(looker.distance_mm)
    share, middle = np.zeros(n), np.full((n, 2), np.nan)
    for start in range(0, n, _FRAMES_AT_ONCE):
        rows = np.arange(start, min(n, start + _FRAMES_AT_ONCE))
        points, inside = _cone(looker.at(rows), camera, width_px, height_px)
        share[rows] = inside.mean(axis=1)
        points[~inside] = np.nan
        some = rows[inside.any(axis=1)]
        middle[some] = np.nanmean(points[some - start], axis=1)
    return share, middle


def heatmaps(
    looker: Looker,
    posterior: Floats,
    camera: Camera,
    width_px: int,
    height_px: int,
    rows: int,
    columns: int,
) -> Image:
    """Where the look may land: `(n, rows, columns)` over the picture, the peak at 255.

    All zero for a look off screen.
    """
    from scipy.ndimage import gaussian_filter

    points, inside = _cone(looker, camera, width_px, height_px)
    cell = np.array([columns / width_px, rows / height_px])
    maps = np.zeros((len(posterior), rows, columns))
    for i in range(len(maps)):
        _spill(maps[i], points[i][inside[i]] * cell, posterior[i, -1] / points.shape[1])
        for j in np.flatnonzero(np.isfinite(looker.other_px[i, :, 0])):
            _spill(maps[i], looker.other_px[i, j : j + 1] * cell, posterior[i, j])
        maps[i] = gaussian_filter(maps[i], columns / 40, truncate=2.0)
    peak = maps.max(axis=(1, 2), keepdims=True)
    return np.round(255 * maps / np.where(peak > 0, peak, 1)).astype(np.uint8)


def _spill(heat: Floats, cells: Floats, mass: float) -> None:
    at = np.clip(cells.astype(int), 0, np.array(heat.shape[::-1]) - 1)
    np.add.at(heat, (at[:, 1], at[:, 0]), mass)


def _as_measured(way: Floats, ray: Floats) -> Floats:
    """Directions `(..., 3)` as heads show them: `HEAD_SHARE` of the way from facing the camera."""
    yaw, pitch = directions.to_yaw_pitch(way)
    ray_yaw, ray_pitch = directions.to_yaw_pitch(-ray)
    turn = np.arctan2(np.sin(yaw - ray_yaw), np.cos(yaw - ray_yaw))
    return directions.from_yaw_pitch(
        ray_yaw + HEAD_SHARE * turn, ray_pitch + HEAD_SHARE * (pitch - ray_pitch)
    )


def _density(gaze: Floats, about: Floats, concentration: Floats) -> Floats:
    """Density of directions `(..., 3)` about others.

    That of von Mises and Fisher, but with nods known better than turns.
    """
    kappa = np.maximum(concentration, 0.5)
    (yaw, pitch), (mean_yaw, mean_pitch) = (
        directions.to_yaw_pitch(gaze),
        directions.to_yaw_pitch(about),
    )
    turn = np.cos(mean_pitch) * np.cos(pitch) * (1 - np.cos(yaw - mean_yaw))
    nod = NOD_KNOWN_BETTER**2 * (1 - np.cos(pitch - mean_pitch))
    scale = NOD_KNOWN_BETTER * kappa / (2 * np.pi * -np.expm1(-2 * kappa))
    return np.asarray(scale * np.exp(-kappa * (turn + nod)))


@cache
def _distance_nodes() -> tuple[tuple[float, float], ...]:
    """Gauss-Hermite nodes and weights over the logarithm of a face's distance."""
    x, w = np.polynomial.hermite_e.hermegauss(7)
    return tuple(
        (float(DISTANCE_SPREAD * a), float(b / w.sum())) for a, b in zip(x, w, strict=True)
    )


def _cone(
    looker: Looker, camera: Camera, width_px: int, height_px: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Pixels `(n, samples, 2)` of points along the cone, and which of them can be seen.

    Seen `(n, samples)` is what lies in the picture and before the camera.
    """
    start = camera.rays(looker.eyes_px) * looker.distance_mm[:, None]
    side = directions.normalise(np.cross(looker.gaze, [0.0, 1.0, 0.0]))
    above = np.cross(side, looker.gaze)
    spread = 1 / np.sqrt(looker.concentration)
    points = []
    for a, b in _disc():
        aim = directions.normalise(looker.gaze + spread[:, None] * (a * side + b * above))
        below_mm = LAP_MM / np.clip(aim[:, 1:2], 0.05, None)
        far_mm = np.minimum(np.outer(looker.distance_mm, REACH), below_mm)
        points += [start + far_mm[:, k : k + 1] * aim for k in range(len(REACH))]
    place = np.stack(points, axis=1)
    ahead = place[..., 2] > 150.0
    pixel = camera.project(np.where(ahead[..., None], place, [0.0, 0.0, 1.0]))
    inside = ahead & (pixel >= 0).all(-1) & (pixel < [width_px, height_px]).all(-1)
    return pixel, inside


@cache
def _disc() -> tuple[tuple[float, float], ...]:
    """A sunflower of points distributed as a two-dimensional normal law."""
    k = np.arange(32) + 0.5
    radius = np.sqrt(-2 * np.log1p(-k / 32))
    angle = np.pi * (3 - np.sqrt(5)) * k
    return tuple(
        zip((radius * np.cos(angle)).tolist(), (radius * np.sin(angle)).tolist(), strict=True)
    )
