"""From evidence to targets: fitted weights, a chain over time, one decision about the camera."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from eyeline import spill
from eyeline.geometry.camera import Camera
from eyeline.people.targets.evidence import (
    CAMERA,
    FACE,
    NAMES,
    SCENE,
    Evidence,
    Shape,
    gather,
    with_answers,
)
from eyeline.people.tracks import Track
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
    TARGET_SCENE,
    Directions,
    Floats,
    Ints,
    Scores,
)

SHIPPED = Path(__file__).with_name("targets.json")
"""Constants and how they were fitted, written by `scripts/fit_gaze_targets.py`."""


@dataclass(frozen=True)
class TargetModel:
    """The constants of the target model."""

    shape: Shape
    """How the evidence is measured."""
    weights: Floats
    """`(len(NAMES),)` of the columns of evidence."""
    switches_hz: float
    """How often targets change."""
    witness_s: float
    """Frames within this time count as one witness, as their errors go together."""
    camera_threshold: float
    """From this probability on the camera is the target."""
    lids_closed: float
    """Below this share of the usual opening lids are lowered or closed."""

    @classmethod
    def read(cls, path: Path) -> TargetModel:
        """The constants of a file that `scripts/fit_gaze_targets.py` wrote."""
        card: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        assert tuple(card["weights"]) == NAMES, f"{path} is of other evidence than this code"
        return cls(
            Shape(**card["shape"]),
            np.array(list(card["weights"].values())),
            card["switches_hz"], card["witness_s"], card["camera_threshold"],
            card["lids_closed"],
        )  # fmt: skip


def measured(*answers: str) -> str:
    """What labelled clips said of some answers when each was left out of the fit, in words."""
    card = json.loads(SHIPPED.read_text(encoding="utf-8"))
    figures, clips = card["held_out"]["model"], len(card["labels"]) - 1
    parts = []
    for name in answers:
        figure = figures[name]
        span = " to ".join(f"{v:.2f}" for v in figure["interval"])
        value = figure.get("value", figure["right"] / figure["of"] if "right" in figure else 0)
        parts.append(f"{name.replace('_', ' ')} {value:.2f} ({span}; {figure['of']} labels)")
    return (
        f"{clips} clips labelled by eye, each left out of the fit in turn, 95 % intervals over "
        f"clips: {', '.join(parts)}. See docs/accuracy.md"
    )


@cache
def shipped() -> TargetModel:
    """The model that the package carries."""
    return TargetModel.read(SHIPPED)


@dataclass(frozen=True)
class Looks:
    """The targets of one track over its `n` frames."""

    evidence: Evidence
    posterior: Floats
    """`(n, others + 3)` probabilities: the faces, the camera, the scene, off screen."""
    target: Ints
    """`(n,)` numbers as of `results.Points.target`."""
    probability: Floats
    """`(n,)` of the target."""

    @property
    def camera(self) -> Floats:
        """`(n,)` probability that the camera is looked at."""
        return np.asarray(self.posterior[:, -3])


def look(
    tracks: Sequence[Track],
    gaze: Directions,
    speaking: Scores | None,
    camera: Camera,
    constants: TargetModel | None = None,
) -> list[Looks]:
    """The targets of every track, in their order; arguments as of `evidence.gather`."""
    constants = constants or shipped()
    result = gather(tracks, gaze, speaking, camera, constants.shape)
    return looks_of(tracks, result, constants)


def looks_of(
    tracks: Sequence[Track], found: Sequence[Evidence], constants: TargetModel
) -> list[Looks]:
    """The targets of every track by their evidence."""
    first = [spill.on_disk(softmax(utilities(e, constants.weights))) for e in found]
    looks = []
    for track, evidence in zip(tracks, with_answers(found, first), strict=True):
        now = softmax(utilities(evidence, constants.weights))
        posterior = chain(now, track.end_s - track.time_s, constants)
        looks.append(decide(spill.columns(evidence), posterior, constants))
    return looks


def utilities(evidence: Evidence, weights: Floats) -> Floats:
    """Utility `(n, others + 3)` of each target, minus infinity for who is not visible."""
    ends = np.cumsum([len(FACE), len(CAMERA), len(SCENE)])
    face, camera, scene, off = np.split(weights, ends)
    faces = [
        np.where(
            np.isfinite(evidence.other_px[rows, :, 0]),
            np.nan_to_num(evidence.face[rows]) @ face,
            -np.inf,
        )
        for rows in spill.blocks(len(evidence.camera))
    ]
    return np.concatenate(
        [
            np.concatenate(faces),
            (evidence.camera @ camera)[:, None],
            (evidence.scene @ scene)[:, None],
            (evidence.off_screen @ off)[:, None],
        ],
        axis=1,
    )


def softmax(utility: Floats) -> Floats:
    """Probabilities along the last axis."""
    row = np.exp(utility - utility.max(axis=-1, keepdims=True))
    return np.asarray(row / row.sum(axis=-1, keepdims=True))


def chain(probability: Floats, step_s: Floats, constants: TargetModel) -> Floats:
    """Posterior `(n, k)` of a chain whose state seldom changes, by the forward-backward algorithm.

    Args:
        probability: `(n, k)` by the evidence of each frame alone.
        step_s: `(n,)` time since the row before.
        constants: how often targets change, and how long errors last.
    """
    n, k = probability.shape
    fraction = np.clip(step_s / constants.witness_s, 1e-3, 1.0)
    row = (probability / probability.max(axis=1, keepdims=True)) ** fraction[:, None]
    stay = np.exp(-constants.switches_hz * np.clip(step_s, 0, 5))
    forward, backward = np.empty((n, k)), np.ones((n, k))
    forward[0] = row[0] / row[0].sum()
    for i in range(1, n):
        now = (stay[i] * forward[i - 1] + (1 - stay[i]) / k) * row[i]
        forward[i] = now / now.sum()
    for i in range(n - 2, -1, -1):
        ahead = backward[i + 1] * row[i + 1]
        now = stay[i + 1] * ahead + (1 - stay[i + 1]) * ahead.mean()
        backward[i] = now / now.sum()
    both = forward * backward
    return np.asarray(both / both.sum(axis=1, keepdims=True))


def decide(evidence: Evidence, posterior: Floats, constants: TargetModel) -> Looks:
    """The camera from its threshold on, else the most probable of the others.

    Probabilities have six decimals, as tables have, so that both say the same of the threshold.
    """
    posterior = np.round(posterior, 6)
    codes = np.array([*evidence.others, TARGET_CAMERA, TARGET_SCENE, TARGET_OFF_SCREEN])
    rest = posterior.copy()
    rest[:, -3] = -1.0
    best = rest.argmax(axis=1)
    best[posterior[:, -3] >= constants.camera_threshold] = posterior.shape[1] - 3
    row = np.arange(len(best))
    chosen = np.clip(posterior[row, best], 0, 1)
    return spill.columns(Looks(evidence, posterior, codes[best], chosen))
