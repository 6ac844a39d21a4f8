"""The shape of a random person's head: age, sex, ancestry and features by MakeHuman's shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eyeline.results import Floats
from eyeline.synthetic.heads.assets import Assets, load

AGES = ("baby", "child", "young", "old")
ANCESTRIES = ("african", "asian", "caucasian")
_AGE_CHANCES = (0.08, 0.25, 0.42, 0.25)
_LEVELS = ("min", "average", "max")
_CAUTIOUS = (
    "head-scale",
    "head-trans",
    "neck",
    "eye-trans",
    "eye-push",
    "ear-trans",
    "mouth-trans",
)
"""Shapes of which little is enough."""
_LEFT_OUT = ("eyefold", "eye-scale", "ear-shape-pointed", "ear-shape-triangle", "nubian")
HEIGHT_MM = 236.0
"""Of the template's head from chin to crown."""
BALL_MM = 14.7
"""Radius of the template's eyeballs, larger than life; see `eyes`."""


@dataclass(frozen=True)
class Identity:
    """Somebody's head at rest."""

    vertices: Floats
    """`(n, 3)` millimetres in the head's frame, the origin midway between the eyes."""
    age: Floats
    """`(4,)` weights of `AGES`."""
    male: float
    ancestry: Floats
    """`(3,)` weights of `ANCESTRIES`."""

    @cached_property
    def eyes(self) -> Floats:
        """`(2, 3)` centres of the eyeballs' meshes, the image's left one first."""
        return np.asarray(self.vertices[load().eyes].mean(1))

    @cached_property
    def ball(self) -> float:
        """Radius of the eyeballs' meshes."""
        away = np.linalg.norm(self.vertices[load().eyes] - self.eyes[:, None], axis=-1)
        return float(away.mean())

    @cached_property
    def height(self) -> float:
        """Of the head from chin to crown, millimetres."""
        assets = load()
        high = np.unique(assets.skin[assets.template[assets.skin, 1].max(1) < 116])
        return float(np.ptp(self.vertices[high, 1]))

    @cached_property
    def pivot(self) -> Floats:
        """`(3,)` what the head turns about against the trunk."""
        assets = load()
        return np.asarray(0.5 * (assets.neck + assets.skull) * self.height / HEIGHT_MM)


def draw(rng: np.random.Generator) -> Identity:
    """Somebody."""
    assets = load()
    age = _between(rng, rng.choice(4, p=_AGE_CHANCES))
    male = float(np.clip(rng.integers(2) + rng.uniform(-0.35, 0.35), 0, 1))
    ancestry = rng.dirichlet([0.35] * 3)
    muscle, weight = rng.dirichlet([0.6, 1.6, 0.6]), rng.dirichlet([0.6, 1.6, 0.6])
    points = assets.template.copy()
    for sex, much in (("female", 1 - male), ("male", male)):
        for a in np.flatnonzero(age):
            for k, name in enumerate(ANCESTRIES):
                points += age[a] * much * ancestry[k] * assets.macro[f"{name}-{sex}-{AGES[a]}"]
            for i, m in enumerate(_LEVELS):
                for j, w in enumerate(_LEVELS):
                    shape = assets.macro.get(f"universal-{sex}-{AGES[a]}-{m}muscle-{w}weight")
                    if shape is not None:
                        points += (age[a] * much * muscle[i] * weight[j]) * shape
    points += _features(rng, assets)
    centre = points[assets.eyes].mean((0, 1))
    return Identity(points - centre, age, male, ancestry)


def _between(rng: np.random.Generator, at: int) -> Floats:
    """Weights of an age and of its neighbour."""
    weights = np.zeros(4)
    other = int(np.clip(at + rng.choice([-1, 1]), 0, 3))
    much = rng.uniform(0, 0.5)
    weights[at] += 1 - much
    weights[other] += much
    return weights


def _features(rng: np.random.Generator, assets: Assets) -> Floats:
    """Moves of parts of the face, both sides nearly alike; of opposite shapes only one."""
    sides: dict[str, list[str]] = {}
    for name in assets.local:
        base = name[2:] if name[:2] in ("l-", "r-") else name
        sides.setdefault(base, []).append(name)
    moves, done = np.zeros_like(assets.template), set[str]()
    for base in rng.permutation(sorted(sides)):
        stem = str(base).rsplit("-", 1)[0]
        if rng.random() > 0.4 or stem in done or any(part in base for part in _LEFT_OUT):
            continue
        done.add(stem)
        much = min(0.85, abs(rng.normal(0, 0.34)))
        if str(base).startswith(_CAUTIOUS):
            much *= 0.45
        for name in sides[str(base)]:
            moves += much * rng.uniform(0.88, 1.12) * assets.local[name]
    return moves
