"""Parity numbers: outputs of the original classes for weights and inputs drawn by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyeline.errors import DataError
from eyeline.speech.mfcc import mfcc
from eyeline.speech.syncnet.features import OverTime
from eyeline.speech.syncnet.model import SyncNet, syncnet

from .conftest import Golden, random_of

TOLERANCE = 1e-4
"""Relative to the largest value."""


@pytest.fixture(scope="module")
def clips() -> Tensor:
    values = random_of("input:vgs_lip_vis").integers(0, 256, (2, 3, 5, 224, 224))
    return torch.from_numpy(values.astype(np.float32))


@pytest.fixture(scope="module")
def windows() -> Tensor:
    values = random_of("input:vgs_aud_vis").standard_normal((3, 1, 13, 20)) * 10
    return torch.from_numpy(values.astype(np.float32))


def assert_near(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def stages(encoder: nn.Sequential, given: Tensor) -> np.ndarray:
    """Mean and deviation after each layer."""
    known = []
    with torch.inference_mode():
        for layer in encoder:
            given = layer(given)
            known.append((float(given.mean()), float(given.std())))
    return np.array(known)


def test_size_is_the_published_one(published: SyncNet) -> None:
    assert sum(value.numel() for value in published.parameters()) == 13_631_616


@pytest.mark.parametrize("kind", ["lip", "aud"])
def test_encoders(
    published: SyncNet, clips: Tensor, windows: Tensor, golden: Golden, kind: str
) -> None:
    wanted = golden("syncnet")
    encoder, given = (published.lips, clips) if kind == "lip" else (published.sound, windows)
    assert_near(stages(encoder.convolutions, given), wanted[f"{kind}_stage_stat"])
    with torch.inference_mode():
        top = encoder.convolutions(given).flatten(1)
        assert_near(top.numpy(), wanted[f"{kind}_feat512"])
        assert_near(encoder(given).numpy(), wanted[f"{kind}_out"])


def test_over_time_gives_the_golden_numbers(
    published: SyncNet, clips: Tensor, golden: Golden
) -> None:
    quick = OverTime(published)
    for clip, wanted in zip(clips, golden("syncnet")["lip_out"], strict=True):
        assert_near(quick.lips(clip.permute(1, 2, 3, 0).to(torch.uint8).numpy())[0], wanted)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_over_time_is_clip_by_clip(every: int) -> None:
    net = syncnet(narrower=32, features=8).eval()
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (30, 224, 224, 3), np.uint8)
    rows = rng.standard_normal((4 * 25 + 16, 13)).astype(np.float32)
    clips = np.stack([faces[i : i + 5].transpose(3, 0, 1, 2) for i in range(0, 26, every)])
    windows = np.stack([rows[4 * i : 4 * i + 20].T[None] for i in range(25)])
    with torch.inference_mode():
        lips, audio = net(torch.from_numpy(clips).float(), torch.from_numpy(windows))
    quick = OverTime(net)
    assert_near(quick.lips(faces, every=every), lips.numpy())
    assert_near(quick.sound(rows), audio.numpy())
    assert quick.lips(faces[:4]).shape == (0, 8) and quick.sound(rows[:19]).shape == (0, 8)


def test_half_precision_moves_little_and_leaves_the_network_alone() -> None:
    net = syncnet(narrower=32, features=8).eval()
    faces = np.random.default_rng(0).integers(0, 256, (6, 224, 224, 3), np.uint8)
    whole = OverTime(net).lips(faces)
    half = OverTime(net, precision="bfloat16").lips(faces)
    assert 0 < np.abs(half - whole).max() < 0.05 * np.abs(whole).max()
    assert {value.dtype for value in net.parameters()} == {torch.float32}
    np.testing.assert_array_equal(OverTime(net).lips(faces), whole)


def test_coefficients(golden: Golden) -> None:
    wanted = golden("syncnet")
    result = mfcc(wanted["mfcc_wav"].astype(np.float32) / 32768)
    np.testing.assert_allclose(result, wanted["mfcc_out"], atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 3, 4, 224, 224), (1, 1, 5, 224, 224), (1, 3, 5, 112, 112)])
def test_other_clips_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="clips"):
        syncnet(narrower=32, features=8)(torch.zeros(shape), torch.zeros(1, 1, 13, 20))
