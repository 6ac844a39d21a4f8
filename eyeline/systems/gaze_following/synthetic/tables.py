"""What is annotated of a synthetic video, and what programs would predict, as published rows.

Candidates do not know who speaks, so that only the speaker cue shows it. A direction is that of
the head, which makes three quarters of a turn and lags behind the eyes, with an error of the person
that stays, one that wanders, and moments without one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eyeline.geometry import boxes
from eyeline.geometry.directions import angle, from_yaw_pitch, to_yaw_pitch
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.formats import Candidates, FrameName, Truth
from eyeline.systems.gaze_following.synthetic.gaze import KINDS
from eyeline.systems.gaze_following.synthetic.scenes import Scene
from eyeline.systems.gaze_following.synthetic.talk import RATE_HZ

DETECTED_HEADS, DETECTED_THINGS, FALSE = 0.9, 0.8, 1.5
"""Fraction of heads and of things that are detected in a frame, and how many boxes of nothing."""
JITTER = 0.08
"""Of the sides of a box, as a fraction of its size."""
STAYING_DEG, WANDERING_DEG, WANDERS_S = 7.0, 10.0, 0.4
"""Errors of a direction, of yaw and of pitch each."""
MISSING = 0.05
"""Fraction of the frames without a direction."""


def candidates(
    rng: np.random.Generator, scene: Scene, heads_xyxy: Ints, frame: int
) -> tuple[Floats, Floats]:
    """Boxes `(n, 4)` in pixels and scores `(n,)`, the surest first, as a detector would predict.

    Heads are `(people, frames, 4)`.
    """
    things = scene.things_xyxy()
    heads = heads_xyxy[rng.random(scene.people) < DETECTED_HEADS, frame].astype(np.float64)
    things = things[rng.random(len(things)) < DETECTED_THINGS]
    wh = np.array(scene.size_wh, np.float64)
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
    known[rng.random(yaw.shape) < MISSING] = np.nan
    return known


PERSON, THING = KINDS.index("person"), KINDS.index("thing")
OUT = (-1, -1)
"""Point of a look out of the image."""


@dataclass
class Tables:
    """Rows of one or several videos."""

    truth: list[Truth] = field(default_factory=list)
    speakers: list[tuple[str, int, int]] = field(default_factory=list)
    """Video, frame and head, from 1; 0 for nobody."""
    directions: list[tuple[str, int, Floats]] = field(default_factory=list)
    """Image, head, unit vector."""
    candidates: list[Candidates] = field(default_factory=list)
    images: list[tuple[str, tuple[int, int], list[Floats]]] = field(default_factory=list)
    """Name, width and height, and the target's box `(4,)` if it has one."""
    kinds: list[int] = field(default_factory=list)
    """Of each look, place in `KINDS`."""
    errors_deg: list[float] = field(default_factory=list)
    """Of each direction, from the true gaze."""

    def add(self, other: Tables) -> None:
        """Those of another video."""
        for name, rows in vars(other).items():
            getattr(self, name).extend(rows)


def tables(
    rng: np.random.Generator,
    video: str,
    scene: Scene,
    heads_xyxy: Ints,
    *,
    look_every: int,
    image_every: int,
) -> Tables:
    """Rows of one video.

    Args:
        rng: decides what programs err in.
        video: its three characters.
        scene: what happens.
        heads_xyxy: `(people, frames, 4)` as the published system marks heads.
        look_every: frames from one annotated frame to the next.
        image_every: frames from one image of the COCO form to the next.
    """
    created, points = Tables(), scene.points_px()
    way = directions(rng, scene)
    error = np.rad2deg(angle(way, scene.looks.gaze))
    for frame in range(0, scene.frames, look_every):
        loud = np.flatnonzero(scene.speaks[:, frame])
        created.speakers.append((video, frame, int(loud[0]) + 1 if len(loud) else 0))
        first = str(FrameName(video, 1, frame))
        created.candidates.append(Candidates(first, *candidates(rng, scene, heads_xyxy, frame)))
        for person in range(scene.people):
            name = str(FrameName(video, person + 1, frame))
            head, point = heads_xyxy[person, frame].tolist(), np.round(points[person, frame])
            at = OUT if np.isnan(point).any() else tuple(int(v) for v in point)
            created.truth.append(Truth(name, tuple(head), at))
            created.kinds.append(int(scene.looks.kind[person, frame]))
            if not np.isnan(way[person, frame, 0]):
                created.directions.append((name, person + 1, way[person, frame]))
                created.errors_deg.append(float(error[person, frame]))
    for frame in range(0, scene.frames, image_every):
        for person in range(scene.people):
            name = str(FrameName(video, person + 1, frame))
            box = _target(scene, heads_xyxy, person, frame)
            created.images.append((name, scene.size_wh, box))
    return created


def _target(scene: Scene, heads_xyxy: Ints, person: int, frame: int) -> list[Floats]:
    """The box of what is looked at; a lap and what is out of the image have none."""
    kind, whom = (int(v[person, frame]) for v in (scene.looks.kind, scene.looks.whom))
    if kind not in (PERSON, THING):
        return []
    box = heads_xyxy[whom, frame] if kind == PERSON else scene.things_xyxy()[whom]
    return [boxes.clip(np.asarray(box, np.float64), *scene.size_wh)]
