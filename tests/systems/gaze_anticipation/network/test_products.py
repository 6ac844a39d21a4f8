"""Products by oneDNN are torch's, in every layout that is used; gradients are torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyeline.systems.gaze_anticipation.network import products
from eyeline.systems.gaze_anticipation.network.attend import attend
from eyeline.systems.gaze_anticipation.network.feed_forward import Layers, feed_forward
from eyeline.systems.gaze_anticipation.network.products import is_quick, linear, stretches
from tests.closeness import assert_close_to_scale


def gradients_of(found: Tensor, given: list[Tensor]) -> list[Tensor]:
    pattern = torch.linspace(-1, 1, found.numel()).view_as(found)
    return [found, *torch.autograd.grad((found * pattern).sum(), given)]


def assert_alike(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for a, b in zip((x.detach() for x in ours), (x.detach() for x in theirs), strict=True):
        assert_close_to_scale(a, b, 1e-4)


@pytest.mark.parametrize("shape", [(1, 8), (5, 8), (2, 3, 4, 8)])
@pytest.mark.parametrize("biased", [True, False])
def test_linear(shape: tuple[int, ...], biased: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape, requires_grad=True)
    whole = torch.randn(12, 8, requires_grad=True)
    bias = torch.randn(12, requires_grad=True) if biased else None
    given = [x, whole, *([bias] if bias is not None else [])]
    for weight, b in ((whole, bias), (whole[4:], None if bias is None else bias[4:])):
        assert_alike(
            gradients_of(linear(x, weight, b), given), gradients_of(F.linear(x, weight, b), given)
        )
        with torch.no_grad():
            assert_close_to_scale(linear(x, weight, b), F.linear(x, weight, b))


def test_linear_of_tokens_that_lie_apart() -> None:
    torch.manual_seed(1)
    wide = torch.randn(2, 6, 10)
    for x in (wide[..., :8], wide[:, ::2, 2:], wide.transpose(0, 1)[..., 1:9]):
        weight = torch.randn(5, x.shape[-1])
        with torch.no_grad():
            assert_close_to_scale(linear(x, weight), F.linear(x, weight))


def test_what_is_left_to_torch() -> None:
    x = torch.ones(2, 2)
    assert not is_quick(x)  # gradients are wanted
    with torch.no_grad():
        assert not is_quick(x.double()) and not is_quick(x.to("meta"))
        with torch.autocast("cpu", torch.bfloat16):
            assert not is_quick(x)
            assert linear(x, torch.eye(2)).dtype == torch.bfloat16
        assert linear(x.double(), torch.eye(2).double()).dtype == torch.float64


@pytest.mark.parametrize(("rows", "width"), [(0, 5), (1, 5), (5000, 1000), (100, 1 << 22)])
def test_stretches_are_all_rows_once(rows: int, width: int) -> None:
    found = [i for part in stretches(rows, width) for i in range(part.start, part.stop)]
    assert found == list(range(rows))
    assert all(part.stop - part.start <= max(64, (1 << 20) / width) for part in
               stretches(rows, width))  # fmt: skip


@pytest.mark.parametrize(("asking", "asked"), [(300, 256), (1500, 1024), (7, 5)])
def test_attention(asking: int, asked: int) -> None:
    torch.manual_seed(2)
    query = torch.randn(2, asking, 3, 8, requires_grad=True)
    # as they come from the network: halves of one tensor
    both = torch.randn(2, asked, 6, 8, requires_grad=True)
    key, value = both.split(3, dim=2)
    heads = (x.transpose(1, 2) for x in (query, key, value))
    theirs = F.scaled_dot_product_attention(*heads).transpose(1, 2)
    ours = attend(query, key, value)
    assert_alike(gradients_of(ours, [query, both]), gradients_of(theirs, [query, both]))
    with torch.no_grad():
        assert_close_to_scale(attend(query, key, value), theirs)


@pytest.mark.parametrize("width_out", [8, 12])
@pytest.mark.parametrize("factor", [None, [0.0, 1.25, 1.25]])
def test_second_half_of_a_block(
    width_out: int, factor: list[float] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_CELLS", 64 * 32)  # several stretches
    torch.manual_seed(3)
    beside = nn.Linear(8, width_out) if width_out != 8 else None
    layers = Layers(nn.LayerNorm(8, 1e-6), nn.Linear(8, 32), nn.Linear(32, width_out), beside)
    nn.init.normal_(layers.norm.weight)
    x = torch.randn(3, 2, 50, 8, requires_grad=True)
    given = [x, *(p for layer in layers if layer is not None for p in layer.parameters())]
    gain = None if factor is None else torch.tensor(factor)
    normed = layers.norm(x)
    inner = layers.second(F.gelu(layers.first(normed)))
    shortcut = x if beside is None else beside(normed)
    theirs = shortcut + (inner if gain is None else inner * gain.view(3, 1, 1, 1))
    ours = feed_forward(x, layers, gain)
    assert_alike(gradients_of(ours, given), gradients_of(theirs, given))
    with torch.no_grad():
        assert_close_to_scale(feed_forward(x, layers, gain), theirs)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        near = feed_forward(x, layers, gain)
    assert float((near.float() - theirs.detach()).abs().max()) < 0.1
