from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyeline.people.tracks import Track
from eyeline.speech.reel import crop, images_due, plan, reels

from .synthesis import make_track


@dataclass
class Still:
    """A frame whose grey value tells its index."""

    index: int
    wh: tuple[int, int] = (320, 240)

    def rgb(self) -> np.ndarray:
        return np.full((self.wh[1], self.wh[0], 3), self.index % 256, np.uint8)


def track_at(rate_hz: float, count: int, start_s: float = 0.0, **changes: object) -> Track:
    time_s = start_s + np.arange(count) / rate_hz
    track = make_track(1, time_s, np.zeros(count), left_px=100.0)
    return replace(track, **changes)


@pytest.mark.parametrize("rate_hz", [10, 23.976, 25, 30, 50, 60])
def test_ticks_show_the_frame_nearest_in_time(rate_hz: float) -> None:
    track = track_at(rate_hz, 40, start_s=0.013)
    planned = plan(track)
    ticks = planned.first + np.arange(len(planned.frame))
    off = np.abs(track.time_s[planned.frame] - ticks / 25)
    best = np.abs(track.time_s[:, None] - ticks / 25).min(axis=0)
    np.testing.assert_allclose(off, best, atol=1e-9)


@pytest.mark.parametrize("rate_hz", [10, 23.976, 25, 60])
def test_crops_come_in_order(rate_hz: float) -> None:
    track = track_at(rate_hz, 50)
    seen = list(reels([track], (Still(i) for i in range(60))))  # type: ignore[misc]
    assert [int(face[0, 0]) for _, face in seen] == plan(track).frame.tolist()
    assert {face.shape for _, face in seen} == {(112, 112)}


def test_several_tracks_and_frames_that_nobody_needs() -> None:
    late = track_at(25, 20, start_s=1.2, frame=np.arange(30, 50))
    early = track_at(25, 10)
    seen = list(reels([late, early], (Still(i) for i in range(100))))  # type: ignore[misc]
    assert [int(face[0, 0]) for i, face in seen if i == 0] == list(range(30, 50))
    assert [int(face[0, 0]) for i, face in seen if i == 1] == list(range(10))


def test_a_missing_frame_is_stood_in_for() -> None:
    frames = (Still(i) for i in range(20) if i not in (5, 6))
    seen = [int(face[0, 0]) for _, face in reels([track_at(25, 10)], frames)]  # type: ignore[arg-type]
    assert seen == [0, 1, 2, 3, 4, 7, 7, 7, 8, 9]


def test_frames_that_end_early_end_the_crops() -> None:
    frames = (Still(i) for i in range(4))
    assert len(list(reels([track_at(25, 10)], frames))) == 4  # type: ignore[arg-type]


def test_no_tracks_need_no_frames() -> None:
    assert list(reels([], (Still(i) for i in range(3)))) == []  # type: ignore[misc]


def test_the_square_of_a_box() -> None:
    box = np.tile([100.0, 50.0, 180.0, 170.0], (30, 1))
    planned = plan(track_at(25, 30, box_xyxy=box))
    # Half of the longer side is 60; the square is 1.4 x 60 wide, 0.3 x 60 of it above the middle.
    np.testing.assert_allclose(planned.side_px, 84)
    np.testing.assert_allclose(planned.corner_px, np.tile([140 - 42, 110 - 18], (30, 1)))


def test_a_box_that_jumps_once_is_ignored() -> None:
    box = np.tile([100.0, 50.0, 180.0, 170.0], (30, 1))
    box[12] += 40
    planned = plan(track_at(25, 30, box_xyxy=box))
    assert np.ptp(planned.corner_px, axis=0).tolist() == [0, 0]


def test_crops_scale_exactly() -> None:
    gradient = np.tile(np.arange(224, dtype=np.uint8), (224, 1))
    np.testing.assert_array_equal(
        crop(gradient, np.array([10.0, 20.0]), 112.0), gradient[20:132, 10:122]
    )
    steep = np.tile(4 * np.arange(60, dtype=np.uint8), (60, 1))
    doubled = crop(steep, np.array([0.0, 0.0]), 56.0).astype(float)
    # The middle of pixel i of the crop lies at (i + 0.5) / 2 - 0.5 of the image.
    np.testing.assert_allclose(doubled[50, 1:], 2 * np.arange(1, 112) - 1, atol=0.5)


def test_beyond_the_image_it_is_grey() -> None:
    outside = crop(np.zeros((100, 100), np.uint8), np.array([-56.0, 0.0]), 112.0)
    assert (outside[:, :55] == 110).all()
    assert (outside[:98, 58:] == 0).all()


def pass_over(indices: list[int], asked: list[int]) -> Iterator[Any]:
    for index in indices:
        asked.append(index)
        yield SimpleNamespace(index=index)


@pytest.mark.parametrize(
    ("shown", "indices", "due"),
    [
        ([], range(3), {}),
        ([[]], range(3), {}),
        ([[0, 1, 2]], range(5), {0: [(0, 0)], 1: [(0, 1)], 2: [(0, 2)]}),
        ([[1, 1, 2]], range(5), {1: [(0, 0), (0, 1)], 2: [(0, 2)]}),  # one shown twice
        ([[0, 3]], range(5), {0: [(0, 0)], 3: [(0, 1)]}),  # one left out
        ([[2, 3], [], [0, 2]], range(5), {0: [(2, 0)], 2: [(2, 1), (0, 0)], 3: [(0, 1)]}),
        ([[1, 2, 3]], [0, 3, 4], {3: [(0, 0), (0, 1), (0, 2)]}),  # the next one stands in
        ([[0, 7]], range(3), {0: [(0, 0)]}),  # no frame is left
    ],
)
def test_images_due(shown: list[list[int]], indices: list[int], due: dict[int, Any]) -> None:
    tracks = [np.array(s, np.int64) for s in shown]
    asked: list[int] = []
    result = {f.index: pairs for f, pairs in images_due(tracks, pass_over(list(indices), asked))}
    assert {k: sorted(v) for k, v in result.items()} == {k: sorted(v) for k, v in due.items()}


def test_no_more_frames_are_asked_for_than_needed() -> None:
    asked: list[int] = []
    list(images_due([np.array([0, 2])], pass_over(list(range(9)), asked)))
    assert asked == [0, 1, 2]
    asked.clear()
    list(images_due([np.array([], np.int64)], pass_over([0], asked)))
    assert not asked
