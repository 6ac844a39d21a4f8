"""What people wear and hold: clothes, hats, scarves, glasses, hands and cups before the face."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats
from eyeline.synthetic.heads.assets import Indices, load
from eyeline.synthetic.heads.identity import HEIGHT_MM
from eyeline.synthetic.heads.look import Look
from eyeline.synthetic.heads.ribbons import RIGID, Ribbons
from eyeline.synthetic.heads.skull import CENTRE, skull_reach


@dataclass(frozen=True)
class Solid:
    """A mesh of one kind of surface, in the head's frame."""

    points: Floats
    """`(n, 3)`."""
    triangles: Indices
    rest: Floats
    """`(n, 3)` in the template, where patterns and edges are drawn."""
    masks: Floats
    """`(n, 4)` as the shaders want them."""
    part: int = 0
    """0 plain, 1 clothes, 2 headscarf or hood, 3 hat."""
    colours: Floats | None = None
    """`(2, 3)`."""
    pattern: Floats | None = None
    edge: Floats | None = None
    gloss: float = 0.0

    def moved(self, points: Floats) -> Solid:
        """The same with other places."""
        return replace(self, points=points)


def worn(look: Look, points: Floats, normals: Floats, open_: Floats) -> list[Solid]:
    """Clothes and headwear over skin as it is now.

    Args:
        look: whose.
        points: vertices `(n, 3)`.
        normals: `(n, 3)` unit vectors.
        open_: `(n,)` light left by what is around.
    """
    rest = load().template
    off = look.neckline[3] + 3.0 * np.clip((rest[:, 1] - 130) / 60, 0, 2)
    low = _faces(rest[:, 1] > look.neckline[0] - 12)
    mask = np.stack([open_ * 0, open_ * 0, open_, open_ * 0], 1)
    solids = [
        Solid(
            points + off[:, None] * normals,
            low,
            rest,
            mask,
            1,
            look.cloth,
            look.pattern,
            look.neckline,
        )
    ]
    if look.headwear in ("beanie", "cap"):
        solids += _hat(look, points, rest, mask)
    elif look.headwear in ("scarf", "hood"):
        away = points - CENTRE
        length = np.linalg.norm(away, axis=1, keepdims=True)
        stand = (9.0 if look.headwear == "scarf" else 24.0) + 10 * np.clip(
            (rest[:, 1] - 20) / 80, 0, 1
        )
        reach = skull_reach(look.person, points)[:, None]
        ears = load().masks["ears"][:, None] > 0.1  # lie flat below cloth
        swollen = CENTRE + away / length * (np.where(ears, reach + 4, length) + stand[:, None])
        swollen[rest[:, 1] > 130] = (points + 8 * normals)[rest[:, 1] > 130]
        edge = np.array([60.0, 96.0, 22.0, 175.0])
        edge[:2] += 6.0 if look.headwear == "hood" else 0.0
        around = _faces(rest[:, 1] < 230)
        solids.append(Solid(swollen, around, rest, mask, 2, look.hat, look.hat_pattern, edge))
    return solids


def _faces(which: npt.NDArray[np.bool_]) -> Indices:
    skin = load().skin
    return np.ascontiguousarray(skin[which[skin].all(1)])


def _hat(look: Look, points: Floats, rest: Floats, mask: Floats) -> list[Solid]:
    """A knitted beanie, or a cap with its peak."""
    knitted = look.headwear == "beanie"
    away = points - CENTRE
    away = away / np.linalg.norm(away, axis=1, keepdims=True)
    high = np.clip((-40 - rest[:, 1]) / 80, 0, 1)
    stand = (9 + 14 * high**2 if knitted else 10 + 7 * high)[:, None]
    edge = np.array([-44.0, 44.0, 1.0, 0]) if knitted else np.array([-52.0, 34.0, 0, 0])
    top = _faces((rest[:, 1] < 25) & (load().masks["ears"] < 0.15))
    crown = Solid(points + away * stand, top, rest, mask, 3, look.hat, look.hat_pattern, edge)
    if knitted:
        return [crown]
    u, v = np.meshgrid(np.linspace(-1, 1, 15), np.linspace(0, 1, 6))
    near = points[(rest[:, 1] < -40) & (rest[:, 1] > -62) & (np.abs(rest[:, 0]) < 50)]
    front, row = near[:, 2].min() - 6, -50.0 * look.person.height / HEIGHT_MM
    wide = np.abs(near[:, 0]).max() * 1.2
    reach = 66 * np.sqrt(np.maximum(1 - u**2 * 0.85, 0)) * v
    z = front + 40 * u**2 - reach
    y = row + 9 * u**2 + 10 * v + 3 * u**2 * v
    peak = np.stack([wide * u, y, z], -1).reshape(-1, 3)
    below = peak + np.array([0, 2.2, 0])
    brim = np.concatenate([peak, below])
    cells = grid(6, 15)
    lit = np.tile([0, 0, 0.9, 0], (len(brim), 1))
    return [
        crown,
        Solid(
            brim,
            np.concatenate([cells, cells + len(peak)]),
            brim,
            lit,
            0,
            look.hat,
            look.hat_pattern * [0, 1, 1, 0.2],
        ),
    ]


def grid(rows: int, columns: int) -> Indices:
    """Triangles of a net of so many vertices."""
    at = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (q.ravel() for q in (at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]))
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)


def glasses(look: Look, points: Floats) -> tuple[Ribbons, Solid] | None:
    """Frame and lenses; None for those who wear none."""
    if look.glasses is None:
        return None
    wide, high, square, thick = look.glasses[:4]
    size = float(np.abs(look.person.eyes[:, 0]).mean()) / 31.0
    wide, high = wide * size / 2, high * size / 2
    eyes = look.person.eyes
    front = float(points[load().upper_lids][:, 5, 2].mean()) - 10.0
    angle = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    ring = np.sign(ring) * np.abs(ring) ** square * [wide, high]
    lines, discs = [], []
    for eye, centre in enumerate(eyes):
        side = 2 * eye - 1
        xy = ring + centre[:2] + [side * 2.0, 3.0 * size]
        z = front + 0.0022 * (xy[:, 0]) ** 2
        rim = np.column_stack([xy, z])
        lines.append(rim)
        discs.append(np.concatenate([[rim.mean(0) - np.array([0, 0, 0.8])], rim]))
        outer = rim[np.argmax(side * rim[:, 0])] + [0, -0.35 * high, 0]
        ear = points[load().masks["ears"] > 0.5]
        ear = ear[np.sign(ear[:, 0]) == side]
        top = np.array(
            [ear[:, 0].mean() - 3 * side, np.quantile(ear[:, 1], 0.12), ear[:, 2].mean()]
        )
        t = np.linspace(0, 1, 40)[:, None]
        arm = (1 - t) * outer + t * top + np.array([4.0 * side, 0, 0]) * np.sin(np.pi * t)
        lines.append(arm + np.array([0, 18.0, 12.0]) * np.maximum(t - 0.9, 0) * 8)
    inner = [discs[0][1:][np.argmax(discs[0][1:, 0])], discs[1][1:][np.argmin(discs[1][1:, 0])]]
    t = np.linspace(0, 1, 40)[:, None]
    lines.append(
        (1 - t) * inner[0]
        + t * inner[1]
        + [0, -0.25 * high, 0]
        - np.array([0, 4.0, 3.0]) * np.sin(np.pi * t)
    )
    count = len(discs[0])
    fan = np.array([[0, i, i + 1] for i in range(1, count - 1)], np.int32)
    lens = np.concatenate(discs)
    falls = np.clip((lens[:, 1] - eyes[:, 1].mean()) / (2 * high) + 0.5, 0, 1)
    masks = np.column_stack([falls, 0 * falls, 1 + 0 * falls, 0 * falls])
    tint = np.full((1, 3), look.glasses[8])
    solid = Solid(
        lens,
        np.concatenate([fan, fan + count]),
        lens,
        masks,
        0,
        np.concatenate([tint, tint]),
        look.glasses[7:8],
    )
    ribbons = Ribbons(
        np.array(lines, np.float32),
        np.full((len(lines), 40), thick),
        np.tile(look.glasses[4:7], (len(lines), 1)),
        RIGID,
    )
    return ribbons, solid


def held_before(rng: np.random.Generator, look: Look, points: Floats) -> list[tuple[str, Solid]]:
    """A hand at the face or a cup at the mouth, each a solid and what it is made of."""
    kind = rng.random()
    if kind > 0.13:
        return []
    assets = load()
    if kind < 0.10:
        spot = rng.choice(4, p=[0.35, 0.25, 0.25, 0.15])
        goal = [
            np.array([0, 108.0, -30]),
            np.array([30.0, 70, -45]),
            np.array([58.0, 25, -8]),
            np.array([20.0, 5, -40]),
        ][int(spot)]
        return [("skin", _hand(rng, points, goal, assets.hand))]
    mouth = points[assets.masks["lips"] > 0.5].mean(0)
    t, v = np.meshgrid(np.linspace(0, 2 * np.pi, 25), np.linspace(0, 1, 4))
    radius = 36 + 4 * (1 - v)
    cup = np.stack([radius * np.cos(t), 95 * v, radius * np.sin(t)], -1).reshape(-1, 3)
    cup = cup + mouth + [rng.normal(0, 8), rng.uniform(-16, 10), -48]
    lit = np.tile([0, 0, 1.0, 0], (len(cup), 1))
    colours = np.clip(rng.uniform(0.02, 0.8, (2, 3)), 0, 1)
    plain = np.array([float(rng.random() < 0.3), 30, 0.0, 0.0])
    return [
        ("cloth", Solid(cup, grid(4, 25), cup, lit, 0, colours, plain, gloss=rng.uniform(0, 1)))
    ]


def _hand(rng: np.random.Generator, points: Floats, goal: Floats, faces: Indices) -> Solid:
    """The left hand, brought before a spot of the face with its fingers up and its palm to it."""
    from scipy.spatial.transform import Rotation

    which, triangles = np.unique(faces, return_inverse=True)
    hand = points[which]
    rest = load().template[which]
    centre = hand.mean(0)
    tips = rest[:, 1] > np.quantile(rest[:, 1], 0.9)
    wrist = rest[:, 1] < np.quantile(rest[:, 1], 0.1)
    finger = hand[tips].mean(0) - hand[wrist].mean(0)
    spread = np.linalg.eigh(np.cov((hand - centre).T))[1][:, 0]
    first = np.stack([finger / np.linalg.norm(finger), spread, np.zeros(3)])
    first[1] -= (first[1] @ first[0]) * first[0]
    first[1] /= np.linalg.norm(first[1])
    first[2] = np.cross(first[0], first[1])
    up = np.array([rng.normal(0, 0.5), -1.0, rng.normal(0.1, 0.2)])
    up /= np.linalg.norm(up)
    facing = np.array([rng.normal(0, 0.35), rng.normal(0, 0.3), rng.choice([-1.0, 1.0])])
    facing -= (facing @ up) * up
    facing /= np.linalg.norm(facing)
    second = np.stack([up, facing, np.cross(up, facing)])
    turned = (hand - centre) @ first.T @ second
    side = rng.choice([-1, 1])
    placed = turned + goal * [side, 1, 1] + [0, 25, -14] + rng.normal(0, [9, 9, 4])
    turned_by = Rotation.from_euler("z", rng.normal(0, 0.3)).as_matrix()
    placed = (placed - goal) @ turned_by.T + goal
    masks = np.tile([0, 0, 0.9, 0], (len(placed), 1))
    away = np.array([0.0, 300.0, 200.0])  # a part of the template without features
    return Solid(
        placed.astype(np.float32),
        triangles.reshape(-1, 3).astype(np.int32),
        rest * 0.2 + away,
        masks,
    )
