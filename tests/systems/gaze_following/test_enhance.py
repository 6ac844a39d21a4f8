from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.people.tracks import Track
from eyeline.results import Scores
from eyeline.systems.gaze_following.enhance import Enhanced
from tests.speech.synthesis import make_track

GREY = np.full((480, 640, 3), 60, np.uint8)


@dataclass
class Plain:
    index: int

    def rgb(self) -> np.ndarray:
        return GREY


def two_tracks() -> list[Track]:
    """The second one begins at frame 5."""
    first, second = (make_track(k + 1, np.arange(10) / 25, np.zeros(10)) for k in range(2))
    return [first, replace(second, frame=second.frame + 5)]


def speaking(tracks: list[Track], values: list[float]) -> Scores:
    frame = np.concatenate([t.frame for t in tracks])
    person = np.concatenate([np.full(len(t), t.person) for t in tracks])
    value = np.repeat(values, [len(t) for t in tracks])
    return Scores("speech", "syncnet", "speaking", 0.5, frame, frame / 25, person, value)


def brightness(enhanced: Enhanced, frame: int, track: int) -> int:
    x, y = 245 + 200 * track, 160
    return int(enhanced.image(Plain(frame))[y, x, 0])  # type: ignore[arg-type]


def test_speakers_are_brighter_than_listeners() -> None:
    tracks = two_tracks()
    enhanced = Enhanced(tracks, speaking(tracks, [0.9, 0.1]))
    assert brightness(enhanced, 7, 0) == 60 + 178
    assert brightness(enhanced, 7, 1) == 60 + 90
    assert brightness(enhanced, 2, 1) == brightness(enhanced, 12, 0) == 60, "not there then"
    alike = Enhanced(tracks, speaking(tracks, [0.9, 0.1]), "h")
    assert brightness(alike, 7, 0) == brightness(alike, 7, 1) == 60 + 128


def test_nobody_and_everybody_speak() -> None:
    tracks = two_tracks()
    for values, wanted in (([np.nan, 0.2], 150), ([0.5, 0.7], 238)):
        enhanced = Enhanced(tracks, speaking(tracks, values))
        assert {brightness(enhanced, 7, k) for k in range(2)} == {wanted}
    assert brightness(Enhanced(tracks, None), 7, 0) == 150


def test_frames_without_heads_are_left() -> None:
    assert Enhanced([], None).image(Plain(3)) is GREY  # type: ignore[arg-type]
    tracks = two_tracks()
    assert Enhanced(tracks, None).image(Plain(99)) is GREY  # type: ignore[arg-type]
    assert Enhanced(tracks, None, "none").image(Plain(7)) is GREY  # type: ignore[arg-type]
    assert (GREY == 60).all()


def test_faults_are_reported() -> None:
    tracks = two_tracks()
    with pytest.raises(DataError, match="10 answers on who speaks for 20 faces"):
        Enhanced(tracks, speaking(tracks[:1], [1.0]))
    with pytest.raises(UsageError, match="no fusion"):
        Enhanced(tracks, None, "sh")  # type: ignore[arg-type]
