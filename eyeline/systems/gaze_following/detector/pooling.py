"""Regions as bins of the pyramid's maps.

On a processor torchvision's operator reads channel by channel with one thread. There the same
averages are weighted sums of rows of memory, many times quicker where maps are stored channels
last: a bin of bilinear samples is a product of weights along y and x, and a weighted sum of rows is
what embedding bags are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

from eyeline.systems.gaze_following.detector.boxes import FIRST_STRIDE, POOLED_LEVELS, levels

_AT_ONCE = 128
"""Regions whose weights are in memory together."""


def pooled(maps: Sequence[Tensor], regions: Tensor, bins: int) -> Tensor:
    """Average `(n, channels, bins, bins)` of the maps in each bin of each region, in 32 bits.

    Half a pixel is heeded, and a bin is sampled as finely as its size asks for. Maps are `(batch,
    channels, h, w)` by level, regions `(n, 5)`: number in the batch and xyxy pixels of the image.
    """
    if torch.onnx.is_in_onnx_export():
        # runtimes have the operator; casts that change nothing would rename the maps in the trace
        return by_operator(maps, regions, bins)
    way = by_rows if regions.device.type == "cpu" else by_operator
    return way([m.float() for m in maps], regions.float(), bins)


def by_operator(maps: Sequence[Tensor], regions: Tensor, bins: int) -> Tensor:
    """As of `pooled`, by torchvision."""
    level = levels(regions)
    shape = (regions.shape[0], maps[0].shape[1], bins, bins)
    result = maps[0].new_zeros(shape)
    for number, level_maps in enumerate(maps[:POOLED_LEVELS]):
        rows = torch.nonzero(level == number)[:, 0]
        scale = 1 / (FIRST_STRIDE << number)
        values = roi_align(level_maps, regions[rows], bins, scale, 0, aligned=True)
        result = result.index_copy(0, rows, values)
    return result


def by_rows(maps: Sequence[Tensor], regions: Tensor, bins: int) -> Tensor:
    """As of `pooled`, by embedding bags; the result is stored channels last."""
    channels = maps[0].shape[1]
    result = maps[0].new_zeros(len(regions), bins * bins, channels)
    level = levels(regions)
    longest = (regions[:, 3:] - regions[:, 1:3]).amax(dim=1)
    for number, level_maps in enumerate(maps[:POOLED_LEVELS]):
        rows = torch.nonzero(level == number)[:, 0]
        if not len(rows):
            continue
        alike = rows[longest[rows].argsort()]  # the longest one's cells are counted for all
        scale = 1 / (FIRST_STRIDE << number)
        sums = _of_level(level_maps, regions[alike], bins, scale)
        result = result.index_copy(0, alike, sums.reshape(len(alike), -1, channels))
    return result.reshape(-1, bins, bins, channels).permute(0, 3, 1, 2)


def _of_level(maps: Tensor, regions: Tensor, bins: int, scale: float) -> Tensor:
    """`(n * bins * bins, channels)`."""
    size_hw = maps.shape[2], maps.shape[3]
    some = [_rows(r, bins, scale, size_hw) for r in torch.split(regions, _AT_ONCE)]
    place, weight, counts = (torch.cat(parts) for parts in zip(*some, strict=True))
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)[:-1]])
    table = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])
    return F.embedding_bag(place, table, offsets, mode="sum", per_sample_weights=weight)


@torch.no_grad()
def _rows(
    regions: Tensor, bins: int, scale: float, size_hw: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Which rows of a level's cells are summed, their weights, and how many each bin has."""
    h, w = size_hw
    y, weight_y = along(regions[:, 2] * scale, regions[:, 4] * scale, bins, h)
    x, weight_x = along(regions[:, 1] * scale, regions[:, 3] * scale, bins, w)
    weight = weight_y[:, :, None, :, None] * weight_x[:, None, :, None, :]
    start = (regions[:, 0].long() * h)[:, None, None] + y
    place = (start * w)[:, :, None, :, None] + x[:, None, :, None, :]
    used = weight != 0
    return place[used], weight[used], used.flatten(0, 2).flatten(1).sum(dim=1)


def along(start: Tensor, end: Tensor, bins: int, length: int) -> tuple[Tensor, Tensor]:
    """Which cells `(n, bins, cells)` of an axis each bin takes, and how much of each, 0 for none.

    A bin has as many samples as it is long, rounded up, each of which is shared by the two cells
    that it lies between; half a cell is heeded. Regions go from `start` `(n,)` to `end` in cells of
    an axis of that length.
    """
    size = (end - start) / bins
    samples = torch.ceil(size).clamp(min=0)
    most = int(samples.max()) if len(samples) else 0
    number = torch.arange(most, device=start.device)
    step = (number + 0.5) * (size / samples.clamp(min=1))[:, None]
    origin = (start - 0.5)[:, None] + torch.arange(bins, device=start.device) * size[:, None]
    place = origin[:, :, None] + step[:, None]
    counted = (number < samples[:, None])[:, None] & (place >= -1) & (place <= length)
    place = place.clamp(0, length - 1)
    first = place[:, :, :1].floor().long()
    # the last sample lies at most `most` cells behind the first one
    cell = first + torch.arange(most + 1, device=start.device)
    near = (1 - (place[:, :, None] - cell[..., None]).abs()).clamp(min=0) * counted[:, :, None]
    weight = near.sum(dim=3) / samples.clamp(min=1)[:, None, None]
    return cell.clamp(max=length - 1), weight
