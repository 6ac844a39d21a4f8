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
from eyeline.errors import CheckpointError
from eyeline.export.coverage import measured_seconds
from eyeline.export.report import write_report
from eyeline.export.summary import speech_seconds, summarise
from eyeline.geometry.camera import Camera
from eyeline.people.find import Found
from eyeline.people.methods import PEOPLE, people_method
from eyeline.results import UNSEEN, Part, Points, Scores, VideoInfo
from eyeline.settings import Settings, fingerprint
from eyeline.speech import voice
from eyeline.speech.methods import SPEAKERS
from eyeline.speech.syncnet.model import SyncNet, syncnet
from eyeline.speech.syncnet.who_speaks import LipSync
from eyeline.speech.voice import FLOOR_DB, Speech
from eyeline.system import Scene
from eyeline.systems.eye_contact.xgaze.weights import LICENCES
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.audio import read_audio
from eyeline.video.reader import VideoReader
from tests.speech.syncnet.conftest import their_tensors
from tests.speech.syncnet.made import babble, eyes_and_ears, write_clip


@pytest.fixture(scope="module")
def video() -> VideoInfo:
    return VideoReader(sample.path()).info


@pytest.mark.parametrize(
    ("rate_hz", "read_hz", "known"),
    [(25, None, 0), (Fraction(24000, 1001), None, 0), (30, None, 0), (60, 12.5, 0), (25, 10.0, 1)],
)
def test_other_rates_than_the_networks_are_reported(
    video: VideoInfo, rate_hz: Fraction, read_hz: float | None, known: int
) -> None:
    settings = Settings(systems=("eye_contact/landmarks_tcn",), rate_hz=read_hz)
    result = analysis._other_rates(settings, replace(video, rate_hz=Fraction(rate_hz)))
    assert len(result) == known
    assert all("landmarks_tcn was trained at 25 frames a second" in text for text in result)


def test_given_weights_speak_for_themselves(tmp_path: Path) -> None:
    card = CheckpointCard(
        "eye_contact", "ms_tcn2", {}, scores={"pooled": {"accuracy": 0.71}},
        licence=LICENCES["ms_tcn2"],
    )  # fmt: skip
    checkpoint.save(tmp_path / "mine.safetensors", {"a": torch.zeros(1)}, card)
    method = PEOPLE
    known = analysis._method(method, {"ms_tcn2": tmp_path / "mine.safetensors"})
    assert known.weights is not None and known.weights.startswith("mine.safetensors (sha256 ")
    assert "ms_tcn2 accuracy 0.71" in known.measured and method.measured in known.measured
    assert known.licence == LICENCES["ms_tcn2"]
    assert analysis._method(method, {}) is method


def test_the_front_end_says_what_was_chosen() -> None:
    assert people_method("centerface", "ours") is PEOPLE
    published = people_method("mmod", "iou")
    assert "mmod" in published.summary and "CC0" in published.licence
    assert published.builder == "mmod_iou" and "not measured" in published.measured
    assert "overlap over 0.4 " in published.summary
    stricter = Settings(tracker="iou", iou=0.7)
    assert "overlap over 0.7 " in people_method("centerface", "iou", iou=0.7).summary
    assert stricter.content["iou"] == 0.7 and "iou" not in Settings().content


def test_a_scene_gives_the_audio_anew_on_the_video_s_clock(
    monkeypatch: pytest.MonkeyPatch, video: VideoInfo
) -> None:
    scenes: list[Scene] = []
    nobody = Found((), (), np.zeros((0, 3)), (), 0, Camera.from_fov(854, 480))
    monkeypatch.setattr(analysis, "find_people", lambda *_, **__: nobody)
    monkeypatch.setattr(analysis, "_run", lambda scene, _: (scenes.append(scene), ([], []))[1])
    analysis.analyze_video(sample.path())
    blocks = read_audio(sample.path(), 16_000, start_s=video.start_s)
    wanted = np.concatenate([block.samples for block in blocks])
    assert np.abs(wanted).max() > 0.05
    assert scenes[0].audio is not None
    for _ in range(2):
        result = list(scenes[0].audio())
        assert result[0].time_s == 0
        np.testing.assert_array_equal(np.concatenate([b.samples for b in result]), wanted)


def test_mutual_gaze_is_an_answer_of_every_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.arange(20)
    clock = np.stack([frame, frame / 25, (frame + 1) / 25], axis=1).astype(np.float64)
    both = np.repeat(frame, 2)
    person = np.tile([1, 2], 20)
    looks = Points(
        "gaze_following", "ray", "gaze_target", both, both / 25, person,
        np.full((40, 2), np.nan), 3 - person, np.full(40, 0.8), np.full((40, 4), np.nan),
    )  # fmt: skip
    nobody = Found((), (), clock, (), 0, Camera.from_fov(854, 480))
    monkeypatch.setattr(analysis, "find_people", lambda *_, **__: nobody)
    monkeypatch.setattr(analysis, "_run", lambda *_: ([looks], []))
    result = analysis.analyze_video(sample.path()).segments("mutual_gaze")
    assert result.person.tolist() == [1, 2]
    assert result.label == ("person 2", "person 1")
    np.testing.assert_allclose(result.start_s, 0.0, atol=1e-9)
    np.testing.assert_allclose(result.end_s, 0.8, atol=1e-9)


@pytest.mark.parametrize(("peak", "measured"), [(0.0, False), (3e-5, False), (1e-4, True)])
def test_digital_silence_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, peak: float, measured: bool
) -> None:
    still = np.zeros((1, 5, 4), np.float32)
    speech = Speech(still[0, 0], np.full(4, FLOOR_DB, np.float32), still[0, 0], peak)
    monkeypatch.setattr(voice, "listen", lambda _: speech)
    chosen = Settings(systems=("eye_contact",), parts=(Part(4.4, 4.6),))
    result = analysis.analyze_video(sample.path(), chosen)
    scores = next(a for a in result.of(Scores) if a.name == "speaking")
    assert len(scores) and np.isnan(scores.value).all() == (not measured)
    said = "nobody is said to speak" if measured else "who speaks cannot be measured"
    assert any(said in warning for warning in result.warnings)
    seconds = measured_seconds(result)["person 1"]["speaking (mouth_agreement)"]
    assert (seconds["measured_s"] > 0, seconds["not_codable_s"] > 0) == (measured, not measured)
    assert (
        (speech_seconds(result) is None) == (summarise(result).speech_s is None) == (not measured)
    )
    write_report(result, tmp_path, versions={})
    page = (tmp_path / "report.html").read_text()
    assert ("Who speaks cannot be measured" in page) == (not measured)
    assert page.count("there is no audio that could tell") == (0 if measured else 3)


def test_a_silent_video_has_no_audio_to_listen_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scenes: list[Scene] = []
    silent = tmp_path / "silent.mp4"
    with av.open(str(sample.path())) as read, av.open(str(silent), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for packet in itertools.islice(read.demux(video=0), 20):
            packet.stream = stream
            write.mux(packet)
    nobody = Found((), (), np.zeros((0, 3)), (), 0, Camera.from_fov(854, 480))
    monkeypatch.setattr(analysis, "find_people", lambda *_, **__: nobody)
    monkeypatch.setattr(analysis, "_run", lambda scene, _: (scenes.append(scene), ([], []))[1])
    assert "no audio: nothing is said of who speaks" in analysis.analyze_video(silent).warnings
    assert scenes[0].audio is None and scenes[0].speaking is None


@pytest.fixture(scope="module")
def syncnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow SyncNet with weights drawn at random, as a file of ours."""
    path = tmp_path_factory.mktemp("weights") / "syncnet.safetensors"
    arguments = {"narrower": 32, "features": 8}
    torch.manual_seed(0)
    card = CheckpointCard("gaze_following", "syncnet", arguments)
    checkpoint.save(path, syncnet(**arguments).state_dict(), card)
    return path


def talk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, net: SyncNet, *, of: int
) -> analysis.Analysis:
    """Two drawn faces of whom one, or neither, makes the audio, judged by a network."""
    audio = babble(of, 6.0)[0]
    louds = [babble(seed, 6.0)[1] for seed in (1, 2)]
    tracks = tuple(write_clip(tmp_path / "talk.mp4", Fraction(25), louds, audio))
    clock = np.stack([tracks[0].frame, tracks[0].time_s, tracks[0].end_s], axis=1)
    heard = Speech(np.full(188, 0.99, np.float32), *np.zeros((2, 600), np.float32))
    result = Found(tracks, (), clock, (), 0, Camera.from_fov(640, 360))
    monkeypatch.setattr(analysis, "find_people", lambda *_, **__: result)
    monkeypatch.setattr(analysis, "_listen", lambda *_: analysis._Heard(heard))
    opened = replace(SPEAKERS["syncnet"], create=lambda *_: LipSync(net, threads=1))
    monkeypatch.setitem(SPEAKERS, "syncnet", opened)  # type: ignore[arg-type]
    weights = tmp_path / "talk.mp4"  # any file: the network is given
    settings = Settings(
        systems=("gaze_following/ray",), speaker="syncnet", speaker_weights=str(weights)
    )
    return analysis.analyze_video(tmp_path / "talk.mp4", settings)


@pytest.mark.parametrize(("of", "speaker"), [(1, 1), (2, 2), (9, UNSEEN)])
def test_syncnet_tells_who_speaks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, of: int, speaker: int
) -> None:
    result = talk(monkeypatch, tmp_path, eyes_and_ears(), of=of)
    scores, spans = result.scores("speaking"), result.segments("speaking")
    assert scores.builder == spans.builder == "syncnet"
    assert set(spans.person.tolist()) == {speaker}
    for person in (1, 2):
        value = np.median(scores.value[scores.person == person])
        assert value > 0.9 if person == speaker else value < 0.1
    method = next(m for m in result.methods if m.system == "speech")
    assert method.summary == SPEAKERS["syncnet"].method.summary
    assert method.weights is not None and method.weights.startswith("talk.mp4 (sha256 ")


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_syncnet_is_opened_from_either_file(syncnet_file: Path, tmp_path: Path, kind: str) -> None:
    path = syncnet_file
    if kind == "theirs":
        path = tmp_path / "syncnet_v2.model"
        torch.save(their_tensors(), path)
    assert isinstance(SPEAKERS["syncnet"].create(str(path), "cpu"), LipSync)


def test_a_wrong_file_is_reported_before_people_are_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.safetensors"
    checkpoint.save(wrong, {"a": torch.zeros(1)}, CheckpointCard("eye_contact", "ms_tcn2", {}))

    def never(*_: object) -> Found:
        raise AssertionError("people were looked for")

    monkeypatch.setattr(analysis, "find_people", never)
    for speaker in ("syncnet", "lr_asd"):
        with pytest.raises(CheckpointError, match=r"wrong\.safetensors"):
            settings = Settings(speaker=speaker, speaker_weights=str(wrong))
            analysis.analyze_video(sample.path(), settings)


def test_the_way_and_its_weights_are_part_of_the_job(syncnet_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    arguments = {"narrower": 32, "features": 8}
    torch.manual_seed(1)
    card = CheckpointCard("gaze_following", "syncnet", arguments)
    checkpoint.save(other, syncnet(**arguments).state_dict(), card)
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(syncnet_file.read_bytes())
    files = (syncnet_file, other, moved)
    ways = [
        Settings(), Settings(speaker="lr_asd", speaker_weights=str(syncnet_file)),
        *(Settings(speaker="syncnet", speaker_weights=str(path)) for path in files),
    ]  # fmt: skip
    keys = [fingerprint(way, "0", "1") for way in ways]
    assert len(set(keys[:4])) == 4 and keys[4] == keys[2], "content counts, not where it lies"
