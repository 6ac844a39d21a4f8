"""Training: the way from data to weights and a report, resuming, choosing, and bad input."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.errors import CheckpointError, DataError, RecipeError, UsageError
from eyeline.systems.gaze_anticipation import evaluate, report, train
from eyeline.systems.gaze_anticipation.data import open_clips
from eyeline.systems.gaze_anticipation.model import csts
from eyeline.systems.gaze_anticipation.network.original_keys import our_name
from eyeline.systems.gaze_anticipation.scoring import levels, outputs
from eyeline.systems.gaze_anticipation.train import learning_rate
from eyeline.systems.gaze_anticipation.windows.spectrogram import SILENCE
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices
from eyeline.training.loop import Epoch
from tests.systems.gaze_anticipation.invented import their_shapes
from tests.systems.gaze_anticipation.made_up import SMALL, plan, prepared

WEIGHTS = "csts.safetensors"
Trained = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("trained") / "new" / "folder"
    return out, train.run(SMALL, data, out)


def state_of(folder: Path) -> dict[str, Tensor]:
    return checkpoint.load(folder / WEIGHTS)[1]


def timeless(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**entry, "seconds": 0} for entry in history]


def test_the_card_says_how(trained: Trained) -> None:
    out, created = trained
    card = checkpoint.read_card(out / WEIGHTS)
    assert len(card.data["videos"]) == 3 and len(card.data["held_out_videos"]) == 1
    assert not {*card.data["videos"]} & {*card.data["held_out_videos"]}
    assert card.data["clips"] + card.data["clips_held_out"] == 11
    assert card.settings["rate_hz"] == 30 and card.settings["frame_step"] == 9
    assert card.settings["threshold"] == created["pooled"]["csts"]["threshold"]
    assert set(created["pooled"]) == {"csts", "centre_prior", "last_gaze"}


def test_weights_evaluate_on_other_videos_with_their_threshold(
    data: Path, trained: Trained, tmp_path: Path
) -> None:
    out, created = trained
    result = evaluate.run(out / WEIGHTS, data, tmp_path)
    assert result["seen_in_training"] == 0 and result["counts"]["videos"] == 1
    assert result["thresholds"]["csts"] == pytest.approx(created["settings"]["threshold"])
    assert evaluate.run(out / WEIGHTS, data, split="train")["seen_in_training"] == 3


def test_the_chosen_epoch_is_what_is_written(data: Path, trained: Trained) -> None:
    """Its scores on the videos held out are found again from the file."""
    out, created = trained
    card = checkpoint.read_card(out / WEIGHTS)
    best = max(created["history"], key=lambda entry: entry["validation_f1"])
    for name in ("loss", "f1", "l2", "auc"):
        assert card.scores[f"validation_{name}"] == pytest.approx(
            best[f"validation_{name}"], abs=1e-4
        )
    assert created["published"]["f1"] == pytest.approx(best["validation_f1"], abs=1e-6)
    network = csts(**card.arguments)
    checkpoint.fill(network, state_of(out), out)
    _, validation = train.TASK.open_data(plan(), data)
    assert validation is not None
    again = outputs.scores(network.eval(), validation, batch=3)
    assert again["validation_loss"] == pytest.approx(best["validation_loss"], abs=1e-5)
    assert again["validation_f1"] == pytest.approx(best["validation_f1"], abs=1e-5)


def test_scores_after_an_epoch_are_those_of_the_evaluation(data: Path) -> None:
    torch.manual_seed(0)
    network = csts(**plan().arguments).eval()
    clips = open_clips(data, "train", side=64, sides=(64, 64), frames=2)
    means = evaluate.measure(network, clips).accumulator.means(report.FIXATIONS)
    result = outputs.scores(network, clips, batch=4)
    assert result["validation_l2"] == pytest.approx(float(means.distance))
    assert result["validation_auc"] == pytest.approx(float(means.auc))
    wanted = report.adaptive(means, levels.sweep("ego4d", "anticipation"))["f1"]
    assert result["validation_f1"] == pytest.approx(wanted)


@pytest.mark.parametrize("gradient_checkpointing", ["none", "all"])
def test_keeping_less_and_computing_again_gives_the_same_curve(
    data: Path, trained: Trained, tmp_path: Path, gradient_checkpointing: str
) -> None:
    """A random share of samples goes past blocks in both, drawn again alike."""
    created = train.run(
        SMALL, data, tmp_path, changes=[f"training.gradient_checkpointing={gradient_checkpointing}"]
    )
    for ours, theirs in zip(created["history"], trained[1]["history"], strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)


def test_without_videos_held_out_the_last_epoch_is_kept(data: Path, tmp_path: Path) -> None:
    changes = ["data.validation_fraction=0.0", "training.select=last", "training.epochs=1"]
    created = train.run(SMALL, data, tmp_path, changes=changes)
    assert created["history"][0]["steps"] == 5 and len(created["data"]["videos"]) == 4
    assert "nothing was measured" in created["notes"][0] and "pooled" not in created
    assert "threshold" not in checkpoint.read_card(tmp_path / WEIGHTS).settings


def test_the_last_epoch_is_kept_where_the_recipe_says_so(
    data: Path, trained: Trained, tmp_path: Path
) -> None:
    created = train.run(SMALL, data, tmp_path, changes=["training.select=last"])
    assert timeless(created["history"]) == timeless(trained[1]["history"])
    wanted = created["history"][-1]["validation_f1"]
    assert created["published"]["f1"] == pytest.approx(wanted, abs=1e-6)


def test_every_epoch_draws_anew_and_processes_fraction_its_batches(data: Path) -> None:
    created = plan("data.validation_fraction=0.0", "training.select=last", "training.batch_size=4")
    train_clips, _ = train.TASK.open_data(created, data)

    def batches(number: int, rank: int = 0, world: int = 1, done: int = 0) -> list[Any]:
        run = train.TASK.new_run(created, csts(**created.arguments), train_clips, None, None, world)
        return list(run.batches(Epoch(number, 7, rank, world, done)))

    whole = batches(0)
    assert [len(b["number"]) for b in whole] == [4, 4], "what is left of 11 clips is not used"
    assert len({n for b in whole for n in b["number"].tolist()}) == 8
    parts = [batches(0, rank, 2) for rank in (0, 1)]
    for n, batch in enumerate(whole):
        shared = [number for part in parts for number in part[n]["number"].tolist()]
        assert sorted(shared) == sorted(batch["number"].tolist())
    first = {int(n): clip for b in whole for n, clip in zip(b["number"], b["clip"], strict=True)}
    for part in parts:
        for batch in part:
            for n, clip in zip(batch["number"], batch["clip"], strict=True):
                assert torch.equal(clip, first[int(n)])
    again = batches(1)
    later = {int(n): clip for b in again for n, clip in zip(b["number"], b["clip"], strict=True)}
    assert not any(torch.equal(later[n], first[n]) for n in later.keys() & first.keys())
    (rest,) = batches(0, done=1)
    assert torch.equal(rest["clip"], whole[1]["clip"])


def test_learning_rates_go_down_by_steps_of_whole_batches(data: Path) -> None:
    created = plan("training.batch_size=4", "optimizer.cosine_epochs=2")
    train_clips, validation = train.TASK.open_data(created, data)
    run = train.TASK.new_run(created, csts(**created.arguments), train_clips, validation, None)
    steps = len(train_clips) // 4
    run.optimizers["main"].step()
    for _ in range(steps):
        run.schedulers["main"].step()
    wanted = learning_rate(created.optimizer, 1.0)
    assert run.optimizers["main"].param_groups[0]["lr"] == pytest.approx(wanted)
    assert wanted == pytest.approx((1e-3 + 1e-6) / 2)


def test_a_warm_up_rises_to_the_series_that_is_without(data: Path) -> None:
    created = plan("training.batch_size=2", "optimizer.warmup_epochs=1.5")
    train_clips, _ = train.TASK.open_data(created, data)
    run = train.TASK.new_run(created, csts(**created.arguments), train_clips, None, None)
    steps = len(train_clips) // 2
    warm, rates = round(1.5 * steps), []
    for step in range(2 * steps):
        rates.append(run.optimizers["main"].param_groups[0]["lr"])
        wanted = learning_rate(created.optimizer, step / steps) * min(1, (step + 1) / warm)
        assert rates[-1] == pytest.approx(wanted)
        run.optimizers["main"].step()
        run.schedulers["main"].step()
    assert 0 < rates[0] < rates[warm - 1] > rates[-1]
    with pytest.raises(RecipeError, match=r"warmup_epochs is -1\.0; must be at least 0"):
        plan("optimizer.warmup_epochs=-1.0")


def test_silence_is_heard_where_the_recipe_says_so(data: Path, tmp_path: Path) -> None:
    changes = ["data.with_audio=false", "training.epochs=1"]
    train_clips, validation = train.TASK.open_data(plan(*changes), data)
    assert validation is not None
    assert all((c[0]["audio"] == SILENCE).all() for c in (train_clips, validation))
    train.run(SMALL, data, tmp_path, changes=changes)
    silent = evaluate.run(tmp_path / WEIGHTS, data)
    assert silent["audio"] is False
    assert evaluate.run(tmp_path / WEIGHTS, data, audio=True)["audio"] is True


def test_the_authors_file_is_taken_and_its_licence_is_unknown(tmp_path: Path) -> None:
    small = {"width": 8, "side": 64}
    theirs = {our_name(name): name for name in their_shapes()}
    given, net = csts(**small).state_dict(), csts(**small)
    bare = {theirs[name]: value for name, value in given.items() if "embed_" not in name}
    torch.save({"model_state": bare}, tmp_path / "theirs.pyth")
    result = train.TASK.begin(net, plan(), tmp_path / "theirs.pyth")
    assert all(
        torch.equal(net.state_dict()[name], given[name]) for name in given if "embed_" not in name
    )
    assert result.taken == len(bare) and len(result.random) == 4
    assert result.licence == train.TASK.others_licence and result.file == "theirs.pyth"
    assert str(result).startswith(f"{len(bare)} tensors of theirs.pyth taken; random: embed_")
    assert result.as_dict()["random"] == list(result.random)


def test_a_licence_of_the_beginning_goes_along(data: Path, tmp_path: Path) -> None:
    given, arguments = tmp_path / "given.safetensors", plan().arguments
    torch.manual_seed(3)
    state = {k: v for k, v in csts(**arguments).state_dict().items() if "embed_" not in k}
    card = CheckpointCard("gaze_anticipation", "csts", {**arguments, "embedding": 0}, licence="hm")
    checkpoint.save(given, state, card)
    changes = ["training.epochs=1"]
    created = train.run(SMALL, data, tmp_path / "out", changes=changes, weights=given)
    assert checkpoint.read_card(tmp_path / "out" / WEIGHTS).licence == "hm"
    assert sorted(created["began_at"]["random"]) == [
        f"embed_{what}.{part}" for what in ("heard", "seen") for part in ("bias", "weight")
    ]


def test_estimation_trains_and_meets_every_frame(data: Path, tmp_path: Path) -> None:
    changes = ["data.task=estimation", "training.epochs=1", "loss.contrast=0.01", "model.frames=8"]
    train.run(SMALL, data, tmp_path, changes=changes)
    plain = evaluate.run(tmp_path / WEIGHTS, data)
    assert plain["task"] == "estimation" and plain["counts"]["frames"] == 3 * 8
    assert "last_gaze" in plain["pooled"]
    every = evaluate.run(tmp_path / WEIGHTS, data, full_frames=True)
    assert every["full_frames"] and every["counts"]["frames"] == 3 * 150
    assert not math.isnan(every["pooled"]["csts"]["l2"])


def test_what_cannot_be_trained(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fewer than a batch"):
        train.run(SMALL, data, tmp_path, changes=["training.batch_size=12"])
    with pytest.raises(DataError, match="aria"):
        train.run(SMALL, data, tmp_path, changes=["data.dataset=aria"])
    with pytest.raises(UsageError, match="precision"):
        train.run(SMALL, data, tmp_path, devices=Devices(precision="8-true"))


def test_a_network_of_another_size_begins_no_training(
    data: Path, trained: Trained, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="shape"):
        train.run(SMALL, data, tmp_path, changes=["model.width=16"], weights=trained[0] / WEIGHTS)
    assert not list(tmp_path.glob("*.safetensors"))


def test_numbers_of_a_network_are_those_of_its_recipe() -> None:
    assert train.csts_sizes(plan()) == {"side": 64, "frames": 2}
    assert train.csts_sizes(plan("model.frames=4")) == {"side": 64, "frames": 4}
    assert np.isclose(plan().optimizer.learning_rate, 1e-3)
