"""The network of builder `gaze_from_afar`: head and body direction over a clip, and gaze from both.

Directions are unit vectors in the camera frame: x right, y down, z away from the camera.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.bounds import FractionBelowOne, Size
from eyeline.errors import DataError, check_shape
from eyeline.runtimes.interface import Interface, Part
from eyeline.systems.gaze_3d.efficientnet import (
    BACKBONES,
    FEATURES,
    STEM,
    Backbone,
    EfficientNetB0,
    PaddedConv,
    batch_norm,
)
from eyeline.systems.gaze_3d.inputs import PIXELS
from eyeline.systems.gaze_3d.rotation import rotation_between

Recurrence = Literal["independent", "original"]
"""How the gaze module's LSTM runs over a batch of windows.

`independent`: each window alone, as the original does with a batch of one. `original`: along the
batch, so that the gaze of a window depends on its neighbours there; the published figures were
measured so, 32 windows at a time in the test set's order.
"""

_HIDDEN, _GAZE_HIDDEN, _MOTION = 64, 128, 32
_PER_FRAME = 2 * FEATURES + _MOTION


class Estimate(NamedTuple):
    """Von Mises-Fisher distributions over directions."""

    direction: Tensor
    """Means `(batch, time, 3)`, unit vectors in the camera frame."""
    concentration: Tensor
    """Kappa `(batch, time)`, positive."""


class Directions3D(NamedTuple):
    """What the network says of each frame of each window."""

    gaze: Estimate
    head: Estimate
    body: Estimate


class Stem(nn.Module):
    """The first convolution, shared by both branches; its activation is left to them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = PaddedConv(3, STEM, 3, stride=2)
        self.norm = batch_norm(STEM)

    def forward(self, frames: Tensor) -> Tensor:
        """`(frame, 3, h, w)` to `(frame, 32, h / 2, w / 2)`."""
        return cast(Tensor, self.norm(self.conv(frames)))


class VonMisesFisher(nn.Module):
    """A direction and its concentration, each by two layers of its own.

    Args:
        width: of the features.
        hidden: of the layer between.
        frames: how many estimates one vector of features gives.
    """

    def __init__(self, width: int, hidden: int, frames: int = 1) -> None:
        super().__init__()
        self.direction = _two_layers(width, hidden, 3 * frames)
        self.concentration = _two_layers(width, hidden, frames)

    def forward(self, features: Tensor) -> Estimate:
        """`(..., width)` to directions `(..., frames, 3)` and concentrations `(..., frames)`."""
        direction = torch.unflatten(self.direction(features), -1, (-1, 3))
        length = torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
        return Estimate(direction / length, F.softplus(self.concentration(features)))


class GazeModule(nn.Module):
    """Gaze from head and body direction, in a frame that is turned with the head.

    Args:
        frames: length of a window.
    """

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.memory = nn.LSTM(6, _GAZE_HIDDEN, num_layers=2, bidirectional=True)
        self.estimate = VonMisesFisher(2 * _GAZE_HIDDEN * frames, 64, frames)
        self.frames = frames

    def forward(self, body_and_head: Tensor, recurrence: Recurrence = "independent") -> Estimate:
        """Estimates in the turned frame.

        Args:
            body_and_head: `(batch, time, 6)`, directions times concentrations.
            recurrence: see `Recurrence`.
        """
        return cast(Estimate, self.estimate(self.remembered(body_and_head, recurrence).flatten(1)))

    def remembered(self, body_and_head: Tensor, recurrence: Recurrence) -> Tensor:
        """What the LSTM makes of it `(batch, time, 256)`, negative values cut."""
        if recurrence == "original":
            # the LSTM was built for `(time, batch, 6)` and is given `(batch, time, 6)`
            return torch.relu(self.memory(body_and_head)[0])
        steps = self.memory(body_and_head.flatten(0, 1)[None])[0]
        return torch.relu(torch.unflatten(steps[0], 0, (-1, self.frames)))


class GazeFromAfar(nn.Module):
    """3D gaze of a person seen from afar, from head and body direction over a short clip."""

    foldable = ("stem", "head_branch", "body_branch")

    def __init__(
        self,
        stem: nn.Module,
        head_branch: nn.Module,
        body_branch: nn.Module,
        gaze: GazeModule,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.head_branch, self.body_branch = head_branch, body_branch
        self.motion = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(), nn.Linear(16, _MOTION))
        self.memory = nn.LSTM(_PER_FRAME, _HIDDEN, batch_first=True)
        self.head = VonMisesFisher(_HIDDEN, 16)
        self.body = VonMisesFisher(_HIDDEN, 16)
        self.gaze = gaze
        self.at_once = 7
        """Frames that a processor sees together when no gradient is wanted."""
        self._frozen: list[nn.Module] = []

    @property
    def frames(self) -> int:
        """Length of a window."""
        return self.gaze.frames

    def forward(
        self,
        clip: Tensor,
        head_mask: Tensor,
        body_motion: Tensor,
        *,
        recurrence: Recurrence = "independent",
    ) -> Directions3D:
        """Directions in every frame of every window.

        Args:
            clip: `(batch, time, 3, 256, 192)`, RGB, normalised by `inputs.normalise`; `time` is
                `frames`. Other even heights and widths are possible.
            head_mask: `(batch, time, 1, 256, 192)`, 1 inside the head box, 0 outside.
            body_motion: `(batch, time, 2)`, shift of the body box since the last frame, in box
                sizes, as of `inputs.body_motion`.
            recurrence: see `Recurrence`.

        Returns:
            Unit vectors in the camera frame and concentrations.

        Raises:
            DataError: for another shape.
        """
        sizes = check_shape(clip, f"batch {self.frames} 3 h w", "clip")
        check_shape(head_mask, f"batch {self.frames} 1 h w", "head_mask", sizes)
        check_shape(body_motion, f"batch {self.frames} 2", "body_motion", sizes)
        return self.directions(self.encode(clip, head_mask, body_motion), recurrence=recurrence)

    @property
    def interface(self) -> Interface:
        """Of its parts: frames to features, and windows of features to directions."""
        given = {"clip": "batch time 3 h w", "head_mask": "batch time 1 h w"}
        window, outputs = f"batch {self.frames}", dict[str, str]()
        for part in ("gaze", "head", "body"):
            outputs |= {f"{part}_direction": f"{window} 3", f"{part}_concentration": window}
        return Interface(
            {
                "encode": Part(
                    {**given, "body_motion": "batch time 2"},
                    {"features": f"batch time {_PER_FRAME}"},
                ),
                "directions": Part({"features": f"{window} {_PER_FRAME}"}, outputs),
            },
            sizes={"frames": self.frames},
            pixels={"clip": PIXELS},
            example={"time": self.frames, "h": 64, "w": 64},
        )

    def encode(self, clip: Tensor, head_mask: Tensor, body_motion: Tensor) -> Tensor:
        """Features `(batch, time, 2592)` of the frames of clips, shaped as `forward` has them."""
        given = (value.flatten(0, 1) for value in (clip, head_mask, body_motion))
        return torch.unflatten(self.see(*given), 0, clip.shape[:2])

    def directions(
        self, features: Tensor, *, recurrence: Recurrence = "independent"
    ) -> Directions3D:
        """Directions from the features `(batch, time, 2592)` of whole windows."""
        return self.conclude(self.memory(features)[0], recurrence=recurrence)

    def see(self, frames: Tensor, head_mask: Tensor, body_motion: Tensor) -> Tensor:
        """What single frames show.

        Args:
            frames: `(frame, 3, h, w)`.
            head_mask: `(frame, 1, h, w)`.
            body_motion: `(frame, 2)`.

        Returns:
            Features `(frame, 2592)`: of the head branch, of the body branch, of the motion.
        """
        given = (frames, head_mask, body_motion)
        if frames.device.type != "cpu" or torch.is_grad_enabled() or self.training:
            return self._seen(*given)
        # the maps of many images would be returned to the system and fetched anew each time
        parts = zip(*(torch.split(value, self.at_once) for value in given), strict=True)
        return torch.cat([self._seen(*part) for part in parts])

    def _seen(self, frames: Tensor, head_mask: Tensor, body_motion: Tensor) -> Tensor:
        shared = self.stem(frames)
        head = self.head_branch(shared * F.avg_pool2d(head_mask, 2))
        return torch.cat([head, self.body_branch(shared), self.motion(body_motion)], dim=1)

    def conclude(
        self, remembered: Tensor, *, recurrence: Recurrence = "independent"
    ) -> Directions3D:
        """Directions from what the LSTM over a window's frames remembers `(batch, time, 64)`.

        In 32 bits also under autocast: half precision would cost up to a third of a degree.
        """
        with torch.autocast(remembered.device.type, enabled=False):
            remembered = remembered.float()
            head, body = _single(self.head(remembered)), _single(self.body(remembered))
            turn = turn_to_camera(head.direction[:, self.frames // 2])
            weighted = [
                e.direction @ turn.transpose(-1, -2) * e.concentration[..., None]
                for e in (body, head)
            ]
            gaze = self.gaze(torch.cat(weighted, dim=2), recurrence)
            # row vectors: `d @ turn` is the inverse rotation of each
            return Directions3D(Estimate(gaze.direction @ turn, gaze.concentration), head, body)

    def train(self, mode: bool = True) -> GazeFromAfar:
        """As of any module, but frozen parts stay in evaluation mode."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def freeze(self, blocks: int | None) -> None:
        """Keep the stem and the first blocks of both branches as they are; None: nothing."""
        early = [self.stem] if blocks is not None else []
        branches = [cast(EfficientNetB0, b) for b in (self.head_branch, self.body_branch)]
        self._frozen = [*early, *(b for x in branches for b in x.blocks[: blocks or 0])]
        self.requires_grad_(True)
        for part in self._frozen:
            part.requires_grad_(False)
        self.train(self.training)


def turn_to_camera(direction: Tensor) -> Tensor:
    """Rotations `(batch, 3, 3)` that make directions `(batch, 3)` look straight at the camera."""
    camera = direction.new_tensor([0.0, 0.0, -1.0]).expand_as(direction)
    return rotation_between(direction, camera)


def gaze_from_afar(
    *, frames: Size = 7, drop_connect: FractionBelowOne = 0.2, backbone: Backbone = "b0"
) -> GazeFromAfar:
    """The builder, with random weights; the defaults are those of the published network.

    Args:
        frames: length of a window, odd: the middle frame's head direction is the reference.
        drop_connect: share of frames that training takes past the last block.
        backbone: one of `efficientnet.BACKBONES`; `small` is for trying things out.

    Raises:
        DataError: a length that has no middle, or no such backbone.
    """
    if backbone not in BACKBONES:
        raise DataError(f"no backbone '{backbone}'; there are {', '.join(BACKBONES)}")
    if frames < 1 or frames % 2 == 0:
        raise DataError(f"a window of {frames} frames has no middle; expected an odd length")
    head, body = (EfficientNetB0(drop_connect, BACKBONES[backbone]) for _ in range(2))
    return GazeFromAfar(Stem(), head, body, GazeModule(frames))


def set_gradient_checkpointing(
    network: GazeFromAfar, *, gradient_checkpointing: bool = False, frozen_blocks: int | None = None
) -> GazeFromAfar:
    """Make training of a network take less memory.

    Args:
        network: changed in place.
        gradient_checkpointing: keep only the input of each block and compute the rest again;
            the gradients are the same.
        frozen_blocks: leave the stem and that many blocks of both branches as they are, weights
            and statistics; None freezes nothing, not even the stem.
    """
    for branch in (network.head_branch, network.body_branch):
        cast(EfficientNetB0, branch).gradient_checkpointing = gradient_checkpointing
    network.freeze(frozen_blocks)
    return network


def _two_layers(width: int, hidden: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, out))


def _single(estimate: Estimate) -> Estimate:
    """One estimate a vector of features, without the axis that counts them."""
    return Estimate(estimate.direction.squeeze(-2), estimate.concentration.squeeze(-1))
