"""MS-TCN++ against the original code's numbers, and at lengths that it never saw."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyeline.errors import DataError, UsageError
from eyeline.systems.eye_contact.loss import cross_entropy, segmentation_loss, step_loss
from eyeline.systems.eye_contact.xgaze.model import Dropout, MsTcn2, ms_tcn2
from tests.systems.eye_contact.conftest import GOLDEN
from tests.systems.eye_contact.xgaze.invented import filled, random_of

Golden = Callable[[str], dict[str, Any]]
NAMES = ["mstcn_small_T128", "mstcn_std_T300"]


def built(sizes: list[int]) -> MsTcn2:
    names = (
        "layers_prediction", "layers_refinement", "refinements", "maps", "features", "classes"
    )  # fmt: skip
    return ms_tcn2(**dict(zip(names, sizes, strict=True)))


def given(name: str, expected: dict[str, Any]) -> Tensor:
    shape = (1, int(expected["cfg"][4]), int(expected["T"]))
    features = 0.5 * np.abs(random_of(f"input:{name}").standard_normal(shape))
    assert np.array_equal(features[0, :4, :4].astype(np.float32), expected["x_head"])
    return torch.from_numpy(features.astype(np.float32))


@contextmanager
def watched(**modules: tuple[nn.Module, bool]) -> Iterator[dict[str, Tensor]]:
    """What goes out of, or (True) into, some modules."""
    seen: dict[str, Tensor] = {}

    def keep(name: str, into: bool) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda _, inputs, output: seen.update({name: inputs[0] if into else output})

    hooks = [m.register_forward_hook(keep(name, into)) for name, (m, into) in modules.items()]
    yield seen
    for hook in hooks:
        hook.remove()


def test_keys_and_shapes_are_those_of_the_authors() -> None:
    keys = json.loads((GOLDEN / "keys.json").read_text())["ms_tcn2_11_10_4_64_2048_2"]
    state = ms_tcn2().state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == keys
    assert len(state) == 246 and sum(v.numel() for v in state.values()) == 1_155_594


@pytest.mark.parametrize("name", NAMES)
def test_logits_and_layers(golden: Golden, name: str) -> None:
    expected = golden(name)
    network = filled(built(expected["cfg"].tolist()))
    watch = watched(
        act_pg_in=(network.PG.conv_1x1_in, False),
        act_pg_fusion0=(network.PG.conv_fusion[0], False),
        act_pg_last=(network.PG.conv_out, True), act_r0_last=(network.Rs[0].layers[-1], False),
    )  # fmt: skip
    with torch.inference_mode(), watch as seen:
        logits = network(given(name, expected)).numpy()
    assert logits == pytest.approx(expected["out"], abs=2e-4)
    assert np.array_equal(logits[-1].argmax(1), expected["pred_last"])
    for layer, value in seen.items():
        assert value[0].T[::8, ::16].numpy() == pytest.approx(expected[layer], abs=2e-4), layer
        statistics = [value.mean(), value.std(), value.abs().max()]
        assert np.array(statistics) == pytest.approx(expected[f"{layer}_stat"], rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients(golden: Golden, name: str) -> None:
    expected = golden(name)
    network = filled(built(expected["cfg"].tolist()))
    label = torch.from_numpy(expected["labels"].astype(np.int64))
    logits = network(given(name, expected))
    mask = torch.ones(label.shape)
    for stage, (entropy, step) in enumerate(zip(expected["ce"], expected["tmse"], strict=True)):
        assert cross_entropy(logits[stage], label).item() == pytest.approx(entropy, rel=1e-5)
        assert step_loss(logits[stage], mask).item() == pytest.approx(step, rel=1e-5)
    harsh = segmentation_loss(logits, label, smoothing=0.3)
    assert harsh.item() == pytest.approx(expected["loss030"], rel=1e-5)
    loss = segmentation_loss(logits, label)
    assert loss.item() == pytest.approx(expected["loss015"], rel=1e-5)
    loss.backward()
    gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    for key, norm in zip(expected["grad_names"], expected["grad_norms"], strict=True):
        assert gradients[str(key)].norm().item() == pytest.approx(norm, rel=1e-3), key
    total = sum(g.square().sum().item() for g in gradients.values()) ** 0.5
    assert total == pytest.approx(expected["grad_total"], rel=1e-3)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_five_steps_of_adam(golden: Golden, name: str, fused: bool) -> None:
    expected = golden(name)
    network = filled(built(expected["cfg"].tolist()), float(expected["adam_weight_scale"]))
    features, label = given(name, expected), torch.from_numpy(expected["labels"].astype(np.int64))
    optimizer = torch.optim.Adam(network.parameters(), 5e-4, fused=fused)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = segmentation_loss(network(features), label)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    assert losses == pytest.approx(expected["adam_losses"].tolist(), rel=1e-5)


@pytest.mark.parametrize("time", [1, 2, 101, 6560])
def test_any_length(temporal: MsTcn2, time: int) -> None:
    """101 frames are fewer than the widest layers reach."""
    with torch.inference_mode():
        logits = temporal(torch.rand(1, 2048, time))
    assert logits.shape == (5, 1, 2, time) and torch.isfinite(logits).all()


def test_evaluation_is_deterministic_and_training_is_not() -> None:
    network = filled(built([4, 3, 2, 16, 32, 2]))
    features = torch.rand(1, 32, 150)
    with torch.inference_mode():
        assert torch.equal(network(features), network(features))
        network.train()
        assert not torch.equal(network(features), network(features))


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5])
def test_dropout_leaves_out_a_fraction_and_keeps_the_mean(fraction: float) -> None:
    torch.manual_seed(0)
    layer, ones = Dropout(fraction), torch.ones(3, 501, 67, requires_grad=True)
    left = layer(ones)
    assert (left == 0).float().mean().item() == pytest.approx(fraction, abs=0.01)
    kept = left[left != 0]
    assert torch.equal(kept, torch.full_like(kept, 1 / (1 - fraction)))
    left.sum().backward()
    assert ones.grad is not None and torch.equal(ones.grad, left.detach())
    assert torch.equal(layer.eval()(ones), ones)


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_a_fraction_that_cannot_be(fraction: float) -> None:
    with pytest.raises(UsageError, match="dropout"):
        ms_tcn2(dropout=fraction)


def test_dropout_draws_anew_and_follows_the_seed_and_sequences_of_a_batch_do_not_meet() -> None:
    layer, ones = Dropout(0.5), torch.ones(1, 100, 64)
    torch.manual_seed(3)
    first, second = layer(ones), layer(ones)
    torch.manual_seed(3)
    assert torch.equal(layer(ones), first) and not torch.equal(first, second)
    assert abs(np.corrcoef(first[0, 1:].flatten(), first[0, :-1].flatten())[0, 1]) < 0.05
    network = filled(built([4, 3, 2, 16, 32, 2]))
    features = torch.rand(3, 32, 90)
    with torch.inference_mode():
        together = network(features)
        for i in range(3):
            assert torch.allclose(together[:, i], network(features[i : i + 1])[:, 0], atol=1e-5)


def test_answers_depend_on_frames_within_reach_only() -> None:
    network = filled(built([3, 3, 1, 16, 32, 2]))
    assert network.reach == (4 + 2 + 4) + 7
    features = torch.rand(1, 32, 101)
    changed = features.clone()
    changed[:, :, 50] += 1
    with torch.inference_mode():
        apart = (network(features) != network(changed)).any(dim=(0))[0].any(dim=0)
    (where,) = np.nonzero(apart.numpy())
    assert where.min() == 50 - network.reach and where.max() == 50 + network.reach


def test_the_published_reach_and_other_shapes_are_refused(temporal: MsTcn2) -> None:
    assert temporal.reach == 8092
    with pytest.raises(DataError, match="features"):
        temporal(torch.zeros(1, 512, 100))
