"""What the tracks of one person say together: like head poses in one video mean alike.

The network answers for each track by itself. How much contact it claims for a whole track tells
nothing (cross-validated, the mean of its log odds has no correlation with the share of contact),
and what it says of single frames is noisy. So half of each track's mean is taken off, and a smooth
function of the head's pose, fitted to all that the network says of the same person in the same
video, is added. No labels enter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eyeline.errors import DataError
from eyeline.results import Floats
from eyeline.systems.eye_contact.landmarks.inputs import FEATURES

_POSE = [
    FEATURES.index(f"{name}.video")
    for name in ("yaw", "pitch", "roll", "azimuth", "elevation", "distance")
]
_WIDTH = 0.7  # of the likeness of two poses, in the units of the features: 7 degrees of yaw
_PENALTY = 0.04
_GAIN = 2.0  # how much the common answer weighs beside the frame's own
_TAKEN_OFF = 0.5
_TRUSTED_FRAMES = 50  # a piece of two seconds may well be all contact: less is taken off its mean
_REFERENCES = 500  # frames, evenly over the person's video, at which the function is carried
_ROWS_AT_ONCE = 8192  # so that memory does not grow with the video's length


def agreed(logits: Sequence[Floats], features: Sequence[Floats]) -> list[Floats]:
    """Log odds of all tracks of one person in one video, each corrected by the others.

    Args:
        logits: `(n,)` a track, uncalibrated log odds of contact at 25 Hz.
        features: `(n, len(FEATURES))` a track, as of `inputs.person_features`.

    Returns:
        `(n,)` a track, still uncalibrated.

    Raises:
        DataError: tracks of other lengths than their features, or values that are no numbers.
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


def _common(pose: Floats, said: Floats) -> Floats:
    """Ridge regression of what was said `(n,)` on kernels about reference poses."""
    picked = np.linspace(0, len(pose) - 1, min(len(pose), _REFERENCES)).astype(np.int64)
    references = pose[picked]
    said = said - said.mean()
    square, cross = np.zeros((len(picked), len(picked))), np.zeros(len(picked))
    blocks = [slice(i, i + _ROWS_AT_ONCE) for i in range(0, len(pose), _ROWS_AT_ONCE)]
    for rows in blocks:
        near = _likeness(pose[rows], references)
        square += near.T @ near / len(pose)
        cross += near.T @ said[rows] / len(pose)
    penalty = _PENALTY * _likeness(references, references) + 1e-6 * np.eye(len(picked))
    weights = np.linalg.solve(square + penalty, cross)
    return np.concatenate([_likeness(pose[rows], references) @ weights for rows in blocks])


def _likeness(pose: Floats, references: Floats) -> Floats:
    from scipy.spatial.distance import cdist

    return np.asarray(np.exp(-cdist(pose, references, "sqeuclidean") / 2))
