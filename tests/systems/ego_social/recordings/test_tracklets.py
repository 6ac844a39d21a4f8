"""Data points as the original makes them of annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.systems.ego_social.recordings.annotations import (
    Annotations,
    Segment,
    Track,
    looks_at_me,
    read_annotations,
)
from eyeline.systems.ego_social.recordings.tracklets import (
    face_counts,
    faces_by_person,
    filled,
    pieces,
    talks,
)
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import annotated, document

CLIPS = {"train": ["train-01-0", "train-01-1"], "val": ["val-02-0"]}


@pytest.fixture
def both(tmp_path: Path) -> Annotations:
    return read_annotations(annotated(tmp_path))


@pytest.mark.parametrize("part", ["train", "val"])
def test_samples_are_the_originals(both: Annotations, part: str) -> None:
    expected = document(golden("tracklets"), f"{part}.samples")
    result = []
    for clip in both.chosen(CLIPS[part]):
        for track in clip.tracks:
            boxes = filled(track)
            label = looks_at_me(clip, track.person, boxes.frame)
            columns = zip(
                boxes.frame.tolist(), boxes.box_xyxy.tolist(), label.tolist(), strict=True
            )
            result += [[clip.uid, track.track_id, f, box, y] for f, box, y in columns]
    result.sort(key=lambda row: row[:3])
    assert [[*row[:3], row[4]] for row in result] == [[*row[:3], row[4]] for row in expected]
    difference = np.array([r[3] for r in result]) - np.array([r[3] for r in expected])
    assert np.abs(difference).max() < 1e-9
    assert {row[4] for row in result} == {0, 1}


@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize("stride", [1, 3, 13])
def test_key_frames_are_the_originals(both: Annotations, part: str, stride: int) -> None:
    result = [
        [clip.uid, track.track_id, frame]
        for clip in both.chosen(CLIPS[part])
        for track in clip.tracks
        for boxes in [filled(track)]
        for frame in boxes.frame[::stride].tolist()
    ]
    assert sorted(result) == document(golden("tracklets"), f"{part}.key.stride{stride}")


@pytest.mark.parametrize("sort", [True, False])
def test_a_track_out_of_order(sort: bool) -> None:
    numbers = golden("tracklets")
    rows = document(numbers, "check.in")
    frame = np.array([row["frameNumber"] for row in rows])
    box = np.array([[row[k] for k in ("x", "y", "width", "height")] for row in rows])
    result = filled(Track("t", "1", frame, box), sort=sort)
    expected = document(numbers, f"check.out_{'' if sort else 'un'}sorted")
    assert result.frame.tolist() == [row["frameNumber"] for row in expected]
    corners = np.array([[row[k] for k in ("x", "y", "width", "height")] for row in expected])
    assert np.abs(result.box_xyxy[:, :2] - corners[:, :2]).max() < 1e-9


def test_tracks_of_nothing_and_of_one() -> None:
    nothing = filled(Track("t", "1", np.zeros(0, np.int64), np.zeros((0, 4))))
    assert nothing.frame.shape == (0,) and nothing.box_xyxy.shape == (0, 4)
    one = filled(Track("t", "1", np.array([0, 5]), np.array([[1.0, 2, 3, 4], [-2, 1, 5, 6]])))
    assert one.frame.tolist() == [5] and one.box_xyxy.tolist() == [[0, 1, 5, 7]]


@pytest.mark.parametrize("part", ["train", "val"])
def test_pieces_of_talk_are_the_originals(both: Annotations, part: str) -> None:
    result = [
        [s.clip, int(s.person), s.label, s.start_frame, s.end_frame, s.segment]
        for clip in both.chosen(CLIPS[part])
        for s in talks(clip, training=part == "train")
    ]
    assert result == document(golden("tracklets"), f"ttm.{part}.segments")


@pytest.mark.parametrize("part", ["train", "val"])
def test_faces_by_person_are_the_originals(both: Annotations, part: str) -> None:
    expected = document(golden("tracklets"), f"ttm.{part}.boxes")
    for clip in both.chosen(CLIPS[part]):
        result = {
            f"{frame}:{person}": box
            for person, faces in faces_by_person(clip).items()
            for frame, box in faces.items()
        }
        assert result.keys() == expected[clip.uid].keys()
        for key, box in expected[clip.uid].items():
            np.testing.assert_allclose(result[key], box, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (5, 5, [(5, 5)]),
        (0, 149, [(0, 149)]),
        (0, 150, [(0, 150)]),  # 151 frames are one piece still
        (0, 298, [(0, 150)]),  # 299: all beyond the first piece is lost
        (10, 309, [(10, 160), (160, 309)]),  # 300: the second piece has one frame less
        (10, 310, [(10, 160), (160, 310)]),
    ],
)
def test_where_long_segments_are_cut(start: int, end: int, expected: list[tuple[int, int]]) -> None:
    assert pieces(start, end) == expected


def test_whole_segments_and_their_faces(both: Annotations) -> None:
    clip = both.clips["train-01-0"]
    whole = talks(clip, whole=True)
    assert [(s.start_frame, s.end_frame, s.segment) for s in whole] == [
        (19, 21, 0), (32, 51, 2), (13, 52, 3), (16, 166, 4), (31, 331, 5),
    ]  # fmt: skip
    frames = {p: {*faces} for p, faces in faces_by_person(clip).items()}
    expected = [len(frames[s.person] & {*range(s.start_frame, s.end_frame + 1)}) for s in whole]
    assert face_counts(clip, whole).tolist() == expected
    assert any(expected) and all(n < 60 for n in expected)


def test_the_flag_decides_when_it_is_asked(both: Annotations) -> None:
    clip = both.clips["train-01-0"]
    flagged = type(clip)(
        clip.uid, clip.video_uid, clip.span_s, clip.tracks, clip.looking,
        (Segment("1", 0, 9, "0", False), Segment("1", 20, 29, None, True)),
    )  # fmt: skip
    assert [s.label for s in talks(flagged)] == [1, 0]
    assert [s.label for s in talks(flagged, policy="is_at_me")] == [0, 1]
