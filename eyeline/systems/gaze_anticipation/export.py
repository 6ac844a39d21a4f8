"""The network as ONNX, for use without torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from eyeline.systems.gaze_anticipation.model import GazeAnticipation, heatmaps
from eyeline.systems.gaze_anticipation.weights import load_csts
from eyeline.training.onnx import write_onnx

INPUTS = ("clip", "sound")
OUTPUTS = ("heatmaps",)


class _Maps(nn.Module):
    """The network's maps as distributions."""

    def __init__(self, network: GazeAnticipation) -> None:
        super().__init__()
        self.network = network

    def forward(self, clip: Tensor, audio: Tensor) -> Tensor:
        return heatmaps(self.network(clip, audio, embeddings=False).logits)


def to_onnx(weights: Path | str, out: Path | str) -> None:
    """Write `csts` as ONNX of 0.75 GB, whole or not at all.

    It takes one window: `clip` `(1, 3, 8, 256, 256)` as of `spatial.seen` and `audio` `(1, 1, 8,
    256, 256)` as of `spectrogram.Hearing`, and gives `heatmaps` `(1, 8, 64, 64)` over the square
    seen, each with a sum of 1. CheckpointError for weights of another network, or a damaged file.
    """
    network = load_csts(weights)
    shape = network.frames, network.side, network.side
    example = torch.zeros(1, 3, *shape), torch.zeros(1, 1, *shape)
    write_onnx(_Maps(network), example, out, inputs=INPUTS, outputs=OUTPUTS)
