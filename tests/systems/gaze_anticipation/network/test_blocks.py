"""Blocks: stochastic depth as published, shortcuts, and computing again for gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from eyeline.systems.gaze_anticipation.model import csts, set_gradient_checkpointing
from eyeline.systems.gaze_anticipation.network.blocks import (
    Block,
    DropPath,
    Shape,
    enlarged,
    halved,
)
from tests.closeness import assert_close_to_scale, assert_gradients_close
from tests.systems.gaze_anticipation.invented import golden, small, small_inputs


def test_stochastic_depth_as_published() -> None:
    file = golden("droppath")
    drop = DropPath(float(file["p"])).train()
    torch.manual_seed(int(file["seed"]))
    result = drop(torch.ones(16, 2, 2))
    assert_close_to_scale(result[:, 0, 0], torch.from_numpy(file["out"]), 1e-4)
    assert bool((result == result[:, :1, :1]).all())
    assert drop.eval()(result) is result
    with torch.device("meta"):
        network = csts()
    rates = [block.drop_path.fraction for block in network.video.blocks]  # type: ignore[union-attr]
    assert rates == pytest.approx(file["rates_video"])
    assert all(block.drop_path.fraction == 0 for block in network.sound.blocks)  # type: ignore[union-attr]


def test_shortcuts_over_other_grids() -> None:
    torch.manual_seed(0)
    tokens = torch.randn(2, 4, 6, 8, 3)
    maps = tokens.permute(0, 4, 1, 2, 3)
    smaller = F.max_pool3d(maps, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    assert torch.equal(halved(tokens), smaller.permute(0, 2, 3, 4, 1))
    for by in ((1, 2, 2), (2, 1, 1), (2, 2, 2)):
        larger = F.interpolate(
            maps, scale_factor=[float(s) for s in by], mode="trilinear", align_corners=False
        )
        assert_close_to_scale(enlarged(tokens, by), larger.permute(0, 2, 3, 4, 1))
    assert enlarged(tokens, (1, 1, 1)) is tokens


def test_one_moment_becomes_two() -> None:
    tokens = torch.randn(1, 1, 2, 2, 3)
    assert torch.equal(enlarged(tokens, (2, 1, 1)), tokens.repeat(1, 2, 1, 1, 1))


def test_samples_pass_by_both_halves() -> None:
    torch.manual_seed(1)
    block = Block(Shape(8, 8, 2, kv_stride=1, drop_path=0.5)).train()
    tokens = torch.randn(400, 1, 2, 2, 8)
    with torch.no_grad():
        result = block(tokens)
        same = (result == tokens).flatten(1).all(1).float().mean()
    assert 0.18 < float(same) < 0.32  # both halves left out: one in four


@pytest.mark.parametrize("gradient_checkpointing", ["all", "halving"])
def test_gradients_do_not_depend_on_what_is_kept(gradient_checkpointing: str) -> None:
    """With stochastic depth: the same samples pass by when computed again."""
    result = []
    for again in ("none", gradient_checkpointing):
        network = set_gradient_checkpointing(small(drop_path=0.5), again).train()
        clip, audio = small_inputs(3)
        torch.manual_seed(5)
        answer = network(clip, audio)
        assert answer.seen is not None
        (answer.logits.square().mean() + answer.seen.square().mean()).backward()
        result.append({k: p.grad for k, p in network.named_parameters() if p.grad is not None})
    assert result[0].keys() == result[1].keys() and len(result[0]) > 250
    assert_gradients_close(result[1], result[0])


def test_a_block_computed_again_keeps_its_input_alone() -> None:
    """Between the layers of the MLP lie four times as many numbers, in attention three times."""
    held: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held.append(tensor.untyped_storage().nbytes())
        return tensor

    network = set_gradient_checkpointing(small(), "all").train()
    block = network.video.blocks[0]  # type: ignore[union-attr]
    tokens = torch.randn(1, 4, 16, 16, block.shape.width, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        block(tokens)
    assert held and max(held) <= tokens.untyped_storage().nbytes()
