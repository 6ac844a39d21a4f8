"""The rotation between two directions, also where the published one gives no number."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.systems.gaze_3d.rotation import rotation_between
from tests.systems.gaze_3d.conftest import Golden

CAMERA = [0.0, 0.0, -1.0]


def test_against_the_original(golden: Golden) -> None:
    file = golden("rotation")
    pairs = torch.from_numpy(file["vec1"]), torch.from_numpy(file["vec2"])
    ours = rotation_between(*pairs)
    without = np.isnan(file["R"]).any((1, 2))
    assert list(np.flatnonzero(without)) == [2, 3]
    np.testing.assert_allclose(ours.numpy()[~without], file["R"][~without], atol=1e-5)
    assert bool(ours.isfinite().all())
    turned = (ours @ pairs[0][..., None])[..., 0]
    torch.testing.assert_close(turned, pairs[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (CAMERA, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        ([0.0, 0.0, 1.0], [[1, 0, 0], [0, -1, 0], [0, 0, -1]]),
    ],
)
def test_along_the_optical_axis(start: list[float], expected: list[list[float]]) -> None:
    result = rotation_between(torch.tensor(start), torch.tensor(CAMERA))
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float32))


def directions(count: int = 500) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(count, 3, generator=generator)
    close = torch.tensor(CAMERA) + 1e-3 * torch.randn(count, 3, generator=generator)
    nearer = torch.tensor(CAMERA) + 1e-7 * torch.randn(count, 3, generator=generator)
    return torch.nn.functional.normalize(torch.cat([spread, close, nearer, -close, -nearer]), dim=1)


def test_every_direction_gives_a_rotation_with_a_gradient() -> None:
    start = directions().requires_grad_()
    end = torch.tensor(CAMERA).expand_as(start)
    result = rotation_between(start, end)
    identity = torch.eye(3).expand_as(result)
    torch.testing.assert_close(result @ result.mT, identity, atol=5e-6, rtol=0)
    torch.testing.assert_close(torch.linalg.det(result), torch.ones(len(result)), atol=5e-6, rtol=0)
    torch.testing.assert_close((result @ start[..., None])[..., 0], end, atol=5e-6, rtol=0)
    result.sum().backward()
    assert start.grad is not None and bool(start.grad.isfinite().all())


def test_opposite_pairs_along_any_axis() -> None:
    start = torch.cat([torch.eye(3), -torch.eye(3)])
    result = rotation_between(start, -start)
    torch.testing.assert_close((result @ start[..., None])[..., 0], -start)
    torch.testing.assert_close(torch.linalg.det(result), torch.ones(6))


def test_no_directions() -> None:
    assert rotation_between(torch.zeros(0, 3), torch.zeros(0, 3)).shape == (0, 3, 3)
