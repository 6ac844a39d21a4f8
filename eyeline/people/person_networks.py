"""torchvision's detectors of persons, with the user's copy of their weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.errors import CheckpointError, UsageError, check_shape
from eyeline.people.bodies import HEAD_WIDE, Persons
from eyeline.results import Floats
from eyeline.weights_folder import placed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eyeline.video.frame import Frame

_ONLY = {
    "keypointrcnn_resnet50_fpn": "roi_heads.keypoint_head.0.weight",
    "fasterrcnn_resnet50_fpn_v2": "backbone.fpn.inner_blocks.0.1.weight",
    "fasterrcnn_mobilenet_v3_large_fpn": "backbone.body.0.0.weight",
    "ssdlite320_mobilenet_v3_large": "backbone.extra.0.0.0.weight",
    "fasterrcnn_resnet50_fpn": "backbone.body.layer1.0.conv1.weight",
}
"""Networks that torchvision has weights for, with a tensor by which each is known; the last one's
others have too."""
NETWORKS = (
    "keypointrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "ssdlite320_mobilenet_v3_large",
)
"""Of them, the best first; also names of weights that can be downloaded."""
SCORE = 0.7
"""Least score of a person."""

_PERSON = 1
_HEAD_POINTS = (0, 1, 2, 3, 4)
"""Of COCO's 17: nose, eyes, ears."""
_SHOULDERS = (5, 6)
_NECK_OF_HEAD = 0.72
"""Way from the middle of nose, eyes and ears to the middle of the shoulders, in heads."""


class TorchvisionPersons:
    """One of torchvision's detectors; which one is read off the weights."""

    def __init__(self, weights: Path | str, device: str = "cpu", score: float = SCORE) -> None:
        """Load the network; CheckpointError where the file fits none of `NETWORKS`."""
        from eyeline.training import checkpoint, foreign
        from eyeline.training.devices import check_device

        state = foreign.load_state(weights, "a detector of torchvision's").state
        self.name = _name_of(state, weights)
        network = _network(self.name)
        checkpoint.fill(network, state, weights)
        self._device = check_device(device)
        self._network: Any = network.eval().to(self._device)
        self._score = score

    def find(self, frame: Frame) -> Persons:
        """All persons that the network is sure of, the surest first."""
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(frame.rgb().transpose(2, 0, 1)))
        with torch.inference_mode():
            (result,) = self._network([pixels.to(self._device).float() / 255])
        said = {name: value.cpu().numpy() for name, value in result.items()}
        sure = (said["labels"] == _PERSON) & (said["scores"] >= self._score)
        box, score = (said[k][sure].astype(np.float64) for k in ("boxes", "scores"))
        if "keypoints" not in said:
            return Persons.of(box, score)
        points = said["keypoints"][sure][..., :2].astype(np.float64)
        seen = said["keypoints_scores"][sure] > 0
        return Persons(box, score, heads_of_coco(points, seen))


def heads_of_coco(points_px: Floats, seen: Any) -> Floats:
    """Heads `(n, 4)`, hair to chin, of COCO's points `(n, 17, 2)`; NaN where they do not tell.

    The height is that of the way from nose, eyes and ears down to the shoulders, which is seen from
    all sides.

    Args:
        points_px: in pixels.
        seen: `(n, 17)` which of them were found.
    """
    check_shape(points_px, "person 17 2", "points_px")
    heads = np.full((len(points_px), 4), np.nan)
    for i, (points, known) in enumerate(zip(points_px, seen, strict=True)):
        top = [k for k in _HEAD_POINTS if known[k]]
        if not top or not all(known[k] for k in _SHOULDERS):
            continue
        centre = points[top].mean(axis=0)
        high = float(np.linalg.norm(points[list(_SHOULDERS)].mean(axis=0) - centre)) / _NECK_OF_HEAD
        half = np.array([HEAD_WIDE, 1.0]) * max(high, 2.0) / 2
        heads[i] = np.concatenate([centre - half, centre + half])
    return heads


def find_weights(name_or_file: str | None) -> Path:
    """The file of a detector; nothing is downloaded.

    Args:
        name_or_file: a file, or one of `NETWORKS`, which is looked for in the folder of weights;
            None takes the first of `NETWORKS` whose file lies there.

    Raises:
        UsageError: none is there.
        CheckpointError: no such file.
    """
    names = NETWORKS if name_or_file is None else (name_or_file,)
    if name_or_file is not None and name_or_file not in NETWORKS:
        if not Path(name_or_file).is_file():
            known = ", ".join(NETWORKS)
            raise CheckpointError(f"{name_or_file}: no such file; the names are {known}")
        return Path(name_or_file)
    for name in names:
        if (path := placed("people", f"{name}.pth")) is not None:
            return path
    raise UsageError(
        "the detector of persons needs weights: give --detector-weights FILE, or bring them by: "
        f"eyeline download {names[0]} --accept-licence"
    )


def _network(name: str) -> Any:
    from torchvision.models import get_model

    return get_model(name, weights=None, weights_backbone=None)


def _name_of(state: Mapping[str, Any], source: Path | str) -> str:
    """Which of the networks has these tensors, by one that the others lack."""
    from eyeline.training.foreign import first_keys

    for name, only in _ONLY.items():
        if only in state:
            return name
    raise CheckpointError(
        f"{source} fits none of torchvision's detectors of persons: {', '.join(NETWORKS)}; "
        f"{first_keys(state)}"
    )
