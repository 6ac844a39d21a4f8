"""The network as ONNX, for use without torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from eyeline.systems.gaze_3d.model import GazeFromAfar
from eyeline.systems.gaze_3d.rendered import export
from eyeline.systems.gaze_3d.rendered.recipe import BUILDERS
from eyeline.systems.gaze_3d.weights import load_gaze_from_afar
from eyeline.training import checkpoint
from eyeline.training.onnx import write_onnx

INPUTS = ("clip", "head_mask", "body_motion")
OUTPUTS = tuple(
    f"{part}_{what}" for part in ("gaze", "head", "body") for what in ("direction", "concentration")
)


class _Flat(nn.Module):
    """The network with its answers side by side."""

    def __init__(self, network: GazeFromAfar) -> None:
        super().__init__()
        self.network = network

    def forward(self, clip: Tensor, head_mask: Tensor, body_motion: Tensor) -> tuple[Tensor, ...]:
        result = self.network(clip, head_mask, body_motion)
        return tuple(value for estimate in result for value in estimate)


def to_onnx(weights: Path | str, out: Path | str) -> None:
    """Write `gaze_from_afar`, or a network on rendered heads, as ONNX, whole or not at all.

    `gaze_from_afar` takes one window: `clip` `(1, frame, 3, 256, 192)`, `head_mask` `(1, frame, 1,
    256, 192)` and `body_motion` `(1, frame, 2)`, as of `inputs`; it gives for gaze, head and body
    a direction `(1, frame, 3)` in the camera frame and a concentration `(1, frame)`, not
    calibrated.

    Args:
        weights: written by `eyeline import` or `eyeline train`.
        out: the `.onnx` file.

    Raises:
        CheckpointError: weights of another network, or a damaged file.
        OutputError: the place cannot be written.
    """
    if checkpoint.read_card(weights).builder in BUILDERS:
        export.to_onnx(weights, out)
        return
    network = load_gaze_from_afar(weights)
    frames = network.frames
    example = (
        torch.zeros(1, frames, 3, 256, 192),
        torch.zeros(1, frames, 1, 256, 192),
        torch.zeros(1, frames, 2),
    )
    write_onnx(_Flat(network), example, out, inputs=INPUTS, outputs=OUTPUTS)
