"""What is drawn where, at all sizes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.export.colours import hex_colour, person_colour
from eyeline.export.glyphs import Canvas, pill, word
from eyeline.export.overlay import draw
from eyeline.export.timeline import NO_TARGET, FrameView, Mark, Timeline
from eyeline.results import Analysis, Image

MakeAnalysis = Callable[..., Analysis]
GREY = 128


def frame(width: int = 1280, height: int = 720) -> Image:
    return np.full((height, width, 3), GREY, np.uint8)


def view(**changes: Any) -> FrameView:
    """One face in the middle of a 720p image that looks to the right."""
    fields: dict[str, Any] = {
        "time_s": 12.34, "person": np.array([1]), "box_xyxy": np.array([[600.0, 300, 700, 420]]),
        "detected": np.array([True]), "eyes_px": np.array([[650.0, 345]]),
        "direction": np.array([[1.0, 0, 0]]), "seen": np.array([[1.0, 0, 0]]),
        "target": np.array([NO_TARGET]),
        "target_px": np.full((1, 2), np.nan), "speaks": np.array([False]),
        "contact": np.array([False]), "camera": np.array([False]),
    }  # fmt: skip
    return FrameView(**(fields | changes))


def drawn(rows: FrameView, width: int = 1280, height: int = 720) -> Image:
    rgb = frame(width, height)
    draw(rgb, rows)
    return rgb


def changed(rgb: Image, x1: int, y1: int, x2: int, y2: int) -> int:
    return int((rgb[y1:y2, x1:x2] != GREY).any(axis=-1).sum())


def own(rgb: Image, person: int = 1) -> Any:
    return (rgb == np.array(person_colour(person), np.uint8)).all(axis=-1)


@pytest.mark.parametrize(
    ("direction", "box"),
    [
        ([1.0, 0, 0], (720, 340, 780, 350)),
        ([-1.0, 0, 0], (520, 340, 580, 350)),
        ([0, 1.0, 0], (645, 430, 655, 480)),
        ([0, -1.0, 0], (645, 200, 655, 250)),
    ],
)
def test_the_arrow_points_where_the_direction_does(
    direction: list[float], box: tuple[int, int, int, int]
) -> None:
    rgb = drawn(view(seen=np.array([direction])))
    x1, y1, x2, y2 = box
    assert own(rgb)[y1:y2, x1:x2].sum() > 50


def test_the_arrow_is_foreshortened_and_ends_in_a_ring() -> None:
    def reach(z: float) -> int:
        rgb = drawn(view(seen=np.array([[np.sqrt(1 - z * z), 0, z]])))
        return int(np.flatnonzero(own(rgb)[340:350].any(axis=0)).max())

    assert reach(0) > reach(-0.6) + 15 > reach(-0.9) + 15
    rgb = drawn(view(seen=np.array([[0.0, 0, -1]])))
    assert changed(rgb, 705, 300, 1280, 420) == 0
    assert own(rgb)[320:370, 625:675].sum() > 100
    away = drawn(view(seen=np.array([[0.0, 0, 1]])))
    assert changed(away, 630, 325, 670, 365) == 0


def test_a_gaze_that_is_not_known_is_not_drawn() -> None:
    rgb = drawn(view(seen=np.full((1, 3), np.nan)))
    assert changed(rgb, 610, 310, 690, 410) == 0


def test_eye_contact_closes_the_frame_of_a_face() -> None:
    centre_of_a_side = (595, 355, 604, 365)
    quiet = drawn(view(seen=np.full((1, 3), np.nan)))
    contact = drawn(view(seen=np.full((1, 3), np.nan), contact=np.array([True])))
    assert changed(quiet, *centre_of_a_side) == 0
    assert changed(contact, *centre_of_a_side) > 0


def test_a_carried_over_box_does_not_flicker() -> None:
    sure, carried = (drawn(view(detected=np.array([result]))) for result in (True, False))
    np.testing.assert_array_equal(sure, carried)


def test_states_are_signs_in_the_label() -> None:
    widths = []
    for names in ((), ("speaks",), ("speaks", "contact", "camera")):
        rgb = drawn(view(**{name: np.array([True]) for name in names}))
        widths.append(int(own(rgb)[265:285].any(axis=0).sum()))
    assert 0 < widths[0] < widths[1] < widths[2]


def test_a_line_goes_to_the_target() -> None:
    rgb = drawn(view(target=np.array([0]), target_px=np.array([[1000.0, 345]])))
    assert own(rgb)[343:348, 800:990].sum() > 60
    assert changed(rgb, 990, 335, 1010, 355) > 40


def test_marks_time_and_unseen_voices() -> None:
    nothing = np.zeros(0)
    empty = view(
        person=nothing, box_xyxy=nothing.reshape(0, 4), detected=nothing > 0,
        eyes_px=nothing.reshape(0, 2), direction=nothing.reshape(0, 3),
        seen=nothing.reshape(0, 3), target=nothing,
        target_px=nothing.reshape(0, 2), speaks=nothing > 0, contact=nothing > 0,
        camera=nothing > 0,
    )  # fmt: skip
    plain = drawn(empty)
    assert changed(plain, 0, 660, 160, 720) > 1000
    assert changed(plain, 0, 0, 1280, 640) == 0
    assert changed(plain, 160, 640, 1280, 720) == 0
    voice = drawn(replace(empty, unseen_speech=True))
    assert changed(voice, 160, 660, 320, 720) > 1000
    marked = drawn(replace(empty, marks=(Mark(640, 360, "future gaze"),)))
    assert changed(marked, 620, 340, 660, 380) > 100
    likely = np.zeros((36, 64), np.uint8)
    likely[15:21, 8:14] = 255
    glowing = drawn(replace(empty, marks=(Mark(640, 360, "gaze next", likely),)))
    assert changed(glowing, 180, 320, 260, 400) == 80 * 80
    legend = drawn(replace(empty, legend=("speaks", "gaze")))
    assert changed(legend, 1000, 660, 1280, 720) > 1000
    assert (drawn(replace(empty, time_s=12.35)) != plain).any()
    assert changed(drawn(replace(empty, time_s=3723.4)), 140, 660, 190, 720) > 100


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1921, 1081), (3840, 2160), (96, 64)])
def test_all_sizes(make_analysis: MakeAnalysis, width: int, height: int) -> None:
    rows = Timeline(make_analysis()).at(75)
    scale = np.array([width / 1280, height / 720])
    rows = replace(
        rows, box_xyxy=rows.box_xyxy * np.tile(scale, 2), eyes_px=rows.eyes_px * scale,
        target_px=rows.target_px * scale,
    )  # fmt: skip
    rgb = drawn(rows, width, height)
    assert changed(rgb, 0, 0, width, height) > 200
    text = word("person 1", max(11, round(19 * max(0.5, height / 720))))
    assert text.shape[0] >= 14


def test_faces_outside_the_image_do_no_harm() -> None:
    for box in ([-500.0, -400, -300, -100], [5000, 20, 6000, 90], [0, 0, 1280, 720], [3, 3, 3, 3]):
        eyes = np.array([[(box[0] + box[2]) / 2, box[1]]])
        far = np.array([[1e9, -1e9]])
        rows = view(box_xyxy=np.array([box]), eyes_px=eyes, contact=np.array([True]), target_px=far)
        assert drawn(rows).shape == (720, 1280, 3)
    assert drawn(view(eyes_px=np.full((1, 2), np.nan))).any()


def test_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match="the frame to draw on"):
        draw(np.zeros((20, 30), np.uint8), view())


def test_the_same_rows_give_the_same_pixels(make_analysis: MakeAnalysis) -> None:
    rows = Timeline(make_analysis()).at(80)
    np.testing.assert_array_equal(drawn(rows), drawn(rows))


def test_four_faces_take_a_few_milliseconds(make_analysis: MakeAnalysis) -> None:
    timeline, rgb = Timeline(make_analysis()), frame()
    spent = []
    for k in range(60):
        rows = timeline.at(k)
        before = time.thread_time()
        draw(rgb, rows)
        spent.append(time.thread_time() - before)
    # 1.0 ms on an idle core; the bound leaves room for a busy one.
    assert np.median(spent) < 0.006


def test_sprites_are_cut_at_the_border() -> None:
    canvas = Canvas(20, 10)
    pill(canvas, 0, 0, 20, 10, (255, 0, 0))
    sprite = canvas.sprite()
    for x, y in ((-15, -5), (95, 55), (-30, 0), (0, 200), (40, 30)):
        rgb = np.zeros((60, 100, 3), np.uint8)
        sprite.blend(rgb, x, y)
        whole = np.zeros((300, 300, 3), np.uint8)
        sprite.blend(whole, x + 100, y + 50)
        np.testing.assert_array_equal(rgb, whole[50:110, 100:200])
    assert rgb[35, 50].tolist() == [255, 0, 0]


def test_people_have_different_lasting_colours() -> None:
    colours = [person_colour(n) for n in range(1, 51)]
    assert len(set(colours)) == 50
    assert person_colour(-1) == person_colour(0) not in colours
    assert hex_colour(colours[0]) == "#2f7dd1"


def test_a_cone_is_as_wide_as_the_direction_is_unsure() -> None:
    without = drawn(view())
    widths = []
    for half in (0.1, 0.3, 0.8):
        rgb = drawn(view(cone_rad=np.array([half])))
        widths.append(int((rgb != without).any(axis=-1).sum()))
    assert 0 < widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize("cone", [np.nan, 1.5])
def test_no_cone_where_nothing_is_known(cone: float) -> None:
    assert np.array_equal(drawn(view(cone_rad=np.array([cone]))), drawn(view()))


def test_a_cone_is_cut_at_the_border_and_comes_at_the_camera() -> None:
    aside = view(cone_rad=np.array([0.6]), eyes_px=np.array([[1275.0, 3.0]]))
    assert drawn(aside).shape == (720, 1280, 3)
    towards = np.array([[0.0, 0.0, -1.0]])
    rgb = drawn(view(cone_rad=np.array([0.6]), seen=towards, direction=towards))
    assert changed(rgb, 630, 325, 670, 365) > 1000
