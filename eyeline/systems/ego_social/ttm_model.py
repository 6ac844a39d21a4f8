"""The network of builder `ttm`: a face and a voice over a stretch of speech, and one answer."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.bounds import Size
from eyeline.errors import check_shape
from eyeline.runtimes.interface import Interface, Part
from eyeline.systems.ego_social.inputs import PIXELS
from eyeline.systems.ego_social.log_mel import MELS, LogMel
from eyeline.systems.ego_social.model import (
    FEATURES,
    FrameEncoder,
    check_widths,
    initialise_convolutions,
    linear_layers,
    memory_of,
    shortcut,
    stages,
)

VOICE = 512
"""Width of what the voice encoder says of an audio signal."""

_ATTENTION, _HEAD = 128, 128
_SQUEEZE = 8
_LEAST_VARIANCE = 1e-5


class SqueezeExcite(nn.Module):
    """A residual block that weighs its maps by their means.

    The first convolution is cut at zero before it is normalised, not after, as published.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        few = max(channels_out // _SQUEEZE, 1)
        self.excite = nn.Sequential(
            nn.Linear(channels_out, few), nn.ReLU(), nn.Linear(few, channels_out), nn.Sigmoid()
        )
        self.shortcut = shortcut(channels_in, channels_out, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels_in, mel, row)` to `channels_out` maps, both axes cut by the stride."""
        inner = self.norm2(self.conv2(self.norm1(F.relu(self.conv1(maps)))))
        fraction = self.excite(inner.mean(dim=(2, 3)))[..., None, None]
        return F.relu(inner * fraction + self.shortcut(maps))


class VoiceEncoder(nn.Module):
    """How a stretch of speech sounds, in one vector.

    Args:
        width: channels of the first stage; each later one has twice as many.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.front_end = LogMel()
        self.conv = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(SqueezeExcite, width)
        flat = width * 8 * MELS // 8  # eight times as many maps, of an eighth of the bands
        self.attention = nn.Sequential(
            nn.Conv1d(flat, _ATTENTION, 1),
            nn.ReLU(),
            nn.BatchNorm1d(_ATTENTION),
            nn.Conv1d(_ATTENTION, flat, 1),
        )
        self.project = nn.Linear(2 * flat, VOICE)
        initialise_convolutions(self)

    def forward(self, audio: Tensor) -> Tensor:
        """`(batch, sample)` at 16 kHz, as of `inputs.segment_audio`, to `(batch, 512)`."""
        maps = self.norm(F.relu(self.conv(self.front_end(audio)[:, None])))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps = layer(maps)
        return cast(Tensor, self.project(self.pooled(maps.flatten(1, 2))))

    def pooled(self, rows: Tensor) -> Tensor:
        """Mean and deviation over time, by attention.

        Args:
            rows: `(batch, channel, row)`.

        Returns:
            `(batch, 2 * channel)`.
        """
        fraction = self.attention(rows).softmax(dim=2)
        mean = (rows * fraction).sum(dim=2)
        variance = (rows.square() * fraction).sum(dim=2) - mean.square()
        return torch.cat([mean, variance.clamp(min=_LEAST_VARIANCE).sqrt()], dim=1)


class TalkingToMe(nn.Module):
    """Does the person of a face track talk to whoever wears the camera?

    Args:
        encoder: of faces, `(frame, 3, h, w)` to `(frame, 256)`.
        memory: as of `model.memory_of`.
        voice: `(batch, sample)` to `(batch, 512)`.
        head: from what is remembered after the last frame, and the voice, to the answer.
    """

    foldable = ("encoder",)

    def __init__(
        self, encoder: nn.Module, memory: nn.LSTM, voice: nn.Module, head: nn.Module
    ) -> None:
        super().__init__()
        self.encoder, self.memory, self.voice, self.head = encoder, memory, voice, head

    def forward(self, clip: Tensor, audio: Tensor) -> Tensor:
        """Answers for stretches of speech of one length.

        Args:
            clip: `(batch, time, 3, 224, 224)`, RGB, as of `inputs.normalise`, black where no face
                is seen. Other heights and widths are possible.
            audio: `(batch, sample)` at 16 kHz, as of `inputs.segment_audio`; at least 257 samples.

        Returns:
            `(batch, 2)` logits of not talking and talking to me.
        """
        sizes = check_shape(clip, "batch time 3 h w", "clip")
        check_shape(audio, "batch sample", "audio", sizes)
        return self.conclude(self.encode(clip), self.hear(audio))

    @property
    def interface(self) -> Interface:
        """Of its parts: frames to features, audio to one more, and both to logits."""
        features, voice = {"features": f"batch time {FEATURES}"}, {"voice": f"batch {VOICE}"}
        return Interface(
            {
                "encode": Part({"clip": "batch time 3 h w"}, features),
                "hear": Part({"audio": "batch sample"}, voice),
                "conclude": Part({**features, **voice}, {"logits": "batch 2"}),
            },
            pixels={"clip": PIXELS},
            example={"h": 64, "w": 64, "sample": 4000},
        )

    def encode(self, clip: Tensor) -> Tensor:
        """What the frames of clips `(batch, time, 3, h, w)` show, `(batch, time, 256)`."""
        return torch.unflatten(self.see(clip.flatten(0, 1)), 0, clip.shape[:2])

    def see(self, frames: Tensor) -> Tensor:
        """What single frames `(frame, 3, h, w)` show, `(frame, 256)`."""
        return cast(Tensor, self.encoder(frames))

    def hear(self, audio: Tensor) -> Tensor:
        """How sounds `(batch, sample)` are spoken, `(batch, 512)`."""
        return cast(Tensor, self.voice(audio))

    def conclude(self, features: Tensor, voice: Tensor) -> Tensor:
        """Answers `(batch, 2)`; 32 bits throughout.

        Args:
            features: `(batch, time, 256)` of frames.
            voice: `(batch, 512)` of the sounds.
        """
        with torch.autocast(features.device.type, enabled=False):
            remembered = self.memory(features.float())[0][:, -1]
            return cast(Tensor, self.head(torch.cat([remembered, voice.float()], dim=1)))


def ttm(*, width: Size = 64, memory: Size = 256, voice_width: Size = 32) -> TalkingToMe:
    """The published baseline, with random weights; the defaults are those of the published network.

    Args:
        width: channels of the frame encoder's first stage.
        memory: width of the LSTM over frames, in each direction.
        voice_width: channels of the voice encoder's first stage.
    """
    check_widths(width=width, memory=memory, voice_width=voice_width)
    head = linear_layers(2 * memory + VOICE, _HEAD, 2)
    return TalkingToMe(FrameEncoder(width), memory_of(memory), VoiceEncoder(voice_width), head)
