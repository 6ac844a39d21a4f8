"""Audio in the shape of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.inputs import audio_input, silence
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ, spectrogram

WINDOWS = np.random.default_rng(0).standard_normal((3, 256, 256)).astype(np.float32)


def test_the_published_size_stays_as_it_is() -> None:
    result = audio_input(WINDOWS)
    assert result.shape == (1, 3, 256, 256)
    np.testing.assert_array_equal(result[0], WINDOWS)


def test_smaller_squares_have_means() -> None:
    result = audio_input(WINDOWS, 64)
    wanted = WINDOWS.reshape(3, 64, 4, 64, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(result[0], wanted, atol=1e-6)


def test_silence_is_that_of_a_silent_audio() -> None:
    result = silence(2, 64)
    assert result.shape == (1, 2, 64, 64) and result.dtype == torch.float32
    quiet = spectrogram(np.zeros(2 * AUDIO_HZ, np.float32))[None, :, :256]
    heard = audio_input(np.ascontiguousarray(quiet), 64)[0, 0]
    np.testing.assert_allclose(result[0, 0], heard, atol=1e-5)


def test_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="spectrograms"):
        audio_input(WINDOWS[:, :255])
