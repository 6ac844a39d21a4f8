"""A look in a shot as meshes and ribbons, and what is true of it in the head's frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from eyeline.results import Floats
from eyeline.synthetic.heads import faces, hair, things
from eyeline.synthetic.heads.assets import Indices, load
from eyeline.synthetic.heads.faces import Eyes
from eyeline.synthetic.heads.look import Look
from eyeline.synthetic.heads.renderer import Draw, normals
from eyeline.synthetic.heads.ribbons import LOCK, Ribbons
from eyeline.synthetic.heads.short_hairs import lashes, short_hairs
from eyeline.synthetic.heads.skull import pressed
from eyeline.synthetic.heads.things import Solid
from eyeline.synthetic.heads.view import Shot

_RINGS, _SPOKES = 18, 28
_BROW_HAIRS, _BEARD_HAIRS = 1100, 2200


@dataclass(frozen=True)
class Scene:
    """What is drawn, and what is true."""

    draws: Sequence[Draw]
    ribbons: Sequence[Ribbons]
    lenses: Draw | None
    vertices: Floats
    """`(n, 3)` of the skin in the head's frame, the neck turned."""
    eyes: Eyes
    opening: Floats
    """`(2,)` distance of the lids over the width of the eye."""
    lid_margins: Floats
    """`(2, 2, 12, 3)` by eye, upper and lower, from the nose outwards."""


@dataclass
class Wardrobe:
    """What of a look takes long to make, for its next shot."""

    look: Look
    hair: Ribbons | None
    trunk: Floats | None
    """`(k, s)` how far the hair goes with the trunk."""

    @classmethod
    def of(cls, look: Look) -> Wardrobe:
        """Grow the hair of a look."""
        grown = hair.grow(np.random.default_rng(look.seed), look.person, look.style, look.hair)
        if look.headwear == "scarf" or (look.headwear == "hood" and look.style.length > 60):
            grown = None
        return cls(look, grown, None if grown is None else faces.trunk_weights(grown.points))


def build(wardrobe: Wardrobe, shot: Shot) -> Scene:
    """Everything in the head's frame, in that pose and with that face."""
    assets, look = load(), wardrobe.look
    person, rng = look.person, np.random.default_rng(look.seed + 1)
    straight = faces.deform(person, shot.face)
    eyes = faces.turn_eyes(person, shot.face.gaze)
    weights = faces.trunk_weights(assets.template)
    bent = faces.bend(straight, weights, person.pivot, shot.face.neck)
    surface = normals(bent, assets.skin)
    open_ = _openness()
    masks = np.stack(
        [assets.masks["lips"], assets.masks["inside-mouth"], open_, assets.masks["ears"]], 1
    )
    bare = assets.template[assets.skin, 1].min(1) < look.neckline[:3].sum() + 70
    if look.headwear in ("scarf", "hood"):
        bare &= assets.masks["ears"][assets.skin].max(1) < 0.3
    skin = Solid(bent, assets.skin[bare], assets.template, masks)
    draws = [Draw("skin", skin, surface, _skin_uniforms(look))]
    draws += _mouth(bent, masks)
    margins = np.stack([straight[assets.upper_lids], straight[assets.lower_lids]], 1)
    for eye in range(2):
        solid, across = _eyeball(eyes, eye, margins[eye])
        draws.append(Draw("eye", solid, across, _eye_uniforms(look, shot, eyes, eye)))
    for solid in things.worn(look, bent, surface, open_):
        draws.append(_cloth(solid))
    held = things.held_before(
        np.random.default_rng(int(shot.position[2] * 1e3) % 2**31), look, bent
    )
    for program, solid in held:
        draws.append(
            _cloth(solid)
            if program == "cloth"
            else Draw("skin", solid, normals(solid.points, solid.triangles), _skin_uniforms(look))
        )
    ribbons = _ribbons(wardrobe, rng, bent, eyes, shot)
    worn = things.glasses(look, bent)
    lenses = None
    if worn:
        ribbons.append(worn[0])
        lens = worn[1]
        assert lens.colours is not None and lens.pattern is not None
        tint = {"tint": np.array([*lens.colours[0], lens.pattern[0]]), "window": shot.window}
        lenses = Draw("glass", lens, normals(lens.points, lens.triangles), tint)
    return Scene(draws, ribbons, lenses, bent, eyes, faces.openings(straight), margins)


def _ribbons(
    wardrobe: Wardrobe, rng: np.random.Generator, bent: Floats, eyes: Eyes, shot: Shot
) -> list[Ribbons]:
    """Head hair, brows, lashes and beard as they lie now."""
    look, person = wardrobe.look, wardrobe.look.person
    rest = load().template[load().skin].mean(1)
    ribbons: list[Ribbons | None] = []
    if wardrobe.hair is not None and wardrobe.trunk is not None:
        points = faces.bend(wardrobe.hair.points, wardrobe.trunk, person.pivot, shot.face.neck)
        if look.headwear in ("beanie", "cap"):
            points = pressed(person, points, -34.0)
        ribbons.append(Ribbons(points, wardrobe.hair.half_width, wardrobe.hair.colour, LOCK))
    ribbons.append(lashes(rng, bent, eyes.balls, look.lashes_mm))
    row, thick, slope, dark = look.brow_shape
    across = np.abs(rest[:, 0]) - 31.0
    away = rest[:, 1] - (row + slope * across / 20 + 0.011 * across**2)
    band = np.abs(away) < thick * (1 - 0.5 * np.clip((across - 2) / 20, 0, 1)) + 2.0
    where = band * (across > -21) * (across < 25) * (rest[:, 2] < 30) * 1.0
    way = np.stack(
        [np.sign(rest[:, 0]), -0.5 * np.clip(1 - (across + 20) / 25, -0.6, 1), 0 * across], 1
    )
    ribbons.append(
        short_hairs(rng, person, bent, where, int(_BROW_HAIRS * dark), 5.5, way, 0.55 * look.brow)
    )
    if look.beard_mm > 1.5:
        ribbons.append(
            short_hairs(
                rng,
                person,
                bent,
                _bearded(look, rest),
                _BEARD_HAIRS,
                look.beard_mm,
                np.array([0, 1.0, -0.25]),
                look.hair,
                0.22,
            )
        )
    return [r for r in ribbons if r is not None]


def _bearded(look: Look, rest: Floats) -> Floats:
    """`(k,)` how densely a beard stands on triangles; as the shader tints the skin."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    jaw = np.clip((y - 46 - 0.35 * np.maximum(x - 38, 0)) / 8, 0, 1)
    jaw *= np.clip((look.whiskers[3] + 8 - y) / 12, 0, 1) * (z < 85)
    bare = (y > 40) & (y < 84) & (x < 30)
    lip = (y > 41) & (y < 61) & (x < 30) & (z < -20)
    lips = load().masks["lips"][load().skin].max(1) > 0.3
    inside = load().masks["inside-mouth"][load().skin].max(1) > 0.3
    grown = np.maximum(jaw * ~bare * look.whiskers[2], lip * look.whiskers[1])
    return np.asarray(grown * ~lips * ~inside)


def _cloth(solid: Solid) -> Draw:
    assert solid.colours is not None and solid.pattern is not None
    edge = np.zeros(4) if solid.edge is None else solid.edge
    return Draw(
        "cloth",
        solid,
        normals(solid.points, solid.triangles),
        {
            "part": solid.part,
            "first": solid.colours[0],
            "second": solid.colours[1],
            "pattern": solid.pattern,
            "edge": edge,
            "gloss": solid.gloss,
        },
    )


def _skin_uniforms(look: Look) -> dict[str, object]:
    tint = 0.0 if look.style.name == "bald" else (0.5 if look.person.age[0] > 0.5 else 0.92)
    return {
        "skin": look.skin,
        "lips": look.lips,
        "brow": look.brow,
        "hair": look.hair,
        "brow_shape": look.brow_shape,
        "details": look.details,
        "makeup": look.makeup,
        "whiskers": look.whiskers,
        "under_eyes": look.under_eyes,
        "scalp": np.array([tint, look.style.front, look.style.nape, 0.5]),
    }


def _eye_uniforms(look: Look, shot: Shot, eyes: Eyes, eye: int) -> dict[str, object]:
    turn = shot.rotation
    return {
        "iris_at": turn @ eyes.irises[eye] + shot.position,
        "gaze": turn @ shot.face.gaze[eye],
        "up": turn @ [0.0, -1.0, 0.0],
        "iris_inner": look.iris_inner,
        "iris_outer": look.iris_outer,
        "sizes": np.array([eyes.radius, *look.eyes]),
        "white": look.white,
        "window": shot.window,
        "ball": eyes.ball,
        "centre": turn @ eyes.balls[eye] + shot.position,
    }


def _eyeball(eyes: Eyes, eye: int, margins: Floats) -> tuple[Solid, Floats]:
    """The visible half of an eyeball; its masks tell how far lids and corners are away."""
    sphere, triangles = _hemisphere()
    points = eyes.balls[eye] + eyes.ball * sphere
    t = np.linspace(0, 11, 45)
    upper, lower = (
        np.stack([np.interp(t, np.arange(12), line[:, k]) for k in range(3)], 1) for line in margins
    )

    def away(line: Floats) -> Floats:
        return np.asarray(np.linalg.norm(points[:, None] - line, axis=-1).min(1))

    to_upper, to_lower = away(upper) / eyes.ball * 14.7, away(lower) / eyes.ball * 14.7
    under = points[:, 1] < np.interp(points[:, 0], *_sorted(upper))
    light = np.clip(0.22 + 0.78 * (1 - np.exp(-np.maximum(to_upper - 1.0, 0) / 2.6)), 0, 1)
    light *= np.clip(0.55 + 0.45 * (1 - np.exp(-to_lower / 0.9)), 0, 1)
    light[under] = 0.15
    ends = np.linalg.norm(points[:, None] - margins[0][[0, -1]], axis=-1) / eyes.ball * 14.7
    corner = np.exp(-ends.min(1) / 4.5)
    caruncle = np.exp(-((ends[:, 0] / 3.2) ** 2))
    masks = np.stack([light, to_lower, corner, caruncle], 1)
    return Solid(points, triangles, sphere, masks), sphere


def _sorted(line: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(line[:, 0])
    return line[order, 0], line[order, 1]


@cache
def _hemisphere() -> tuple[Floats, Indices]:
    """`(n, 3)` of the unit sphere towards the face's front."""
    polar = np.linspace(0, 1.75, _RINGS)[:, None]
    around = np.linspace(0, 2 * np.pi, _SPOKES + 1)[None]
    points = np.stack(
        np.broadcast_arrays(
            np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), -np.cos(polar)
        ),
        -1,
    )
    return points.reshape(-1, 3), things.grid(_RINGS, _SPOKES + 1)


def _mouth(points: Floats, masks: Floats) -> list[Draw]:
    """Teeth and tongue, dark towards the throat."""
    assets = load()
    created = []
    for triangles, colour in (
        (assets.teeth, [0.55, 0.5, 0.4]),
        (assets.tongue, [0.32, 0.09, 0.08]),
    ):
        depth = assets.template[:, 2]
        lit = np.clip((8 - depth) / 45, 0.05, 0.8)
        own = np.stack([0 * lit, 0 * lit, lit, 0 * lit], 1)
        solid = Solid(
            points,
            triangles,
            assets.template,
            own,
            0,
            np.tile(colour, (2, 1)),
            np.array([0, 30.0, 0, 0]),
            gloss=0.8,
        )
        created.append(_cloth(solid))
    return created


@cache
def _openness() -> Floats:
    """`(n,)` light that hollows of the skin receive, from how deep they lie below smoothed skin."""
    from scipy.sparse import coo_matrix, diags

    assets = load()
    count = len(assets.template)
    a, b = (assets.skin[:, k].ravel() for k in ([0, 1, 2], [1, 2, 0]))
    ones = np.ones(len(a))
    near = coo_matrix((np.r_[ones, ones], (np.r_[a, b], np.r_[b, a])), (count, count)).tocsr()
    near.data[:] = 1
    mean = diags(1 / np.maximum(near.sum(1).A1, 1)) @ near
    across = normals(assets.template, assets.skin)
    smooth, light = assets.template.astype(np.float64), np.ones(count)
    for step in range(1, 41):
        smooth = 0.5 * smooth + 0.5 * (mean @ smooth)
        if step in (5, 14, 40):
            deep = ((smooth - assets.template) * across).sum(1)
            light *= np.clip(
                1
                - np.maximum(
                    deep * np.sign((across * (assets.template - [0, 20, 80])).sum(1).mean()), 0
                )
                / (1.6 * np.sqrt(step)),
                0.3,
                1,
            )
    for _ in range(2):
        light = 0.5 * light + 0.5 * (mean @ light)
    return np.asarray(np.where(assets.masks["inside-mouth"] > 0.5, 0.25, light))
