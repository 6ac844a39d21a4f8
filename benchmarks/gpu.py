"""All figures of a GPU in less than ten minutes: every network, then every training.

`python -m benchmarks gpu --device cuda`. Weights are random, inputs of the published sizes; what
did not fit into the time is named in `left_out`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from benchmarks import trainings
from benchmarks.pairs import median_ms, waited
from benchmarks.runtimes import SIZES, apart, network_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from eyeline.runtimes.run import Array

SECONDS = 540.0
"""After which nothing more is begun."""
MANY = 16
"""Times as many items as `runtimes.SIZES` says, for what a second yields."""
_ITEMS = ("batch", "face", "clips", "images")
"""Axes that count items."""


def run(device: str = "cuda", *, quick: bool = False) -> dict[str, object]:
    """By network: milliseconds and items a second, in float32 and bfloat16; then `trainings`.

    Args:
        device: a GPU; a processor with `quick` only shows that all of it runs.
        quick: the smallest network and one training.
    """
    until = time.monotonic() + SECONDS
    names = ["gaze_3d/heads"] if quick else list(SIZES)
    figures: dict[str, object] = {}
    for name in names:
        if time.monotonic() < until:
            figures[name] = forward(name, device, 3 if quick else 20)
    return {
        "networks": figures,
        "left_out": [name for name in names if name not in figures],
        "trainings": trainings.run(device, quick=quick, until=until),
    }


def forward(name: str, device: str, repeat: int) -> dict[str, object]:
    """Medians of one network; `apart`: of bfloat16 from float32, by the largest number."""
    import torch

    network, figures = network_of(name).to(device), dict[str, object]()
    for many in (1, MANY):
        sizes = {axis: n * (many if axis in _ITEMS else 1) for axis, n in SIZES[name].items()}
        items = next((sizes[axis] for axis in _ITEMS if axis in sizes), 1)
        inputs = _inputs(network, sizes, device)
        exact: dict[str, Tensor] = {}
        for label in ("float32", "bfloat16"):
            half = torch.autocast(torch.device(device).type, torch.bfloat16)
            with torch.inference_mode(), half if label == "bfloat16" else nullcontext():
                try:
                    outputs = _outputs(network, inputs)
                    ms = median_ms(lambda i=inputs: waited(_outputs(network, i), device), repeat)
                except RuntimeError as error:  # of memory, too
                    figures[f"{label}_{items}"] = str(error).partition("\n")[0]
                    continue
            figures[f"{label}_{items}"] = {
                "ms": ms,
                "items_a_second": round(1e3 * items / ms, 1),
            }
            if label == "float32":
                exact = outputs
            elif exact:
                figures["apart"] = apart(_arrays(exact), _arrays(outputs))
    return figures


def _inputs(network: nn.Module, sizes: dict[str, int], device: str) -> dict[str, Tensor]:
    from eyeline.runtimes.write import example

    interface: Any = network.interface
    given = example(interface, 1, sizes)
    return {k: v.to(device) for k, v in zip(interface.inputs, given, strict=True)}


def _outputs(network: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """All outputs, part by part."""
    from eyeline.runtimes.write import flat

    interface: Any = network.interface
    known = dict(inputs)
    for name, part in interface.parts.items():
        values: Sequence[Tensor] = flat(getattr(network, name)(*(known[k] for k in part.inputs)))
        known |= zip(part.outputs, values, strict=True)
    return {name: known[name] for name in interface.outputs}


def _arrays(outputs: dict[str, Tensor]) -> dict[str, Array]:
    return {name: tensor.float().cpu().numpy() for name, tensor in outputs.items()}
