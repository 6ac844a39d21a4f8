"""What the matcher sees of people and options, and right answers of annotated points."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following.matching import inputs, labels
from eyeline.systems.gaze_following.matching.inputs import OPTION, PERSON, Moment, Options


def moment(**change):
    known = {
        "size_px": (1000.0, 500.0),
        "head_xyxy": np.array([[100.0, 100, 200, 200], [700, 100, 800, 200], [300, 50, 350, 100]]),
        "speaks": np.array([0.1, 0.9, np.nan]),
        "gaze": np.array([[1.0, 0, 0], [-0.6, 0, -0.8], [np.nan] * 3]),
        "candidate_xyxy": np.array([[120.0, 400, 160, 480], [140, 140, 160, 160]]),
        "candidate_score": np.array([0.7, 0.2]),
    }
    return Moment(**(known | change))


def seen(looker, **change):
    scene = moment(**change)
    among = inputs.options(scene, looker)
    person, option = inputs.features(scene, looker, among)
    assert person.shape == (len(PERSON),)
    assert option.shape == (len(among.person), len(OPTION))
    columns = {name: option[:, i] for i, name in enumerate(OPTION)}
    return dict(zip(PERSON, person.tolist(), strict=True)), columns


def test_options_are_other_heads_and_candidates():
    among = inputs.options(moment(), 0)
    assert among.person.tolist() == [1, 2, -1, -1]
    assert among.score.tolist() == [1, 1, 0.7, 0.2]
    np.testing.assert_array_equal(among.box_xyxy[0], [700, 100, 800, 200])


def test_by_hand():
    person, option = seen(0)
    assert person["x"] == pytest.approx(-0.7)
    assert person["y"] == pytest.approx(-0.4)
    assert person["speaks"] == pytest.approx(0.1)
    assert person["others_speak"] == pytest.approx(0.9)
    assert (person["speech_told"], person["gaze_told"]) == (1, 1)
    assert person["room"] == pytest.approx(np.log1p(8.5) / 2), "850 px to the right border"
    # the second head lies 6 head sizes to the right; the first candidate nearly straight below
    assert (option["step_x"][0], option["step_y"][0]) == pytest.approx((1, 0))
    assert option["distance"][0] == pytest.approx(np.log1p(6) / 2)
    assert option["size"].tolist()[:2] == pytest.approx([0, np.log(0.5)])
    assert option["step_y"][2] == pytest.approx(0.9992, abs=1e-3)
    assert option["is_head"].tolist() == [1, 1, 0, 0]
    assert option["speaks"].tolist() == pytest.approx([0.9, 0, 0, 0])
    assert option["angle_cosine"][0] == pytest.approx(1)
    assert option["space_cosine"][0] == pytest.approx(1), "heads of one size are equally far away"
    assert option["space_cosine"][1] < 0.5, "a head half as large is twice as far away"
    assert option["on_self"].tolist() == [0, 0, 0, 1]
    assert option["on_head"].tolist() == [1, 1, 0, 0]


def test_what_is_not_reported_or_muted_is_zero():
    person, option = seen(2)
    assert [person[name] for name in PERSON if name in inputs.GAZE] == [0] * 5
    assert not option["angle_cosine"].any()
    person, option = seen(0, speaks=np.full(3, np.nan))
    assert [person[name] for name in PERSON if name in inputs.SPEECH] == [0] * 3
    assert not option["speaks"].any()
    scene = moment()
    silent = moment(speaks=np.full(3, np.nan))
    among = inputs.options(scene, 0)
    person, option = inputs.muted(*inputs.features(scene, 0, among))
    wanted = inputs.features(silent, 0, among)
    np.testing.assert_array_equal(person, wanted[0])
    np.testing.assert_array_equal(option, wanted[1])


def test_mirrored_image_is_parity():
    scene = moment()

    def flip(boxes):
        return np.column_stack([1000 - boxes[:, 2], boxes[:, 1], 1000 - boxes[:, 0], boxes[:, 3]])

    mirrored = moment(
        head_xyxy=flip(scene.head_xyxy), candidate_xyxy=flip(scene.candidate_xyxy),
        gaze=scene.gaze * (-1, 1, 1),
    )  # fmt: skip
    for looker in range(3):
        a = inputs.features(scene, looker, inputs.options(scene, looker))
        b = inputs.features(mirrored, looker, inputs.options(mirrored, looker))
        np.testing.assert_allclose(a[0] * inputs.PERSON_PARITY, b[0], atol=1e-6)
        np.testing.assert_allclose(a[1] * inputs.OPTION_PARITY, b[1], atol=1e-6)


def test_size_of_the_scene_has_no_say():
    scene = moment()
    twice = moment(
        size_px=(2000.0, 1000.0), head_xyxy=scene.head_xyxy * 2,
        candidate_xyxy=scene.candidate_xyxy * 2,
    )  # fmt: skip
    for looker in range(3):
        among = inputs.options(scene, looker), inputs.options(twice, looker)
        a, b = (inputs.features(m, looker, o) for m, o in zip((scene, twice), among, strict=True))
        np.testing.assert_allclose(a[0], b[0], atol=1e-6)
        np.testing.assert_allclose(a[1], b[1], atol=1e-6)


def test_alone_with_nothing_and_lengths_are_checked():
    empty = {
        "head_xyxy": np.array([[100.0, 100, 200, 200]]), "speaks": np.array([np.nan]),
        "gaze": np.full((1, 3), np.nan), "candidate_xyxy": np.zeros((0, 4)),
        "candidate_score": np.zeros(0),
    }  # fmt: skip
    person, option = seen(0, **empty)
    assert np.isfinite(list(person.values())).all()
    assert all(len(column) == 0 for column in option.values())
    with pytest.raises(DataError, match="speech"):
        moment(speaks=np.zeros(2))
    with pytest.raises(DataError, match="scores of candidates"):
        moment(candidate_score=np.zeros(3))


HEAD = np.array([100.0, 100, 200, 200])
AMONG = Options(
    np.array(
        [
            [400.0, 100, 500, 200],  # another head
            [390, 90, 510, 210],  # the detector's box of it
            [600, 300, 700, 400],  # an object
            [110, 110, 190, 190],  # the detector's box of the looker's own head
        ]
    ),
    np.array([1, -1, -1, -1]),
    np.array([1.0, 0.9, 0.8, 0.7]),
)


@pytest.mark.parametrize(
    ("point", "right"),
    [
        ((450, 150), [0, 1]),  # all that hold it
        ((395, 95), [1]),
        ((650, 350), [2]),
        ((740, 350), [2]),  # 40 px beside, half a head is allowed
        ((760, 350), []),  # 60 px
        ((150, 150), []),  # nobody looks at the own face
        ((150, 330), [5]),  # the own lap: 1.3 heads below the chin
        ((150, 620), []),  # too far below
        ((300, 330), []),  # too far aside
    ],
)
def test_points_in_the_image(point, right):
    result = labels.right_answers(AMONG, HEAD, np.array(point, float))
    assert np.flatnonzero(result).tolist() == right


def test_looks_out_of_the_image_and_annotated_boxes():
    result = labels.right_answers(AMONG, HEAD, np.full(2, np.nan), in_frame=False)
    assert np.flatnonzero(result).tolist() == [4]
    box = np.array([610.0, 310, 710, 410])
    result = labels.right_answers(AMONG, HEAD, np.array([705.0, 405]), target_xyxy=box)
    assert np.flatnonzero(result).tolist() == [2]
    none = labels.right_answers(AMONG, HEAD, np.array([450.0, 150]), target_xyxy=np.full(4, np.nan))
    assert np.flatnonzero(none).tolist() == [0, 1]


def test_without_options_and_at_laps():
    nothing = Options(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))
    lap = labels.right_answers(nothing, HEAD, np.array([150.0, 330]))
    assert lap.tolist() == [False, True]
    assert not labels.right_answers(nothing, HEAD, np.array([650.0, 350])).any()
    point = labels.lap_point(HEAD, (1280, 720))
    assert labels.in_lap(HEAD, point)
    assert labels.lap_point(HEAD, (1280, 250)).tolist() == [150, 250]
