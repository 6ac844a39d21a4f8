"""Running a network part by part, arrays in and arrays out: in torch, ONNX Runtime or OpenVINO."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from eyeline.errors import CheckpointError, UsageError, check_shape
from eyeline.runtimes import manifest
from eyeline.runtimes.interface import Interface, Part
from eyeline.runtimes.manifest import ONNX_SUFFIX, Manifest
from eyeline.training.devices import THREADS

if TYPE_CHECKING:
    from torch import nn

    from eyeline.training.cards import CheckpointCard

Array: TypeAlias = npt.NDArray[Any]
Runtime = Literal["torch", "onnxruntime", "openvino"]
RUNTIMES: dict[Runtime, tuple[str, ...]] = {
    "torch": (".safetensors",),
    "onnxruntime": (ONNX_SUFFIX,),
    "openvino": manifest.SUFFIXES,
}
"""Suffixes of the files that each runs."""


class Running(ABC):
    """A network, ready to run."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface

    def run(self, part: str, *inputs: Array) -> list[Array]:
        """A part's outputs, in the order of its interface.

        Raises:
            DataError: an input of another shape.
        """
        expected, sizes = self.interface.parts[part], dict[str, int]()
        for (name, axes), values in zip(expected.inputs.items(), inputs, strict=True):
            sizes = check_shape(values, axes, name, sizes)
        kinds = (self.interface.kinds.get(name, "float32") for name in expected.inputs)
        return self._run(
            part, [np.ascontiguousarray(v, k) for v, k in zip(inputs, kinds, strict=True)]
        )

    @abstractmethod
    def _run(self, part: str, inputs: Sequence[Array]) -> list[Array]:
        """The same of inputs that are as they should be."""


class TorchNetwork(Running):
    """A module in evaluation mode, on its device."""

    def __init__(self, network: nn.Module, threads: int | None = None) -> None:
        super().__init__(cast(Interface, network.interface))
        self.network, self.threads = network.eval(), threads

    def _run(self, part: str, inputs: Sequence[Array]) -> list[Array]:
        import torch

        from eyeline.runtimes.write import flat
        from eyeline.training.devices import for_answers

        device = next(chain(self.network.parameters(), self.network.buffers())).device
        with for_answers(self.threads or torch.get_num_threads()):
            tensors = [torch.from_numpy(values).to(device) for values in inputs]
            result = flat(getattr(self.network, part)(*tensors))
            return [tensor.float().cpu().numpy() for tensor in result]


class OnnxNetwork(Running):
    """An exported file in ONNX Runtime; each part is a session of its own."""

    def __init__(self, path: Path, what: Manifest, device: str, threads: int) -> None:
        super().__init__(what.interface)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        providers = _providers(onnxruntime, device)
        model = manifest.load_onnx(path)
        self._sessions = {
            name: _session(onnxruntime, _part_of(model, part), options, providers, path)
            for name, part in what.interface.parts.items()
        }

    def _run(self, part: str, inputs: Sequence[Array]) -> list[Array]:
        expected = self.interface.parts[part]
        given = dict(zip(expected.inputs, inputs, strict=True))
        return list(self._sessions[part].run(list(expected.outputs), given))


class OpenVinoNetwork(Running):
    """An exported file in OpenVINO; each part is a model of its own."""

    def __init__(self, path: Path, what: Manifest, threads: int) -> None:
        super().__init__(what.interface)
        ov = manifest.openvino()
        core = ov.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if what.precision == "bfloat16" else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
        }
        try:
            model = core.read_model(path)
            self._parts = {
                name: core.compile_model(_cut(ov, model.clone(), part), "CPU", settings)
                for name, part in what.interface.parts.items()
            }
        except RuntimeError as error:
            raise CheckpointError(
                f"{path} cannot be run by OpenVINO: {_last_line(error)}"
            ) from error

    def _run(self, part: str, inputs: Sequence[Array]) -> list[Array]:
        result = self._parts[part](list(inputs))
        return [np.array(result[name]) for name in self.interface.parts[part].outputs]


def running(network: nn.Module | Running) -> Running:
    """A module as a network that runs; one that does already is given back."""
    return network if isinstance(network, Running) else TorchNetwork(network)


def open_network(
    path: Path | str,
    names: Sequence[str],
    load: Callable[[], nn.Module],
    *,
    device: str = "cpu",
    runtime: Runtime | None = None,
    threads: int = THREADS,
) -> tuple[Running, CheckpointCard]:
    """The network of a file, and the card of its weights.

    Args:
        path: weights, or an exported file.
        names: networks that it may be, `system/network`.
        load: makes the module of weights, whose batch norms are then folded.
        device: `cpu`, `cuda` or `cuda:N`.
        runtime: by default torch for weights, else as the file's format suggests.
        threads: of the CPU.

    Raises:
        CheckpointError: a file that is not what it should be.
        UsageError: a runtime that does not take such a file or device, or is not installed.
    """
    path = Path(path)
    chosen = runtime_of(path, runtime)
    if chosen == "torch":
        from eyeline.training import checkpoint
        from eyeline.training.fused import fused

        network = load()
        quick = fused(network) if hasattr(network, "foldable") else network
        return TorchNetwork(quick, threads), checkpoint.read_card(path)
    what = manifest.read(path)
    if what.name not in names:
        raise CheckpointError(f"{path} holds {what.name}; expected {' or '.join(names)}")
    if chosen == "onnxruntime":
        return OnnxNetwork(path, what, device, threads), what.card
    if device != "cpu":
        raise UsageError(f"--device {device}; OpenVINO runs on the cpu here")
    return OpenVinoNetwork(path, what, threads), what.card


def runtime_of(path: Path, wanted: Runtime | None) -> Runtime:
    """What runs a file; UsageError where that is not what was asked for."""
    default: Runtime = "torch"
    if exported := manifest.is_exported(path):
        default = "onnxruntime" if path.suffix == ONNX_SUFFIX else "openvino"
    chosen = wanted or default
    if exported == (chosen == "torch") or (exported and path.suffix not in RUNTIMES[chosen]):
        how = (
            "give the .safetensors file of the same weights"
            if chosen == "torch"
            else f"write one by: eyeline export SYSTEM --weights {path if not exported else 'W'} "
            f"--out F{ONNX_SUFFIX}"
        )
        raise UsageError(
            f"--runtime {chosen} runs {' and '.join(RUNTIMES[chosen])} files, not {path}; {how}"
        )
    return chosen


def _providers(onnxruntime: Any, device: str) -> list[Any]:
    kind, _, number = device.partition(":")
    if kind == "cpu":
        return ["CPUExecutionProvider"]
    if kind != "cuda" or "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise UsageError(f"--device {device}; this ONNX Runtime knows the cpu alone")
    return [("CUDAExecutionProvider", {"device_id": int(number or 0)}), "CPUExecutionProvider"]


def _session(
    onnxruntime: Any, content: bytes, options: Any, providers: list[Any], path: Path
) -> Any:
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # the library has a class an error, and none above them
        raise CheckpointError(
            f"{path} cannot be run by ONNX Runtime: {_last_line(error)}"
        ) from error


def _part_of(model: Any, part: Part) -> bytes:
    """A part of an ONNX model alone."""
    from onnx.utils import Extractor

    extracted = Extractor(model).extract_model(list(part.inputs), list(part.outputs))
    return bytes(extracted.SerializeToString())


def _cut(ov: Any, model: Any, part: Part) -> Any:
    """A part of a model of OpenVINO alone: outputs that it takes become its inputs."""
    inputs = []
    for name in part.inputs:
        value = model.output(name).get_node().input_value(0) if _is_output(model, name) else None
        if value is None:
            inputs.append(model.input(name).get_node())
            continue
        created = ov.opset13.parameter(value.get_partial_shape(), value.get_element_type(), name)
        for target in value.get_target_inputs():
            if target.get_node().get_type_name() != "Result":
                target.replace_source_output(created.output(0))
        inputs.append(created)
    outputs = [model.output(name).get_node().input_value(0) for name in part.outputs]
    return ov.Model(outputs, inputs)


def _is_output(model: Any, name: str) -> bool:
    return any(name in output.get_names() for output in model.outputs)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:200]
