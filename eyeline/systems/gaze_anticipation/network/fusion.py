"""Where sight and audio meet: once moment by moment over the image, once over time.

In both, tokens of the image are stored `(batch, time, row, column, channel)`.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.systems.gaze_anticipation.network.blocks import Block, Shape

HEADS = 8


class Fused(NamedTuple):
    """What sight and audio make of one another, `(batch, time, row, column, channel)` each."""

    seen: Tensor
    heard: Tensor


class WholeImage(nn.Module):
    """One token for all of a moment: a convolution as large as the grid, so a product."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        conv = nn.Conv3d(width, width, (1, side, side))
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, tokens: Tensor) -> Tensor:
        """`(batch, time, side, side, width)` to `(batch, time, width)`."""
        flat = tokens.permute(0, 1, 4, 2, 3).flatten(2)
        return F.linear(flat, self.weight.flatten(1), self.bias)


class Fusion(nn.Module):
    """Two ways for audio to change what is seen.

    Over the image: at each moment the tokens of the image and one of the audio attend to one
    another. Over time: one token of the image and one of the audio a moment attend to one another;
    what comes out weighs the channels. With `gate_by_sound` the image is weighed, before it becomes
    one token a moment, by how much the audio looks at each place; an option of the original that
    its published weights do not use.
    """

    def __init__(self, width: int, side: int, *, gate_by_sound: bool = False) -> None:
        super().__init__()
        self.space = Block(Shape(width, width, HEADS))
        self.time = Block(Shape(width, width, HEADS))
        self.pool_seen = WholeImage(width, side)
        self.pool_heard_space = WholeImage(width, side)
        self.pool_heard_time = WholeImage(width, side)
        self.gate_by_sound = gate_by_sound

    def forward(self, seen: Tensor, heard: Tensor) -> Fused:
        """Both `(batch, time, side, side, width)`."""
        moments = self.moments(seen, heard)
        in_space = self.space(moments)[:, 0, 0, :-1].reshape(seen.shape)
        gated = seen * self.gate(moments, seen.shape) if self.gate_by_sound else seen
        weights = cast(Tensor, self.time(self.series(gated, heard)))[:, 0, 0]
        for_seen, for_heard = (w[:, :, None, None] for w in weights.chunk(2, dim=1))
        return Fused(in_space * for_seen, heard * for_heard)

    def moments(self, seen: Tensor, heard: Tensor) -> Tensor:
        """What attends to one another within a moment, `(batch time, 1, 1, token, width)`.

        Last comes the audio. The original masks one attention over all moments to the same end.
        """
        images = seen.flatten(0, 1).flatten(1, 2)
        audios = self.pool_heard_space(heard).flatten(0, 1)[:, None]
        return torch.cat([images, audios], dim=1)[:, None, None]

    def series(self, seen: Tensor, heard: Tensor) -> Tensor:
        """What attends to one another over time, `(batch, 1, 1, 2 time, width)`: sight, audio."""
        both = [self.pool_seen(seen), self.pool_heard_time(heard)]
        return torch.cat(both, dim=1)[:, None, None]

    def gate(self, moments: Tensor, shape: torch.Size) -> Tensor:
        """How much the audio looks at each place, `(batch, time, side, side, 1)` in [0, 1]."""
        looks = self.space.attention.weights(self.space.norm1(moments))[:, :, -1, :-1]
        low, high = looks.amin(-1, keepdim=True), looks.amax(-1, keepdim=True)
        return ((looks - low) / (high - low + 1e-8)).mean(1).reshape(*shape[:4], 1)
