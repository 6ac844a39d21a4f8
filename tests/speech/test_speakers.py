from __future__ import annotations

import numpy as np
import pytest

from eyeline.people.tracks import Track
from eyeline.results import UNSEEN, UNSURE, Scores, Segments
from eyeline.speech import speakers
from eyeline.speech.voice import Speech

from .conftest import Hear
from .synthesis import (
    chewing_mouth,
    frame_times,
    jittering_mouth,
    lips_of,
    make_track,
    music,
    smiling_mouth,
    speaking_mouth,
    still_mouth,
    talk,
)

DURATION_S = 20


def who_speaks(
    speech: Speech, tracks: list[Track], *, covered: float = 0.02, until_s: float | None = None
) -> tuple[Scores, Segments]:
    """Scores and segments, by lips as pixels show them."""
    lips = [lips_of(track, covered=covered) for track in tracks]
    return speakers.who_speaks(speech, tracks, lips, until_s=until_s)[:2]


def spoken_s(spans: Segments, person: int) -> float:
    """Seconds that a person speaks."""
    mine = spans.person == person
    return float((spans.end_s - spans.start_s)[mine].sum())


def talking(spans: Segments, person: int, start_s: float, end_s: float) -> float:
    """Share of a stretch in which a person speaks."""
    mine = spans.person == person
    low, high = np.maximum(spans.start_s[mine], start_s), np.minimum(spans.end_s[mine], end_s)
    return float(np.maximum(high - low, 0).sum() / (end_s - start_s))


@pytest.mark.parametrize("rate_hz", [10, 23.976, 30, 60])
def test_two_take_turns(hear: Hear, rate_hz: float) -> None:
    rng = np.random.default_rng(10)
    first = talk(rng, DURATION_S, [(0.5, 9)], 115)
    second = talk(rng, DURATION_S, [(10, 19)], 210)
    time_s = frame_times(DURATION_S, rate_hz)
    tracks = [
        make_track(1, time_s, speaking_mouth(rng, first, time_s)),
        make_track(2, time_s, speaking_mouth(rng, second, time_s)),
        make_track(3, time_s, smiling_mouth(rng, time_s)),
    ]
    scores, spans = who_speaks(hear(first.audio + second.audio), tracks)
    assert talking(spans, 1, 1, 8.5) > 0.75
    assert talking(spans, 2, 11, 18.5) > 0.75
    assert talking(spans, 1, 11, 18.5) + talking(spans, 2, 1, 8.5) < 0.05
    assert spoken_s(spans, 3) == 0
    assert len(scores) == 3 * len(time_s)
    assert scores.builder == "mouth_agreement"


@pytest.mark.parametrize("mouth", [still_mouth, smiling_mouth, chewing_mouth, jittering_mouth])
def test_a_narrator_is_unseen(hear: Hear, mouth: object) -> None:
    rng = np.random.default_rng(11)
    voice, time_s = talk(rng, DURATION_S, [(0.5, 19)], 130), frame_times(DURATION_S, 25)
    tracks = [make_track(k, time_s, mouth(rng, time_s)) for k in (1, 2)]  # type: ignore[operator]
    spans = who_speaks(hear(voice.audio), tracks)[1]
    assert talking(spans, UNSEEN, 4, 19) > 0.3
    assert spoken_s(spans, 1) + spoken_s(spans, 2) < 1


def test_somebody_talking_elsewhere_is_not_the_speaker(hear: Hear) -> None:
    rng = np.random.default_rng(12)
    voice, other = (talk(rng, DURATION_S, [(0.5, 19)], 140) for _ in range(2))
    time_s = frame_times(DURATION_S, 25)
    track = make_track(1, time_s, speaking_mouth(rng, other, time_s))
    spans = who_speaks(hear(voice.audio), [track])[1]
    assert talking(spans, UNSEEN, 5, 19) > 0.7


def test_one_face_that_talks(hear: Hear) -> None:
    rng = np.random.default_rng(13)
    voice, time_s = talk(rng, DURATION_S, [(2, 18)]), frame_times(DURATION_S, 25)
    scores, spans = who_speaks(
        hear(voice.audio), [make_track(1, time_s, speaking_mouth(rng, voice, time_s))]
    )
    assert set(spans.person.tolist()) == {1}
    assert spans.start_s[0] == pytest.approx(2, abs=0.3)
    assert spans.end_s[-1] == pytest.approx(18, abs=0.5)
    assert set(spans.label) == {"speech"}
    assert scores.value[time_s < 1.5].max() == 0


def test_no_faces(hear: Hear) -> None:
    voice = talk(np.random.default_rng(14), 8, [(1, 7)])
    scores, spans = who_speaks(hear(voice.audio), [])
    assert len(scores) == 0
    assert set(spans.person.tolist()) == {UNSEEN}


@pytest.mark.parametrize("audio", ["none", "silence", "music"])
def test_no_speech(hear: Hear, audio: str) -> None:
    rng = np.random.default_rng(15)
    time_s = frame_times(8, 25)
    heard = {
        "none": lambda: np.zeros(0),
        "silence": lambda: np.zeros(128000),
        "music": lambda: music(rng, 8),
    }
    scores, spans = who_speaks(
        hear(heard[audio]()), [make_track(1, time_s, chewing_mouth(rng, time_s))]
    )
    assert len(spans) == 0
    assert scores.value.tolist() == [0.0] * len(time_s)


@pytest.mark.parametrize("hidden", ["not measured", "not trusted"])
def test_lips_that_are_not_seen_say_nothing(hear: Hear, hidden: str) -> None:
    rng = np.random.default_rng(16)
    voice, time_s = talk(rng, 10, [(0.5, 9.5)]), frame_times(10, 25)
    opening = speaking_mouth(rng, voice, time_s)
    if hidden == "not measured":
        track = make_track(1, time_s, np.full(len(time_s), np.nan))
    else:
        track = make_track(1, time_s, opening, quality=0.01)
    scores, spans = who_speaks(hear(voice.audio), [track])
    assert set(spans.person.tolist()) == {UNSURE}
    assert np.isnan(scores.value).mean() > 0.7


def test_covered_lips_say_nothing(hear: Hear) -> None:
    rng = np.random.default_rng(16)
    voice, time_s = talk(rng, 10, [(0.5, 9.5)]), frame_times(10, 25)
    tracks = [make_track(1, time_s, speaking_mouth(rng, voice, time_s))]
    speech = hear(voice.audio)
    scores, spans = who_speaks(speech, tracks, covered=0.97)
    assert set(spans.person.tolist()) == {UNSURE}
    assert np.isnan(scores.value).mean() > 0.7
    hidden = speakers.covered_s(speech, tracks, [lips_of(tracks[0], covered=0.97)])
    assert hidden[1] == pytest.approx((speech.voice_at(time_s) > 0.5).sum() / 25, abs=0.1)
    assert speakers.covered_s(speech, tracks, [lips_of(tracks[0])]) == {}
    assert set(who_speaks(speech, tracks)[1].person.tolist()) == {1}


@pytest.mark.parametrize("rate_hz", [0.5, 1, 2, 4])
def test_too_few_frames_say_nothing_and_call_nobody_unseen(hear: Hear, rate_hz: float) -> None:
    rng = np.random.default_rng(21)
    voice, time_s = talk(rng, 12, [(0.5, 11.5)]), frame_times(12, rate_hz)
    tracks = [make_track(1, time_s, speaking_mouth(rng, voice, time_s))]
    assert set(who_speaks(hear(voice.audio), tracks)[1].person.tolist()) == {UNSURE}


def test_lips_are_read_between_the_analysed_frames(hear: Hear) -> None:
    rng = np.random.default_rng(22)
    voice, all_s = talk(rng, 12, [(0.5, 11.5)]), frame_times(12, 25)
    lips = [lips_of(make_track(1, all_s, speaking_mouth(rng, voice, all_s)))]
    track = make_track(1, frame_times(12, 1), np.full(12, np.nan))
    spans = speakers.who_speaks(hear(voice.audio), [track], lips)[1]
    assert talking(spans, 1, 1.5, 11) > 0.8


def test_nothing_can_be_said(hear: Hear) -> None:
    rng = np.random.default_rng(23)
    voice, time_s = talk(rng, 12, [(0.5, 11.5)]), frame_times(6, 1)
    tracks = [make_track(1, time_s, np.zeros(6))]
    spans = speakers.cannot_be_said(hear(voice.audio), tracks, "any", until_s=12.0)[1]
    assert talking(spans, UNSURE, 1, 5.9) > 0.8 and talking(spans, UNSEEN, 6.1, 11) > 0.8
    assert spans.person.max() < 0


def test_a_speaker_who_turns_away_for_a_while_speaks_on(hear: Hear) -> None:
    rng = np.random.default_rng(17)
    voice, time_s = talk(rng, DURATION_S, [(0.5, 19)]), frame_times(DURATION_S, 25)
    opening = speaking_mouth(rng, voice, time_s)
    opening[200:275] = np.nan
    tracks = [make_track(1, time_s, opening), make_track(2, time_s, still_mouth(rng, time_s))]
    spans = who_speaks(hear(voice.audio), tracks)[1]
    assert talking(spans, 1, 8, 11) > 0.7
    assert spoken_s(spans, 2) == 0


def test_tracks_of_one_person_are_one_speaker(hear: Hear) -> None:
    rng = np.random.default_rng(18)
    voice, time_s = talk(rng, DURATION_S, [(0.5, 19)]), frame_times(DURATION_S, 25)
    opening = speaking_mouth(rng, voice, time_s)
    tracks = [
        make_track(1, time_s[:240], opening[:240]),
        make_track(2, time_s[250:], opening[250:], person=1),
        make_track(3, time_s, still_mouth(rng, time_s), person=2),
    ]
    spans = who_speaks(hear(voice.audio), tracks)[1]
    assert set(spans.person.tolist()) == {1}


def test_the_end_of_the_image_ends_the_answer(hear: Hear) -> None:
    rng = np.random.default_rng(19)
    voice, time_s = talk(rng, 12, [(0.5, 11.5)]), frame_times(6, 25)
    tracks = [make_track(1, time_s, still_mouth(rng, time_s))]
    assert who_speaks(hear(voice.audio), tracks, until_s=6.0)[1].end_s.max() <= 6.0
    assert who_speaks(hear(voice.audio), tracks)[1].end_s.max() > 10


def test_twice_the_same(hear: Hear) -> None:
    rng = np.random.default_rng(20)
    voice, time_s = talk(rng, 6, [(0.5, 5.5)]), frame_times(6, 30)
    tracks = [make_track(1, time_s, speaking_mouth(rng, voice, time_s))]
    once, again = (who_speaks(hear(voice.audio), tracks)[0].value for _ in range(2))
    assert once.tobytes() == again.tobytes()


def test_sure_answers_are_right_more_often_than_unsure_ones(hear: Hear) -> None:
    said, right = _said_and_right(hear)
    sure = said > 0.9
    assert right[sure].mean() > 0.93
    assert right[sure].mean() > right[~sure].mean() + 0.05
    assert right.mean() > 0.8


def _said_and_right(hear: Hear) -> tuple[np.ndarray, np.ndarray]:
    """Over hard scenes: the greatest probability at each frame, and if it was the speaker's."""
    said, right = [], []
    for seed in range(40, 46):
        rng = np.random.default_rng(seed)
        speech, tracks, truth = _hard_scene(rng, hear)
        scores = who_speaks(speech, tracks)[0]
        value = scores.value.reshape(len(tracks), -1)
        talked = value.sum(axis=0) > 0.3
        said.append(value.max(axis=0)[talked])
        right.append(value.argmax(axis=0)[talked] == truth[talked])
    return np.concatenate(said), np.concatenate(right)


def _hard_scene(rng: np.random.Generator, hear: Hear) -> tuple[Speech, list[Track], np.ndarray]:
    """Three faces that take turns of one to six seconds; weak coupling, small gain, noisy lips."""
    edges = np.cumsum([0.3, *rng.uniform(1.0, 6.0, 6)])
    duration_s = float(edges[-1] + 0.5)
    order = rng.integers(0, 3, 6)
    time_s = frame_times(duration_s, float(rng.choice([15, 25, 30])))
    truth = order[np.searchsorted(edges[1:-1], time_s)]
    audio = np.zeros(round(duration_s * 16000), np.float32)
    tracks = []
    for k, idle in enumerate((still_mouth, smiling_mouth, jittering_mouth)):
        spans = [
            (a, b - 0.2) for a, b, who in zip(edges, edges[1:], order, strict=False) if who == k
        ]
        voice = talk(rng, duration_s, spans, rng.choice([110, 150, 210]), coupling=0.2)
        audio += voice.audio[: len(audio)]
        own = speaking_mouth(rng, voice, time_s, gain=0.15, noise=0.012, other=0.03)
        tracks.append(make_track(k + 1, time_s, np.where(truth == k, own, idle(rng, time_s))))
    return hear(audio), tracks, truth
