"""The front end of audio gives the original's numbers, `golden/ttm_audio_frontend.npz`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.systems.ego_social.log_mel import SHORTEST, LogMel
from eyeline.systems.ego_social.weights import our_name
from tests.closeness import assert_close_to_scale
from tests.systems.ego_social.invented import TTM, Array, audio, golden, statistics, their_tensors


@pytest.fixture(scope="module")
def file() -> dict[str, Array]:
    return golden("ttm_audio_frontend")


def test_constants(file: dict[str, Array]) -> None:
    front = LogMel()
    np.testing.assert_allclose(front.window, file["window"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(front.filters, file["fb"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(front.emphasis, file["preemph"])


def their_front_end() -> LogMel:
    """With the constants of the authors' checkpoints."""
    front = LogMel()
    stored = their_tensors(TTM)
    state = {our_name(k).rpartition(".")[2]: v for k, v in stored.items() if "torchfb" in k}
    front.load_state_dict(state)
    return front


@pytest.mark.parametrize("name", ["front_a", "front_short"])
def test_stages(file: dict[str, Array], name: str) -> None:
    front = their_front_end()
    given = audio(name, *file[f"{name}.shape"].tolist())
    clear = front.emphasised(given)
    np.testing.assert_allclose(clear[:, :64], file[f"{name}.preemph"], rtol=0, atol=1e-6)
    wanted = file[f"{name}.preemph_stat"]
    assert_close_to_scale(statistics(clear)[:2], wanted)
    mel = front.mel(clear)
    assert mel.shape[2] == int(file[f"{name}.frames"])
    every = 2 if mel.numel() >= 9000 else 1
    assert_close_to_scale(mel[..., ::every], file[f"{name}.mel"])
    for ours in (front, LogMel()):
        norm = ours(given)[..., ::every]
        np.testing.assert_allclose(norm, file[f"{name}.lognorm"], rtol=0, atol=5e-4)


@pytest.mark.parametrize(("samples", "rows"), [(SHORTEST, 2), (319, 2), (320, 3), (16_000, 101)])
def test_rows(samples: int, rows: int) -> None:
    assert LogMel()(torch.randn(1, samples)).shape == (1, 64, rows)


def test_a_tone_lies_in_its_band() -> None:
    time_s = torch.arange(8000) / 16_000
    front = LogMel()
    for hz in (300.0, 1000.0, 4000.0):
        mel = front.mel(torch.sin(2 * torch.pi * hz * time_s)[None])[0].mean(dim=1)
        band_hz = front.filters[:, int(mel.argmax())].argmax() * 16_000 / 512
        assert abs(float(band_hz) - hz) < 0.1 * hz


def test_bands_are_normalised_and_loudness_is_lost() -> None:
    heard = audio("bands", 2, 4000)
    front = LogMel()
    norm = front(heard)
    torch.testing.assert_close(norm.mean(dim=2), torch.zeros(2, 64), atol=1e-5, rtol=0)
    torch.testing.assert_close(norm.std(dim=2, correction=0), torch.ones(2, 64), atol=1e-3, rtol=0)
    torch.testing.assert_close(front(2 * heard), norm, atol=0.05, rtol=0)
