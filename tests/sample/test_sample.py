"""The packaged sample is what its truth says, as the front end and the ears hear and see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline import sample

ROOT = Path(__file__).parents[2]
TRUTH = sample.truth()
PERSONS = TRUTH["persons"]


def frames_in(spans: list[dict[str, Any]]) -> np.ndarray:
    """Which frames lie in any of the spans `(frames,)`."""
    time_s = (np.arange(TRUTH["frames"]) + 0.5) / TRUTH["rate_hz"]
    inside = [(time_s >= span["start_s"]) & (time_s < span["end_s"]) for span in spans]
    return np.any(inside, axis=0)


def test_the_licence_is_stated() -> None:
    assert "NASA" in sample.LICENCE and "public domain" in sample.LICENCE


def test_the_video_is_what_the_truth_says() -> None:
    from eyeline.video.reader import VideoReader

    reader = VideoReader(sample.path())
    count = sum(1 for _ in reader)
    assert count == TRUTH["frames"]
    assert (reader.info.width_px, reader.info.height_px) == (TRUTH["width_px"], TRUTH["height_px"])
    assert float(reader.info.rate_hz) == TRUTH["rate_hz"]
    assert reader.info.has_audio and not reader.info.damage


@pytest.mark.parametrize("person", PERSONS, ids=lambda p: f"person {p['person']}")
def test_heads_are_turned_to_what_is_looked_at(person: dict[str, Any]) -> None:
    yaw = np.array(person["yaw_deg"])
    assert len(yaw) == TRUTH["frames"]
    towards = 1 if person["person"] == 1 else -1
    for look in person["looks"]:
        turned = yaw[frames_in([look])] * towards
        if look["target"] == "camera":
            assert np.abs(turned).max() < 6
        elif look["target"] == "off screen":
            assert turned.max() < -20
        else:
            assert turned.min() > 35


def test_all_kinds_of_looks_and_turns_are_played() -> None:
    for person in PERSONS:
        assert {look["target"] for look in person["looks"]} == {
            "camera", "off screen", f"person {3 - person['person']}"
        }  # fmt: skip
        ends = [look["end_s"] for look in person["looks"]]
        starts = [look["start_s"] for look in person["looks"]]
        assert all(a < b for a, b in zip(ends[:-1], starts[1:], strict=True))
    looks = [
        frames_in([s for s in p["looks"] if s["target"].startswith("person")]) for p in PERSONS
    ]
    assert (looks[0] & looks[1]).sum() > 2 * TRUTH["rate_hz"], "two seconds of mutual gaze"
    speech = [frames_in(person["speaks"]) for person in PERSONS]
    assert not (speech[0] & speech[1]).any()
    assert (~(speech[0] | speech[1])).sum() > 2 * TRUTH["rate_hz"], "two seconds of silence"


@pytest.mark.parametrize("person", PERSONS, ids=lambda p: f"person {p['person']}")
def test_mouths_move_when_they_speak(person: dict[str, Any]) -> None:
    mouth, speaks = np.array(person["mouth"]), frames_in(person["speaks"])
    assert mouth[speaks].std() > 0.1
    assert np.abs(mouth[~np.convolve(speaks, np.ones(5), "same").astype(bool)]).max() < 0.05


def test_what_is_said_sounds_like_speech() -> None:
    from eyeline.speech.voice import listen
    from eyeline.video.audio import read_audio

    speech = listen(read_audio(sample.path(), 16000, start_s=0.0))
    time_s, voice = (np.arange(len(speech.voice)) + 0.5) * 512 / 16000, speech.voice
    said = [(s["start_s"], s["end_s"]) for person in PERSONS for s in person["speaks"]]
    inside = np.any([(time_s > a) & (time_s < b) for a, b in said], axis=0)
    outside = np.all([(time_s < a - 0.1) | (time_s > b + 0.25) for a, b in said], axis=0)
    assert (voice[inside] > 0.5).mean() > 0.95
    assert (voice[outside] > 0.5).mean() < 0.05


@pytest.fixture(scope="module")
def tracks() -> list[Any]:
    """What the front end finds in every fifth frame, from left to right."""
    from eyeline.geometry.camera import Camera
    from eyeline.people.find import find_people
    from eyeline.video.reader import VideoReader
    from eyeline.video.shots import mark_shots

    reader = VideoReader(sample.path(), rate_hz=5)
    camera = Camera.from_fov(TRUTH["width_px"], TRUTH["height_px"])
    result = find_people(mark_shots(iter(reader)), camera)
    assert len(result.persons) == 2
    return sorted(result.tracks, key=lambda track: float(track.box_xyxy[:, 0].mean()))


def test_both_faces_are_found_all_the_time(tracks: list[Any]) -> None:
    assert len(tracks) == 2
    for track in tracks:
        assert len(track) == TRUTH["frames"] // 5
        assert track.detected.mean() > 0.95


def test_measured_heads_follow_the_play(tracks: list[Any]) -> None:
    for person, track in zip(PERSONS, tracks, strict=True):
        yaw = np.array(person["yaw_deg"])[track.frame]
        assert np.corrcoef(track.yaw_rad, yaw)[0, 1] > 0.98
        nose_px = track.six_px[:, 4:6, 0].mean(axis=1) - track.six_px[:, :4, 0].mean(axis=1)
        assert np.corrcoef(nose_px, np.sin(np.radians(yaw)))[0, 1] > 0.95


def test_measured_eyes_lie_where_they_were_drawn(tracks: list[Any]) -> None:
    for person, track in zip(PERSONS, tracks, strict=True):
        drawn = np.array(person["eyes_px"])[track.frame]
        width_px = track.box_xyxy[:, 2] - track.box_xyxy[:, 0]
        off = np.linalg.norm(track.eyes_px - drawn, axis=1) / width_px
        assert np.median(off) < 0.08 and off.max() < 0.2


def test_measured_mouths_follow_the_play(tracks: list[Any]) -> None:
    for person, track in zip(PERSONS, tracks, strict=True):
        seen = ~np.isnan(track.mouth_open)
        mouth = np.array(person["mouth"])[track.frame]
        assert seen.mean() > 0.8
        assert np.corrcoef(track.mouth_open[seen], mouth[seen])[0, 1] > 0.8


def test_the_script_renders_this_very_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import av
    import make_sample
    from sample_parts import play, scene

    parts = tuple(play.part(role) for role in play.ROLES)
    people = scene.seats(make_sample.photo())
    k = 75
    drawn = make_sample.frame(k, parts, people, scene.backdrop()).astype(float)
    with av.open(str(sample.path())) as container:
        shown = [
            f.to_ndarray(format="rgb24")
            for f, _ in zip(container.decode(video=0), range(k + 1), strict=False)
        ]
    assert make_sample.truth(parts, people) == TRUTH
    noise = np.mean((shown[k] - drawn) ** 2)
    assert 10 * np.log10(255**2 / noise) > 33
