"""Pooling and spreading are torch's convolutions over images, values and gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from eyeline.systems.gaze_anticipation.network import depthwise
from tests.closeness import assert_close_to_scale, assert_gradient_close


def gradients_of(found: Tensor, given: list[Tensor]) -> list[Tensor]:
    pattern = torch.linspace(-1, 1, found.numel()).view_as(found)
    return [found, *torch.autograd.grad((found * pattern).sum(), given)]


def assert_alike(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for a, b in zip((x.detach() for x in ours), (x.detach() for x in theirs), strict=True):
        assert_close_to_scale(a, b, 1e-4)


def tokens_and_weight(*grid: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(sum(grid))
    tokens = torch.randn(2, *grid, 6, requires_grad=True)
    return tokens, torch.randn(6, 1, 3, 3, 3, requires_grad=True)


def by_torch(tokens: Tensor, weight: Tensor, stride: int) -> Tensor:
    maps = tokens.permute(0, 4, 1, 2, 3).contiguous()
    result = F.conv3d(maps, weight, stride=(1, stride, stride), padding=1, groups=6)
    return result.permute(0, 2, 3, 4, 1)


@pytest.mark.parametrize("grid", [(4, 8, 8), (1, 4, 4), (2, 2, 4), (3, 2, 2)])
@pytest.mark.parametrize("stride", [1, 2])
def test_pooling(grid: tuple[int, int, int], stride: int) -> None:
    given = tokens_and_weight(*grid)
    assert_alike(
        gradients_of(depthwise.pool(*given, stride), list(given)),
        gradients_of(by_torch(*given, stride), list(given)),
    )
    with torch.no_grad():
        assert_close_to_scale(depthwise.pool(*given, stride), by_torch(*given, stride))


@pytest.mark.parametrize(("side", "stride"), [(16, 4), (16, 8), (16, 16), (32, 16), (9, 3)])
def test_only_the_tokens_that_pooling_looks_at(side: int, stride: int) -> None:
    tokens, weight = given = tokens_and_weight(2, side, side)
    near = depthwise.neighbourhoods(tokens, stride)
    assert near.shape[2:4] == (3 * side // stride,) * 2
    ours = depthwise.pool_apart(depthwise.without_border(near), weight)
    assert_alike(
        gradients_of(ours, list(given)), gradients_of(by_torch(*given, stride), list(given))
    )


@pytest.mark.parametrize("stride", [(1, 2, 2), (2, 1, 1)])
@pytest.mark.parametrize("grid", [(4, 4, 4), (1, 2, 3)])
def test_spreading(grid: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
    tokens, weight = given = tokens_and_weight(*grid)
    theirs = F.conv_transpose3d(
        tokens.permute(0, 4, 1, 2, 3), weight, stride=stride, padding=1,
        output_padding=[s - 1 for s in stride], groups=6,
    ).permute(0, 2, 3, 4, 1)  # fmt: skip
    assert_alike(
        gradients_of(depthwise.spread(*given, stride), list(given)),
        gradients_of(theirs, list(given)),
    )
    with torch.no_grad():
        assert_gradient_close(depthwise.spread(*given, stride), theirs)


@pytest.mark.parametrize("stride", [1, 2])
def test_under_autocast_as_in_32_bits(stride: int) -> None:
    """In 16 bits gradients of the weights would hold what was in memory before."""
    tokens, weight = given = tokens_and_weight(2, 16, 16)
    exact = gradients_of(depthwise.pool(*given, stride), list(given))
    for _ in range(3):
        unclean = [torch.full((n,), torch.nan) for n in (64, 1024, 4096, 16384, 65536)]
        del unclean
        with torch.autocast("cpu", torch.bfloat16):
            result = depthwise.pool(tokens, weight, stride)
        assert_alike(gradients_of(result, list(given)), exact)
    with torch.autocast("cpu", torch.bfloat16):
        short = depthwise.pool(tokens.bfloat16(), weight, stride)
    assert short.dtype == torch.float32
    assert float((short - exact[0]).detach().abs().max()) < 0.1
