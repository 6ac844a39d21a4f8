from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.people.tracks import Track
from eyeline.speech import lr_asd as module
from eyeline.speech.lr_asd import STRETCHES_S, LrAsd
from eyeline.speech.mfcc import mfcc
from eyeline.speech.reel import reels
from eyeline.speech.voice import listen
from eyeline.video.audio import read_audio
from eyeline.video.reader import VideoReader

from .conftest import Hear, blocks
from .synthesis import make_track, talk
from .test_lr_asd_model import made_up, original_names


@dataclass
class Noise:
    """A frame of noise that its index decides."""

    index: int

    def rgb(self) -> np.ndarray:
        return np.random.default_rng(self.index).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.fixture
def judge(tmp_path: Path) -> LrAsd:
    """A network that was drawn at random."""
    torch.save(original_names(made_up()), tmp_path / "w.model")
    return LrAsd(tmp_path / "w.model", threads=1)


def small_track(rate_hz: float, count: int, start: int = 0) -> Track:
    track = make_track(1, (start + np.arange(count)) / rate_hz, np.zeros(count))
    box = np.tile([10.0, 5.0, 50.0, 55.0], (count, 1))
    return replace(track, box_xyxy=box, frame=start + np.arange(count))


def frames(count: int) -> list[Noise]:
    return [Noise(i) for i in range(count)]


def test_streaming_equals_the_whole(judge: LrAsd, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = talk(np.random.default_rng(0), 4, [(0, 4)]).audio
    track = small_track(25, 70, start=11)
    monkeypatch.setattr(module, "_EMBED_TICKS", 16)
    monkeypatch.setattr(module, "BLOCK_TICKS", 25)
    monkeypatch.setattr(module, "STRETCHES_S", {1: 2})
    streamed = judge.log_odds([track], frames(90), blocks(audio))[0]  # type: ignore[arg-type]

    faces = torch.from_numpy(np.stack([face for _, face in reels([track], frames(90))]))  # type: ignore[arg-type]
    with torch.inference_mode():
        seen = judge._net.face(faces.float()[None])
        heard = judge._net.sound(torch.from_numpy(mfcc(audio)[: 4 * 95])[None])[:, 11:81]
        parts = [
            judge._net.judge(seen[:, a : a + 25], heard[:, a : a + 25])[0] for a in (0, 25, 50)
        ]
    logits = torch.cat(parts).numpy()
    np.testing.assert_allclose(streamed, logits[:, 1] - logits[:, 0], atol=1e-4)


def test_stretches_are_averaged_as_in_the_demonstration() -> None:
    # The demonstration lists 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6 seconds.
    listed = list(itertools.chain(*([s] * times for s, times in STRETCHES_S.items())))
    assert listed == [1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6]
    assert all(module.BLOCK_TICKS % (25 * s) == 0 for s in STRETCHES_S)


@pytest.mark.parametrize("rate_hz", [12.5, 30.0])
def test_answers_come_back_at_the_rate_of_the_video(
    judge: LrAsd, hear: Hear, rate_hz: float
) -> None:
    audio = talk(np.random.default_rng(1), 2, [(0, 2)]).audio
    track = small_track(rate_hz, int(1.5 * rate_hz))
    scores, spans, _ = judge.predict(hear(audio), [track], frames(80), blocks(audio), until_s=2.0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(scores.time_s, track.time_s)
    assert scores.builder == spans.builder == "lr_asd"
    assert spans.end_s.max(initial=0) <= 2.0


def test_frames_that_end_early_leave_nothing_said(judge: LrAsd) -> None:
    odds = judge.log_odds([small_track(25, 40)], frames(30), blocks(np.zeros(32000)))[0]  # type: ignore[arg-type]
    assert np.isfinite(odds[:30]).all()
    assert np.isnan(odds[30:]).all()


def test_audio_that_ends_early_is_silence(judge: LrAsd) -> None:
    track = small_track(25, 40)
    short, long = blocks(np.zeros(400)), blocks(np.zeros(64000))
    odds = [judge.log_odds([track], frames(40), audio)[0] for audio in (short, long, [])]  # type: ignore[arg-type]
    np.testing.assert_allclose(odds[0], odds[1], atol=1e-5)
    np.testing.assert_allclose(odds[2], odds[1], atol=1e-5)


def test_no_tracks(judge: LrAsd, hear: Hear) -> None:
    audio = talk(np.random.default_rng(2), 3, [(0.5, 2.5)]).audio
    scores, spans, _ = judge.predict(hear(audio), [], frames(10), blocks(audio))  # type: ignore[arg-type]
    assert len(scores) == 0
    assert spans.person.tolist() == [-1]


def test_threads_are_given_back(judge: LrAsd) -> None:
    before = torch.get_num_threads()
    judge.log_odds([small_track(25, 5)], frames(5), blocks(np.zeros(16000)))  # type: ignore[arg-type]
    assert torch.get_num_threads() == before


def test_the_interview(interview: Path, lr_asd_file: Path, shared: Path) -> None:
    """In the first two seconds the blond woman speaks and the man with the cap listens."""
    result = np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz")
    boxes = result["track_boxes"][:2, :48][:, :, [1, 0, 3, 2]] * [1280, 720, 1280, 720]
    time_s = np.arange(48) * 1001 / 24000
    tracks = [replace(make_track(k + 1, time_s, np.zeros(48)), box_xyxy=boxes[k]) for k in range(2)]
    speech = listen(read_audio(interview, 16000, start_s=0.0))
    audio = read_audio(interview, 16000, start_s=0.0)
    reader = itertools.islice(VideoReader(interview), 48)
    scores = LrAsd(lr_asd_file).predict(speech, tracks, reader, audio, until_s=2.0)[0]
    woman, man = scores.value.reshape(2, -1)[:, 12:]
    assert woman.min() > 0.9
    assert man.max() < 0.2
