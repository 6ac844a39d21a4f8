"""Rendered heads where `synthetic.head.DrawnHeads` draws ellipsoids: the same protocol."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache

import numpy as np

from eyeline.geometry.directions import normalise
from eyeline.results import Floats
from eyeline.synthetic.camera import View
from eyeline.synthetic.head import Head, HeadPose
from eyeline.synthetic.heads import look, scene
from eyeline.synthetic.heads.faces import Face
from eyeline.synthetic.heads.identity import HEIGHT_MM
from eyeline.synthetic.heads.renderer import Window
from eyeline.synthetic.heads.samples import renderer
from eyeline.synthetic.heads.scene import Wardrobe
from eyeline.synthetic.heads.view import Shot

_SPREAD = 2.4
"""Side of what is drawn over the head's height: hair and shoulders."""
_FROM_CENTRE = np.array([0.0, -14.0, -85.0])
"""From the middle of a drawn head to midway between the eyes, in the head's frame."""


class RenderedHeads:
    """Persons with the colours of a `Head`, everything else drawn from those."""

    def draw(
        self, image: Floats, head: Head, pose: HeadPose, gaze: Floats, view: View, light: Floats
    ) -> None:
        """As of `HeadRenderer`."""
        wardrobe = _wardrobe(_Key(head))
        shot, corner = _shot(head, pose, gaze, view, light, wardrobe)
        built = scene.build(wardrobe, shot)
        window = Window(shot.matrix, (shot.size_px, shot.size_px))
        rgba = renderer().render(
            shot, built.draws, built.ribbons, built.lenses, wardrobe.look.seed, 1.0, [window]
        )[0][0]
        low = np.maximum(corner, 0)
        high = np.minimum(corner + shot.size_px, image.shape[1::-1])
        if (low >= high).any():
            return
        part = image[low[1] : high[1], low[0] : high[0]]
        a, b = low - corner, high - corner
        front = rgba[a[1] : b[1], a[0] : b[0]]
        part[:] = 255 * front[..., :3] + (1 - front[..., 3:]) * part


class _Key:
    """A head by its colours, so that one person stays one person."""

    def __init__(self, head: Head) -> None:
        self.head = head
        parts = [head.skin, head.hair, head.shirt, head.iris, [head.fringe_mm, head.brow]]
        data = np.concatenate([np.asarray(p, np.float64) for p in parts]).tobytes()
        self.number = int.from_bytes(hashlib.sha256(data).digest()[:4], "little")

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.number == self.number


@lru_cache(maxsize=16)
def _wardrobe(key: _Key) -> Wardrobe:
    head, drawn = key.head, look.draw(np.random.default_rng(key.number))
    iris = look.linear(head.iris)
    return Wardrobe.of(
        replace(
            drawn,
            skin=look.linear(head.skin),
            hair=look.linear(head.hair),
            iris_inner=iris,
            iris_outer=iris,
            cloth=np.stack([look.linear(head.shirt)] * 2),
        )
    )


def _shot(
    head: Head, pose: HeadPose, gaze: Floats, view: View, light: Floats, wardrobe: Wardrobe
) -> tuple[Shot, Floats]:
    """The square about a head as a camera of its own, and its corner in the image."""
    size = wardrobe.look.person.height / HEIGHT_MM
    position = pose.position_mm + pose.rotation @ (_FROM_CENTRE * size)
    side = int(np.ceil(_SPREAD * wardrobe.look.person.height * view.focal_px / position[2]))
    corner = np.round(view.project(pose.position_mm) - side / 2).astype(int)
    matrix = view.matrix.copy()
    matrix[:2, 2] -= corner
    own = normalise(np.asarray(pose.rotation.T @ gaze, np.float64))
    actions = {
        "jawOpen": 0.7 * pose.mouth,
        "mouthSmileLeft": pose.smile,
        "mouthSmileRight": pose.smile,
    }
    face = Face(np.stack([own, own]), np.full(2, pose.lids), actions)
    white = np.ones(3)
    lights = np.stack(
        [np.r_[normalise(light), 1.5 * white], [0, 0, -1.0, 0, 0, 0], [0, 0, 1.0, 0, 0, 0]]
    )
    ambient = np.full((6, 3), 0.45)
    window = np.array([0, -0.5, -0.866, 6.0])
    return Shot(
        pose.rotation, position, matrix, side, face, lights, ambient, 0.62, 0.8, window
    ), corner
