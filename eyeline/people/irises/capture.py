"""A painted eye as a video shows it: few pixels, blur, noise, compression; cut as real eyes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.people.irises import anatomy, crops, render
from eyeline.results import Floats, Image

NARROWEST_PX, WIDEST_PX = 5.5, 64.0
"""Range of eye widths in the video."""
_SEEN_FROM, _SEEN_WHOLLY = 0.14, 0.36
"""Shares of the iris' disc at which one begins to, and surely does, see where it is."""


@dataclass(frozen=True)
class Sample:
    """A crop and what is true of it; places in crop pixels."""

    crop: Image
    """`(CROP_H, CROP_W)`."""
    iris: Floats
    """`(2,)`."""
    corners: Floats
    """`(2, 2)` outer, inner."""
    visible: float
    """How surely one sees where the iris is, [0, 1]."""
    opening: float
    """Lid distance over eye width."""
    width_px: float
    """Width of an eye turned to the camera, in pixels of the video."""


def sample(seed: int, index: int) -> Sample:
    """The sample of a number, always the same."""
    rng = np.random.default_rng([seed, index])
    eye = anatomy.draw(rng)
    painting = render.paint(rng, eye)
    width_px = float(np.exp(rng.uniform(np.log(NARROWEST_PX), np.log(WIDEST_PX))))
    film, to_film = _filmed(rng, painting.image, width_px / crops.EYE_MM)
    to_crop = _placed(rng, to_film)
    both = to_crop[:, :2] @ to_film[:, :2]
    offset = to_crop[:, :2] @ to_film[:, 2] + to_crop[:, 2]
    iris = both @ eye.iris + offset
    inside = bool((iris > 1).all() and (iris < [crops.CROP_W - 2, crops.CROP_H - 2]).all())
    visible = inside * (painting.seen - _SEEN_FROM) / (_SEEN_WHOLLY - _SEEN_FROM)
    return Sample(
        crops.cut(film, to_crop), iris, eye.corners @ both.T + offset,
        float(np.clip(visible, 0, 1)), eye.opening, width_px,
    )  # fmt: skip


def samples(seed: int, first: int, count: int) -> dict[str, Floats]:
    """Samples `first` to `first + count` as arrays by name, the fields of `Sample` stacked."""
    created = [sample(seed, i) for i in range(first, first + count)]
    names = vars(created[0])
    return {name: np.stack([np.asarray(getattr(s, name)) for s in created]) for name in names}


def _filmed(rng: np.random.Generator, image: Floats, px_per_mm: float) -> tuple[Image, Floats]:
    """The eye as the video's grey pixels, and the map `(2, 3)` from millimetres to them."""
    import cv2

    step = render.CANVAS_PX_PER_MM / px_per_mm
    blur = max(0.3, step * rng.uniform(0.35, 1.1))
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float32)
    if rng.random() < 0.25:
        image = _moved(rng, image, step)
    turn = rng.normal(0, 0.15)
    linear = px_per_mm * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    size = np.ceil(px_per_mm * np.array([72.0, 54.0])).astype(int)
    to_film = np.concatenate([linear, (size / 2 + rng.uniform(-1, 1, 2))[:, None]], axis=1)
    canvas = np.array([render.CANVAS_W - 1, render.CANVAS_H - 1]) / 2
    matrix = to_film.copy()
    matrix[:, :2] /= render.CANVAS_PX_PER_MM
    matrix[:, 2] -= matrix[:, :2] @ canvas
    film = cv2.warpAffine(
        image, matrix, size.tolist(), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return _compressed(rng, _exposed(rng, np.asarray(film, np.float32))), to_film


def _moved(rng: np.random.Generator, image: Floats, step: float) -> Floats:
    """Motion blur of up to three of the video's pixels."""
    import cv2

    reach = step * rng.uniform(0.5, 3.0) / 2
    size = 2 * int(np.ceil(reach)) + 1
    kernel = np.zeros((size, size), np.float32)
    turn = rng.uniform(0, np.pi)
    for s in np.linspace(-reach, reach, 2 * size):
        kernel[round(size // 2 + s * np.sin(turn)), round(size // 2 + s * np.cos(turn))] += 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def _exposed(rng: np.random.Generator, film: Floats) -> Floats:
    """Tone curve, sharpening and noise of a camera; grey levels 0 to 255."""
    import cv2

    film = np.clip(film, 0, 1.2) ** rng.uniform(0.5, 1.3)
    film = rng.uniform(0, 40) + film * rng.uniform(90, 250)
    if rng.random() < 0.35:
        film = film + rng.uniform(0.3, 1.5) * (film - cv2.GaussianBlur(film, (0, 0), 1.2))
    grain = rng.normal(0, 1, film.shape).astype(np.float32)
    if rng.random() < 0.5:
        grain = cv2.GaussianBlur(grain, (0, 0), 0.7) * 1.8
    return np.asarray(film + grain * rng.choice([0.5, 2.0, 6.0], p=[0.5, 0.35, 0.15]))


def _compressed(rng: np.random.Generator, film: Floats) -> Image:
    """Quantised in blocks of frequencies, as every video codec does."""
    import cv2

    image = np.clip(np.round(film), 0, 255).astype(np.uint8)
    if rng.random() < 0.8:
        quality = int(rng.integers(12, 96))
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert done
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    if rng.random() < 0.4:  # a codec's deblocking
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9)), np.uint8)
    return image


def _placed(rng: np.random.Generator, to_film: Floats) -> Floats:
    """Where landmarks put the crop: near the eye or missing it, nearly upright and to scale."""
    off_mm = rng.normal(0, rng.choice([1.6, 3.0, 6.0, 20.0], p=[0.58, 0.28, 0.09, 0.05]), 2)
    centre = to_film[:, :2] @ off_mm + to_film[:, 2]
    turn, scale = rng.normal(0, 0.1), np.exp(rng.normal(0, 0.13))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    px_per_mm = np.sqrt(np.linalg.det(to_film[:, :2]))
    upright = np.linalg.inv(to_film[:, :2]) * px_per_mm @ rotation
    return crops.placing(centre, scale / px_per_mm * upright, mirrored=False)
