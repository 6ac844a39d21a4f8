"""Following scripted faces: cuts, fast motion, misses, false alarms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from eyeline.people import follow
from tests.people.faces import FakeFrame, Scripted


@pytest.fixture(autouse=True)
def no_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grey frames have no landmarks; what is tested is who is followed, not what is measured."""

    class Blank:
        def __call__(self, *_: object) -> tuple[dict[str, object], np.ndarray]:
            points = np.zeros((68, 2))
            columns = {
                "six": points[:6], "quality": 0.0, "iris": np.zeros(2), "lids": 0.3, "mouth": 0.0,
            }  # fmt: skip
            return columns, points

    monkeypatch.setattr(follow, "Measure", Blank)
    monkeypatch.setattr(follow.Portraits, "offer", lambda *_, **__: None)


def run(
    script: dict[int, list[tuple[float, float, float]]], frames: int, cuts: tuple[int, ...] = (),
    rate_hz: float = 25.0,
) -> tuple[follow.Follower, Scripted]:  # fmt: skip
    detector = Scripted(script)
    follower = follow.Follower(detector)

    def marked() -> Iterator[tuple[FakeFrame, bool]]:
        for i in range(frames):
            yield FakeFrame(i, rate_hz), i in cuts

    follower.run(marked())
    return follower, detector


def tracks(follower: follow.Follower) -> dict[int, list[int]]:
    table = follower.rows.table()
    return {
        int(t): table["frame"][table["track_id"] == t].tolist()
        for t in np.unique(table["track_id"])
    }


def test_a_still_face_is_searched_at_a_low_rate_and_has_a_row_in_every_frame() -> None:
    follower, detector = run({i: [(100, 100, 0.9)] for i in range(50)}, 50)
    assert tracks(follower) == {1: list(range(50))}
    assert len(detector.searched) < 20


def test_a_fast_face_is_searched_in_every_frame_and_not_lost() -> None:
    script = {
        i: [(60 + 20 * (i % 10 if (i // 10) % 2 == 0 else 10 - i % 10), 100.0, 0.9)]
        for i in range(40)
    }
    follower, detector = run(script, 40)
    assert tracks(follower) == {1: list(range(40))}
    assert len(detector.searched) > 30
    table = follower.rows.table()
    centre = table["five"].mean(axis=1)[:, 0] - table["five"].mean(axis=1)[0, 0]
    truth = np.array([script[i][0][0] for i in range(40)]) - 60
    assert np.abs(centre - truth).max() < 8


def test_a_cut_ends_all_tracks_at_the_exact_frame() -> None:
    follower, _ = run({i: [(100, 100, 0.9)] for i in range(40)}, 40, cuts=(17,))
    assert tracks(follower) == {1: list(range(17)), 2: list(range(17, 40))}
    assert follower.shot_starts_s == [0.0, 17 / 25]


def test_the_first_and_last_frame_of_a_face_are_found_exactly() -> None:
    follower, _ = run({i: [(100, 100, 0.9)] for i in range(11, 30)}, 45)
    assert tracks(follower) == {1: list(range(11, 30))}


def test_a_short_miss_does_not_end_a_track() -> None:
    script = {i: [(100, 100, 0.9)] for i in range(50) if not 20 <= i < 30}
    follower, _ = run(script, 50)
    assert list(tracks(follower)) == [1]


@pytest.mark.parametrize("rate_hz", [0.999, 2.0, 5.0])
def test_at_a_low_rate_a_face_that_is_missed_twice_keeps_its_track(rate_hz: float) -> None:
    script = {i: [(100 + i, 100, 0.9)] for i in range(30) if i not in (12, 13)}
    follower, _ = run(script, 30, rate_hz=rate_hz)
    assert list(tracks(follower)) == [1]


def test_a_long_miss_ends_it() -> None:
    script = {i: [(100, 100, 0.9)] for i in range(120) if not 20 <= i < 90}
    follower, _ = run(script, 120)
    assert list(tracks(follower)) == [1, 2]


def test_a_weak_face_starts_no_track_but_carries_one_on() -> None:
    follower, _ = run({i: [(100, 100, 0.45)] for i in range(30)}, 30)
    assert tracks(follower) == {}
    follower, _ = run({i: [(100, 100, 0.9 if i < 10 else 0.45)] for i in range(30)}, 30)
    assert tracks(follower) == {1: list(range(30))}


def test_people_side_by_side_keep_their_tracks() -> None:
    script = {i: [(60, 100, 0.9), (200 + i, 100, 0.8)] for i in range(50)}
    follower, _ = run(script, 50)
    assert tracks(follower) == {1: list(range(50)), 2: list(range(50))}
    table = follower.rows.table()
    assert table["box"][table["track_id"] == 1][:, 0].max() < 60


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_hardly_any_frames(frames: int) -> None:
    follower, _ = run({i: [(100, 100, 0.9)] for i in range(frames)}, frames)
    assert len(follower.rows.table()) == frames


def test_step_by_step_a_face_has_its_row_at_once_but_for_its_first_frame() -> None:
    detector = Scripted({i: [(100 + i, 100, 0.9)] for i in range(4, 12)})
    follower = follow.Follower(detector)
    for i in range(14):
        follower.step(FakeFrame(i), cut=i == 9)  # type: ignore[arg-type]
        newest = follower.rows.table()["frame"][-1:].tolist()
        assert newest == ([i] if 5 <= i < 12 else [] if i < 5 else [11])
    assert tracks(follower) == {1: [5, 6, 7, 8], 2: [9, 10, 11]}
    follower.rows.forget(7 / 25)
    assert follower.rows.table()["frame"].tolist() == [7, 8, 9, 10, 11]
