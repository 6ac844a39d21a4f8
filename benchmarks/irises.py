"""Where the iris is, on real eyes labelled by hand: our network against two older methods.

The labels are `tests/material/eyes_labels.csv`; the clips they speak of are no part of the
repository, and without them nothing is measured. How the eyes were chosen and labelled stands in
`docs/eyes.md`.
"""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.iris_methods import CHIP_PX_PER_MM, matched_filter, mean_of_gradients
from eyeline.evaluation.metrics import roc_auc
from eyeline.people import eyes, landmarks
from eyeline.people.detect import CenterFace
from eyeline.people.irises import crops
from eyeline.people.irises.locate import Irises, Locator
from eyeline.people.landmarks import Chip
from eyeline.results import Floats, Image

ROOT = Path(__file__).parents[1]
LABELS = ROOT / "tests" / "material" / "eyes_labels.csv"
STRESS = LABELS.with_name("eyes_labels_stress.csv")
"""Further eyes, of other people and cameras, chosen for glances, children and closed lids."""
SHARED = ROOT.parent / "shared"
CLIPS = {
    "couch": "reference/vgs/data/video/012.mp4",
    "girls": "media/two_girls_drawings.mp4",
    "father": "media/father_daughter_toy.mp4",
    **{name: f"media/{name}.mp4" for name in ("girl", "pexels", "womancam", "v00", "v01")},
    **{name: f"media/{name}.mp4" for name in ("debate", "phone")},
}
SMALLER = (1, 2, 3)
"""The frames are also measured at these fractions of their size."""
BINS_PX = (0.0, 8.0, 12.0, 18.0, 25.0, 64.0)
LIMITS = (0.05, 0.1, 0.2)
"""Distances in eye widths within which answers are counted."""
CENTRE = 0.08
"""An iris nearer than this to the corners' middle, in eye widths, is on no side."""
_PARTS = (slice(36, 42), slice(42, 48))


@dataclass(frozen=True)
class Label:
    """One eye labelled twice by hand; places in pixels of the frame."""

    clip: str
    frame: int
    part: str
    """`validation` or `test`, a person wholly in one; those of `STRESS` are `stress`."""
    state: str
    """`seen`, `closed`, `hidden` or `unsure`."""
    corners: Floats
    """`(2, 2)` left and right eye corner as landmarks gave them."""
    width_px: float
    """Width of the wider of the face's two eyes: the unit of errors."""
    passes: Floats
    """`(2, 2)` iris in the first and in the second pass, NaN unless `seen`."""

    @property
    def iris(self) -> Floats:
        """`(2,)` mean of both passes."""
        return np.asarray(self.passes.mean(axis=0))


@dataclass(frozen=True)
class Face:
    """Two labelled eyes with what the methods get, the frame perhaps made smaller."""

    labels: tuple[Label, Label]
    """For the eye on the image's left and the other, in pixels of `gray`."""
    gray: Image
    chip: Chip
    points: Floats
    """`(68, 2)` landmarks in chip pixels."""

    @cached_property
    def maps(self) -> list[Floats]:
        """Maps `(2, 3)` from the frame to the crop of each eye."""
        upright = self.chip.matrix[:, :2] / CHIP_PX_PER_MM
        ends = [self.points[part][[0, 3]].mean(0) for part in _PARTS]
        return [
            crops.placing(self.chip.to_frame(centre), upright, mirrored=i == 1)
            for i, centre in enumerate(ends)
        ]

    @cached_property
    def crops(self) -> Image:
        """`(2, CROP_H, CROP_W)`."""
        return np.stack([crops.cut(self.gray, matrix) for matrix in self.maps])


def labels(path: Path = LABELS) -> list[Label]:
    """All labels, in order of the file."""
    with path.open() as file:
        return [_label(row) for row in csv.DictReader(file)]


def faces(smaller: int = 1, path: Path = LABELS) -> Iterator[Face]:
    """All labelled faces, found by eyeline's own front end.

    Args:
        smaller: the frames' sides are divided by this before landmarks and eyes are measured.
        path: of the labels.
    """
    detector, landmarker = CenterFace(), landmarks.Landmarker()
    every = labels(path)
    pairs = list(zip(every[::2], every[1::2], strict=True))
    for clip, video in CLIPS.items():
        wanted = [pair for pair in pairs if pair[0].clip == clip]
        for frame, mine in _frames(SHARED / video, wanted) if wanted else ():
            result = detector.detect(frame)
            placed = landmarks.placing(result.five_px)
            for pair in mine:
                centre = np.concatenate([label.corners for label in pair]).mean(0)
                gap = np.linalg.norm(result.five_px[:, :2].mean(1) - centre, axis=1)
                i = int(gap.argmin())
                yield _face(
                    landmarker, pair, frame.gray(), result.five_px[i], placed[i, 1:], smaller
                )


def network(locator: Locator, some: list[Face]) -> tuple[Floats, Irises]:
    """Places `(n, 2)` in the frame and all else that the network says, two eyes a face."""
    result = locator(np.concatenate([face.crops for face in some]))
    maps = [matrix for face in some for matrix in face.maps]
    places = [
        np.linalg.solve(matrix[:, :2], place - matrix[:, 2])
        for matrix, place in zip(maps, result.place, strict=True)
    ]
    return np.array(places), result


def filtered(some: list[Face]) -> Floats:
    """Places `(n, 2)` in the frame by the matched filter."""
    return np.array(
        [
            face.chip.to_frame(matched_filter(face.chip, face.points[part]))
            for face in some
            for part in _PARTS
        ]
    )


def graded(some: list[Face]) -> Floats:
    """Places `(n, 2)` in the frame by the means of gradients."""
    return np.array(
        [
            np.linalg.solve(matrix[:, :2], mean_of_gradients(crop) - matrix[:, 2])
            for face in some
            for crop, matrix in zip(face.crops, face.maps, strict=True)
        ]
    )


def errors(some: list[Face], places: Floats) -> Floats:
    """Distance across and down `(n, 2)` from the labels in eye widths; NaN without a label."""
    every = [label for face in some for label in face.labels]
    truth = np.array([label.iris for label in every])
    return np.asarray((places - truth) / np.array([[label.width_px] for label in every]))


def summary(off: Floats) -> dict[str, object]:
    """Figures of errors `(n, 2)`; an eye without an answer is further off than any limit."""
    if not len(off):
        return {"eyes": 0}
    distance = np.where(np.isfinite(off).all(1), np.hypot(*off.T), np.inf)
    return {
        "eyes": len(off),
        "median": round(float(np.median(distance)), 3),
        "p90": round(float(np.quantile(distance, 0.9, method="lower")), 3),
        **{f"within_{limit}": round(float((distance <= limit).mean()), 2) for limit in LIMITS},
        "median_across": round(float(np.nanmedian(np.abs(off[:, 0]))), 3),
    }


def sides(some: list[Face], places: Floats) -> tuple[int, int]:
    """Irises on the labelled side of the corners' middle, and how many are labelled on a side.

    Labels within `CENTRE` eye widths of the middle are on neither.
    """
    right = counted = 0
    for face, pair in zip(some, places.reshape(-1, 2, 2), strict=True):
        for label, place in zip(face.labels, pair, strict=True):
            centre = label.corners[:, 0].mean()
            aside = (label.iris[0] - centre) / label.width_px
            if label.state == "seen" and abs(aside) > CENTRE:
                counted += 1
                right += bool((place[0] - centre) * aside > 0)
    return right, counted


def run() -> dict[str, object]:
    """Figures of all methods on both parts of the labels, by size of the eye, and the speed."""
    if not all((SHARED / path).is_file() for path in CLIPS.values()):
        return {"skipped": "the labelled clips are not beside the repository"}
    locator = Locator()
    sizes = {n: list(faces(n)) for n in SMALLER}
    return {
        "labels": {part: _states(sizes[1], part) for part in ("validation", "test")},
        "labelled_twice": summary(_twice(sizes[1])),
        **{part: _compared(locator, sizes, part) for part in ("validation", "test")},
        "stress": _compared(locator, {n: list(faces(n, STRESS)) for n in SMALLER}, "stress"),
        "milliseconds_a_face": round(_pace(locator, sizes[1]), 3),
    }


def _compared(locator: Locator, sizes: dict[int, list[Face]], part: str) -> dict[str, object]:
    """All methods on one part of the labels."""
    mine = {n: [f for f in some if f.labels[0].part == part] for n, some in sizes.items()}
    methods: dict[str, Callable[[list[Face]], Floats]] = {
        "network": lambda some: network(locator, some)[0],
        "matched_filter": filtered,
        "mean_of_gradients": graded,
    }
    scored = {name: _scored(mine, method) for name, method in methods.items()}
    known = {f"1/{n}": distinguished(locator, some) for n, some in mine.items()}
    return {**scored, "seen_or_not": known}


def _scored(mine: dict[int, list[Face]], method: Callable[[list[Face]], Floats]) -> object:
    """Figures of one method: whole frames, and eyes of all sizes of frame by their width."""
    places = {n: method(some) for n, some in mine.items()}
    off, width = [], []
    for n, some in mine.items():
        every = [label for face in some for label in face.labels]
        seen = np.array([label.state == "seen" for label in every])
        off.append(errors(some, places[n])[seen])
        width.append(np.array([label.width_px for label in every])[seen])
    errors_of_all, widths = np.concatenate(off), np.concatenate(width)
    return {
        "whole_frames": summary(off[0]),
        "sides_right_and_all": sides(mine[1], places[1]),
        "by_eye_width_px": {
            f"{low:g}-{high:g}": summary(errors_of_all[(widths >= low) & (widths < high)])
            for low, high in itertools.pairwise(BINS_PX)
        },
    }


def distinguished(locator: Locator, some: list[Face]) -> dict[str, float]:
    """How well seen irises are separated from closed and hidden ones, where some are labelled so.

    Unsure eyes are left out.
    """
    state = np.array([label.state for face in some for label in face.labels])
    visible = network(locator, some)[1].visible
    lids = np.array([eyes.lid_opening(face.points[part]) for face in some for part in _PARTS])
    sure, closed = state != "unsure", np.isin(state, ["seen", "closed"])
    said = visible >= eyes.LEAST_VISIBLE
    figures = {
        "auc": round(float(roc_auc(state[sure] == "seen", visible[sure])), 3),
        "auc_closed": round(float(roc_auc(state[closed] == "seen", visible[closed])), 3),
        "auc_closed_by_landmarks": round(float(roc_auc(state[closed] == "seen", lids[closed])), 3),
    }
    for kind in ("seen", "closed", "hidden"):
        if (state == kind).any():
            figures[f"{kind}_said_seen"] = round(float(said[state == kind].mean()), 2)
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def _pace(locator: Locator, some: list[Face]) -> float:
    """Milliseconds for both eyes of a face, the crops' cutting included."""
    begin = time.perf_counter()
    for face in some:
        eyes.measure(locator, face.gray, face.chip, face.points)
    return (time.perf_counter() - begin) / len(some) * 1e3


def _states(some: list[Face], part: str) -> dict[str, int]:
    states = [label.state for face in some for label in face.labels if label.part == part]
    return {state: states.count(state) for state in ("seen", "closed", "hidden", "unsure")}


def _twice(some: list[Face]) -> Floats:
    """Second pass against the first in eye widths, of the eyes seen."""
    every = [label for face in some for label in face.labels if label.state == "seen"]
    return np.array([(label.passes[1] - label.passes[0]) / label.width_px for label in every])


def _label(row: dict[str, str]) -> Label:
    def numbers(*names: str) -> Floats:
        return np.array([float(row[name] or "nan") for name in names]).reshape(2, 2)

    return Label(
        row["clip"],
        int(row["frame"]),
        row["part"],
        row["state"],
        numbers("corner_left_x", "corner_left_y", "corner_right_x", "corner_right_y"),
        float(row["eye_width_px"]),
        numbers("iris_x", "iris_y", "iris_x_again", "iris_y_again"),
    )


def _frames(path: Path, pairs: list[tuple[Label, Label]]) -> Iterator[tuple[Any, Any]]:
    """The labelled frames of a clip, each with its pairs of eyes."""
    from eyeline.video.reader import VideoReader

    for index, frame in enumerate(VideoReader(path)):
        if mine := [pair for pair in pairs if pair[0].frame == index]:
            yield frame, mine


def _face(
    landmarker: landmarks.Landmarker,
    pair: tuple[Label, Label],
    gray: Image,
    five: Floats,
    roll_and_scale: Floats,
    smaller: int,
) -> Face:
    """Measure a face in a frame made smaller, and move its labels there."""
    import cv2

    small = gray
    if smaller > 1:
        size = [side // smaller for side in gray.shape[::-1]]
        small = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    zoom = small.shape[1] / gray.shape[1]
    roll, scale = (float(value) for value in roll_and_scale)
    chip = landmarks.cut_chip(small, (five + 0.5) * zoom - 0.5, roll, scale * zoom)
    left, right = (
        Label(
            label.clip,
            label.frame,
            label.part,
            label.state,
            (label.corners + 0.5) * zoom - 0.5,
            label.width_px * zoom,
            (label.passes + 0.5) * zoom - 0.5,
        )
        for label in pair
    )
    return Face((left, right), small, chip, landmarker.find(chip))
