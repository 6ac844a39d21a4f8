"""The published way of builder `xgaze_mstcn`, written anew from its description, to compare with.

One face at a time, poses by OpenCV alone, gradients tracked, `Conv1d` in its own layout.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.head import FACE_POINTS_MM, assumed_camera

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pose(six_px: Floats, matrix: Floats) -> tuple[Floats, Floats]:
    """Rotation `(3, 3)` and translation `(3, 1)` of one head."""
    points, model, straight = six_px.reshape(6, 1, 2), FACE_POINTS_MM.reshape(6, 1, 3), np.zeros(5)
    _, turn, shift = cv2.solvePnP(model, points, matrix, straight, flags=cv2.SOLVEPNP_EPNP)
    _, turn, shift = cv2.solvePnP(
        model, points, matrix, straight, turn, shift, True, flags=cv2.SOLVEPNP_ITERATIVE
    )
    return np.asarray(cv2.Rodrigues(turn)[0], np.float64), np.asarray(shift, np.float64)


def face_tensor(image: Image, six_px: Floats) -> Tensor:
    """One normalised face `(1, 3, 224, 224)` of a BGR image."""
    height, width = image.shape[:2]
    matrix = assumed_camera(width, height).matrix
    rotation, shift = pose(six_px, matrix)
    points = (rotation @ FACE_POINTS_MM.T + shift).T
    centre = (points[:4].mean(0) + points[4:].mean(0)) / 2
    distance = np.linalg.norm(centre)
    forward = centre / distance
    down = np.cross(forward, rotation[:, 0])
    down /= np.linalg.norm(down)
    right = np.cross(down, forward)
    right /= np.linalg.norm(right)
    virtual = np.array([[960.0, 0, 112], [0, 960, 112], [0, 0, 1]])
    turned = np.diag([1, 1, 600 / distance]) @ np.stack([right, down, forward])
    warp = virtual @ turned @ np.linalg.inv(matrix)
    face = cv2.warpPerspective(image, warp, (224, 224))
    rgb = torch.from_numpy(face[:, :, ::-1].transpose(2, 0, 1).copy()).float().div(255)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (_MEAN, _STD))
    return ((rgb - mean) / std)[None]


class Prediction(nn.Module):
    """The first stage, two convolutions joined by a third."""

    def __init__(self, layers: int, maps: int, features: int, classes: int) -> None:
        super().__init__()
        self.conv_1x1_in = nn.Conv1d(features, maps, 1)
        far, near = [2 ** (layers - 1 - i) for i in range(layers)], [2**i for i in range(layers)]
        self.conv_dilated_1 = nn.ModuleList(_dilated(maps, d) for d in far)
        self.conv_dilated_2 = nn.ModuleList(_dilated(maps, d) for d in near)
        self.conv_fusion = nn.ModuleList(nn.Conv1d(2 * maps, maps, 1) for _ in near)
        self.dropout = nn.Dropout(0.5)
        self.conv_out = nn.Conv1d(maps, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`(1, features, time)` to logits `(1, classes, time)`."""
        f = self.conv_1x1_in(x)
        for far, near, fusion in zip(
            self.conv_dilated_1, self.conv_dilated_2, self.conv_fusion, strict=True
        ):
            f = f + self.dropout(F.relu(fusion(torch.cat([far(f), near(f)], 1))))
        out: Tensor = self.conv_out(f)
        return out


class Layer(nn.Module):
    """A dilated residual layer."""

    def __init__(self, maps: int, dilation: int) -> None:
        super().__init__()
        self.conv_dilated = _dilated(maps, dilation)
        self.conv_1x1 = nn.Conv1d(maps, maps, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        """`(1, maps, time)` to the same."""
        out: Tensor = x + self.dropout(self.conv_1x1(F.relu(self.conv_dilated(x))))
        return out


class Refinement(nn.Module):
    """Logits from probabilities."""

    def __init__(self, layers: int, maps: int, classes: int) -> None:
        super().__init__()
        self.conv_1x1 = nn.Conv1d(classes, maps, 1)
        self.layers = nn.ModuleList(Layer(maps, 2**i) for i in range(layers))
        self.conv_out = nn.Conv1d(maps, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """`(1, classes, time)` to the same."""
        out: Tensor = self.conv_1x1(x)
        for layer in self.layers:
            out = layer(out)
        return self.conv_out(out)  # type: ignore[no-any-return]


class Temporal(nn.Module):
    """All stages, with names as in the authors' checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.PG = Prediction(11, 64, 2048, 2)
        self.Rs = nn.ModuleList(Refinement(10, 64, 2) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """`(1, 2048, time)` to `(5, 1, 2, time)`."""
        out = self.PG(x)
        outs = out.unsqueeze(0)
        for stage in self.Rs:
            out = stage(F.softmax(out, dim=1))
            outs = torch.cat((outs, out.unsqueeze(0)), dim=0)
        return outs


def loss(logits: Tensor, label: Tensor) -> Tensor:
    """As published, stage by stage."""
    entropy, distance = nn.CrossEntropyLoss(ignore_index=-1), nn.MSELoss(reduction="none")
    total: Any = 0
    for stage in logits:
        total = total + entropy(stage.transpose(2, 1).reshape(-1, 2), label.view(-1))
        now, before = F.log_softmax(stage[:, :, 1:], 1), F.log_softmax(stage.detach()[:, :, :-1], 1)
        total = total + 0.15 * torch.mean(torch.clamp(distance(now, before), min=0, max=16))
    result: Tensor = total
    return result


def _dilated(maps: int, dilation: int) -> nn.Conv1d:
    return nn.Conv1d(maps, maps, 3, padding=dilation, dilation=dilation)
