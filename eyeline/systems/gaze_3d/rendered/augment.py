"""What cameras and videos do to a crop: few pixels, blur, light, noise, compression."""

from __future__ import annotations

import numpy as np

from eyeline.results import Image


def degrade(rng: np.random.Generator, crop: Image, smallest_px: float) -> Image:
    """A crop `(h, w, 3)` as a poorer camera or a stronger codec shows it.

    Args:
        rng: decides what happens.
        crop: as rendered.
        smallest_px: width to which it may shrink before it is grown again.
    """
    import cv2

    height, width = crop.shape[:2]
    if rng.random() < 0.55:
        small = float(np.exp(rng.uniform(np.log(smallest_px), np.log(1.1 * width))))
        if small < width:
            size = (max(4, round(small)), max(3, round(small * height / width)))
            few = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
            if rng.random() < 0.5:
                few = _compressed(rng, np.asarray(few))
            how = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
            crop = np.asarray(cv2.resize(few, (width, height), interpolation=how))
    if rng.random() < 0.3:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.3, 1.4)))
    if rng.random() < 0.12:
        crop = _moved(rng, crop)
    crop = _lit(rng, crop)
    return _compressed(rng, crop) if rng.random() < 0.45 else crop


def covered(rng: np.random.Generator, crop: Image) -> Image:
    """A crop of which a plain shape hides up to a third."""
    import cv2

    height, width = crop.shape[:2]
    crop = np.ascontiguousarray(crop).copy()
    centre = (rng.uniform(-0.1, 1.1, 2) * [width, height]).astype(int).tolist()
    axes = (rng.uniform(0.06, 0.3, 2) * width).astype(int).tolist()
    colour = rng.integers(0, 256, 3).tolist()
    cv2.ellipse(crop, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return crop


def _lit(rng: np.random.Generator, crop: Image) -> Image:
    """Contrast, brightness, gamma, white balance, saturation, noise."""
    values = crop.astype(np.float32) / 255
    values = np.clip(values, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))
    values = (values - 0.5) * np.float32(rng.uniform(0.6, 1.25)) + np.float32(
        0.5 + rng.normal(0, 0.07)
    )
    values *= (1 + rng.normal(0, 0.06, 3)).astype(np.float32)
    kind = rng.random()
    if kind < 0.35:
        grey = values.mean(2, keepdims=True)
        values = grey + (values - grey) * np.float32(0 if kind < 0.1 else rng.uniform(0.3, 1.3))
    if rng.random() < 0.5:
        values += rng.normal(0, rng.uniform(0.003, 0.04), values.shape).astype(np.float32)
    return (255 * np.clip(values, 0, 1)).astype(np.uint8)


def _moved(rng: np.random.Generator, crop: Image) -> Image:
    """Motion blur of three to eight pixels."""
    import cv2

    size = int(rng.integers(3, 9))
    kernel, half, angle = np.zeros((size, size), np.float32), (size - 1) / 2, rng.uniform(0, np.pi)
    step = half * np.array([np.cos(angle), np.sin(angle)])
    ends = np.round(half + np.array([-step, step])).astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(crop, -1, kernel / kernel.sum()))


def _compressed(rng: np.random.Generator, crop: Image) -> Image:
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(22, 95))]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", crop, quality)[1], cv2.IMREAD_COLOR))
