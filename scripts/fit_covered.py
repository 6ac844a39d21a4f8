"""Fit the model that says whether a mouth is covered.

    python scripts/fit_covered.py IMAGES CLIPS [-o FILE]

IMAGES holds the folders `with` and `without`: images of one face each, with and without a mask
over the mouth. CLIPS is a folder of videos of open faces, on whose mouths masks are drawn, too:
plain, pleated and patterned, dark and light, lit as the face is. Scores are of images and clips
left out in turn: five parts of the images, each clip by itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.people import landmarks
from eyeline.results import Floats, Image
from eyeline.speech.covered import WEIGHTS, edges
from eyeline.speech.lips import PATCH_WH, patch

EVERY_S = 0.4
"""Time between the frames of a clip that lend their mouths."""
STRENGTH = 0.003
"""Inverse of the regularisation of the logistic model."""


def main() -> None:
    """Gather, fit, score, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    images = {kind: list(of_images(chosen.images / kind)) for kind in ("with", "without")}
    clips = {path.stem: list(of_clip(path)) for path in sorted(chosen.clips.glob("*.mp4"))}
    weight, bias = fit_and_score(images, clips)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(chosen.out, weight=weight.astype(np.float32), bias=np.float32(bias))


def fit_and_score(
    images: dict[str, list[Image]], clips: dict[str, list[Image]]
) -> tuple[Floats, float]:
    """Print the scores of what is left out, and fit on all."""
    rng = np.random.default_rng(0)
    rows: list[tuple[str, str, float, Floats]] = []
    for kind, found in images.items():
        for k, one in enumerate(found):
            rows.append((f"images {k % 5}", f"image {kind}", float(kind == "with"), edges(one)))
    for name, found in clips.items():
        for one in found:
            rows.append((name, "clip open", 0.0, edges(one)))
            rows.append((name, "clip, mask drawn", 1.0, edges(masked(one, rng))))
    group, kinds = (np.array([r[i] for r in rows]) for i in (0, 1))
    truth, value = np.array([r[2] for r in rows]), np.stack([r[3] for r in rows])
    said = np.empty(len(rows))
    for name in np.unique(group):
        held = group == name
        weight, bias = fit(value[~held], truth[~held], kinds[~held])
        said[held] = value[held] @ weight + bias > 0
    for name in np.unique(kinds):
        mine = kinds == name
        print(f"{name:20s} {mine.sum():5d} mouths, right {(said[mine] == truth[mine]).mean():.3f}")
    for name in clips:
        mine = (group == name) & (truth == 0)
        print(f"  {name:20s} open, called covered {said[mine].mean():.3f}")
    return fit(value, truth, kinds)


def fit(value: Floats, truth: Floats, kind: npt.NDArray[np.str_]) -> tuple[Floats, float]:
    """A logistic model; each kind of row counts alike."""
    from sklearn.linear_model import LogisticRegression

    weight = np.zeros(len(value))
    for name in np.unique(kind):
        weight[kind == name] = len(value) / 4 / (kind == name).sum()
    model = LogisticRegression(C=STRENGTH * 100, max_iter=2000).fit(value, truth, weight)
    return model.coef_[0], float(model.intercept_[0])


def masked(image: Image, rng: np.random.Generator) -> Image:
    """The patch with a mask drawn over it, lit as the face is."""
    import cv2

    wide, high = PATCH_WH
    light = cv2.GaussianBlur(image, (0, 0), 7).astype(np.float64)
    light /= light.mean()
    y, x = np.mgrid[:high, :wide] / high
    cloth = np.full((high, wide), rng.uniform(20, 235))
    if rng.random() < 0.5:  # pleats
        cloth *= 1 + rng.uniform(0.02, 0.2) * np.sin(
            2 * np.pi * (rng.uniform(2, 5) * y + rng.uniform(0, 1))
        )
    if rng.random() < 0.3:  # a pattern
        spots = cv2.GaussianBlur(rng.standard_normal((high, wide)), (0, 0), rng.uniform(1, 4))
        cloth += rng.uniform(5, 40) * spots / spots.std()
    fold = rng.uniform(-0.3, 0.3) * np.exp(
        -(((x - rng.uniform(0.4, 0.8)) / 0.1) ** 2)
    )  # the middle
    cloth = cloth * light ** rng.uniform(0.3, 1.2) * (1 + fold)
    cloth = cv2.GaussianBlur(cloth, (0, 0), rng.uniform(0.4, 1.2)) + rng.normal(
        0, rng.uniform(0.5, 4), cloth.shape
    )
    edge = rng.uniform(-0.3, 0.25) + 0.4 * (x - 0.6) ** 2 * rng.uniform(-1, 1.5)
    sides = (x > rng.uniform(-0.2, 0.1)) & (x < rng.uniform(1.1, 1.4))
    return np.clip(np.where((y > edge) & sides, cloth, image), 0, 255).astype(np.uint8)


def of_images(folder: Path) -> Iterator[Image]:
    """The mouth of the surest face of each image."""
    import cv2

    from eyeline.people.detect import CenterFace

    detector = CenterFace()
    for path in sorted(folder.iterdir()):
        image = cv2.imread(str(path))
        if image is None:
            continue
        zoom = 320 / max(image.shape[:2])
        image = cv2.resize(image, None, fx=zoom, fy=zoom)
        image = cv2.copyMakeBorder(image, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
        rgb = np.asarray(image[..., ::-1], np.uint8).copy()
        yield from mouths_in(detector, _Still(rgb), most=1)


def of_clip(path: Path) -> Iterator[Image]:
    """The mouths of a clip's faces, now and then."""
    from eyeline.people.detect import CenterFace
    from eyeline.video.reader import VideoReader

    detector = CenterFace()
    for frame in VideoReader(path, rate_hz=1 / EVERY_S):
        yield from mouths_in(detector, frame)


def mouths_in(detector: Any, frame: Any, most: int | None = None) -> Iterator[Image]:
    """Patches of the mouths of the faces that were surely found."""
    faces = detector.detect(frame)
    order = np.argsort(-faces.score)[:most]
    for i, (_, roll, scale) in zip(order, landmarks.placing(faces.five_px[order]), strict=True):
        if faces.score[i] >= 0.5:
            yield patch(frame.gray(), faces.five_px[i, 3:].mean(axis=0), roll, scale)


class _Still:
    """An image as the detector takes a frame."""

    def __init__(self, rgb: Image) -> None:
        self._rgb = rgb
        self.index, self.time_s = 0, 0.0
        self.size_wh = (rgb.shape[1], rgb.shape[0])

    def rgb(self) -> Image:
        return self._rgb

    def gray(self) -> Image:
        import cv2

        return np.asarray(cv2.cvtColor(self._rgb, cv2.COLOR_RGB2GRAY), np.uint8)

    def small_rgb(self, width: int, height: int) -> Image:
        import cv2

        size = (width, height)
        return np.asarray(cv2.resize(self._rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
