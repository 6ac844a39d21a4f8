"""The mapping to the published face box, against the boxes that the authors stored of clip 012."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.geometry import boxes
from eyeline.geometry.camera import Camera
from eyeline.people.detect import head_box
from eyeline.people.find import find_people
from eyeline.people.published_face import BoxMapping, mapped, published_face
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots
from tests.people import build


def test_by_hand() -> None:
    box = np.array([[10.0, 20.0, 30.0, 60.0]])
    result = mapped(box, np.array([np.pi / 2]), BoxMapping(1.5, 1.2, 0.1, 0.2))
    assert result == pytest.approx(np.array([[1.0, 12.0, 31.0, 60.0]]))


def test_heads_in_bodies_are_mapped_as_their_faces() -> None:
    """What was grown to a head is the face again; boxes of the user's stay as they are."""
    face = build.track(range(5), yaw=0.4, box_source="centerface")
    head = head_box(face.box_xyxy)
    face = replace(face, head_xyxy=head)
    result = published_face(replace(face, box_xyxy=head))
    np.testing.assert_allclose(result, published_face(face), rtol=0, atol=1e-6)
    given = replace(face, box_xyxy=head, box_source="given")
    np.testing.assert_array_equal(published_face(given), head)
    assert boxes.size(result)[0] < 0.85 * boxes.size(head)[0]


def test_each_detector_has_its_own_constants() -> None:
    face = build.track(range(5), box_source="centerface")
    face = replace(face, head_xyxy=head_box(face.box_xyxy))
    others = published_face(replace(face, box_source="mmod"))
    assert np.abs(others - published_face(face)).max() > 0.02 * boxes.size(face.box_xyxy)[0]


@pytest.mark.slow
def test_meets_the_stored_boxes(shared: Path) -> None:
    reader = VideoReader(shared / "reference/vgs/data/video/012.mp4")
    stored = np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz")
    theirs = stored["track_boxes"][..., [1, 0, 3, 2]] * np.array([1280, 720, 1280, 720])
    overlap, plain, error = [], [], []
    for track in find_people(mark_shots(reader), Camera.from_fov(1280, 720)).tracks:
        ours = published_face(track)
        k = int(boxes.iou(np.median(ours, 0)[None], np.median(theirs, 1))[0].argmax())
        _, a, b = np.intersect1d(track.frame, stored["track_frames"][k], return_indices=True)
        overlap.append(np.diag(boxes.iou(ours[a], theirs[k][b])))
        plain.append(np.diag(boxes.iou(track.box_xyxy[a], theirs[k][b])))
        gap = boxes.centre(ours[a]) - boxes.centre(theirs[k][b])
        error.append(np.linalg.norm(gap, axis=1) / boxes.size(theirs[k][b]))
    assert len(overlap) == 4
    assert np.median(np.concatenate(overlap)) >= 0.85 > np.median(np.concatenate(plain))
    assert all(np.median(a) > np.median(b) for a, b in zip(overlap, plain, strict=True))
    assert np.median(np.concatenate(error)) < 0.06
