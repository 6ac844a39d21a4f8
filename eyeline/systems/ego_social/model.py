"""The network of builders `lam_lstm` and `gaze360_lstm`: faces over a short clip, and one answer.

A residual network of 18 layers sees each face alone, an LSTM runs over the frames in both
directions, and what it remembers in the middle frame decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.bounds import Size
from eyeline.errors import DataError, check_shape
from eyeline.runtimes.interface import Interface, Part
from eyeline.systems.ego_social.inputs import PIXELS

FEATURES = 256
"""Width of what the frame encoder says of a face."""
Head = Literal["two_layers", "single", "angles"]
HEADS: Mapping[Head, tuple[int, ...]] = {"two_layers": (128, 2), "single": (2,), "angles": (3,)}
"""Widths of the linear layers that end a network, by name.

`two_layers`: the public code's. `single`: as in the authors' released checkpoint that began at
Gaze360. `angles`: Gaze360's own, a direction and its uncertainty instead of an answer.
"""

_BETWEEN = 1000
_BLOCKS, _STAGES = 2, 4


class Residual(nn.Module):
    """Two convolutions of 3 x 3 beside a shortcut."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut = shortcut(channels_in, channels_out, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels_in, h, w)` to `(batch, channels_out, h / stride, w / stride)`."""
        inner = F.relu(self.norm1(self.conv1(maps)), inplace=True)
        return F.relu(self.norm2(self.conv2(inner)) + self.shortcut(maps), inplace=True)


class FrameEncoder(nn.Module):
    """What a face looks like, frame by frame.

    Args:
        width: channels of the first stage; each later one has twice as many.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 7, 2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(Residual, width)
        last = width << (_STAGES - 1)
        self.project = nn.Sequential(
            nn.Linear(last, _BETWEEN), nn.ReLU(), nn.Linear(_BETWEEN, FEATURES)
        )
        self.at_once = 8
        """Frames that a processor sees together when no gradient is wanted."""
        initialise_convolutions(self)

    def forward(self, frames: Tensor) -> Tensor:
        """`(frame, 3, h, w)`, as of `inputs.normalise`, to `(frame, 256)`."""
        if frames.device.type != "cpu" or torch.is_grad_enabled() or self.training:
            return self._seen(frames)
        # the maps of many images would be returned to the system and fetched anew each time
        return torch.cat([self._seen(part) for part in torch.split(frames, self.at_once)])

    def _seen(self, frames: Tensor) -> Tensor:
        maps = F.max_pool2d(F.relu(self.norm(self.conv(frames)), inplace=True), 3, 2, padding=1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps = layer(maps)
        return cast(Tensor, self.project(maps.mean(dim=(2, 3))))


class LookingAtMe(nn.Module):
    """Does the person of a face track look at the camera in the middle frame of a window?

    Args:
        encoder: `(frame, 3, h, w)` to `(frame, 256)`.
        memory: as of `memory_of`.
        head: from what is remembered in the middle frame to the answer.
        frames: length of a window, odd.
    """

    foldable = ("encoder",)

    def __init__(
        self, encoder: nn.Module, memory: nn.LSTM, head: nn.Module, frames: int = 7
    ) -> None:
        super().__init__()
        self.encoder, self.memory, self.head = encoder, memory, head
        self.frames = frames

    def forward(self, clip: Tensor) -> Tensor:
        """Answers of windows.

        Args:
            clip: `(batch, time, 3, 224, 224)`, RGB, as of `inputs.normalise`; `time` is `frames`.
                Other heights and widths are possible.

        Returns:
            `(batch, 2)` logits of not looking and looking at me; `(batch, 3)` of a head `angles`.
        """
        check_shape(clip, f"batch {self.frames} 3 h w", "clip")
        return self.conclude(self.encode(clip))

    @property
    def interface(self) -> Interface:
        """Of its parts: frames to features, and windows of features to logits."""
        outputs = self.head[-1].out_features  # type: ignore[index]
        return Interface(
            {
                "encode": Part(
                    {"clip": "batch time 3 h w"}, {"features": f"batch time {FEATURES}"}
                ),
                "conclude": Part(
                    {"features": f"batch {self.frames} {FEATURES}"}, {"logits": f"batch {outputs}"}
                ),
            },
            sizes={"frames": self.frames},
            pixels={"clip": PIXELS},
            example={"time": self.frames, "h": 64, "w": 64},
        )

    def encode(self, clip: Tensor) -> Tensor:
        """What the frames of clips `(batch, time, 3, h, w)` show, `(batch, time, 256)`."""
        return torch.unflatten(self.see(clip.flatten(0, 1)), 0, clip.shape[:2])

    def see(self, frames: Tensor) -> Tensor:
        """What single frames `(frame, 3, h, w)` show, `(frame, 256)`, for all their windows."""
        return cast(Tensor, self.encoder(frames))

    def conclude(self, features: Tensor) -> Tensor:
        """Answers `(batch, 2)` of windows of features `(batch, time, 256)`; 32 bits throughout."""
        with torch.autocast(features.device.type, enabled=False):
            remembered = self.memory(features.float())[0]
            return cast(Tensor, self.head(remembered[:, self.frames // 2]))


class Angles(NamedTuple):
    """A direction as Gaze360 tells it, from the camera's point of view; each `(...)` in radians."""

    yaw_rad: Tensor
    """Within pi of straight at the camera; positive is the image's left."""
    pitch_rad: Tensor
    """Within pi / 2; positive is up."""
    uncertainty_rad: Tensor
    """Half the width of the middle 80 % of either angle, positive."""


def angles(outputs: Tensor) -> Angles:
    """What a head `angles` means by its outputs `(..., 3)`."""
    yaw, pitch, uncertainty = outputs.unbind(-1)
    return Angles(
        math.pi * torch.tanh(yaw),
        math.pi / 2 * torch.tanh(pitch),
        math.pi * torch.sigmoid(uncertainty),
    )


def lam_lstm(*, frames: Size = 7, width: Size = 64, memory: Size = 256) -> LookingAtMe:
    """The published baseline, with random weights; the defaults are those of the published network.

    Args:
        frames: length of a window, odd.
        width: channels of the frame encoder's first stage.
        memory: width of the LSTM, in each direction.
    """
    return gaze360_lstm(frames=frames, width=width, memory=memory, head="two_layers")


def gaze360_lstm(
    *, frames: Size = 7, width: Size = 64, memory: Size = 256, head: Head = "two_layers"
) -> LookingAtMe:
    """The network of `lam_lstm` as Gaze360 has it; weights may start at `weights.initialise`."""
    if head not in HEADS:
        raise DataError(f"no head '{head}'; there are {', '.join(HEADS)}")
    if frames < 1 or frames % 2 == 0:
        raise DataError(f"a window of {frames} frames has no middle; expected an odd length")
    check_widths(width=width, memory=memory)
    ends = linear_layers(2 * memory, *HEADS[head])
    return LookingAtMe(FrameEncoder(width), memory_of(memory), ends, frames)


def memory_of(width: int) -> nn.LSTM:
    """Two layers over `(batch, time, 256)`, both directions, to `(batch, time, 2 * width)`."""
    return nn.LSTM(FEATURES, width, num_layers=2, bidirectional=True, batch_first=True)


def linear_layers(*widths: int) -> nn.Sequential:
    """One after the other; the published networks have nothing between them."""
    return nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(widths)))


def shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Past a block that may change the maps' size and number."""
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
    )


def stages(block: type[nn.Module], width: int) -> list[nn.Sequential]:
    """Four stages of two blocks; each later one halves the maps and doubles their number."""
    created = []
    for i in range(_STAGES):
        before, after = width << max(i - 1, 0), width << i
        first = block(before, after, 1 if i == 0 else 2)
        rest = (block(after, after, 1) for _ in range(1, _BLOCKS))
        created.append(nn.Sequential(first, *rest))
    return created


def initialise_convolutions(network: nn.Module) -> None:
    """As He et al. for rectified maps, by outputs; norms begin at 1 and 0 by themselves."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def check_widths(**widths: int) -> None:
    """Raise a DataError where a width is no positive number."""
    for name, value in widths.items():
        if value < 1:
            raise DataError(f"{name} is {value}; expected a positive number")
