"""The network for talking to me answers as the original; numbers of `golden/ttm_n2_d12.npz`."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.ego_social.loss import weighted_cross_entropy
from eyeline.systems.ego_social.recipe import TALKING_WEIGHTS
from eyeline.systems.ego_social.ttm_model import TalkingToMe, VoiceEncoder, ttm
from tests.closeness import assert_close_to_scale, assert_gradient_close
from tests.systems.ego_social.invented import (
    TTM,
    Array,
    assert_gradients,
    assert_seen,
    audio,
    blocky,
    filled,
    golden,
    keys,
    statistics,
    their_tensors,
    thinned,
    watched,
)

SEEN = {
    "video_encoder": "encoder",
    "lstm": "memory",
    "audio_encoder.instancenorm": "voice.front_end",
    "audio_encoder.conv1": "voice.conv",
    "audio_encoder.bn1": "voice.norm",
    **{f"audio_encoder.layer{i}": f"voice.layer{i}" for i in range(1, 5)},
    "audio_encoder": "voice",
    "last_layer1": "head.0",
}
CLOSE = 2e-5


@pytest.fixture(scope="module")
def file() -> dict[str, Array]:
    return golden("ttm_n2_d12")


@pytest.fixture(scope="module")
def given() -> tuple[torch.Tensor, torch.Tensor]:
    return blocky("ttm_n2_d12/video", 2, 12, 3), audio("ttm_n2_d12/audio", 2, 5866)


def test_the_invented_numbers_are_those_of_the_golden_file(
    file: dict[str, Array], given: tuple[torch.Tensor, torch.Tensor]
) -> None:
    tensors = their_tensors(TTM)
    for name, first in zip(file["check.weight.names"], file["check.weight.first2"], strict=True):
        np.testing.assert_array_equal(tensors[str(name)].numpy().ravel()[:2], first)
    for value, name in zip(given, ("x", "a"), strict=True):
        np.testing.assert_array_equal(value.numpy().ravel()[:8], file[f"check.input.{name}.first8"])
        wanted = file[f"check.input.{name}.stat"]
        assert_close_to_scale(statistics(value)[:2], wanted, 1e-6)


def test_layer_by_layer(file: dict[str, Array], given: tuple[torch.Tensor, torch.Tensor]) -> None:
    net = cast(TalkingToMe, filled(ttm(), TTM))
    seen = watched(net, SEEN)
    with torch.no_grad():
        logits = net(*given)
    np.testing.assert_allclose(logits, file["logits"], rtol=0, atol=CLOSE)
    np.testing.assert_allclose(logits.softmax(1), file["prob"], rtol=0, atol=CLOSE)
    norm = seen.pop("audio_encoder.instancenorm")
    wanted = file["act.audio_encoder.instancenorm"]
    np.testing.assert_allclose(norm, wanted, rtol=0, atol=5e-4)
    assert assert_seen(seen, file) > 20_000
    loss = weighted_cross_entropy(
        logits, torch.from_numpy(file["targets"]), weights=TALKING_WEIGHTS
    )
    assert float(loss) == pytest.approx(float(file["eval.loss"]), abs=1e-6)


def test_attention_over_time(
    file: dict[str, Array], given: tuple[torch.Tensor, torch.Tensor]
) -> None:
    net = cast(TalkingToMe, filled(ttm(), TTM))
    voice = cast(VoiceEncoder, net.voice)
    seen = watched(net, {"layer4": "voice.layer4", "attention": "voice.attention"})
    with torch.no_grad():
        net.hear(given[1])
        pooled = voice.pooled(seen["layer4"].flatten(1, 2))
        fraction = seen["attention"].softmax(dim=2)
    assert_close_to_scale(thinned(pooled), file["act.asp.sub"], 5e-5)
    wanted = file["act.audio_encoder.attention.sub"]
    assert_close_to_scale(thinned(fraction), wanted, 5e-5)


def test_one_step_of_training(
    file: dict[str, Array], given: tuple[torch.Tensor, torch.Tensor]
) -> None:
    net = cast(TalkingToMe, filled(ttm(), TTM).train())
    logits = net(*given)
    loss = weighted_cross_entropy(
        logits, torch.from_numpy(file["targets"]), weights=TALKING_WEIGHTS
    )
    np.testing.assert_allclose(logits.detach(), file["train.logits"], rtol=0, atol=CLOSE)
    assert float(loss.detach()) == pytest.approx(float(file["train.losses"][0]), abs=1e-5)
    loss.backward()
    assert_gradients(net, file, 5e-3)
    first = net.get_parameter("voice.conv.weight").grad
    assert first is not None
    assert_gradient_close(first, file["train.grad.audio_conv1.weight"], 5e-3)
    mean = net.get_buffer("voice.attention.2.running_mean")
    np.testing.assert_allclose(mean, file["train.att_bn.running_mean"], rtol=0, atol=CLOSE)


def test_parameters() -> None:
    assert sum(p.numel() for p in ttm().parameters()) == keys()[TTM]["parameters"]


def test_any_length() -> None:
    net = ttm(width=4, memory=8, voice_width=4).eval()
    with torch.no_grad():
        for frames, samples in ((1, 257), (2, 533), (20, 10_133)):
            result = net(torch.randn(1, frames, 3, 32, 32), torch.randn(1, samples))
            assert result.shape == (1, 2) and bool(result.isfinite().all())


def test_silence_gives_numbers() -> None:
    net = ttm(width=4, memory=8, voice_width=4)
    logits = net(torch.zeros(2, 3, 3, 32, 32), torch.zeros(2, 1600))
    logits.sum().backward()
    gradients = [p.grad for p in net.parameters()]
    assert bool(logits.isfinite().all())
    assert all(g is not None and bool(g.isfinite().all()) for g in gradients)


def test_each_of_a_batch_alone() -> None:
    net = ttm(width=4, memory=8, voice_width=4).eval()
    clip, heard = torch.randn(2, 5, 3, 32, 32), torch.randn(2, 2000)
    with torch.no_grad():
        together = net(clip, heard)
        alone = torch.cat([net(clip[i : i + 1], heard[i : i + 1]) for i in range(2)])
    assert_close_to_scale(alone, together, 1e-4)


def test_other_shapes_are_refused() -> None:
    net = ttm(width=4, memory=8, voice_width=4)
    with pytest.raises(DataError, match="clip has 4 axes"):
        net(torch.zeros(5, 3, 32, 32), torch.zeros(1, 2000))
    with pytest.raises(DataError, match=r"audio has shape .* axis 'batch' .* should be 1, is 2"):
        net(torch.zeros(1, 5, 3, 32, 32), torch.zeros(2, 2000))
    with pytest.raises(DataError, match="audio has 256 samples; expected 257 or more"):
        net(torch.zeros(1, 5, 3, 32, 32), torch.zeros(1, 256))
    with pytest.raises(DataError, match="voice_width is 0"):
        ttm(voice_width=0)
