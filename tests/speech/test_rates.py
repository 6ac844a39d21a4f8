"""Who speaks in the packaged sample at few analysed frames a second, and in a slow video."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from eyeline import sample
from eyeline.analysis import _too_slow, analyze_video
from eyeline.export.summary import speech_seconds
from eyeline.results import UNSEEN, UNSURE, Analysis
from eyeline.settings import Settings
from eyeline.video.reader import probe


def right_s(analysis: Analysis) -> tuple[float, float]:
    """Seconds of the sample's speech that are right, and all of it."""
    truth = json.loads((sample.path().parent / "truth.json").read_text())
    time_s = np.arange(0, 10.4, 0.02)
    spans = analysis.segments("speaking")
    right = total = 0.0
    for person in truth["persons"]:
        for said in person["speaks"]:
            inside = time_s[(time_s >= said["start_s"]) & (time_s < said["end_s"])]
            total += 0.02 * len(inside)
            for k in np.flatnonzero(spans.person == person["person"]):
                right += 0.02 * ((inside >= spans.start_s[k]) & (inside < spans.end_s[k])).sum()
    return right, total


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [3.0, 5.0])
def test_few_analysed_frames(rate_hz: float) -> None:
    settings = Settings(systems=("gaze_3d",), rate_hz=rate_hz)
    analysis = analyze_video(sample.path(), settings)
    right, total = right_s(analysis)
    assert right > 0.8 * total
    assert UNSEEN not in analysis.segments("speaking").person


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [None, 1.0])
def test_few_frames_in_the_video(tmp_path: Path, rate_hz: float | None) -> None:
    path = tmp_path / "slow.mp4"
    one_frame_a_second(path)
    analysis = analyze_video(path, Settings(systems=("gaze_3d",), rate_hz=rate_hz))
    assert set(analysis.segments("speaking").person.tolist()) == {UNSURE}
    assert any("1 frames a second" in warning for warning in analysis.warnings)
    seconds = speech_seconds(analysis)
    assert seconds is not None and seconds["attributed_s"] == 0
    assert seconds["voiced_s"] == pytest.approx(7.3, abs=0.5)


@pytest.mark.parametrize(("rate_hz", "slow"), [(1, True), (4, True), (5, False), (25, False)])
@pytest.mark.parametrize("step", [1, 3])
def test_the_videos_own_rate_counts(rate_hz: float, slow: bool, step: int) -> None:
    index = np.arange(0, 60, step)
    clock = np.stack([index, index / rate_hz, (index + step) / rate_hz], axis=1)
    clock[10:, 1:] += 3600.0  # a hole is no slow video
    assert bool(_too_slow(probe(sample.path()), clock)) == slow


def one_frame_a_second(path: Path) -> None:
    """The sample with one frame a second and all of its audio."""
    with av.open(str(sample.path())) as given, av.open(str(path), "w") as out:
        audio = out.add_stream_from_template(given.streams.audio[0])
        film = out.add_stream("libx264", rate=1)
        film.width, film.height = given.streams.video[0].width, given.streams.video[0].height
        for packet in given.demux(given.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = audio
                out.mux(packet)
        given.seek(0)
        for k, frame in enumerate(given.decode(video=0)):
            if k % 25 == 0:
                frame.pts, frame.time_base = k // 25, Fraction(1)
                out.mux(film.encode(frame))
        out.mux(film.encode())
