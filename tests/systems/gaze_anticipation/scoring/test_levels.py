"""Levels: the order of values, strict published thresholds, and the rescaling of `rescale.npz`."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation.scoring import levels
from tests.systems.gaze_anticipation.invented import golden


def test_published_thresholds_are_borders() -> None:
    known = levels.borders()
    assert known.shape == (255,) and known.dtype == np.float32 and (np.diff(known) > 0).all()
    for dataset, task, count, last in (
        ("ego4d", "anticipation", 31, 0.07), ("aria", "anticipation", 21, 0.02),
        ("ego4d", "estimation", 11, 0.02), ("aria", "estimation", 11, 0.02),
    ):  # fmt: skip
        predictions = levels.sweep(dataset, task)
        assert len(predictions) == count and predictions[-1] == pytest.approx(last)
        np.testing.assert_array_equal(
            known[levels.places(predictions)], predictions.astype(np.float32)
        )


def test_a_value_is_above_the_borders_that_are_less() -> None:
    """A comparison of 32 bits, strict, also a bit before and behind each border."""
    known = levels.borders()
    near = [np.nextafter(known, np.float32(side)) for side in (0, 1)]
    drawn = np.random.default_rng(0).random(20_000).astype(np.float32) ** 5
    ends = np.array([0, 1, -0.0], np.float32)
    values = np.concatenate([known, *near, drawn, ends])[None, None]
    predictions = levels.levels(values)
    np.testing.assert_array_equal(predictions[0, 0], (values[0, 0, :, None] > known).sum(1))
    assert predictions.dtype == np.uint8 and predictions.shape == values.shape


def test_rescaled_as_published_and_histograms_of_each_map() -> None:
    file = golden("rescale")
    shape = (-1, *file["prob"].shape[-2:])
    predictions = levels.rescaled(file["prob"].reshape(shape))
    np.testing.assert_allclose(predictions, file["rescaled"].reshape(shape), rtol=0, atol=1e-6)
    even = levels.rescaled(np.full((2, 64, 64), 1 / 4096))
    assert not even.any() and not levels.levels(even).any()
    cells = np.random.default_rng(0).integers(0, 256, (5, 100)).astype(np.uint8)
    predictions = levels.histograms(cells)
    for row, own in zip(predictions, cells, strict=True):
        np.testing.assert_array_equal(row, np.bincount(own, minlength=256))
    assert levels.histograms(cells[:0]).shape == (0, 256)


def test_the_nearest_border() -> None:
    known = levels.borders()
    assert known[levels.nearest(0.03)] == np.float32(0.03)
    assert levels.threshold_of(levels.nearest(0.03)) == 0.03
    every = [levels.nearest(levels.threshold_of(border)) for border in range(255)]
    assert every == [*range(255)]
    assert levels.nearest(-1.0) == 0 and levels.nearest(2.0) == 254
    with pytest.raises(DataError, match=r"0\.0305 is no border"):
        levels.places(np.array([0.03, 0.0305]))


@pytest.mark.parametrize("wrong", [np.nan, -1e-3, 1.5, np.inf])
def test_what_is_no_map(wrong: float) -> None:
    maps = np.full((40, 4, 4), 0.5, np.float32)
    maps[37, 2, 2] = wrong
    with pytest.raises(DataError, match="beyond 0 and 1"):
        levels.levels(maps)
    with pytest.raises(DataError, match="maps has 2 axes"):
        levels.levels(maps[0])


def test_no_such_sweep() -> None:
    with pytest.raises(DataError, match="no data set 'x'"):
        levels.sweep("x", "anticipation")
    with pytest.raises(UsageError, match="no task 'x'"):
        levels.sweep("aria", "x")
