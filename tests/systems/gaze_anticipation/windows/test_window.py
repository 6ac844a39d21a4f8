"""Windows that end anywhere are those of the clips."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.systems.gaze_anticipation.windows.sampling import ARIA, EGO4D, Timing
from eyeline.systems.gaze_anticipation.windows.window import window_of


def test_anticipation_of_ego4d_is_as_published() -> None:
    window = window_of(EGO4D, "anticipation")
    np.testing.assert_allclose(window.seen_s, np.arange(-7, 1) * 0.3, atol=1e-12)
    np.testing.assert_allclose(window.horizon_s, (np.arange(86, 150, 9) - 85) / 30)
    assert window.clip_s == pytest.approx(-85 / 30)
    # round(22 / 86 * 573) - 128, and the last window that fits into 573 columns
    assert (window.audio_starts[0], window.audio_starts[-1]) == (19, 573 - 1 - 256)


def test_anticipation_of_aria_is_as_published() -> None:
    window = window_of(ARIA, "anticipation")
    np.testing.assert_allclose(window.seen_s, np.arange(-7, 1) * 0.25, atol=1e-12)
    np.testing.assert_allclose(window.horizon_s, np.arange(5, 45, 5) / 20)
    assert window.audio_starts.tolist() == [112, 162, 212, 262, 312, 343, 343, 343]


@pytest.mark.parametrize(
    ("timing", "task", "delay_s"),
    [
        (EGO4D, "anticipation", 0.0267),
        (ARIA, "anticipation", 0.045),
        (EGO4D, "estimation", 0.64),
        (ARIA, "estimation", 0.045),
    ],
)
def test_how_much_audio_is_needed_beyond_the_last_image(
    timing: Timing, task: str, delay_s: float
) -> None:
    assert window_of(timing, task).audio_until_s == pytest.approx(delay_s, abs=1e-4)


def test_estimation_tells_of_what_it_sees() -> None:
    for timing in (EGO4D, ARIA):
        window = window_of(timing, "estimation")
        np.testing.assert_allclose(window.horizon_s, window.seen_s, atol=1e-12)


def test_a_small_network_takes_some_of_the_eight_and_the_last_one_always() -> None:
    whole, some = window_of(EGO4D, "anticipation"), window_of(EGO4D, "anticipation", 4)
    assert some.steps.tolist() == [0, 2, 5, 7]
    np.testing.assert_array_equal(some.horizon_s, whole.horizon_s[some.steps])
    np.testing.assert_array_equal(some.audio_starts, whole.audio_starts[some.steps])
    assert (some.seen_s[-1], some.clip_s) == (0, whole.clip_s)


def test_no_such_task() -> None:
    with pytest.raises(UsageError, match="no task 'guessing'"):
        window_of(EGO4D, "guessing")
