"""Persons of whom no face need be seen: heads in bodies, faces in heads, bodies beside tracks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.geometry.camera import Camera
from eyeline.people import bodies, given
from eyeline.people.bodies import HeadsOfPersons, Persons
from eyeline.people.detect import Detector, Faces, head_box
from eyeline.people.find import find_people
from eyeline.people.given import Given
from tests.people.faces import five

PERSON = np.array([100.0, 20.0, 220.0, 440.0])
OTHER = np.array([400.0, 40.0, 500.0, 400.0])


class Frame:
    """A grey image; what is seen in it is told by the stand-ins below."""

    size_wh = (640, 480)

    def __init__(self, index: int) -> None:
        self.index, self.time_s, self.end_s = index, index / 25, (index + 1) / 25

    def gray(self) -> np.ndarray:
        return np.full((480, 640), 90, np.uint8)

    def rgb(self) -> np.ndarray:
        return np.full((480, 640, 3), 90, np.uint8)

    def small_rgb(self, width: int, height: int) -> np.ndarray:
        return np.full((height, width, 3), 90, np.uint8)


class OneFace(Detector):
    """A face in the head of the first person."""

    def detect(self, frame: Any) -> Faces:
        points = five(0.0, 0.0, 0.0, 0.3, np.array([160.0, 55.0]))
        return Faces(np.array([[140.0, 40, 180, 96]]), np.array([0.9]), points[None])


class NoFace(Detector):
    def detect(self, frame: Any) -> Faces:
        return Faces.none()


class TwoPersons:
    """Who walk to the right, a pixel a frame."""

    def find(self, frame: Any) -> Persons:
        moved = np.stack([PERSON, OTHER]) + frame.index * np.array([1.0, 0, 1, 0])
        return Persons.of(moved, np.array([0.9, 0.95]))


def shot(frames: int = 20) -> Iterator[tuple[Any, bool]]:
    return ((Frame(i), i == 0) for i in range(frames))


def test_the_face_of_a_head_grows_to_that_head() -> None:
    head = np.array([[10.0, 20, 60, 90], [0, 0, 40, 44]])
    np.testing.assert_allclose(head_box(bodies.face_in_head(head)), head, atol=1e-9)


def test_the_head_is_at_the_top_and_no_less_than_a_third_as_wide_as_the_body() -> None:
    tall, near = bodies.head_in_body(PERSON), bodies.head_in_body(np.array([0.0, 100, 300, 300]))
    assert tall[1] == 20 and tall[3] - tall[1] == pytest.approx(420 / 7.5)
    assert near[3] - near[1] == pytest.approx(100)
    assert tall[0] + tall[2] == pytest.approx(320)


def test_a_face_is_the_head_of_the_person_it_lies_in() -> None:
    result = HeadsOfPersons(TwoPersons(), OneFace()).detect(Frame(0))  # type: ignore[arg-type]
    assert len(result) == 2
    np.testing.assert_allclose(result.box_xyxy[0], [140, 40, 180, 96])
    np.testing.assert_allclose(head_box(result.box_xyxy[1]), bodies.head_in_body(OTHER))
    np.testing.assert_allclose(result.five_px[1], bodies.guessed_five(result.box_xyxy[1]))


def test_a_face_of_nobody_is_answered_unless_the_persons_were_given() -> None:
    class Nobody:
        def find(self, frame: Any) -> Persons:
            return Persons.of(np.zeros((0, 4)), np.zeros(0))

    assert len(HeadsOfPersons(Nobody(), OneFace()).detect(Frame(0))) == 1  # type: ignore[arg-type]
    only = HeadsOfPersons(Nobody(), OneFace(), whole_heads=True)
    assert len(only.detect(Frame(0))) == 0  # type: ignore[arg-type]


def test_persons_from_behind_are_followed_and_nothing_is_claimed_of_their_heads() -> None:
    result = find_people(shot(), Camera.from_fov(640, 480), HeadsOfPersons(TwoPersons(), NoFace()))
    assert [len(t) for t in result.tracks] == [20, 20]
    left, right = result.tracks
    for track, body in ((left, PERSON), (right, OTHER)):
        assert (track.quality == 0).all() and (track.head_error_rad == bodies.UNSEEN_RAD).all()
        assert np.isnan(track.pupil_mm).all() and np.isnan(track.mouth_open).all()
        moved = body + np.arange(20)[:, None] * np.array([1.0, 0, 1, 0])
        assert track.body_xyxy is not None
        np.testing.assert_allclose(track.body_xyxy, moved, atol=0.6)
        head = np.stack([bodies.head_in_body(row) for row in moved])
        np.testing.assert_allclose(track.head_xyxy, head, atol=3)


def test_given_bodies_keep_their_identities_and_their_heads() -> None:
    rows = {i: [(7, *PERSON, 1.0), (3, *OTHER, 1.0)] for i in range(12)}
    result = find_people(
        shot(12), Camera.from_fov(640, 480), NoFace(), bodies=Given("b.txt", rows)  # type: ignore[arg-type]
    )  # fmt: skip
    assert [t.person for t in result.tracks] == [3, 7]
    assert {t.box_source for t in result.tracks} == {"centerface"}, "grown to heads, not given"
    for track, body in zip(result.tracks, (OTHER, PERSON), strict=True):
        assert track.body_xyxy is not None
        np.testing.assert_allclose(track.body_xyxy, np.tile(body, (12, 1)))
        np.testing.assert_allclose(track.head_xyxy[0], bodies.head_in_body(body), atol=1e-3)
        assert (track.quality == 0).all()


def test_given_bodies_without_identities_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "bodies.txt"
    path.write_text("".join(f"{i + 1},-1,{100 + i},20,120,420\n" for i in range(12)))
    result = find_people(
        shot(12), Camera.from_fov(640, 480), NoFace(), bodies=given.read(path)  # type: ignore[arg-type]
    )  # fmt: skip
    assert [len(t) for t in result.tracks] == [12]


def test_heads_and_bodies_are_not_given_together() -> None:
    boxes = Given("b.txt", {0: [(1, 0.0, 0.0, 9.0, 9.0, 1.0)]})
    with pytest.raises(UsageError, match="not both"):
        find_people(shot(2), Camera.from_fov(640, 480), NoFace(), boxes, bodies=boxes)  # type: ignore[arg-type]


def test_persons_of_wrong_shape_are_refused() -> None:
    with pytest.raises(DataError, match="score"):
        Persons.of(np.zeros((2, 4)), np.zeros(3))
