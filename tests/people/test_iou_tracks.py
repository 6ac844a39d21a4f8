"""The demo's tracker against the numbers of the original code, and with one face a track."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.people.iou_tracks import IouTracks
from eyeline.results import Floats

GOLDEN = Path(__file__).parent / "golden" / "iou_tracker.npz"


def box(*left: float) -> Floats:
    """Boxes 100 px wide and high at the given places."""
    return np.array([[x, 0, x + 100, 100] for x in left], np.float64).reshape(-1, 4)


def test_faces_join_the_tracks_of_the_original() -> None:
    with np.load(GOLDEN) as file:
        frozen = dict(file)
    tracks = IouTracks(float(frozen["iou_threshold"]), one_to_one=False)
    result: list[int] = []
    start: dict[int, int] = {}
    for frame in np.unique(frozen["frame"]):
        taken = tracks.update(frozen["box"][frozen["frame"] == frame].astype(float))
        start |= {track: int(frame) for track in taken if track not in start}
        result += taken
    assert result == frozen["tracklet_of_detection"].tolist()
    assert [start[track] for track in range(tracks.count)] == frozen["tracklet_start"].tolist()
    assert np.bincount(result).tolist() == frozen["tracklet_len"].tolist()
    active = [track in tracks.active for track in range(tracks.count)]
    assert active == frozen["tracklet_active"].tolist()


def test_two_faces_of_a_frame_fraction_a_track_only_as_published() -> None:
    for one_to_one, expected in ((False, [0, 0]), (True, [1, 0])):
        tracks = IouTracks(one_to_one=one_to_one)
        tracks.update(box(0))
        assert tracks.update(box(20, 5)) == expected


def test_the_pairs_that_overlap_most_come_first() -> None:
    tracks = IouTracks()
    tracks.update(box(0, 30))
    assert tracks.update(box(28, 20)) == [1, 0]


def test_a_track_without_a_face_has_ended() -> None:
    tracks = IouTracks()
    assert tracks.update(box(0)) == [0]
    assert tracks.update(box()) == []
    assert not tracks.active
    assert tracks.update(box(0)) == [1]


def test_an_overlap_of_just_the_limit_is_too_little() -> None:
    tracks = IouTracks(0.25)
    tracks.update(box(0))
    assert tracks.update(box(60)) == [1]
    assert tracks.update(box(119)) == [1]


def test_a_new_shot_ends_all_tracks() -> None:
    tracks = IouTracks()
    tracks.update(box(0))
    tracks.restart()
    assert tracks.update(box(0)) == [1]


def test_a_limit_that_no_overlap_exceeds_is_refused() -> None:
    with pytest.raises(UsageError, match="overlap"):
        IouTracks(1.0)
