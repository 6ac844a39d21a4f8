"""Bodies of a frame: nose, neck and shoulders, detected by a network or guessed from the head.

The published code leaves the estimator to the user. `keypoint_rcnn` is torchvision's Keypoint R-CNN
with a weights file of the user's. `torso_from_head` needs no file: an upright torso of the mean
body hangs below the head and faces the camera. What that costs: a turned body is not seen, so that
gaze points are those of a person who always sits square to the camera; the directions of the gazes
of one person who keeps his place are still distinguished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from eyeline.errors import CheckpointError, UsageError, check_shape
from eyeline.geometry import boxes
from eyeline.results import Floats
from eyeline.systems.eye_contact.discovery.faces import Landmarked
from eyeline.systems.eye_contact.discovery.gaze_points import BODY_POINTS_MM, BodyPoses
from eyeline.systems.eye_contact.head import assumed_camera, solve_heads

if TYPE_CHECKING:
    from eyeline.video.frame import Frame

ESTIMATORS = ("torso_from_head", "keypoint_rcnn")

_PIVOT_MM = np.array([0.0, 60.0, 100.0])
"""Where a head turns upon the neck, from the tip of its nose."""
_NECK_MM = np.array([0.0, 91.0, -60.0])
"""The neck's point from there, so that a head that faces the camera has its nose where the mean
body has it."""


@dataclass(frozen=True)
class Bodies:
    """The bodies of one frame."""

    parts_norm: Floats
    """`(n, 4, 2)` nose, neck, part 2 (the person's right shoulder, on the image's left for one
    who faces the camera) and part 5 (the other) as fractions of the image's size."""
    poses: BodyPoses | None = None
    """Where they are known; None where they are to be solved from the parts."""

    def __post_init__(self) -> None:
        check_shape(self.parts_norm, "body 4 2", "parts_norm")

    def __len__(self) -> int:
        return len(self.parts_norm)

    def only(self, row: int) -> Bodies:
        """One of them."""
        one, poses = slice(row, row + 1), self.poses
        if poses is not None:
            poses = BodyPoses(poses.rotation[one], poses.translation_mm[one])
        return Bodies(self.parts_norm[one], poses)


class BodyFinder(Protocol):
    """Whatever finds bodies."""

    def find(self, frame: Frame, faces: Sequence[Landmarked]) -> Bodies:
        """The bodies of a frame; `faces` are those whose bodies are wanted."""


class TorsoFromHead:
    """An upright torso below each head, square to the camera: an assumption, no measurement."""

    def find(self, frame: Frame, faces: Sequence[Landmarked]) -> Bodies:
        """One body a face, its nose in the middle of the face's box; none without a head pose."""
        width_px, height_px = frame.size_wh
        camera = assumed_camera(width_px, height_px)
        heads = solve_heads(np.array([f.six_px for f in faces]).reshape(-1, 6, 2), camera)
        known = np.isfinite(heads.translation_mm).all(axis=1)
        pivot = heads.translation_mm + heads.rotation @ _PIVOT_MM
        neck_mm = pivot[known] + _NECK_MM
        yaw = np.arctan2(neck_mm[:, 0], neck_mm[:, 2])  # about the spine, to face the camera
        zero, one = np.zeros_like(yaw), np.ones_like(yaw)
        cos, sin = np.cos(yaw), np.sin(yaw)
        rows = np.array([[cos, zero, sin], [zero, one, zero], [-sin, zero, cos]])
        poses = BodyPoses(np.moveaxis(rows, 2, 0), neck_mm)
        shoulders = np.einsum("nij,pj->npi", poses.rotation, BODY_POINTS_MM[1:4])
        parts_px = camera.project(shoulders + poses.translation_mm[:, None])
        box = np.array([f.box_xyxy for f in faces]).reshape(-1, 4)[known]
        parts_px = np.concatenate([boxes.centre(box)[:, None], parts_px], axis=1)
        return Bodies(parts_px / [width_px, height_px], poses)


class KeypointRcnn:
    """torchvision's Keypoint R-CNN; part 2 is the person's right shoulder, part 5 the left one.

    `weights` is a state dict of `keypointrcnn_resnet50_fpn`, for example torchvision's own,
    `least_score` that of a person; the image is scaled to `shorter_px`, 800 as torchvision does.
    """

    def __init__(
        self,
        weights: Path | str,
        device: str = "cpu",
        least_score: float = 0.7,
        shorter_px: int = 800,
    ) -> None:
        """Load the network; CheckpointError where the file does not fit."""
        from torchvision.models.detection import keypointrcnn_resnet50_fpn

        from eyeline.training import checkpoint, foreign

        network = keypointrcnn_resnet50_fpn(
            weights=None, weights_backbone=None, min_size=shorter_px
        )
        theirs = foreign.load_state(weights, "keypointrcnn_resnet50_fpn of torchvision")
        checkpoint.fill(network, theirs.state, weights)
        self._network: Any = network.eval().to(device)
        self._device = device
        self._least_score = least_score

    def find(self, frame: Frame, faces: Sequence[Landmarked]) -> Bodies:
        """All persons of the frame that show nose and both shoulders; faces are not used."""
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(frame.rgb().transpose(2, 0, 1)))
        with torch.inference_mode():
            (result,) = self._network([pixels.to(self._device).float() / 255])
        keypoints = result["keypoints"].cpu().numpy()[..., :2].astype(np.float64)
        seen = result["keypoints_scores"].cpu().numpy()[:, list(_NOSE_AND_SHOULDERS)] > 0
        sure = (result["scores"].cpu().numpy() >= self._least_score) & seen.all(axis=1)
        return Bodies(parts_of_coco(keypoints[sure]) / frame.size_wh)


_NOSE_AND_SHOULDERS = (0, 6, 5)
"""Of COCO's 17 points: nose, right shoulder, left shoulder."""


def parts_of_coco(keypoints_px: Floats) -> Floats:
    """Nose, neck, part 2 and part 5 `(n, 4, 2)` of COCO's points `(n, 17, 2)`.

    COCO has no neck; the middle of the shoulders is taken.
    """
    check_shape(keypoints_px, "body 17 2", "keypoints_px")
    nose, right, left = (keypoints_px[:, i] for i in _NOSE_AND_SHOULDERS)
    return np.stack([nose, (right + left) / 2, right, left], axis=1)


def make_bodies(
    estimator: str = "torso_from_head", weights: Path | str | None = None, device: str = "cpu"
) -> BodyFinder:
    """The estimator of a name; UsageError lists the names."""
    if estimator == "torso_from_head":
        return TorsoFromHead()
    if estimator != "keypoint_rcnn":
        raise UsageError(f"no body estimator '{estimator}'; there are {', '.join(ESTIMATORS)}")
    if weights is None:
        raise UsageError(
            "keypoint_rcnn needs a weights file: a state dict of torchvision's network"
        )
    if not Path(weights).is_file():
        raise CheckpointError(f"{weights}: no such file")
    return KeypointRcnn(weights, device)
