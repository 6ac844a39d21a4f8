"""Choice of frames, audio and targets against the original's."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation.windows import sampling
from eyeline.systems.gaze_anticipation.windows.sampling import ARIA, EGO4D, Timing, window_of
from tests.systems.gaze_anticipation.invented import golden


@pytest.mark.parametrize("case", range(11))
def test_as_published(case: int) -> None:
    file = {k.split("/")[1]: v for k, v in golden("sampling").items() if k.startswith(f"{case}/")}
    frames, fps, _, rate, limit, which, seed = file[
        "n_frames_fps_targetfps_rate_limit_clipidx_seed"
    ]
    timing: Timing = EGO4D if rate == 8 else ARIA
    task = "anticipation" if limit > 0 else "estimation"
    draws = random.Random(int(seed)) if which < 0 else None
    ticks = 1001 if fps < 30 and rate == 8 else 512
    seen = sampling.seen_frames(
        timing, task, int(frames), float(fps), draws, last=bool(which), ticks=ticks
    )
    assert seen.tolist() == file["frame_idx"].tolist()
    columns, _ = file["spec_width"]
    starts = sampling.audio_starts(timing, task, seen, int(frames), int(columns))
    assert (starts + 128).tolist() == file["audio_center"].tolist()
    if task == "anticipation":
        for training, name in ((True, "label_idx_train"), (False, "label_idx_eval")):
            result = sampling.target_frames(timing, task, seen, int(frames), training=training)
            assert result.tolist() == file[name].tolist()


TESTS: dict[tuple[Any, str], tuple[range, range]] = {
    (EGO4D, "anticipation"): (range(22, 86, 9), range(86, 150, 9)),
    (ARIA, "anticipation"): (range(24, 60, 5), range(64, 100, 5)),
    (EGO4D, "estimation"): (range(0, 64, 9), range(0, 64, 9)),
    (ARIA, "estimation"): (range(64, 100, 5), range(64, 100, 5)),
}


@pytest.mark.parametrize(("timing", "task"), TESTS)
def test_measured_windows(timing: Timing, task: str) -> None:
    frames = 5 * timing.fps
    seen = sampling.seen_frames(timing, task, frames, timing.fps)
    target = sampling.target_frames(timing, task, seen, frames)
    assert (seen.tolist(), target.tolist()) == tuple(map(list, TESTS[timing, task]))


@pytest.mark.parametrize(("timing", "task"), TESTS)
def test_drawn_windows_stay_inside(timing: Timing, task: str) -> None:
    frames, draws = 5 * timing.fps, np.random.default_rng(0)
    limit = timing.limit_of(task, frames)
    for _ in range(200):
        seen = sampling.seen_frames(timing, task, frames, timing.fps, draws)
        assert seen[0] >= 0 and seen[-1] < limit and set(np.diff(seen)) == {timing.step}
        target = sampling.target_frames(timing, task, seen, frames, training=True)
        assert target[-1] < frames and (task == "estimation" or target[0] > seen[-1])
        starts = sampling.audio_starts(timing, task, seen, frames, 1000)
        assert starts.min() >= 0 and starts.max() + 256 < int(1000 * limit / frames)


def test_all_frames_are_met_once() -> None:
    result = np.stack(sampling.full_windows(EGO4D, 150))
    assert (result == golden("loader")["full_frame_test_windows"]).all()
    aria = np.stack(sampling.full_windows(ARIA, 100))
    assert set(aria.ravel()) == set(range(100)) and len(aria) == 15


@pytest.mark.parametrize("frames", [1, 63, 85])
def test_too_short_a_clip(frames: int) -> None:
    with pytest.raises(DataError, match=f"{frames} frames"):
        sampling.seen_frames(EGO4D, "anticipation", frames, 30)


def test_too_little_audio_and_no_such_task_or_data() -> None:
    with pytest.raises(DataError, match="57 columns"):
        sampling.audio_starts(EGO4D, "anticipation", np.arange(8), 150, 100)
    with pytest.raises(UsageError, match="no task 'guess'"):
        sampling.check_task("guess")
    with pytest.raises(DataError, match="no data set 'epic'"):
        sampling.timing_of("epic")


def test_anticipation_of_ego4d_is_as_published_and_anticipation_of_aria_is_as_published() -> None:
    window = window_of(EGO4D, "anticipation")
    assert window.steps.tolist() == list(range(8)) and window.step_s == pytest.approx(0.3)
    np.testing.assert_allclose(window.horizon_s, (np.arange(86, 150, 9) - 85) / 30)
    assert window.clip_s == pytest.approx(-85 / 30)
    # round(22 / 86 * 573) - 128, and the last window that fits into 573 columns
    assert (window.audio_starts[0], window.audio_starts[-1]) == (19, 573 - 1 - 256)
    window = window_of(ARIA, "anticipation")
    assert window.steps.tolist() == list(range(8)) and window.step_s == pytest.approx(0.25)
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
        seen_s = (window.steps - 7) * window.step_s
        np.testing.assert_allclose(window.horizon_s, seen_s, atol=1e-12)


def test_a_small_network_takes_some_of_the_eight_and_the_last_one_always() -> None:
    whole, some = window_of(EGO4D, "anticipation"), window_of(EGO4D, "anticipation", 4)
    assert some.steps.tolist() == [0, 2, 5, 7]
    np.testing.assert_array_equal(some.horizon_s, whole.horizon_s[some.steps])
    np.testing.assert_array_equal(some.audio_starts, whole.audio_starts[some.steps])
    assert (some.steps[-1], some.clip_s) == (7, whole.clip_s)


def test_no_such_task() -> None:
    with pytest.raises(UsageError, match="no task 'guessing'"):
        window_of(EGO4D, "guessing")
