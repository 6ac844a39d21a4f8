"""The segmentation loss against the original's numbers, and its edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.eye_contact.loss import IGNORED, cross_entropy, segmentation_loss, step_loss

Golden = Callable[[str], dict[str, Any]]


def test_the_original_numbers(golden: Golden) -> None:
    case = golden("segmentation_loss")
    logits, label = torch.from_numpy(case["logits"]), torch.from_numpy(case["label"]).long()
    assert (label == IGNORED).any()
    everything = torch.ones(label.shape)
    for stage, z in enumerate(logits):
        assert cross_entropy(z, label).item() == pytest.approx(
            case["cross_entropy"][stage], rel=1e-5
        )
        assert step_loss(z, everything).item() == pytest.approx(case["step"][stage], rel=1e-5)
    total = segmentation_loss(logits, label, smoothing=0.15)
    assert total.item() == pytest.approx(float(case["total"]), rel=1e-5)


def test_nothing_known_is_no_loss_but_smoothness() -> None:
    logits = torch.randn(1, 2, 2, 30, requires_grad=True)
    label = torch.full((2, 30), IGNORED)
    loss = segmentation_loss(logits, label, smoothing=0.0)
    assert loss.item() == 0
    loss.backward()
    assert logits.grad is not None and not logits.grad.any()


def test_padding_does_not_count() -> None:
    torch.manual_seed(0)
    logits, label = torch.randn(1, 1, 2, 20), torch.randint(0, 2, (1, 20))
    padded = torch.cat([logits, torch.full((1, 1, 2, 7), 9.0)], dim=3)
    longer = torch.cat([label, torch.full((1, 7), IGNORED)], dim=1)
    mask = (torch.arange(27) < 20).float()[None]
    expected = segmentation_loss(logits, label)
    assert segmentation_loss(padded, longer, mask=mask).item() == pytest.approx(
        expected.item(), rel=1e-6
    )


def test_steps_are_cut_off_and_flow_to_the_later_frame_only_and_a_single_frame() -> None:
    logits = torch.tensor([[[0.0, 50.0, 50.0], [50.0, 0.0, 0.0]]], requires_grad=True)
    assert step_loss(logits, torch.ones(1, 3)).item() == pytest.approx(16 / 2)
    gentle = torch.tensor([[[0.0, 1.0], [0.0, -1.0]]], requires_grad=True)
    step_loss(gentle, torch.ones(1, 2)).backward()
    assert gentle.grad is not None
    assert not gentle.grad[..., 0].any() and gentle.grad[..., 1].abs().min() > 0
    loss = segmentation_loss(torch.zeros(1, 1, 2, 1), torch.zeros(1, 1, dtype=torch.long))
    assert loss.item() == pytest.approx(0.693147, abs=1e-5)


def test_other_shapes_are_named() -> None:
    with pytest.raises(DataError, match="label"):
        segmentation_loss(torch.zeros(1, 1, 2, 5), torch.zeros(1, 6, dtype=torch.long))
