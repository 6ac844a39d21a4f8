"""Steps of training: the published optimiser, losses of a batch, and gradients of the original."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.systems.gaze_anticipation.loss import contrast, map_divergence
from eyeline.systems.gaze_anticipation.model import csts, heatmaps
from eyeline.systems.gaze_anticipation.network.original_keys import our_name
from eyeline.systems.gaze_anticipation.recipe import Recipe, read_recipe
from eyeline.systems.gaze_anticipation.train import Step, learning_rate, optimizers, schedulers
from eyeline.training import loop
from eyeline.training.devices import Devices
from tests.systems.gaze_anticipation.invented import (
    SMALL,
    golden,
    inputs,
    network,
    sampled,
    small,
    small_inputs,
)


def plan(**sections: dict[str, Any]) -> Recipe:
    return read_recipe({"model": {**SMALL, "layers": list(SMALL["layers"])}, **sections})


def batch(clips: int = 2, seed: int = 0) -> dict[str, Tensor]:
    clip, audio = small_inputs(clips, seed)
    times = clip.shape[2]
    generator = torch.Generator().manual_seed(seed)
    maps = torch.softmax(4 * torch.randn(clips, times, 256, generator=generator), -1)
    kind = torch.tensor([[0, 1, 2, 3][:times]] * clips)
    return {"clip": clip, "audio": audio, "heatmap": maps.view(clips, times, 16, 16), "kind": kind}


def test_what_decays_as_published() -> None:
    file = golden("optim")
    with torch.device("meta"):
        whole = csts()
    optimizer = optimizers(read_recipe({}), whole)["main"]
    names = {id(p): name for name, p in whole.named_parameters()}
    assert len(optimizer.param_groups) == int(file["n_groups"])
    for i, group in enumerate(optimizer.param_groups):
        ours = {names[id(p)] for p in group["params"]}
        assert ours == {our_name(str(name)) for name in file[f"group{i}/names"]}
        assert group["weight_decay"] == float(file[f"group{i}/weight_decay"])
        assert (*group["betas"], group["eps"]) == tuple(file[f"group{i}/betas_eps"])


def test_learning_rate_as_published() -> None:
    file, given = golden("optim"), read_recipe({}).optimizer
    result = [learning_rate(given, float(epoch)) for epoch in file["epochs"]]
    np.testing.assert_allclose(result, file["lr"], rtol=1e-9)
    assert learning_rate(given, 20.0) == pytest.approx(1e-6)


def test_learning_rate_of_each_step() -> None:
    created = plan(optimizer={"cosine_epochs": 2})
    moved = optimizers(created, small())
    scheduler = schedulers(created, moved, steps_per_epoch=4)["main"]
    for step in range(8):
        rates = {group["lr"] for group in moved["main"].param_groups}
        assert len(rates) == 1
        assert rates.pop() == pytest.approx(learning_rate(created.optimizer, step / 4))
        moved["main"].step()
        scheduler.step()


def test_a_batch_becomes_the_published_loss() -> None:
    net, given = small(), batch()
    result = Step(plan())(net, given)
    output = net(given["clip"], given["audio"])
    apart = map_divergence(heatmaps(output.logits), given["heatmap"])
    contrasted = contrast(output.seen, output.heard)
    torch.testing.assert_close(result.total, apart + 0.05 * contrasted)
    assert result.parts == {
        "divergence": pytest.approx(apart.item()),
        "contrast": pytest.approx(contrasted.item()),
    }
    result.total.backward()
    assert all(p.grad is not None for p in net.parameters())


def test_frames_without_gaze_can_be_left_out() -> None:
    given, other = batch(), batch()
    other["heatmap"] = other["heatmap"].clone()
    other["heatmap"][:, 3] = torch.roll(other["heatmap"][:, 3], 3, 1)
    net = small()
    for tracked_only, same in ((True, True), (False, False)):
        step = Step(plan(loss={"tracked_only": tracked_only}))
        with torch.no_grad():
            assert bool(torch.equal(step(net, given).total, step(net, other).total)) is same


def test_without_contrast_all_parameters_still_take_part() -> None:
    net, given = small(), batch()
    result = Step(plan(loss={"contrast": 0.0}))(net, given)
    assert result.total.item() == pytest.approx(result.parts["divergence"])
    result.total.backward()
    assert all(p.grad is not None for p in net.parameters())
    bare = small(embedding=0)
    assert set(Step(plan(loss={"contrast": 0.0}))(bare, given).parts) == {"divergence"}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_shrunken_network_learns_two_clips(precision: str) -> None:
    created = plan(
        optimizer={"learning_rate": 2e-3, "cosine_epochs": 30},
        training={"gradient_checkpointing": "all", "seed": 1},
    )
    torch.manual_seed(0)
    net = csts(**{**created.arguments, "drop_path": 0.0})
    moved = optimizers(created, net)
    given = batch()
    # one spot a clip, as labels have
    given["heatmap"] = torch.zeros(2, 4, 16, 16)
    given["heatmap"][0, :, 3:6, 4:7] = given["heatmap"][1, :, 10:13, 9:12] = 1 / 9
    run = loop.Run(
        net,
        moved,
        Step(created),
        lambda _: [given],
        30,
        seed=1,
        clip_norm=1.0,
        schedulers=dict(schedulers(created, moved, 1)),
    )
    history = loop.fit(run, Devices(precision=precision).fabric())
    with torch.no_grad():
        maps = heatmaps(net(given["clip"], given["audio"]).logits)
    print([round(h["divergence"], 2) for h in history[::6]])
    assert float(maps[0, :, 3:6, 4:7].sum((1, 2)).min()) > 0.5
    assert float(maps[1, :, 10:13, 9:12].sum((1, 2)).min()) > 0.5


@pytest.mark.slow
def test_gradients_and_a_step_as_published() -> None:
    """The whole network and two clips: 4 GB and some tens of seconds."""
    file, net = golden("model_grad_b2"), network()
    clip, audio = inputs("b2", 2)
    label = torch.from_numpy(file["target_heatmap"])
    result = Step(read_recipe({}))(net, {"clip": clip, "audio": audio, "heatmap": label})
    np.testing.assert_allclose(result.parts["divergence"], file["kldiv"], rtol=1e-5)
    np.testing.assert_allclose(result.parts["contrast"], file["egonce"], rtol=1e-5)
    np.testing.assert_allclose(result.total.item(), file["loss"], rtol=1e-5)
    result.total.backward()
    parameters = dict(net.named_parameters())
    given = {n: parameters[our_name(str(n))] for n in file["param_names"]}
    norms = np.array([float(p.grad.norm()) for p in given.values() if p.grad is not None])
    counts = file["grad_norms"] > 1e-6  # those of biases of keys are 0 but for rounding
    assert counts.sum() > 480
    np.testing.assert_allclose(norms[counts], file["grad_norms"][counts], rtol=1e-3)
    for key in (k for k in file if k.startswith("grad/")):
        gradient = given[key.removeprefix("grad/")].grad
        assert gradient is not None
        # of two nearly equal tokens, rounding decides which one the shortcut's pooling takes
        room = 6e-3 * float(gradient.abs().max()) + 1e-7
        np.testing.assert_allclose(sampled(gradient, 64), file[key], atol=room, err_msg=key)
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    np.testing.assert_allclose(float(norm), file["total_grad_norm"], rtol=1e-4)
    changed = {k.split("/")[1] for k in file if k.startswith("step/")}
    before = {name: sampled(given[name], 64).copy() for name in changed}
    optimizers(read_recipe({}), net)["main"].step()
    for name in changed:
        clipped, delta = (file[f"step/{name}/{what}"] for what in ("grad_clipped", "delta"))
        sure = np.abs(clipped) > max(1e-7, 1e-2 * np.abs(clipped).max())  # of the sign
        moved = sampled(given[name], 64) - before[name]
        np.testing.assert_allclose(moved[sure], delta[sure], rtol=0.02, atol=2e-7, err_msg=name)
