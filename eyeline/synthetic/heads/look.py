"""What a random person looks like, from skin to clothes; colours are linear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats
from eyeline.synthetic.heads import hair, identity
from eyeline.synthetic.heads.hair import Style
from eyeline.synthetic.heads.identity import Identity


def linear(srgb: npt.ArrayLike) -> Floats:
    """Colours of 0 to 255 as light."""
    return np.asarray((np.asarray(srgb, np.float64) / 255.0) ** 2)


SKINS = linear(
    [
        (240, 205, 184),
        (230, 188, 164),
        (222, 176, 148),
        (206, 156, 124),
        (188, 136, 102),
        (160, 110, 78),
        (126, 84, 58),
        (96, 62, 44),
        (70, 46, 34),
    ]
)
"""From light to dark."""
HAIRS = linear(
    [
        (18, 15, 14),
        (34, 25, 20),
        (58, 40, 29),
        (86, 60, 41),
        (122, 88, 58),
        (164, 128, 86),
        (198, 168, 122),
        (128, 66, 36),
        (128, 126, 124),
        (196, 194, 190),
    ]
)
IRISES = linear(
    [
        (58, 36, 22),
        (86, 54, 30),
        (112, 78, 44),
        (104, 104, 62),
        (98, 122, 104),
        (110, 134, 152),
        (134, 152, 166),
    ]
)


@dataclass(frozen=True)
class Look:
    """All that does not change while somebody moves."""

    person: Identity
    seed: int
    """Of strands and patterns."""
    skin: Floats
    lips: Floats
    hair: Floats
    brow: Floats
    iris_inner: Floats
    iris_outer: Floats
    white: Floats
    style: Style
    brow_shape: Floats
    """`(4,)` row, thickness, slope, darkness."""
    details: Floats
    """`(4,)` blotches, freckles, wrinkles, redness."""
    makeup: Floats
    """`(4,)` lips, lids, cheeks, shine."""
    whiskers: Floats
    """`(4,)` how much grows, moustache, chin and jaw, row where it ends."""
    beard_mm: float
    under_eyes: float
    lashes_mm: float
    eyes: Floats
    """`(3,)` pupil, softness of the iris' rim, redness."""
    glasses: Floats | None
    """`(9,)` width, height, squareness, thickness, colour (3), opacity and grey of the lenses."""
    headwear: str
    """none, beanie, cap, scarf or hood."""
    cloth: Floats
    """`(2, 3)` colours of the clothes."""
    hat: Floats
    """`(2, 3)` colours of what is on the head."""
    pattern: Floats
    """`(4,)` kind, scale, fuzz, folds of the clothes."""
    hat_pattern: Floats
    neckline: Floats
    """`(4,)` row behind, how much lower before, a point, how far it stands off."""


def draw(rng: np.random.Generator) -> Look:
    """Somebody."""
    person = identity.draw(rng)
    male, old, young = person.male > 0.5, float(person.age[3]), float(person.age[:2].sum())
    skin = _skin(rng, person)
    colour = _hair_colour(rng, person, skin)
    style = hair.draw_style(rng, person)
    brow = colour * rng.uniform(0.35, 1.0) if colour.mean() > 0.03 else colour
    iris = _iris(rng, skin)
    bearded = male and young < 0.3 and rng.random() < 0.55
    full = bearded and rng.random() < 0.5
    headwear = str(
        rng.choice(["none", "beanie", "cap", "scarf", "hood"], p=[0.78, 0.06, 0.07, 0.05, 0.04])
    )
    made_up = (not male) and young < 0.4 and rng.random() < 0.55
    return Look(
        person,
        int(rng.integers(2**31)),
        skin,
        lips=linear([rng.uniform(120, 200), rng.uniform(35, 90), rng.uniform(50, 95)]),
        hair=colour,
        brow=np.minimum(brow, skin * 0.55),
        iris_inner=iris[0],
        iris_outer=iris[1],
        white=np.array([0.66, 0.62, 0.58])
        * rng.uniform(0.75, 1.1)
        * rng.uniform([0.97, 0.96, 0.9], 1.03),
        style=style,
        brow_shape=np.array(
            [
                rng.uniform(-25, -20),
                rng.uniform(2.2, 5.0) + 1.3 * male,
                rng.normal(0, 2.2),
                rng.uniform(0.25, 1.0) * (1 - 0.5 * person.age[0]),
            ]
        ),
        details=np.array(
            [
                rng.uniform(0.15, 0.75),
                rng.choice([0, rng.uniform(0.2, 1)], p=[0.75, 0.25]),
                np.clip(1.1 * old + rng.normal(0.03, 0.08), 0, 1.2),
                rng.uniform(0.1, 1.1),
            ]
        ),
        makeup=np.array(
            [
                made_up * rng.uniform(0, 1),
                made_up * rng.uniform(0, 0.8),
                made_up * rng.uniform(0, 0.7),
                rng.uniform(0.1, 0.95),
            ]
        ),
        whiskers=np.array(
            [
                bearded * rng.uniform(0.25, 0.9),
                rng.uniform(0.4, 1),
                rng.uniform(0.35, 1),
                rng.uniform(118, 140),
            ]
        ),
        beard_mm=float(full * rng.lognormal(1.9, 0.6)),
        under_eyes=float(rng.uniform(0, 0.9) * (1 - 0.6 * young)),
        lashes_mm=float(rng.uniform(4.5, 8.0) + 2.0 * made_up),
        eyes=np.array([rng.uniform(0.26, 0.58), rng.uniform(0.05, 0.14), rng.uniform(0, 0.8)]),
        glasses=_glasses(rng) if rng.random() < 0.24 * (1 - 0.8 * person.age[0]) else None,
        headwear=headwear,
        cloth=_cloths(rng),
        hat=_cloths(rng),
        pattern=_pattern(rng),
        hat_pattern=_pattern(rng) * [rng.random() < 0.4, 1, 1, 0.6],
        neckline=_neckline(rng),
    )


def _skin(rng: np.random.Generator, person: Identity) -> Floats:
    at = person.ancestry @ [6.4, 2.4, 1.3] + rng.normal(0, 0.9)
    low = int(np.clip(at, 0, 7))
    part = np.clip(at - low, 0, 1)
    tone = (1 - part) * SKINS[low] + part * SKINS[low + 1]
    return np.asarray(
        tone * rng.uniform(0.88, 1.1) * rng.uniform([0.97, 0.95, 0.9], [1.03, 1.04, 1.1])
    )


def _hair_colour(rng: np.random.Generator, person: Identity, skin: Floats) -> Floats:
    if rng.random() < 0.85 * person.age[3]:
        return np.asarray(HAIRS[8 + int(rng.random() < 0.5)] * rng.uniform(0.5, 1.15))
    if rng.random() < 0.03:  # dyed
        return linear(rng.uniform(25, 200, 3))
    light = skin.mean() > 0.3
    chances = (
        [0.1, 0.16, 0.2, 0.2, 0.14, 0.1, 0.05, 0.05]
        if light
        else [0.5, 0.3, 0.14, 0.04, 0.02, 0, 0, 0]
    )
    return np.asarray(HAIRS[rng.choice(8, p=chances)] * rng.uniform(0.75, 1.3))


def _iris(rng: np.random.Generator, skin: Floats) -> tuple[Floats, Floats]:
    light = skin.mean() > 0.3
    chances = (
        [0.18, 0.2, 0.15, 0.1, 0.12, 0.15, 0.1] if light else [0.55, 0.3, 0.1, 0.03, 0.02, 0, 0]
    )
    outer = IRISES[rng.choice(7, p=chances)] * rng.uniform(0.6, 1.3)
    inner = outer * rng.uniform(0.8, 1.3) + linear([95, 62, 28]) * rng.uniform(0, 0.8)
    return np.asarray(inner), np.asarray(outer)


def _glasses(rng: np.random.Generator) -> Floats:
    frame = linear([20, 18, 18]) if rng.random() < 0.55 else linear(rng.uniform(15, 190, 3))
    sun = rng.random() < 0.18
    return np.array(
        [
            rng.uniform(44, 56),
            rng.uniform(30, 46),
            rng.uniform(0.45, 1.0),
            rng.choice([0.5, 1.0, 1.8]) * rng.uniform(0.7, 1.3),
            *frame,
            rng.uniform(0.6, 0.97) if sun else rng.uniform(0.02, 0.1),
            rng.uniform(0.005, 0.05),
        ]
    )


def _cloths(rng: np.random.Generator) -> Floats:
    base = linear(rng.uniform(12, 235) * (1 + rng.normal(0, 0.22, (2, 3))).clip(0.4, 1.6))
    if rng.random() < 0.35:
        base[1] = linear(rng.uniform(12, 235, 3))
    return np.clip(base, 0.004, 0.8)


def _pattern(rng: np.random.Generator) -> Floats:
    kind = float(rng.choice(5, p=[0.66, 0.14, 0.1, 0.05, 0.05]))
    return np.array([kind, rng.uniform(9, 40), rng.uniform(0.02, 0.25), rng.uniform(0.4, 1.6)])


def _neckline(rng: np.random.Generator) -> Floats:
    kind = rng.choice(4, p=[0.5, 0.2, 0.18, 0.12])
    back, front, point, off = [
        (128, rng.uniform(34, 62), 0, 4),
        (118, 36, rng.uniform(20, 80), 6),
        (96, rng.uniform(22, 40), 0, rng.uniform(6, 12)),
        (150, rng.uniform(50, 90), 0, 3),
    ][int(kind)]
    return np.array([back, front, point, off], np.float64)
