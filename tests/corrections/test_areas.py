"""Shapes by frame, points in polygons, and the tracker on a patch whose way is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline import corrections, sample
from eyeline.corrections.areas import holds, inside, shapes
from eyeline.corrections.footage import Follower
from eyeline.corrections.model import Area
from eyeline.results import Clock, Floats
from tests.corrections.conftest import put
from tests.export.conftest import build, video_info

CLOCK = Clock.exact(np.arange(50), np.arange(50) / 25, np.arange(1, 51) / 25)


def box(*corners: float) -> list[list[float]]:
    x1, y1, x2, y2 = corners
    return [[x1, y1], [x2, y2]]


def area(*frames: tuple[float, list[list[float]]], **changes: Any) -> Area:
    keyframes = [{"time_s": t, "points": points} for t, points in frames]
    fields = {"kind": "area", "id": 1, "name": "toy", "shape": "box", "keyframes": keyframes}
    return Area.model_validate(fields | changes)


def test_boxes_move_evenly_between_key_frames() -> None:
    shape = shapes(area((0.4, box(30, 40, 10, 20)), (1.2, box(90, 40, 70, 20))), CLOCK)
    assert shape.shape == (50, 4, 2)
    assert np.isnan(shape[:10]).all()
    assert np.isnan(shape[31:]).all()
    np.testing.assert_allclose(shape[20], [[40, 20], [60, 20], [60, 40], [40, 40]])


@pytest.mark.parametrize(
    ("frames", "between", "first", "last"),
    [
        ([1.0], "interpolate", 0, 49),
        ([1.0], "track", 25, 49),
        ([0.5, 1.0], "track", 13, 25),
        ([0.5, 1.0], "interpolate", 12, 25),
    ],
)
def test_when_an_area_is_there(frames: list[float], between: str, first: int, last: int) -> None:
    there = holds(area(*((t, box(0, 0, 9, 9)) for t in frames), between=between), CLOCK)
    assert (int(there.argmax()), int(np.flatnonzero(there)[-1])) == (first, last)


@pytest.mark.parametrize(
    ("point", "expected"),
    [((5, 5), True), ((1, 9), True), ((6, 9), False), ((-1, 5), False), ((5, 11), False)],
)
def test_points_in_a_polygon_with_a_notch(point: tuple[float, float], expected: bool) -> None:
    polygon = np.array([[[0, 0], [10, 0], [10, 10], [6, 6], [0, 10]]], float)
    assert inside(np.array([point], float), polygon).tolist() == [expected]


def patches(path: Floats, lost_from: int | None = None) -> list[Any]:
    """Frames with a patch of noise whose centre goes along a path, over other noise."""
    rng = np.random.default_rng(3)
    back = rng.integers(0, 60, (120, 200)).astype(np.uint8)
    patch = np.kron(rng.integers(60, 256, (10, 10)), np.ones((3, 3))).astype(np.uint8)
    frames = []
    for k, (x, y) in enumerate(np.rint(path).astype(int)):
        frame = back.copy() if lost_from is None or k < lost_from else np.zeros_like(back)
        if lost_from is None or k < lost_from:
            frame[y - 15 : y + 15, x - 15 : x + 15] = patch
        frames.append(frame)
    return frames


def tracked(one: Area, frames: list[Any]) -> Floats:
    follower = Follower(one, CLOCK)
    for k, frame in enumerate(frames):
        if follower.holds_at(k / 25):
            follower.see(k, k / 25, frame, 1.0)
    return follower.corners()


def test_the_tracker_follows_a_curve_that_interpolation_misses() -> None:
    t = np.arange(50)
    path = np.stack([30 + 2.5 * t, 60 + 30 * np.sin(t / 8)], -1)
    ends = [(k / 25, box(*(path[k] - 15), *(path[k] + 15))) for k in (0, 49)]
    centre = tracked(area(*ends, between="track"), patches(path)).mean(axis=1)
    assert np.abs(centre - path).max() < 2
    np.testing.assert_allclose(centre[[0, 49]], path[[0, 49]], atol=1e-6)
    assert np.abs(shapes(area(*ends), CLOCK).mean(axis=1) - path).max() > 20


def test_drift_is_taken_back_at_the_next_key_frame() -> None:
    path = np.tile([60.0, 60.0], (50, 1))
    wrong = [(0.0, box(45, 45, 75, 75)), (1.96, box(55, 45, 85, 75))]
    centre = tracked(area(*wrong, between="track"), patches(path)).mean(axis=1)
    np.testing.assert_allclose(centre[:, 0], 60 + 10 * np.arange(50) / 49, atol=0.5)


def test_what_the_tracker_loses_is_nowhere_and_named(tmp_path: Path) -> None:
    path = np.tile([60.0, 60.0], (50, 1))
    one = area((0.0, box(45, 45, 75, 75)), (1.96, box(45, 45, 75, 75)), between="track")
    corners = tracked(one, patches(path, lost_from=20))
    known = np.isfinite(corners[:, 0, 0])
    assert known[:20].all()
    assert not known[25:49].any()
    computed = build(persons=2, frames=50)
    kept = corrections.Corrections.model_validate(
        {"version": 1, "entries": [one.model_dump() | {"time": "2026-11-30T16:00:00Z"}]}
    )
    noted = corrections.apply(computed, kept, {1: corners}).warnings
    assert any("'toy' is lost by the tracker" in w and "add a key frame" in w for w in noted)
    assert any("not followed it" in w for w in corrections.apply(computed, kept).warnings)


def test_an_area_is_tracked_through_the_video_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the video's own rate, whatever the analysed frames are."""
    info = video_info(10.4, path=str(sample.path()), width_px=640, height_px=360)
    folder = put(build(persons=2, frames=20, stride=5, video=info), tmp_path / "v")
    frames = [{"time_s": t, "points": box(200, 100, 260, 170)} for t in (0.4, 1.2)]
    corrections.append(
        folder,
        {"kind": "area", "name": "face", "shape": "box", "between": "track", "keyframes": frames},
    )
    written = corrections.rewrite(folder)
    assert written is not None and written.corrected is not None
    assert not [w for w in written.warnings if "track" in w]
    corners = written.corrected.areas[0].corners_px
    assert np.isfinite(corners[:, 0, 0]).tolist() == [2 <= k <= 6 for k in range(20)]
    monkeypatch.setattr("eyeline.corrections.footage.follow", None)
    again = corrections.rewrite(folder)
    assert again is not None and again.corrected is not None
    np.testing.assert_array_equal(again.corrected.areas[0].corners_px, corners)
