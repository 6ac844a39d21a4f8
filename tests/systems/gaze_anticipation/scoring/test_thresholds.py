"""Which clips choose thresholds: held out of training, and never scored."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.systems.gaze_anticipation.data import Clips, held_out, open_clips
from eyeline.systems.gaze_anticipation.scoring import levels, thresholds
from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator
from eyeline.systems.gaze_anticipation.scoring.truth import targets_of
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_anticipation import judged


@pytest.fixture
def data(judged_data: Path) -> Path:
    return judged_data


def card(**recipe: Any) -> CheckpointCard:
    return CheckpointCard("gaze_anticipation", "csts", {}, recipe=recipe)


def of_tests(data: Path, **options: Any) -> Clips:
    return open_clips(data, "test", side=64, sides=(64, 64), frames=4, **options)


@pytest.mark.parametrize("seed", [0, 3])
def test_as_the_training_held_out(data: Path, seed: int) -> None:
    given = card(data={"validation_fraction": 0.34}, training={"seed": seed})
    predictions = thresholds.held_out(given, data, of_tests(data, task="estimation"), 99)
    assert predictions.clips is not None and predictions.others is not None
    names = held_out(judged.TRAIN, 0.34, seed)
    assert {*predictions.clips.video} == names and len(names) == 1
    assert {*predictions.others.video} == {*judged.TRAIN} - names
    for clips in (predictions.clips, predictions.others):
        assert (clips.task, clips.side, clips.frames) == ("estimation", 64, 4)
        assert not clips.training
    assert "held out to choose an epoch" in predictions.words


def test_where_the_training_held_out_nothing_and_clips_at_most(data: Path) -> None:
    predictions = thresholds.held_out(card(), data, of_tests(data), 99)
    assert predictions.clips is not None and len(predictions.clips) == 2
    assert "learned from them, too" in predictions.words
    predictions = thresholds.held_out(
        card(data={"validation_fraction": 0.7}), data, of_tests(data), 3
    )
    assert predictions.clips is not None and len(predictions.clips) == 3
    every = of_tests(data)
    few = thresholds.evenly(every, 2)
    assert few.clips == [every.clips[0], every.clips[-1]]
    assert thresholds.evenly(every, 4) is every


def test_scored_videos_choose_nothing(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    lists = copy / "split"
    shutil.copy(lists / "train.list", lists / "test.list")
    predictions = thresholds.held_out(card(), copy, of_tests(copy), 99)
    assert predictions.clips is None and "among those that are scored" in predictions.words
    lines = (lists / "train.list").read_text().splitlines()
    (lists / "train.list").write_text("\n".join(line for line in lines if "aa" in line) + "\n")
    predictions = thresholds.held_out(card(), copy, of_tests(copy), 99)
    assert predictions.clips is None and "two training videos" in predictions.words
    (lists / "train.list").unlink()
    predictions = thresholds.held_out(card(), copy, of_tests(copy), 99)
    assert predictions.clips is None and "no train.list" in predictions.words
    assert thresholds.held_out(card(), data, of_tests(data), 0).clips is None
    choice = thresholds.choose(predictions, 16, "csts", None)
    assert choice.borders == {} and choice.prior is None and choice.log["clips"] == 0


def test_the_best_on_the_clips_held_out(data: Path) -> None:
    held = thresholds.held_out(card(), data, of_tests(data), 99)

    def answered(clips: Clips) -> Accumulator:
        truth = targets_of(clips).truth
        return Evaluator(truth, 16).of_places(np.clip(truth.square + 0.05, 0, 1))

    choice = thresholds.choose(held, 16, "csts", answered)
    assert held.clips is not None
    f1 = answered(held.clips).means((0,)).f1
    assert choice.borders["csts"] == int(np.argmax(f1))
    assert {*choice.borders} == {"csts", "centre_prior", "last_gaze", "training_prior"}
    assert choice.prior is not None and choice.prior.sum() == pytest.approx(1, abs=1e-5)
    assert choice.log["clips"] == 2 and choice.log["videos"] == 1
    words = thresholds.in_words(choice.borders)
    assert words["csts"] == levels.threshold_of(choice.borders["csts"])
    assert "csts" not in thresholds.choose(held, 16, "csts", None).borders
