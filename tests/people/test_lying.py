from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from eyeline import sample
from eyeline.people.detect import CenterFace
from eyeline.people.lying import Samples, recommended_turn, uprightness
from eyeline.video.reader import VideoReader


@cache
def of_the_sample(turn_deg: int) -> Samples:
    """Frames of the sample as if it had been recorded in another position of the camera."""
    samples = Samples()
    reader = VideoReader(sample.path(), rate_hz=1.0, turn_deg=turn_deg)
    assert len(list(samples.watch(reader))) == 11
    return samples


@pytest.mark.parametrize(("lies_deg", "needs_deg"), [(0, 0), (90, 270), (180, 180), (270, 90)])
def test_the_turn_that_makes_faces_upright(lies_deg: int, needs_deg: int) -> None:
    assert recommended_turn([], of_the_sample(lies_deg), CenterFace()) == needs_deg


def test_nothing_is_said_without_faces() -> None:
    samples = Samples()
    samples.images = [np.full((288, 480, 3), 90, np.uint8)] * 4
    assert recommended_turn([], samples, CenterFace()) == 0
    assert recommended_turn([], Samples(), CenterFace()) == 0


def test_few_frames_are_kept_and_they_are_spread() -> None:
    samples = Samples()
    times_s = [frame.time_s for frame in samples.watch(VideoReader(sample.path()))]
    assert len(times_s) == 260
    assert 6 <= len(samples.images) < 12
    assert len(samples.spread()) == 6


def test_uprightness_is_the_cosine_of_the_roll() -> None:
    upright = np.array([[-1, 0], [1, 0], [0, 1], [-1, 2], [1, 2]], float)
    lying = upright @ np.array([[0, 1], [-1, 0]])
    assert uprightness(np.stack([upright, lying, -upright])) == pytest.approx([1, 0, -1])
