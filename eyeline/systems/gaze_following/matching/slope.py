"""The published regressor: from where a head is, to the slope of its look.

A slope knows no direction: a look to the left and one to the right along the same line are the
same to it. It is here because the published rules in `rules` need it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.special

from eyeline.errors import CheckpointError, check_shape
from eyeline.results import Floats
from eyeline.training import checkpoint

if TYPE_CHECKING:
    from torch import Tensor, nn

NETWORK = "slope_mlp"
"""Its name in weights files."""


_KINDS = ("weight", "bias")
_ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "identity": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "logistic": scipy.special.expit,
}
ACTIVATIONS = tuple(_ACTIVATIONS)
"""Of hidden layers."""


def _check_activation(name: str) -> None:
    if name not in _ACTIVATIONS:
        raise CheckpointError(
            f"no activation '{name}' of a slope; there are {', '.join(ACTIVATIONS)}"
        )


@dataclass(frozen=True)
class SlopeMlp:
    """Layers of products and sums with an activation between them."""

    weight: tuple[Floats, ...]
    """Of each layer `(inputs, outputs)`; 2 inputs of the first, 1 output of the last."""
    bias: tuple[Floats, ...]
    """Of each layer `(outputs,)`."""
    activation: str = "relu"
    """One of `ACTIVATIONS`."""

    def __post_init__(self) -> None:
        """Check that the layers fit each other; CheckpointError says which does not."""
        _check_activation(self.activation)
        width = 2
        for i, (weight, bias) in enumerate(zip(self.weight, self.bias, strict=True)):
            if weight.ndim != 2 or weight.shape[0] != width or bias.shape != weight.shape[1:]:
                raise CheckpointError(
                    f"layer {i} of the slope has weights {weight.shape} and biases {bias.shape}; "
                    f"it should take {width} numbers"
                )
            width = weight.shape[1]
        if width != 1:
            raise CheckpointError(f"the slope has {width} outputs; expected 1")

    def __call__(self, head_points_px: Floats) -> Floats:
        """Slopes `(n,)`, y down over x right, of heads with their centres at `(n, 2)` pixels."""
        check_shape(head_points_px, "n 2", "head points")
        values: Floats = np.asarray(head_points_px, np.float64)
        for i, (weight, bias) in enumerate(zip(self.weight, self.bias, strict=True)):
            values = values @ weight + bias
            if i < len(self.weight) - 1:
                values = _ACTIVATIONS[self.activation](values)
        return values[:, 0]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return tuple(weight.shape[1] for weight in self.weight[:-1])


def read(path: Path | str) -> SlopeMlp:
    """The regressor in a weights file that `eyeline import` made.

    Raises:
        CheckpointError: no such file, or weights of something else.
    """
    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, "gaze_following", (NETWORK,), path)
    tensors = checkpoint.build(slope_mlp, card, state, path).state_dict()
    weight, bias = ([v.numpy() for k, v in tensors.items() if kind in k] for kind in _KINDS)
    activation = card.arguments.get("activation", "relu")
    return SlopeMlp(tuple(w.T for w in weight), tuple(bias), activation)


def state_of(mlp: SlopeMlp) -> dict[str, Tensor]:
    """The regressor's numbers by the names of `slope_mlp`."""
    import torch

    layers = enumerate(zip([w.T for w in mlp.weight], mlp.bias, strict=True))
    return {
        f"layers.{i}.{kind}": torch.from_numpy(np.ascontiguousarray(values))
        for i, layer in layers
        for kind, values in zip(_KINDS, layer, strict=True)
    }


def slope_mlp(*, hidden: Sequence[int] = (100,), activation: str = "relu") -> nn.Module:
    """The same as a module in double precision, `(batch, 2)` pixels to `(batch, 1)`.

    Raises:
        CheckpointError: no such activation.
    """
    from eyeline.systems.gaze_following.matching.model import Mlp

    _check_activation(activation)
    return Mlp((2, *hidden, 1), activation=activation).double()


def arguments_of(mlp: SlopeMlp) -> dict[str, Any]:
    """What `slope_mlp` is to be called with for it."""
    return {"hidden": list(mlp.hidden), "activation": mlp.activation}
