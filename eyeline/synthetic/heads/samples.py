"""A sample by its number: the head's image, the image of the eyes, the labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from eyeline.results import Floats, Image
from eyeline.synthetic.heads import backgrounds, labels, look, scene, view
from eyeline.synthetic.heads.labels import Labels
from eyeline.synthetic.heads.renderer import Renderer, Window
from eyeline.synthetic.heads.scene import Scene, Wardrobe
from eyeline.synthetic.heads.view import Shot

IMAGE_PX = 256
EYES_W, EYES_H = 208, 80
EYES_PX_PER_MM = 2.0
"""Of the eye image, at the depth of the eyes."""
PER_PERSON = 8
"""Samples of one person with one look, one after another."""
_EYES_HIDDEN = 0.1
"""Cosine between face and camera below which there is no eye image."""


@dataclass(frozen=True)
class Sample:
    """One of them."""

    index: int
    person: int
    """Number of the identity; samples of one are never on both sides of a split by it."""
    image: Image
    """`(IMAGE_PX, IMAGE_PX, 3)` RGB."""
    eyes: Image | None
    """`(EYES_H, EYES_W, 3)` RGB; None where the face is turned away."""
    labels: Labels
    age: Floats
    """`(4,)` weights of baby, child, young and old."""
    style: str
    headwear: str
    glasses: bool


@cache
def renderer() -> Renderer:
    """That of this process."""
    return Renderer()


def samples(seed: int, first: int, count: int) -> Iterator[Sample]:
    """Samples `first` to `first + count` of a seed; each is the same however it is reached."""
    wardrobe, whose = None, -1
    for index in range(first, first + count):
        person = index // PER_PERSON
        if wardrobe is None or person != whose:
            wardrobe = Wardrobe.of(look.draw(np.random.default_rng([seed, 1, person])))
            whose = person
        yield _sample(seed, index, person, wardrobe)


def _sample(seed: int, index: int, person: int, wardrobe: Wardrobe) -> Sample:
    rng = np.random.default_rng([seed, 2, index])
    who = wardrobe.look
    shot = view.draw(rng, who.person, IMAGE_PX)
    built = scene.build(wardrobe, shot)
    image, eyes, truth = shoot(rng, wardrobe, shot, built)
    return Sample(
        index,
        person,
        image,
        eyes,
        truth,
        who.person.age,
        who.style.name,
        who.headwear,
        who.glasses is not None,
    )


def shoot(
    rng: np.random.Generator, wardrobe: Wardrobe, shot: Shot, built: Scene
) -> tuple[Image, Image | None, Labels]:
    """Images of head and eyes before a background, with their labels."""
    import cv2

    windows = [Window(shot.matrix, (IMAGE_PX, IMAGE_PX))]
    facing = float(-shot.rotation[:, 2] @ (-shot.position / np.linalg.norm(shot.position)))
    close = _eye_window(shot, built) if facing > _EYES_HIDDEN else None
    if close:
        windows.append(close)
    seen = renderer().render(
        shot, built.draws, built.ribbons, built.lenses, wardrobe.look.seed, 1.0, windows
    )
    ground = backgrounds.draw(rng, IMAGE_PX)
    image = _over(seen[0][0], ground)
    eye_matrix = close.matrix @ close.roll if close else np.zeros((3, 3))
    truth = labels.measure(
        wardrobe.look, shot, built, seen[0][1], eye_matrix, seen[1][1] if close else None
    )
    if not close:
        return image, None, truth
    to_eyes = eye_matrix @ np.linalg.inv(shot.matrix)
    behind = cv2.warpPerspective(ground, to_eyes, (EYES_W, EYES_H), borderMode=cv2.BORDER_REPLICATE)
    return image, _over(seen[1][0], np.asarray(behind)), truth


def _eye_window(shot: Shot, built: Scene) -> Window:
    """The camera that has both eyes in a row, at `EYES_PX_PER_MM`."""
    eyes = built.eyes.centres @ shot.rotation.T + shot.position
    across = np.diff(labels.project(np.eye(3), eyes), axis=0)[0]
    angle = -np.arctan2(across[1], across[0])
    if abs(across[0]) + abs(across[1]) < 1e-6:
        angle = 0.0
    roll = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    centre = (eyes @ roll.T).mean(0)
    focal = EYES_PX_PER_MM * centre[2]
    offset = np.array([EYES_W, EYES_H]) / 2 - focal * centre[:2] / centre[2]
    matrix = np.array([[focal, 0, offset[0]], [0, focal, offset[1]], [0, 0, 1.0]])
    return Window(matrix, (EYES_W, EYES_H), roll, near=True)


def _over(front: Floats, ground: Floats) -> Image:
    image = front[..., :3] + (1 - front[..., 3:]) * ground
    return (255 * np.clip(image, 0, 1) + 0.5).astype(np.uint8)


def with_plain_eyes(wardrobe: Wardrobe, iris: Floats) -> Wardrobe:
    """A look whose irises have one colour, for checks of the labels."""
    who = replace(wardrobe.look, iris_inner=iris, iris_outer=iris, glasses=None)
    return Wardrobe(who, None, None)
