"""Training: the steps as published, overfitting, resuming, and the way from data to a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyeline.systems.gaze_3d import calibration, evaluate, score, train
from eyeline.systems.gaze_3d.data import Window
from eyeline.systems.gaze_3d.loss import LIKELIHOODS
from eyeline.systems.gaze_3d.recipe import read_recipe
from eyeline.systems.gaze_3d.train import Step
from eyeline.systems.gaze_3d.weights import load_gaze_from_afar, our_name
from eyeline.training import checkpoint, loop
from eyeline.training.devices import Devices
from eyeline.training.loop import Run, StepLoss
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_3d import shrunken
from tests.systems.gaze_3d.conftest import Golden
from tests.systems.gaze_3d.invented import inputs, labels, network
from tests.systems.gaze_3d.shrunken import TINY

pytestmark = pytest.mark.usefixtures("one_thread")


def window(name: str, batch: int, size: tuple[int, int] = (256, 192)) -> Window:
    clip, mask, motion = inputs(name, batch, 7, *size)
    return Window(
        clip=clip,
        head_mask=mask,
        body_motion=motion,
        recording="a/s/c",
        first_frame=0,
        **labels(name, batch, 7),
    )


def fit(made: Run) -> list[dict[str, Any]]:
    return loop.fit(made, Devices().fabric())


@pytest.mark.slow
def test_three_steps_as_published(golden: Golden) -> None:
    """One of the concentration, two of directions; without drop connect, in 32 bits."""
    file, net = golden("train_b2_f7"), network()
    plan = read_recipe("gafa", ["training.epochs=1", "model.drop_connect=0.0"])
    batch = window("train_b2_f7", 2)
    before: list[dict[str, Tensor]] = []
    step, known = Step(plan), list[StepLoss]()

    def watched(module: nn.Module, numbered: tuple[int, Window]) -> StepLoss:
        before.append({k: v.clone() for k, v in net.state_dict().items()})
        known.append(step(module, numbered))
        return known[-1]

    created = Run(
        net,
        train.TASK.optimization(plan, net, cast(Any, None)).optimizers,
        watched,
        lambda _: enumerate([batch] * 3),
        epochs=1,
    )
    fit(created)
    states = [*before, net.state_dict()]
    assert [t.optimizer for t in known] == ["concentration", "direction", "direction"]
    np.testing.assert_allclose([float(t.total.detach()) for t in known], file["loss"], atol=1e-3)
    np.testing.assert_allclose(
        [t.parts["angle_deg"] for t in known], file["train_mae_deg"], atol=0.02
    )
    for row, state in enumerate(states[1:]):
        for name, wanted in zip(
            file["watch"], file["mean_abs_param_change_after_step"][row], strict=True
        ):
            key = our_name(str(name))
            change = float((state[key] - states[0][key]).abs().mean())
            assert change == pytest.approx(float(wanted), rel=5e-3, abs=1e-9), (row, name)
    for key in (k for k in file if k.startswith("after_first_step:")):
        ours = states[1][our_name(key.removeprefix("after_first_step:"))]
        np.testing.assert_allclose(ours, file[key], atol=1e-5)


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_four_windows_are_learned_by_heart(kind: str) -> None:
    plan = shrunken.plan(
        {
            "training": {"epochs": 1, "concentration_every": 4},
            "loss": {"concentration": kind},
        }
    )
    net, batch = shrunken.network(plan), window("overfit", 4, (32, 32))
    history: list[StepLoss] = []
    step = Step(plan)

    def watched(module: nn.Module, numbered: tuple[int, Window]) -> StepLoss:
        history.append(step(module, numbered))
        return history[-1]

    created = train.TASK.new_run(plan, net, [], None, None)  # type: ignore[arg-type]
    created.step, created.batches = watched, lambda _: enumerate([batch] * 80)
    fit(created)
    assert history[0].parts["angle_deg"] > 60 and history[-1].parts["angle_deg"] < 15
    sure = [t.parts["concentration"] for t in history if "concentration" in t.parts]
    assert len(sure) == 20 and sure[-1] < sure[0] - 0.5


def test_the_concentration_step_moves_nothing_else() -> None:
    plan = shrunken.plan()
    net = shrunken.network(plan)
    before = {k: p.detach().clone() for k, p in net.named_parameters()}
    created = train.TASK.new_run(plan, net, [], None, None)  # type: ignore[arg-type]
    created.batches, created.epochs = lambda _: enumerate([window("one", 1, (32, 32))]), 1
    fit(created)
    moved = {k for k, p in net.named_parameters() if not torch.equal(p, before[k])}
    assert moved == {k for k in before if k.startswith("gaze.estimate.concentration.")}


def test_frozen_statistics_stay() -> None:
    plan = shrunken.plan({"training": {"statistics": "frozen", "epochs": 1}})
    net = shrunken.network(plan)
    before = {k: b.clone() for k, b in net.named_buffers()}
    created = train.TASK.new_run(plan, net, [], None, None)  # type: ignore[arg-type]
    created.batches = lambda _: enumerate([window("one", 1, (32, 32))] * 2)
    fit(created)
    assert all(torch.equal(b, before[k]) for k, b in net.named_buffers())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions to train on and one to test on, a camera each."""
    return shrunken.made_data(
        tmp_path_factory.mktemp("made"),
        sessions=2,
        test_sessions=1,
        cameras=1,
        frames=15,
        width_px=96,
    )


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("out") / "new" / "folder"
    return out, train.run(TINY, data, out)


def test_the_card_says_how(trained: tuple[Path, dict[str, Any]]) -> None:
    out, created = trained
    card = checkpoint.read_card(out / "gaze_from_afar.safetensors")
    assert calibration.from_settings(card.settings).keys() == {"gaze", "head", "body"}
    assert len(card.data["held_out_sessions"]) == 1 and len(card.data["sessions"]) == 2
    chosen = min(entry["validation_angle_deg"] for entry in created["history"])
    assert created["pooled"]["3d_all"] == pytest.approx(chosen, abs=1e-3)
    load_gaze_from_afar(out / "gaze_from_afar.safetensors")


def test_evaluation_and_score_agree(
    data: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    weights = trained[0] / "gaze_from_afar.safetensors"
    created = evaluate.run(weights, data, tmp_path)
    assert created["seen_in_training"] == 0 and created["calibrated"] and created["windows"] >= 1
    again = score.run(tmp_path / evaluate.PREDICTIONS, data)
    assert again["pooled"]["3d_all"] == pytest.approx(created["pooled"]["3d_all"], abs=1e-2)
    assert again["reliability"]["gaze"]["ece"] == pytest.approx(
        created["reliability"]["gaze"]["ece"]
    )
    original = score.run(tmp_path / evaluate.PREDICTIONS_ORIGINAL, data)
    assert original["published"]["3d_all"] == pytest.approx(
        created["published"]["3d_all"], abs=1e-2
    )
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["pooled"] == created["pooled"]
    for name in ("errors_by_yaw.svg", "concentration.svg"):
        assert (tmp_path / name).read_text(encoding="utf-8").startswith("<svg ")
    trained_on = evaluate.run(weights, data, split="gafa_train.txt")
    assert trained_on["seen_in_training"] == 2


@pytest.mark.parametrize("frames", [3, 5, 9])
def test_windows_of_other_lengths(data: Path, tmp_path: Path, frames: int) -> None:
    """As the original's `--n_frames`: trained, evaluated and scored."""
    changes = [f"model.frames={frames}", "training.epochs=1"]
    train.run(TINY, data, tmp_path / "trained", changes=changes)
    weights = tmp_path / "trained" / "gaze_from_afar.safetensors"
    assert load_gaze_from_afar(weights).frames == frames
    created = evaluate.run(weights, data, tmp_path / "scores")
    assert created["frames"] == frames * created["windows"] > 0
    again = score.run(tmp_path / "scores" / evaluate.PREDICTIONS_ORIGINAL, data)
    assert again["published"]["3d_all"] == pytest.approx(created["published"]["3d_all"], abs=1e-2)
    assert created["published_table"][4] == f"MAE (3D all):  {created['published']['3d_all']:.6f}"


def test_the_recurrences_differ_where_windows_have_neighbours(
    data: Path, trained: tuple[Path, dict[str, Any]]
) -> None:
    from eyeline.systems.gaze_3d.data import open_split

    net = load_gaze_from_afar(trained[0] / "gaze_from_afar.safetensors")
    windows = open_split(data, ["made/000", "made/001"], interval=5)
    result = evaluate.answer(net, windows)
    alone = evaluate.answer(net, windows, batch=1)
    assert len(windows) >= 2
    gaze = {name: d.gaze.direction for name, d in result.items()}
    assert_close_to_scale(gaze["independent"], alone["independent"].gaze.direction, 1e-4)
    assert_close_to_scale(gaze["independent"], alone["original"].gaze.direction, 1e-4)
    assert not torch.allclose(gaze["independent"], gaze["original"], atol=1e-5)
    heads = (result[way].head.direction for way in ("original", "independent"))
    assert_close_to_scale(*heads, 1e-4)
    item = windows[1]
    with torch.no_grad():
        whole = net(*(item[k][None] for k in ("clip", "head_mask", "body_motion")))
    torch.testing.assert_close(whole.gaze.direction[0], gaze["independent"][1], atol=1e-5, rtol=0)


def test_the_published_recipe_runs(data: Path, tmp_path: Path) -> None:
    changes = ["training.epochs=1", "training.batch_size=4", "model.backbone=small"]
    created = train.run("gafa", data, tmp_path, changes=changes)
    assert created["recipe"]["loss"] == {"concentration": "published", "recurrence": "original"}
    assert created["data"]["windows_held_out"] == 2, "a tenth of the windows, as published"
