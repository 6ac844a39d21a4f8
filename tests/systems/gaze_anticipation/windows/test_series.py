"""One map for every frame, from windows that come now and then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from eyeline.systems.gaze_anticipation.streaming import WindowOutput
from eyeline.systems.gaze_anticipation.windows.series import Mapped, Next, Now, TimeSeries, ahead

AHEAD_S = np.array([0.1, 0.4, 0.7, 1.0])


def levels(*values: float) -> np.ndarray:
    """Maps whose only cell tells which they are."""
    return np.array(values, np.float32).reshape(-1, 1, 1)


def answer(time_s: float, values: Sequence[float], *, now: bool = False) -> WindowOutput:
    horizon_s = time_s - 0.3 * np.arange(len(values))[::-1] if now else time_s + AHEAD_S
    return WindowOutput(time_s, horizon_s, levels(*values), np.zeros((len(values), 2)), True)


def run(
    series: TimeSeries, frames: Sequence[float], answers: Sequence[WindowOutput]
) -> list[Mapped]:
    result, coming = [], list(answers)
    for number, time_s in enumerate(frames):
        series.show((number, time_s))
        while coming and coming[0].time_s <= time_s:
            result += series.add(coming.pop(0))
    return [*result, *(m for a in coming for m in series.add(a)), *series.end()]


def test_at_its_own_moment_the_mean_of_the_maps_counts() -> None:
    assert ahead(answer(2.0, [1, 2, 3, 6]), 2.0).item() == pytest.approx(3.0)


def test_later_the_maps_of_what_still_lies_ahead_count() -> None:
    known = answer(2.0, [1, 2, 3, 6])
    assert ahead(known, 2.3).item() == pytest.approx((2 + 3 + 6 + 6) / 4)
    assert ahead(known, 2.15).item() == pytest.approx((1.5 + 2.5 + 4.5 + 6) / 4)
    assert ahead(known, 9.0).item() == pytest.approx(6)


def test_anticipation_answers_every_frame_from_the_first_window_on() -> None:
    frames = np.arange(0, 3, 0.1)
    result = run(Next(), frames.tolist(), [answer(1.0, [1] * 4), answer(2.0, [5] * 4)])
    assert [number for number, _, _ in result] == list(range(10, 30))
    assert [m.item() for _, _, m in result] == [1] * 10 + [5] * 10


def test_anticipation_knows_nothing_of_later_windows() -> None:
    frames = np.arange(0, 2, 0.1).tolist()
    once, other = (
        run(Next(), frames, [answer(0.0, [1, 2, 3, 4]), answer(1.5, [v] * 4)]) for v in (7, 8)
    )
    assert [m.item() for _, _, m in once[:15]] == [m.item() for _, _, m in other[:15]]
    assert once[15][2].item() != other[15][2].item()


def test_estimation_goes_from_moment_to_moment() -> None:
    frames = np.arange(0, 1.3, 0.1).tolist()
    result = run(Now(), frames, [answer(0.9, [0, 3, 9, 6], now=True)])
    wanted = [0, 1, 2, 3, 5, 7, 9, 8, 7, 6, 6, 6, 6]
    np.testing.assert_allclose([m.item() for _, _, m in result], wanted, atol=1e-4)


def test_estimation_takes_what_was_reported_first_and_joins_windows() -> None:
    frames = np.arange(0, 1.9, 0.1).tolist()
    known = [answer(0.9, [0, 3, 9, 6], now=True), answer(1.5, [99, 99, 8, 10], now=True)]
    result = run(Now(), frames, known)
    by_number = {number: m.item() for number, _, m in result}
    assert list(by_number) == list(range(19))
    for number, wanted in {9: 6, 12: 8, 13: 8 + 2 / 3, 15: 10, 18: 10}.items():
        assert by_number[number] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("series", [Next(), Now()])
def test_without_any_window_there_is_no_row(series: TimeSeries) -> None:
    assert run(series, [0.0, 0.1], []) == []
