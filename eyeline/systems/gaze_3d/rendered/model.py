"""Two small networks: `HeadNet` on a head's crop, `EyeNet` on the crops of both eyes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eyeline.bounds import Size
from eyeline.people.head_crops import EYE_H, EYE_W, HEAD_PX
from eyeline.runtimes.interface import Interface, whole
from eyeline.synthetic.heads.labels import CONTOUR, COUNT

LIDS = 6
"""Landmarks of an eye's lids."""


class HeadOutputs(NamedTuple):
    """Of `HeadNet`, for `n` heads."""

    rotation: Tensor
    """`(n, 3, 3)` head to the camera frame turned towards the head; identity faces the camera."""
    log_error: Tensor
    """`(n,)` logarithm of the expected angle of error, radians, not calibrated."""
    landmarks: Tensor
    """`(n, COUNT, 2)` over the crop's side, 0 to 1 within it."""
    visible: Tensor
    """`(n, COUNT)` logits."""


class EyeOutputs(NamedTuple):
    """Of `EyeNet`, for `n` pairs of eyes; places are crop pixels of the mirrored crops."""

    gaze: Tensor
    """`(n, 2)` yaw and pitch of both eyes together in the head's frame, radians."""
    log_error: Tensor
    """`(n,)` logarithm of its expected angle of error, not calibrated."""
    each: Tensor
    """`(n, 2, 2)` yaw and pitch of each eye."""
    iris: Tensor
    """`(n, 2, 2)` centre of the rim."""
    contour: Tensor
    """`(n, 2, CONTOUR, 2)` the rim."""
    log_iris_error: Tensor
    """`(n, 2)` logarithm of the expected distance of the iris' centre from the truth, pixels."""
    opening: Tensor
    """`(n, 2)` distance of the lids over the width of the eye."""
    closed: Tensor
    """`(n, 2)` logits."""
    lids: Tensor
    """`(n, 2, 6, 2)` iBUG's six points of the lids, from the corner away from the nose on."""
    visible: Tensor
    """`(n, 2)` logits of whether at least a third of the iris is seen."""


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, values: Tensor) -> Tensor:
        """The same shape."""
        return F.relu(values + self.norm(self.second(self.first(values))))


class HeadNet(nn.Module):
    """A head's crop to its rotation and landmarks; some 1 M parameters."""

    def __init__(self, width: int = 24, hidden: int = 256) -> None:
        super().__init__()
        a, b, c, d = width, 2 * width, 4 * width, 6 * width
        self.trunk = nn.Sequential(
            _conv(3, a, 2),
            _conv(a, b, 2),
            Residual(b),
            _conv(b, c, 2),
            Residual(c),
            _conv(c, d, 2),
            Residual(d),
        )
        self.places = nn.Conv2d(d, width, 1)
        cells = (HEAD_PX // 16) ** 2
        self.hidden = nn.Sequential(nn.Linear(width * cells + d, hidden), nn.ReLU())
        self.out = nn.Linear(hidden, 7 + 3 * COUNT)

    @property
    def interface(self) -> Interface:
        """Crops to what `HeadOutputs` names."""
        axes = ("face 3 3", "face", f"face {COUNT} 2", f"face {COUNT}")
        crop = {"crop": f"face 3 {HEAD_PX} {HEAD_PX}"}
        return whole(crop, dict(zip(HeadOutputs._fields, axes, strict=True)))

    def forward(self, crops: Tensor) -> HeadOutputs:
        """Of standardised crops `(n, 3, HEAD_PX, HEAD_PX)`."""
        values = self.trunk(crops)
        flat = torch.cat([self.places(values).flatten(1), values.mean((2, 3))], 1)
        out = self.out(self.hidden(flat)).float()
        landmarks = out[:, 7 : 7 + 2 * COUNT].unflatten(1, (COUNT, 2)) + 0.5
        return HeadOutputs(rotation_of(out[:, :6]), out[:, 6], landmarks, out[:, 7 + 2 * COUNT :])

    def features(self, crops: Tensor) -> Tensor:
        """`(n, hidden)` what the outputs are made of."""
        values = self.trunk(crops)
        flat = torch.cat([self.places(values).flatten(1), values.mean((2, 3))], 1)
        hidden: Tensor = self.hidden(flat)
        return hidden


def rotation_of(six: Tensor) -> Tensor:
    """Rotations `(n, 3, 3)` from two columns `(n, 6)` by Gram and Schmidt (Zhou et al. 2019)."""
    first = F.normalize(six[:, :3] + six.new_tensor([1.0, 0, 0]), dim=1)
    second = six[:, 3:] + six.new_tensor([0, 1.0, 0])
    second = F.normalize(second - (first * second).sum(1, keepdim=True) * first, dim=1)
    x, y = first.unbind(1), second.unbind(1)
    third = torch.stack(
        [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]], 1
    )
    return torch.stack([first, second, third], 2)


class EyeNet(nn.Module):
    """Both eyes' crops and the head's rotation to gaze, irises and lids."""

    def __init__(self, width: int = 24, hidden: int = 128) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _conv(3, width),
            _conv(width, width, 2),
            Residual(width),
            _conv(width, 2 * width, 2),
            Residual(2 * width),
            _conv(2 * width, 3 * width, 2),
            nn.Conv2d(3 * width, width, 1),
        )
        cells = -(-EYE_H // 8) * -(-EYE_W // 8)
        self.eye = nn.Sequential(nn.Linear(width * cells, hidden), nn.ReLU())
        self.alone = nn.Sequential(nn.Linear(hidden + 9, hidden), nn.ReLU())
        self.each = nn.Linear(hidden, 8 + 2 * CONTOUR + 2 * LIDS)
        self.both = nn.Sequential(
            nn.Linear(2 * hidden + 9, hidden), nn.ReLU(), nn.Linear(hidden, 3)
        )

    @property
    def interface(self) -> Interface:
        """Crops and rotations to what `EyeOutputs` names."""
        two, eye = "face 2 2", "face 2"
        axes = (
            *("face 2", "face", two, two, f"face 2 {CONTOUR} 2"),
            *(eye, eye, eye, f"face 2 {LIDS} 2", eye),
        )
        given = {"crops": f"face 2 3 {EYE_H} {EYE_W}", "rotation": "face 3 3"}
        return whole(given, dict(zip(EyeOutputs._fields, axes, strict=True)))

    def forward(self, crops: Tensor, rotation: Tensor) -> EyeOutputs:
        """Of standardised crops `(n, 2, 3, EYE_H, EYE_W)` and the head's rotation `(n, 3, 3)`.

        The rotation is that of the camera frame turned towards the head, its roll taken out; the
        second eye, whose crop is mirrored, is given the mirrored rotation.
        """
        seen = self.eye(self.trunk(crops.flatten(0, 1)).flatten(1)).unflatten(0, (-1, 2))
        turned = torch.stack([rotation, mirror(rotation)], 1).flatten(2)
        own = self.each(self.alone(torch.cat([seen, turned], 2))).float()
        both = self.both(torch.cat([seen.flatten(1), rotation.flatten(1)], 1)).float()
        centre = own.new_tensor([EYE_W / 2, EYE_H / 2])
        iris = own[..., 2:4] * 10 + centre
        points = own[..., 8:].unflatten(2, (CONTOUR + LIDS, 2)) * 10
        contour = points[:, :, :CONTOUR] + iris[:, :, None]
        lids = points[:, :, CONTOUR:] + centre
        sides = own.new_tensor([[1.0, 1], [-1, 1]])
        return EyeOutputs(
            both[:, :2],
            both[:, 2],
            own[..., :2] * sides,
            iris,
            contour,
            own[..., 4],
            own[..., 5],
            own[..., 6],
            lids,
            own[..., 7],
        )


def mirror(rotation: Tensor) -> Tensor:
    """Rotations `(n, 3, 3)` of what a mirror shows."""
    flip = rotation.new_tensor([-1.0, 1, 1])
    return rotation * flip[:, None] * flip


def heads(width: Size = 24, hidden: Size = 256) -> HeadNet:
    """The network of a head's crop.

    Args:
        width: channels of the first layer.
        hidden: numbers that the outputs are made of.
    """
    return HeadNet(width, hidden)


def eyes(width: Size = 24, hidden: Size = 128) -> EyeNet:
    """The network of the eyes' crops.

    Args:
        width: channels of the first layer.
        hidden: numbers that an eye comes to.
    """
    return EyeNet(width, hidden)
