"""A spectrogram that grows is that of the whole audio, and of a clip cut out of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.windows.spectrogram import (
    SILENCE,
    Hearing,
    spectrogram,
    to_16_bits,
)
from tests.systems.gaze_anticipation.filmed import tone

AUDIO = tone(4.0, seed=3)
WHOLE = spectrogram(to_16_bits(AUDIO))


def heard(bounds: list[int]) -> Hearing:
    hearing = Hearing()
    for first, last in pairwise([0, *bounds, len(AUDIO)]):
        hearing.hear(AUDIO[first:last])
    return hearing


@pytest.mark.parametrize(
    "bounds", [[], [12_000, 24_000], [1, 2, 130, 131, 40_001], list(range(240, 96_000, 240))]
)
def test_blocks_of_any_length_give_the_columns_of_the_whole(bounds: list[int]) -> None:
    starts = np.array([1, 100, 100, 513])
    result = heard(bounds).windows(0, starts)
    assert result.shape == (4, 256, 256) and result.dtype == np.float32
    for piece, start in zip(result, starts.tolist(), strict=True):
        np.testing.assert_allclose(piece, WHOLE[:, start : start + 256], atol=1e-5)


def test_a_clip_is_heard_as_if_it_were_cut_out() -> None:
    clip = spectrogram(to_16_bits(AUDIO[200 * 120 :]))
    result = heard([]).windows(200, np.array([0, 40]))
    np.testing.assert_allclose(result[0], clip[:, :256], atol=1e-5)
    assert np.abs(WHOLE[:, 200] - clip[:, 0]).max() > 0.1, "the first column does not matter"
    np.testing.assert_allclose(result[1], clip[:, 40:296], atol=1e-5)


def test_a_column_is_known_once_all_its_audio_is_there_and_never_changes() -> None:
    hearing = Hearing()
    hearing.hear(AUDIO[:36_000])
    assert hearing.known_s == 1.5
    before = hearing.windows(0, np.array([44]))
    hearing.hear(AUDIO[36_000:])
    np.testing.assert_allclose(before, hearing.windows(0, np.array([44])), atol=1e-5)


def test_before_and_after_the_audio_there_is_silence() -> None:
    hearing = heard([])
    assert hearing.known_s == 4.0
    hearing.end()
    assert hearing.known_s == float("inf")
    late = hearing.windows(700, np.array([0]))[0]
    np.testing.assert_allclose(late[:, 1:100], WHOLE[:, 701:800], atol=1e-5)
    np.testing.assert_array_equal(late[:, 101:], np.float32(SILENCE))
    early = hearing.windows(-150, np.array([0]))[0]
    np.testing.assert_array_equal(early[:, :150], np.float32(SILENCE))
    np.testing.assert_allclose(early[:, 150:], WHOLE[:, :106], atol=1e-5)


def test_what_is_forgotten_does_not_change_the_rest() -> None:
    hearing = Hearing()
    for second in range(4):
        hearing.hear(AUDIO[24_000 * second : 24_000 * (second + 1)])
        hearing.forget(200 * second)
    assert len(hearing._samples) < 36_000
    result = hearing.windows(600 - 56, np.array([56]))[0][:, :199]
    np.testing.assert_allclose(result, WHOLE[:, 600:799], atol=1e-5)
    np.testing.assert_allclose(
        hearing.windows(650, np.array([0]))[0][:, 0],
        spectrogram(to_16_bits(AUDIO[650 * 120 :]))[:, 0], atol=1e-5,
    )  # fmt: skip


def test_nothing_heard_is_silence_and_two_channels_are_refused() -> None:
    hearing = Hearing()
    hearing.end()
    assert (hearing.windows(0, np.array([0])) == np.float32(SILENCE)).all()
    with pytest.raises(DataError, match="samples"):
        Hearing().hear(np.zeros((2, 100), np.float32))
