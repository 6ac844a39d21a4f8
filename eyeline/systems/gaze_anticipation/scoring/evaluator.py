"""Frames of a benchmark and the scores of predictions for them; and baselines without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.geometry.camera import Camera
from eyeline.geometry.directions import angle
from eyeline.results import Floats, Image, Ints
from eyeline.systems.gaze_anticipation.inputs import LABELLED, SIZE, SPREAD, heatmaps
from eyeline.systems.gaze_anticipation.predictions import Truth
from eyeline.systems.gaze_anticipation.recordings.labels import FIXATION
from eyeline.systems.gaze_anticipation.scoring import levels
from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator
from eyeline.systems.gaze_anticipation.scoring.truth import in_pieces
from eyeline.systems.gaze_anticipation.windows.spatial import central_view

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Evaluator:
    """Frames whose gaze is known, and how predictions for them are scored."""

    truth: Truth
    size: int = SIZE
    """Rows and columns of the maps."""
    fov_deg: float | None = None
    """Angle that the image's longer side spans, of a lens without distortion, for angles."""

    def __post_init__(self) -> None:
        if self.fov_deg is not None and not 0 < self.fov_deg < 180:
            raise UsageError(f"a field of view of {self.fov_deg} degrees; 0 to 180 can be")

    @cached_property
    def videos(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(sorted(set(self.truth.video.tolist())))

    @cached_property
    def _video(self) -> Ints:
        place = {name: number for number, name in enumerate(self.videos)}
        return np.array([place[name] for name in self.truth.video], np.int64)

    @cached_property
    def slots(self) -> int:
        """Predictions a sample."""
        return int(self.truth.slot.max(initial=0)) + 1

    def accumulator(self) -> Accumulator:
        """For an answerer's scores, still empty."""
        return Accumulator(len(self.videos), self.slots)

    def add(
        self, accumulator: Accumulator, at: Ints | slice, level: Image | None, xy: Floats
    ) -> None:
        """Score predictions for some rows of `truth`.

        They are levels `(n, row, column)` of maps, or None, and points `(n, 2)` as fractions of the
        image.
        """
        truth = self.truth
        accumulator.add(
            self._video[at],
            truth.slot[at],
            truth.kind[at],
            level,
            labelled(truth.square[at], self.size),
            *self.apart(at, xy),
        )

    def apart(self, at: Ints | slice, xy: Floats) -> tuple[Floats, Floats | None]:
        """Distances `(n,)` as shares of the image, and angles `(n,)` in degrees or None."""
        known, sizes = self.truth.xy[at], self.truth.size_wh[at]
        distance = np.asarray(np.linalg.norm(xy - known, axis=1))
        if self.fov_deg is None:
            return distance, None
        rays = [_rays(points, sizes, self.fov_deg) for points in (xy, known)]
        return distance, np.rad2deg(angle(*rays))

    def of_places(self, square: Floats) -> Accumulator:
        """Scores of predictions that are a spot around places `(n, 2)`, fractions of the square."""
        return self._of(lambda at: spots(square[at], self.size), square)

    def of_map(self, one: Floats) -> Accumulator:
        """Scores of the same map `(size, size)` for all rows."""
        level = levels.levels(levels.rescaled(one[None]))
        row, column = np.divmod(int(one.argmax()), self.size)
        place = np.tile([column / self.size, row / self.size], (len(self.truth), 1))
        return self._of(lambda at: np.repeat(level, len(place[at]), 0), place)

    def _of(self, level_of: Callable[[slice], Image], square: Floats) -> Accumulator:
        created = self.accumulator()
        xy = self._out_of_square(square)
        for at in in_pieces(len(self.truth)):
            self.add(created, at, level_of(at), xy[at])
        return created

    def _out_of_square(self, square: Floats) -> Floats:
        """As shares of the image; the square is its middle, as of `spatial.central_view`."""
        side = 4 * self.size
        sizes, which = np.unique(self.truth.size_wh, axis=0, return_inverse=True)
        xy = np.empty_like(square, np.float64)
        for number, (width, height) in enumerate(sizes.tolist()):
            own = which.ravel() == number
            xy[own] = central_view(height, width, side).out_of(square[own])
        return xy


def baselines(evaluator: Evaluator, prior: Floats | None = None) -> dict[str, Accumulator]:
    """Scores of predictions that look at no image.

    `centre_prior`: a spot as labels have, in the middle; `last_gaze`: a spot where the gaze was
    last known before what is predicted, which no network is given; `training_prior`: the map of
    where gaze falls in other videos, as of `mean_map`.
    """
    centre = np.full((len(evaluator.truth), 2), 0.5)
    predictions = {
        "centre_prior": evaluator.of_places(centre),
        "last_gaze": evaluator.of_places(evaluator.truth.last),
    }
    return predictions | ({} if prior is None else {"training_prior": evaluator.of_map(prior)})


def mean_map(truth: Truth, size: int) -> Floats | None:
    """Mean `(size, size)` of the maps of fixations; None without one."""
    fixed = truth.square[truth.kind == FIXATION]
    if not len(fixed):
        return None
    whole = np.zeros((size, size))
    for at in in_pieces(len(fixed)):
        whole += heatmaps(fixed[at], size).sum(0, dtype=np.float64)
    return whole / len(fixed)


def spots(square: Floats, size: int) -> Image:
    """Levels `(n, size, size)` of spots as wide as labels have at places `(n, 2)`, cut nowhere."""
    away = np.arange(size) - np.rint(square * size)[..., None]
    lines = np.exp(-0.5 * (away / (SPREAD * size / SIZE)) ** 2)
    return levels.levels(levels.rescaled(lines[:, 1, :, None] * lines[:, 0, None, :]))


def labelled(square: Floats, size: int) -> Mask:
    """Cells `(n, size, size)` that count as looked at, of gaze `(n, 2)` in the square."""
    cells = np.rint(square * size).astype(np.int64)
    predictions = np.empty((len(square), size, size), bool)
    for mask, (column, row) in zip(predictions, cells.tolist(), strict=True):
        bits = np.unpackbits(_mask(column, row, size), count=size * size)
        mask[:] = bits.reshape(size, size)
    return predictions


@cache
def _mask(column: int, row: int, size: int) -> Image:
    """In bits, since all places together are kept."""
    return np.packbits(heatmaps(np.array([[column / size, row / size]]), size)[0] > LABELLED)


def _rays(xy: Floats, sizes: Ints, fov_deg: float) -> Floats:
    """Unit vectors `(n, 3)` through places as shares of images."""
    predictions = np.empty((len(xy), 3))
    kinds, which = np.unique(sizes, axis=0, return_inverse=True)
    for number, (width, height) in enumerate(kinds.tolist()):
        own = which.ravel() == number
        camera = Camera.from_fov(width, height, fov_deg)
        predictions[own] = camera.rays(xy[own] * [width, height])
    return predictions
