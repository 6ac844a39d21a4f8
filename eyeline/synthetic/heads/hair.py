"""Hair as ribbons of locks: head hair in many styles, brows, lashes, beards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats
from eyeline.synthetic.heads.assets import load
from eyeline.synthetic.heads.identity import Identity

STYLES = (
    "bald", "buzz", "fringe", "short", "swept_back", "parted", "bob", "long", "curtain", "tied",
    "curly", "afro", "balding",
)  # fmt: skip
_MIDDLE = np.array([0.0, -15.0, 82.0])
"""Of the skull."""
LOCK, FINE, RIGID = 0.0, 1.0, 2.0
"""Kinds of ribbons."""


@dataclass(frozen=True)
class Ribbons:
    """`k` ribbons of `s` points each in the head's frame."""

    points: Floats
    """`(k, s, 3)`."""
    half_width: Floats
    """`(k, s)` millimetres."""
    colour: Floats
    """`(k, 3)` linear RGB."""
    kind: float


@dataclass(frozen=True)
class Style:
    """How head hair is worn."""

    name: str
    front: float
    """Rows of the hairline in the template: before, and at the nape."""
    nape: float
    length: float
    count: int
    width: float
    lift: float
    """How steeply it leaves the skin."""
    fall: float
    """How strongly it hangs down."""
    curl: float
    waves: float
    parting: float
    """Where the parting is, across."""
    fringe: float
    """Length of the hair over the forehead; 0 for none."""
    thickness: float
    """Of all hair over the skull."""
    hold: float
    """How closely it keeps to the shape of the skull, [0, 1]."""


def draw_style(rng: np.random.Generator, person: Identity) -> Style:
    """One that a person of that age and sex may wear."""
    infant, old = person.age[0], person.age[3]
    men = np.array([0.07, 0.15, 0.10, 0.26, 0.08, 0.07, 0.02, 0.03, 0.02, 0.03, 0.06, 0.03, 0.08])
    women = np.array([0.01, 0.02, 0.09, 0.06, 0.05, 0.07, 0.16, 0.20, 0.12, 0.13, 0.06, 0.03, 0.0])
    chances = person.male * men + (1 - person.male) * women
    if infant > 0.4:
        chances = np.array([0.3, 0.25, 0.15, 0.2, 0, 0, 0.02, 0, 0, 0.04, 0.04, 0, 0])
    chances[-1] *= 0.2 + 3 * old
    chances[11] *= 0.3 + 3.5 * person.ancestry[0]
    return make_style(rng, str(rng.choice(STYLES, p=chances / chances.sum())))


def make_style(rng: np.random.Generator, name: str) -> Style:
    """One of a name."""
    u = rng.uniform
    lengths = {
        "bald": 0, "buzz": u(2, 7), "fringe": u(55, 110), "short": u(22, 55), "balding": u(8, 30),
        "swept_back": u(70, 130), "parted": u(60, 120), "bob": u(130, 220), "long": u(230, 420),
        "curtain": u(170, 380), "tied": u(140, 200), "curly": u(50, 190), "afro": u(22, 85),
    }  # fmt: skip
    lifts = {"short": u(0.15, 0.8), "afro": 2.5, "curly": u(0.4, 1.2), "buzz": 2.0}
    falls = {"bob": 0.5, "long": 0.5, "curtain": 0.55, "parted": 0.25, "fringe": 0.2, "curly": 0.3}
    widths = {"buzz": u(0.25, 0.5), "balding": u(0.5, 0.9), "short": u(0.7, 1.3)}
    curly = name in ("curly", "afro")
    wavy = rng.random() < 0.35
    fringed = name in ("fringe", "curtain") or (name in ("bob", "long", "tied") and u() < 0.35)
    counts = {"bald": 0, "buzz": 2200, "balding": 1500, "curly": 1000, "bob": 1100, "long": 950,
              "curtain": 1000}  # fmt: skip
    count = counts.get(name, 1400)
    return Style(
        name, front=u(-78, -62) - (14 if name == "balding" else 0), nape=u(52, 82),
        length=lengths[name], count=count,
        width=widths.get(name, u(1.3, 2.4)),
        lift=lifts.get(name, u(0.15, 0.5)), fall=falls.get(name, 0.06),
        curl=u(2.5, 6.5) if curly else (u(1.0, 4.0) if wavy else u(0.1, 0.8)),
        waves=u(2.5, 5) if curly else u(1.5, 4.5),
        parting=u(-38, 38) if name != "curtain" else u(-12, 12),
        fringe=u(38, 78) if fringed else 0.0, thickness=u(3, 12) + (6 if curly else 0),
        hold=0.0 if curly else (u(0.15, 0.8) if name == "short" else u(0.5, 0.95)),
    )  # fmt: skip


def grow(rng: np.random.Generator, person: Identity, style: Style, colour: Floats) -> Ribbons | None:
    """The head hair of a person; None for the bald."""
    if not style.count:
        return None
    roots, normals, rest = _roots(rng, person, style)
    segments = 5 if style.length < 60 else (7 if style.length < 150 else 10)
    if style.name in ("curly", "afro"):
        segments = 15
    if style.name == "tied":
        points = _tied(rng, person, roots, style, segments)
    else:
        points = _comb(rng, person, roots, normals, rest, style, segments)
    taper = np.linspace(1, 0.5, points.shape[1])
    width = style.width * rng.uniform(0.6, 1.3, (len(points), 1)) * taper
    tints = colour * np.exp(rng.normal(0, 0.2, (len(points), 1)))
    return Ribbons(points.astype(np.float32), width, tints, LOCK)


def hairline(rest: Floats, front: float, nape: float) -> Floats:
    """Millimetres that points `(..., 3)` of the template lie within the hair; as the shader's."""
    f = np.arctan2(np.abs(rest[..., 0]), 80.0 - rest[..., 2])
    at = [0.0, 0.55, 1.0, 1.32, 1.5, 1.75, 2.4, np.pi]
    rows = [front, front + 7.9, -40.0, 12.0, -18.0, -18.0, nape, nape]
    return np.asarray(np.interp(f, at, rows) - rest[..., 1])


def _roots(
    rng: np.random.Generator, person: Identity, style: Style
) -> tuple[Floats, Floats, Floats]:
    """Places `(k, 3)` on the scalp, the skin's normals there, and where they are at rest."""
    assets = load()
    faces = assets.skin
    rest = assets.template[faces].mean(1)
    inside = hairline(rest, style.front, style.nape) + rng.normal(0, 3, len(rest))
    if style.name == "balding":
        inside = np.minimum(inside, rest[:, 1] + 62.0)
    scalp = (inside > 0) & (assets.masks["ears"][faces].max(1) < 0.3) & (rest[:, 1] < 95)
    a, b, c = (person.vertices[faces[scalp][:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    area = np.linalg.norm(cross, axis=1)
    which = rng.choice(len(area), style.count, p=area / area.sum())
    u, v = np.sqrt(rng.random(style.count)), rng.random(style.count)
    mix = np.stack([1 - u, u * (1 - v), u * v], 1)[:, :, None]
    roots = (np.stack([a, b, c], 1)[which] * mix).sum(1)
    normals = _unit(roots - _MIDDLE)
    return roots, normals, (assets.template[faces[scalp]][which] * mix).sum(1)


def _comb(
    rng: np.random.Generator, person: Identity, roots: Floats, normals: Floats, rest: Floats,
    style: Style, segments: int,
) -> Floats:  # fmt: skip
    """Ribbons `(k, s, 3)` that leave the roots, follow the comb, hang, and lie on head and neck."""
    count = len(roots)
    front = (rest[:, 2] < 45) & (rest[:, 1] < -35) & (np.abs(rest[:, 0]) < 52)
    fringe = front & (style.fringe > 0) & (rng.random(count) < 0.9)
    length = style.length * rng.uniform(0.75, 1.1, count)
    if style.name in ("short", "buzz", "balding", "fringe"):  # shorter towards the nape
        length *= 1 - 0.55 * np.clip((rest[:, 1] + 20) / 70, 0, 1)
    length = np.where(fringe, style.fringe * rng.uniform(0.8, 1.1, count), length)
    step = (length / segments)[:, None]
    layer = rng.uniform(0.15, 1, count) * style.thickness
    phase, tempo = rng.uniform(0, 2 * np.pi, (2, count)), style.waves * rng.uniform(0.8, 1.2, count)
    clump = _clumps(rng, roots)
    surface = _surface(person)
    at, heading = roots + 0.3 * normals, normals * style.lift + 0.4 * clump
    points = [at]
    for k in range(segments):
        out = _unit(at - _MIDDLE)
        flow = _flow(at, rest, style, fringe)
        flow = flow - (flow * out).sum(1, keepdims=True) * out * 0.9
        late = min(1.0, 0.35 + k / 3)
        fall = np.where(fringe, 0.25, style.fall)[:, None] * late
        heading = _unit(0.9 * heading + late * (0.75 * flow + 0.18 * clump) + fall * [0, 1, 0])
        over = layer * min(1.0, 0.4 + k / 4)
        at = surface.held(surface.outside(at + step * heading, over), over, style.hold)
        wave = style.curl * np.sin(phase + tempo * (k + 1) / segments * 2 * np.pi) * min(1.0, k / 2)
        aside = np.cross(heading, out)
        points.append(at + aside * wave[0, :, None] + 0.6 * out * wave[1, :, None])
    return np.stack(points, 1)


def _flow(at: Floats, rest: Floats, style: Style, fringe: npt.NDArray[np.bool_]) -> Floats:
    """Directions `(k, 3)` in which hair is combed at places `(k, 3)`."""
    x, behind = at[:, 0], np.clip((at[:, 2] - 70) / 60, 0, 1)
    side = np.tanh((x - style.parting) / 9)
    flow = np.zeros_like(at)
    if style.name in ("short", "buzz", "fringe", "balding"):
        flow += [0, 0.5, 0]
        flow[:, 1] += 1.1 * behind
        flow[:, 2] += np.where(behind > 0.3, -0.1, -0.55)
        flow[:, 0] += 0.4 * np.sign(style.parting + 1e-6) + 0.15 * side
    elif style.name == "swept_back":
        flow += [0, 0.25, 1.0]
        flow[:, 0] += 0.15 * side
    elif style.name == "afro":
        flow += _unit(at - _MIDDLE) * 1.5
    else:
        flow[:, 0] += side * (1 - behind) * np.clip(1 - (at[:, 1] + 60) / 60, 0.1, 1)
        flow[:, 1] += 0.55
        forward = 0.35 if style.name == "curtain" else -0.12
        flow[:, 2] += np.where(behind > 0.6, 0.05, -forward * (at[:, 1] < 40))
    lead = np.array([0.25 * np.sign(style.parting + 1e-6), 0.7, -0.55])
    flow[fringe] = lead
    return flow


def _tied(
    rng: np.random.Generator, person: Identity, roots: Floats, style: Style, segments: int
) -> Floats:
    """Hair drawn back to a knot, and what hangs from it or is rolled up."""
    high = rng.uniform(-70, 45)
    knot = _surface(person).outside(_MIDDLE + [[0, high + 15, 160.0]], np.array([10.0]))[0]
    t = np.linspace(0, 1, segments + 1)[None, :, None]
    surface, layer = _surface(person), rng.uniform(0.2, 1, len(roots)) * min(style.thickness, 5)
    line = roots[:, None] * (1 - t) + (knot + rng.normal(0, 3.5, (len(roots), 1, 3))) * t
    lying = surface.outside(line.reshape(-1, 3), np.repeat(layer, segments + 1))
    lying = lying.reshape(line.shape)
    tail = rng.random(len(roots)) < 0.4
    start = knot + rng.normal(0, 6, (len(roots), 1, 3))
    if rng.random() < 0.35:  # a bun
        angle = rng.uniform(0, 2 * np.pi, (len(roots), 1)) + t[..., 0] * rng.uniform(2, 5)
        tilt = rng.uniform(-1.2, 1.2, (len(roots), 1))
        ring = np.stack([np.cos(angle) * np.cos(tilt), np.sin(angle) * np.cos(tilt),
                         np.sin(tilt) + 0 * angle], -1)  # fmt: skip
        hanging = knot + [0, 0, 14] + rng.uniform(14, 26) * ring
    else:
        sway = rng.normal(0, 0.12, (len(roots), 1, 3))
        way = np.array([rng.normal(0, 0.1), 1.0, 0.12]) + sway
        arch = np.array([0, 0, 1.0]) * 28 * np.sin(np.pi * np.minimum(t * 1.4, 1))
        hanging = start + style.length * t * way + arch
    return np.where(tail[:, None, None], hanging, lying)


def _clumps(rng: np.random.Generator, roots: Floats) -> Floats:
    """Directions `(k, 3)` that neighbours have in common."""
    waves = rng.normal(0, 0.06, (3, 5, 3))
    phases = rng.uniform(0, 2 * np.pi, (3, 5))
    return np.stack([np.sin(roots @ w.T + p).mean(1) for w, p in zip(waves, phases, strict=True)], 1)


@dataclass(frozen=True)
class _Surface:
    """How far head, neck and shoulders reach, by direction from the skull and round the neck."""

    skull: Floats
    """`(24, 48)` by height and azimuth."""
    neck: Floats
    """`(40, 48)` by row and azimuth."""
    top: float
    axis: Floats

    def outside(self, points: Floats, layer: Floats) -> Floats:
        """Points `(k, 3)` moved out to at least so much over the skin."""
        away = points - _MIDDLE
        length = np.linalg.norm(away, axis=1)
        row = np.clip((away[:, 1] / length + 1) * 12, 0, 23).astype(int)
        least = self.skull[row, _azimuth(away)] + layer
        grown = points + away * (np.maximum(least / length, 1) - 1)[:, None]
        # below the ears: round the neck and over the shoulders
        around = grown - self.axis
        level = np.clip((grown[:, 1] - self.top) / 8, 0, 39).astype(int)
        flat = np.hypot(around[:, 0], around[:, 2])
        push = np.maximum((self.neck[level, _azimuth(around)] + layer) / np.maximum(flat, 1), 1)
        around[:, [0, 2]] *= np.where(grown[:, 1] > self.top, np.minimum(push, 1.6), 1)[:, None]
        return np.asarray(self.axis + around)


    def held(self, points: Floats, layer: Floats, hold: float) -> Floats:
        """Points `(k, 3)` above the ears drawn back to so much over the skull."""
        away = points - _MIDDLE
        length = np.linalg.norm(away, axis=1)
        row = np.clip((away[:, 1] / length + 1) * 12, 0, 23).astype(int)
        goal = self.skull[row, _azimuth(away)] + 1.3 * layer
        much = hold * np.clip((35 - points[:, 1]) / 30, 0, 1)
        factor = np.where(length > goal, 1 - much * (1 - goal / length), 1)
        return np.asarray(_MIDDLE + away * factor[:, None])


def _azimuth(away: Floats) -> npt.NDArray[np.int64]:
    return ((np.arctan2(away[:, 0], -away[:, 2]) / (2 * np.pi) + 0.5) * 48).astype(int) % 48


def _surface(person: Identity) -> _Surface:
    """Measured on a person's vertices."""
    assets = load()
    which = np.unique(assets.skin)
    rest, points = assets.template[which], person.vertices[which]
    head = points[(rest[:, 1] < 112) & (assets.masks["ears"][which] < 0.3)]
    away = head - _MIDDLE
    length = np.linalg.norm(away, axis=1)
    skull = np.zeros((24, 48))
    np.maximum.at(skull, (np.clip((away[:, 1] / length + 1) * 12, 0, 23).astype(int), _azimuth(away)), length)
    axis = np.array([0.0, 0.0, float(person.pivot[2]) - 5])
    top = 70.0
    low = points[points[:, 1] > top - 10]
    around = low - axis
    neck = np.zeros((40, 48))
    level = np.clip((low[:, 1] - top) / 8, 0, 39).astype(int)
    near = np.hypot(around[:, 0], around[:, 2])
    near = np.where((low[:, 1] < 118) & (low[:, 2] < 30), 0, near)  # not the jaw
    np.maximum.at(neck, (level, _azimuth(around)), near)
    return _Surface(_filled(skull), _filled(neck), top, axis)


def _filled(grid: Floats) -> Floats:
    """Empty cells from their neighbours, then smoothed."""
    from scipy.ndimage import distance_transform_edt, uniform_filter

    nearest = distance_transform_edt(grid <= 0, return_distances=False, return_indices=True)
    return np.asarray(uniform_filter(grid[tuple(nearest)], 3, mode=("nearest", "wrap")))


def skull_reach(person: Identity, points: Floats) -> Floats:
    """`(k,)` how far the skull without ears reaches towards points `(k, 3)`, from its middle."""
    away = points - _MIDDLE
    row = np.clip((away[:, 1] / np.linalg.norm(away, axis=1) + 1) * 12, 0, 23).astype(int)
    return np.asarray(_surface(person).skull[row, _azimuth(away)])


def pressed(person: Identity, points: Floats, row: float) -> Floats:
    """Points `(k, s, 3)` of hair whose part above a row lies close to the skull, below a hat."""
    away = points - _MIDDLE
    flat = away.reshape(-1, 3)
    length = np.linalg.norm(flat, axis=1)
    close = np.minimum((skull_reach(person, flat + _MIDDLE) + 2.5) / length, 1)
    much = np.clip((row - points[..., 1]) / 12, 0, 1)
    factor = 1 - much * (1 - close.reshape(much.shape))
    return np.asarray(_MIDDLE + away * factor[..., None], np.float32)


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
            out = _unit(roots - balls[eye])
            out[:, 0] += 0.35 * (2 * eye - 1) * (t / len(line) - 0.3)
            size = length * long * rng.uniform(0.6, 1, (40, 1)) * (0.55 + 0.45 * np.sin(t / 11 * 2.6))[:, None]
            bend_ = np.array([[0, lift, 0]]) * size
            created.append(np.stack([roots, roots + 0.55 * size * out + 0.15 * bend_,
                                     roots + 0.85 * size * out + bend_], 1))  # fmt: skip
    lines = np.concatenate(created)
    width = np.array([[0.09, 0.07, 0.03]]) * np.ones((len(lines), 1))
    return Ribbons(lines.astype(np.float32), width, np.full((len(lines), 3), 0.012), FINE)


def short_hairs(
    rng: np.random.Generator, person: Identity, points: Floats, where: Floats, count: int,
    length: float, way: Floats, colour: Floats, width: float = 0.13,
) -> Ribbons | None:  # fmt: skip
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
    out = _unit(normal[which])
    out *= np.sign((out * (roots - [0, 40, 70])).sum(1, keepdims=True))
    lie = np.broadcast_to(way, (len(faces), 3))[which] + rng.normal(0, 0.25, (count, 3))
    lie = _unit(lie - (lie * out).sum(1, keepdims=True) * out)
    size = length * rng.uniform(0.5, 1, (count, 1))
    lines = np.stack([roots, roots + 0.5 * size * lie + 0.18 * size * out + 0.2 * out,
                      roots + size * lie + 0.22 * size * out + 0.2 * out], 1)  # fmt: skip
    taper = width * np.array([[1.0, 0.8, 0.3]]) * rng.uniform(0.7, 1.3, (count, 1))
    return Ribbons(lines.astype(np.float32), taper, colour * np.exp(rng.normal(0, 0.2, (count, 1))), FINE)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))
