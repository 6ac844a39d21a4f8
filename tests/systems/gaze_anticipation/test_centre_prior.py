"""`centre_prior`: a broad guess in the middle, once a second."""

from __future__ import annotations

import numpy as np

from eyeline.results import WEARER
from eyeline.systems.gaze_anticipation.infer import CentrePrior
from tests.systems.scenes import scene


def test_the_centre_of_the_image_all_the_time() -> None:
    (points,) = CentrePrior().predict(scene())
    assert len(points) == 4
    assert points.time_s.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert (points.person == WEARER).all()
    assert (points.point_px == [640, 360]).all()


def test_the_heatmap_is_round_and_peaks_in_the_centre() -> None:
    (points,) = CentrePrior().predict(scene())
    assert points.heatmap is not None
    heat = points.heatmap[0].astype(float)
    assert heat.max() == heat[17:19, 31:33].min() > 0
    wide, high = (np.sqrt(heat.sum(axis).astype(float)) for axis in (0, 1))
    assert (heat == heat[::-1, ::-1]).all()
    assert (wide > wide.max() / 2).sum() / 64 * 1280 < (
        high > high.max() / 2
    ).sum() / 36 * 720 * 1.2
