"""The forward pass of `landmarks_tcn` in numpy, so that `analyze` need not load torch for it.

Equal to `model.LandmarksTcn` to rounding; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eyeline.results import Floats

Weights = Mapping[str, Floats]

ARGUMENTS = frozenset(["channels", "layers", "dropout", "input_dropout", "input_noise", "members"])
"""What the builder takes."""


def log_odds(weights: Weights, features: Floats, parity: Floats) -> Floats:
    """Uncalibrated log odds of contact `(time,)`.

    Args:
        weights: arrays of the network's state by name, float32.
        features: `(time, feature)` as of `inputs.person_features`.
        parity: `(feature,)` -1 for features whose sign turns in a mirrored image, else 1.
    """
    seen = np.ascontiguousarray(features.T, np.float32)
    views = (seen, seen * parity[:, None].astype(np.float32))
    members = range(1 + max(int(name.split(".")[1]) for name in weights))
    logits = [_member(_part(weights, f"members.{m}."), view) for m in members for view in views]
    mean = np.mean(logits, axis=0)
    return np.asarray(mean[1] - mean[0], np.float64)


def sizes(arguments: Mapping[str, object], arrays: Weights) -> dict[str, int]:
    """The arguments that arrays show; ValueError for others, and for more than there are arrays."""
    if unknown := sorted(set(arguments) - ARGUMENTS):
        raise ValueError(f"it takes no {', '.join(unknown)}")
    largest = max((n for array in arrays.values() for n in array.shape), default=0)
    bounds = {"channels": largest, "layers": len(arrays), "members": len(arrays)}
    given: dict[str, int] = {}
    for name, most in bounds.items():
        value = arguments.get(name)
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(f"{name} is {str(value)[:40]}; its arrays are those of 1 to {most}")
        given[name] = value
    return given


def shapes(features: int, channels: int, layers: int, members: int) -> dict[str, tuple[int, ...]]:
    """Shapes of all arrays of a network, by name."""
    of_member = {
        "mean": (features,),
        "deviation": (features,),
        "enter.weight": (channels, features, 1),
        "enter.bias": (channels,),
        "leave.weight": (2, channels, 1),
        "leave.bias": (2,),
    }
    for i in range(layers):
        of_member |= {
            f"layers.{i}.dilated.weight": (channels, channels, 3),
            f"layers.{i}.dilated.bias": (channels,),
            f"layers.{i}.mix.weight": (channels, channels, 1),
            f"layers.{i}.mix.bias": (channels,),
        }
    return {f"members.{m}.{n}": shape for m in range(members) for n, shape in of_member.items()}


def _part(weights: Weights, prefix: str) -> Weights:
    return {n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}


def _member(weights: Weights, features: Floats) -> Floats:
    """Logits `(2, time)` of one member."""
    frames: Floats = (features - weights["mean"][:, None]) / weights["deviation"][:, None]
    frames = _pointwise(weights, "enter", frames.clip(-5, 5))
    for i in range(sum(name.endswith(".mix.bias") for name in weights)):
        inner = np.maximum(_dilated(weights, f"layers.{i}.dilated", frames, 2**i), 0)
        frames = frames + _pointwise(weights, f"layers.{i}.mix", inner)
    return _pointwise(weights, "leave", frames)


def _pointwise(weights: Weights, name: str, frames: Floats) -> Floats:
    """A convolution of one frame."""
    return np.asarray(
        weights[f"{name}.weight"][:, :, 0] @ frames + weights[f"{name}.bias"][:, None]
    )


def _dilated(weights: Weights, name: str, frames: Floats, dilation: int) -> Floats:
    """A convolution of three frames that lie `dilation` apart, zeros beyond both ends."""
    kernel = weights[f"{name}.weight"]
    padded = np.pad(frames, ((0, 0), (dilation, dilation)))
    n = frames.shape[1]
    taps = [kernel[:, :, k] @ padded[:, k * dilation : k * dilation + n] for k in range(3)]
    return np.asarray(taps[0] + taps[1] + taps[2] + weights[f"{name}.bias"][:, None])
