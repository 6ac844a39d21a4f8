"""Parity numbers: the original's estimator and filters; its global seed was 0."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma

from eyeline.errors import DataError
from eyeline.speech.syncnet.published import (
    choose,
    filled,
    lagged,
    over_time,
    running_mean,
    running_mode,
    smoothed,
    who_speaks,
)

from .conftest import Golden

NOISE = 1e-5
"""What the noise that breaks ties may do."""


def test_pairs(golden: Golden) -> None:
    wanted = golden("speaker_score")
    x, y = wanted["mi_x"], wanted["mi_y"]
    (whole,) = over_time(x, y, window=len(x))
    assert whole == pytest.approx(float(wanted["mi_k3"]), abs=NOISE)
    (whole,) = over_time(x, y, window=len(x), neighbours=5)
    assert whole * np.log(2) == pytest.approx(float(wanted["mi_k5_e"]), abs=NOISE)


def test_runs(golden: Golden) -> None:
    wanted = golden("speaker_score")
    runs = over_time(wanted["V"][0], wanted["A"])
    np.testing.assert_allclose(runs[0:56:5], np.abs(wanted["mi_pairs"]), atol=NOISE)
    last = lagged(over_time(wanted["V"][2], wanted["A"]))
    np.testing.assert_allclose(last, wanted["mi_last_face"], atol=NOISE)


def test_against_neighbours_counted_one_by_one() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((25, 4)), rng.standard_normal((25, 2))
    terms = []
    for i in range(25):
        dx, dy = np.abs(x - x[i]).max(1), np.abs(y - y[i]).max(1)
        reach = np.sort(np.maximum(dx, dy))[3] - 1e-15
        terms.append(digamma((dx <= reach).sum()) + digamma((dy <= reach).sum()))
    wanted = (digamma(3) + digamma(25) - np.mean(terms)) / np.log(2)
    assert over_time(x, y, window=25) == pytest.approx([abs(wanted)], abs=1e-9)


def test_points_that_coincide_tell_nothing() -> None:
    assert np.isfinite(over_time(np.zeros((30, 5)), np.ones((30, 5)))).all()


def test_filters(golden: Golden) -> None:
    wanted = golden("speaker_score")
    np.testing.assert_allclose(running_mean(wanted["sm_in"], 9), wanted["sm_9"], atol=1e-12)
    np.testing.assert_array_equal(running_mode(wanted["mode_in"].astype(int)), wanted["mode_17"])
    np.testing.assert_allclose(
        smoothed(wanted["sm_in"]), running_mean(wanted["mf_49"], 9), atol=1e-12
    )


def test_ends_are_filled_from_seventeen_in() -> None:
    result = filled(np.arange(60))
    assert result[:18].tolist() == [17] * 18
    assert result[-18:].tolist() == [42] + [43] * 17
    with pytest.raises(DataError, match="too few"):
        filled(np.arange(17))


def test_who_speaks(golden: Golden) -> None:
    wanted = golden("speaker_score")
    result = who_speaks(wanted["V"], wanted["A"])
    np.testing.assert_allclose(result.information, wanted["mis_smoothed"], atol=NOISE)
    first, second = np.sort(result.information, axis=1)[:, :-3:-1].T
    sure = first - second > 1e-6
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(result.most[sure], wanted["argmax"][sure])
    np.testing.assert_array_equal(result.track, wanted["whospeaks"])


def test_the_first_of_equal_tracks_is_named() -> None:
    assert not choose(np.ones((40, 3))).track.any()


@pytest.mark.parametrize("shape", [(0, 40, 4), (2, 17, 4)])
def test_too_little_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(DataError, match="the published way needs"):
        who_speaks(np.zeros(shape), np.zeros(shape[1:]))


@pytest.mark.parametrize("count", [3, 8])
def test_too_few_points_are_refused(count: int) -> None:
    with pytest.raises(DataError, match="points in runs"):
        over_time(np.zeros((count, 2)), np.zeros((count, 2)))
