"""Maps against the original's."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.systems.gaze_anticipation.windows.heatmap import LABELLED, heatmaps
from tests.systems.gaze_anticipation.invented import golden


def test_as_published() -> None:
    file = golden("heatmap")
    result = heatmaps(file["centers"])
    assert result.dtype == np.float32 and np.abs(result - file["normalised"]).max() <= 1e-6
    assert (result > LABELLED).sum((1, 2)).tolist() == file["npix_over_0p001"].tolist()


@pytest.mark.parametrize(
    ("x", "column"), [(0.5, 32), (32.5 / 64, 32), (33.5 / 64, 34), (0.0, 0), (1.0, 63)]
)
def test_halves_go_to_the_even_cell(x: float, column: int) -> None:
    result = heatmaps(np.array([[x, 0.5]]))[0]
    assert np.unravel_index(result.argmax(), result.shape) == (32, column)
    assert result.sum() == pytest.approx(1, abs=1e-5)


def test_a_place_off_the_map_gives_an_even_one() -> None:
    assert (heatmaps(np.array([[3.0, 0.5]]), 16) == np.float32(1 / 256)).all()


def test_no_places() -> None:
    assert heatmaps(np.zeros((0, 2))).shape == (0, 64, 64)
