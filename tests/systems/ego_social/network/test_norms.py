"""Batch norms channels last: the numbers of the usual order, in 32 bits as exact as there."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from eyeline.systems.ego_social.model import lam_lstm
from eyeline.systems.ego_social.network.heap import keeping_memory
from eyeline.systems.ego_social.network.norms import GroupedNorm, channels_last
from tests.closeness import assert_close_to_scale

pytestmark = pytest.mark.usefixtures("one_thread")


def norm(channels: int) -> nn.BatchNorm2d:
    torch.manual_seed(0)
    made = nn.BatchNorm2d(channels)
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize(
    "shape", [(4, 8, 56, 56), (3, 5, 7, 7), (1, 2, 1, 3), (2, 64, 64, 64), (6, 4, 33, 32)]
)
def test_as_in_64_bits(shape: tuple[int, ...]) -> None:
    """Outputs, all gradients and both running statistics."""
    given = norm(shape[1])
    maps, gradient = torch.randn(shape) * 2 + 1, torch.randn(shape)
    exact = copy.deepcopy(given).double()
    wanted_maps = maps.double().requires_grad_()
    wanted = exact(wanted_maps)
    wanted.backward(gradient.double())
    own = GroupedNorm(copy.deepcopy(given))
    own_maps = maps.contiguous(memory_format=torch.channels_last).requires_grad_()
    found = own(own_maps)
    found.backward(gradient)
    assert found.is_contiguous(memory_format=torch.channels_last)
    pairs = [
        (found, wanted),
        (own_maps.grad, wanted_maps.grad),
        (own.weight.grad, exact.weight.grad),
        (own.bias.grad, exact.bias.grad),
        (own.running_mean, exact.running_mean),
        (own.running_var, exact.running_var),
    ]
    for ours, theirs in pairs:
        assert ours is not None and theirs is not None
        assert_close_to_scale(ours, theirs)
    assert int(own.num_batches_tracked) == 1  # type: ignore[arg-type]


def test_in_evaluation_and_in_the_usual_order_it_is_the_usual_one() -> None:
    given = norm(4)
    own = GroupedNorm(copy.deepcopy(given))
    maps = torch.randn(2, 4, 6, 6)
    assert torch.equal(own(maps), given(maps))
    assert torch.equal(own.running_var, given.running_var)  # type: ignore[arg-type]
    assert torch.equal(own.eval()(maps), given.eval()(maps))


def test_a_network_keeps_its_tensors() -> None:
    torch.manual_seed(0)
    net = lam_lstm(width=4, memory=4)
    before = net.state_dict()
    names = {id(p) for p in net.parameters()}
    channels_last(net.encoder)
    assert [*net.state_dict()] == [*before] and {id(p) for p in net.parameters()} == names
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    kinds = {type(part) for part in net.modules() if isinstance(part, nn.BatchNorm2d)}
    assert kinds == {GroupedNorm}


def test_kept_memory_changes_nothing_else() -> None:
    for wanted in (True, False):
        with keeping_memory(wanted):
            assert float(torch.ones(1 << 20).sum()) == 1 << 20
