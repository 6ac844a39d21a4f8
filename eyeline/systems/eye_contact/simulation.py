"""A simulated person whose looks are known: contact, gaze, head, landmarks, features, gaze points.

The chain is that of the published data: a person holds contact with a host (or a camera) whose
direction differs from video to video, and looks elsewhere in between; the head follows the eyes;
six landmarks are what a detector would see of it in whole pixels; gaze points lie on the cylinder
about the body; features are a fixed mixture of the gaze and of all else that a network sees.
Angles are degrees of `geometry.directions` in the camera frame, lengths millimetres, frames 25 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from eyeline.geometry import directions
from eyeline.results import Floats, Ints
from eyeline.synthetic.motion import draw_span, follow
from eyeline.systems.eye_contact.discovery import gaze_points
from eyeline.systems.eye_contact.elan import TARGETS
from eyeline.systems.eye_contact.head import Heads, assumed_camera

FEATURES = 2048
"""Width of the features, as published."""
SIZES_PX = ((1280, 720), (1280, 720), (854, 480), (640, 360))
"""Images that videos are drawn from; in the real data most are 720 rows high."""
LEAST_FRAMES, MOST_FRAMES = 101, 900
"""Length of a tracklet."""

_HOST, _HOST2, _CAMERA = (TARGETS.index(name) for name in ("host", "host2", "camera"))
# Median and spread (of the logarithm) of spans in frames: those of 172 310 annotated frames.
_CONTACT_SPAN, _OTHER_SPAN, _TRACKLET_SPAN = (25.0, 0.85), (17.0, 1.25), (214.0, 0.85)
_CLEAR_DEG = 12.0  # how far off a partner other looks are
_FOLLOWS = 0.6  # share of the gaze's turn that the head takes
_BODY_DOWN_MM = np.array([0.0, 190.0, 60.0])  # from the head's origin to the neck
_LATENT = 40
_GRAIN = 16  # features are whole multiples of 1 / 16, so that files stay small


@dataclass(frozen=True)
class SimulatedVideo:
    """One person over `n` frames of one video."""

    width_px: int
    height_px: int
    target: Ints
    """`(n,)` index into `elan.TARGETS`: with whom there is contact, 0 for nobody."""
    uncertain: tuple[tuple[int, int], ...]
    """First and last frame of spans in which annotators were uncertain."""
    gaze_deg: Floats
    """`(n, 2)` yaw and pitch of the eyes' direction."""
    six_px: Floats
    """`(n, 6, 2)` whole pixels."""
    box_px: Floats
    """`(n, 4)` whole pixels, xyxy."""
    point_mm: Floats
    """`(n, 3)` gaze point on the cylinder, in the frame of the body."""
    plane_mm: Floats
    """`(n, 2)` gaze point on the plane through the camera."""
    latent: Floats
    """`(n, latent)` what the features depend on."""
    tracklets: tuple[tuple[int, int], ...]
    """First frame and the frame after the last one of each tracklet."""
    glimpses: tuple[tuple[int, int], ...]
    """The same of spans in which the face was seen, too short for a tracklet."""

    def features(self, start: int, end: int) -> Floats:
        """Features `(end - start, FEATURES)` float32 of these frames, none negative."""
        weights, bias = _mixture()
        seen = np.maximum(self.latent[start:end] @ weights + bias, 0)
        return np.asarray(np.rint(seen * _GRAIN) / _GRAIN, np.float32)


def simulate(rng: np.random.Generator, frames: int) -> SimulatedVideo:
    """A video of this many frames, determined by the generator's state."""
    width_px, height_px = SIZES_PX[rng.integers(len(SIZES_PX))]
    camera = assumed_camera(width_px, height_px)
    place = _seat(rng, frames, camera.fx_px / width_px)
    partner = _partners(rng, place[0])
    target = _targets(rng, frames)
    gaze_deg = _gaze(rng, target, partner)
    heads = Heads(_head_rotation(rng, gaze_deg), place)
    six_px = np.rint(camera.project(heads.points_mm) + rng.normal(0, 0.5, (frames, 6, 2)))
    measured = directions.from_yaw_pitch(
        *np.radians(gaze_deg + rng.normal(0, 0.8, gaze_deg.shape)).T
    )
    origin, along = _in_body(heads.centre_mm, measured, place[0], rng)
    tracklets, glimpses = _seen(rng, frames)
    free = [(a, b - 1) for label, a, b in spans_of(target) if not label and b - a > 10]
    chosen = rng.random(len(free)) < 0.03
    unclear = tuple(span for span, take in zip(free, chosen, strict=True) if take)
    reach = -heads.centre_mm[:, 2:] / measured[:, 2:]
    on_camera_plane = np.asarray(heads.centre_mm[:, :2] + reach * measured[:, :2])
    return SimulatedVideo(
        width_px, height_px, target, unclear, gaze_deg, six_px,
        _boxes(six_px, place[:, 2], camera.fx_px), gaze_points.on_cylinder(origin, along),
        on_camera_plane,
        _latent(rng, gaze_deg, heads), tracklets, glimpses,
    )  # fmt: skip


def spans_of(labels: Ints) -> list[tuple[int, int, int]]:
    """Label, first frame and the frame after the last one of each run of equal labels."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(int(labels[a]), a, b) for a, b in pairwise(edges)]


def _targets(rng: np.random.Generator, frames: int) -> Ints:
    """Spans of contact and of none in turn, of lengths like the real ones."""
    target = np.zeros(frames, np.int64)
    second = rng.random() < 0.3
    at, contact = 0, bool(rng.integers(2))
    while at < frames:
        length = draw_span(rng, _CONTACT_SPAN if contact else _OTHER_SPAN, 2, 500)
        if contact:
            others = [_CAMERA, _HOST2] if second else [_CAMERA]
            host = rng.random() < 0.9
            target[at : at + length] = _HOST if host else others[rng.integers(len(others))]
        at, contact = at + length, not contact
    return target


def _seat(rng: np.random.Generator, frames: int, zoom: float) -> Floats:
    """The head's origin `(n, 3)`: one place, with small movements."""
    distance = rng.uniform(700, 1100) * zoom / 0.5
    centre = np.array([rng.uniform(-0.25, 0.25), rng.uniform(-0.12, 0.05), 1.0]) * distance
    moves = _wander(rng, frames, 3, 12.0, 60)
    return np.asarray(centre + moves)


def _partners(rng: np.random.Generator, place: Floats) -> Floats:
    """Direction `(target, 2)` of each partner; the first row means nothing."""
    side = rng.choice([-1.0, 1.0])
    host = np.array([side * rng.uniform(10, 35), rng.uniform(-4, 4)])
    second = np.array([host[0] - side * rng.uniform(25, 40), rng.uniform(-4, 4)])
    towards = directions.to_yaw_pitch(directions.normalise(-place))
    partner = np.zeros((len(TARGETS), 2))
    partner[_HOST], partner[_HOST2] = host, second
    partner[_CAMERA] = np.degrees(towards)
    return partner


def _gaze(rng: np.random.Generator, target: Ints, partner: Floats) -> Floats:
    """Yaw and pitch `(n, 2)`: steady on a partner, from place to place otherwise."""
    aim = np.zeros((len(target), 2))
    for label, start, end in spans_of(target):
        while start < end:
            stop = end if label else min(end, start + int(rng.integers(8, 25)))
            aim[start:stop] = partner[label] if label else _elsewhere(rng, partner)
            start = stop
    drift = _wander(rng, len(target), 2, 3.0, 12) * (target == 0)[:, None]
    return np.asarray(follow(aim, 0.6) + drift + _wander(rng, len(target), 2, 0.4, 20))


def _elsewhere(rng: np.random.Generator, partner: Floats) -> Floats:
    """A place that is looked at while there is no contact: mostly down, clear of all partners."""
    while True:
        kind = rng.random()
        pitch = rng.normal(-22, 5) if kind < 0.7 else rng.normal(17, 4) if kind < 0.95 else 0.0
        aim = np.array([rng.normal(partner[_HOST][0] / 2, 22), pitch])
        if np.linalg.norm(partner[1:] - aim, axis=1).min() > _CLEAR_DEG:
            return np.asarray(aim)


def _head_rotation(rng: np.random.Generator, gaze_deg: Floats) -> Floats:
    follows = _FOLLOWS * follow(gaze_deg, 0.18)
    pose = follows + _wander(rng, len(gaze_deg), 2, 2.5, 50)
    roll = _wander(rng, len(gaze_deg), 1, 2.5, 40)[:, 0]
    return directions.rotation_from_angles(*np.radians([pose[:, 0], pose[:, 1], roll]))


def _in_body(
    centre_mm: Floats, gaze: Floats, head_mm: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Origins and directions of the gaze in the frame of a body that is turned a little."""
    turn = directions.rotation_from_angles(
        np.radians(rng.uniform(-15, 15)), np.array(0), np.array(0)
    )
    n = len(gaze)
    bodies = gaze_points.BodyPoses(
        np.broadcast_to(turn, (n, 3, 3)), np.broadcast_to(head_mm + _BODY_DOWN_MM, (n, 3))
    )
    return gaze_points.rays(centre_mm, -gaze, bodies)


def _boxes(six_px: Floats, distance_mm: Floats, focal_px: float) -> Floats:
    """Square face boxes about the middle of the points."""
    half = np.rint(85 * focal_px / distance_mm)[:, None]
    centre = np.rint(six_px.mean(axis=1))
    return np.concatenate([centre - half, centre + half], axis=1)


def _latent(rng: np.random.Generator, gaze_deg: Floats, heads: Heads) -> Floats:
    """Gaze and head with the network's error, then looks of the person and of the moment."""
    seen = (gaze_deg + rng.normal(0, 1.5, gaze_deg.shape)) / [20, 12]
    pose = heads.angles_deg() / [20, 12, 10]
    own = np.broadcast_to(rng.normal(0, 0.25, 15), (len(seen), 15))
    moment = _wander(rng, len(seen), 12, 0.6, 10)
    known = np.column_stack([seen, seen**2 / 2, seen.prod(axis=1), pose, own, moment])
    rest = rng.normal(0, 0.4, (len(seen), _LATENT - known.shape[1]))
    return np.column_stack([known, rest])


@cache
def _mixture() -> tuple[Floats, Floats]:
    """The same for every video and seed, as one gaze network would be."""
    rng = np.random.default_rng(2048)
    weights = rng.normal(0, 1 / np.sqrt(_LATENT), (_LATENT, FEATURES))
    weights[:5] *= 2.5
    return weights, rng.uniform(-1.2, 0.1, FEATURES)


def _seen(
    rng: np.random.Generator, frames: int
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Tracklets with short absences between them, and a glimpse in some absences."""
    tracklets, glimpses, at = [], [], int(rng.integers(0, 40))
    while at + LEAST_FRAMES <= frames:
        end = min(frames, at + draw_span(rng, _TRACKLET_SPAN, LEAST_FRAMES, MOST_FRAMES))
        tracklets.append((at, end))
        gap = int(rng.integers(10, 90))
        if gap > 50 and end + 40 <= frames:
            glimpses.append((end + 10, end + 40))
        at = end + gap
    return tuple(tracklets), tuple(glimpses)


def _wander(
    rng: np.random.Generator, frames: int, columns: int, std: float, memory: float
) -> Floats:
    """Noise `(n, columns)` of a standard deviation that forgets itself over `memory` frames."""
    from scipy.signal import lfilter

    keep = np.exp(-1 / memory)
    white = rng.normal(0, std * np.sqrt(1 - keep**2), (frames, columns))
    white[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1], [1, -keep], white, axis=0))
