"""Losses as the original computes them; numbers of `golden/`, made by the original code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_3d.loss import concentration_loss, cosine_loss, losses
from eyeline.systems.gaze_3d.weights import our_name
from tests.closeness import assert_gradient_close
from tests.systems.gaze_3d.conftest import Golden
from tests.systems.gaze_3d.invented import inputs, labels, network

pytestmark = pytest.mark.usefixtures("one_thread")

CASES = [f"c{case}_{axes}" for case in range(3) for axes in ("3d", "2d")]


def given(file: dict[str, Any], case: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    start, axes = case.split("_")
    direction = torch.from_numpy(file[f"{start}_mu"]).requires_grad_()
    concentration = torch.from_numpy(file[f"{start}_kappa"])[..., 0].requires_grad_()
    return direction, concentration, torch.from_numpy(file[f"{start}_y{axes[0]}"])


@pytest.mark.parametrize("case", CASES)
def test_directions_as_published(golden: Golden, case: str) -> None:
    file = golden("loss")
    direction, _, label = given(file, case)
    loss = cosine_loss(direction, label)
    loss.backward()
    np.testing.assert_allclose(loss.item(), file[f"{case}_cos_loss"], rtol=1e-5)
    assert_gradient_close(direction.grad, file[f"{case}_grad_mu"])


@pytest.mark.parametrize("case", CASES)
def test_concentrations_as_published(golden: Golden, case: str) -> None:
    file = golden("loss")
    direction, concentration, label = given(file, case)
    loss = concentration_loss(direction, concentration, label, kind="published")
    loss.backward()
    np.testing.assert_allclose(loss.item(), file[f"{case}_kappa_loss"], rtol=1e-5)
    assert concentration.grad is not None and direction.grad is None
    wanted = file[f"{case}_grad_kappa"][..., 0]
    # the file's own rounding for concentrations below 0.02; ours is nearer to the exact gradient
    np.testing.assert_allclose(concentration.grad, wanted, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_concentrations_by_their_own_frames(golden: Golden, case: str) -> None:
    file = golden("loss")
    loss = concentration_loss(*given(file, case))
    wanted = file[f"{case}_fixed_kappa_loss_per_item"]
    np.testing.assert_allclose(loss.item(), wanted, rtol=1e-5)


def test_what_each_kind_draws_concentrations_to() -> None:
    """One frame is right, one is off: each its own value, or both the same."""
    direction = torch.tensor([[0.0, 0.0, -1.0], [0.0, 0.0, -1.0]])
    label = torch.tensor([[0.0, 0.1, -0.995], [0.8, 0.0, -0.6]])
    result = {}
    for kind in ("per_item", "published"):
        logs = torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.Adam([logs], 0.05)
        for _ in range(600):
            optimizer.zero_grad()
            concentration_loss(direction, logs.exp(), label, kind=kind).backward()  # type: ignore[arg-type]
            optimizer.step()
        result[kind] = logs.exp().tolist()
    assert result["per_item"][0] > 20 * result["per_item"][1]
    assert result["published"][0] == pytest.approx(result["published"][1], rel=1e-2)
    together = result["published"][0]
    mean = (0.995 + 0.6) / 2
    assert 1 / np.tanh(together) - 1 / together == pytest.approx(mean, abs=2e-3)


def test_tiny_and_huge_concentrations_give_numbers() -> None:
    concentration = torch.tensor([1e-6, 1e-3, 1.0, 1e4, 1e8], requires_grad=True)
    direction = torch.tensor([[0.0, 0.0, -1.0]]).repeat(5, 1)
    loss = concentration_loss(direction, concentration, direction)
    loss.backward()
    assert bool(loss.isfinite()) and concentration.grad is not None
    assert bool(concentration.grad.isfinite().all())


def test_no_gradient_beyond_a_cosine_of_one() -> None:
    direction = torch.tensor([[0.0, 0.0, 1.2], [0.0, 0.6, 0.8]], requires_grad=True)
    cosine_loss(direction, torch.tensor([[0.0, 0.0, 1.0]] * 2)).backward()
    assert direction.grad is not None
    assert direction.grad.tolist() == [[0, 0, 0], [0, 0, -0.5]]


def test_wrong_words_and_shapes_are_refused() -> None:
    direction = torch.ones(2, 3)
    with pytest.raises(UsageError, match="per_item, published"):
        concentration_loss(direction, torch.ones(2), direction, kind="other")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="labels"):
        cosine_loss(direction, torch.ones(4, 3))


@pytest.mark.parametrize("kind", ["cos", "kappa"])
def test_gradients_through_the_network(golden: Golden, kind: str) -> None:
    file, net = golden("grad_b2_f7"), network()
    result = net(*inputs("grad_b2_f7", 2, 7), recurrence="original")
    label = labels("grad_b2_f7", 2, 7)
    parts = losses(result, label, kind=None if kind == "cos" else "published")
    total = torch.stack([*parts.values()]).mean()
    values = [parts[p].item() for p in ("head", "body", "gaze")]
    wanted = file[f"{kind}_loss_head_body_gaze_total"]
    np.testing.assert_allclose([*values, total.item()], wanted, rtol=1e-4)
    total.backward()
    parameters = dict(net.named_parameters())
    norms = []
    for name in file[f"{kind}_grad_names"]:
        gradient = parameters[our_name(str(name))].grad
        assert gradient is not None, name
        norms.append(float(gradient.norm()))
    np.testing.assert_allclose(norms, file[f"{kind}_grad_norms"], rtol=3e-4, atol=1e-7)
