from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.speech.mouths import by_person, read_mouth, tick_count, track_ticks, weighted_mean

from .synthesis import make_track


@pytest.mark.parametrize(
    ("time_s", "ticks"), [(0.0, 0), (0.001, 1), (0.04, 1), (0.0401, 2), (1.0, 25), (7200.0, 180000)]
)
def test_tick_count(time_s: float, ticks: int) -> None:
    assert tick_count(time_s) == ticks


def test_ticks_of_a_track() -> None:
    assert track_ticks(make_track(1, np.array([0.99, 1.02, 1.05]), np.zeros(3))) == slice(25, 27)
    # Shorter than a tick and between two: nothing.
    assert track_ticks(make_track(1, np.array([0.981, 0.986]), np.zeros(2))) == slice(25, 25)


@pytest.mark.parametrize("rate_hz", [10.0, 23.976, 25.0, 30.0, 60.0])
def test_motion_is_on_time_at_any_rate(rate_hz: float) -> None:
    time_s = np.arange(0, 6, 1 / rate_hz)
    opening = 0.1 + 0.05 * np.sin(2 * np.pi * 3 * time_s) + 0.1 * (time_s > 3)
    mouth = read_mouth(make_track(1, time_s, opening))
    inside = (mouth.time_s > 0.5) & (mouth.time_s < 2.3)
    wave = np.sin(2 * np.pi * 3 * mouth.time_s[inside])
    assert np.corrcoef(mouth.motion[inside], wave)[0, 1] > 0.97
    assert mouth.blur_s == pytest.approx(1 / rate_hz)


def test_slow_changes_are_taken_off() -> None:
    time_s = np.arange(0, 8, 0.04)
    slow = read_mouth(make_track(1, time_s, 0.2 + 0.1 * np.sin(2 * np.pi * 0.25 * time_s)))
    quick = read_mouth(make_track(1, time_s, 0.2 + 0.1 * np.sin(2 * np.pi * 4 * time_s)))
    assert slow.motion[25:-25].std() < 0.05 * quick.motion[25:-25].std()


def test_trust_follows_quality_and_gaps() -> None:
    time_s = np.arange(0, 4, 0.04)
    opening = np.full(100, 0.1)
    opening[25:75] = np.nan
    quality = np.where(np.arange(100) < 10, 0.2, 0.8)
    mouth = read_mouth(make_track(1, time_s, opening, quality=quality))
    assert mouth.trust[5] == pytest.approx(0.5)
    assert mouth.trust[15] == 1.0
    assert mouth.trust[28:72].max() == 0.0
    assert mouth.trust[80] == 1.0


@pytest.mark.parametrize("opening", [[np.nan], [0.1], [np.nan, 0.1], [np.nan] * 50])
def test_little_or_nothing_measured(opening: list[float]) -> None:
    mouth = read_mouth(make_track(1, 0.04 * np.arange(len(opening)), opening))
    assert len(mouth.motion) == len(mouth.trust) == len(opening)
    assert np.isfinite(mouth.motion).all()
    assert np.isfinite(mouth.trust).all()


def test_weighted_mean_by_definition() -> None:
    rng = np.random.default_rng(0)
    value, weight = rng.standard_normal(60), rng.random(60) * (rng.random(60) > 0.3)
    at = np.arange(60)
    kernel = np.exp(-((at[:, None] - at) ** 2) / (2 * 5.0**2))
    expected = (kernel * weight * value).sum(1) / (kernel * weight).sum(1)
    np.testing.assert_allclose(weighted_mean(value, weight, 0.2), expected, atol=2e-3)
    assert weighted_mean(value, np.zeros(60), 0.2).tolist() == [0.0] * 60


def test_persons_of_tracks() -> None:
    time_s = np.arange(3) * 0.04
    tracks = [make_track(n, time_s, np.zeros(3), person=p) for n, p in ((1, 4), (2, 2), (3, 4))]
    persons, owner = by_person(tracks)
    assert persons.tolist() == [2, 4]
    assert owner == [1, 0, 1]
    assert by_person([])[0].tolist() == []


def test_tracks_need_persons() -> None:
    with pytest.raises(DataError, match="track 7 belongs to no person yet"):
        by_person([make_track(7, np.arange(3) * 0.04, np.zeros(3), person=0)])
