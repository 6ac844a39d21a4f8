"""The network of builder `csts`: sight and audio of some seconds to maps of the wearer's gaze.

Two encoders of one kind (MViT), one for frames and one for spectrograms; their fusion; and a
decoder that goes back to a quarter of the frames' size. Tokens are stored `(batch, time, row,
column, channel)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.bounds import (
    Even,
    Fraction,
    FractionBelowOne,
    MultipleOf8,
    MultipleOf64,
    Number,
    Positive,
    Stages,
    Whole,
)
from eyeline.errors import DataError, check_shape
from eyeline.runtimes.interface import Interface, Part, whole
from eyeline.systems.gaze_anticipation.network.blocks import Block, Shape, enlarged
from eyeline.systems.gaze_anticipation.network.fusion import Fusion
from eyeline.systems.gaze_anticipation.windows.spatial import PIXELS

TEMPERATURE = 2.0
"""What logits are divided by before they become a distribution."""
PATCH = 4
"""Rows and columns of pixels that one token sees."""
PRECISIONS = ("float32", "bfloat16")
"""Of products when no gradient is wanted.

With synthetic weights and one clip, 16 bits move logits, whose spread is 1.19, by 0.017 on average
(root of the mean square) and by 0.06 at most, and 0.2 % of a map's mass; the peaks stay.
"""
Checkpointed = Literal["none", "halving", "all"]
"""What training computes again for gradients, see `set_gradient_checkpointing`."""
IMAGE_MULTIPLE = 64
"""What an image's side must be a multiple of: the decoder asks one token in sixteen."""
ENCODER_MULTIPLE = 32
"""The same of an encoder alone, which halves the grid of its tokens three times."""

_KERNEL, _STRIDE, _PADDING = (3, 7, 7), (2, PATCH, PATCH), (1, 3, 3)
_KV_STRIDES = (8, 4, 2, 1)
_INITIAL_SPREAD = 0.02


class Anticipation(NamedTuple):
    """What the network gives."""

    logits: Tensor
    """`(batch, time, side / 4, side / 4)`; `heatmaps` makes distributions of them."""
    seen: Tensor | None = None
    """What the image says, `(batch, 256)`, for the contrastive loss; None where not wanted."""
    heard: Tensor | None = None
    """What the audio says, as `seen`."""


class Stem(nn.Module):
    """Patches of pixels to tokens that know their place.

    `times` and `side` are moments, and rows and columns, of the tokens' grid; `mean` is first taken
    off every pixel, `std` divides the rest.
    """

    def __init__(
        self, channels: int, width: int, times: int, side: int, mean: float = 0.0, std: float = 1.0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, width, _KERNEL, _STRIDE, _PADDING)
        self.space = nn.Parameter(torch.zeros(1, side * side, width))
        self.time = nn.Parameter(torch.zeros(1, times, width))
        self.side, self.mean, self.std = side, mean, std

    def forward(self, pixels: Tensor) -> Tensor:
        """`(batch, channels, 2 time, 4 row, 4 column)` to tokens."""
        if (self.mean, self.std) != (0, 1):
            pixels = (pixels - self.mean) / self.std
        tokens = self.conv(pixels).permute(0, 2, 3, 4, 1)
        space = self.space.view(1, 1, self.side, self.side, -1)
        return cast(Tensor, tokens + (space + self.time[:, :, None, None]))


class Encoder(nn.Module):
    """Pixels to ever fewer and wider tokens, in four stages; `kept` ones go to the decoder.

    They are those before the blocks of these numbers.
    """

    def __init__(self, stem: Stem, blocks: Sequence[Block], kept: Sequence[int] = ()) -> None:
        super().__init__()
        self.stem, self.blocks, self.kept = stem, nn.ModuleList(blocks), tuple(kept)

    @property
    def interface(self) -> Interface:
        """Frames to tokens."""
        (pixels, side), tokens = self._frames_and_side, self.tokens
        kept = {f"kept_{i}": axes for i, axes in enumerate(tokens[:-1])}
        given = {"clip": f"batch {self.stem.conv.in_channels} {pixels} {side} {side}"}
        return whole(given, {"tokens": tokens[-1], **kept})

    @property
    def tokens(self) -> list[str]:
        """Axes of the tokens kept, in the order of `forward`, and then of the last ones."""
        time, side, width = self.stem.time.shape[1], self.stem.side, self.stem.time.shape[2]
        result = []
        for number, block in enumerate(cast("list[Block]", [*self.blocks])):
            if number in self.kept:
                result.append(f"batch {time} {side} {side} {width}")
            side, width = side // block.shape.down, block.shape.width_out
        return [*result[::-1], f"batch {time} {side} {side} {width}"]

    @property
    def _frames_and_side(self) -> tuple[int, int]:
        return 2 * self.stem.time.shape[1], PATCH * self.stem.side

    def forward(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The last tokens, and those kept on the way, the last ones first."""
        tokens, result = self.stem(pixels), []
        for number, block in enumerate(self.blocks):
            if number in self.kept:
                result.append(tokens)
            tokens = block(tokens)
        return tokens, result[::-1]


class Decoder(nn.Module):
    """Tokens to maps, with what the encoder saw on its way.

    Each block makes the grid larger; what was kept is added behind each.
    """

    def __init__(self, blocks: Sequence[Block], width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.classifier = nn.Conv3d(width, 1, 1)

    def forward(self, tokens: Tensor, kept: Sequence[Tensor]) -> Tensor:
        """Logits `(batch, time, row, column)` of the fused tokens and the kept ones, last first."""
        for block, skip in zip(self.blocks, kept, strict=True):
            tokens = block(tokens)
            longer = tokens.shape[1] // skip.shape[1]
            tokens = tokens + enlarged(skip, (longer, 1, 1))
        weight = self.classifier.weight.flatten(1)
        return F.linear(tokens, weight, self.classifier.bias)[..., 0]


class GazeAnticipation(nn.Module):
    """Where the wearer of a camera will look, or looks now, from sight and audio.

    Args:
        video: encoder of frames; keeps as many tokens as the decoder has blocks.
        audio: encoder of spectrograms.
        fusion: of both.
        decoder: to maps.
        embeddings: what is seen and what is heard to vectors for the contrastive loss, or None.
    """

    def __init__(
        self,
        video: Encoder,
        audio: Encoder,
        fusion: Fusion,
        decoder: Decoder,
        embeddings: tuple[nn.Linear, nn.Linear] | None,
    ) -> None:
        super().__init__()
        self.video, self.sound, self.fusion, self.decoder = video, audio, fusion, decoder
        if embeddings is not None:
            self.embed_seen, self.embed_heard = embeddings
        self.embeds = embeddings is not None
        self.at_once = 1
        """Clips that a processor sees together when no gradient is wanted."""
        self.precision = "float32"
        """One of `PRECISIONS`; training has that of its devices."""

    @property
    def interface(self) -> Interface:
        """Of its parts: frames to tokens, audio to tokens, and both to logits."""
        n, side = self.frames, self.side
        *kept, seen = self.video.tokens
        tokens = {"seen": seen, **{f"kept_{i}": axes for i, axes in enumerate(kept)}}
        heard = {"heard": self.sound.tokens[-1]}
        cells = side // PATCH
        return Interface(
            {
                "watch": Part({"clip": f"batch 3 {n} {side} {side}"}, tokens),
                "listen": Part({"audio": f"batch 1 {n} {side} {side}"}, heard),
                "join": Part({**tokens, **heard}, {"logits": f"batch {n} {cells} {cells}"}),
            },
            sizes={"frames": n, "side": side},
            pixels={"clip": PIXELS},
        )

    def watch(self, clip: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Tokens of frames, and those kept for the decoder."""
        return cast("tuple[Tensor, list[Tensor]]", self.video(clip))

    def listen(self, audio: Tensor) -> Tensor:
        """Tokens of spectrograms."""
        return cast(Tensor, self.sound(audio)[0])

    def join(self, seen: Tensor, *kept_and_heard: Tensor) -> Tensor:
        """Logits of what `watch` and `listen` give."""
        *kept, heard = kept_and_heard
        return cast(Tensor, self.decoder(self.fusion(seen, heard).seen, kept))

    @property
    def frames(self) -> int:
        """Of a clip, and maps of an output."""
        return 2 * self.video.stem.time.shape[1]

    @property
    def side(self) -> int:
        """Rows and columns of a frame, and of a spectrogram."""
        return PATCH * self.video.stem.side

    def forward(
        self, clip: Tensor, audio: Tensor, *, embeddings: bool | None = None
    ) -> Anticipation:
        """Maps of where the wearer looks, and what the contrastive loss needs.

        Args:
            clip: `(batch, 3, time, side, side)`, RGB, normalised; `time` is `frames`.
            audio: `(batch, 1, time, side, side)`, the log spectrogram around each frame: rows are
                frequencies, columns are time.
            embeddings: whether to give them, too; by default where gradients are wanted and the
                network has them. DataError where it has none.
        """
        sizes = check_shape(clip, f"batch 3 {self.frames} {self.side} {self.side}", "clip")
        check_shape(audio, f"batch 1 {self.frames} {self.side} {self.side}", "audio", sizes)
        if embeddings is None:
            embeddings = torch.is_grad_enabled() and self.embeds
        if embeddings and not self.embeds:
            raise DataError("this network was built without embeddings")
        if clip.device.type != "cpu" or torch.is_grad_enabled() or len(clip) <= self.at_once:
            return self._forward(clip, audio, embeddings)
        # the tokens of many clips would be returned to the system and fetched anew each time
        parts = zip(*(torch.split(x, self.at_once) for x in (clip, audio)), strict=True)
        return _joined([self._forward(a, b, embeddings) for a, b in parts])

    def _forward(self, clip: Tensor, audio: Tensor, embeddings: bool) -> Anticipation:
        if self.precision == "float32" or torch.is_grad_enabled():
            return self._computed(clip, audio, embeddings)
        with torch.autocast(clip.device.type, torch.bfloat16):
            result = self._computed(clip, audio, embeddings)
        columns: list[Any] = [None if value is None else value.float() for value in result]
        return Anticipation(*columns)

    def _computed(self, clip: Tensor, audio: Tensor, embeddings: bool) -> Anticipation:
        seen, kept = self.video(clip)
        seen, heard = self.fusion(seen, self.sound(audio)[0])
        logits = self.decoder(seen, kept)
        if not embeddings:
            return Anticipation(logits)
        return Anticipation(
            logits, _embedded(seen, self.embed_seen), _embedded(heard, self.embed_heard)
        )


def heatmaps(logits: Tensor) -> Tensor:
    """Distributions over the pixels of each map of logits `(..., row, column)`."""
    flat = torch.softmax(logits.float().flatten(-2) / TEMPERATURE, dim=-1)
    return flat.view_as(logits)


def csts(
    *,
    frames: Even = 8,
    side: MultipleOf64 = 256,
    width: MultipleOf8 = 96,
    layers: Stages = (1, 2, 11, 2),
    sound_layers: Stages = (1, 1, 1, 1),
    embedding: Whole = 256,
    drop_path: FractionBelowOne = 0.2,
    gate_by_sound: bool = False,
    initial_spread: Fraction = _INITIAL_SPREAD,
    sound_mean: Number = 0.0,
    sound_std: Positive = 1.0,
) -> GazeAnticipation:
    """The builder, with random weights; the defaults are those of the published network.

    Args:
        frames: of a clip, even.
        side: rows and columns of a frame and of a spectrogram, a multiple of 64.
        width: channels of the first tokens, a multiple of 8.
        layers: blocks of each stage of the video encoder.
        sound_layers: blocks of each stage of the audio encoder.
        embedding: length of the vectors for the contrastive loss; 0 leaves them out.
        drop_path: fraction of samples that training takes past the video encoder's last block.
        gate_by_sound: see `Fusion`; the published weights are without.
        initial_spread: of the random weights of linear layers. 0 goes by the number of a layer's
            inputs: at the published spread narrow networks hardly hear at first.
        sound_mean: what is taken off spectrograms before the first layer. The published 0 leaves
            their logarithms below 0 nearly everywhere; the norms behind the first layer then hide
            how loud it is, which random weights learn late or not at all. -7 lies between a room
            and what sounds in it.
        sound_std: what the rest is divided by; 3 goes with -7.
    """
    _check(frames, side, width, tuple(layers), tuple(sound_layers), embedding, drop_path)
    if not 0 <= initial_spread <= 1:
        raise DataError(f"initial_spread is {initial_spread}; expected 0 to 1")
    if not (math.isfinite(sound_mean) and 0 < sound_std < math.inf):
        raise DataError(
            f"sound_mean is {sound_mean} and sound_std is {sound_std}; expected numbers, the "
            "second above 0"
        )
    grid = (frames // 2, side // PATCH)
    blocks = _encoder_blocks(width, layers, drop_path)
    kept = [0] + [sum(layers[:stage]) for stage in (1, 2, 3)]
    widest = 8 * width
    network = GazeAnticipation(
        Encoder(Stem(3, width, *grid), blocks, kept),
        Encoder(
            Stem(1, width, *grid, sound_mean, sound_std), _encoder_blocks(width, sound_layers, 0.0)
        ),
        Fusion(widest, grid[1] // 8, gate_by_sound=gate_by_sound),
        Decoder(_decoder_blocks(width), width),
        (nn.Linear(widest, embedding), nn.Linear(widest, embedding)) if embedding else None,
    )
    network.apply(partial(_initialise, spread=initial_spread))
    return network


def mvit_b(
    *, frames: int = 16, side: int = 224, width: int = 96, layers: tuple[int, ...] = (1, 2, 11, 2)
) -> Encoder:
    """The video encoder alone, in the sizes of the published start, which was trained on actions.

    `frames` must be even, `side` a multiple of 32, `width` of 8; DataError otherwise.
    """
    _refuse(_encoder_faults(frames, side, width, side_multiple=ENCODER_MULTIPLE, layers=layers))
    return Encoder(Stem(3, width, frames // 2, side // PATCH), _encoder_blocks(width, layers, 0.0))


def set_gradient_checkpointing(
    network: GazeAnticipation, gradient_checkpointing: Checkpointed = "all"
) -> GazeAnticipation:
    """Make training take less memory and more time, in place; gradients stay the same.

    `halving` keeps the inputs alone of all MLPs and of attention in blocks that halve the grid,
    `all` of both halves of all blocks.
    """
    for module in network.modules():
        if isinstance(module, Block):
            halving = gradient_checkpointing == "halving" and module.shape.down > 1
            module.checkpoint_mlp = gradient_checkpointing != "none"
            module.checkpoint_attention = gradient_checkpointing == "all" or halving
    return network


def _encoder_blocks(width: int, layers: Sequence[int], drop_path: float) -> list[Block]:
    """Each stage but the first begins with half the grid, each but the last ends twice as wide."""
    stages = [stage for stage, count in enumerate(layers) for _ in range(count)]
    created = []
    for number, stage in enumerate(stages):
        begins = number > 0 and stages[number - 1] < stage
        ends = number + 1 < len(stages) and stages[number + 1] > stage
        before, heads = width << stage, 1 << stage
        created.append(
            Block(
                Shape(
                    before,
                    2 * before if ends else before,
                    heads,
                    down=2 if begins else 1,
                    kv_stride=_KV_STRIDES[stage],
                    drop_path=drop_path * number / max(1, len(stages) - 1),
                )
            )
        )
    return created


def _decoder_blocks(width: int) -> list[Block]:
    widths = [8 * width, 8 * width, 4 * width, 2 * width, width]
    rest = zip((8, 4, 4, 2), (2, 4, 8, 16), ((1, 2, 2),) * 3 + ((2, 1, 1),), strict=True)
    return [
        Block(Shape(a, b, heads, up=up, kv_stride=stride, hidden=4 * b))
        for (a, b), (heads, stride, up) in zip(pairwise(widths), rest, strict=True)
    ]


def _initialise(module: nn.Module, spread: float) -> None:
    """Linear layers and places from a narrow normal distribution; convolutions as torch has it."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=spread or module.in_features**-0.5)
        nn.init.zeros_(module.bias)
    elif isinstance(module, Stem):
        for place in (module.space, module.time):
            nn.init.trunc_normal_(place, std=_INITIAL_SPREAD)


def _embedded(tokens: Tensor, layer: nn.Linear) -> Tensor:
    return cast(Tensor, layer(tokens.mean(dim=(1, 2, 3))))


def _joined(outputs: Sequence[Anticipation]) -> Anticipation:
    columns: list[Any] = [
        None if parts[0] is None else torch.cat(cast(list[Tensor], list(parts)))
        for parts in zip(*outputs, strict=True)
    ]
    return Anticipation(*columns)


def _check(
    frames: int,
    side: int,
    width: int,
    layers: tuple[int, ...],
    sound_layers: tuple[int, ...],
    embedding: int,
    drop_path: float,
) -> None:
    encoders = {"layers": layers, "sound_layers": sound_layers}
    faults = _encoder_faults(frames, side, width, side_multiple=IMAGE_MULTIPLE, **encoders)
    if embedding < 0:
        faults.append(f"embedding is {embedding}; must be at least 0")
    if not 0 <= drop_path < 1:
        faults.append(f"drop_path is {drop_path}; expected a share below 1")
    _refuse(faults)


def _encoder_faults(
    frames: int, side: int, width: int, *, side_multiple: int, **layers: tuple[int, ...]
) -> list[str]:
    faults = [
        f"{name} is {counts}; expected four numbers of at least 1"
        for name, counts in layers.items()
        if len(counts) != 4 or min(counts) < 1
    ]
    if frames < 2 or frames % 2:
        faults.append(f"frames is {frames}; expected an even number")
    if side < side_multiple or side % side_multiple:
        faults.append(f"side is {side}; expected a multiple of {side_multiple}")
    if width < 8 or width % 8:
        faults.append(f"width is {width}; expected a multiple of 8")
    return faults


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise DataError("; ".join(faults))
