"""Parity numbers: tracks of the original code for drawn faces, and for the real clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import tracking
from eyeline.systems.gaze_following.tracking import overlap, track_faces

from .conftest import Golden

STILL = np.array([0.2, 0.2, 0.4, 0.4])


def test_drawn_faces(golden: Golden) -> None:
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


def test_overlap(golden: Golden) -> None:
    wanted = golden("tracking_crop")
    result = [overlap(a, b) for a, b in zip(wanted["iou_a"], wanted["iou_b"], strict=True)]
    np.testing.assert_allclose(result, wanted["iou"], atol=1e-12)
    assert overlap(np.zeros(4), np.zeros(4)) == 0


def test_the_real_clip(shared: Path) -> None:
    with np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz") as file:
        stored = dict(file)
    det = stored["det"]
    result = track_faces(det[:, 0].astype(int), det[:, 1:5], frames_read=int(stored["n_frames"]))
    assert len(result) == 4
    for track, frames, boxes in zip(
        result, stored["track_frames"], stored["track_boxes"], strict=True
    ):
        np.testing.assert_array_equal(track.frame, frames)
        np.testing.assert_array_equal(track.box_norm, boxes)


def still(frames: list[int], box: np.ndarray = STILL) -> tuple[np.ndarray, np.ndarray]:
    return np.array(frames), np.tile(box, (len(frames), 1))


def test_gaps_of_three_frames_are_bridged() -> None:
    frame, box = still([*range(80), *range(82, 130)])
    (track,) = track_faces(frame, box, frames_read=200)
    assert track.frame.tolist() == list(range(130))
    frame, box = still([*range(120), *range(123, 250)])
    assert len(track_faces(frame, box, frames_read=300)) == 2


def test_a_hundred_faces_are_too_few() -> None:
    assert not track_faces(*still(list(range(100))), frames_read=200)
    assert len(track_faces(*still(list(range(101))), frames_read=200)) == 1


def test_small_faces_are_left_out() -> None:
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


def test_no_faces() -> None:
    assert track_faces(np.zeros(0, int), np.zeros((0, 4)), frames_read=200) == []


def test_faces_beyond_the_last_frame_are_reported() -> None:
    with pytest.raises(DataError, match="reach frame 120, but 100 frames were read"):
        track_faces(*still(list(range(120))), frames_read=100)
    with pytest.raises(DataError, match="frame by frame"):
        track_faces(*still([3, 2, 1]), frames_read=100)


def test_pixels() -> None:
    track = tracking.FaceTrack(np.array([0]), np.array([[0.1, 0.2, 0.3, 0.4]]))
    np.testing.assert_allclose(track.xyxy(100, 50), [[20, 5, 40, 15]])
