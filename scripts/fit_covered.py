"""Fit the model that says whether a mouth is covered.

    python scripts/fit_covered.py CLIPS [-o FILE]

CLIPS is a folder of videos of open faces, on whose mouths masks are drawn: plain, pleated and
patterned, dark and light, lit as the face is; patches of cloth alone count as covered, too. Scores
are of each clip left out in turn.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eyeline.people import landmarks
from eyeline.results import Floats, Image
from eyeline.speech.lips import COVERED_WEIGHTS, PATCH_WH, edges, patch
from eyeline.speech.mouths import COVERED

if TYPE_CHECKING:
    from eyeline.people.detect import Detector
    from eyeline.video.reader import Frame

EVERY_S = 0.4
"""Time between the frames of a clip that lend their mouths."""
THRESHOLDS = (0.5, COVERED, 0.7, 0.8)
STRENGTH = 0.003
"""Inverse of the regularisation of the logistic model."""


def main() -> None:
    """Gather, fit, score, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=COVERED_WEIGHTS)
    chosen = parser.parse_args()
    clips = {path.stem: list(of_clip(path)) for path in sorted(chosen.clips.glob("*.mp4"))}
    weight, bias = fit_and_score(clips)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(chosen.out, weight=weight.astype(np.float32), bias=np.float32(bias))


def fit_and_score(clips: dict[str, list[Image]]) -> tuple[Floats, float]:
    """Print the scores of what is left out, and fit on all."""
    rng = np.random.default_rng(0)
    rows: list[tuple[str, str, float, Floats]] = []
    for name, result in clips.items():
        for one in result:
            rows.append((name, "clip open", 0.0, edges(one)))
            rows.append((name, "clip, mask drawn", 1.0, edges(masked(one, rng))))
            rows.append((name, "cloth alone", 1.0, edges(cloth_alone(rng))))
    group, kinds = (np.array([r[i] for r in rows]) for i in (0, 1))
    truth, value = np.array([r[2] for r in rows]), np.stack([r[3] for r in rows])
    held_out = np.empty(len(rows))
    for name in np.unique(group):
        held = group == name
        weight, bias = fit(value[~held], truth[~held], kinds[~held])
        held_out[held] = 1 / (1 + np.exp(-(value[held] @ weight + bias)))
    for threshold in THRESHOLDS:
        covered = held_out > threshold
        right = {name: (covered == truth)[kinds == name].mean() for name in np.unique(kinds)}
        print(threshold, ", ".join(f"{name} right {part:.3f}" for name, part in right.items()))
    for name in clips:
        mine = (group == name) & (truth == 0)
        print(f"  {name:20s} open, called covered {(held_out[mine] > COVERED).mean():.3f}")
    return fit(value, truth, kinds)


def fit(value: Floats, truth: Floats, kind: npt.NDArray[np.str_]) -> tuple[Floats, float]:
    """A logistic model; open mouths count as much as covered ones, kinds of cover alike."""
    from sklearn.linear_model import LogisticRegression

    weight = np.zeros(len(value))
    for name in np.unique(kind):
        mine = kind == name
        alike = len(np.unique(kind[truth == truth[mine][0]]))
        weight[mine] = len(value) / 2 / alike / mine.sum()
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


def cloth_alone(rng: np.random.Generator) -> Image:
    """A patch of nothing but folded cloth: a scarf, or a mask that is near."""
    import cv2

    wide, high = PATCH_WH
    folds = cv2.GaussianBlur(rng.standard_normal((high, wide)), (0, 0), rng.uniform(2, 6))
    cloth = rng.uniform(30, 225) + rng.uniform(1, 15) * folds / folds.std()
    cloth += rng.normal(0, rng.uniform(0.0, 3), cloth.shape)
    return np.clip(cloth, 0, 255).astype(np.uint8)


def of_clip(path: Path) -> Iterator[Image]:
    """The mouths of a clip's faces, now and then."""
    from eyeline.people.detect import CenterFace
    from eyeline.video.reader import VideoReader

    detector = CenterFace()
    for frame in VideoReader(path, rate_hz=1 / EVERY_S):
        yield from mouths_in(detector, frame)


def mouths_in(detector: Detector, frame: Frame) -> Iterator[Image]:
    """Patches of the mouths of the faces that were surely found."""
    faces = detector.detect(frame)
    for i, (_, roll, scale) in enumerate(landmarks.placing(faces.five_px)):
        if faces.score[i] >= 0.5:
            yield patch(frame.gray(), faces.five_px[i, 3:].mean(axis=0), roll, scale)


if __name__ == "__main__":
    main()
