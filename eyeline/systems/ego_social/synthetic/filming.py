"""A synthetic scene filmed: heads before a room, the wearer's movement, light, blur and noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from eyeline.geometry.directions import from_yaw_pitch
from eyeline.results import Floats, Image
from eyeline.synthetic.film import window
from eyeline.synthetic.head import DrawnHeads, Head, HeadRenderer, muted
from eyeline.synthetic.motion import wander
from eyeline.systems.ego_social.synthetic.scenes import Scene


def images(
    rng: np.random.Generator,
    scene: Scene,
    heads: Sequence[Head],
    mouths: Sequence[Floats],
    renderer: HeadRenderer | None = None,
) -> Iterator[Image]:
    """The frames of a scene, one after the other.

    Args:
        rng: decides about room, light and noise.
        scene: what happens.
        heads: of each person.
        mouths: `(t,)` opening of each mouth, [0, 1].
        renderer: of the heads, by default `DrawnHeads`.

    Yields:
        `(height, width, 3)` uint8 RGB.
    """
    import cv2

    size, view = (scene.width_px, scene.height_px), scene.view
    renderer = renderer or DrawnHeads()
    room, margin = _room(rng, *size)
    towards = np.array([rng.uniform(-0.7, 0.7), -rng.uniform(0.2, 0.8), -1.0])
    towards /= np.linalg.norm(towards)
    cast = rng.uniform(0.9, 1.1, 3)
    noise = rng.normal(0, rng.uniform(1.5, 5), (size[1] + 64, size[0] + 64, 3)).astype(np.float32)
    soft = np.maximum(0, wander(rng, scene.frames, 1, 20)[:, 0] - 0.8) * size[0] / 640
    moved = np.diff(scene.camera_px, axis=0, prepend=scene.camera_px[:1])
    order = np.argsort([-head.distance_m for head in scene.heads])
    for t in range(scene.frames):
        image = window(room, np.array(margin) - scene.camera_px[t], size)
        for k in order:
            person = scene.heads[k]
            pose = person.pose(t, view, float(mouths[k][t]))
            gaze = from_yaw_pitch(*person.gaze_rad[t])
            renderer.draw(image, heads[k], pose, gaze, view, towards)
        image = _blurred(image, moved[t], float(soft[t]))
        lit = cv2.transform(image, np.diag(scene.light[t] * cast))
        y, x = rng.integers(0, 64, 2)
        grain = noise[y : y + size[1], x : x + size[0]]
        yield np.asarray(cv2.add(lit, grain, dtype=cv2.CV_8U), np.uint8)


def _room(rng: np.random.Generator, width: int, height: int) -> tuple[Floats, tuple[int, int]]:
    """An image of furniture and walls, larger than the frame by a margin on all sides."""
    import cv2

    margin = (round(0.6 * width), round(0.1 * width))
    size = (width + 2 * margin[0], height + 2 * margin[1])
    room = cv2.resize(muted(rng.uniform(40, 200, (5, 9, 3))).astype(np.float32), size)
    for _ in range(14):
        corner = (rng.uniform(0, 1, 2) * size).astype(int)
        far = corner + (rng.uniform(0.05, 0.3, 2) * width).astype(int)
        colour = muted(rng.uniform(10, 245, 3)).tolist()
        ends = (int(corner[0]), int(corner[1])), (int(far[0]), int(far[1]))
        cv2.rectangle(room, *ends, colour, -1)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), width / 300), np.float32), margin


def _blurred(image: Floats, moved_px: Floats, soft_px: float) -> Floats:
    """What the camera's movement within half a frame, and its focus, leave of an image."""
    import cv2

    length = int(np.hypot(*moved_px) / 2)
    if length > 1:
        across = abs(float(moved_px[0])) >= abs(float(moved_px[1]))
        image = np.asarray(cv2.blur(image, (length, 1) if across else (1, length)))
    if soft_px > 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), soft_px))
    return image
