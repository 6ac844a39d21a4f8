"""Unit vectors, angles and rotations in the camera frame: x right, y down, z forward.

Yaw and pitch describe where a direction points as seen by the camera: `(0, 0, -1)` looks into the
camera and has yaw 0 and pitch 0; yaw grows towards the right edge of the image, pitch grows
upwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def normalise(vectors: Floats) -> Floats:
    """Vectors `(..., 3)` at length one; a zero vector stays zero."""
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norm > 0, norm, 1))


def from_yaw_pitch(yaw_rad: Floats, pitch_rad: Floats) -> Floats:
    """Unit vectors `(..., 3)` of yaw and pitch `(...)`."""
    yaw_rad, pitch_rad = np.asarray(yaw_rad), np.asarray(pitch_rad)
    flat = np.cos(pitch_rad)
    return np.stack([flat * np.sin(yaw_rad), -np.sin(pitch_rad), -flat * np.cos(yaw_rad)], axis=-1)


def to_yaw_pitch(vectors: Floats) -> tuple[Floats, Floats]:
    """Yaw in (-pi, pi] and pitch in [-pi/2, pi/2] of unit vectors `(..., 3)`."""
    yaw = np.arctan2(vectors[..., 0], -vectors[..., 2])
    pitch = np.arcsin(np.clip(-vectors[..., 1], -1, 1))
    return np.asarray(yaw), np.asarray(pitch)


def angle(a: Floats, b: Floats) -> Floats:
    """Angle in radians between vectors `(..., 3)`, exact for small and for opposite ones."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.arctan2(cross, np.sum(a * b, axis=-1)))


def rotation_from_angles(yaw_rad: Floats, pitch_rad: Floats, roll_rad: Floats) -> Floats:
    """Rotations `(..., 3, 3)` that take a head facing the camera to the given angles.

    The head's own frame is that of the camera turned to face it: x to the right of the image, y
    down, z away from the camera, so that its face points along -z. Columns are the head's axes in
    the camera frame; roll is clockwise in the image and applied first.
    """
    cy, sy = np.cos(yaw_rad), np.sin(yaw_rad)
    cp, sp = np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    shape = np.broadcast_shapes(np.shape(cy), np.shape(cp), np.shape(cr))
    # turn @ nod @ tilt written out: fits call this thousands of times on a few rows
    out = np.empty((*shape, 3, 3))
    out[..., 0, 0], out[..., 0, 1], out[..., 0, 2] = (
        cy * cr + sy * sp * sr,
        sy * sp * cr - cy * sr,
        -sy * cp,
    )
    out[..., 1, 0], out[..., 1, 1], out[..., 1, 2] = cp * sr, cp * cr, sp
    out[..., 2, 0], out[..., 2, 1], out[..., 2, 2] = (
        sy * cr - cy * sp * sr,
        -sy * sr - cy * sp * cr,
        cy * cp,
    )
    return out


def angles_from_rotation(rotation: Floats) -> tuple[Floats, Floats, Floats]:
    """Yaw, pitch and roll of rotations `(..., 3, 3)`: the inverse of `rotation_from_angles`."""
    yaw, pitch = to_yaw_pitch(-rotation[..., :, 2])
    roll = np.arctan2(rotation[..., 1, 0], rotation[..., 1, 1])
    return yaw, pitch, np.asarray(roll)


def as_seen(vectors: Floats, rays: Floats) -> Floats:
    """Directions `(n, 3)` as seen along the rays `(n, 3)` from the camera to where they start.

    The camera frame is turned so that its z axis follows the ray: `(0, 0, -1)` looks into the
    camera from anywhere in the image, and x and y are what the image shows of the direction.
    """
    yaw, pitch = to_yaw_pitch(-rays)
    towards = rotation_from_angles(yaw, pitch, np.zeros_like(yaw))
    return np.asarray(np.einsum("nij,ni->nj", towards, vectors))


def cone(concentration: Floats, fraction: float = 0.5) -> Floats:
    """Half-angles in radians within which a share of a von Mises-Fisher distribution lies.

    Args:
        concentration: `(...)` kappa > 0.
        fraction: in (0, 1).

    Returns:
        `(...)` in (0, pi); a quarter turn for half of a distribution that knows nothing.
    """
    kappa = np.maximum(np.asarray(concentration, np.float64), 1e-6)
    beyond = np.log1p(fraction * np.expm1(-2 * kappa)) / kappa
    return np.asarray(2 * np.arcsin(np.sqrt(np.clip(-beyond / 2, 0, 1))))


def cone_rim(direction: Floats, half_angle_rad: Floats, points: int = 24) -> Floats:
    """Unit vectors `(..., points, 3)` around unit vectors `(..., 3)`, half-angles `(...)` off."""
    direction = np.asarray(direction, np.float64)
    aside = np.eye(3)[np.abs(direction).argmin(axis=-1)]
    first = normalise(np.cross(direction, aside))[..., None, :]
    second = np.cross(direction[..., None, :], first)
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)[:, None]
    off = np.asarray(half_angle_rad)[..., None, None]
    circle = np.cos(turn) * first + np.sin(turn) * second
    return np.asarray(np.cos(off) * direction[..., None, :] + np.sin(off) * circle)
