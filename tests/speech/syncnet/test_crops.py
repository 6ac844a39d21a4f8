"""Parity numbers: the original's crop geometry on a drawn video."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.speech.syncnet.crops import cut, squares

from .conftest import Golden


def golden_boxes(wanted: dict[str, np.ndarray]) -> np.ndarray:
    """Boxes in pixels, from rows y1, x1, y2, x2 over the image."""
    h, w = wanted["crop_hw"]
    return wanted["crop_boxes"][:, [1, 0, 3, 2]] * np.array([w, h, w, h])


def test_squares(golden: Golden) -> None:
    wanted = golden("tracking_crop")
    result = squares(golden_boxes(wanted), "published")
    for ours, theirs in zip(result, "sxy", strict=True):
        np.testing.assert_allclose(ours, wanted[f"crop_{theirs}"], rtol=1e-12)


def test_crops_are_equal_to_the_bit(golden: Golden) -> None:
    wanted = golden("tracking_crop")
    places = squares(golden_boxes(wanted), "published")
    for i, image in enumerate(wanted["crop_video"]):
        face = cut(image, *(float(v) for v in places.at(8 * i)))
        np.testing.assert_array_equal(face[::4, ::4], wanted["crop_out_sub"][i])
        assert face.mean() == pytest.approx(float(wanted["crop_out_mean"][8 * i]), abs=1e-4)


def test_medians_at_the_ends() -> None:
    box = np.tile([10.0, 20.0, 30.0, 60.0], (20, 1))
    still = squares(box)
    assert np.ptp(still.x_px) == np.ptp(still.half_px) == 0
    assert squares(box, "published").y_px[0] == 40
    rising = box + np.arange(20)[:, None]
    assert squares(rising, "published").x_px[-1] == 37
    assert squares(rising).x_px[-1] == 39


def test_a_short_track_is_smoothed_too() -> None:
    assert len(squares(np.array([[0.0, 0, 10, 10]] * 2), "published").x_px) == 2


@pytest.mark.parametrize(("x", "y"), [(-300.0, 20.0), (500.0, 20.0), (20.0, 900.0), (20.0, -400.0)])
def test_a_face_outside_is_black(x: float, y: float) -> None:
    assert not cut(np.full((60, 80, 3), 200, np.uint8), 15.0, x, y).any()


def test_a_face_without_size_is_black() -> None:
    assert not cut(np.full((60, 80, 3), 200, np.uint8), 0.0, 30.0, 30.0).any()
