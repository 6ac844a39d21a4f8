"""A step of training as published; numbers of `golden/lam_n2.npz` and `golden/ttm_n2_d12.npz`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyeline.errors import DataError
from eyeline.systems.ego_social.loss import weighted_cross_entropy
from eyeline.systems.ego_social.model import lam_lstm
from eyeline.systems.ego_social.recipe import (
    LOOKING_WEIGHTS,
    TALKING_WEIGHTS,
    Recipe,
    read_recipe,
)
from eyeline.systems.ego_social.step import Step, mirrored, optimizers
from eyeline.systems.ego_social.ttm_model import ttm
from eyeline.training import loop
from eyeline.training.devices import Devices
from eyeline.training.loop import Run, StepLoss
from tests.closeness import assert_close_to_scale
from tests.systems.ego_social.invented import (
    LAM,
    TTM,
    assert_gradients,
    audio,
    blocky,
    filled,
    golden,
)
from tests.systems.ego_social.taught import plan

pytestmark = pytest.mark.usefixtures("one_thread")

CLIP = {"clip": torch.randn(3, 7, 3, 32, 32), "label": torch.tensor([0, 1, 1])}


def losses(plan: Recipe, net: nn.Module, batch: dict[str, Tensor], steps: int) -> list[float]:
    """By the training loop itself."""
    known: list[float] = []
    step = Step(plan)

    def watched(module: nn.Module, given: dict[str, Tensor]) -> StepLoss:
        result = step(module, given)
        known.append(float(result.total.detach()))
        return result

    created = Run(net, optimizers(plan, net), watched, lambda _: iter([batch] * steps), epochs=1)
    loop.fit(created, Devices().fabric())
    return known


def test_looking_at_me_as_published() -> None:
    """The first loss, all gradients, what Adam makes of two biases, and the next loss."""
    file, net = golden("lam_n2"), filled(lam_lstm(), LAM)
    batch = {"clip": blocky("lam_n2", 2, 7, 3), "label": torch.from_numpy(file["targets"])}
    wanted = file["train.losses"]
    result = losses(read_recipe("lam"), net, batch, 1)
    assert result[0] == pytest.approx(wanted[0], abs=1e-5)
    assert_gradients(net, file, 2e-3)
    for ours, theirs in (("head.1", "last_layer2"), ("encoder.project.2", "fc2")):
        moved = net.get_parameter(f"{ours}.bias").detach()
        np.testing.assert_allclose(moved, file[f"train.step1.{theirs}.bias"], rtol=0, atol=1e-5)
    after = Step(read_recipe("lam"))(net.train(), batch)
    assert float(after.total.detach()) == pytest.approx(wanted[1], rel=2e-4)


def test_talking_to_me_as_published() -> None:
    file, net = golden("ttm_n2_d12"), filled(ttm(), TTM)
    batch = {
        "clip": blocky("ttm_n2_d12/video", 2, 12, 3),
        "audio": audio("ttm_n2_d12/audio", 2, 5866),
        "label": torch.from_numpy(file["targets"]),
    }
    result = losses(read_recipe("ttm"), net, batch, 1)
    assert result[0] == pytest.approx(file["train.losses"][0], abs=1e-5)
    assert_gradients(net, file, 5e-3)


def test_the_loss_is_the_benchmarks_and_accuracy_is_reported() -> None:
    net = read_recipe("ttm", ["model.width=4", "model.memory=4", "model.voice_width=4"]).network()
    batch = CLIP | {"audio": torch.randn(3, 3200)}
    result = Step(read_recipe("ttm"))(net.eval(), batch)
    logits = net(batch["clip"], batch["audio"])
    wanted = weighted_cross_entropy(logits, batch["label"], weights=TALKING_WEIGHTS)
    assert_close_to_scale(result.total, wanted)
    right = (logits.argmax(1) == batch["label"]).float().mean()
    assert result.parts == {"accuracy": pytest.approx(float(right))}


def test_frozen_statistics_stay() -> None:
    created = plan("lam", "training.statistics=frozen")
    net = created.network()
    before = {k: b.clone() for k, b in net.named_buffers()}
    losses(created, net, CLIP, 2)
    assert all(torch.equal(b, before[k]) for k, b in net.named_buffers())


def test_mirrors() -> None:
    clip = torch.arange(64.0).reshape(64, 1, 1, 1, 1) * torch.tensor([1.0, 2.0])
    torch.manual_seed(0)
    result = mirrored(clip)
    turned = (result[1:, ..., 0] > result[1:, ..., 1]).flatten()
    assert 15 < int(turned.sum()) < 48, "about half"
    torch.testing.assert_close(result[1:][turned], clip[1:][turned].flip(-1))
    torch.testing.assert_close(result[1:][~turned], clip[1:][~turned])


def test_a_mirrored_step_differs() -> None:
    net = plan("lam").network().eval()
    torch.manual_seed(3)
    plain, turned = (Step(plan("lam", *c))(net, CLIP) for c in ([], ["training.flip=true"]))
    assert float(plain.total.detach()) != pytest.approx(float(turned.total.detach()), abs=1e-6)


@pytest.mark.parametrize("weights", [LOOKING_WEIGHTS, TALKING_WEIGHTS])
@pytest.mark.parametrize("labels", [[1], [0, 0, 0], [0, 1, 1, 0, 1]])
def test_mean_by_weights(weights: tuple[float, float], labels: list[int]) -> None:
    logits = np.random.default_rng(len(labels)).standard_normal((len(labels), 2))
    fractions = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    each = np.array([weights[y] for y in labels])
    likelihood = np.log(fractions[np.arange(len(labels)), labels])
    result = weighted_cross_entropy(torch.from_numpy(logits), torch.tensor(labels), weights=weights)
    assert float(result) == pytest.approx(-(each * likelihood).sum() / each.sum())


def test_other_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="logits"):
        weighted_cross_entropy(torch.zeros(3, 3), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(DataError, match=r"label .* should be 3, is 2"):
        weighted_cross_entropy(torch.zeros(3, 2), torch.zeros(2, dtype=torch.int64))
