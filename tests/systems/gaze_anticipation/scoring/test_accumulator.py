"""Streamed sums against the original's curves in `metrics.npz` and against counting anew."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.errors import DataError
from eyeline.evaluation import metrics
from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.scoring import levels
from eyeline.systems.gaze_anticipation.scoring.accumulator import TRACKED, Accumulator, means_of
from tests.systems.gaze_anticipation.invented import golden

SETTINGS = {
    "ego4d_av_gaze_forecast": ("ego4d", "anticipation"),
    "aria_av_gaze_forecast": ("aria", "anticipation"),
    "ego4d_av_gaze": ("ego4d", "estimation"),
    "aria_av_gaze": ("aria", "estimation"),
}
FIXATION = (0,)


def published_clips() -> tuple[Accumulator, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """An empty tally of the golden file's two clips; kinds, levels and labels of their frames."""
    file = golden("metrics")
    values = (file["preds_q"].astype(np.float32) + np.float32(0.25)) / np.float32(8192)
    kind = file["labels"][..., 2].reshape(-1).astype(np.int64)
    labelled = file["labels_hm"].reshape(-1, 64, 64) > 0.001
    return Accumulator(2, 8), kind, levels.levels(values.reshape(-1, 64, 64)), labelled


def numbers(count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return np.arange(count) // 8 % 2, np.arange(count) % 8


def zeros(count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Video, slot and kind of frames."""
    one = np.zeros(count, np.int64)
    return one, one, one


@pytest.mark.parametrize("setting", SETTINGS)
def test_curve_and_best_as_published(setting: str) -> None:
    accumulator, kind, predictions, labelled = published_clips()
    accumulator.add(*numbers(16), kind, predictions, labelled)
    means, thresholds = accumulator.means(FIXATION), levels.sweep(*SETTINGS[setting])
    at = levels.places(thresholds)
    curve = np.stack([means.f1[at], means.recall[at], means.precision[at], thresholds], axis=1)
    file = golden("metrics")
    np.testing.assert_allclose(curve, file[f"curve/{setting}"], rtol=0, atol=1e-6)
    best = report.adaptive(means, thresholds)
    known = [best[name] for name in ("f1", "recall", "precision", "threshold")]
    np.testing.assert_allclose(known, file[f"best/{setting}"], rtol=0, atol=1e-6)


def test_without_a_fixation_as_published() -> None:
    accumulator, kind, predictions, labelled = published_clips()
    accumulator.add(*numbers(16), np.ones_like(kind), predictions, labelled)
    best = report.adaptive(accumulator.means(FIXATION), levels.sweep("ego4d", "anticipation"))
    known = [best[name] for name in ("f1", "recall", "precision", "threshold")]
    np.testing.assert_array_equal(known, golden("metrics")["best_no_fixation"])
    assert accumulator.means().frames == 16, "saccades are tracked"


def drawn(count: int, size: int = 12, seed: int = 0) -> tuple[Any, Any]:
    """Maps over their ranges, and labels."""
    rng = np.random.default_rng(seed)
    values = levels.rescaled(rng.random((count, size, size)) ** 6)
    return values, rng.random((count, size, size)) < 0.1


def test_each_frame_counts_alike() -> None:
    """Counted anew, frame by frame; other kinds of look do not count."""
    values, labelled = drawn(40)
    kind = np.random.default_rng(1).integers(0, 4, 40)
    accumulator = Accumulator(2, 8)
    accumulator.add(*numbers(40), kind, levels.levels(values), labelled)
    own = np.flatnonzero(kind == 0)
    known = levels.borders()
    for border in (0, 60, 101, 140, 254):
        above = values[own] > known[border]
        hit = (above & labelled[own]).sum((1, 2))
        recall = (hit / (labelled[own].sum((1, 2)) + 1e-6)).mean()
        precision = (hit / (above.sum((1, 2)) + 1e-6)).mean()
        means = accumulator.means(FIXATION)
        assert means.recall[border] == pytest.approx(recall, abs=1e-12)
        assert means.precision[border] == pytest.approx(precision, abs=1e-12)
    assert accumulator.means(FIXATION).frames == len(own)
    assert accumulator.means().frames == np.isin(kind, TRACKED).sum()


def test_auc_is_the_textbooks() -> None:
    values, labelled = drawn(6, 32)
    predictions = levels.levels(values)
    for frame in range(6):
        accumulator = Accumulator(1, 1)
        one = slice(frame, frame + 1)
        accumulator.add(*zeros(1), predictions[one], labelled[one])
        truth = labelled[frame].ravel().astype(np.int64)
        by_level = metrics.roc_auc(truth, predictions[frame].ravel().astype(float))
        by_value = metrics.roc_auc(truth, values[frame].ravel())
        assert accumulator.means().auc == pytest.approx(by_level, abs=1e-12)
        assert accumulator.means().auc == pytest.approx(by_value, abs=2e-3)


def test_auc_without_a_labelled_cell_is_even() -> None:
    values, labelled = drawn(2)
    accumulator = Accumulator(1, 1)
    accumulator.add(*zeros(2), levels.levels(values), np.zeros_like(labelled))
    assert accumulator.means().auc == 0.5 and not accumulator.means().recall.any()


@pytest.mark.parametrize("piece", [1, 7, 64, 150])
def test_pieces_give_the_same(piece: int) -> None:
    values, labelled = drawn(150)
    predictions, (video, slot) = levels.levels(values), numbers(150)
    kind = np.random.default_rng(1).integers(0, 4, 150)
    apart = np.random.default_rng(2).random((2, 150))
    whole, parts = Accumulator(2, 8), Accumulator(2, 8)
    whole.add(video, slot, kind, predictions, labelled, *apart)
    for start in range(0, 150, piece):
        at = slice(start, start + piece)
        parts.add(video[at], slot[at], kind[at], predictions[at], labelled[at], *apart[:, at])
    np.testing.assert_array_equal(parts.sums, whole.sums)


def test_memory_does_not_grow_with_frames() -> None:
    values, labelled = drawn(64, 64)
    predictions = levels.levels(values)

    def peak(times: int) -> int:
        tracemalloc.start()
        accumulator = Accumulator(2, 8)
        for _ in range(times):
            accumulator.add(*numbers(64), np.zeros(64, np.int64), predictions, labelled)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)  # what is kept from the first call on
    assert peak(30) < 1.05 * peak(2)


def test_groups_of_frames() -> None:
    values, labelled = drawn(32)
    distance = np.arange(32.0)
    accumulator = Accumulator(2, 8)
    accumulator.add(
        *numbers(32), np.zeros(32, np.int64), levels.levels(values), labelled, distance=distance
    )
    assert accumulator.means(videos=[0]).distance == pytest.approx(
        distance.reshape(4, 8)[::2].mean()
    )
    assert accumulator.means(slots=[3]).distance == pytest.approx(distance[3::8].mean())
    twice = accumulator.means(videos=[0, 1, 1])
    assert twice.frames == 48 and np.isnan(twice.angle_deg)
    by_video = means_of(accumulator.by_video())
    assert by_video.recall.shape == (2, 255) and by_video.auc.shape == (2,)
    np.testing.assert_allclose(by_video.distance[1], accumulator.means(videos=[1]).distance)


def test_answers_without_maps_have_distances_only() -> None:
    _, labelled = drawn(4)
    accumulator = Accumulator(2, 8)
    accumulator.add(*numbers(4), np.zeros(4, np.int64), None, labelled, np.full(4, 0.25))
    means = accumulator.means()
    assert means.distance == 0.25 and np.isnan(means.auc) and np.isnan(means.f1).all()


def test_shapes_are_checked() -> None:
    values, labelled = drawn(4)
    predictions, kind = levels.levels(values), np.zeros(4, np.int64)
    with pytest.raises(DataError, match="levels has shape"):
        Accumulator(2, 8).add(*numbers(4), kind, predictions[:3], labelled)
    with pytest.raises(DataError, match="a column has shape"):
        Accumulator(2, 8).add(*numbers(3), kind, predictions, labelled)
    empty = Accumulator(2, 8)
    empty.add(*numbers(0), kind[:0], predictions[:0], labelled[:0])
    assert not empty.sums.any() and np.isnan(empty.means().auc)
