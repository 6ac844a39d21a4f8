"""DINOv2's vision transformer, and the decoder of heatmaps for each head (Ryan et al., CVPR 2025).

The encoder sees an image once; the decoder takes its features for all heads of the image.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import StochasticDepth

from eyeline.bounds import Size
from eyeline.runtimes.interface import Interface, Pixels, whole

PATCH_PX = 14
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue in [0, 1]."""
HEAD_DIM = 64
"""Of an encoder's attention; DINOv2 has it in all sizes."""


class Attention(nn.Module):
    """Self-attention of tokens `(batch, tokens, width)`."""

    def __init__(self, width: int, heads: int, *, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        joined: Tensor = self.proj(attended.transpose(1, 2).reshape(batch, tokens, width))
        return joined


class Mlp(nn.Module):
    """Two layers with GELU, four times as wide within."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        result: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return result


class LayerScale(nn.Module):
    """A factor for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x * self.gamma


class Block(nn.Module):
    """A layer of a transformer, norms first."""

    def __init__(
        self, width: int, heads: int, *, encoder: bool = False, drop_path: float = 0.0
    ) -> None:
        """Build it; an encoder's has a bias for queries, keys and values, and scaled layers."""
        super().__init__()
        eps = 1e-6 if encoder else 1e-5
        self.norm1, self.norm2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.attn, self.mlp = Attention(width, heads, bias=encoder), Mlp(width)
        self.ls1 = LayerScale(width) if encoder else nn.Identity()
        self.ls2 = LayerScale(width) if encoder else nn.Identity()
        self.drop_path = StochasticDepth(drop_path, "row")

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        attended: Tensor = x + self.drop_path(self.ls1(self.attn(self.norm1(x))))
        result: Tensor = attended + self.drop_path(self.ls2(self.mlp(self.norm2(attended))))
        return result


class PatchEmbed(nn.Module):
    """Patches of an image to tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH_PX, PATCH_PX)

    def forward(self, images: Tensor) -> Tensor:
        """`(batch, 3, h, w)` to `(batch, patches, width)`."""
        cells: Tensor = self.proj(images)
        return cells.flatten(2).transpose(1, 2)


class DinoV2(nn.Module):
    """The encoder, for images of `grid` patches on a side."""

    def __init__(self, width: int, depth: int, grid: int) -> None:
        super().__init__()
        self.width, self.grid = width, grid
        self.patch_embed = PatchEmbed(width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid**2, width))
        blocks = (Block(width, width // HEAD_DIM, encoder=True) for _ in range(depth))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width, 1e-6)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=0.02)

    @property
    def interface(self) -> Interface:
        """Images to features."""
        side = self.grid * PATCH_PX
        return whole(
            {"images": f"batch 3 {side} {side}"},
            {"features": f"batch {self.width} {self.grid} {self.grid}"},
            sizes={"width": self.width, "grid": self.grid},
            pixels={"images": Pixels("RGB", MEAN, STD, 255.0)},
        )

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `(batch, 3, 14 grid, 14 grid)` to `(batch, width, grid, grid)`."""
        x = self.patch_embed(images)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        cells: Tensor = self.norm(x)[:, 1:].transpose(1, 2)
        return cells.reshape(-1, self.width, self.grid, self.grid)


class GazeDecoder(nn.Module):
    """Features of images and places of heads to a heatmap for each head."""

    def __init__(
        self, encoder_width: int, *, in_out: bool, width: int, depth: int, heads: int, grid: int
    ) -> None:
        super().__init__()
        self.grid, self.in_out = grid, in_out
        self.linear = nn.Conv2d(encoder_width, width, 1)
        self.head_token = nn.Embedding(1, width)
        self.register_buffer("pos_embed", sine_positions(width, grid))
        self.transformer = nn.Sequential(
            *(Block(width, heads, drop_path=0.1) for _ in range(depth))
        )
        self.heatmap_head = nn.Sequential(
            nn.ConvTranspose2d(width, width, 2, 2), nn.Conv2d(width, 1, 1, bias=False)
        )
        if in_out:
            self.inout_token = nn.Embedding(1, width)
            self.inout_head = nn.Sequential(
                nn.Linear(width, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 1)
            )

    @property
    def interface(self) -> Interface:
        """Features and heads to heatmaps, and to looks into the image where it knows of others."""
        grid, width = self.grid, self.linear.in_channels
        heatmaps = {"heatmap": f"people {2 * grid} {2 * grid}"}
        return whole(
            {
                "features": f"images {width} {grid} {grid}",
                "head_maps": f"people {grid} {grid}",
                "image": "people",
            },
            heatmaps | ({"in_frame": "people"} if self.in_out else {}),
            sizes={"width": width, "grid": grid},
            kinds={"image": "int64"},
            rows={"image": (0.0,)},
        )

    def forward(
        self, features: Tensor, head_maps: Tensor, image: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Logits of heatmaps, and of looks into the image where the network knows of others.

        Args:
            features: `(images, encoder_width, grid, grid)`.
            head_maps: `(people, grid, grid)` 1 in the cells of the head.
            image: `(people,)` number of each person's image.

        Returns:
            `(people, 2 grid, 2 grid)`, and `(people,)` or None.
        """
        scene = (self.linear(features) + self.pos_embed)[image]
        x = scene + head_maps[:, None] * self.head_token.weight[:, :, None, None]
        x = x.flatten(2).transpose(1, 2)
        if self.in_out:
            x = torch.cat([self.inout_token.weight.expand(x.shape[0], 1, -1), x], dim=1)
        x = self.transformer(x)
        inside = self.inout_head(x[:, 0])[:, 0] if self.in_out else None
        tokens = x[:, 1:] if self.in_out else x
        cells = tokens.transpose(1, 2).reshape(-1, tokens.shape[2], self.grid, self.grid)
        return self.heatmap_head(cells)[:, 0], inside


def sine_positions(width: int, grid: int) -> Tensor:
    """Sines and cosines of the column, then of the row, `(width, grid, grid)`."""
    half = width // 2
    rate = torch.exp(torch.arange(0, half, 2) * (-math.log(10_000) / half))
    angle = torch.arange(grid)[:, None] * rate  # (grid, half / 2)
    along = torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1).T  # (half, grid)
    column, row = along[:, None, :], along[:, :, None]
    return torch.cat([column.expand(half, grid, grid), row.expand(half, grid, grid)])


def dinov2(width: Size = 768, depth: Size = 12, grid: Size = 32) -> DinoV2:
    """The encoder; 768 and 12 are ViT-B/14, 1024 and 24 ViT-L/14."""
    return DinoV2(width, depth, grid)


def gaze_lle(
    encoder_width: Size = 768,
    in_out: bool = False,
    width: Size = 256,
    depth: Size = 3,
    heads: Size = 8,
    grid: Size = 32,
) -> GazeDecoder:
    """The decoder for an encoder of that width."""
    return GazeDecoder(
        encoder_width, in_out=in_out, width=width, depth=depth, heads=heads, grid=grid
    )
