"""What programs would tell of a scene: candidates of a detector, and directions, both imperfect.

Candidates do not know who speaks, so that only the speaker cue can tell it. A direction is that of
the head, which makes three quarters of a turn and lags behind the eyes, with an error of the person
that stays, one that wanders, and moments without an answer.
"""

from __future__ import annotations

import numpy as np

from eyeline.geometry import boxes
from eyeline.geometry.directions import from_yaw_pitch, to_yaw_pitch
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.synthetic.scenes import Scene
from eyeline.systems.gaze_following.synthetic.talk import RATE_HZ

FOUND_HEADS, FOUND_THINGS, FALSE = 0.9, 0.8, 1.5
"""Share of heads and of things that are found in a frame, and how many boxes of nothing."""
JITTER = 0.08
"""Of the sides of a box, as a share of its size."""
STAYING_DEG, WANDERING_DEG, WANDERS_S = 7.0, 10.0, 0.4
"""Errors of a direction, of yaw and of pitch each."""
UNTOLD = 0.05
"""Share of the frames without a direction."""


def candidates(
    rng: np.random.Generator, scene: Scene, heads_xyxy: Ints, frame: int
) -> tuple[Floats, Floats]:
    """Boxes `(n, 4)` in pixels and scores `(n,)`, the surest first, as a detector would find.

    Args:
        rng: decides.
        scene: what is there.
        heads_xyxy: `(people, frames, 4)`.
        frame: which.
    """
    things = scene.things_xyxy()
    heads = heads_xyxy[rng.random(scene.people) < FOUND_HEADS, frame].astype(np.float64)
    things = things[rng.random(len(things)) < FOUND_THINGS]
    wh = np.array([scene.view.width_px, scene.view.height_px], np.float64)
    nothing = rng.uniform(0, 1, (rng.poisson(FALSE), 2)) * wh
    half = rng.uniform(0.02, 0.07, (len(nothing), 2)) * wh[0]
    box = np.concatenate([heads, things, np.hstack([nothing - half, nothing + half])])
    side = np.tile(box[:, 2:] - box[:, :2], 2)
    box = boxes.clip(box + rng.normal(0, JITTER, box.shape) * side, *wh.tolist())
    surely = np.repeat([5.0, 3.5, 1.5], [len(heads), len(things), len(nothing)])
    score = rng.beta(surely, 2.5)
    seen = (box[:, 2:] - box[:, :2]).min(axis=1) > 2
    order = np.argsort(-score[seen], kind="stable")
    return box[seen][order].round(2), score[seen][order].round(4)


def directions(rng: np.random.Generator, scene: Scene) -> Floats:
    """`(people, frames, 3)` unit vectors in the camera frame, NaN where there is no answer."""
    from scipy.ndimage import gaussian_filter1d

    yaw, pitch = to_yaw_pitch(scene.looks.head)
    steps = WANDERS_S * RATE_HZ
    noise = rng.standard_normal((2, *yaw.shape))
    wander = gaussian_filter1d(noise, steps, axis=2) * np.sqrt(2 * np.sqrt(np.pi) * steps)
    stay = rng.standard_normal((2, len(yaw), 1))
    error = np.deg2rad(STAYING_DEG * stay + WANDERING_DEG * wander)
    pitch = np.clip(pitch + error[1], -1.5, 1.5)
    known = from_yaw_pitch(yaw + error[0] / np.maximum(np.cos(pitch), 0.3), pitch)
    known[rng.random(yaw.shape) < UNTOLD] = np.nan
    return known
