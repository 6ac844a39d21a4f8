from __future__ import annotations

import numpy as np
import pytest

from eyeline.people.tracks import Track
from eyeline.results import Image
from eyeline.speech.lips import (
    PATCH_WH,
    Lips,
    covered_probability,
    darkness,
    edges,
    native,
    patch,
    read_lips,
    stir_mm,
)
from eyeline.speech.mouths import COVERED

from .synthesis import frame_times, make_track


def mouth(opening: float, *, left: float = 24.0, seed: int = 0) -> Image:
    """A patch with lips of some opening, in pixels, on skin."""
    import cv2

    rng = np.random.default_rng(seed)
    wide, high = PATCH_WH
    y, x = np.mgrid[:high, :wide].astype(float)
    skin = (
        150 + 12 * np.sin(x / 9) + 4 * cv2.GaussianBlur(rng.standard_normal(x.shape), (0, 0), 1.5)
    )
    inside = ((x - left) / 11) ** 2
    lips = inside + ((y - 17) / (4 + opening)) ** 2 < 1
    gap = inside + ((y - 17) / (0.8 + opening)) ** 2 < 0.8
    drawn = np.where(gap, 40.0, np.where(lips, 105.0, skin))
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 0.8).clip(0, 255), np.uint8)


def test_what_moves_as_a_whole_does_not_stir() -> None:
    whole = stir_mm(mouth(3), np.roll(mouth(3), 1, axis=1))
    opened = stir_mm(mouth(1), mouth(4))
    assert stir_mm(mouth(3), mouth(3)) == pytest.approx(0, abs=0.05)
    assert opened > 2 * whole


def test_open_mouths_are_dark() -> None:
    closed, *opened = (darkness(mouth(opening)) for opening in (0, 2, 4))
    assert min(opened) > closed + 0.3


def test_cloth_covers_and_lips_do_not() -> None:
    import cv2

    rng = np.random.default_rng(2)
    wide, high = PATCH_WH
    for level in (40, 120, 220):
        folds = cv2.GaussianBlur(rng.standard_normal((high, wide)), (0, 0), 3)
        cloth = level + 8 * folds / folds.std()
        assert covered_probability(np.asarray(cloth, np.uint8)) > COVERED
    for opening in (0, 2, 4):
        assert covered_probability(mouth(opening)) < COVERED


def test_edges_by_hand() -> None:
    ramp = np.tile(np.arange(PATCH_WH[0], dtype=np.uint8) * 5, (PATCH_WH[1], 1))
    result = edges(ramp).reshape(4, 5, 4, 9)
    assert result.shape == (4, 5, 4, 9)
    # All gradients point to the right: the first of nine directions.
    assert (result[..., 0] > 0.3).all() and np.abs(result[..., 1:]).max() < 1e-9


def test_a_patch_is_upright_and_to_scale() -> None:
    gray = np.zeros((400, 400), np.uint8)
    gray[200:, :] = 200
    level = patch(gray, np.array([200.0, 200.0]), 0.0, 2.0)
    # The middle of the patch lies 6 mm below the corners of the mouth: 12 px, 3.4 px of the patch.
    edge = int(np.flatnonzero(level[:, 24] > 100)[0])
    assert edge == pytest.approx((PATCH_WH[1] - 1) / 2 - 6 / 1.75, abs=1)
    turned = patch(np.rot90(gray).copy(), np.array([200.0, 200.0]), -np.pi / 2, 2.0)
    assert np.abs(turned.astype(int) - level).mean() < 3


class Frame:
    """A grey frame."""

    def __init__(self, time_s: float) -> None:
        self.time_s = time_s

    def gray(self) -> Image:
        return np.full((400, 400), 90, np.uint8)


@pytest.mark.parametrize(("rate_hz", "measured_hz"), [(10, 10), (25, 25), (30, 30), (60, 30)])
def test_lips_are_measured_near_voices_at_the_videos_own_rate(
    rate_hz: float, measured_hz: float
) -> None:
    track = make_track(1, frame_times(6, 1), np.full(6, np.nan), left_px=100)
    frames = [Frame(t) for t in frame_times(6, rate_hz)]
    (lips,) = read_lips([track], frames, np.array([[2.0, 3.0]]))  # type: ignore[arg-type]
    assert lips.time_s[0] == pytest.approx(1.2, abs=0.1)
    assert lips.time_s[-1] == pytest.approx(3.8, abs=0.1)
    assert 1 / np.median(np.diff(lips.time_s)) == pytest.approx(measured_hz, rel=0.01)
    assert np.isnan(lips.stir_mm_s[0]) and np.isfinite(lips.stir_mm_s[1:]).all()
    (none,) = read_lips([track], frames, np.zeros((0, 2)))  # type: ignore[arg-type]
    assert len(none.time_s) == 0


def test_landmarks_of_followed_frames_are_not_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    track = make_track(1, frame_times(1, 25), np.linspace(0, 0.2, 25), left_px=100)
    frames = [Frame(t) for t in frame_times(1, 25)]
    result: list[object] = []
    monkeypatch.setattr(
        "eyeline.people.landmarks.Landmarker.find", lambda _, chip: result.append(chip)
    )
    (lips,) = read_lips([track], frames, np.array([[0.0, 1.0]]))  # type: ignore[arg-type]
    assert not result
    np.testing.assert_allclose(lips.opening, track.mouth_open)


def test_a_track_on_all_frames() -> None:
    track = make_track(3, frame_times(4, 1), np.array([0.1, 0.2, 0.3, 0.4]))
    start = frame_times(6, 10)
    clock = np.stack([np.arange(60), start, start + 0.1], axis=1)
    full = native(track, clock)
    assert isinstance(full, Track)
    assert full.frame.tolist() == list(range(40))
    assert full.mouth_open[5] == pytest.approx(0.15)
    assert full.detected.dtype == np.bool_
    assert (full.track_id, full.person) == (3, 3)


def test_lips_of_a_track_have_no_pixels() -> None:
    lips = Lips.of_track(make_track(1, frame_times(1, 4), np.array([0.1, np.nan, 0.2, 0.1])))
    assert lips.time_s.tolist() == [0.0, 0.5, 0.75]
    assert np.isnan(lips.dark).all() and np.isnan(lips.covered).all()
