"""Other detectors and trackers than the usual ones, chosen by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyeline.errors import CheckpointError, UsageError
from eyeline.geometry.camera import Camera
from eyeline.people import follow, landmarks
from eyeline.people.detect import CenterFace
from eyeline.people.find import Found, find_people, make_detector
from eyeline.people.given import Given
from eyeline.people.mmod import Mmod, MmodMeasure
from eyeline.results import Image
from eyeline.video.reader import VideoReader
from tests.people.faces import FakeFrame, Scripted
from tests.refusals import refuses

CAMERA = Camera(600, 600, 160, 120)


@pytest.fixture(scope="module")
def mmod() -> Mmod:
    return Mmod()


@dataclass(frozen=True)
class Cut:
    """A real image: a small one, for the detector takes seconds for a whole frame."""

    index: int
    pixels: Image

    def rgb(self) -> Image:
        return self.pixels

    def gray(self) -> Image:
        return np.asarray(self.pixels.mean(axis=2), np.uint8)

    def small_rgb(self, width: int, height: int) -> Image:
        import cv2

        small = cv2.resize(self.pixels, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)


@pytest.fixture(scope="module")
def couch(interview: Path) -> Any:
    """Two of the four people."""
    whole = next(iter(VideoReader(interview))).rgb()
    return Cut(0, np.ascontiguousarray(whole[100:324, 100:580]))


def found(
    script: dict[int, list[tuple[float, float, float]]], tracker: str, **options: float
) -> tuple[Found, int]:
    detector = Scripted(script)
    frames = [(FakeFrame(n), n == 0) for n in range(20)]
    answer = find_people(frames, CAMERA, detector, tracker=tracker, **options)  # type: ignore[arg-type]
    return answer, len(detector.searched)


def test_the_iou_tracker_searches_every_frame_and_forgets_at_once() -> None:
    """A face missed for one frame goes on with ours and is another track with the demo's."""
    script = {n: [(100.0, 100.0, 0.9)] for n in range(20) if n != 10}
    theirs, searched = found(script, "iou")
    assert searched == 20
    assert sorted(len(track) for track in theirs.tracks) == [9, 10]
    ours, fewer = found(script, "ours")
    assert fewer < 20
    assert [len(track) for track in ours.tracks] == [20]


def test_the_overlap_that_joins_a_face_to_a_track_can_be_chosen() -> None:
    """The face jumps once by a part of its width."""
    script = {n: [(100.0 if n < 10 else 113.0, 100.0, 0.9)] for n in range(20)}
    for least, lengths in ((0.05, [20]), (0.95, [10, 10])):
        tracks = found(script, "iou", iou=least)[0].tracks
        assert sorted(len(track) for track in tracks) == lengths


def test_an_assumed_axis_is_judged_from_the_eyes_and_a_known_one_is_kept() -> None:
    """Faces stand at a height of 100 pixels: the assumed axis moves there, heads look less down."""
    frames = [(FakeFrame(n), n == 0) for n in range(20)]

    def people(axis_known: bool) -> Found:
        detector = Scripted({n: [(100.0, 100.0, 0.9)] for n in range(20)})
        return find_people(frames, CAMERA, detector, axis_known=axis_known)  # type: ignore[arg-type]

    known, judged = people(True), people(False)
    assert known.camera == CAMERA
    eyes_y = float(np.median(judged.tracks[0].eyes_px[:, 1]))
    assert abs(judged.camera.cy_px - eyes_y) < abs(CAMERA.cy_px - eyes_y)
    turn = judged.tracks[0].pitch_rad - known.tracks[0].pitch_rad
    assert (np.sign(turn) == np.sign(CAMERA.cy_px - eyes_y)).all()


def test_names_that_are_not_there_are_refused() -> None:
    refuses(UsageError, "centerface, mmod", lambda: make_detector("yunet"))
    refuses(UsageError, "ours, iou", lambda: found({}, "sort"))
    given = Given("boxes.txt", {0: [(1, 0, 0, 10, 10, 1.0)]})
    with pytest.raises(UsageError, match="whose they are"):
        find_people([], CAMERA, Scripted({}), given, tracker="iou")  # type: ignore[arg-type]


def test_detectors_are_made_by_name() -> None:
    assert isinstance(make_detector("centerface"), CenterFace)
    assert isinstance(make_detector("mmod"), Mmod)
    own = Scripted({})
    assert make_detector(own) is own  # type: ignore[arg-type, comparison-overlap]


def test_mmod_finds_who_centerface_finds(mmod: Mmod, couch: Any) -> None:
    theirs, ours = mmod.detect(couch), CenterFace().detect(couch)
    assert len(theirs) == len(ours) == 2
    order = [np.argsort(faces.box_xyxy[:, 0]) for faces in (theirs, ours)]
    five = [faces.five_px[rows] for faces, rows in zip((theirs, ours), order, strict=True)]
    eyes = np.linalg.norm(five[0][:, :2].mean(1) - five[1][:, :2].mean(1), axis=1)
    assert (eyes < 25).all()
    assert ((theirs.score >= 0.6) & (theirs.score < 1)).all()
    assert (np.diff(theirs.score) <= 0).all()
    np.testing.assert_array_equal(theirs.box_xyxy, np.round(theirs.box_xyxy))


def test_mmod_sees_the_image_in_bgr_and_in_its_size(couch: Any) -> None:
    detector, seen = Mmod(), []
    detector._detect = lambda image, larger: seen.append((image, larger)) or []
    assert len(detector.detect(couch)) == 0
    ((image, larger),) = seen
    np.testing.assert_array_equal(image, couch.rgb()[..., ::-1])
    assert larger == 0


def test_its_landmarks_are_measured_as_they_are(mmod: Mmod, couch: Any) -> None:
    """The six points of a track are those that dlib finds in the detector's rectangle."""
    faces = mmod.detect(couch)
    box, five = faces.box_xyxy[0], faces.five_px[0]
    columns, points = MmodMeasure(mmod)(couch, box, five, landmarks.placing(five[None])[0])
    exact = mmod.landmarks(couch, box)
    np.testing.assert_allclose(points, exact, atol=1e-6)
    np.testing.assert_allclose(columns["six"], exact[[36, 39, 42, 45, 31, 35]], atol=1e-6)
    assert columns["quality"] == pytest.approx(1.0)
    assert (exact == np.round(exact)).all()


def test_find_people_measures_mmods_faces_by_mmods_landmarks(monkeypatch: Any) -> None:
    created: list[object] = []
    monkeypatch.setattr(
        follow.Follower, "run", lambda self, frames: created.append(self._measure) or list(frames)
    )
    find_people([], CAMERA, "mmod")
    find_people([], CAMERA)
    assert [type(one) for one in created] == [MmodMeasure, follow.Measure]


def test_files_that_are_no_models_are_named(tmp_path: Path) -> None:
    (tmp_path / "points.dat").write_bytes(b"nothing")
    refuses(CheckpointError, "dlib can read", lambda: Mmod(tmp_path / "points.dat"))
    refuses(CheckpointError, "no such file", lambda: Mmod(tmp_path / "nowhere.dat"))


def test_a_frame_without_faces(mmod: Mmod) -> None:
    grey = SimpleNamespace(rgb=lambda: np.full((120, 160, 3), 128, np.uint8))
    assert len(mmod.detect(grey)) == 0  # type: ignore[arg-type]
