"""What speaks for each target of a look: the other faces, the camera, the scene and off screen.

A face is measured twice: in the image, where the bearing of a look is known whatever the depths of
the two faces, and in space, where faces stand at uncertain distances judged by their size. Each
column is one number a frame; the weights in `targets.json` say what it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from eyeline import spill
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import smooth
from eyeline.people.landmarks import FACE_MM
from eyeline.people.tracks import Track, lid_fractions, rows_of
from eyeline.results import Directions, Floats, Ints, Scores

FACE = (
    "face",
    "face_bearing",
    "face_in_space",
    "face_speaks",
    "face_looks_past",
    "face_looks_back",
)
CAMERA = ("camera", "camera_turn", "camera_nod")
SCENE = ("scene_down", "scene_lids", "scene_iris_down")
OFF_SCREEN = ("off_screen", "off_up", "off_lids")
NAMES = (*FACE, *CAMERA, *SCENE, *OFF_SCREEN)
"""Names of all columns, see `docs/accuracy.md`. The first of faces, camera and off screen is one
throughout: how often each is looked at, against the scene."""

UNIT_RAD, UNIT_LIDS = np.radians(10.0), 0.15
"""Angles and losses of lid opening are counted in these, so that all columns have like spreads."""
LEVEL_RAD = 0.1
"""A look less far down than this is level."""
LIDS_OPEN = 0.85
"""From this share of the usual opening on lids are open."""
HALF_FACE = 0.4
"""How far beside a face's middle, in face heights, an arrow still meets it."""
LEAST_BACK = 0.05
"""Below this a probability of being looked at tells no more."""
FLOOR = -8.0
"""No logarithm of a density counts for less: directions are now and then plainly wrong."""
EYE_RADIUS_MM = 10.5
"""From the eyeball's middle to the plane of the iris. As in `gaze_3d.head_pose`."""


@dataclass(frozen=True)
class Shape:
    """How directions and faces are measured, chosen by `scripts/fit_gaze_targets.py`."""

    head_share: float
    """Share of a turn away from the camera that measured directions show."""
    distance_spread: float
    """Standard deviation of the logarithm of a face's distance when it is judged by its size."""
    iris_rests_rad: float
    """Where irises stand below the eye corners, as an angle of the eye, in a look at the camera."""


@dataclass(frozen=True)
class Evidence:
    """The columns of one track over its `n` frames."""

    others: tuple[int, ...]
    """Persons of the columns of faces."""
    other_px: Floats
    """`(n, others, 2)` eyes of the others, NaN while not visible."""
    other_xyxy: Floats
    """`(n, others, 4)` their head boxes."""
    face: Floats
    """`(n, others, len(FACE))`, NaN while not visible."""
    camera: Floats
    """`(n, len(CAMERA))`."""
    scene: Floats
    """`(n, len(SCENE))`."""
    off_screen: Floats
    """`(n, len(OFF_SCREEN))`."""
    meetings: tuple[Meeting, ...]
    """With each other track that is there at the same time."""


@dataclass(frozen=True)
class Meeting:
    """Frames that two tracks share."""

    track: int
    """The other track, by its place among all."""
    here: Ints
    """`(m,)` rows of this track."""
    there: Ints
    """`(m,)` rows of the other."""
    column: int
    """Of the other among this track's others."""
    back: int
    """Of this one among the other's others."""


@dataclass(frozen=True)
class _Face:
    """One track as a looker and as something to look at."""

    px: Floats
    height_px: Floats
    ray: Floats
    distance_mm: Floats
    gaze: Floats
    local: Floats
    """Gaze as seen along the ray: x right and y down in the image, z away from the camera."""
    concentration: Floats
    xyxy: Floats
    speaks: Floats

    def at(self, rows: Ints | slice) -> _Face:
        return _Face(**{name: value[rows] for name, value in vars(self).items()})


def gather(
    tracks: Sequence[Track],
    gaze: Directions,
    speaking: Scores | None,
    camera: Camera,
    shape: Shape,
) -> list[Evidence]:
    """The evidence of every track, in their order.

    Args:
        tracks: all of a scene.
        gaze: directions, rows in the order of the tracks.
        speaking: who speaks, likewise; None for a video without audio.
        camera: of the video.
        shape: how they are measured.
    """
    rows = rows_of(tracks)
    faces = [
        _face(
            t,
            gaze.direction[r],
            gaze.concentration[r],
            None if speaking is None else speaking.value[r],
            camera,
        )
        for t, r in zip(tracks, rows, strict=True)
    ]
    lids = lid_fractions(tracks)
    return [_evidence(i, tracks, faces, lids[i], shape) for i in range(len(tracks))]


def _face(
    track: Track, gaze: Floats, concentration: Floats, speaks: Floats | None, camera: Camera
) -> _Face:
    ray = track.camera(camera).rays(track.eyes_px)
    local = spill.by_blocks(
        len(ray), lambda rows: np.einsum("nji,nj->ni", _towards(ray[rows]), gaze[rows])
    )
    none = np.zeros(len(track))
    return spill.columns(_Face(
        track.eyes_px, _height_px(track), ray, distance_mm(track, camera), gaze, local,
        concentration, track.head_xyxy, none if speaks is None else np.nan_to_num(speaks),
    ))  # fmt: skip


def _height_px(track: Track) -> Floats:
    """Of the face `(n,)`, smoothed: a turn narrows a face but keeps its height."""
    height = np.maximum(track.box_xyxy[:, 3] - track.box_xyxy[:, 1], 2.0)
    return smooth.gaussian(height, track.time_s, 0.25)


def distance_mm(track: Track, camera: Camera) -> Floats:
    """Distance from the camera `(n,)` by the size of the face."""
    return np.asarray(track.camera(camera).fy_px * FACE_MM / _height_px(track))


def _towards(ray: Floats) -> Floats:
    yaw, pitch = directions.to_yaw_pitch(-ray)
    return directions.rotation_from_angles(yaw, pitch, np.zeros_like(yaw))


def _evidence(
    i: int, tracks: Sequence[Track], faces: Sequence[_Face], lids: Floats, shape: Shape
) -> Evidence:
    track, me = tracks[i], faces[i]
    others, meetings = _others(i, tracks), _meetings(i, tracks)
    n, k = len(track), len(others)
    px, xyxy = np.full((n, k, 2), np.nan), np.full((n, k, 4), np.nan)
    for m in meetings:
        other = faces[m.track]
        px[m.here, m.column], xyxy[m.here, m.column] = other.px[m.there], other.xyxy[m.there]

    def of_faces(rows: slice) -> Floats:
        columns = np.full((rows.stop - rows.start, k, len(FACE)), np.nan)
        for m in meetings:
            at = slice(*np.searchsorted(m.here, [rows.start, rows.stop]))
            here, other = m.here[at], faces[m.track].at(m.there[at])
            columns[here - rows.start, m.column] = _of_face(me.at(here), other, shape)
        return columns

    def elsewhere(rows: slice) -> Floats:
        eyes = _Eyes.of(track.part(rows), me.at(rows), lids[rows], shape)
        return np.concatenate(_elsewhere(eyes), axis=1)

    cuts = np.cumsum([len(CAMERA), len(SCENE)])
    parts = np.split(spill.by_blocks(n, elsewhere), cuts, axis=1)
    camera, scene, off_screen = (np.ascontiguousarray(part) for part in parts)
    face = spill.by_blocks(n, of_faces)
    found = Evidence(others, px, xyxy, face, camera, scene, off_screen, tuple(meetings))
    return spill.columns(found)


def with_answers(found: Sequence[Evidence], first: Sequence[Floats]) -> Iterator[Evidence]:
    """The same one by one, once it is known how probably each face looks back.

    Args:
        found: of all tracks.
        first: for each `(n, others + 3)` probabilities by all other evidence.
    """
    for evidence in found:
        face = evidence.face.copy()
        for m in evidence.meetings:
            back = np.log(first[m.track][m.there, m.back] + LEAST_BACK) - np.log(LEAST_BACK)
            face[m.here, m.column, FACE.index("face_looks_back")] = back
        yield replace(evidence, face=face)


def _others(i: int, tracks: Sequence[Track]) -> tuple[int, ...]:
    """Persons who are there in the time of track `i`."""
    return tuple(sorted({tracks[j].person for j in _overlapping(i, tracks)}))


def _meetings(i: int, tracks: Sequence[Track]) -> list[Meeting]:
    others, result = _others(i, tracks), []
    for j in _overlapping(i, tracks):
        _, here, there = np.intersect1d(
            tracks[i].frame, tracks[j].frame, assume_unique=True, return_indices=True
        )
        here, there = spill.on_disk(here), spill.on_disk(there)
        column = others.index(tracks[j].person)
        result.append(Meeting(j, here, there, column, _others(j, tracks).index(tracks[i].person)))
    return result


def _overlapping(i: int, tracks: Sequence[Track]) -> list[int]:
    me = tracks[i]
    return [
        j
        for j, t in enumerate(tracks)
        if t.person != me.person
        and t.pane == me.pane  # of another part of a split screen nobody is seen
        and t.frame[0] <= me.frame[-1]
        and me.frame[0] <= t.frame[-1]
    ]


def _of_face(me: _Face, other: _Face, shape: Shape) -> Floats:
    """`(n, len(FACE))`; who looks back is known later, see `with_answers`."""
    one = np.ones(len(me.px))
    bearing, in_space = _bearing(me, other), _in_space(me, other, shape)
    # who looks the same way aside may look at something beyond; who speaks is looked at anyway
    same = (me.local[:, :2] * other.local[:, :2]).sum(axis=1)
    past = np.maximum(same, 0) * (1 - other.speaks)
    return np.stack([one, bearing, in_space, other.speaks, past, 0 * one], axis=1)


def _bearing(me: _Face, other: _Face) -> Floats:
    """Logarithm of how much likelier the arrow's bearing is for this look than for any other.

    The error of a direction turns its arrow the more, the shorter the arrow. The densities are von
    Mises' and the uniform one.
    """
    from scipy.special import i0e

    way = other.px - me.px
    length = np.maximum(np.linalg.norm(way, axis=1), 1e-6)
    far = np.maximum(length / np.sqrt(me.height_px * other.height_px), 0.1)
    arrow = np.maximum(np.linalg.norm(me.local[:, :2], axis=1), 1e-6)
    off = np.abs(
        np.arctan2(
            way[:, 0] * me.local[:, 1] - way[:, 1] * me.local[:, 0],
            (way * me.local[:, :2]).sum(axis=1),
        )
    )
    off = np.maximum(off - np.arctan(HALF_FACE / far), 0)
    kappa = me.concentration * arrow**2
    value = kappa * (np.cos(off) - 1) - np.log(i0e(kappa))
    return np.asarray(np.maximum(value, FLOOR))


def _in_space(me: _Face, other: _Face, shape: Shape) -> Floats:
    """Logarithm of the density of the direction for a look at the other, over the uniform one."""
    start = me.ray * me.distance_mm[:, None]
    kappa = np.maximum(me.concentration, 0.5)
    total = np.zeros(len(kappa))
    for offset, weight in _distance_nodes(shape.distance_spread):
        way = other.ray * (other.distance_mm * np.exp(offset))[:, None] - start
        seen = _as_measured(directions.normalise(way), me.ray, shape.head_share)
        cosine = (seen * me.gaze).sum(axis=1)
        total += weight * np.exp(kappa * (cosine - 1))
    scale = 2 * kappa / -np.expm1(-2 * kappa)
    return np.asarray(np.maximum(np.log(np.maximum(total * scale, 1e-30)), FLOOR))


def _as_measured(way: Floats, ray: Floats, fraction: float) -> Floats:
    """Directions as heads show them: a share of the way from facing the camera."""
    yaw, pitch = directions.to_yaw_pitch(way)
    ray_yaw, ray_pitch = directions.to_yaw_pitch(-ray)
    turn = np.arctan2(np.sin(yaw - ray_yaw), np.cos(yaw - ray_yaw))
    return directions.from_yaw_pitch(
        ray_yaw + fraction * turn, ray_pitch + fraction * (pitch - ray_pitch)
    )


@cache
def _distance_nodes(spread: float) -> tuple[tuple[float, float], ...]:
    """Gauss-Hermite nodes and weights over the logarithm of the ratio of two distances."""
    x, w = np.polynomial.hermite_e.hermegauss(5)
    return tuple(
        (float(spread * np.sqrt(2) * a), float(b / w.sum())) for a, b in zip(x, w, strict=True)
    )


@dataclass(frozen=True)
class _Eyes:
    """What head, irises and lids show as seen along the ray, radians."""

    yaw: Floats
    pitch: Floats
    iris_down: Floats
    """How far they stand below where they rest; 0 where they are not seen."""
    lids_down: Floats
    """Share of the usual opening that is lost; 0 where the lids are not seen."""

    @classmethod
    def of(cls, track: Track, me: _Face, lids: Floats, shape: Shape) -> _Eyes:
        yaw, pitch = directions.to_yaw_pitch(me.local)
        head = directions.rotation_from_angles(track.yaw_rad, track.pitch_rad, track.roll_rad)
        head = np.swapaxes(_towards(me.ray), -1, -2) @ head
        _, _, roll = directions.angles_from_rotation(head)
        x, y = track.pupil_mm.T
        down = (np.sin(roll) * x + np.cos(roll) * y) / EYE_RADIUS_MM
        fallen = np.arcsin(np.clip(down, -0.95, 0.95)) - shape.iris_rests_rad
        return cls(
            yaw, pitch,
            np.clip(np.nan_to_num(fallen), 0, 0.6) / UNIT_RAD,
            np.clip(np.nan_to_num(LIDS_OPEN - lids), 0, 0.6) / UNIT_LIDS,
        )  # fmt: skip


def _elsewhere(eyes: _Eyes) -> tuple[Floats, Floats, Floats]:
    """Camera, scene and off screen."""
    one, turn = np.ones(len(eyes.yaw)), np.minimum(np.abs(eyes.yaw), 0.8) / UNIT_RAD
    # pitch has errors with heavy tails: a head may be lowered below eyes that look ahead
    camera = np.stack([one, turn, np.log1p((eyes.pitch / UNIT_RAD) ** 2)], axis=1)
    down = np.clip(-eyes.pitch - LEVEL_RAD, 0, 0.8) / UNIT_RAD
    up = np.clip(eyes.pitch, 0, 0.6) / UNIT_RAD
    scene = np.stack([down, eyes.lids_down, eyes.iris_down], axis=1)
    return camera, scene, np.stack([one, up, eyes.lids_down], axis=1)
