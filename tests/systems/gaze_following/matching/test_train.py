"""Training the matcher on synthetic conversations: what it learns, resuming, files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_following import predictions, score
from eyeline.systems.gaze_following.matching import data, evaluate, inputs, match, train
from eyeline.systems.gaze_following.matching.recipe import Training
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from eyeline.training import draws
from tests.systems.gaze_following.matching.invented import saved_slope, write_folder

SHORT = ["training.epochs=10", "training.batch_size=128", "model.width=16"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("made_up"), videos=20, frames=30)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    return out, train.run("matcher", folder, out, changes=SHORT)


def slope_weights(path):
    regressor = SlopeMlp((np.array([[1e-3], [-2e-3]]),), (np.array([0.5]),))
    return saved_slope(path, regressor)


def test_beats_what_needs_no_training_on_videos_held_out(folder, trained, tmp_path):
    out, _ = trained
    known = []
    created = evaluate.run(
        out / "matcher.safetensors",
        folder,
        tmp_path,
        known.append,
        samples=100,
        slope_weights=slope_weights(tmp_path / "slope.safetensors"),
    )
    assert set(created["baselines"]) >= {"nearest_object", "middle", "intended_rule", "main_rule"}
    assert not set(data.open_folder(folder, split="test.txt").looks.video) & set(
        data.open_folder(folder, split="train.txt").looks.video
    )
    pooled, span = created["pooled"], created["interval"]
    for baseline in created["baselines"].values():
        assert span["l2_average"][1] < baseline["l2_average"]
        assert span["right_person"][0] > baseline["right_person"]
        assert span["auc"][0] > baseline["auc"]
    assert pooled["right_person"] > pooled["right_person_prior"]
    assert pooled["in_out_ap"] > 0.95
    for kind in ("option", "own_lap"):
        assert created["answers"][kind]["right"] > 0.5
    assert known
    json.dumps(dict(created), allow_nan=False)


def test_the_speaker_cue_helps(folder, trained):
    out, _ = trained
    created = evaluate.run(out / "matcher.safetensors", folder, samples=100)
    compared = created["speakers"]
    assert compared["at_speaker"]["right_person"]["difference"] > 0.05
    assert compared["at_speaker"]["right_person"]["better"] is True
    assert compared["all"]["l2_average"]["difference"] < 0


def test_predictions_file_scores_alike(folder, trained, tmp_path):
    out, _ = trained
    created = evaluate.run(out / "matcher.safetensors", folder, tmp_path, samples=0)
    again = score.run(
        tmp_path / "predictions.csv",
        folder / data.TRUTH,
        size="1280x720",
        split=str(folder / "test.txt"),
        samples=0,
    )
    for name in ("auc", "l2_average", "right_person", "in_out_ap"):
        assert again["pooled"][name] == pytest.approx(created["pooled"][name], abs=1e-9)


def test_files_and_report(trained):
    out, created = trained
    assert len(created["history"]) == 10
    losses = [entry["loss"] for entry in created["history"]]
    assert losses[-1] < 0.8 * losses[0]
    assert "not a test" in created["protocol"]
    assert match.open_matcher(out / "matcher.safetensors").training is False


def test_hidden():
    batch = {
        "person": torch.ones(400, len(inputs.PERSON)),
        "option": torch.ones(400, 3, len(inputs.OPTION)),
        "there": torch.ones(400, 3, dtype=torch.bool),
        "right": torch.ones(400, 5).bool(),
        "key": draws.keys(0, torch.arange(400)),
    }
    plain = train.hidden(batch, Training(mirror=False, mute=0.0, blind=0.0))
    assert torch.equal(plain["option"], batch["option"])
    result = train.hidden(batch, Training(mute=0.3, blind=0.0))
    speech, flips = inputs.PERSON.index("speech_told"), inputs.PERSON.index("x")
    assert 0.2 < (result["person"][:, speech] == 0).float().mean() < 0.4
    assert 0.4 < (result["person"][:, flips] == -1).float().mean() < 0.6
    assert torch.equal(batch["person"], torch.ones_like(batch["person"]))
    gone = result["person"][:, speech] == 0
    assert (result["option"][gone][:, :, inputs.OPTION.index("speaks")] == 0).all()
    assert (result["option"][~gone][:, :, inputs.OPTION.index("speaks")] == 1).all()


def test_rules_as_answers(folder):
    examples = data.examples(data.open_folder(folder, split="test.txt"))
    flat = SlopeMlp((np.zeros((2, 1)),), (np.zeros(1),))
    result = evaluate.by_rule(examples, "intended", flat)
    figures = examples.measure(result)
    assert len(figures) == len(examples)
    first = evaluate.by_rule(examples, "main", flat)
    assert not np.array_equal(first.point_px, result.point_px)
    predictions_of = evaluate.baseline(examples, "middle")
    assert isinstance(predictions_of, predictions.Predictions)
    with pytest.raises(UsageError, match="no rule 'best'"):
        evaluate.by_rule(examples, "best", flat)
    with pytest.raises(UsageError, match="no baseline 'best'"):
        evaluate.baseline(examples, "best")


def test_what_cannot_be(folder, tmp_path):
    with pytest.raises(UsageError, match="no matcher ships"):
        evaluate.run(None, folder)
    with pytest.raises(DataError, match="trained on and held out"):
        train.run("matcher", folder, tmp_path, changes=["data.validation_split=train.txt"])
    with pytest.raises(DataError, match="no list of videos"):
        train.run("matcher", folder, tmp_path, changes=["data.train_split=absent.txt"])


def test_what_is_hidden_of_a_look_does_not_depend_on_its_batch():
    rng = torch.Generator().manual_seed(0)
    batch = {
        "person": torch.randn(6, len(inputs.PERSON), generator=rng),
        "option": torch.randn(6, 3, len(inputs.OPTION), generator=rng),
        "key": draws.keys(3, torch.arange(6)),
    }
    whole = train.hidden(batch, Training())
    half = train.hidden({name: values[1::2] for name, values in batch.items()}, Training())
    for name in batch:
        assert torch.equal(half[name], whole[name][1::2])
