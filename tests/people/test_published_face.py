"""The mapping to the published face box, against the boxes that the authors stored of clip 012."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.geometry import boxes
from eyeline.geometry.camera import Camera
from eyeline.people.find import find_people
from eyeline.people.published_face import mapped, published_face
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots


def test_by_hand() -> None:
    box = np.array([[10.0, 20.0, 30.0, 60.0]])
    found = mapped(box, np.array([np.pi / 2]), (1.5, 1.2, 0.1, 0.2))
    assert found == pytest.approx(np.array([[1.0, 12.0, 31.0, 60.0]]))


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
