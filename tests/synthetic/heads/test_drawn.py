"""Rendered heads stand where drawn ones do, and keep their looks."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry.directions import from_yaw_pitch
from eyeline.synthetic.camera import View
from eyeline.synthetic.head import DrawnHeads, Head, HeadPose, HeadRenderer
from eyeline.synthetic.heads.drawn import RenderedHeads

pytestmark = pytest.mark.usefixtures("rendering")
LIGHT = np.array([0.3, -0.6, -0.74])


def changed(renderer: HeadRenderer, x_mm: float) -> np.ndarray:
    """Where a person shows, `(h, w)`."""
    image = np.full((240, 320, 3), 7, np.float32)
    head = Head.drawn(np.random.default_rng(1))
    pose = HeadPose(np.array([x_mm, 0.0, 1500]), np.eye(3))
    gaze = np.asarray(from_yaw_pitch(np.array(0.0), np.array(0.0)))
    renderer.draw(image, head, pose, gaze, View.ahead(320, 240, 500.0), LIGHT)
    return np.asarray((image != 7).any(2))


@pytest.mark.parametrize("x_mm", [-350.0, 0.0, 480.0])
def test_a_head_stands_where_the_drawn_one_does(x_mm: float) -> None:
    rendered, drawn = (changed(r, x_mm)[:125] for r in (RenderedHeads(), DrawnHeads()))
    assert rendered.any()
    overlap = (rendered & drawn).sum() / drawn.sum()
    assert overlap > 0.75


def test_one_beyond_the_image_changes_nothing() -> None:
    assert not changed(RenderedHeads(), 9000.0).any()
