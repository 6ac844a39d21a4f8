"""The network answers as the original does; numbers of `golden/`, made by the original code."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.errors import DataError
from eyeline.systems.gaze_3d.efficientnet import Block
from eyeline.systems.gaze_3d.model import (
    Directions3D,
    Estimate,
    GazeFromAfar,
    Recurrence,
    gaze_from_afar,
    set_gradient_checkpointing,
    turn_to_camera,
)
from eyeline.systems.gaze_3d.weights import our_name
from tests.closeness import assert_close_to_scale, assert_gradient_close, assert_gradients_close
from tests.systems.gaze_3d.conftest import Array, Golden
from tests.systems.gaze_3d.invented import (
    assert_same,
    checksum,
    expected,
    inputs,
    labels,
    network,
    random_of,
)

Seen = dict[str, Tensor]
CLOSE = 1e-4

pytestmark = pytest.mark.usefixtures("one_thread")


def watched(net: GazeFromAfar) -> tuple[Seen, list[Any]]:
    """What modules give, by name, as the golden files name it."""
    seen: Seen = {}

    def keep(name: str) -> Any:
        return net.get_submodule(name).register_forward_hook(
            lambda _, given, out: seen.update({name: out[0] if isinstance(out, tuple) else out})
        )

    blocks = [f"{b}_branch.blocks.{i}" for b in ("head", "body") for i in range(16)]
    names = ["stem", "head_branch", "body_branch", "motion", "memory", "gaze.memory", *blocks]
    return seen, [keep(name) for name in names]


def forward(
    net: GazeFromAfar, given: tuple[Tensor, ...], recurrence: Recurrence = "original"
) -> tuple[Directions3D, Seen]:
    seen, hooks = watched(net)
    before, net.at_once = net.at_once, 7 * len(given[0])  # or layers would be seen in parts
    with torch.no_grad():
        result = net(*given, recurrence=recurrence)
    net.at_once = before
    for hook in hooks:
        hook.remove()
    return result, seen


def mean_and_std(seen: Seen, branch: str) -> Array:
    maps = [seen[f"{branch}_branch.blocks.{i}"] for i in range(16)]
    return np.array([[float(m.mean()), float(m.std())] for m in maps])


def close(found: Tensor, theirs: Array) -> None:
    np.testing.assert_allclose(found.numpy(), theirs, rtol=0, atol=CLOSE)


@pytest.mark.parametrize(
    ("name", "height", "width"), [("net_b1_f7", 256, 192), ("net_odd_232x184", 232, 184)]
)
def test_one_window_layer_by_layer(
    net: GazeFromAfar, golden: Golden, name: str, height: int, width: int
) -> None:
    file, given = golden(name), inputs(name, 1, 7, height, width)
    np.testing.assert_allclose(checksum(given), file["input_checksum"], rtol=1e-6)
    result, seen = forward(net, given)
    close(seen["stem"][:, ::4, ::16, ::16], file["shared_feature_s16"])
    for branch in ("head", "body"):
        close(seen[f"{branch}_branch"][None], file[f"{branch}_feature"])
        statistics = mean_and_std(seen, branch)
        np.testing.assert_allclose(statistics, file[f"{branch}_block_mean_std"], rtol=0, atol=CLOSE)
    close(seen["motion"][None], file["traj_feature"])
    close(seen["memory"], file["temporal_feature"])
    close(seen["gaze.memory"], file["gazemodule_lstm_out"])
    close(turn_to_camera(result.head.direction[:, 3]), file["rotation"])
    assert_same(result, expected(file))


def test_the_head_mask_is_averaged_in_twos(golden: Golden) -> None:
    file = golden("net_b1_f7")
    small = F.avg_pool2d(inputs("net_b1_f7", 1, 7)[1][0], 2)[:, 0]
    close(small.sum(2), file["attention_row_sums"])
    close(small.sum(1), file["attention_col_sums"])


def test_the_original_way_mixes_the_windows_of_a_batch(net: GazeFromAfar, golden: Golden) -> None:
    given = inputs("net_b3_f7", 3, 7)
    mixed, seen = forward(net, given)
    file = golden("net_b3_f7")
    assert_same(mixed, expected(file))
    close(mean_and_std_of(seen), file["head_block_mean_std"])
    alone, _ = forward(net, given, "independent")
    assert_same(alone, expected(golden("net_b3_f7_each_alone")))
    angle = torch.rad2deg(torch.acos((mixed.gaze.direction * alone.gaze.direction).sum(-1)))
    assert float(angle.max()) > 15
    assert torch.equal(mixed.head.direction, alone.head.direction)


def mean_and_std_of(seen: Seen) -> Tensor:
    return torch.from_numpy(mean_and_std(seen, "head"))


def test_alone_is_the_default_and_a_batch_of_one(net: GazeFromAfar) -> None:
    given = inputs("net_b3_f7", 3, 7)
    with torch.no_grad():
        remembered = net.memory(net.see(*(g.flatten(0, 1) for g in given)).reshape(3, 7, -1))[0]
        together = net.conclude(remembered)
        single = [net.conclude(remembered[i : i + 1], recurrence="original") for i in range(3)]
    for i in range(3):
        assert_close_to_scale(together.gaze.direction[i], single[i].gaze.direction[0], 1e-4)


@pytest.mark.parametrize(("recurrence", "prefix"), [("original", ""), ("independent", "alone_")])
def test_the_gaze_module(
    net: GazeFromAfar, golden: Golden, recurrence: Recurrence, prefix: str
) -> None:
    file = golden("gazemodule_b32_f7")
    given = np.float32(random_of("input:gazemodule_b32").standard_normal((32, 7, 6)))
    with torch.no_grad():
        result = net.gaze(torch.from_numpy(given), recurrence)
    close(result.direction, file[f"{prefix}direction"])
    close(result.concentration, file[f"{prefix}kappa"][..., 0])


def losses(found: Directions3D, true: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """Written anew: the cosine loss, and the concentration's as published."""
    result = {}
    for part in ("head", "body", "gaze"):
        estimate = cast(Estimate, getattr(found, part))
        cosine = (estimate.direction * true[part]).sum(-1).clamp(-1, 1)
        kappa = estimate.concentration
        rest = kappa.log() - torch.log1p(-torch.exp(-2 * kappa)) - kappa
        result[part] = (
            (1 - cosine).mean()
            if kind == "cos"
            else -(kappa.mean() * cosine.detach().mean() + rest.mean())
        )
    return result | {"total": sum(result.values(), torch.zeros(())) / 3}


@pytest.mark.parametrize("kind", ["cos", "kappa"])
def test_gradients(golden: Golden, kind: str) -> None:
    file, net = golden("grad_b2_f7"), network()
    result = net(*inputs("grad_b2_f7", 2, 7), recurrence="original")
    loss = losses(result, dict(labels("grad_b2_f7", 2, 7)), kind)
    wanted = file[f"{kind}_loss_head_body_gaze_total"]
    np.testing.assert_allclose([float(v.detach()) for v in loss.values()], wanted, rtol=1e-4)
    loss["total"].backward()
    parameters = dict(net.named_parameters())
    norms = []
    for name in file[f"{kind}_grad_names"]:
        gradient = parameters[our_name(str(name))].grad
        assert gradient is not None, name
        norms.append(float(gradient.norm()))
    np.testing.assert_allclose(norms, file[f"{kind}_grad_norms"], rtol=3e-4, atol=1e-7)
    for name in file[f"{kind}_params_without_grad"]:
        assert parameters[our_name(str(name))].grad is None
    last = "direction" if kind == "cos" else "concentration"
    slope = parameters[f"gaze.estimate.{last}.2.weight"].grad
    assert slope is not None
    key = f"{kind}_grad_direction_layer_2_weight"
    assert_gradient_close(slope[:, ::8], file[key], 1e-3)


def test_three_steps_of_training(golden: Golden) -> None:
    """One for the concentration and two for the directions, each with an Adam of its own."""
    file, net = golden("train_b2_f7"), network().train()
    start = {name: value.clone() for name, value in net.state_dict().items()}
    given, true = inputs("train_b2_f7", 2, 7), dict(labels("train_b2_f7", 2, 7))
    optimizers = {
        "kappa": torch.optim.Adam(net.gaze.estimate.concentration.parameters(), 1e-4),
        "cos": torch.optim.Adam(net.parameters(), 1e-4),
    }
    for step, kind in enumerate(("kappa", "cos", "cos")):
        result = net(*given, recurrence="original")
        loss = losses(result, true, kind)["total"]
        assert float(loss.detach()) == pytest.approx(float(file["loss"][step]), rel=1e-3)
        cosine = (result.gaze.direction * true["gaze"]).sum(-1).detach().clamp(-1, 1)
        angle = float(torch.rad2deg(torch.acos(cosine)).mean())
        assert angle == pytest.approx(float(file["train_mae_deg"][step]), abs=0.01)
        optimizers[kind].zero_grad()
        loss.backward()
        optimizers[kind].step()
        state = net.state_dict()
        moved = [float((state[n] - start[n]).abs().mean()) for n in watched_names(file)]
        expected_moves = file["mean_abs_param_change_after_step"][step]
        np.testing.assert_allclose(moved, expected_moves, rtol=5e-3, atol=1e-9)
        if step == 0:
            for key in [k for k in file if k.startswith("after_first_step:")]:
                close(state[our_name(key.partition(":")[2])], file[key])


def watched_names(file: dict[str, Array]) -> list[str]:
    return [our_name(str(name)) for name in file["watch"]]


def test_many_frames_are_seen_in_parts(net: GazeFromAfar, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tuple(g[0] for g in inputs("parts", 1, 5, 64, 64))
    monkeypatch.setattr(net, "at_once", 2)
    with torch.no_grad():
        parts = net.see(*given)
    torch.testing.assert_close(parts, net.see(*given).detach(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("frames", [0, 2, -1])
def test_a_window_needs_a_centre(frames: int) -> None:
    with pytest.raises(DataError, match="no middle"):
        gaze_from_afar(frames=frames)


def test_other_shapes_are_refused(net: GazeFromAfar) -> None:
    clip, mask, motion = inputs("refused", 1, 7, 32, 32)
    with pytest.raises(DataError, match=r"clip has shape .* axis '7'"):
        net(clip[:, :5], mask, motion)
    with pytest.raises(DataError, match=r"head_mask .* axis 'w' .* should be 32, is 16"):
        net(clip, mask[..., :16], motion)
    with pytest.raises(DataError, match=r"body_motion .* axis '2'"):
        net(clip, mask, motion[..., :1])


def test_windows_of_other_lengths() -> None:
    net = gaze_from_afar(frames=3).eval()
    with torch.no_grad():
        result = net(*inputs("short", 2, 3, 64, 64))
    for estimate in result:
        assert estimate.direction.shape == (2, 3, 3) and estimate.concentration.shape == (2, 3)
        assert bool((estimate.concentration > 0).all())
        torch.testing.assert_close(estimate.direction.norm(dim=-1), torch.ones(2, 3))


def test_a_head_straight_at_or_away_from_the_camera_gives_numbers() -> None:
    net = gaze_from_afar()
    last = cast(nn.Linear, net.head.direction[2])
    nn.init.zeros_(last.weight)
    for z in (-1.0, 1.0):
        with torch.no_grad():
            last.bias.copy_(torch.tensor([0.0, 0.0, z]))
        net.zero_grad()
        result = net.conclude(torch.randn(2, 7, 64))
        result.gaze.direction[..., 0].sum().backward()
        assert bool(result.gaze.direction.isfinite().all())
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        assert gradients and all(bool(g.isfinite().all()) for g in gradients)


def test_drop_connect_takes_frames_past_a_block() -> None:
    torch.manual_seed(0)
    block = cast(Block, gaze_from_afar(drop_connect=0.9).head_branch.blocks[14])
    assert block.drop_connect == pytest.approx(0.9 * 14 / 16)
    block.train()
    maps = torch.randn(200, 192, 4, 3)
    with torch.no_grad():
        past = (block(maps) == maps).flatten(1).all(1)
    assert 0.65 < float(past.float().mean()) < 0.9
    block.eval()
    with torch.no_grad():
        assert not bool((block(maps) == maps).flatten(1).all(1).any())


def trained_once(net: GazeFromAfar) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(3)
    result = net.train()(*inputs("economy", 2, 7, 64, 64))
    loss = sum(losses(result, dict(labels("economy", 2, 7)), "cos").values(), torch.zeros(()))
    loss.backward()
    gradients = {k: p.grad.clone() for k, p in net.named_parameters() if p.grad is not None}
    return gradients, {k: b.clone() for k, b in net.named_buffers()}


def test_computing_again_changes_neither_gradients_nor_statistics() -> None:
    plain, spared = (
        network(0.2),
        set_gradient_checkpointing(network(0.2), gradient_checkpointing=True),
    )
    (gradients, buffers), (again, kept) = trained_once(plain), trained_once(spared)
    assert gradients.keys() == again.keys() and len(gradients) > 400
    assert_gradients_close(again, gradients, 1e-3)
    for name, buffer in buffers.items():
        assert_close_to_scale(kept[name], buffer, 1e-4)


def test_frozen_blocks_stay_as_they_are() -> None:
    net = set_gradient_checkpointing(network(), frozen_blocks=2)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    gradients, buffers = trained_once(net)
    frozen = ("stem.", "head_branch.blocks.0.", "head_branch.blocks.1.", "body_branch.blocks.1.")
    assert not [name for name in gradients if name.startswith(frozen)]
    assert "head_branch.blocks.2.expand.weight" in gradients
    moved = {name for name, value in buffers.items() if not torch.equal(value, before[name])}
    assert not [name for name in moved if name.startswith(frozen)]
    assert "body_branch.blocks.2.expand_norm.running_mean" in moved
    set_gradient_checkpointing(net)
    assert all(p.requires_grad for p in net.parameters()) and net.train().stem.norm.training
