"""The network: a heat map whose middle of mass is the iris, and eight numbers beside it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyeline.people.irises import forward


class IrisNet(nn.Module):
    """Standardised crops `(n, 1, CROP_H, CROP_W)` to the iris' place and what else is told.

    Some 60 000 numbers, 7 million multiplications a crop.
    """

    cells: Tensor

    def __init__(self) -> None:
        """Fill the layers of `forward.LAYERS` at random."""
        super().__init__()
        for name, layer in forward.LAYERS.items():
            convolution = nn.Conv2d(
                layer.inputs, layer.outputs, layer.size, layer.stride, layer.padding, layer.dilation
            )
            self.add_module(name, convolution)
        for name, (outputs, inputs) in forward.DENSE.items():
            self.add_module(name, nn.Linear(inputs, outputs))
        self.register_buffer("cells", torch.tensor(forward.cells()), persistent=False)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """`place` `(n, 2)` in crop pixels and `log` `(n, 8)`, see `locate.read`."""
        fine = self._relu("fine", self._relu("enter", crops))
        deep = fine
        for name in ("shrink", "wide", "wider", "deep"):
            deep = self._relu(name, deep)
        grown = F.interpolate(self._apply_layer("back", deep), scale_factor=2.0, mode="nearest")
        heat = self._apply_layer("heat", self._relu("join", grown + fine))
        place = heat.flatten(1).softmax(1) @ self.cells
        hidden = self._relu("hidden", self._relu("gather", deep).flatten(1))
        return place, self._apply_layer("told", hidden)

    def _relu(self, name: str, values: Tensor) -> Tensor:
        return F.relu(self._apply_layer(name, values))

    def _apply_layer(self, name: str, values: Tensor) -> Tensor:
        done: Tensor = self.get_submodule(name)(values)
        return done
