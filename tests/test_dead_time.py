from __future__ import annotations

import numpy as np
import pytest

from eyeline.dead_time import gap_warnings, restored
from eyeline.results import UNSEEN, Gap, Scores, make_segments
from eyeline.video.gaps import Shortened

GAP = Gap(2.0, 62.0)


def test_answers_come_back_on_the_clock_of_the_video() -> None:
    clock = Shortened((GAP,))
    scores = Scores(
        "speech", "any", "speaking", 0.5, np.array([49, 50]), np.array([1.96, 7.0]),
        np.array([1, 1]), np.array([0.9, 0.8]),
    )  # fmt: skip
    assert restored(scores, clock, [GAP]).time_s.tolist() == [1.96, 62.0]


@pytest.mark.parametrize("clock", [Shortened((GAP,)), Shortened()])
def test_segments_end_at_gaps(clock: Shortened) -> None:
    end_s = float(clock.shorter(63.0))
    rows = [(1, 1.0, end_s, "person 2", 0.9), (2, 0.5, 1.5, "camera", 0.8)]
    split = restored(make_segments("gaze", "any", "target", rows), clock, [GAP])
    assert split.person.tolist() == [1, 1, 2]
    assert split.start_s.tolist() == [1.0, 62.0, 0.5]
    assert split.end_s.tolist() == [2.0, 63.0, 1.5]


def test_unseen_speech_goes_on_where_frames_are_missing_and_audio_is_not() -> None:
    segments = make_segments("speech", "any", "speaking", [(UNSEEN, 1.0, 63.0, "speech", 0.9)])
    assert restored(segments, Shortened(), [GAP]).end_s.tolist() == [63.0]


def test_gaps_are_named_and_many_are_counted() -> None:
    assert gap_warnings([GAP]) == ["no frames from 2.0 to 62.0 s"]
    many = [Gap(10.0 * k, 10.0 * k + 5 + k) for k in range(8)]
    assert gap_warnings(many)[0] == "no frames from 30.0 to 38.0 s"
    assert gap_warnings(many)[-1] == "8 gaps without frames, 68.0 s in all"
