"""Head hair in many styles, as ribbons that are locks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.geometry.directions import normalise
from eyeline.results import Floats
from eyeline.synthetic.heads.assets import load
from eyeline.synthetic.heads.identity import Identity
from eyeline.synthetic.heads.ribbons import LOCK, Ribbons
from eyeline.synthetic.heads.skull import CENTRE, surface_of

STYLES = (
    "bald",
    "buzz",
    "fringe",
    "short",
    "swept_back",
    "parted",
    "bob",
    "long",
    "curtain",
    "tied",
    "curly",
    "afro",
    "balding",
)


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
        "bald": 0,
        "buzz": u(2, 7),
        "fringe": u(55, 110),
        "short": u(22, 55),
        "balding": u(8, 30),
        "swept_back": u(70, 130),
        "parted": u(60, 120),
        "bob": u(130, 220),
        "long": u(230, 420),
        "curtain": u(170, 380),
        "tied": u(140, 200),
        "curly": u(50, 190),
        "afro": u(22, 85),
    }
    lifts = {"short": u(0.15, 0.8), "afro": 2.5, "curly": u(0.4, 1.2), "buzz": 2.0}
    falls = {"bob": 0.5, "long": 0.5, "curtain": 0.55, "parted": 0.25, "fringe": 0.2, "curly": 0.3}
    widths = {"buzz": u(0.25, 0.5), "balding": u(0.5, 0.9), "short": u(0.7, 1.3)}
    curly = name in ("curly", "afro")
    wavy = rng.random() < 0.35
    fringed = name in ("fringe", "curtain") or (name in ("bob", "long", "tied") and u() < 0.35)
    counts = {
        "bald": 0,
        "buzz": 2200,
        "balding": 1500,
        "curly": 1000,
        "bob": 1100,
        "long": 950,
        "curtain": 1000,
    }
    count = counts.get(name, 1400)
    return Style(
        name,
        front=u(-78, -62) - (14 if name == "balding" else 0),
        nape=u(52, 82),
        length=lengths[name],
        count=count,
        width=widths.get(name, u(1.3, 2.4)),
        lift=lifts.get(name, u(0.15, 0.5)),
        fall=falls.get(name, 0.06),
        curl=u(2.5, 6.5) if curly else (u(1.0, 4.0) if wavy else u(0.1, 0.8)),
        waves=u(2.5, 5) if curly else u(1.5, 4.5),
        parting=u(-38, 38) if name != "curtain" else u(-12, 12),
        fringe=u(38, 78) if fringed else 0.0,
        thickness=u(3, 12) + (6 if curly else 0),
        hold=0.0 if curly else (u(0.15, 0.8) if name == "short" else u(0.5, 0.95)),
    )


def grow(
    rng: np.random.Generator, person: Identity, style: Style, colour: Floats
) -> Ribbons | None:
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
    normals = normalise(roots - CENTRE)
    return roots, normals, (assets.template[faces[scalp]][which] * mix).sum(1)


def _comb(
    rng: np.random.Generator,
    person: Identity,
    roots: Floats,
    normals: Floats,
    rest: Floats,
    style: Style,
    segments: int,
) -> Floats:
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
    surface = surface_of(person)
    at, heading = roots + 0.3 * normals, normals * style.lift + 0.4 * clump
    points = [at]
    for k in range(segments):
        out = normalise(at - CENTRE)
        flow = _flow(at, rest, style, fringe)
        flow = flow - (flow * out).sum(1, keepdims=True) * out * 0.9
        late = min(1.0, 0.35 + k / 3)
        fall = np.where(fringe, 0.25, style.fall)[:, None] * late
        heading = normalise(0.9 * heading + late * (0.75 * flow + 0.18 * clump) + fall * [0, 1, 0])
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
        flow += normalise(at - CENTRE) * 1.5
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
    knot = surface_of(person).outside(CENTRE + np.array([[0, high + 15, 160.0]]), np.array([10.0]))[
        0
    ]
    t = np.linspace(0, 1, segments + 1)[None, :, None]
    surface, layer = surface_of(person), rng.uniform(0.2, 1, len(roots)) * min(style.thickness, 5)
    line = roots[:, None] * (1 - t) + (knot + rng.normal(0, 3.5, (len(roots), 1, 3))) * t
    lying = surface.outside(line.reshape(-1, 3), np.repeat(layer, segments + 1))
    lying = lying.reshape(line.shape)
    tail = rng.random(len(roots)) < 0.4
    start = knot + rng.normal(0, 6, (len(roots), 1, 3))
    if rng.random() < 0.35:  # a bun
        angle = rng.uniform(0, 2 * np.pi, (len(roots), 1)) + t[..., 0] * rng.uniform(2, 5)
        tilt = rng.uniform(-1.2, 1.2, (len(roots), 1))
        ring = np.stack(
            [np.cos(angle) * np.cos(tilt), np.sin(angle) * np.cos(tilt), np.sin(tilt) + 0 * angle],
            -1,
        )
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
    return np.stack(
        [np.sin(roots @ w.T + p).mean(1) for w, p in zip(waves, phases, strict=True)], 1
    )
