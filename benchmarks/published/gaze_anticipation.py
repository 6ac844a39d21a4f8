"""The published way of `csts`, written anew from its description, to compare with.

Every token becomes query, key and value; pooling turns each head's tokens to images and back; the
weights of attention are whole; the fusion masks one attention over all moments; images become one
token by convolutions; gradients keep all of it.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.systems.gaze_anticipation.model import Anticipation

Grid = tuple[int, int, int]


class Pooled(nn.Module):
    """A depthwise convolution of each head's tokens, and a norm."""

    def __init__(self, conv: nn.Conv3d, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.weight, self.norm = conv.weight, norm

    def forward(self, tokens: Tensor, grid: Grid, down: Grid, up: Grid) -> tuple[Tensor, Grid]:
        """`(batch, head, token, channel)`, and the grid that comes of it."""
        batch, heads, _, channels = tokens.shape
        maps = tokens.transpose(2, 3).reshape(batch * heads, channels, *grid).contiguous()
        if up != (1, 1, 1):
            maps = F.conv_transpose3d(
                maps,
                self.weight,
                stride=up,
                padding=1,
                output_padding=[s - 1 for s in up],
                groups=channels,
            )
        else:
            maps = F.conv3d(maps, self.weight, stride=down, padding=1, groups=channels)
        result = maps.reshape(batch, heads, channels, -1).transpose(2, 3)
        return self.norm(result), cast(Grid, tuple(maps.shape[2:]))


class Attention(nn.Module):
    """With the weights of ours."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.qkv, self.proj, self.shape = attention.qkv, attention.proj, attention.shape
        for which in "qkv":
            if hasattr(attention, f"pool_{which}"):
                created = Pooled(
                    getattr(attention, f"pool_{which}"), getattr(attention, f"norm_{which}")
                )
                setattr(self, f"pool_{which}", created)

    def forward(self, tokens: Tensor, grid: Grid, mask: Tensor | None) -> tuple[Tensor, Grid]:
        """`(batch, token, width)`."""
        batch, count, width = tokens.shape
        heads, shape = self.shape.heads, self.shape
        q, k, v = self.qkv(tokens).reshape(batch, count, 3, heads, -1).permute(2, 0, 3, 1, 4)
        whole = (1, 1, 1)
        if hasattr(self, "pool_k"):
            asked = (1, shape.kv_stride, shape.kv_stride)
            k, v = self.pool_k(k, grid, asked, whole)[0], self.pool_v(v, grid, asked, whole)[0]
        if hasattr(self, "pool_q"):
            q, grid = self.pool_q(q, grid, (1, shape.down, shape.down), shape.up)
        logits = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
        if mask is not None:
            logits = logits - 1e8 * (1 - mask)
        result = logits.softmax(dim=-1) @ v
        return self.proj(result.transpose(1, 2).reshape(batch, -1, width)), grid


class Block(nn.Module):
    """With the weights of ours."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm1, self.norm2, self.mlp = block.norm1, block.norm2, block.mlp
        self.shape, self.drop_path = block.shape, block.drop_path
        self.attention = Attention(block.attention)
        self.proj = getattr(block, "proj", None)

    def forward(
        self, tokens: Tensor, grid: Grid, mask: Tensor | None = None
    ) -> tuple[Tensor, Grid]:
        """`(batch, token, width)`."""
        result, after = self.attention(self.norm1(tokens), grid, mask)
        tokens = self._beside(tokens, grid) + self.drop_path(result)
        normed = self.norm2(tokens)
        inner = self.mlp.fc2(F.gelu(self.mlp.fc1(normed)))
        beside = tokens if self.proj is None else self.proj(normed)
        return beside + self.drop_path(inner), after

    def _beside(self, tokens: Tensor, grid: Grid) -> Tensor:
        if self.shape.down == 1 and self.shape.up == (1, 1, 1):
            return tokens
        maps = as_maps(tokens, grid)
        if self.shape.down > 1:
            return as_tokens(F.max_pool3d(maps, (1, 3, 3), (1, 2, 2), (0, 1, 1)))
        return as_tokens(enlarged(maps, self.shape.up))


class Published(nn.Module):
    """With the weights of ours."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.video, self.sound = network.video.stem, network.sound.stem
        self.video_blocks = nn.ModuleList(Block(b) for b in network.video.blocks)
        self.audio_blocks = nn.ModuleList(Block(b) for b in network.sound.blocks)
        self.decoder_blocks = nn.ModuleList(Block(b) for b in network.decoder.blocks)
        fusion = network.fusion
        self.space, self.time = Block(fusion.space), Block(fusion.time)
        self.pools = nn.ModuleList([fusion.pool_seen, fusion.pool_heard_space])
        self.pools.append(fusion.pool_heard_time)
        self.classifier, self.kept = network.decoder.classifier, network.video.kept
        self.embed_seen, self.embed_heard = network.embed_seen, network.embed_heard

    def forward(self, clip: Tensor, audio: Tensor) -> Anticipation:
        """As of `GazeAnticipation`, embeddings always."""
        seen, grid, kept = _encoded(clip, self.video, self.video_blocks, self.kept)
        heard, _, _ = _encoded(audio, self.sound, self.audio_blocks, ())
        seen, heard = self._fused(seen, heard, grid)
        embeddings = self.embed_seen(seen.mean(1)), self.embed_heard(heard.mean(1))
        for block, (tokens, before) in zip(self.decoder_blocks, kept[::-1], strict=True):
            seen, grid = block(seen, grid)
            longer = (grid[0] // before[0], 1, 1)
            maps = as_maps(tokens, before)
            seen = seen + as_tokens(enlarged(maps, longer) if longer != (1, 1, 1) else maps)
        return Anticipation(self.classifier(as_maps(seen, grid))[:, 0], *embeddings)

    def _fused(self, seen: Tensor, heard: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
        times, places = grid[0], grid[1] * grid[2]
        pools = [
            as_tokens(F.conv3d(as_maps(t, grid), pool.weight, pool.bias))
            for t, pool in zip((seen, heard, heard), self.pools, strict=True)
        ]
        moment = torch.arange(times).repeat_interleave(places)
        moment = torch.cat([moment, torch.arange(times)])
        mask = (moment[:, None] == moment).to(seen)
        joint = torch.cat([seen, pools[1]], dim=1)
        in_space = self.space(joint, (1, 1, joint.shape[1]), mask)[0][:, : seen.shape[1]]
        series = torch.cat([pools[0], pools[2]], dim=1)
        weights = self.time(series, (1, 1, 2 * times))[0]
        for_seen, for_heard = (w.repeat_interleave(places, dim=1) for w in weights.chunk(2, dim=1))
        return in_space * for_seen, heard * for_heard


def _encoded(
    pixels: Tensor, stem: Any, blocks: Any, kept: Any
) -> tuple[Tensor, Grid, list[tuple[Tensor, Grid]]]:
    maps = stem.conv(pixels)
    grid = cast(Grid, tuple(maps.shape[2:]))
    places = stem.space.repeat(1, grid[0], 1) + stem.time.repeat_interleave(
        grid[1] * grid[2], dim=1
    )
    tokens, result = as_tokens(maps) + places, []
    for number, block in enumerate(blocks):
        if number in kept:
            result.append((tokens, grid))
        tokens, grid = block(tokens, grid)
    return tokens, grid, result


def as_maps(tokens: Tensor, grid: Grid) -> Tensor:
    """`(batch, token, channel)` to `(batch, channel, time, row, column)`."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *grid)


def as_tokens(maps: Tensor) -> Tensor:
    """`(batch, channel, time, row, column)` to `(batch, token, channel)`."""
    return maps.flatten(2).transpose(1, 2)


def enlarged(maps: Tensor, by: Grid) -> Tensor:
    """Trilinear."""
    factors = [float(s) for s in by]
    return F.interpolate(maps, scale_factor=factors, mode="trilinear", align_corners=False)


def published(network: Any) -> Published:
    """A network with the very tensors of ours that computes in the published way."""
    return Published(network).train(network.training)
