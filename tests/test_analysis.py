"""What an analysis says of the video and of its methods."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from eyeline import analysis, sample
from eyeline.people.find import Found
from eyeline.results import VideoInfo
from eyeline.settings import Settings
from eyeline.system import Scene
from eyeline.systems.eye_contact.xgaze.weights import LICENCES
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.reader import VideoReader
from eyeline.video.sound import read_sound


@pytest.fixture(scope="module")
def video() -> VideoInfo:
    return VideoReader(sample.path()).info


@pytest.mark.parametrize(
    ("rate_hz", "read_hz", "told"),
    [(25, None, 0), (Fraction(25000, 1001), None, 0), (30, None, 1), (50, 25.0, 0), (25, 10.0, 1)],
)
def test_other_rates_than_the_networks_are_told(
    video: VideoInfo, rate_hz: Fraction, read_hz: float | None, told: int
) -> None:
    settings = Settings(systems=("eye_contact/landmarks_tcn",), rate_hz=read_hz)
    found = analysis._other_rates(settings, replace(video, rate_hz=Fraction(rate_hz)))
    assert len(found) == told
    assert all("landmarks_tcn was trained at 25 frames a second" in text for text in found)


def test_given_weights_speak_for_themselves(tmp_path: Path) -> None:
    card = CheckpointCard(
        "eye_contact", "ms_tcn2", {}, scores={"pooled": {"accuracy": 0.71}},
        licence=LICENCES["ms_tcn2"],
    )  # fmt: skip
    checkpoint.save(tmp_path / "mine.safetensors", {"a": torch.zeros(1)}, card)
    method = analysis.PEOPLE
    told = analysis._method(method, {"ms_tcn2": tmp_path / "mine.safetensors"})
    assert told.weights is not None and told.weights.startswith("mine.safetensors (sha256 ")
    assert "ms_tcn2 accuracy 0.71" in told.measured and method.measured in told.measured
    assert told.licence == LICENCES["ms_tcn2"]
    assert analysis._method(method, {}) is method


def test_the_front_end_says_what_was_chosen() -> None:
    assert analysis.people_method(Settings()) is analysis.PEOPLE
    published = analysis.people_method(Settings(detector="mmod", tracker="iou"))
    assert "mmod" in published.summary and "CC0" in published.licence
    assert published.builder == "mmod_iou" and "not measured" in published.measured


def test_a_scene_gives_the_sound_anew_on_the_video_s_clock(
    monkeypatch: pytest.MonkeyPatch, video: VideoInfo
) -> None:
    scenes: list[Scene] = []
    nobody = Found((), (), np.zeros((0, 3)), (), 0)
    monkeypatch.setattr(analysis, "find_people", lambda *_: nobody)
    monkeypatch.setattr(analysis, "_run", lambda scene, _: (scenes.append(scene), ([], []))[1])
    analysis.analyze_video(sample.path())
    blocks = read_sound(sample.path(), 16_000, start_s=video.start_s)
    wanted = np.concatenate([block.samples for block in blocks])
    assert np.abs(wanted).max() > 0.05
    assert scenes[0].sound is not None
    for _ in range(2):
        found = list(scenes[0].sound())
        assert found[0].time_s == 0
        np.testing.assert_array_equal(np.concatenate([b.samples for b in found]), wanted)


def test_a_silent_video_has_no_sound_to_listen_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scenes: list[Scene] = []
    silent = tmp_path / "silent.mp4"
    with av.open(str(sample.path())) as read, av.open(str(silent), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for packet in itertools.islice(read.demux(video=0), 20):
            packet.stream = stream
            write.mux(packet)
    nobody = Found((), (), np.zeros((0, 3)), (), 0)
    monkeypatch.setattr(analysis, "find_people", lambda *_: nobody)
    monkeypatch.setattr(analysis, "_run", lambda scene, _: (scenes.append(scene), ([], []))[1])
    assert "no sound: nothing is said of who speaks" in analysis.analyze_video(silent).warnings
    assert scenes[0].sound is None and scenes[0].speaking is None
