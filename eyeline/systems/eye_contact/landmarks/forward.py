"""The forward pass of `landmarks_tcn` in numpy, so that `analyze` need not load torch for it.

Equal to `model.LandmarksTcn` to rounding; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eyeline import spill
from eyeline.errors import DataError
from eyeline.results import Floats
from eyeline.systems.eye_contact.landmarks.inputs import FEATURES

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
    count = 1 + max(int(name.split(".")[1]) for name in weights)
    members = [_part(weights, f"members.{m}.") for m in range(count)]
    reach = max(2 ** _layers(member) for member in members)

    def of(rows: slice) -> Floats:
        begin = max(0, rows.start - reach)
        seen = np.ascontiguousarray(features[begin : rows.stop + reach].T, np.float32)
        views = (seen, seen * parity[:, None].astype(np.float32))
        mean = np.mean([_member(member, view) for member in members for view in views], axis=0)
        inside = slice(rows.start - begin, rows.stop - begin)
        return np.asarray(mean[1] - mean[0], np.float64)[inside]

    return spill.by_blocks(len(features), of)


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


def _layers(weights: Weights) -> int:
    return sum(name.endswith(".mix.bias") for name in weights)


def _member(weights: Weights, features: Floats) -> Floats:
    """Logits `(2, time)` of one member."""
    frames: Floats = (features - weights["mean"][:, None]) / weights["deviation"][:, None]
    frames = _pointwise(weights, "enter", frames.clip(-5, 5))
    for i in range(_layers(weights)):
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


_POSE = [
    FEATURES.index(f"{name}.video")
    for name in ("yaw", "pitch", "roll", "azimuth", "elevation", "distance")
]
_WIDTH = 0.7  # of the likeness of two poses, in the units of the features: 7 degrees of yaw
_PENALTY = 0.04
_GAIN = 2.0  # how much the common output weighs against the frame's own
_TAKEN_OFF = 0.5
_TRUSTED_FRAMES = 50  # a piece of two seconds may well be all contact: less is taken off its mean
_REFERENCES = 500  # frames, evenly over the person's video, at which the function is carried
_ROWS_AT_ONCE = 8192  # so that memory does not grow with the video's length


def agreed(logits: Sequence[Floats], features: Sequence[Floats]) -> list[Floats]:
    """Log odds of all tracks of one person in one video, each corrected by the others.

    `logits` `(n,)` a track are uncalibrated log odds of contact at 25 Hz, and so is the result;
    `features` `(n, len(FEATURES))` a track are as of `inputs.person_features`. DataError for tracks
    of other lengths than their features, or values that are no numbers.
    """
    for own, rows in zip(logits, features, strict=True):
        if len(own) != len(rows) or not np.isfinite(own).all():
            raise DataError(f"{len(own)} log odds for {len(rows)} frames, or not all are numbers")
    level = [_levelled(own) for own in logits]
    if not sum(len(own) for own in level):
        return level
    pose = np.concatenate([rows[:, _POSE] for rows in features]).astype(np.float64)
    common = _common(pose / _WIDTH, np.tanh(np.concatenate(level)))
    parts = np.split(common, np.cumsum([len(own) for own in level])[:-1])
    return [own + _GAIN * _levelled(part) for own, part in zip(level, parts, strict=True)]


def _levelled(values: Floats) -> Floats:
    """A track less a part of its mean; NaN-free for an empty one."""
    values = np.asarray(values, np.float64)
    if not len(values):
        return values
    fraction = _TAKEN_OFF * len(values) / (len(values) + _TRUSTED_FRAMES)
    return np.asarray(values - fraction * values.mean())


def _common(pose: Floats, targets: Floats) -> Floats:
    """Ridge regression of what was said `(n,)` on kernels about reference poses."""
    picked = np.linspace(0, len(pose) - 1, min(len(pose), _REFERENCES)).astype(np.int64)
    references = pose[picked]
    targets = targets - targets.mean()
    square, cross = np.zeros((len(picked), len(picked))), np.zeros(len(picked))
    blocks = [slice(i, i + _ROWS_AT_ONCE) for i in range(0, len(pose), _ROWS_AT_ONCE)]
    for rows in blocks:
        near = _likeness(pose[rows], references)
        square += near.T @ near / len(pose)
        cross += near.T @ targets[rows] / len(pose)
    penalty = _PENALTY * _likeness(references, references) + 1e-6 * np.eye(len(picked))
    weights = np.linalg.solve(square + penalty, cross)
    return np.concatenate([_likeness(pose[rows], references) @ weights for rows in blocks])


def _likeness(pose: Floats, references: Floats) -> Floats:
    from scipy.spatial.distance import cdist

    apart = cdist(pose, references, "sqeuclidean")
    np.divide(np.negative(apart, out=apart), 2, out=apart)
    return np.asarray(np.exp(apart, out=apart))
