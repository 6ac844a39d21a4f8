"""Rows that are asked for, against the clips' own columns and the gaze of the whole video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.evaluation import tables
from eyeline.systems.gaze_anticipation.data import open_clips
from eyeline.systems.gaze_anticipation.recordings.labels import FrameGaze
from eyeline.systems.gaze_anticipation.recordings.store import open_video
from eyeline.systems.gaze_anticipation.scoring.truth import in_pieces, targets_of
from tests.systems.gaze_anticipation import judged


@pytest.mark.parametrize("task", ["anticipation", "estimation"])
def test_rows_are_the_clips(judged_data: Path, task: str) -> None:
    clips = open_clips(judged_data, "train", task=task)
    truth, views = targets_of(clips)
    count = len(clips)
    assert len(truth) == 8 * count and len(views) == count and truth.task == task
    np.testing.assert_array_equal(truth.video, np.repeat(clips.video, 8))
    np.testing.assert_array_equal(truth.clip_start_s, np.repeat(clips.start_s, 8))
    np.testing.assert_array_equal(truth.slot, np.tile(np.arange(8), count))
    np.testing.assert_array_equal(truth.frame, clips.target_frames.ravel())
    np.testing.assert_array_equal(truth.time_s, np.ravel(judged.target_s(clips)))
    np.testing.assert_array_equal(truth.kind, clips.kind.ravel())
    np.testing.assert_array_equal(truth.square, clips.gaze.reshape(-1, 2))
    ahead = clips.ahead_s.ravel() if task == "anticipation" else np.zeros(8 * count)
    np.testing.assert_array_equal(truth.ahead_s, ahead)
    back = np.concatenate([v.out_of(truth.square[8 * n : 8 * n + 8]) for n, v in enumerate(views)])
    within = ((truth.square > 0) & (truth.square < 1)).all(1)
    assert within.sum() > 4 * count
    np.testing.assert_allclose(back[within], truth.xy[within], atol=1e-12)
    assert set(truth.dataset) == {"ego4d"} and (truth.size_wh == [64, 60]).all()


@pytest.mark.parametrize("task", ["anticipation", "estimation"])
def test_the_last_gaze_before_what_is_asked_for(
    judged_data: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked for back in the video, over frames without gaze; the middle before the first."""
    clips = open_clips(judged_data, "test", task=task)
    video = clips.videos["bb"]
    kind = video.gaze.kind.copy()
    kind[:100], kind[140:160] = 3, 2
    monkeypatch.setattr(video, "gaze", FrameGaze(video.gaze.xy, kind))
    truth, views = targets_of(clips.subset([2, 3]))
    for number, view in enumerate(views):
        at = slice(8 * number, 8 * number + 8)
        until = truth.frame[at][0] - 1
        if task == "anticipation":
            until = clips.seen_frames[2 + number, -1]
        known = [f for f in range(until + 1) if kind[f] in (0, 1)]
        wanted = view.into(video.gaze.xy[known[-1:]])[0] if known else [0.5, 0.5]
        np.testing.assert_array_equal(truth.last[at], np.tile(wanted, (8, 1)))
    assert (truth.last[:8] == 0.5).all(), "nothing is known before"
    if task == "estimation":
        assert until == 149 and known[-1] == 139


def test_all_frames_and_no_frames_at_all(judged_data: Path) -> None:
    clips = open_clips(judged_data, "test", task="estimation", full_frames=True)
    truth = targets_of(clips).truth
    first = tables.first_of_each(truth.keys)
    assert len(truth) == 4 * 24 * 8 and first.sum() == 4 * 150
    own = truth.take(np.flatnonzero(first))
    for start in (0, 5):
        frames = own.frame[own.clip_start_s == start]
        every = np.repeat(30 * start + np.arange(150), 2)
        np.testing.assert_array_equal(np.sort(frames), every)
    assert [*in_pieces(0)] == [] and [*in_pieces(5, 2)] == [slice(0, 2), slice(2, 4), slice(4, 5)]
    video = open_video(judged_data, "bb")
    assert len(video.gaze) == 300
