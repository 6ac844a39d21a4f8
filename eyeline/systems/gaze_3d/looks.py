"""Gaze from the head's turn and what the eye network says of the eyes within it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline import spill
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import smooth
from eyeline.people.tracks import Track, towards_camera
from eyeline.results import Floats
from eyeline.systems.gaze_3d import head_pose

SIGMA_S = 0.08


@dataclass(frozen=True)
class Looks:
    """Constants, fitted by `scripts/fit_heads.py`."""

    down: float = 0.5
    """Share of the eyes' turn up or down that is believed."""
    head_gain: float = 1.33
    """Look up or down for each degree that the head does."""
    usual_fraction: float = 0.6
    """Share of a person's usual pitch that is the shape of the face rather than a look."""
    plain_across: float = 0.0
    """Share of `head_pose`'s answer in the yaw."""
    plain_down: float = 0.8
    """Share of it in the pitch: it knows of lowered lids."""


LOOKS = Looks()


def gaze(
    track: Track,
    open_lids: float,
    camera: Camera,
    usual_pitch_rad: float = 0.0,
    looks: Looks = LOOKS,
) -> tuple[Floats, Floats]:
    """Gaze directions `(n, 3)` in the camera frame and concentrations `(n,)` of one track.

    Frames whose eyes are closed or hidden take `head_pose.gaze`: the head, and lowered lids.

    Args:
        track: with turns and looks of the networks.
        open_lids: as of `head_pose.gaze`.
        camera: the camera of the video.
        usual_pitch_rad: the person's usual pitch, see `people.tracks.usual_pitch`.
        looks: constants.
    """
    plain, concentration = head_pose.gaze(track, open_lids, camera, usual_pitch_rad)
    if track.look_rad is None or track.look_error_rad is None:
        return plain, concentration
    look_rad = track.look_rad
    seen = np.isfinite(look_rad[:, 0])

    def aims(rows: slice) -> Floats:
        part = track.part(rows)
        towards, (yaw, pitch, roll) = towards_camera(part, camera)
        eyes = np.nan_to_num(look_rad[rows]) * np.array([1.0, looks.down])
        own = directions.from_yaw_pitch(eyes[:, 0], eyes[:, 1])
        pitch = looks.head_gain * (pitch - looks.usual_fraction * usual_pitch_rad)
        local = np.einsum("nij,nj->ni", directions.rotation_from_angles(yaw, pitch, roll), own)
        by_eyes = np.stack(directions.to_yaw_pitch(local), axis=1)
        head = np.einsum("nji,nj->ni", towards, plain[rows])
        by_head = np.stack(directions.to_yaw_pitch(head), axis=1)
        fraction = np.array([looks.plain_across, looks.plain_down])
        mixed = by_eyes + fraction * ((by_head - by_eyes + np.pi) % (2 * np.pi) - np.pi)
        aim = np.einsum("nij,nj->ni", towards, directions.from_yaw_pitch(*mixed.T))
        return np.where(seen[rows, None], aim, plain[rows])

    aim = smooth.gaussian(spill.by_blocks(len(track), aims), track.time_s, SIGMA_S)
    error = np.hypot(track.head_error_rad, np.nan_to_num(track.look_error_rad))
    aim = spill.on_disk(directions.normalise(aim))
    return aim, spill.on_disk(np.where(seen, 1 / error**2, concentration))
