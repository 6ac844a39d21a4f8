"""Looks into the camera, by geometry: shared by the rooms that ask about such contact."""

from __future__ import annotations

import numpy as np

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.results import Directions, Floats

CAP_RAD = np.radians(12.0)
"""Half-angle about the camera within which a look counts as contact. People feel looked at within
some 4 to 10 degrees (Gamer & Hecht 2007); a little more for the camera's own size and lens."""

THRESHOLD = 1 / 3
"""From this probability on the camera counts as looked at: a direction that is known to some 10
degrees never puts much more than half of its probability into the cap."""


def camera_contact(gaze: Directions, camera: Camera, cap_rad: float = CAP_RAD) -> Floats:
    """Probability `(n,)` that each direction falls into a cap about the ray back to the camera."""
    back = -camera.rays(gaze.origin_px)
    offset = directions.angle(gaze.direction, back)
    return directions.cap_probability(offset, gaze.concentration, cap_rad)
