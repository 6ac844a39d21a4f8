"""Sound in the shape of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.inputs import silence, sound_input
from eyeline.systems.gaze_anticipation.windows.spectrogram import SOUND_HZ, spectrogram

WINDOWS = np.random.default_rng(0).standard_normal((3, 256, 256)).astype(np.float32)


def test_the_published_size_stays_as_it_is() -> None:
    found = sound_input(WINDOWS)
    assert found.shape == (1, 3, 256, 256)
    np.testing.assert_array_equal(found[0], WINDOWS)


def test_smaller_squares_have_means() -> None:
    found = sound_input(WINDOWS, 64)
    wanted = WINDOWS.reshape(3, 64, 4, 64, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(found[0], wanted, atol=1e-6)


def test_silence_is_that_of_a_silent_sound() -> None:
    found = silence(2, 64)
    assert found.shape == (1, 2, 64, 64) and found.dtype == torch.float32
    quiet = spectrogram(np.zeros(2 * SOUND_HZ, np.float32))[None, :, :256]
    heard = sound_input(np.ascontiguousarray(quiet), 64)[0, 0]
    np.testing.assert_allclose(found[0, 0], heard, atol=1e-5)


def test_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="spectrograms"):
        sound_input(WINDOWS[:, :255])
