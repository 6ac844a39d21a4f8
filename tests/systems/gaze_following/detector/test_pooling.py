"""Bins of regions: the published operator's, in both ways, with the same gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.ops import roi_align

from eyeline.systems.gaze_following.detector import boxes, pooling
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Golden

Way = Callable[[list[Tensor], Tensor, int], Tensor]
WAYS = (pooling.by_operator, pooling.by_rows)


def some_regions(count: int, seed: int = 0) -> Tensor:
    """Of all sizes and shapes, in two images of 384 x 256, some beyond the border or empty."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand(count, 2, generator=generator) * torch.tensor([384.0, 256])
    half = torch.exp(torch.randn(count, 2, generator=generator)) * 40
    image = torch.randint(0, 2, (count, 1), generator=generator).float()
    result = torch.cat([image, centre - half, centre + half], dim=1)
    result[:3, 3:] = result[:3, 1:3]
    result[3:6, 3:] = result[3:6, 1:3] - 5
    return result


def some_maps(channels: int = 6) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(2, channels, 64 >> i, 96 >> i, generator=generator) for i in range(5)]


@pytest.mark.parametrize("way", WAYS)
def test_parity(golden: Golden, way: Way) -> None:
    """A single level: all regions are small enough for the first one."""
    file = golden("maskrcnn_ops")
    maps, given = torch.from_numpy(file["ra_feat"]), torch.from_numpy(file["ra_rois"])
    for bins in (7, 14):
        np.testing.assert_allclose(
            roi_align(maps, given, bins, 0.25, 0, aligned=True), file[f"ra_out{bins}"], atol=1e-5
        )
        small = boxes.levels(given) == 0
        assert int(small.sum()) >= 3
        result = way([maps], given, bins)
        np.testing.assert_allclose(result[small], file[f"ra_out{bins}"][small], atol=1e-5)


@pytest.mark.parametrize("bins", [7, 14])
def test_both_ways_agree(bins: int) -> None:
    given = some_regions(300)
    assert set(boxes.levels(given).tolist()) == {0, 1, 2, 3}
    result = [way(some_maps(), given, bins) for way in WAYS]
    assert_close_to_scale(*result, 2e-5)
    assert float(result[0].std()) > 0.1


def test_gradients_agree() -> None:
    gradients = []
    for way in WAYS:
        maps = [m.requires_grad_() for m in some_maps()]
        (way(maps, some_regions(80), 7) ** 2).sum().backward()
        gradients.append([m.grad for m in maps])
        assert gradients[-1].pop() is None, "the smallest map only proposes"
    for one, other in zip(*gradients, strict=True):
        assert_close_to_scale(one, other, 1e-4)


@pytest.mark.parametrize("way", WAYS)
def test_none(way: Way) -> None:
    assert way(some_maps(3), torch.zeros(0, 5), 7).shape == (0, 3, 7, 7)


@pytest.mark.parametrize("way", WAYS)
def test_regions_without_a_size_hold_nothing(way: Way) -> None:
    given = some_regions(6)
    assert float(way(some_maps(), given, 7)[3:].abs().max()) == 0


def test_half_precision_is_widened() -> None:
    maps = some_maps()
    result = pooling.pooled([m.bfloat16() for m in maps], some_regions(40), 7)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, pooling.pooled(maps, some_regions(40), 7), atol=0.02, rtol=0)


def test_a_flat_map_is_flat_in_its_bins() -> None:
    """Weights of a bin within the image sum to one."""
    maps = [torch.full_like(m, 3.0) for m in some_maps()]
    given = torch.tensor([[0, 50.0, 40, 90, 200], [1, 100, 100, 101, 101]])
    torch.testing.assert_close(
        pooling.by_rows(maps, given, 7), torch.full((2, 6, 7, 7), 3.0), atol=1e-5, rtol=0
    )
