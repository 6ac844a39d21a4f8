"""Where eye contact is told well and where not: scores of kinds of frames, for any builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError
from eyeline.evaluation import metrics
from eyeline.evaluation.report import plain
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet
from eyeline.systems.eye_contact.elan import TARGETS
from eyeline.systems.eye_contact.head import assumed_camera, solve_heads
from eyeline.systems.eye_contact.report import Predicted
from eyeline.systems.eye_contact.samples import Sample

Rows = npt.NDArray[np.bool_]

_SPEED_FRAMES = 3.0  # standard deviation of the smoothing before speeds are taken

_BANDS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "head turn": (("under 30 deg", 0, 30), ("30 to 45", 30, 45), ("45 and over", 45, np.inf)),
    "eye distance": (("under 50 px", 0, 50), ("50 to 100", 50, 100), ("100 and over", 100, np.inf)),
    "head speed": (
        ("under 10 deg/s", 0, 10), ("10 to 30", 10, 30), ("30 and over", 30, np.inf)
    ),
    "tracklet length": (("under 8 s", 0, 8), ("8 to 20", 8, 20), ("20 and over", 20, np.inf)),
    "video's contact": (("under 30 %", 0, 30), ("30 to 60", 30, 60), ("60 and over", 60, 101)),
}  # fmt: skip
"""Name of each measure, and its bands: name, lowest value, first value beyond."""


@dataclass(frozen=True)
class Kinds:
    """What kind of frame each of a tracklet is."""

    measures: Mapping[str, Floats]
    """`(n,)` by the names of the bands: absolute yaw in degrees, outer eye corners' distance in
    pixels, turning in degrees a second, seconds of the tracklet, per cent of contact in the video.
    NaN where unknown."""
    target: Ints
    """`(n,)` index into `elan.TARGETS`; empty where it is not known."""
    uncertain: Ints
    """`(n,)` 1 where the annotators could not tell."""


def kinds_of(videos: Sequence[AnnotatedVideo]) -> dict[tuple[str, str], Kinds]:
    """Of every tracklet, by the names of video and tracklet."""
    return {
        (video.name, tracklet.name): _kinds(video, tracklet)
        for video in videos
        for tracklet in video.tracklets
    }


def slice_scores(
    samples: Sequence[Sample], predicted: Predicted, kinds: Mapping[tuple[str, str], Kinds]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Accuracy of the decoded states and AUC of the output for each kind of frame.

    Frames of a target are joined with all frames without contact for the AUC; their accuracy is the
    fraction of them that was detected. `kinds` is as of `kinds_of`.

    Returns:
        By measure and band: `frames`, `positive` (fraction of contact), `accuracy`, `auc`; None
        where there is nothing to measure.
    """
    own = [_kinds_for(sample, kinds) for sample in samples]
    frames = _Frames(
        np.concatenate([np.asarray(s.label) for s in samples]),
        np.concatenate(predicted.states),
        np.concatenate(predicted.logit),
    )
    result = {
        measure: {
            band: frames.scores((value >= low) & (value < beyond)) for band, low, beyond in bands
        }
        for measure, bands in _BANDS.items()
        for value in [np.concatenate([k.measures[measure] for k in own])]
    }
    uncertain = np.concatenate([k.uncertain for k in own])
    result["uncertain"] = {
        "all frames": frames.scores(np.ones(len(uncertain), bool)),
        "without uncertain": frames.scores(uncertain == 0),
        "uncertain": frames.scores(uncertain == 1),
    }
    if all(len(k.target) for k in own):
        target = np.concatenate([k.target for k in own])
        none, camera = np.asarray(frames.label == 0), target == TARGETS.index("camera")
        result["target"] = {
            "none": frames.scores(target == 0),
            "host": frames.scores((target > 0) & ~camera, none),
            "camera": frames.scores(camera, none),
        }
    return result


@dataclass(frozen=True)
class _Frames:
    label: Ints
    states: Ints
    logit: Floats

    def scores(self, chosen: Rows, ranked_with: Rows | None = None) -> dict[str, Any]:
        """Of the chosen frames; those `ranked_with` them enter the AUC alone."""
        ranked = (chosen if ranked_with is None else chosen | ranked_with) & ~np.isnan(self.logit)
        label = self.label[chosen]
        right = label == self.states[chosen]
        return {
            "frames": int(chosen.sum()),
            "positive": float(label.mean()) if len(label) else None,
            "accuracy": float(right.mean()) if len(label) else None,
            "auc": plain(metrics.roc_auc(self.label[ranked], self.logit[ranked])),
        }


def _kinds_for(sample: Sample, kinds: Mapping[tuple[str, str], Kinds]) -> Kinds:
    own = kinds.get((sample.video, sample.tracklet))
    if own is None or len(own.uncertain) != len(sample.label):
        raise DataError(
            f"{sample.video}, tracklet {sample.tracklet}: {len(sample.label)} frames were "
            f"predicted, the annotated videos have {0 if own is None else len(own.uncertain)}"
        )
    return own


def _kinds(video: AnnotatedVideo, tracklet: Tracklet) -> Kinds:
    camera = assumed_camera(video.width_px, video.height_px)
    angles_deg = solve_heads(tracklet.six_px, camera).angles_deg()
    corners = tracklet.six_px[:, 0] - tracklet.six_px[:, 3]
    frames = len(tracklet)
    contact = np.concatenate([t.label for t in video.tracklets]).mean()
    measures = {
        "head turn": np.abs(angles_deg[:, 0]),
        "eye distance": np.linalg.norm(corners, axis=1),
        "head speed": _speed(angles_deg[:, :2]),
        "tracklet length": np.full(frames, frames / RATE_HZ),
        "video's contact": np.full(frames, 100 * contact),
    }
    return Kinds(measures, tracklet.target, tracklet.uncertain)


def _speed(angles_deg: Floats) -> Floats:
    """Degrees a second `(n,)` of smoothed angles `(n, 2)`; zero for a single frame."""
    from scipy.ndimage import gaussian_filter1d

    if len(angles_deg) < 2:
        return np.zeros(len(angles_deg))
    smooth = gaussian_filter1d(angles_deg, _SPEED_FRAMES, axis=0)
    return np.asarray(np.linalg.norm(np.gradient(smooth, axis=0), axis=1) * RATE_HZ)
