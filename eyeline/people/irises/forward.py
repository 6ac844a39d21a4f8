"""The network as a graph for onnxruntime, made from its arrays, so that `analyze` needs no torch.

Equal to `model.IrisNet` to rounding; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyeline.people.irises.crops import CROP_H, CROP_W
from eyeline.people.sessions import open_session
from eyeline.results import Floats

Weights = Mapping[str, Floats]


@dataclass(frozen=True)
class Layer:
    """A convolution with the settings of its arrays."""

    inputs: int
    outputs: int
    size: int = 3
    stride: int = 1
    dilation: int = 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of its weight."""
        return (self.outputs, self.inputs, self.size, self.size)

    @property
    def padding(self) -> int:
        """Zeros on each side that keep the image's size."""
        return self.dilation * (self.size // 2)


LAYERS = {
    "enter": Layer(1, 12, stride=2),
    "fine": Layer(12, 24),
    "shrink": Layer(24, 32, stride=2),
    "wide": Layer(32, 32, dilation=2),
    "wider": Layer(32, 32, dilation=3),
    "deep": Layer(32, 32),
    "back": Layer(32, 24, size=1),
    "join": Layer(24, 24),
    "heat": Layer(24, 1, size=1),
    "gather": Layer(32, 16, stride=2),
}
"""All convolutions; all but `back` and `heat` are followed by a rectifier."""
HIDDEN = 32
_GATHERED = 16 * (CROP_H // 8) * (CROP_W // 8)
DENSE = {"hidden": (HIDDEN, _GATHERED), "told": (8, HIDDEN)}
"""Shapes of the dense layers."""
STEP = 2
"""Crop pixels a cell of the heat map."""
CORNER_UNIT_PX = 10.0
"""Unit in which the network tells where the eye corners are, from the crop's middle."""


def shapes() -> dict[str, tuple[int, ...]]:
    """Shapes of all arrays by name."""
    result: dict[str, tuple[int, ...]] = {}
    for name, layer in LAYERS.items():
        result |= {f"{name}.weight": layer.shape, f"{name}.bias": (layer.outputs,)}
    for name, shape in DENSE.items():
        result |= {f"{name}.weight": shape, f"{name}.bias": (shape[0],)}
    return result


def cells() -> Floats:
    """Places `(cells, 2)` of the heat map's cells in crop pixels, row by row."""
    y, x = np.mgrid[: CROP_H // STEP, : CROP_W // STEP]
    place = np.stack([x, y], axis=-1).reshape(-1, 2) * STEP + (STEP - 1) / 2
    return np.asarray(place, np.float32)


def session(weights: Weights, threads: int = 1) -> Any:
    """An onnxruntime session: `crops` `(n, 1, h, w)` to `place` `(n, 2)` and `log` `(n, 8)`."""
    return open_session(_model(weights).SerializeToString(), threads)


def _model(weights: Weights) -> Any:
    """The graph with its weights."""
    from onnx import TensorProto, helper, numpy_helper

    kind = TensorProto.FLOAT
    constants = {
        "cells": cells(),
        "double": np.array([1, 1, 2, 2], np.float32),
        "flat": np.array([0, -1], np.int64),
        **{name: np.asarray(value, np.float32) for name, value in weights.items()},
    }
    graph = helper.make_graph(
        [*_trunk(), *_place(), *_known()],
        "irises",
        [helper.make_tensor_value_info("crops", kind, ["n", 1, CROP_H, CROP_W])],
        [
            helper.make_tensor_value_info("place", kind, ["n", 2]),
            helper.make_tensor_value_info("told", kind, ["n", DENSE["told"][0]]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def _trunk() -> list[Any]:
    chain = ["enter", "fine", "shrink", "wide", "wider", "deep"]
    return [
        node
        for before, name in zip(["crops", *chain], chain, strict=False)
        for node in _convolution(name, before)
    ]


def _place() -> list[Any]:
    from onnx import helper

    return [
        *_convolution("back", "deep", rectified=False),
        helper.make_node(
            "Resize", ["back", "", "double"], ["grown"], mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        ),
        helper.make_node("Add", ["grown", "fine"], ["sum"]),
        *_convolution("join", "sum"),
        *_convolution("heat", "join", rectified=False),
        helper.make_node("Reshape", ["heat", "flat"], ["heat_flat"]),
        helper.make_node("Softmax", ["heat_flat"], ["share"], axis=1),
        helper.make_node("MatMul", ["share", "cells"], ["place"]),
    ]  # fmt: skip


def _known() -> list[Any]:
    from onnx import helper

    def dense(name: str, before: str, after: str) -> Any:
        inputs = [before, f"{name}.weight", f"{name}.bias"]
        return helper.make_node("Gemm", inputs, [after], transB=1)

    return [
        *_convolution("gather", "deep"),
        helper.make_node("Reshape", ["gather", "flat"], ["gathered"]),
        dense("hidden", "gathered", "hidden_raw"),
        helper.make_node("Relu", ["hidden_raw"], ["hidden"]),
        dense("told", "hidden", "told"),
    ]


def _convolution(name: str, before: str, rectified: bool = True) -> list[Any]:
    from onnx import helper

    layer = LAYERS[name]
    node = helper.make_node(
        "Conv", [before, f"{name}.weight", f"{name}.bias"], [f"{name}_raw" if rectified else name],
        kernel_shape=[layer.size] * 2, strides=[layer.stride] * 2,
        dilations=[layer.dilation] * 2, pads=[layer.padding] * 4,
    )  # fmt: skip
    return [node, helper.make_node("Relu", [f"{name}_raw"], [name])] if rectified else [node]
