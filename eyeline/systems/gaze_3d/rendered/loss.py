"""Losses: angles with their expected error, landmarks, irises, lids."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from eyeline.systems.gaze_3d.rendered.model import EyeOutputs, HeadOutputs

_FLOOR = 1e-4
_LEAST, _MOST = -5.0, 1.5
"""Of the logarithm of an expected angle."""


def rotation_angle(a: Tensor, b: Tensor) -> Tensor:
    """Radians `(n,)` between rotations `(n, 3, 3)`, with a gradient also near 0 and 180 degrees."""
    chord = ((a - b).square().sum((1, 2)) + _FLOOR**2).sqrt() / 8**0.5
    return 2 * torch.asin(chord.clamp(max=1 - 1e-6))


def angle_between(a: Tensor, b: Tensor) -> Tensor:
    """Radians `(...,)` between directions given by yaw and pitch `(..., 2)`, for less than 90."""
    across = (a[..., 0] - b[..., 0]) * torch.cos(0.5 * (a[..., 1] + b[..., 1]))
    return (across.square() + (a[..., 1] - b[..., 1]).square() + _FLOOR**2).sqrt()


def expected(error: Tensor, log_error: Tensor) -> Tensor:
    """The error under its expected size: least where that is its mean."""
    log_error = log_error.clamp(_LEAST, _MOST)
    return error * torch.exp(-log_error) + log_error


def head_losses(result: HeadOutputs, truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """Means over the batch by part."""
    error = rotation_angle(result.rotation, truth["rotation"])
    visible = truth["visible"]
    away = (result.landmarks - truth["landmarks"]).abs().sum(2)
    weight = 0.3 + 0.7 * visible
    return {
        "rotation": error.mean() + 0.3 * expected(error, result.log_error).mean(),
        "landmarks": 6.0 * (away * weight).sum() / weight.sum(),
        "visible": 0.15 * F.binary_cross_entropy_with_logits(result.visible, visible),
    }


def eye_losses(result: EyeOutputs, truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """Means over the batch by part; closed and hidden eyes say nothing of gaze and iris."""
    seen = truth["visible"] * (1 - truth["closed"])
    some = seen.amax(1)
    gaze = angle_between(result.gaze, truth["gaze"])
    each = angle_between(result.each, truth["each"])
    iris = ((result.iris - truth["iris"]).square().sum(2) + 1e-3).sqrt()
    contour = (result.contour - truth["contour"]).abs().sum(3).mean(2)
    lids = (result.lids - truth["lids"]).abs().sum(3).mean(2)

    def over(values: Tensor, weight: Tensor) -> Tensor:
        return (values * weight).sum() / weight.sum().clamp(min=1.0)

    return {
        "gaze": 2.0 * over(gaze, some) + 0.15 * over(expected(gaze, result.log_error), some),
        "each": over(each, seen),
        "iris": 0.25 * over(iris, seen) + 0.1 * over(expected(iris, result.log_iris_error), seen),
        "contour": 0.15 * over(contour, seen),
        "lids": 0.15 * over(lids, truth["lids_seen"]),
        "opening": 2.0 * F.smooth_l1_loss(result.opening, truth["opening"], beta=0.03),
        "closed": 0.3 * F.binary_cross_entropy_with_logits(result.closed, truth["closed"]),
        "visible": 0.3 * F.binary_cross_entropy_with_logits(result.visible, truth["visible"]),
    }
