"""Annotated looks with their images, as the decoder trains on them and is scored by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.results import Floats, Image, Ints
from eyeline.systems.gaze_following import heatmaps, score
from eyeline.systems.gaze_following.datasets import childplay
from eyeline.systems.gaze_following.datasets.annotations import GazeAnnotations
from eyeline.systems.gaze_following.detector.inputs import read_image
from eyeline.systems.gaze_following.gaze_lle import inputs

_SMOOTHED = 11
"""Frames over which VideoAttentionTarget's head boxes are averaged, as published."""
_JITTER = 0.2
"""Of a head's width and height, by which its edges are moved in training at most."""


@dataclass(frozen=True)
class Looks:
    """Looks of people whose heads are known, and the folder of their images."""

    known: GazeAnnotations
    folder: Path

    def __len__(self) -> int:
        return len(self.known)

    def image(self, row: int) -> Image:
        """The image of a row `(h, w, 3)`; DataError where it cannot be read."""
        return read_image(self.folder / self.known.image[row])

    def heads_norm(self, rows: Ints) -> Floats:
        """Heads of people in one image as fractions of it; DataError names one outside of it."""
        size = self.known.size_px[rows[0]]
        try:
            return inputs.normed_heads(self.known.head_xyxy[rows], (float(size[0]), float(size[1])))
        except DataError as error:
            raise DataError(f"{self.known.source[rows[0]]}: {error}") from None

    def of_videos(self, names: Sequence[str]) -> Looks:
        """Those of some videos."""
        return Looks(self.known.of_videos(names), self.folder)


def open_looks(root: Path | str, part: str, *, in_out: bool, every: int = 1) -> Looks:
    """Looks of GazeFollow, VideoAttentionTarget or ChildPlay, whose images lie in their folder.

    Args:
        root: the data set's folder.
        part: `train` or `test`, of ChildPlay `val`, too.
        in_out: whether looks out of the image are wanted, too.
        every: of each video only one image in so many is taken.

    Raises:
        DataError: as of `score.read_truth`, or no such look of a person with a head.
    """
    root = Path(root)
    known = score.read_truth(root, part=part)
    gazefollow = score.is_gazefollow(root)
    if not gazefollow and not childplay.is_childplay(root):
        known = smoothed(known)
    wanted = known.in_frame >= 0 if in_out else known.in_frame == 1
    wanted &= np.isfinite(known.head_xyxy).all(axis=1) & sampled(known, every)
    if not wanted.any():
        raise DataError(f"{root}, {part}: no look of a person whose head is known")
    return Looks(known.take(np.flatnonzero(wanted)), root if gazefollow else root / "images")


def sampled(known: GazeAnnotations, every: int) -> np.ndarray:
    """Rows `(n,)` in one image in so many of their video, in the order of the frames."""
    if every == 1:
        return np.ones(len(known), bool)
    taken = set[str]()
    for rows in tables.groups(known.video).values():
        frames = sorted({(int(known.frame[row]), known.image[row]) for row in rows.tolist()})
        taken |= {image for _, image in frames[::every]}
    return np.array([image in taken for image in known.image])


def smoothed(known: GazeAnnotations) -> GazeAnnotations:
    """With each person's head boxes averaged over `_SMOOTHED` successive rows of a video."""
    people = list(zip(known.video, known.person, strict=True))
    half, kernel = _SMOOTHED // 2, np.full(_SMOOTHED, 1 / _SMOOTHED)
    heads = known.head_xyxy.copy()
    for rows in tables.groups(people).values():
        padded = np.pad(known.head_xyxy[rows], ((half, half), (0, 0)), mode="edge")
        averaged = [np.convolve(column, kernel, mode="valid") for column in padded.T]
        heads[rows] = np.stack(averaged, axis=1)
    return replace(known, head_xyxy=heads)


class Shown(NamedTuple):
    """An image with one head and where that person looks."""

    image: Image
    head_norm: Floats
    point_norm: Floats
    """`(2,)`, NaN out of the image."""


@dataclass(frozen=True)
class Samples(Dataset[dict[str, Tensor]]):
    """Looks as tensors; changed by chance as published, by the seed and the row alone."""

    looks: Looks
    grid: int
    seed: int
    crop: float
    mirror: float
    jitter: float

    def __len__(self) -> int:
        return len(self.looks)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        shown, rng = self.shown(row), np.random.default_rng([self.seed, row])
        crop, mirror, jitter = rng.random(3) < (self.crop, self.mirror, self.jitter)
        shown = cropped(shown, rng) if crop else shown
        shown = mirrored(shown) if mirror else shown
        shown = jittered(shown, rng) if jitter else shown
        return {
            "image": inputs.image_tensor(shown.image, self.grid),
            "head": inputs.head_maps(shown.head_norm[None], self.grid)[0],
            "heatmap": target_heatmap(shown.point_norm, 2 * self.grid),
            "in_frame": torch.tensor(float(self.looks.known.in_frame[row])),
        }

    def shown(self, row: int) -> Shown:
        """A row as it is annotated."""
        known = self.looks.known
        point = known.mean_point_px()[row] if len(known.points(row)) else np.full(2, np.nan)
        head = self.looks.heads_norm(np.array([row]))[0]
        return Shown(self.looks.image(row), head, np.clip(point / known.size_px[row], 0, 1))


def cropped(shown: Shown, rng: np.random.Generator) -> Shown:
    """A part of the image with the head and the point in it."""
    height, width = shown.image.shape[:2]
    size = np.array([width, height], np.float64)
    corners = np.stack([shown.head_norm[:2], shown.head_norm[2:], shown.point_norm]) * size
    low = rng.integers(0, np.nanmin(corners, axis=0).astype(int), endpoint=True)
    far = np.minimum(np.ceil(np.nanmax(corners, axis=0)).astype(int), (width, height))
    high = rng.integers(np.maximum(far, low + 1), (width, height), endpoint=True)
    part = shown.image[low[1] : high[1], low[0] : high[0]]
    kept = high - low
    head = (shown.head_norm * np.tile(size, 2) - np.tile(low, 2)) / np.tile(kept, 2)
    return Shown(part, head, (shown.point_norm * size - low) / kept)


def mirrored(shown: Shown) -> Shown:
    """With left and right exchanged."""
    left, top, right, bottom = shown.head_norm
    head = np.array([1 - right, top, 1 - left, bottom])
    x, y = shown.point_norm
    return Shown(shown.image[:, ::-1], head, np.array([1 - x, y]))


def jittered(shown: Shown, rng: np.random.Generator) -> Shown:
    """With the edges of the head moved."""
    size = np.tile(shown.head_norm[2:] - shown.head_norm[:2], 2)
    head = shown.head_norm + rng.uniform(-_JITTER, _JITTER, 4) * size
    return shown._replace(head_norm=np.clip(head, 0, 1))


def target_heatmap(point_norm: Floats, cells: int) -> Tensor:
    """A Gaussian `(cells, cells)` about the point's cell, cut off at three standard deviations.

    Nothing for a look out of the image.
    """
    if np.isnan(point_norm).any():
        return torch.zeros(cells, cells)
    centre = np.minimum((point_norm * cells).astype(int), cells - 1)
    away = np.abs(np.arange(cells) - centre[:, None])
    near = away <= 3 * heatmaps.SIGMA_CELLS
    x, y = np.exp(-(away**2) / (2 * heatmaps.SIGMA_CELLS**2)) * near
    return torch.from_numpy(np.outer(y, x)).float()
