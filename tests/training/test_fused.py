"""Copies for inference of all networks that have one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from eyeline.systems.gaze_3d.model import gaze_from_afar
from eyeline.training.fused import fused
from tests.closeness import assert_close_to_scale
from tests.systems.ego_social.raw_video import small_lam, small_ttm
from tests.systems.gaze_following.detector.invented import small as small_mask_rcnn


def small_gaze_3d() -> nn.Module:
    """With statistics and gains that are not neutral."""
    torch.manual_seed(0)
    network = gaze_from_afar(frames=3, backbone="small")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean, module.running_var):
                assert values is not None
                nn.init.uniform_(values, 0.5, 1.5)
    return network.eval()


def first(network: nn.Module, frames: Tensor) -> Tensor:
    """What the part with folded norms gives for images of any size."""
    if hasattr(network, "motion"):
        return network.see(frames, torch.ones_like(frames[:, :1]), torch.zeros(len(frames), 2))  # type: ignore[operator, no-any-return]
    maps = network.see(frames)  # type: ignore[operator]
    return maps if isinstance(maps, Tensor) else torch.cat([m.flatten() for m in maps])


NETWORKS = [small_gaze_3d, small_lam, small_ttm, small_mask_rcnn]


@pytest.mark.parametrize("make", NETWORKS)
def test_outputs_are_the_networks_whatever_the_size(make: Callable[[], nn.Module]) -> None:
    network = make()
    copy = fused(network)
    assert type(copy) is type(network)
    with torch.inference_mode():
        for count, height, width in ((2, 64, 64), (19, 32, 64), (1, 96, 32)):
            frames = torch.randn(count, 3, height, width)
            kept = frames.clone()
            assert_close_to_scale(first(copy, frames), first(network, frames), 1e-4)
            assert torch.equal(frames, kept), "inputs are not overwritten"


@pytest.mark.parametrize("make", NETWORKS)
def test_the_network_itself_is_untouched(make: Callable[[], nn.Module]) -> None:
    network = make()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    wanted = [p.requires_grad for p in network.parameters()]
    copy = fused(network)
    with torch.inference_mode():
        first(copy, torch.randn(3, 3, 32, 32))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [p.requires_grad for p in network.parameters()] == wanted
    for part in network.foldable:  # type: ignore[union-attr]
        modules = copy.get_submodule(part).modules()
        assert not [m for m in modules if isinstance(m, nn.BatchNorm2d)], part
    assert not copy.training and not any(p.requires_grad for p in copy.parameters())
    theirs = {p.data_ptr() for p in network.parameters()}
    assert not theirs & {p.data_ptr() for p in copy.parameters()}
