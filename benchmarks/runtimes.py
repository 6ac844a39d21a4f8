"""Every network in torch, ONNX Runtime and OpenVINO, and how far their outputs lie apart.

Weights are random, inputs of the published sizes. `torch` is the network as `analyze` runs it, with
its batch norms folded. Times are of the processor, all threads together, which other work on the
machine disturbs less than the clock.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

    from eyeline.runtimes.interface import Interface
    from eyeline.runtimes.run import Array, Running

SIZES: dict[str, dict[str, int]] = {
    "ego_social/lam_lstm": {"batch": 1, "h": 224, "w": 224},
    "ego_social/ttm": {"batch": 1, "time": 31, "h": 224, "w": 224, "sample": 16_000},
    "eye_contact/landmarks_tcn": {"batch": 1, "time": 1000},
    "eye_contact/xgaze_resnet50": {"face": 4},
    "eye_contact/ms_tcn2": {"batch": 1, "time": 1000},
    "gaze_3d/gaze_from_afar": {"batch": 1, "h": 256, "w": 192},
    "gaze_3d/heads": {"face": 4},
    "gaze_3d/eyes": {"face": 4},
    "gaze_following/syncnet": {"clips": 4, "windows": 4},
    "gaze_following/mask_rcnn": {"batch": 1, "h": 416, "w": 736, "region": 300, "mask": 10},
    "gaze_following/matcher": {"batch": 8, "options": 20},
    "gaze_following/dinov2": {"batch": 1},
    "gaze_following/gaze_lle": {"images": 1, "people": 4},
    "gaze_anticipation/csts": {"batch": 1},
}
"""Of free axes. `gaze360_lstm` is `lam_lstm`, `mvit_b` the video encoder of `csts`."""
INT8 = ("ego_social/lam_lstm", "eye_contact/xgaze_resnet50", "gaze_3d/gaze_from_afar")
"""Networks of convolutions, for which 8 bits are measured, too."""


def run(*, quick: bool = False) -> dict[str, object]:
    """By network and runtime: milliseconds, and the greatest difference from torch.

    Differences are by the largest number of each output.

    Args:
        quick: small networks alone.
    """
    names = ["gaze_3d/heads", "gaze_following/matcher"] if quick else list(SIZES)
    return {name: compared(name) for name in names}


def compared(name: str, repeat: int = 3) -> dict[str, object]:
    """One network."""
    import torch

    from eyeline.runtimes.write import example

    module = network_of(name)
    interface: Interface = module.interface  # type: ignore[assignment]
    inputs = example(interface, 1, SIZES[name])
    given = {k: v.numpy() for k, v in zip(interface.inputs, inputs, strict=True)}
    ours = _torch(name, module, torch.get_num_threads())
    truth = outputs(ours, given)
    figures: dict[str, object] = {"torch_ms": timed(ours, given, repeat)}
    del ours
    with exported(name, module, given) as files:
        del module
        for label, (path, runtime) in files.items():
            gc.collect()
            network = _opened(path, name, runtime, torch.get_num_threads())
            figures[f"{label}_apart"] = apart(truth, outputs(network, given))
            figures[f"{label}_ms"] = timed(network, given, repeat)
            del network
    return figures


def outputs(network: Running, given: Mapping[str, Array]) -> dict[str, Array]:
    """All outputs, part by part."""
    known = dict(given)
    for name, part in network.interface.parts.items():
        result = network.run(name, *(known[key] for key in part.inputs))
        known |= zip(part.outputs, result, strict=True)
    return {name: known[name] for name in network.interface.outputs}


def timed(network: Running, given: Mapping[str, Array], repeat: int) -> float:
    """Median of the processor's milliseconds."""
    spent = []
    for _ in range(repeat):
        start = time.process_time()
        outputs(network, given)
        spent.append(1e3 * (time.process_time() - start))
    return round(median(spent), 2)


@contextmanager
def exported(
    name: str, module: nn.Module, given: Mapping[str, Array]
) -> Iterator[dict[str, tuple[Path, Any]]]:
    """Files by what is measured of them, and their runtime."""
    from eyeline.runtimes import write
    from eyeline.runtimes.manifest import Manifest
    from eyeline.training.checkpoint import CheckpointCard

    system, _, builder = name.partition("/")
    with tempfile.TemporaryDirectory() as folder:
        one, half, small = (Path(folder) / file for file in ("f.onnx", "b.xml", "i.onnx"))
        calibration = Path(folder) / "c.npz"
        np.savez(calibration, **{k: np.stack([v, v]) for k, v in given.items()})
        card, interface = CheckpointCard(system, builder, {}), module.interface
        files: dict[str, tuple[Path, Any]] = {
            "onnxruntime": (one, "onnxruntime"),
            "openvino": (one, "openvino"),
            "openvino_bfloat16": (half, "openvino"),
        }
        write.write(module, one, Manifest(card, interface))  # type: ignore[arg-type]
        write.write(module, half, Manifest(card, interface, "bfloat16"), "openvino")  # type: ignore[arg-type]
        if name in INT8:
            what = Manifest(card, interface, "int8")  # type: ignore[arg-type]
            write.write(module, small, what, "onnx", calibration)
            files |= {
                "onnxruntime_int8": (small, "onnxruntime"),
                "openvino_int8": (small, "openvino"),
            }
        yield files


def network_of(name: str) -> nn.Module:
    """With random weights, in evaluation mode; `name` is SYSTEM/BUILDER."""
    import torch

    from eyeline.system import load_system

    torch.manual_seed(0)
    system, _, builder = name.partition("/")
    return load_system(system).networks[builder]().eval()


def _torch(name: str, module: nn.Module, threads: int) -> Running:
    from eyeline.runtimes.run import TorchNetwork
    from eyeline.systems.eye_contact.xgaze import gaze_network
    from eyeline.training.fused import fused

    if name.endswith("xgaze_resnet50"):
        return TorchNetwork(gaze_network.folded(module), threads)  # type: ignore[type-var]
    return TorchNetwork(fused(module) if hasattr(module, "foldable") else module, threads)


def _opened(path: Path, name: str, runtime: Any, threads: int) -> Running:
    from eyeline.runtimes.run import open_network

    def absent() -> nn.Module:
        raise AssertionError("an exported file is run as it is")

    return open_network(path, [name], absent, runtime=runtime, threads=threads)[0]


def apart(truth: Mapping[str, Array], found: Mapping[str, Array]) -> float:
    """The greatest difference of all outputs, each by its largest number."""
    worst = 0.0
    for name, values in truth.items():
        known = np.isfinite(values)
        scale = max(float(np.abs(values[known]).max(initial=0)), 1e-9)
        worst = max(worst, float(np.abs(values - found[name])[known].max(initial=0)) / scale)
    return float(f"{worst:.1e}")
