from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.speech.voice import Envelope, Speech, VoiceActivity, listen
from eyeline.video.audio import AudioBlock, read_audio

from .conftest import Hear, blocks
from .synthesis import music, talk


def spoken(*probabilities: float) -> Speech:
    """Speech of the given probabilities, a window of 32 ms each."""
    return Speech(
        np.array(probabilities, np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32)
    )


@pytest.mark.parametrize("pitch_hz", [105, 150, 220])
def test_synthetic_talk_is_a_voice_and_its_pauses_are_not(hear: Hear, pitch_hz: float) -> None:
    rng = np.random.default_rng(pitch_hz)
    speech = hear(talk(rng, 12, [(1, 5), (8, 11.5)], pitch_hz).audio)
    inside, outside = np.arange(1.5, 4.5, 0.04), np.arange(5.5, 7.8, 0.04)
    assert (speech.voice_at(inside) > 0.5).mean() > 0.75
    assert (speech.voice_at(outside) > 0.5).mean() < 0.02
    spans = speech.segments()
    assert spans[0, 0] == pytest.approx(1.0, abs=0.3)
    assert spans[-1, 1] == pytest.approx(11.5, abs=0.4)


@pytest.mark.parametrize("kind", ["music", "noise", "silence"])
def test_what_is_no_voice(hear: Hear, kind: str) -> None:
    rng = np.random.default_rng(0)
    audios = {
        "music": lambda: music(rng, 8),
        "noise": lambda: 0.1 * rng.standard_normal(8 * 16000),
        "silence": lambda: np.zeros(8 * 16000),
    }
    assert len(hear(audios[kind]()).segments()) == 0


def test_pieces_give_what_the_whole_gives() -> None:
    rng = np.random.default_rng(1)
    audio = talk(rng, 4.013, [(0.3, 3.8)]).audio
    whole = listen(blocks(audio, [len(audio)]))
    for _ in range(3):
        pieces = listen(blocks(audio, rng.integers(1, 3000, 200).tolist()))
        np.testing.assert_array_equal(pieces.voice, whole.voice)
        np.testing.assert_allclose(pieces.level_db, whole.level_db, atol=1e-4)
        np.testing.assert_allclose(pieces.flux_db, whole.flux_db, atol=1e-4)


def test_windows_have_exact_times() -> None:
    activity = VoiceActivity()
    starts = [activity.feed(np.zeros(n, np.float32))[0] for n in (500, 12, 1024, 0, 100)]
    assert [len(s) for s in starts] == [0, 1, 2, 0, 0]
    np.testing.assert_array_equal(np.concatenate(starts), [0.0, 0.032, 0.064])
    assert activity.finish()[0].tolist() == [0.096]
    assert VoiceActivity().finish()[0].tolist() == []


@pytest.mark.parametrize(
    ("samples", "windows", "values"),
    [(0, 0, 0), (1, 1, 1), (160, 1, 1), (161, 1, 2), (512, 1, 4), (513, 2, 4), (16000, 32, 100)],
)
def test_lengths(samples: int, windows: int, values: int) -> None:
    speech = listen([AudioBlock(0.0, np.zeros(samples, np.float32))])
    assert (len(speech.voice), len(speech.level_db), len(speech.flux_db)) == (
        windows,
        values,
        values,
    )
    assert speech.time_s.tolist() == (np.arange(values) * 0.01).tolist()


@pytest.mark.parametrize(
    ("frequency_hz", "amplitude", "level_db"),
    [(1000, 1.0, 0.0), (1000, 0.1, -20.0), (300, 0.5, -6.02), (60, 1.0, -60.0), (6500, 1.0, -60.0)],
)
def test_level_of_sines(frequency_hz: float, amplitude: float, level_db: float) -> None:
    time_s = np.arange(16000) / 16000
    envelope = Envelope()
    sine = amplitude * np.sin(2 * np.pi * frequency_hz * time_s)
    level = envelope.feed(sine.astype(np.float32))[20:80, 0]
    if level_db == -60.0:  # out of the band: far down
        assert level.max() < level_db + 15
    else:
        np.testing.assert_allclose(level, level_db, atol=0.1)


def test_a_click_is_loud_and_an_onset_when_it_sounds() -> None:
    audio = np.zeros(32000, np.float32)
    audio[16000:16016] = 0.5
    speech = listen([AudioBlock(0.0, audio)])
    assert speech.time_s[np.argmax(speech.level_db)] == pytest.approx(1.0, abs=0.01)
    assert speech.time_s[np.argmax(speech.flux_db)] == pytest.approx(0.99, abs=0.011)
    assert speech.level_db[50] == -80
    assert (speech.flux_db >= 0).all()
    assert speech.flux_db[:90].max() == 0


def test_gaps_are_silence() -> None:
    rng = np.random.default_rng(2)
    audio = rng.standard_normal(8000).astype(np.float32)
    apart = listen([AudioBlock(0.5, audio), AudioBlock(13.0, audio)])
    filled = np.concatenate([np.zeros(8000), audio, np.zeros(12 * 16000), audio])
    np.testing.assert_array_equal(apart.voice, listen(blocks(filled)).voice)
    assert apart.duration_s == pytest.approx(13.5, abs=0.032)


def test_blocks_that_overlap_are_refused() -> None:
    audio = np.zeros(8000, np.float32)
    with pytest.raises(DataError, match=r"begins at 0\.4000 s, before the end .* at 0\.5000 s"):
        listen([AudioBlock(0.0, audio), AudioBlock(0.4, audio)])


def test_no_audio_at_all() -> None:
    speech = listen([])
    assert speech.segments().shape == (0, 2)
    assert speech.voice_at(np.array([0.0, 1.0])).tolist() == [0.0, 0.0]
    assert speech.duration_s == 0


def test_voice_at_is_nothing_outside() -> None:
    speech = spoken(1.0, 1.0)
    assert speech.voice_at(np.array([-0.01, 0.0, 0.05, 0.07])).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("voice", "spans"),
    [
        ([], []),  # nothing
        ([0.9] * 10, [(0, 10)]),  # all of it
        ([0.1, *[0.9] * 8, 0.1], [(1, 9)]),  # one span
        ([0.4] * 10, []),  # never reaches `on`
        ([0.4, *[0.9] * 7, 0.4, 0.4, 0.1], [(1, 10)]),  # stays on until below `off`
        ([*[0.9] * 8, *[0.1] * 3, *[0.9] * 8], [(0, 19)]),  # a short pause is bridged
        ([*[0.9] * 8, *[0.1] * 12, *[0.9] * 8], [(0, 8), (20, 28)]),  # a long one is not
        ([0.1, 0.9, 0.9, 0.1], []),  # too short to be speech
    ],
)
def test_segments(voice: list[float], spans: list[tuple[int, int]]) -> None:
    expected = np.array(spans, float).reshape(-1, 2) * 0.032
    np.testing.assert_allclose(spoken(*voice).segments(), expected)


def test_two_hours_stay_small(hear: Hear) -> None:
    speech = hear(np.zeros(16000 * 10))
    held = speech.voice.nbytes + speech.level_db.nbytes + speech.flux_db.nbytes
    assert held * 720 < 10e6
    assert all(column.base is None for column in (speech.voice, speech.level_db, speech.flux_db))


def test_neither_torch_nor_silero_is_imported() -> None:
    code = (
        "import sys, eyeline.speech; from eyeline.speech.voice import VoiceActivity; heavy = "
        "{'torch', 'silero_vad', 'scipy', 'cv2', 'onnxruntime'}; print(heavy & set(sys.modules)); "
        "VoiceActivity(); print({'torch', 'silero_vad'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:2] == ["set()", "set()"]


def test_the_interview_is_talk_without_a_longer_pause(interview: object) -> None:
    speech = listen(read_audio(str(interview), 16000, start_s=0.0))
    spans = speech.segments()
    assert spans[0] == pytest.approx([0.2, 14.85], abs=0.15)
    assert speech.voice.mean() > 0.85


@pytest.mark.parametrize(("size", "recorded"), [(0.0, False), (2e-5, False), (1e-3, True)])
def test_digital_silence_is_known(size: float, recorded: bool) -> None:
    samples = size * np.sin(np.arange(3200, dtype=np.float32))
    speech = listen([AudioBlock(0.0, samples[:1600]), AudioBlock(0.1, samples[1600:])])
    assert speech.peak == pytest.approx(size, rel=1e-3, abs=1e-9)
    assert speech.recorded is recorded
