"""What a face does: lids that follow the gaze, blinks, mouth and brows; how neck and trunk turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eyeline.people.irises.anatomy import IRIS_DEPTH_MM, IRIS_MM
from eyeline.results import Floats
from eyeline.synthetic.heads.assets import Assets, load
from eyeline.synthetic.heads.identity import BALL_MM, Identity

_MIDST = slice(4, 8)
"""Vertices of the margins of the lids above and below the iris."""
_UPPER_FOLLOWS, _LOWER_FOLLOWS = 0.85, 0.3
"""Of the way of the iris up and down, by the margins of the lids."""
_SIDES = ("Right", "Left")
"""The person's, in the image's order."""


@dataclass(frozen=True)
class Face:
    """What the parts of a face do."""

    gaze: Floats
    """`(2, 3)` unit vector of each eye in the head's frame."""
    opening: Floats
    """`(2,)` of the lids: 0 closed, 1 as at rest, more is wide."""
    actions: dict[str, float] = field(default_factory=dict)
    """Weights of facial actions."""
    neck: Floats = field(default_factory=lambda: np.zeros(3))
    """`(3,)` rotation vector of the trunk against the head."""


@dataclass(frozen=True)
class Eyes:
    """Eyes in the head's frame; both in the image's order.

    The lids of MakeHuman fit eyeballs of 14.7 mm, larger than life. What is seen of the eyeball has
    their surface; iris and gaze turn as in an eye of 12 mm with the same foremost point.
    """

    balls: Floats
    """`(2, 3)` centres of the surfaces."""
    ball: float
    """Radius of the surfaces."""
    centres: Floats
    """`(2, 3)` what the irises turn about."""
    irises: Floats
    """`(2, 3)` centres of the rims of the irises."""
    radius: float
    """Of the irises."""


def turn_eyes(person: Identity, gaze: Floats) -> Eyes:
    """Where the eyes of a face are that look along `(2, 3)`."""
    size = person.ball / BALL_MM
    depth = np.sqrt(person.ball**2 - (IRIS_MM * size) ** 2) - IRIS_DEPTH_MM * size
    centres = person.eyes - [0.0, 0.0, depth]
    irises = centres + IRIS_DEPTH_MM * size * gaze
    return Eyes(person.eyes, person.ball, centres, irises, IRIS_MM * size)


def deform(person: Identity, face: Face) -> Floats:
    """Vertices `(n, 3)` of the head with that face, before the neck turns."""
    assets = load()
    points = person.vertices.copy()
    for name, weight in face.actions.items():
        points += weight * assets.actions[name]
    for eye in range(2):
        points += _lid_moves(assets, points, eye, face, person)
    return _off_the_ball(assets, points, person)


def _lid_moves(assets: Assets, points: Floats, eye: int, face: Face, person: Identity) -> Floats:
    """What brings the margins of one eye's lids where gaze and opening want them."""
    side, size = _SIDES[eye], person.ball / BALL_MM
    upper, lower = assets.upper_lids[eye][_MIDST], assets.lower_lids[eye][_MIDST]
    down = IRIS_DEPTH_MM * size * float(face.gaze[eye, 1])
    above, below = points[upper, 1].mean(), points[lower, 1].mean()
    to_below = below + _LOWER_FOLLOWS * down
    to_above = min(above + _UPPER_FOLLOWS * down, to_below - 1.5 * size)
    to_above = to_below - float(face.opening[eye]) * (to_below - to_above)
    blink, wide, squint = (assets.actions[f"eye{n}{side}"] for n in ("Blink", "Wide", "Squint"))
    by_upper = to_above - above
    action = blink if by_upper > 0 else wide
    moves = action * np.clip(by_upper / action[upper, 1].mean(), 0, 2.0)
    return np.asarray(
        moves + squint * np.clip((to_below - below) / squint[lower, 1].mean(), -1, 1.5)
    )


def _off_the_ball(assets: Assets, points: Floats, person: Identity) -> Floats:
    """Lids lie on the eyeballs, not in them."""
    for eye, centre in enumerate(person.eyes):
        near = np.concatenate([assets.upper_lids[eye], assets.lower_lids[eye]])
        lids = np.flatnonzero(
            (assets.masks["eyelids"] > 0.2)
            & (np.sign(assets.template[:, 0]) == 2 * eye - 1)
            & (assets.template[:, 2] < -8.0)
        )
        which = np.union1d(near, lids)
        away = points[which] - centre
        length = np.linalg.norm(away, axis=1, keepdims=True)
        least = person.ball + 0.5
        push = (length < least) & (length > 0.93 * person.ball)
        points[which] = np.where(push, centre + away * least / length, points[which])
    return points


def trunk_weights(rest: Floats) -> Floats:
    """`(...,)` how far points `(..., 3)` of the template go with the trunk, [0, 1]."""
    way = np.clip((rest[..., 1] + 0.5 * (rest[..., 2] - 60.0) - 72.0) / 95.0, 0, 1)
    return np.asarray(way * way * (3 - 2 * way))


def bend(points: Floats, weights: Floats, pivot: Floats, turn: Floats) -> Floats:
    """Points `(..., 3)` turned about a pivot by their weights `(...,)` of a rotation vector."""
    angle = float(np.linalg.norm(turn))
    if angle < 1e-6:
        return points
    axis = (turn / angle).astype(np.float32)
    cos, sin = np.cos(angle * weights)[..., None], np.sin(angle * weights)[..., None]
    away = points - pivot
    along = (away @ axis)[..., None] * axis
    return np.asarray(pivot + along + cos * (away - along) + sin * np.cross(axis, away), np.float32)


def openings(points: Floats) -> Floats:
    """`(2,)` distance of the lids' margins over the width of the eye, before the neck turns."""
    assets = load()
    gap = points[assets.lower_lids][:, _MIDST, 1] - points[assets.upper_lids][:, _MIDST, 1]
    ends = points[assets.upper_lids][:, [0, -1]]
    return np.asarray(np.maximum(gap.mean(1), 0) / np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))
