"""Both networks as ONNX, for use without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.errors import CheckpointError
from eyeline.systems.eye_contact.xgaze.weights import (
    GAZE_NETWORK,
    SEGMENTER,
    load_gaze_network,
    load_segmenter,
)
from eyeline.training import checkpoint

if TYPE_CHECKING:
    from torch import nn

_AXES = {
    GAZE_NETWORK: {"faces": {0: "face"}, "pitch_yaw": {0: "face"}, "feature": {0: "face"}},
    SEGMENTER: {"features": {2: "time"}, "logits": {3: "time"}},
}


def to_onnx(weights: Path | str, out: Path | str) -> None:
    """Write a network of this builder as ONNX, whole or not at all.

    `xgaze_resnet50` takes `faces` `(face, 3, 224, 224)` as of `inputs.network_input` and gives
    `pitch_yaw` `(face, 2)` and `feature` `(face, 2048)`; `ms_tcn2` takes `features`
    `(1, feature, time)` and gives `logits` `(stage, 1, 2, time)`.

    Args:
        weights: written by `eyeline import` or `eyeline train`.
        out: the `.onnx` file.

    Raises:
        CheckpointError: weights of another network, or a damaged file.
        OutputError: the place cannot be written.
    """
    import torch

    from eyeline.training.onnx import write_onnx

    builder = checkpoint.read_card(weights).builder
    if builder == GAZE_NETWORK:
        network: nn.Module = load_gaze_network(weights)
        example = torch.zeros(1, 3, 224, 224)
    elif builder == SEGMENTER:
        segmenter = load_segmenter(weights)
        network, example = segmenter, torch.zeros(1, segmenter.PG.conv_1x1_in.in_channels, 100)
    else:
        raise CheckpointError(
            f"{weights} holds weights of {builder}; expected {GAZE_NETWORK} or {SEGMENTER}"
        )
    axes = _AXES[builder]
    names = list(axes)
    write_onnx(network, (example,), out, inputs=names[:1], outputs=names[1:], dynamic_axes=axes)
