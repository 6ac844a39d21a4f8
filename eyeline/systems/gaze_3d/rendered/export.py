"""The networks as ONNX, for use without torch."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from eyeline.people import head_crops
from eyeline.systems.gaze_3d.rendered.model import EyeNet, EyeOutputs, HeadNet, HeadOutputs
from eyeline.systems.gaze_3d.rendered.recipe import BUILDERS
from eyeline.training import checkpoint
from eyeline.training.onnx import write_onnx


def load(path: Path | str) -> HeadNet | EyeNet:
    """A network from its file, in evaluation mode.

    Raises:
        CheckpointError: weights of another network, or a damaged file.
    """
    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, "gaze_3d", tuple(BUILDERS), path)
    network = checkpoint.build(BUILDERS[card.builder], card, state, path)
    return cast("HeadNet | EyeNet", network)


def to_onnx(weights: Path | str, out: Path | str) -> None:
    """Write `heads` or `eyes` as ONNX, whole or not at all; the number of faces is free.

    `heads` takes `crop` `(n, 3, 96, 96)`, `eyes` takes `crops` `(n, 2, 3, 36, 60)` and `rotation`
    `(n, 3, 3)`; they give what `HeadOutputs` and `EyeOutputs` name.
    """
    network = load(weights)
    example: tuple[torch.Tensor, ...]
    names: tuple[str, ...]
    results: tuple[str, ...]
    if isinstance(network, HeadNet):
        names, results = ("crop",), HeadOutputs._fields
        example = (torch.zeros(1, 3, head_crops.HEAD_PX, head_crops.HEAD_PX),)
    else:
        names, results = ("crops", "rotation"), EyeOutputs._fields
        example = (torch.zeros(1, 2, 3, head_crops.EYE_H, head_crops.EYE_W), torch.eye(3)[None])
    axes = {name: {0: "face"} for name in (*names, *results)}
    write_onnx(network, example, out, inputs=names, outputs=results, dynamic_axes=axes)
