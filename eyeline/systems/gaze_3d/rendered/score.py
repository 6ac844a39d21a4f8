"""How well held-out rendered people are answered, by how far they face away."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eyeline.people.head_crops import EYE_PX_PER_MM
from eyeline.results import Floats
from eyeline.systems.gaze_3d.rendered import loss
from eyeline.systems.gaze_3d.rendered.model import EyeOutputs, HeadOutputs

FACING_DEG = (0, 30, 60, 90, 135, 180)
"""Edges of the bins of the angle between face and camera."""
EYE_WIDTH_PX = 30.0 * EYE_PX_PER_MM
"""Of an adult's eye in the crop, the unit of distances of irises."""


def head_scores(
    result: HeadOutputs, truth: dict[str, Tensor], facing_deg: Floats
) -> dict[str, Any]:
    """Angles in degrees: mean, median and expected in each bin, and landmarks."""
    error = np.degrees(loss.rotation_angle(result.rotation, truth["rotation"]).numpy())
    stated = np.degrees(np.exp(result.log_error.numpy()))
    visible = truth["visible"].numpy() > 0.5
    away = np.linalg.norm((result.landmarks - truth["landmarks"]).numpy(), axis=2)
    return {
        "mean_deg": float(error.mean()),
        "median_deg": float(np.median(error)),
        "beyond_60_deg": float((error > 60).mean()),
        "stated_deg": float(stated.mean()),
        "by_facing": _by_facing(error, stated, facing_deg),
        "landmarks_of_side": float(away[visible].mean()),
        "landmark_visible_auc": _auc(visible.ravel(), result.visible.numpy().ravel()),
    }


def eye_scores(result: EyeOutputs, truth: dict[str, Tensor], facing_deg: Floats) -> dict[str, Any]:
    """Gaze in the head's frame, irises in eye widths, lids."""
    seen = ((truth["visible"] > 0.5) & (truth["closed"] < 0.5)).numpy()
    some = seen.any(1)
    error = np.degrees(loss.angle_between(result.gaze, truth["gaze"]).numpy())
    known = truth["gaze"].numpy()
    straight = np.degrees(np.linalg.norm(known[some] - known[some].mean(0), axis=1))
    iris = np.linalg.norm((result.iris - truth["iris"]).numpy(), axis=2)[seen] / EYE_WIDTH_PX
    correlation = [_correlation(result.gaze.numpy()[some, k], known[some, k]) for k in range(2)]
    stated = np.degrees(np.exp(result.log_error.numpy()))
    return {
        "gaze_mean_deg": float(error[some].mean()),
        "gaze_without_eyes_deg": float(straight.mean()),
        "stated_deg": float(stated[some].mean()),
        "by_facing": _by_facing(error[some], stated[some], facing_deg[some]),
        "yaw_correlation": correlation[0],
        "pitch_correlation": correlation[1],
        "iris_median": float(np.median(iris)),
        "iris_p90": float(np.quantile(iris, 0.9)),
        "lids_of_eye": float((result.lids - truth["lids"]).norm(dim=3).mean()) / EYE_WIDTH_PX,
        "opening_error": float((result.opening - truth["opening"]).abs().mean()),
        "closed_auc": _auc(truth["closed"].numpy().ravel() > 0.5, result.closed.numpy().ravel()),
        "visible_auc": _auc(truth["visible"].numpy().ravel() > 0.5, result.visible.numpy().ravel()),
    }


def stated_factor(error: Floats, log_error: Floats) -> float:
    """What an expected error must be multiplied with to be the mean one."""
    return float(error.mean() / max(float(np.exp(log_error).mean()), 1e-9))


def joined(parts: list[Any]) -> Any:
    """Outputs or truths of batches as those of all samples."""
    if isinstance(parts[0], dict):
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return type(parts[0])(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _by_facing(error: Floats, stated: Floats, facing_deg: Floats) -> list[dict[str, float]]:
    bins = []
    for low, high in itertools.pairwise(FACING_DEG):
        inside = (facing_deg >= low) & (facing_deg <= high)
        if inside.any():
            bins.append(
                {
                    "from_deg": low,
                    "to_deg": high,
                    "count": int(inside.sum()),
                    "mean_deg": round(float(error[inside].mean()), 2),
                    "median_deg": round(float(np.median(error[inside])), 2),
                    "stated_deg": round(float(stated[inside].mean()), 2),
                }
            )
    return bins


def _correlation(a: Floats, b: Floats) -> float | None:
    """None where one of them is the same everywhere."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 and a.std() > 0 and b.std() > 0 else None


def _auc(truth: Any, scores: Any) -> float | None:
    """None where all are of one kind."""
    from sklearn.metrics import roc_auc_score

    return None if truth.all() or not truth.any() else float(roc_auc_score(truth, scores))
