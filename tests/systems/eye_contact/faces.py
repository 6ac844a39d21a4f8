"""Synthetic faces: the mean head moved about, as landmarks and as tracks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.geometry import directions
from eyeline.people.tracks import Track
from eyeline.systems.eye_contact.head import FACE_POINTS_MM, assumed_camera
from eyeline.systems.eye_contact.landmarks.inputs import Landmarks
from eyeline.systems.eye_contact.report import Predicted

Array = npt.NDArray[Any]

MIRRORED_ORDER = (3, 2, 1, 0, 5, 4)
"""Where each point of the six comes from in a mirrored image."""


def six_points(
    yaw_deg: Array,
    pitch_deg: Array,
    roll_deg: Array,
    *,
    at_mm: tuple[float, float, float] = (60, -40, 900),
) -> Array:
    """The mean head's six points `(n, 6, 2)` at 1280x720 for given angles."""
    turn = directions.rotation_from_angles(*(np.radians(a) for a in (yaw_deg, pitch_deg, roll_deg)))
    points = np.einsum("nij,pj->npi", turn, FACE_POINTS_MM) + np.array(at_mm)
    return assumed_camera(1280, 720).project(points)


def wandering(
    frames: int, seed: int = 0, *, rate_hz: float = 25.0, start_s: float = 0.0
) -> Landmarks:
    """A head that wanders about smoothly, without noise."""
    rng = np.random.default_rng(seed)
    time_s = start_s + np.arange(frames) / rate_hz
    frequency, phase = rng.uniform(0.5, 3, (3, 3, 1)), rng.uniform(0, 6, (3, 3, 1))
    waves = np.einsum("w,awn->an", [8, 5, 3], np.sin(frequency * time_s + phase))
    return Landmarks(time_s, six_points(waves[0], waves[1] * 0.6, waves[2] * 0.4))


def track(
    landmarks: Landmarks, *, track_id: int = 1, person: int = 1, quality: float = 0.9
) -> Track:
    """A track that carries these landmarks; all else is synthetic and plain."""
    n = len(landmarks.time_s)
    centre = landmarks.six_px.mean(axis=1)
    step = float(np.diff(landmarks.time_s).min()) if n > 1 else 0.04
    column = np.zeros(n)
    return Track(
        track_id=track_id, person=person, shot=0,
        frame=np.rint(landmarks.time_s / step).astype(np.int64),
        time_s=landmarks.time_s,
        end_s=np.append(landmarks.time_s[1:], landmarks.time_s[-1] + step),
        box_xyxy=np.concatenate([centre - 60, centre + 60], axis=1),
        head_xyxy=np.concatenate([centre - 90, centre + 90], axis=1),
        score=column + 0.9,
        detected=np.ones(n, bool),
        five_px=np.repeat(centre[:, None], 5, axis=1),
        six_px=landmarks.six_px,
        quality=column + quality,
        yaw_rad=column, pitch_rad=column, roll_rad=column,
        head_error_rad=column + 0.1,
        pupil_mm=np.zeros((n, 2)),
        lid_opening=column + 0.3,
        mouth_open=column,
    )  # fmt: skip


def only(states: Sequence[Array]) -> Predicted:
    """States `(n,)` a sample without any probability."""
    nothing = tuple(np.full(len(s), np.nan) for s in states)
    return Predicted(nothing, nothing, tuple(states))
