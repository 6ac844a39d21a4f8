"""Audio in the shape of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.inputs import LABELLED, audio_input, heatmaps, silence
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ, spectrogram
from tests.systems.gaze_anticipation.invented import golden

WINDOWS = np.random.default_rng(0).standard_normal((3, 256, 256)).astype(np.float32)


def test_the_published_size_stays_as_it_is_and_smaller_squares_have_means() -> None:
    result = audio_input(WINDOWS)
    assert result.shape == (1, 3, 256, 256)
    np.testing.assert_array_equal(result[0], WINDOWS)
    result = audio_input(WINDOWS, 64)
    wanted = WINDOWS.reshape(3, 64, 4, 64, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(result[0], wanted, atol=1e-6)


def test_silence_is_that_of_a_silent_audio_and_another_shape_is_refused_and_as_published() -> None:
    result = silence(2, 64)
    assert result.shape == (1, 2, 64, 64) and result.dtype == torch.float32
    quiet = spectrogram(np.zeros(2 * AUDIO_HZ, np.float32))[None, :, :256]
    heard = audio_input(np.ascontiguousarray(quiet), 64)[0, 0]
    np.testing.assert_allclose(result[0, 0], heard, atol=1e-5)
    with pytest.raises(DataError, match="spectrograms"):
        audio_input(WINDOWS[:, :255])
    file = golden("heatmap")
    result = heatmaps(file["centers"])
    assert result.dtype == np.float32 and np.abs(result - file["normalised"]).max() <= 1e-6
    assert (result > LABELLED).sum((1, 2)).tolist() == file["npix_over_0p001"].tolist()


@pytest.mark.parametrize(
    ("x", "column"), [(0.5, 32), (32.5 / 64, 32), (33.5 / 64, 34), (0.0, 0), (1.0, 63)]
)
def test_halves_go_to_the_even_cell(x: float, column: int) -> None:
    result = heatmaps(np.array([[x, 0.5]]))[0]
    assert np.unravel_index(result.argmax(), result.shape) == (32, column)
    assert result.sum() == pytest.approx(1, abs=1e-5)


def test_a_place_off_the_map_gives_an_even_one_and_no_places() -> None:
    assert (heatmaps(np.array([[3.0, 0.5]]), 16) == np.float32(1 / 256)).all()
    assert heatmaps(np.zeros((0, 2))).shape == (0, 64, 64)
