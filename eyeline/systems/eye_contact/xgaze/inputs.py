"""From six landmarks and an image to what the gaze network sees, and back from its output.

A face is looked at by a virtual camera that is turned to its centre, upright by the head's x axis,
and moved to a fixed distance (the normalisation of ETH-XGaze). Lengths are millimetres, frames are
cameras': x right, y down, z forward. The network's vector points away from the scene: the look in
the camera frame is its opposite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.geometry import directions
from eyeline.results import Floats, Image
from eyeline.runtimes.interface import Pixels
from eyeline.systems.eye_contact.head import assumed_camera, solve_heads

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FACE_PX = 224
"""Side of a normalised face."""
FOCAL_PX = 960.0
"""Focal length of the virtual camera."""
DISTANCE_MM = 600.0
"""Distance at which it sees the face centre."""
MEAN_RGB = (0.485, 0.456, 0.406)
"""Mean of the pixels, in [0, 1], that the network was trained on."""
STD_RGB = (0.229, 0.224, 0.225)
"""Their standard deviation."""
PIXELS = Pixels("RGB", MEAN_RGB, STD_RGB, 255.0)
"""How images become an input."""

_VIRTUAL = np.array([[FOCAL_PX, 0, FACE_PX / 2], [0, FOCAL_PX, FACE_PX / 2], [0, 0, 1]])


@dataclass(frozen=True)
class Views:
    """Virtual cameras, one a face; NaN where there is no head pose."""

    centre_mm: Floats
    """`(n, 3)` face centres in the camera frame."""
    rotation: Floats
    """`(n, 3, 3)` camera frame to that of the virtual camera."""
    warp: Floats
    """`(n, 3, 3)` pixels of the image to pixels of the normalised face."""

    def __len__(self) -> int:
        return len(self.warp)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """`(n,)` whether there is a view."""
        return np.asarray(np.isfinite(self.warp).all(axis=(1, 2)))

    def network_vectors(self, pitch_yaw: Floats) -> Floats:
        """The network's vectors `(n, 3)` in the camera frame from its `(n, 2)` pitch and yaw."""
        turned = np.einsum("nji,nj->ni", self.rotation, vectors(pitch_yaw))
        return directions.normalise(turned)


def views(six_px: Floats, width_px: int, height_px: int) -> Views:
    """Virtual cameras on faces, by the camera that the published code assumes.

    `six_px` `(n, 6, 2)` are points `people.tracks.SIX_OF_68`; frames with NaN give NaN. DataError
    for another shape.
    """
    camera = assumed_camera(width_px, height_px)
    heads = solve_heads(six_px, camera)
    centre = heads.centre_mm
    distance = np.linalg.norm(centre, axis=1)
    head_x = heads.rotation[:, :, 0]
    forward = directions.normalise(centre)
    down = directions.normalise(np.cross(forward, head_x))
    right = directions.normalise(np.cross(down, forward))
    rotation = np.stack([right, down, forward], axis=1)
    nearer = rotation.copy()
    nearer[:, 2] *= (DISTANCE_MM / distance)[:, None]
    return Views(centre, rotation, _VIRTUAL @ nearer @ np.linalg.inv(camera.matrix))


def cut_faces(image: Image, warp: Floats) -> Image:
    """Normalised faces `(n, 224, 224, 3)` of one image `(h, w, 3)`, the channels in its order.

    `warp` `(n, 3, 3)` is of known `Views`.
    """
    import cv2

    faces = np.empty((len(warp), FACE_PX, FACE_PX, 3), np.uint8)
    for face, one in zip(faces, warp, strict=True):
        cv2.warpPerspective(image, one, (FACE_PX, FACE_PX), dst=face, flags=cv2.INTER_LINEAR)
    return faces


def network_array(faces: Image) -> Floats:
    """What the gaze network takes: `(n, 3, 224, 224)` float32 RGB, channels last in memory.

    Faces are `(n, 224, 224, 3)` BGR, as of `cut_faces` from a BGR image; DataError for another
    shape.
    """
    check_shape(faces, f"face {FACE_PX} {FACE_PX} 3", "faces")
    std = np.array(STD_RGB, np.float32)
    scale, shift = 1 / (np.float32(255) * std), np.array(MEAN_RGB, np.float32) / std
    # whole rows at once: an axis of three alone is slow
    rows = _red_first(faces).reshape(-1, FACE_PX, FACE_PX * 3).astype(np.float32)
    rows *= np.tile(scale, FACE_PX)
    rows -= np.tile(shift, FACE_PX)
    return rows.reshape(-1, FACE_PX, FACE_PX, 3).transpose(0, 3, 1, 2)


def network_input(faces: Image, device: torch.device | str = "cpu") -> Tensor:
    """`network_array` as a tensor on a device."""
    import torch

    return torch.from_numpy(network_array(faces)).to(device)


def vectors(pitch_yaw: Floats) -> Floats:
    """Unit vectors `(n, 3)` of pitch and yaw `(n, 2)` in radians, as the network means them."""
    pitch, yaw = np.asarray(pitch_yaw, np.float64).T
    flat = np.cos(pitch)
    return np.stack([flat * np.sin(yaw), np.sin(pitch), flat * np.cos(yaw)], axis=1)


def camera_plane_mm(centre_mm: Floats, network_vectors: Floats) -> Floats:
    """Where looks meet the plane z = 0 through the camera: `(n, 2)` right and down of it.

    Of face centres `(n, 3)` and vectors `(n, 3)` in the camera frame, whose sign does not matter;
    infinite or NaN for looks along the plane.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = -centre_mm[:, 2] / network_vectors[:, 2]
        return np.asarray(centre_mm[:, :2] + reach[:, None] * network_vectors[:, :2])


def _red_first(faces: Image) -> Image:
    """A copy of BGR images `(n, h, w, 3)` as RGB; quick if they are RGB seen from behind."""
    import cv2

    rgb = faces[..., ::-1]
    if not faces.size or rgb.flags.c_contiguous:
        return rgb.copy()
    tall = np.ascontiguousarray(faces).reshape(-1, faces.shape[2], 3)
    return np.asarray(cv2.cvtColor(tall, cv2.COLOR_BGR2RGB), np.uint8).reshape(faces.shape)
