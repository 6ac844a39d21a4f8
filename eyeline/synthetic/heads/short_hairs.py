"""Brows, lashes and beards: single hairs on the skin as it is now."""

from __future__ import annotations

from functools import cache

import numpy as np

from eyeline.geometry.directions import normalise
from eyeline.results import Floats
from eyeline.synthetic.heads.assets import load
from eyeline.synthetic.heads.identity import Identity
from eyeline.synthetic.heads.ribbons import FINE, Ribbons


@cache
def _lash_line() -> Floats:
    return np.linspace(0.06, 0.97, 40)


def lashes(rng: np.random.Generator, points: Floats, balls: Floats, length: float) -> Ribbons:
    """Of both eyes' lids as they are now.

    Args:
        rng: decides about the single ones.
        points: vertices `(n, 3)`.
        balls: `(2, 3)` centres of the eyeballs.
        length: of the longest.
    """
    assets = load()
    created = []
    for eye in range(2):
        for margin, long, lift in ((assets.upper_lids, 1.0, -0.55), (assets.lower_lids, 0.5, 0.5)):
            line = points[margin[eye]]
            t = np.clip(_lash_line() + rng.normal(0, 0.01, 40), 0, 1) * (len(line) - 1)
            roots = np.stack([np.interp(t, np.arange(len(line)), line[:, k]) for k in range(3)], 1)
            out = normalise(roots - balls[eye])
            out[:, 0] += 0.35 * (2 * eye - 1) * (t / len(line) - 0.3)
            size = (
                length
                * long
                * rng.uniform(0.6, 1, (40, 1))
                * (0.55 + 0.45 * np.sin(t / 11 * 2.6))[:, None]
            )
            bend_ = np.array([[0, lift, 0]]) * size
            created.append(
                np.stack(
                    [
                        roots,
                        roots + 0.55 * size * out + 0.15 * bend_,
                        roots + 0.85 * size * out + bend_,
                    ],
                    1,
                )
            )
    lines = np.concatenate(created)
    width = np.array([[0.09, 0.07, 0.03]]) * np.ones((len(lines), 1))
    return Ribbons(lines.astype(np.float32), width, np.full((len(lines), 3), 0.012), FINE)


def short_hairs(
    rng: np.random.Generator,
    person: Identity,
    points: Floats,
    where: Floats,
    count: int,
    length: float,
    way: Floats,
    colour: Floats,
    width: float = 0.13,
) -> Ribbons | None:
    """Brows and beards: hairs that lie on the skin.

    Args:
        rng: decides about the single ones.
        person: whose.
        points: vertices `(n, 3)` as they are now.
        where: `(k,)` how densely they stand on each triangle of the skin.
        count: of them.
        length: of the longest.
        way: `(k, 3)` or `(3,)` direction in which they lie.
        colour: `(3,)` linear RGB.
        width: half of it, at the root.
    """
    faces = load().skin
    a, b, c = (points[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    density = where * np.linalg.norm(normal, axis=1)
    if density.sum() <= 0 or not count:
        return None
    which = rng.choice(len(faces), count, p=density / density.sum())
    u, v = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    roots = (1 - u) * a[which] + u * (1 - v) * b[which] + u * v * c[which]
    out = normalise(normal[which])
    out *= np.sign((out * (roots - [0, 40, 70])).sum(1, keepdims=True))
    lie: Floats = np.broadcast_to(way, (len(faces), 3))[which] + rng.normal(0, 0.25, (count, 3))
    lie = normalise(lie - (lie * out).sum(1, keepdims=True) * out)
    size = length * rng.uniform(0.5, 1, (count, 1))
    lines = np.stack(
        [
            roots,
            roots + 0.5 * size * lie + 0.18 * size * out + 0.2 * out,
            roots + size * lie + 0.22 * size * out + 0.2 * out,
        ],
        1,
    )
    taper = width * np.array([[1.0, 0.8, 0.3]]) * rng.uniform(0.7, 1.3, (count, 1))
    return Ribbons(
        lines.astype(np.float32), taper, colour * np.exp(rng.normal(0, 0.2, (count, 1))), FINE
    )
