"""Both eyes of a face: sides, roll, hidden and tiny irises, and how two eyes become one shift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eyeline.people import eyes
from eyeline.people.irises import anatomy, crops, locate, render
from eyeline.people.landmarks import BOX_MM, CHIP_PX, Chip
from eyeline.results import Floats

CHIP_PX_PER_MM = CHIP_PX / (2 * BOX_MM)


def points() -> Floats:
    """68 landmarks of which only the eyes are right: 30 mm wide, 62 mm apart."""
    result = np.zeros((68, 2))
    shape = np.array([[-15, 0], [-5, -4], [5, -4], [15, 0], [5, 4], [-5, 4]]) * CHIP_PX_PER_MM
    for part, side in ((slice(36, 42), -1), (slice(42, 48), 1)):
        result[part] = shape + np.array([80 + side * 31 * CHIP_PX_PER_MM, 60])
    return result


def chip(px_per_mm: float, roll_rad: float = 0.0) -> Chip:
    zoom, cos, sin = CHIP_PX_PER_MM / px_per_mm, np.cos(roll_rad), np.sin(roll_rad)
    turn = zoom * np.array([[cos, sin], [-sin, cos]])
    offset = np.array([80.0, 60.0]) - turn @ [150.0, 100.0]
    return Chip(np.zeros((CHIP_PX, CHIP_PX), np.uint8), np.column_stack([turn, offset]))


def answering(off_mm: Any, visible: Any = (0.9, 0.9), error: Any = (1, 1)) -> Any:
    """A locator that says the irises lie this far off the corners' middles, in mirrored crops."""
    centre = np.array([crops.CROP_W - 1, crops.CROP_H - 1]) / 2
    place = centre + np.asarray(off_mm, float) * crops.PX_PER_MM
    return lambda cut: locate.Irises(
        place, np.array(visible), np.array(error, float), np.zeros(2), np.tile(centre, (2, 2, 1))
    )


GRAY = np.zeros((200, 300), np.uint8)


def test_sides_are_the_images_for_both_eyes() -> None:
    towards_nose = eyes.measure(answering([[3, 1], [3, 1]]), GRAY, chip(1.0), points())
    assert towards_nose.shift_mm == pytest.approx(np.array([[3.0, 1.0], [-3.0, 1.0]]))
    assert towards_nose.lid_opening == pytest.approx([8 / 30, 8 / 30])


def test_hidden_irises_are_nan_and_the_surer_eye_counts_more() -> None:
    one = eyes.measure(answering([[3, 1], [5, 0]], visible=(0.8, 0.2)), GRAY, chip(1.0), points())
    assert np.isnan(one.shift_mm[1]).all()
    assert one.together() == pytest.approx([3, 1])
    both = eyes.measure(answering([[4, 0], [2, 0]], error=(1, 2)), GRAY, chip(1.0), points())
    assert both.together() == pytest.approx([(4 * 4 - 2) / 5, 0])
    none = eyes.measure(answering([[3, 1], [5, 0]], visible=(0, 0)), GRAY, chip(1.0), points())
    assert np.isnan(none.together()).all()


def test_of_tiny_eyes_only_the_lids_are_reported() -> None:
    small = 0.9 * eyes.LEAST_EYE_PX / crops.EYE_MM
    result = eyes.measure(answering([[3, 1], [3, 1]]), GRAY, chip(small), points())
    assert np.isnan(result.shift_mm).all() and np.isfinite(result.lid_opening).all()


@pytest.mark.parametrize("roll", [0.0, 0.5])
def test_drawn_faces_look_where_they_were_drawn_to(roll: float) -> None:
    """The shipped network on frontal eyes that were drawn looking to one side."""
    locator, right = locate.Locator(), []
    for number in range(150):
        eye = anatomy.draw(np.random.default_rng([11, number]))
        painting = render.paint(np.random.default_rng([11, number]), eye)
        if abs(eye.yaw_rad) > 0.5 or painting.seen < 0.6:
            continue
        face = chip(1.2, roll)
        result = eyes.measure(locator, _frame(painting.image, face), face, points())
        side = eye.iris[0]
        if abs(side) > 1.5:
            expected = np.sign([side, -side])  # the other eye is its mirror image
            right += (np.sign(result.shift_mm[:, 0]) == expected).tolist()
    assert len(right) > 20
    assert np.mean(right) > 0.9


def _frame(image: Floats, face: Chip) -> Any:
    """An image with the eye at the left eye's place and its mirror image at the other's."""
    import cv2

    frame = np.full((200, 300), 128, np.uint8)
    gray = np.clip(image * 200, 0, 255).astype(np.uint8)
    canvas = np.array([render.CANVAS_W - 1, render.CANVAS_H - 1]) / 2
    for i, part in enumerate((slice(36, 42), slice(42, 48))):
        centre = face.to_frame(points()[part][[0, 3]].mean(0))
        linear = np.linalg.inv(face.matrix[:, :2]) * CHIP_PX_PER_MM / render.CANVAS_PX_PER_MM
        linear = linear @ np.diag([-1.0 if i else 1.0, 1.0])
        matrix = np.column_stack([linear, centre - linear @ canvas])
        drawn = cv2.warpAffine(gray, matrix, (300, 200), flags=cv2.INTER_AREA)
        cover = cv2.warpAffine(np.full_like(gray, 255), matrix, (300, 200))
        frame = np.where(cover > 200, drawn, frame)
    return frame
