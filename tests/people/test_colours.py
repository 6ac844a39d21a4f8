"""Colours of clothing and hair."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people import colours
from eyeline.results import Image

FACE = np.array([140.0, 60.0, 180.0, 110.0])
RED, DARK_RED, BLUE, GREY = (200, 20, 20), (150, 15, 15), (20, 20, 200), (128, 128, 128)


def frame(clothing: tuple[int, int, int], hair: tuple[int, int, int] = GREY) -> Image:
    image = np.full((240, 320, 3), 128, np.uint8)
    image[110:], image[:60] = clothing, hair
    return image


def clothing(image: Image) -> np.ndarray:
    return colours.histograms(image, FACE)[0]


def test_a_shade_is_the_same_colour_and_another_hue_is_not() -> None:
    red, dark, blue = (clothing(frame(c)) for c in (RED, DARK_RED, BLUE))
    assert colours.distance(red, dark) < 0.1
    assert colours.distance(red, blue) > 0.9


def test_clothing_and_hair_are_reported_apart() -> None:
    result = colours.histograms(frame(RED, hair=BLUE), FACE)
    assert np.allclose(result.sum(1), 1)
    assert colours.distance(result[0], result[1]) > 0.9


def test_what_lies_outside_the_frame_is_unknown() -> None:
    low = FACE + np.array([0, 125, 0, 125])
    result = colours.histograms(frame(RED), low)
    assert result[0].sum() == 0
    assert np.isnan(colours.distance(result[0], clothing(frame(RED))))


@pytest.mark.parametrize("box", [(-50, -50, -20, -20), (0, 0, 1, 1), (500, 400, 520, 430)])
def test_boxes_at_the_border_do_no_harm(box: tuple[int, ...]) -> None:
    assert np.isfinite(colours.histograms(frame(RED), np.array(box, float))).all()


def test_black_and_white_are_no_hues() -> None:
    black, white = (clothing(frame((v, v, v))) for v in (5, 250))
    assert black[: 2 * colours.HUES].sum() == white[: 2 * colours.HUES].sum() == 0
    assert colours.distance(black, white) == pytest.approx(1)
