"""Drawn eyes: the same number is the same eye, and what is said of an eye is what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people.irises import anatomy, capture, crops, render, train


@pytest.fixture(scope="module")
def many() -> list[capture.Sample]:
    return [capture.sample(3, i) for i in range(250)]


def test_a_number_is_always_the_same_eye() -> None:
    one, again, other = (capture.sample(3, i) for i in (5, 5, 6))
    for name, value in vars(one).items():
        assert np.array_equal(value, getattr(again, name)), name
    assert not np.array_equal(one.crop, other.crop)


def test_parts_and_processes_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train.draw(3, 12)
    monkeypatch.setattr(train, "_PART", 5)
    for parts in (train.draw(3, 12), train.draw(3, 12, processes=2)):
        for name, values in whole.items():
            assert np.array_equal(values, parts[name]), name


def test_the_iris_is_darker_than_the_white_parallel_it(many: list[capture.Sample]) -> None:
    """The middle of the iris against the opening between it and the farther corner."""
    darker = []
    for sample in many:
        if sample.visible == 1 and sample.opening > 0.25 and sample.width_px > 15:
            gap = np.linalg.norm(sample.corners - sample.iris, axis=1)
            white = sample.iris + 0.6 * (sample.corners[gap.argmax()] - sample.iris)
            darker.append(_level(sample, sample.iris) < _level(sample, white))
    assert len(darker) > 20
    assert np.mean(darker) > 0.8


def _level(sample: capture.Sample, at: np.ndarray) -> float:
    x, y = np.clip(np.round(at).astype(int), 1, [crops.CROP_W - 2, crops.CROP_H - 2])
    return float(sample.crop[y - 1 : y + 2, x - 1 : x + 2].mean())


def test_eyes_of_all_kinds_are_drawn(many: list[capture.Sample]) -> None:
    visible = np.array([s.visible for s in many])
    width = np.array([s.width_px for s in many])
    opening = np.array([s.opening for s in many])
    assert 0.4 < (visible > 0.9).mean() < 0.8
    assert (visible < 0.1).mean() > 0.15
    assert (opening < 0.05).mean() > 0.1 and (opening > 0.3).mean() > 0.1
    assert width.min() < 7 and width.max() > 55
    assert np.mean([s.visible < 0.5 for s in many if s.opening < 0.02]) > 0.95


def test_gaze_moves_the_iris_and_closed_lids_hide_it() -> None:
    for number in range(40):
        eye = anatomy.draw(np.random.default_rng([9, number]))
        assert np.linalg.norm(eye.gaze) == pytest.approx(1)
        shift = (eye.iris - eye.ball) / anatomy.IRIS_DEPTH_MM
        assert shift == pytest.approx(eye.gaze[:2])
        assert np.linalg.norm(eye.corners.mean(0)) == pytest.approx(0, abs=1e-9)
        painting = render.paint(np.random.default_rng([9, number, 1]), eye)
        assert painting.image.shape == (render.CANVAS_H, render.CANVAS_W)
        assert np.isfinite(painting.image).all()
        if eye.opening < 0.01:
            assert painting.seen < 0.3
