"""Gaze from head pose, irises and lids: geometry with stated constants, nothing learned."""

from __future__ import annotations

import numpy as np

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import smooth
from eyeline.people.tracks import Track
from eyeline.results import Floats

EYE_RADIUS_MM = 10.5
"""From the eyeball's middle to the plane of the iris."""
CORNERS_AHEAD_MM = 2.0
"""How far the eye corners' middle lies before the eyeball's: a turned head shifts it."""
IRIS_SHARE = 0.7
"""How far gaze is drawn from the head's direction to what the irises show: the share that fits
drawn eyes best, where irises are told as `people.irises` tells them (0.65 to 0.85 by size)."""
IRIS_SHARE_PROFILE = 0.2
"""The same for a head turned by 60 degrees and more, where the iris is foreshortened."""
MOST_EYE_TURN_RAD = np.radians(35.0)
"""Eyes are not turned further than this against the head for long."""
LIDS_DROPPED = 0.22
"""Share of the usual lid opening that may be lost before it counts as a look down."""
DOWN_PER_DROP_RAD = np.radians(60.0)
"""Look down for each further loss of the whole opening."""
UNSEEN_EYE_RAD: float = np.radians(14.0)
"""Spread of gaze about the head's direction where the irises are not seen."""
SEEN_EYE_RAD: float = np.radians(9.0)
"""The same where they are."""


def gaze(track: Track, open_lids: float, camera: Camera) -> tuple[Floats, Floats]:
    """Gaze directions `(n, 3)` in the camera frame and concentrations `(n,)` of one track.

    Args:
        track: head pose, irises and lids of a face.
        open_lids: the person's lid opening when looking ahead, see `people.tracks.usual_lids`;
            NaN if never seen.
        camera: the camera of the video.
    """
    ray_yaw, ray_pitch = directions.to_yaw_pitch(-camera.rays(track.eyes_px))
    towards = directions.rotation_from_angles(ray_yaw, ray_pitch, np.zeros_like(ray_yaw))
    head = directions.rotation_from_angles(track.yaw_rad, track.pitch_rad, track.roll_rad)
    local = np.swapaxes(towards, -1, -2) @ head
    yaw, pitch, roll = directions.angles_from_rotation(local)
    yaw, pitch = _follow_irises(yaw, pitch, roll, track.pupil_mm)
    # a turned eye looks narrower and so more open than it is: lids tell most of a frontal face
    pitch = pitch - np.cos(yaw) ** 2 * _lids_down(track.lid_opening, open_lids)
    aim = directions.from_yaw_pitch(yaw, np.clip(pitch, -1.4, 1.4))
    aim = np.einsum("nij,nj->ni", towards, aim)
    aim = directions.normalise(smooth.gaussian(aim, track.time_s, 0.08))
    return aim, concentration(track)


def concentration(track: Track) -> Floats:
    """Concentration `(n,)`: inverse variance of the head's expected error and the eyes in it."""
    eye = np.where(np.isfinite(track.pupil_mm[:, 0]), SEEN_EYE_RAD, UNSEEN_EYE_RAD)
    return np.asarray(1.0 / (track.head_error_rad**2 + eye**2))


def _follow_irises(
    yaw: Floats, pitch: Floats, roll: Floats, iris_mm: Floats
) -> tuple[Floats, Floats]:
    """Yaw and pitch of a head drawn towards where its irises point.

    All angles are relative to the ray through the face.
    """
    cos, sin = np.cos(roll), np.sin(roll)
    right = cos * iris_mm[:, 0] - sin * iris_mm[:, 1] + CORNERS_AHEAD_MM * np.sin(yaw)
    right = right / EYE_RADIUS_MM
    seen = np.isfinite(right)
    eye_yaw = np.arcsin(np.clip(np.where(seen, right, 0), -0.95, 0.95))
    turn = np.clip(eye_yaw - yaw, -MOST_EYE_TURN_RAD, MOST_EYE_TURN_RAD)
    profile = np.clip(np.abs(yaw) / np.radians(60.0), 0, 1)
    share = IRIS_SHARE + profile * (IRIS_SHARE_PROFILE - IRIS_SHARE)
    return np.asarray(yaw + np.where(seen, share * turn, 0)), pitch


def _lids_down(lid_opening: Floats, open_lids: float) -> Floats:
    """Look down in radians `(n,)` that lowered lids tell of; 0 where they are not seen."""
    if not np.isfinite(open_lids) or open_lids <= 0:
        return np.zeros(len(lid_opening))
    dropped = np.clip(1 - lid_opening / open_lids - LIDS_DROPPED, 0, 0.5)
    return np.asarray(np.nan_to_num(dropped * DOWN_PER_DROP_RAD))
