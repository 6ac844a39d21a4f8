"""Parity numbers: head boxes and maps of the original code, and head boxes of the real clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.speech.syncnet.crops import Squares, squares
from eyeline.systems.gaze_following.heads import Heads, aligned, ellipse, heads, maps
from eyeline.systems.gaze_following.tracking import track_faces

from .conftest import Golden


def test_ellipses(golden: Golden) -> None:
    wanted = golden("facemap_fusion")
    height, width = (int(n) for n in wanted["blob_hw"])
    for case, packed in zip(wanted["blob_cases"], wanted["blobs"], strict=True):
        x, y, half = (int(v) for v in case)
        mask = np.unpackbits(packed, count=height * width).reshape(height, width)
        result = ellipse(x, y, half, (width, height), published=True)
        np.testing.assert_array_equal(result, mask)


def test_maps(golden: Golden) -> None:
    wanted = golden("facemap_fusion")
    height, width = (int(n) for n in wanted["hw"])
    tracks = [Squares(*sxy) for sxy in wanted["tracks_sxy"]]
    result = aligned(tracks, len(wanted["whospeaks"]), int(wanted["n_video_frames"]))
    np.testing.assert_array_equal(result.box_xyxy, wanted["frame_faces_boxes"])
    np.testing.assert_array_equal(result.corners_px, wanted["faces_bboxes"])
    for f, speaker in enumerate(wanted["whospeaks"]):
        frame = Heads(*(column[:, f] for column in result))
        drawn = maps(frame, np.arange(len(tracks)) == speaker, (width, height), published=True)
        np.testing.assert_array_equal(drawn.speaker, wanted["speaker_maps"][f])
        np.testing.assert_array_equal(drawn.others, wanted["nonspeaker_maps"][f])


def test_from_faces_to_head_boxes_of_the_real_clip(shared: Path) -> None:
    with np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz") as file:
        stored = dict(file)
    det = stored["det"]
    tracks = track_faces(det[:, 0].astype(int), det[:, 1:5], frames_read=int(stored["n_frames"]))
    places = [squares(track.xyxy(1280, 720), "published") for track in tracks]
    for i, place in enumerate(places):
        for ours, theirs in zip(place, "sxy", strict=True):
            np.testing.assert_array_equal(ours, stored[f"crop_{theirs}"][i])
    result = aligned(places, len(stored["whospeaks"]), 396)
    np.testing.assert_array_equal(result.box_xyxy, stored["head_boxes"])


def test_heads_at_the_border_stay_in_the_image() -> None:
    mask = ellipse(2, 3, 20, (60, 40))
    assert mask[:18, :15].any() and not mask[25:].any() and not mask[:, 20:].any()
    wrapped = ellipse(2, 3, 20, (60, 40), published=True)
    assert wrapped[-5:].any() and wrapped[:, -5:].any()
    assert not ellipse(-90, 10, 20, (60, 40)).any()
    assert not ellipse(10, 10, 0, (60, 40)).any()


def test_a_head_far_outside_is_no_error() -> None:
    assert ellipse(-500, -500, 30, (60, 40), published=True).sum() == 0


def test_overlapping_heads() -> None:
    two = Heads(np.array([20, 22]), np.array([20, 20]), np.array([10, 10]))
    assert set(np.unique(maps(two, np.zeros(2, bool), (50, 40)).others)) == {0, 255}
    published = maps(two, np.zeros(2, bool), (50, 40), published=True)
    assert set(np.unique(published.others)) == {0, 254, 255}


def test_nobody_and_several_speak() -> None:
    two = Heads(np.array([10, 40]), np.array([20, 20]), np.array([10, 10]))
    silent = maps(two, np.zeros(2, bool), (60, 40))
    assert not silent.speaker.any() and silent.others.any()
    both = maps(two, np.ones(2, bool), (60, 40))
    assert not both.others.any() and (both.speaker == silent.others).all()


def test_fractions_are_cut_off_twice() -> None:
    result = heads(Squares(np.array([11.9]), np.array([-3.7]), np.array([8.2])))
    assert result.box_xyxy.tolist() == [[-3 - 19, 8 - 19, -3 + 19, 8 + 19]]


def test_unequal_tracks_are_reported() -> None:
    tracks = [Squares(*np.ones((3, 50))), Squares(*np.ones((3, 30)))]
    with pytest.raises(DataError, match="track 1 has 30 frames"):
        aligned(tracks, 48, 100)
    assert aligned(tracks[::-1], 48, 100).x_px.shape == (2, 30)
    with pytest.raises(DataError, match="no tracks"):
        aligned([], 3, 3)
