"""Parity numbers of the original: tracks for drawn faces and the real clip, head boxes and maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.geometry import boxes
from eyeline.speech.syncnet.crops import Squares, squares
from eyeline.systems.gaze_following import tracking
from eyeline.systems.gaze_following.heads import Heads, aligned, ellipse, heads, maps
from eyeline.systems.gaze_following.tracking import track_faces

from .conftest import Golden

STILL = np.array([0.2, 0.2, 0.4, 0.4])


def test_drawn_faces_and_overlap(golden: Golden) -> None:
    wanted = golden("tracking_crop")
    det = wanted["det"]
    result = track_faces(
        det[:, 0].astype(int), det[:, 1:5], frames_read=int(wanted["det_n_frames"]),
        least_faces=int(wanted["min_track"]), drop_last_of_shot=False,
    )  # fmt: skip
    assert len(result) == wanted["n_tracks"]
    for i, track in enumerate(result):
        np.testing.assert_array_equal(track.frame, wanted[f"track{i}_frames"])
        np.testing.assert_array_equal(track.box_norm, wanted[f"track{i}_boxes"])
    wanted = golden("tracking_crop")
    pairs = zip(wanted["iou_a"], wanted["iou_b"], strict=True)
    result = [boxes.iou(a[None], b[None])[0, 0] for a, b in pairs]
    np.testing.assert_allclose(result, wanted["iou"], atol=1e-12)


def test_the_real_clip(shared: Path) -> None:
    with np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz") as file:
        stored = dict(file)
    det = stored["det"]
    result = track_faces(det[:, 0].astype(int), det[:, 1:5], frames_read=int(stored["n_frames"]))
    assert len(result) == 4
    for track, frames, places in zip(
        result, stored["track_frames"], stored["track_boxes"], strict=True
    ):
        np.testing.assert_array_equal(track.frame, frames)
        np.testing.assert_array_equal(track.box_norm, places)


def still(frames: list[int], box: np.ndarray = STILL) -> tuple[np.ndarray, np.ndarray]:
    return np.array(frames), np.tile(box, (len(frames), 1))


def test_gaps_of_three_frames_are_bridged() -> None:
    frame, box = still([*range(80), *range(82, 130)])
    (track,) = track_faces(frame, box, frames_read=200)
    assert track.frame.tolist() == list(range(130))
    frame, box = still([*range(120), *range(123, 250)])
    assert len(track_faces(frame, box, frames_read=300)) == 2


def test_few_and_small_faces_are_left_out() -> None:
    assert not track_faces(*still(list(range(100))), frames_read=200)
    assert len(track_faces(*still(list(range(101))), frames_read=200)) == 1
    box = np.array([0.2, 0.2, 0.25, 0.4])
    assert not track_faces(*still(list(range(150)), box), frames_read=200)


def test_tracks_end_at_cuts() -> None:
    result = track_faces(*still(list(range(300))), frames_read=300, cuts=[0, 150])
    assert [(t.frame[0], t.frame[-1]) for t in result] == [(0, 148), (150, 298)]
    whole = track_faces(*still(list(range(300))), frames_read=300, cuts=[150], least_faces=20,
                        drop_last_of_shot=False)  # fmt: skip
    assert [(t.frame[0], t.frame[-1]) for t in whole] == [(0, 149), (150, 299)]


def test_the_face_behind_one_that_was_taken_is_passed_over() -> None:
    """Two faces of one place in a frame: the second is not seen by the pass that took the first."""
    frame = np.repeat(np.arange(120), 2)
    box = np.tile(STILL, (240, 1)) + 0.001 * (np.arange(240) % 2)[:, None]
    result = track_faces(frame, box, frames_read=121)
    assert [len(track.frame) for track in result] == [120, 120]
    np.testing.assert_allclose(result[0].box_norm, np.tile(STILL, (120, 1)))


def test_faces_that_lack_or_lie_beyond_and_pixels() -> None:
    assert track_faces(np.zeros(0, int), np.zeros((0, 4)), frames_read=200) == []
    with pytest.raises(DataError, match="reach frame 120, but 100 frames were read"):
        track_faces(*still(list(range(120))), frames_read=100)
    with pytest.raises(DataError, match="frame by frame"):
        track_faces(*still([3, 2, 1]), frames_read=100)
    track = tracking.FaceTrack(np.array([0]), np.array([[0.1, 0.2, 0.3, 0.4]]))
    np.testing.assert_allclose(track.xyxy(100, 50), [[20, 5, 40, 15]])


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


def test_heads_outside_and_overlapping() -> None:
    assert ellipse(-500, -500, 30, (60, 40), published=True).sum() == 0
    two = Heads(np.array([20, 22]), np.array([20, 20]), np.array([10, 10]))
    assert set(np.unique(maps(two, np.zeros(2, bool), (50, 40)).others)) == {0, 255}
    published = maps(two, np.zeros(2, bool), (50, 40), published=True)
    assert set(np.unique(published.others)) == {0, 254, 255}


def test_nobody_and_several_speak_and_fractions_are_cut() -> None:
    two = Heads(np.array([10, 40]), np.array([20, 20]), np.array([10, 10]))
    silent = maps(two, np.zeros(2, bool), (60, 40))
    assert not silent.speaker.any() and silent.others.any()
    both = maps(two, np.ones(2, bool), (60, 40))
    assert not both.others.any() and (both.speaker == silent.others).all()
    result = heads(Squares(np.array([11.9]), np.array([-3.7]), np.array([8.2])))
    assert result.box_xyxy.tolist() == [[-3 - 19, 8 - 19, -3 + 19, 8 + 19]]


def test_unequal_tracks_are_reported() -> None:
    tracks = [Squares(*np.ones((3, 50))), Squares(*np.ones((3, 30)))]
    with pytest.raises(DataError, match="track 1 has 30 frames"):
        aligned(tracks, 48, 100)
    assert aligned(tracks[::-1], 48, 100).x_px.shape == (2, 30)
    with pytest.raises(DataError, match="no tracks"):
        aligned([], 3, 3)
