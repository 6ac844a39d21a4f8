"""Writing a network as ONNX, for use without torch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from eyeline.files import replacing

OPSET = 17


def write_onnx(
    network: nn.Module,
    example: tuple[Tensor, ...],
    out: Path | str,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_axes: Mapping[str, Mapping[int, str]] | None = None,
) -> None:
    """Write a network, whole or not at all.

    Raises:
        OutputError: the place cannot be written.
    """
    with replacing(Path(out)) as temporary, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the exporter that needs no further package
        torch.onnx.export(
            network.eval(),
            example,
            temporary,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=dynamic_axes,
            opset_version=OPSET,
            dynamo=False,
        )
