"""Tracks made by hand, for tests of everything that takes tracks."""

from __future__ import annotations

from typing import Any

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import Floats
from tests.people.faces import five, six


def track(
    frames: range,
    *,
    person: int = 1,
    track_id: int = 1,
    shot: int = 0,
    at: tuple[float, float] = (640.0, 360.0),
    scale: float = 0.6,
    yaw: float | Floats = 0.0,
    pitch: float = 0.0,
    rate_hz: float = 25.0,
    **columns: Any,
) -> Track:
    """A face that stays in one place; `scale` is pixels a millimetre, angles are radians in the
    camera frame."""
    n, frame = len(frames), np.array(frames)
    turn = np.broadcast_to(np.asarray(yaw, float), (n,)).copy()
    points = np.stack([five(y, pitch, 0.0, scale, np.array(at)) for y in turn]).reshape(n, 5, 2)
    centre = np.array(at) + np.array([0, 40 * scale])
    half = scale * np.array([65, 92])
    box = np.tile(np.concatenate([centre - half, centre + half]), (n, 1))
    values: dict[str, Any] = {
        "box_xyxy": box,
        "head_xyxy": box,
        "box_source": "given",
        "score": np.full(n, 0.9),
        "detected": np.ones(n, bool),
        "five_px": points,
        "six_px": np.stack([six(y, pitch, 0.0, scale, np.array(at)) for y in turn]).reshape(
            n, 6, 2
        ),
        "quality": np.full(n, 0.9),
        "yaw_rad": turn,
        "pitch_rad": np.full(n, pitch),
        "roll_rad": np.zeros(n),
        "head_error_rad": np.full(n, 0.12),
        "pupil_mm": np.full((n, 2), np.nan),
        "lid_opening": np.full(n, 0.32),
        "mouth_open": np.zeros(n),
    }
    return Track(
        track_id=track_id,
        person=person,
        shot=shot,
        frame=frame,
        time_s=frame / rate_hz,
        end_s=(frame + 1) / rate_hz,
        **(values | columns),
    )
