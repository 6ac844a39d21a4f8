"""Numbers of 8 bits: ranges are measured on inputs of real data, weights are rounded by channel."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.runtimes.interface import Interface

Sample = dict[str, npt.NDArray[Any]]


def samples(path: Path, interface: Interface) -> list[Sample]:
    """Inputs of a network from an `.npz` file: an array an input, samples along the first axis.

    Raises:
        DataError: no such file, another kind of file, other inputs, shapes or counts, or none.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no .npz file of arrays: {error}") from error
    if arrays.keys() != interface.inputs.keys():
        raise DataError(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}; the network takes "
            f"{', '.join(interface.inputs)}"
        )
    for name, axes in interface.inputs.items():
        check_shape(arrays[name], f"samples {axes}", f"{name} of {path}")
    counts = {len(values) for values in arrays.values()}
    if len(counts) > 1 or not min(counts):
        raise DataError(
            f"{path} has {sorted(counts)} samples; expected as many of each, at least 1"
        )
    kinds = {name: interface.kinds.get(name, "float32") for name in arrays}
    return [
        {name: values[i].astype(kinds[name]) for name, values in arrays.items()}
        for i in range(counts.pop())
    ]


def quantise(model: Path, interface: Interface, calibration: Path) -> None:
    """Make convolutions and products of an ONNX file ones of 8 bits, in place.

    Raises:
        DataError: as of `samples`.
    """
    from onnxruntime.quantization import QuantType, quantize_static

    given = samples(calibration, interface)
    rounded, level = model.with_suffix(".int8.onnx"), logging.root.manager.disable
    try:
        logging.disable(logging.WARNING)  # it advises a step that torch's exporter has taken
        quantize_static(
            model,
            rounded,
            _Reader(given),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # within 7 bits sums of products cannot overflow on processors without VNNI
            reduce_range=True,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        )
        rounded.replace(model)
    finally:
        logging.disable(level)
        rounded.unlink(missing_ok=True)


class _Reader:
    """Samples one by one, as the library asks for them."""

    def __init__(self, given: list[Sample]) -> None:
        self._rest: Iterator[Sample] = iter(given)

    def get_next(self) -> Sample | None:
        """The next one; None after the last."""
        return next(self._rest, None)
