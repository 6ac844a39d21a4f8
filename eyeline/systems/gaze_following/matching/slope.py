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

from eyeline.errors import CheckpointError, DataError, check_shape
from eyeline.results import Floats
from eyeline.training import checkpoint

if TYPE_CHECKING:
    from torch import Tensor, nn

NETWORK = "slope_mlp"
"""Its name in weights files."""


def _logistic(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -500, 500))))


_ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "identity": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "tanh": np.tanh,
    "logistic": _logistic,
}
ACTIVATIONS = tuple(_ACTIVATIONS)
"""Of hidden layers."""


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
        if self.activation not in _ACTIVATIONS:
            raise CheckpointError(
                f"no activation '{self.activation}' of a slope; there are {', '.join(ACTIVATIONS)}"
            )
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
    card, arrays = checkpoint.load_arrays(path)
    checkpoint.check_builder(card, "gaze_following", (NETWORK,), path)
    arguments = checkpoint.checked_arguments(slope_mlp, card, arrays, path)
    widths = (2, *arguments.get("hidden", ()), 1)
    expected: dict[str, tuple[int, ...]] = {}
    for i in range(len(widths) - 1):
        expected |= {
            f"layers.{i}.weight": (widths[i + 1], widths[i]),
            f"layers.{i}.bias": (widths[i + 1],),
        }
    checkpoint.compare(expected, arrays, NETWORK, path)
    layers = range(len(widths) - 1)
    return SlopeMlp(
        tuple(arrays[f"layers.{i}.weight"].T.astype(np.float64) for i in layers),
        tuple(arrays[f"layers.{i}.bias"].astype(np.float64) for i in layers),
        arguments.get("activation", "relu"),
    )


def fit(
    head_points_px: Floats, gaze_points_px: Floats, *, hidden: Sequence[int] = (100,), seed: int = 0
) -> SlopeMlp:
    """A regressor trained on annotated looks, as far as the published way is known.

    The authors' training script is lost; what is left says that slopes without a value or without
    an end count as 0, and that scikit-learn's defaults were used.

    Args:
        head_points_px: `(n, 2)`.
        gaze_points_px: `(n, 2)`.
        hidden: widths of the hidden layers; the authors' are not known.
        seed: of the first weights and of the order.

    Raises:
        DataError: points that do not fit, or none.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    sizes = check_shape(head_points_px, "n 2", "head points")
    check_shape(gaze_points_px, "n 2", "gaze points", sizes)
    if not sizes["n"]:
        raise DataError("no looks to learn slopes from")
    step = np.asarray(gaze_points_px, np.float64) - head_points_px
    with np.errstate(divide="ignore", invalid="ignore"):
        target = np.nan_to_num(step[:, 1] / step[:, 0], nan=0.0, posinf=0.0, neginf=0.0)
    model = MLPRegressor(hidden_layer_sizes=tuple(hidden), random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the defaults stop after 200 rounds
        model.fit(np.asarray(head_points_px, np.float64), target)
    return SlopeMlp(tuple(model.coefs_), tuple(model.intercepts_))


def state_of(mlp: SlopeMlp) -> dict[str, Tensor]:
    """The regressor's numbers by the names of `slope_mlp`."""
    import torch

    state: dict[str, Tensor] = {}
    for i, (weight, bias) in enumerate(zip(mlp.weight, mlp.bias, strict=True)):
        state[f"layers.{i}.weight"] = torch.from_numpy(np.ascontiguousarray(weight.T))
        state[f"layers.{i}.bias"] = torch.from_numpy(np.ascontiguousarray(bias))
    return state


def slope_mlp(*, hidden: Sequence[int] = (100,), activation: str = "relu") -> nn.Module:
    """The same as a module in double precision, `(batch, 2)` pixels to `(batch, 1)`.

    Raises:
        CheckpointError: no such activation.
    """
    from eyeline.systems.gaze_following.matching.model import Mlp

    if activation not in _ACTIVATIONS:
        raise CheckpointError(
            f"no activation '{activation}' of a slope; there are {', '.join(ACTIVATIONS)}"
        )
    network: nn.Module = Mlp((2, *hidden, 1), activation=activation).double()
    return network


def arguments_of(mlp: SlopeMlp) -> dict[str, Any]:
    """What `slope_mlp` is to be called with for it."""
    return {"hidden": list(mlp.hidden), "activation": mlp.activation}
