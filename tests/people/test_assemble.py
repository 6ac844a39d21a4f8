"""Rows become tracks: gaps, false alarms, given boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eyeline.people import assemble
from eyeline.people.detect import head_box
from eyeline.people.rows import Rows
from tests.people.faces import box_around, five, six
from tests.systems.scenes import CAMERA


def clock(frames: int, rate_hz: float = 25.0) -> np.ndarray:
    start = np.arange(frames) / rate_hz
    return np.stack([np.arange(frames), start, start + 1 / rate_hz], axis=1)


def rows(frames: list[int], *, score: float = 0.9, shake: float = 0.0) -> Any:
    table = Rows()
    for i in frames:
        at = np.array([640.0, 360.0]) + shake * (i % 2)
        points = five(0.3, scale=0.8, at=at)
        table.add(
            frame=i, time_s=i / 25, end_s=(i + 1) / 25, track_id=1, shot=0, score=score,
            detected=True,
            box=box_around(points, 0.8), five=points, six=six(0.3, scale=0.8, at=at), quality=0.9,
            iris=np.full(2, np.nan), lids=0.3, mouth=0.1,
            turn=np.full((3, 3), np.nan), turn_error=np.nan,
            look=np.full(2, np.nan), look_error=np.nan,
        )  # fmt: skip
    return table.table()


def test_every_frame_from_first_to_last_has_a_row() -> None:
    (track,) = assemble.tracks(rows([5, 6, 7, 12, 13, 14]), clock(30), CAMERA)
    assert track.frame.tolist() == list(range(5, 15))
    assert track.detected.tolist() == [True] * 3 + [False] * 4 + [True] * 3
    assert (track.quality[3:7] == 0).all()
    assert np.isnan(track.mouth_open[3:7]).all()


def test_the_head_is_where_it_was_put() -> None:
    (track,) = assemble.tracks(rows(list(range(30))), clock(30), CAMERA)
    assert np.degrees(track.yaw_rad) == pytest.approx(np.full(30, np.degrees(0.3)), abs=2)
    assert track.head_xyxy == pytest.approx(head_box(track.box_xyxy))


@pytest.mark.parametrize(
    ("frames", "score", "kept"),
    [(30, 0.9, 1), (3, 0.9, 0), (30, 0.5, 0)],  # lasting and sure, a flash, unsure
)
def test_false_alarms_are_dropped(frames: int, score: float, kept: int) -> None:
    result = assemble.tracks(rows(list(range(frames)), score=score), clock(100), CAMERA)
    assert len(result) == kept


def test_what_the_user_vouches_for_is_kept_as_given() -> None:
    given = rows([3, 4], score=0.3, shake=5)
    (track,) = assemble.tracks(given, clock(100), CAMERA, believe=True)
    assert track.head_xyxy == pytest.approx(given["box"])


def test_a_video_of_one_frame_has_its_people() -> None:
    assert len(assemble.tracks(rows([0]), clock(1), CAMERA)) == 1


@pytest.mark.parametrize("k", [8, 20, 39])
def test_the_latest_row_is_the_last_one_of_all_that_came_before(k: int) -> None:
    """The causal form looks back so far that nothing more of the past would change it."""
    table = rows([i for i in range(60) if i != 15], shake=3.0)
    table["iris"], table["lids"] = 0.5 * np.sin(table["frame"])[:, None], 0.3
    past = table[table["frame"] <= k]
    (whole,) = assemble.tracks(past, clock(k + 1), CAMERA)
    seen = clock(k + 1)
    seen = seen[seen[:, 1] >= seen[-1, 1] - assemble.REACH_S]
    near = past[past["time_s"] >= seen[0, 1]]
    (now,) = assemble.latest(near, seen, CAMERA, ())
    assert (now.frame.tolist(), now.track_id) == ([k], 1)
    for name, value in vars(whole.part(slice(-1, None))).items():
        if isinstance(value, np.ndarray):
            scale = np.nanmax(np.abs(value)) if np.isfinite(value).any() else 1.0
            np.testing.assert_allclose(getattr(now, name), value, rtol=0, atol=1e-6 + 1e-4 * scale)


def test_a_face_that_is_missed_is_held_for_a_while() -> None:
    seen = rows(list(range(10)))

    def at(k: int, known: tuple[int, ...]) -> list[Any]:
        return assemble.latest(seen, clock(k + 1), CAMERA, known)

    (held,) = at(12, (1,))
    assert (held.frame.tolist(), held.detected.tolist()) == ([12], [False])
    assert held.quality == [0.0] and np.isnan(held.mouth_open).all()
    assert at(20, (1,)) == []
    short = seen[seen["frame"] < 3]
    assert assemble.latest(short, clock(3), CAMERA, ()) == []
    assert len(assemble.latest(short, clock(3), CAMERA, (1,))) == 1
