"""Labels, spots, distances and what looks at no image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.inputs import heatmaps
from eyeline.systems.gaze_anticipation.predictions import Truth
from eyeline.systems.gaze_anticipation.scoring import evaluator, levels
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator, baselines
from eyeline.systems.gaze_anticipation.windows.spatial import central_view
from tests.systems.gaze_anticipation import judged

FIXATION = (0,)


def looking_at(xy: tuple[float, float]) -> Truth:
    """Fixations of one place of a square image."""
    known = judged.truth()
    place = np.tile(xy, (len(known), 1))
    size = np.full((len(known), 2), 1080)
    kind = np.zeros(len(known), np.int64)
    return replace(known, xy=place, square=place, kind=kind, size_wh=size)


@pytest.mark.parametrize("size", [64, 16])
def test_labelled_cells_are_those_of_the_label_maps(size: int) -> None:
    rng = np.random.default_rng(0)
    places = np.concatenate([rng.random((60, 2)), [[0, 0], [1, 1], [0.5, 1], [0.5078125, 0.5]]])
    np.testing.assert_array_equal(evaluator.labelled(places, size), heatmaps(places, size) > 0.001)
    centre = evaluator.labelled(np.array([[0.5, 0.5]]), 64)
    assert centre.sum() == 177 and evaluator.labelled(places[:0], size).shape == (0, size, size)


def test_spots_are_discs_around_a_cell() -> None:
    predictions = evaluator.spots(np.array([[0.25, 0.75]]), 64)[0]
    assert np.unravel_index(predictions.argmax(), predictions.shape) == (48, 16)
    away = np.hypot(*np.meshgrid(np.arange(64) - 16, np.arange(64) - 48))
    for level in (120, 160, 200):
        inside = predictions >= level
        assert inside.any() and away[inside].max() <= away[~inside].min()
    far = predictions[away < 42]
    assert len(np.unique(far)) > 60, "also far away, nearer cells have more"


def test_distances_and_angles() -> None:
    known = looking_at((1.0, 0.5))
    bare, seen = Evaluator(known), Evaluator(known, fov_deg=90)
    xy = np.full((len(known), 2), 0.5)
    rows = slice(None)
    distance, angle = seen.apart(rows, xy)
    np.testing.assert_allclose(distance, 0.5)
    assert angle is not None
    np.testing.assert_allclose(angle, 45, atol=1e-9)
    assert bare.apart(rows, xy)[1] is None
    wide = replace(known, size_wh=np.tile([1080, 540], (len(known), 1)))
    _, angle = Evaluator(wide, fov_deg=90).apart(rows, np.tile([0.5, 1.0], (len(known), 1)))
    assert angle is not None
    # rays (1, 0, 1) and (0, 1/2, 1)
    np.testing.assert_allclose(angle, np.rad2deg(np.arccos(1 / np.sqrt(2 * 1.25))), atol=1e-9)
    for wrong in (0.0, 180.0):
        with pytest.raises(UsageError, match="field of view"):
            Evaluator(known, fov_deg=wrong)


def test_a_spot_where_the_gaze_is() -> None:
    frames = Evaluator(looking_at((0.5, 0.5)))
    predictions = baselines(frames)
    means = predictions["centre_prior"].means(FIXATION)
    best = report.adaptive(means, levels.sweep("ego4d", "anticipation"))
    assert best["f1"] > 0.95 and means.auc > 0.9999 and means.distance == 0
    aside = baselines(Evaluator(looking_at((0.2, 0.2))))["centre_prior"].means(FIXATION)
    assert report.adaptive(aside, levels.sweep("ego4d", "anticipation"))["f1"] == 0
    assert aside.distance == pytest.approx(np.hypot(0.3, 0.3))
    # of the cells that are not labelled some are nearer to the middle than those that are
    away = np.hypot(*np.meshgrid(*[np.arange(64) - 32] * 2))
    label = evaluator.labelled(np.array([[0.2, 0.2]]), 64)[0]
    fraction = np.mean([(away[~label] > one).mean() for one in away[label]])
    assert aside.auc == pytest.approx(fraction, abs=0.01)


def test_the_last_gaze() -> None:
    known = looking_at((0.3, 0.6))
    there = replace(known, last=known.square)
    predictions = baselines(Evaluator(there))
    assert predictions["last_gaze"].means(FIXATION).distance < 1 / 64
    assert predictions["last_gaze"].means(FIXATION).auc > 0.999
    at = replace(known, last=np.full((len(known), 2), 0.5))
    two = baselines(Evaluator(at))
    np.testing.assert_array_equal(two["last_gaze"].sums, two["centre_prior"].sums)


def test_the_prior_of_other_frames() -> None:
    known = looking_at((0.25, 0.75))
    prior = evaluator.mean_map(known, 64)
    assert prior is not None
    np.testing.assert_allclose(prior, heatmaps(known.square[:1])[0], atol=1e-12)
    predictions = baselines(Evaluator(known), prior)["training_prior"].means(FIXATION)
    assert predictions.distance == pytest.approx(0) and predictions.auc > 0.999
    nobody = replace(known, kind=np.ones(len(known), np.int64))
    assert evaluator.mean_map(nobody, 64) is None


def test_places_of_the_square_in_a_wide_image() -> None:
    """The square is the middle of it."""
    known = looking_at((0.5, 0.5))
    wide = replace(known, size_wh=np.tile([1920, 1080], (len(known), 1)))
    corner = np.zeros((len(known), 2))
    accumulator = Evaluator(wide).of_places(corner)
    out = central_view(1080, 1920).out_of(corner[:1])[0]
    assert 0.2 < out[0] < 0.23 and out[1] == 0
    assert accumulator.means().distance == pytest.approx(np.hypot(*(out - 0.5)))


def test_a_network_and_its_frames() -> None:
    known = judged.truth()
    frames = Evaluator(known)
    assert frames.videos == ("v0", "v1", "v2") and frames.slots == 8
    predictions = frames.accumulator()
    for start in range(0, len(known), 50):
        at = np.arange(start, min(start + 50, len(known)))
        frames.add(predictions, at, evaluator.spots(known.square[at], 64), known.xy[at])
    spots = frames.of_places(known.square)
    np.testing.assert_array_equal(predictions.sums[..., :511], spots.sums[..., :511])
    assert predictions.means().distance == 0 < spots.means().distance < 0.01, (
        "the square is no image"
    )
