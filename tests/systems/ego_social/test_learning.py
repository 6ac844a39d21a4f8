"""Shrunken networks learn a few synthetic samples by heart."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from eyeline.systems.ego_social.loss import weighted_cross_entropy
from eyeline.systems.ego_social.model import lam_lstm
from eyeline.systems.ego_social.recipe import TALKING_WEIGHTS
from eyeline.systems.ego_social.ttm_model import ttm

LABEL = torch.tensor([0, 1, 0, 1])


def learned(network: nn.Module, given: tuple[Tensor, ...], loss: Callable[[Tensor], Tensor]) -> int:
    """How many of four samples are told right after 25 steps."""
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    network.train()
    for _ in range(25):
        optimizer.zero_grad()
        loss(network(*given)).backward()
        optimizer.step()
    with torch.no_grad():
        return int((network(*given).argmax(1) == LABEL).sum())


def test_a_look_in_the_centre() -> None:
    """The two kinds differ in the middle frame alone."""
    torch.manual_seed(2)
    clip = torch.randn(1, 7, 3, 32, 32).repeat(4, 1, 1, 1, 1) + 0.1 * torch.randn(4, 7, 3, 32, 32)
    clip[LABEL == 1, 3, :, 10:20, 10:20] += 3
    net = lam_lstm(width=8, memory=16)
    assert learned(net, (clip,), lambda logits: weighted_cross_entropy(logits, LABEL)) == 4


def test_a_voice_without_a_face() -> None:
    """The two kinds differ in their audio alone."""
    torch.manual_seed(2)
    time_s = torch.arange(3200) / 16_000
    beat = torch.where(LABEL[:, None] == 1, 12.0, 5.0) * time_s
    audio = (2 * torch.pi * beat).sin() * torch.randn(4, 3200)
    clip = torch.zeros(4, 2, 3, 32, 32)
    net = ttm(width=4, memory=8, voice_width=8)

    def loss(logits: Tensor) -> Tensor:
        return weighted_cross_entropy(logits, LABEL, weights=TALKING_WEIGHTS)

    assert learned(net, (clip, audio), loss) == 4
