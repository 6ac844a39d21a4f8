"""From logits to rows as the original does, and the cheap gains."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.ego_social.predictions import rows
from eyeline.systems.ego_social.recordings.tracklets import Talk
from eyeline.systems.ego_social.scoring.postprocess import (
    challenge_talks,
    flip_mean,
    fused,
    looks,
    scores,
    smoothed,
    talks,
)
from tests.refusals import refuses
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import Numbers

ULP = 2e-7
"""Of scores in single precision near 1: another exponential may end in another last bit."""


def cells(numbers: Numbers, key: str) -> list[list[str]]:
    return [line.split(",") for line in str(numbers[key]).splitlines()]


@pytest.mark.parametrize("file", ["postprocess", "e2e"])
def test_looks_are_the_originals(file: str) -> None:
    numbers = golden(file)
    expected = cells(numbers, "lam.pred_csv")
    box = np.array([[float(c) for c in row[2:6]] for row in expected])
    predictions = looks(
        [row[0] for row in expected], [row[6] for row in expected],
        np.array([int(row[1]) for row in expected]), box, score=scores(numbers["lam.logits"]),
    )  # fmt: skip
    assert predictions.score is not None and predictions.score.dtype == np.float64
    assert np.abs(predictions.score - [float(row[8]) for row in expected]).max() < ULP
    assert predictions.columns["x2"].tolist() == box[:, 2].tolist()


@pytest.mark.parametrize("file", ["postprocess", "e2e"])
def test_pieces_of_talk_are_merged_as_published(file: str) -> None:
    numbers = golden(file)
    segments = [
        Talk(uid, str(person), label, start, end, k)
        for uid, person, label, start, end, k in json.loads(str(numbers["ttm.segments"]))
    ]
    predictions, truth = talks(segments, numbers["ttm.logits"]), talks(segments)
    names = ("clip", "segment", "start_frame", "end_frame")
    for table, key in ((predictions, "ttm.pred_csv"), (truth, "ttm.gt_csv")):
        columns = [table.columns[name].tolist() for name in names]
        columns.append(table.label.tolist())
        created = [[str(v) for v in row] for row in zip(*columns, strict=True)]
        assert created == [row[:5] for row in cells(numbers, key)]
    assert predictions.score is not None
    expected = [float(row[5]) for row in cells(numbers, "ttm.pred_csv")]
    assert np.abs(predictions.score - expected).max() < ULP


def test_frames_of_the_talking_challenge() -> None:
    numbers = golden("postprocess")
    calls = json.loads(str(numbers["ttmtest.calls"]))
    pieces, frames = [name for name, _ in calls], dict(calls)
    expected = cells(numbers, "ttmtest.pred_csv")
    merged = {row[0]: float(row[3]) for row in expected}
    logits = numbers["ttm.logits"][: len(pieces)]
    predictions = challenge_talks(pieces, logits, frames)
    assert [
        *zip(predictions.columns["video_id"], predictions.columns["frame_id"], strict=True)
    ] == [(row[0], row[1]) for row in expected]
    assert predictions.score is not None
    assert np.abs(predictions.score - [merged[row[0]] for row in expected]).max() < ULP
    with pytest.raises(DataError, match="segment sB: its frames with a face are not told"):
        challenge_talks(pieces, logits, {"sA": [0], "sC": [1]})


def test_the_mean_is_of_logits_not_of_scores() -> None:
    logits = np.array([[0.0, 8.0], [1.0, 0.0]], np.float32)
    segments = [Talk("u", "1", 1, 0, 150, 0), Talk("u", "1", 1, 150, 300, 0)]
    predictions = talks(segments, logits).score
    assert predictions is not None
    assert predictions == pytest.approx([1 / (1 + np.exp(-3.5))], abs=1e-6)
    assert abs(predictions[0] - scores(logits).mean()) > 0.3


def test_scores_of_huge_logits() -> None:
    assert scores(np.array([[0.0, 1e4], [1e4, 0.0], [3e4, 3e4]])).tolist() == [1.0, 0.0, 0.5]
    refuses(DataError, "logits has shape", lambda: scores(np.zeros((2, 3))))


def faces(frame: list[int], score: list[float], track: list[str] | None = None):  # type: ignore[no-untyped-def]
    n = len(frame)
    return looks(["c"] * n, track or ["t"] * n, np.array(frame), np.zeros((n, 4)),
                 score=np.array(score))  # fmt: skip


def test_single_wrong_frames_are_smoothed_away() -> None:
    value = [0.1] * 5 + [0.9] + [0.1] * 5 + [0.8] * 7
    predictions = smoothed(faces(list(range(1, 19)), value), 5)
    assert predictions.score is not None and predictions.score.tolist() == [0.1] * 11 + [0.8] * 7


def test_smoothing_stays_within_a_face_and_a_run() -> None:
    frame = [1, 2, 3, 1, 2, 3, 50, 51, 52]
    value = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.2, 0.2, 0.2]
    track = ["a"] * 3 + ["b"] * 6
    order = np.random.default_rng(0).permutation(9)
    mixed = faces([frame[i] for i in order], [value[i] for i in order], [track[i] for i in order])
    predictions = smoothed(mixed, 9)
    assert predictions.score is not None and predictions.score.tolist() == [value[i] for i in order]
    assert predictions.columns["frame"].tolist() == [frame[i] for i in order], (
        "rows keep their places"
    )


def test_what_is_not_smoothed() -> None:
    table = faces([1, 14, 27], [0.1, 0.9, 0.1])
    predictions = smoothed(table, 9)
    assert predictions.score is not None and predictions.score.tolist() == [0.1, 0.9, 0.1], (
        "13 frames apart"
    )
    assert smoothed(table, 0) is table
    spans = {"clip": ["a"], "segment": [0], "start_frame": [0], "end_frame": [9]}
    with pytest.raises(DataError, match="no scores by face and frame"):
        smoothed(rows("ttm", spans, score=np.array([0.5])), 9)


def test_face_and_voice() -> None:
    face, voice = np.array([1.0, 1.0, np.nan, 0.2]), np.array([0.0, 0.4, 0.3, 0.8])
    predictions = fused(face, voice, np.array([1.0, 0.5, 0.9, np.nan]))
    assert predictions == pytest.approx([1.0, 0.7, 0.3, 0.8])
    refuses(DataError, "quality has shape", lambda: fused(face, voice, np.ones(3)))


def test_mirror_images() -> None:
    logits = np.array([[0.0, 2.0]])
    assert flip_mean(logits, -logits) == pytest.approx([0.5])
    refuses(DataError, "mirror images", lambda: flip_mean(logits, np.zeros((2, 2))))
