"""The matcher's network and its loss."""

from __future__ import annotations

import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_following.matching.inputs import OPTION, PERSON
from eyeline.systems.gaze_following.matching.model import EXTRA, matcher, matching_loss
from tests.closeness import assert_close_to_scale


@pytest.fixture
def network():
    torch.manual_seed(0)
    return matcher(width=8).eval()


def batch(size=3, options=5):
    generator = torch.Generator().manual_seed(1)
    there = torch.ones(size, options, dtype=torch.bool)
    return (
        torch.randn(size, len(PERSON), generator=generator),
        torch.randn(size, options, len(OPTION), generator=generator),
        there,
    )


@torch.no_grad()
def test_order_of_options_has_no_say(network):
    person, option, there = batch()
    order = torch.tensor([3, 0, 4, 2, 1])
    plain, mixed = network(person, option, there), network(person, option[:, order], there)
    assert plain.shape == (3, 5 + len(EXTRA))
    assert_close_to_scale(plain[:, :5][:, order], mixed[:, :5], 1e-4)
    assert_close_to_scale(plain[:, 5:], mixed[:, 5:], 1e-4)
    assert plain[:, :5].std() > 1e-3


@torch.no_grad()
def test_padding_has_no_say(network):
    person, option, there = batch()
    padded = torch.cat([option, torch.full_like(option[:, :2], 1e3)], dim=1)
    more = torch.cat([there, torch.zeros(3, 2, dtype=torch.bool)], dim=1)
    plain, wide = network(person, option, there), network(person, padded, more)
    assert_close_to_scale(plain[:, :5], wide[:, :5], 1e-4)
    assert_close_to_scale(plain[:, 5:], wide[:, 7:], 1e-4)
    assert torch.isneginf(wide[:, 5:7]).all()


@torch.no_grad()
def test_other_options_have_a_say(network):
    person, option, there = batch()
    changed = option.clone()
    changed[:, 0] += 1
    assert not torch.allclose(network(person, option, there)[:, 1],
                              network(person, changed, there)[:, 1])  # fmt: skip


@torch.no_grad()
def test_without_options(network):
    person, option, there = batch(options=0)
    logits = network(person, option, there)
    assert logits.shape == (3, 2)
    assert torch.isfinite(logits).all()


def test_shapes_are_checked(network):
    person, option, there = batch()
    with pytest.raises(DataError, match="there"):
        network(person, option, there[:, :4])


def test_loss_by_hand():
    logits = torch.log(torch.tensor([[0.5, 0.2, 0.2, 0.1], [0.1, 0.1, 0.1, 0.7]]))
    right = torch.tensor([[True, True, False, False], [False] * 4])
    result = matching_loss(logits, right, smoothing=0.0)
    assert result.item() == pytest.approx(0.3566749)  # -ln 0.7; the second row has no part
    smooth = matching_loss(logits, right, smoothing=0.5)
    alike = logits[0].mean().item()
    assert smooth.item() == pytest.approx(0.5 * 0.3566749 - 0.5 * alike)


def test_loss_of_padding_and_of_nothing():
    logits = torch.tensor([[1.0, -torch.inf, 0.0]], requires_grad=True)
    right = torch.tensor([[True, False, False]])
    loss = matching_loss(logits, right)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    nothing = matching_loss(logits.detach(), torch.zeros(1, 3, dtype=torch.bool))
    assert nothing.item() == 0
