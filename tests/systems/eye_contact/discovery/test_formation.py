"""Tracklets and gaze points of a scripted stream against the numbers of the original code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.discovery import gaze_points
from eyeline.systems.eye_contact.discovery.formation import (
    FaceSeen,
    Formation,
    Recogniser,
    choose_body,
    choose_face,
)
from eyeline.systems.eye_contact.discovery.identity import Person
from eyeline.systems.eye_contact.head import assumed_camera
from eyeline.systems.eye_contact.tracklets import TrackletFile
from eyeline.systems.eye_contact.xgaze.inputs import camera_plane_mm, views
from tests.systems.eye_contact.conftest import Array
from tests.systems.eye_contact.discovery.stand_ins import landmarked

Golden = Callable[[str], dict[str, Array]]
Taken = tuple[int, FaceSeen, Array]


def taken(frozen: dict[str, Array]) -> Iterator[tuple[int, FaceSeen | None, Array]]:
    """Every frame with the face chosen, and the body that goes with it."""
    person = Person(frozen["ref_emb"].astype(float), "images", 0.4)
    alike = person.similarity(frozen["face_emb"].astype(float))
    for frame in range(int(frozen["n_frames"])):
        rows = np.flatnonzero(frozen["face_frame"] == frame)
        bodies = frozen["pose_xy"][frozen["pose_frame"] == frame].astype(float)
        face, body = choose_face(alike[rows], person.least_similarity), None
        if face is not None:
            box = frozen["face_box"][rows[face]].astype(float)
            body = choose_body(box, bodies, 1280, 720, "published")
        if face is None or body is None:
            yield frame, None, bodies
        else:
            six = frozen["face_lm"][rows[face]].astype(float)
            yield frame, FaceSeen(box, six), bodies[body]


def form(frozen: dict[str, Array], **switches: bool) -> tuple[list[TrackletFile], list[Taken]]:
    kept: list[TrackletFile] = []
    formation = Formation(1280, 720, lambda _, one: kept.append(one), **switches)
    chosen = []
    for frame, face, body in taken(frozen):
        formation.add(frame, face, np.array([frame, frame % 7, frame % 11, -frame], np.float32))
        if face is not None:
            chosen.append((frame, face, body))
    formation.finish()
    return kept, chosen


def test_tracklets_are_those_of_the_original(golden: Golden) -> None:
    frozen = golden("tracklet_formation")
    kept, _ = form(frozen)
    assert [one.start_frame for one in kept] == frozen["trk_start"].tolist()
    assert [len(one) for one in kept] == frozen["trk_len"].tolist()
    first, last = (np.stack([one.box_norm[row] for one in kept]) for row in (0, -1))
    np.testing.assert_allclose(first, frozen["trk_first_box"], atol=1e-12)
    np.testing.assert_allclose(last, frozen["trk_last_box"], atol=1e-12)
    six = np.stack([one.six_norm[0] for one in kept])
    np.testing.assert_allclose(six, frozen["trk_first_lm"][:, :, 0], atol=1e-12)
    for row, name in ((0, "trk_feat0"), (-1, "trk_featlast")):
        features = [one.feature[row] for one in kept if one.feature is not None]
        np.testing.assert_array_equal(features, frozen[name])


def test_gaze_points_are_those_of_the_original(golden: Golden) -> None:
    frozen = golden("tracklet_formation")
    _, chosen = form(frozen)
    frames = np.array([frame for frame, _, _ in chosen])
    np.testing.assert_array_equal(frames, frozen["fix_frame"])
    seen = views(np.stack([face.six_px for _, face, _ in chosen]), 1280, 720)
    pitch = (0.2 * np.sin(frames / 23)).astype(np.float32)
    yaw = (0.35 * np.sin(frames / 57 + 0.4)).astype(np.float32)
    vectors = seen.network_vectors(np.stack([pitch, yaw], 1))
    parts = np.stack([body[1:] for _, _, body in chosen])
    poses = gaze_points.solve_bodies(parts, 1280, 720, assumed_camera(1280, 720))
    result = gaze_points.on_cylinder(*gaze_points.rays(seen.centre_mm, vectors, poses))
    np.testing.assert_allclose(result, frozen["fix_xyz"], atol=0.1)
    plane = camera_plane_mm(seen.centre_mm, vectors)
    np.testing.assert_allclose(plane, frozen["fix_cam"], atol=0.1)


def face(x: float = 100.0) -> FaceSeen:
    return FaceSeen(np.array([x, 100, x + 100, 200]), np.full((6, 2), x + 50))


def spans(frames: list[FaceSeen | None], **switches: bool) -> list[tuple[int, int]]:
    kept: list[TrackletFile] = []
    formation = Formation(1280, 720, lambda _, one: kept.append(one), least_frames=3, **switches)
    for number, one in enumerate(frames):
        formation.add(number, one)
    formation.finish()
    assert all(one.feature is None for one in kept)
    return [(one.start_frame, len(one)) for one in kept]


def test_the_open_tracklet_is_lost_unless_asked_for() -> None:
    assert spans([face()] * 4) == []
    assert spans([face()] * 4, save_last=True) == [(0, 4)]
    assert spans([]) == spans([], save_last=True) == []


def test_the_breaking_frame_is_lost_unless_asked_for() -> None:
    jump = [face()] * 3 + [face(500)] * 4 + [None]
    assert spans(jump) == [(0, 3), (4, 3)]
    assert spans(jump, save_breaking=True) == [(0, 3), (3, 4)]


def test_an_overlap_of_just_the_limit_breaks() -> None:
    """Boxes 7 and 3 of 10 wide apart overlap by 4/10 exactly."""
    a = FaceSeen(np.array([0.0, 0, 7, 10]), np.zeros((6, 2)))
    b = FaceSeen(np.array([3.0, 0, 10, 10]), np.zeros((6, 2)))
    assert spans([a, a, a, b, b, b], save_last=True) == [(0, 3)]


def test_short_tracklets_are_dropped_and_missing_faces_end_them() -> None:
    assert spans([face(), face(), None, face(), face(), face(), None]) == [(3, 3)]


def test_a_hundred_frames_are_too_few_and_one_more_is_enough() -> None:
    for count, expected in ((100, 0), (101, 1)):
        kept: list[int] = []
        formation = Formation(1280, 720, lambda number, _, kept=kept: kept.append(number))
        for frame in range(count):
            formation.add(frame, face())
        formation.add(count, None)
        assert len(kept) == formation.count == expected


def test_the_nearest_nose_to_the_centre_is_taken_and_published_takes_another() -> None:
    box = np.array([400.0, 300, 500, 400])
    noses = np.array([[450.0, 350], [405, 305], [800, 100]]) / [1280, 720]
    bodies = np.repeat(noses[:, None], 4, axis=1)
    assert choose_body(box, bodies, 1280, 720) == 0
    assert choose_body(box, bodies, 1280, 720, "published") == 1
    assert choose_body(box, bodies[2:], 1280, 720) is None
    assert choose_body(box, np.zeros((0, 4, 2)), 1280, 720) is None


def test_a_nose_on_the_border_is_inside() -> None:
    box = np.array([400.0, 300, 500, 400])
    bodies = np.full((1, 4, 2), np.array([400, 400]) / [1280, 720])
    assert choose_body(box, bodies, 1280, 720) == 0


def test_the_most_alike_face_is_chosen_if_alike_enough() -> None:
    assert choose_face([0.5, 0.9, 0.7], 0.4) == 1
    assert choose_face([0.4], 0.4) == 0
    assert choose_face([0.39], 0.4) is None
    assert choose_face([], 0.4) is None


def test_a_image_without_size_is_refused() -> None:
    with pytest.raises(UsageError, match="size"):
        Formation(0, 720, lambda *_: None)


PERSON = Person(np.array([[1.0, 0.0]]), "images", 0.5)


@dataclass
class Scripted:
    """Gives one likeness after the other."""

    script: list[float]
    calls: int = field(default=0)

    def __call__(self, chip: Image) -> Floats:
        cosine = self.script[self.calls]
        self.calls += 1
        return np.array([cosine, np.sqrt(1 - cosine**2)])


def image(level: int) -> Image:
    return np.full((180, 320, 3), level, np.uint8)


def run(script: list[float], levels: list[int], **options: int) -> tuple[list[float], int]:
    embedder = Scripted(script)
    recogniser = Recogniser(PERSON, embedder, **options)  # type: ignore[arg-type]
    result = [recogniser.similarities(image(level), [landmarked()])[0] for level in levels]
    assert recogniser.embedded == embedder.calls
    return [round(value, 6) for value in result], embedder.calls


def test_a_face_that_does_not_change_is_embedded_now_and_then() -> None:
    result, calls = run([0.9, 0.6, 0.7], [100] * 9, refresh_frames=3, memory_frames=6)
    assert calls == 3
    assert result == [0.9] * 6 + [0.7] * 3


def test_a_face_that_changes_is_embedded_at_once_and_keeps_its_best_likeness() -> None:
    result, calls = run([0.9, 0.2], [100, 113], refresh_frames=12, memory_frames=50)
    assert (result, calls) == ([0.9, 0.9], 2)


def test_another_face_in_the_same_place_stands_for_itself() -> None:
    result, calls = run([0.9, 0.2], [100, 140])
    assert (result, calls) == ([0.9, 0.2], 2)


def test_with_one_frame_each_face_stands_for_itself_as_published() -> None:
    script = [0.9, 0.2, 0.8]
    result, calls = run(script, [100] * 3, refresh_frames=1, memory_frames=1)
    assert (result, calls) == (script, 3)


def test_a_face_elsewhere_is_another_and_counts_that_cannot_be_are_refused() -> None:
    recogniser = Recogniser(PERSON, Scripted([0.9, 0.2, 0.3]))  # type: ignore[arg-type]
    recogniser.similarities(image(100), [landmarked()])
    result = recogniser.similarities(image(100), [landmarked(120), landmarked()])
    np.testing.assert_allclose(result, [0.2, 0.9])
    assert recogniser.similarities(image(100), []) == []
    np.testing.assert_allclose(recogniser.similarities(image(100), [landmarked()]), [0.3])
    for refresh, memory in ((0, 5), (6, 5)):
        with pytest.raises(UsageError, match="frames"):
            Recogniser(PERSON, Scripted([]), refresh_frames=refresh, memory_frames=memory)  # type: ignore[arg-type]
