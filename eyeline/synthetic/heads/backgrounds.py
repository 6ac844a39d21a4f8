"""What is behind heads: rooms out of focus, walls, foliage, plain studio grounds."""

from __future__ import annotations

import numpy as np

from eyeline.results import Floats


def draw(rng: np.random.Generator, size_px: int) -> Floats:
    """`(size_px, size_px, 3)` float32 in [0, 1]."""
    import cv2

    image = _ground(rng, size_px)
    kind = rng.random()
    if kind > 0.2:
        for _ in range(rng.integers(3, 16)):
            _add_shape(rng, image)
        image += rng.uniform(0, 0.08) * _cloud(rng, size_px, rng.uniform(3, 20))[..., None]
    if kind > 0.8:  # leaves, crowds, shelves
        busy = np.stack([_cloud(rng, size_px, s) for s in rng.uniform(1.5, 8, 3)], -1).mean(-1)
        tint = rng.uniform(0.3, 1, 3)
        image = image * (1 + rng.uniform(0.2, 0.6) * busy[..., None] * tint)
    blur = rng.choice([0.0, rng.uniform(0.5, 3), rng.uniform(3, 14)], p=[0.25, 0.35, 0.4])
    if blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(blur)), np.float32)
    return np.clip(image, 0, 1).astype(np.float32)


def _ground(rng: np.random.Generator, size: int) -> Floats:
    """A wall or sky that grows darker to one side."""
    tone, other = (
        rng.uniform(0.03, 0.95) * np.clip(1 + rng.normal(0, 0.12, 3), 0.6, 1.4) for _ in range(2)
    )
    other = tone + rng.uniform(0, 0.5) * (other - tone)
    y, x = np.mgrid[:size, :size] / size - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    way = np.clip(x * np.cos(angle) + y * np.sin(angle) + 0.5, 0, 1)[..., None]
    return np.asarray(tone + way * (other - tone), np.float32)


def _add_shape(rng: np.random.Generator, image: Floats) -> None:
    """Furniture, windows, frames, lamps and other people's clothes as plain shapes."""
    import cv2

    size = image.shape[0]
    grey = rng.uniform(0.02, 1.0)
    colour = np.clip(grey * (1 + rng.normal(0, 0.18, 3)), 0, 1)
    if rng.random() < 0.15:
        colour = rng.uniform(0, 1, 3)
    centre, half = rng.uniform(-0.1, 1.1, 2) * size, np.exp(rng.uniform(-3.6, -0.8, 2)) * size
    shape = rng.random()
    if shape < 0.65:
        turn = 0.0 if rng.random() < 0.7 else rng.uniform(-30, 30)
        corners = cv2.boxPoints((centre.tolist(), (2 * half).tolist(), float(turn)))
        cv2.fillPoly(image, [corners.astype(np.int32)], colour.tolist(), cv2.LINE_AA)
    elif shape < 0.85:
        cv2.ellipse(
            image,
            centre.astype(int).tolist(),
            half.astype(int).tolist(),
            rng.uniform(0, 180),
            0,
            360,
            colour.tolist(),
            -1,
            cv2.LINE_AA,
        )
    else:
        end = rng.uniform(-0.1, 1.1, 2) * size
        cv2.line(
            image,
            centre.astype(int).tolist(),
            end.astype(int).tolist(),
            colour.tolist(),
            int(rng.integers(1, 12)),
            cv2.LINE_AA,
        )


def _cloud(rng: np.random.Generator, size: int, grain: float) -> Floats:
    """Smooth noise of standard deviation about 1."""
    import cv2

    cells = max(2, int(size / grain))
    coarse = rng.normal(size=(cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC))
