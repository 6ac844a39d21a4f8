"""Gaze from head pose, irises and lids: geometry with stated constants, nothing learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline import spill
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import smooth
from eyeline.people.tracks import Track, towards_camera
from eyeline.results import Floats

EYE_RADIUS_MM = 10.5
"""From the eyeball's middle to the plane of the iris."""
CORNERS_AHEAD_MM = 2.0
"""How far the eye corners' middle lies before the eyeball's: a turned head shifts it."""
IRIS_FRACTION = 0.7
"""How far gaze is drawn from the head's direction to what the irises show: the share that fits
drawn eyes best, where irises are told as `people.irises` tells them (0.65 to 0.85 by size)."""
IRIS_FRACTION_PROFILE = 0.2
"""The same for a head turned by 60 degrees and more, where the iris is foreshortened."""
MOST_EYE_TURN_RAD = np.radians(35.0)
"""Eyes are not turned further than this against the head for long."""


@dataclass(frozen=True)
class Vertical:
    """Constants of the height of a look, fitted together by `scripts/fit_pitch.py`."""

    usual_fraction: float = 0.6
    """Share of a person's usual pitch that is taken for the shape of the face rather than a look:
    the face model is that of an average adult."""
    head_gain: float = 1.33
    """How far a look goes up or down for each degree that the head does: eyes go on."""
    iris_fraction: float = 0.6
    """How far gaze is drawn up or down from the head's direction to what the irises show."""
    iris_level_mm: float = -1.4
    """Height of the irises over the eye corners' middle in a level look: it is above it."""
    lids_dropped: float = 0.16
    """Fraction of the usual lid opening that may be lost before it counts as a look down."""
    down_per_drop_rad: float = float(np.radians(75.0))
    """Look down for each further loss of the whole opening."""


VERTICAL = Vertical()
UNSEEN_EYE_RAD: float = np.radians(14.0)
"""Spread of gaze about the head's direction where the irises are not seen."""
SEEN_EYE_RAD: float = np.radians(9.0)
"""The same where they are."""


def gaze(
    track: Track,
    open_lids: float,
    camera: Camera,
    usual_pitch_rad: float = 0.0,
    vertical: Vertical = VERTICAL,
) -> tuple[Floats, Floats]:
    """Gaze directions `(n, 3)` in the camera frame and concentrations `(n,)` of one track.

    Args:
        track: head pose, irises and lids of a face.
        open_lids: the person's lid opening when looking ahead, see `people.tracks.usual_lids`;
            NaN if never seen.
        camera: the camera of the video.
        usual_pitch_rad: the person's usual pitch, see `people.tracks.usual_pitch`.
        vertical: constants of the height of the look.
    """

    def aims(rows: slice) -> Floats:
        part = track.part(rows)
        towards, (yaw, pitch, roll) = towards_camera(part, camera)
        right_mm, down_mm = _upright(part.pupil_mm, roll)
        frontal = np.cos(yaw) ** 2  # a turned eye looks narrower and so more open than it is
        yaw = _follow_irises(yaw, right_mm)
        lowered = vertical.iris_fraction * _iris_turn(down_mm - vertical.iris_level_mm)
        lowered += _lids_down(part.lid_opening, open_lids, vertical)
        pitch = vertical.head_gain * (pitch - vertical.usual_fraction * usual_pitch_rad)
        pitch = pitch - frontal * lowered
        aim = directions.from_yaw_pitch(yaw, np.clip(pitch, -1.4, 1.4))
        return np.einsum("nij,nj->ni", towards, aim)

    aim = smooth.gaussian(spill.by_blocks(len(track), aims), track.time_s, 0.08)
    return spill.on_disk(directions.normalise(aim)), concentration(track)


def concentration(track: Track) -> Floats:
    """Concentration `(n,)`: inverse variance of the head's expected error and the eyes in it."""
    eye = np.where(np.isfinite(track.pupil_mm[:, 0]), SEEN_EYE_RAD, UNSEEN_EYE_RAD)
    return np.asarray(1.0 / (track.head_error_rad**2 + eye**2))


def _upright(iris_mm: Floats, roll: Floats) -> tuple[Floats, Floats]:
    """Shifts of the irises right and down of an upright head."""
    cos, sin = np.cos(roll), np.sin(roll)
    right, down = iris_mm[:, 0], iris_mm[:, 1]
    return cos * right - sin * down, sin * right + cos * down


def _iris_turn(shift_mm: Floats) -> Floats:
    """Turn of the eyeball in radians that shifts its iris so far; 0 where it is not seen."""
    turn = np.arcsin(np.clip(np.nan_to_num(shift_mm) / EYE_RADIUS_MM, -0.95, 0.95))
    return np.asarray(np.clip(turn, -MOST_EYE_TURN_RAD, MOST_EYE_TURN_RAD))


def _follow_irises(yaw: Floats, right_mm: Floats) -> Floats:
    """Yaw of a head, relative to the ray through the face, drawn to where its irises point."""
    right = (right_mm + CORNERS_AHEAD_MM * np.sin(yaw)) / EYE_RADIUS_MM
    seen = np.isfinite(right)
    eye_yaw = np.arcsin(np.clip(np.where(seen, right, 0), -0.95, 0.95))
    turn = np.clip(eye_yaw - yaw, -MOST_EYE_TURN_RAD, MOST_EYE_TURN_RAD)
    profile = np.clip(np.abs(yaw) / np.radians(60.0), 0, 1)
    fraction = IRIS_FRACTION + profile * (IRIS_FRACTION_PROFILE - IRIS_FRACTION)
    return np.asarray(yaw + np.where(seen, fraction * turn, 0))


def _lids_down(lid_opening: Floats, open_lids: float, vertical: Vertical) -> Floats:
    """Look down in radians `(n,)` that lowered lids tell of; 0 where they are not seen."""
    if not np.isfinite(open_lids) or open_lids <= 0:
        return np.zeros(len(lid_opening))
    dropped = np.clip(1 - lid_opening / open_lids - vertical.lids_dropped, 0, 0.5)
    return np.asarray(np.nan_to_num(dropped * vertical.down_per_drop_rad))
