from __future__ import annotations

import numpy as np
import pytest

from eyeline.speech.agreement import (
    agreement,
    common_lag,
    loudness,
    mouth_rate,
    resting,
    weigh,
)
from eyeline.speech.mouths import read_mouth
from eyeline.speech.voice import listen

from .conftest import Hear
from .synthesis import chewing_mouth, frame_times, make_track, speaking_mouth, still_mouth, talk


@pytest.mark.parametrize(("lag_s", "rate_hz"), [(0.04, 25), (0.12, 60), (0.2, 24), (0.24, 30)])
def test_the_lag_is_found(hear: Hear, lag_s: float, rate_hz: float) -> None:
    rng = np.random.default_rng(5)
    voice, time_s = talk(rng, 15, [(0.5, 14)]), frame_times(15, rate_hz)
    mouths = [
        read_mouth(make_track(1, time_s, speaking_mouth(rng, voice, time_s, lead_s=lag_s))),
        read_mouth(make_track(2, time_s, chewing_mouth(rng, time_s))),
    ]
    # In the generator a mouth is widest a little before the middle of the loud part.
    assert common_lag(hear(voice.audio), mouths) == pytest.approx(lag_s, abs=0.045)


def test_without_faces_or_audio_the_lag_is_the_usual_one() -> None:
    silent = listen([])
    mouth = read_mouth(make_track(1, frame_times(3, 25), np.linspace(0, 1, 75)))
    assert common_lag(silent, []) == pytest.approx(0.12)
    assert common_lag(silent, [mouth]) == pytest.approx(0.12)


def test_only_the_own_voice_agrees(hear: Hear) -> None:
    rng = np.random.default_rng(6)
    voice, *others = (talk(rng, 15, [(0.5, 14)]) for _ in range(7))
    time_s = frame_times(15, 25)
    mouth = read_mouth(make_track(1, time_s, speaking_mouth(rng, voice, time_s)))
    own, *strange = (
        agreement(loudness(hear(v.audio), 0.04), mouth, 0.12)[25:-50] for v in (voice, *others)
    )
    assert own.mean() > 0.3
    assert abs(np.mean(strange)) < 0.1
    assert np.abs(own).max() <= 1


def test_rates(hear: Hear) -> None:
    rng = np.random.default_rng(7)
    voice, time_s = talk(rng, 12, [(0.5, 11)]), frame_times(12, 25)
    speech = hear(voice.audio)

    def rate(opening: np.ndarray) -> float:
        mouth = read_mouth(make_track(1, time_s, opening))
        return float(np.mean(mouth_rate(speech, mouth, 0.12, resting([mouth]))[25:-50]))

    speaking = rate(speaking_mouth(rng, voice, time_s))
    still, chewing = rate(still_mouth(rng, time_s)), rate(chewing_mouth(rng, time_s))
    assert speaking > 0.2 and still < 0 and chewing < speaking - 0.2
    assert rate(np.full(len(time_s), np.nan)) == 0.0


def test_rest_stays_within_bounds() -> None:
    rng = np.random.default_rng(8)
    time_s = frame_times(10, 25)
    lively = read_mouth(make_track(1, time_s, chewing_mouth(rng, time_s)))
    frozen = read_mouth(make_track(1, time_s, np.full(250, 0.1)))
    assert resting([lively]) == 0.012
    assert resting([frozen]) == 0.006
    assert resting([]) == 0.006


def test_weighing_knows_where_faces_are(hear: Hear) -> None:
    speech = hear(np.zeros(32000))
    time_s = frame_times(1, 25) + 0.4
    hidden = make_track(2, time_s, np.full(25, np.nan), person=1)
    evidence = weigh(speech, [make_track(1, time_s, np.zeros(25), person=5), hidden], 50)
    assert evidence.persons.tolist() == [1, 5]
    assert np.flatnonzero(evidence.visible[:, 1]).tolist() == list(range(10, 35))
    assert evidence.known[10:35].all(axis=0).tolist() == [False, True]
    assert (evidence.rate[:, 0] == 0).all()
