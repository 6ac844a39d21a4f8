"""Mutual gaze and joint attention from targets: who, at what, from when to when."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people.shared_looks import JOINT, MUTUAL, joint_parts, shared_looks
from eyeline.results import TARGET_CAMERA, TARGET_SCENE, Points, Segments

HZ = 10


def looks(*persons: str, boxes: dict[int, list[float]] | None = None) -> list[Segments]:
    """One letter a tenth of a second: a number is a person, c the camera, s the scene, x no row."""
    codes = {"c": TARGET_CAMERA, "s": TARGET_SCENE}
    rows = [
        (frame, person, codes.get(letter) or int(letter.replace("s", "0")))
        for person, letters in enumerate(persons, start=1)
        for frame, letter in enumerate(letters)
        if letter != "x"
    ]
    frame, person, target = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    box = np.array([(boxes or {}).get(n, [np.nan] * 4) for n in person.tolist()])
    points = Points(
        "gaze_following", "ray", "gaze_target", frame, frame / HZ, person,
        np.full((len(frame), 2), np.nan), target, np.where(person == 1, 0.9, 0.6), box,
    )  # fmt: skip
    index = np.arange(len(persons[0]))
    return shared_looks([points], np.stack([index, index / HZ, (index + 1) / HZ], -1))


def rows(segments: Segments) -> list[tuple[int, float, float, str]]:
    columns = (segments.person, segments.start_s, segments.end_s)
    times = [
        (int(p), round(float(a), 3), round(float(b), 3)) for p, a, b in zip(*columns, strict=True)
    ]
    return [(*t, label) for t, label in zip(times, segments.label, strict=True)]


def test_both_rows_name_the_other() -> None:
    mutual, joint = looks("2222ssss22", "ss11111111")
    assert (mutual.name, joint.name) == (MUTUAL, JOINT)
    assert (mutual.system, mutual.builder) == ("gaze_following", "ray")
    assert rows(mutual) == [
        (1, 0.2, 0.4, "person 2"), (1, 0.8, 1.0, "person 2"),
        (2, 0.2, 0.4, "person 1"), (2, 0.8, 1.0, "person 1"),
    ]  # fmt: skip
    assert mutual.score == pytest.approx(0.6), "the less sure of the two"
    assert not len(joint)


@pytest.mark.parametrize(
    ("gap", "pieces"),
    [("sss", [(0.0, 0.9)]), ("xxx", [(0.0, 0.9)]), ("ssss", [(0.0, 0.3), (0.7, 1.0)])],
)
def test_a_blink_does_not_end_it(gap: str, pieces: list[tuple[float, float]]) -> None:
    one = "222" + gap + "222"
    mutual, _ = looks(one, "1" * len(one))
    assert [row[1:3] for row in rows(mutual) if row[0] == 1] == pieces
    if len(pieces) == 1:
        assert mutual.score == pytest.approx(0.6 * 6 / 9), "interruptions count as 0"


def test_shorter_than_a_look_is_none() -> None:
    mutual, joint = looks("ss2sss33", "ss1sss3s", "ssssssss")
    assert not len(mutual)
    assert not len(joint)


def test_joint_attention_names_target_and_others() -> None:
    _, joint = looks("3333ss", "3333cc", "sssscc", "ss33cc")
    assert rows(joint) == [
        (1, 0.0, 0.2, "person 3 with person 2"),
        (1, 0.2, 0.4, "person 3 with person 2 and person 4"),
        (2, 0.0, 0.2, "person 3 with person 1"),
        (2, 0.2, 0.4, "person 3 with person 1 and person 4"),
        (2, 0.4, 0.6, "camera with person 3 and person 4"),
        (3, 0.4, 0.6, "camera with person 2 and person 4"),
        (4, 0.2, 0.4, "person 3 with person 1 and person 2"),
        (4, 0.4, 0.6, "camera with person 2 and person 3"),
    ]
    assert joint_parts("person 3 with person 1 and person 12") == ("person 3", (1, 12))


def test_the_scene_is_shared_only_where_boxes_of_objects_meet() -> None:
    assert not len(looks("ssss", "ssss")[1]), "two looks at the scene may go anywhere"
    near, far = [10.0, 10.0, 30.0, 30.0], [60.0, 10.0, 80.0, 30.0]
    _, joint = looks("ssss", "ssss", "ssss", boxes={1: near, 2: near, 3: far})
    assert rows(joint) == [
        (1, 0.0, 0.4, "scene with person 2"),
        (2, 0.0, 0.4, "scene with person 1"),
    ]


def test_off_screen_is_no_shared_target_and_nobody_no_answer() -> None:
    empty = shared_looks([], np.zeros((0, 3)))
    assert empty == []
    _, joint = looks("cccc", "xxxx")
    assert not len(joint)
