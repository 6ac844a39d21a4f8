"""Writing a network for other runtimes: ONNX, or OpenVINO's own files, with what it is in them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from eyeline.errors import CheckpointError, UsageError
from eyeline.files import replacing
from eyeline.runtimes import manifest
from eyeline.runtimes.interface import Interface
from eyeline.runtimes.manifest import OPENVINO_SUFFIX, Manifest

OPSET = 17
FORMATS = ("onnx", "openvino")
PRECISIONS = {"float32": FORMATS, "bfloat16": ("openvino",), "int8": FORMATS}
"""Formats by precision: how products are computed. Weights of bfloat16 stay in 32 bits."""


class Chained(nn.Module):
    """A network's parts one after the other, all their outputs side by side."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.interface: Interface = network.interface  # type: ignore[assignment]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Of the interface's inputs its outputs, both in order."""
        known = dict(zip(self.interface.inputs, inputs, strict=True))
        for method, part in self.interface.parts.items():
            result = getattr(self.network, method)(*(known[name] for name in part.inputs))
            known |= zip(part.outputs, flat(result), strict=True)
        return tuple(known[name] for name in self.interface.outputs)


def flat(result: Any) -> list[Tensor]:
    """The tensors of what a method gives, in order."""
    if isinstance(result, Tensor):
        return [result]
    return [tensor for part in result if part is not None for tensor in flat(part)]


def example(
    interface: Interface, seed: int = 0, sizes: Mapping[str, int] | None = None
) -> list[Tensor]:
    """Inputs of random numbers; free axes are 2 long unless the interface or `sizes` say so."""
    rng = np.random.default_rng(seed)
    lengths = {**interface.example, **(sizes or {})}
    result = []
    for name, axes in interface.inputs.items():
        shape = [int(a) if a.isdigit() else lengths.get(a, 2) for a in axes.split()]
        values = rng.standard_normal(shape)
        if name in interface.rows:
            values = np.broadcast_to(interface.rows[name], shape)
        result.append(torch.from_numpy(values.astype(interface.kinds.get(name, "float32"))))
    return result


def write(
    network: nn.Module,
    out: Path,
    what: Manifest,
    format_: str = "onnx",
    calibration: Path | None = None,
) -> None:
    """Write a network in evaluation mode, whole or not at all.

    Args:
        network: has an `interface`; its parameters no longer ask for gradients.
        out: the file; of OpenVINO's format `.xml`, beside which the numbers become `.bin`.
        what: becomes part of the file.
        format_: one of `FORMATS`.
        calibration: inputs for `int8`, see `quantise.samples`.

    Raises:
        CheckpointError: the exporter cannot follow the network.
        UsageError: a precision that the format has not; OpenVINO is not installed; another suffix.
        DataError: a calibration of other inputs.
        OutputError: the place cannot be written.
    """
    check(out, format_, what.precision, calibration)
    with replacing(out.with_suffix(".onnx") if format_ == "onnx" else out) as temporary:
        model = temporary.with_suffix(".partial.onnx")
        try:
            _trace(network, model)
            if calibration is not None:
                from eyeline.runtimes.quantise import quantise

                quantise(model, what.interface, calibration)
            if format_ == "onnx":
                manifest.put(model, what)
                model.replace(temporary)
            else:
                _as_openvino(model, temporary, out, what)
        finally:
            model.unlink(missing_ok=True)


def check(out: Path, format_: str, precision: str, calibration: Path | None) -> None:
    """Raise a UsageError for choices that cannot be."""
    suffix = ".onnx" if format_ == "onnx" else OPENVINO_SUFFIX
    if out.suffix != suffix:
        raise UsageError(f"--out {out}; a file of format {format_} ends in {suffix}")
    if format_ not in PRECISIONS[precision]:
        raise UsageError(
            f"--precision {precision} is for --format {' or '.join(PRECISIONS[precision])}; "
            f"of {format_} there are "
            f"{', '.join(name for name, formats in PRECISIONS.items() if format_ in formats)}"
        )
    if (precision == "int8") != (calibration is not None):
        raise UsageError(
            "--precision int8 needs --calibration FILE.npz with inputs of the network from real "
            "data, by name, samples along the first axis"
            if calibration is None
            else f"--calibration belongs to --precision int8, not {precision}"
        )
    if format_ == "openvino":
        manifest.openvino()


def _trace(network: nn.Module, out: Path) -> None:
    chained = Chained(network).eval().requires_grad_(False)
    interface = chained.interface
    axes = {
        name: {i: axis for i, axis in enumerate(words.split()) if not axis.isdigit()}
        for name, words in {**interface.inputs, **interface.outputs}.items()
    }
    # gradients are not switched off: without them networks split batches as processors like it,
    # and the number of pieces would become part of the file
    with warnings.catch_warnings(), redirect_stdout(StringIO()):  # it prints graphs that it refuses
        warnings.simplefilter("ignore")  # about the exporter that needs no further package
        try:
            torch.onnx.export(
                chained,
                tuple(example(interface)),
                out,
                input_names=list(interface.inputs),
                output_names=list(interface.outputs),
                dynamic_axes={name: free for name, free in axes.items() if free},
                opset_version=OPSET,
                dynamo=False,
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise CheckpointError(f"torch cannot export this network: {reason}") from error
    if any(isinstance(module, nn.LSTM) for module in network.modules()):
        _without_states(out)


def _without_states(path: Path) -> None:
    """Let LSTMs begin at zeros by themselves: torch writes some of the example's batch."""
    import onnx

    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "LSTM":
            del node.input[5:]
    needed = {output.name for output in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if needed & {*node.output}:
            needed |= {*node.input}
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    onnx.save(model, path)


def _as_openvino(model: Path, temporary: Path, out: Path, what: Manifest) -> None:
    """Both files of OpenVINO; the numbers go first, under the name that the other one expects."""
    ov = manifest.openvino()
    converted = ov.Core().read_model(model)
    converted.set_rt_info(what.to_json(), ["eyeline"])
    xml = temporary.with_suffix(".partial.xml")
    numbers = xml.with_suffix(".bin")
    try:
        ov.save_model(converted, xml, compress_to_fp16=False)
        del converted
        numbers.replace(out.with_suffix(".bin"))
        xml.replace(temporary)
    finally:
        xml.unlink(missing_ok=True)
        numbers.unlink(missing_ok=True)
