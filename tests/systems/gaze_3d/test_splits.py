from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_3d import splits


def test_the_published_lists_are_here_and_fraction_no_session() -> None:
    train, test = splits.read("gafa_train.txt"), splits.read("gafa_test.txt")
    assert (len(train), len(test)) == (11, 6)
    assert not set(train) & set(test)
    assert test[:2] == ("library/1029_2", "lab/1013_2")


def test_the_data_s_own_list_comes_first(tmp_path: Path) -> None:
    (tmp_path / "gafa_test.txt").write_text("# mine\nroom/1  # the first\n\nroom/2\n")
    assert splits.read("gafa_test.txt", tmp_path) == ("room/1", "room/2")
    assert splits.read(tmp_path / "gafa_test.txt") == ("room/1", "room/2")


def test_lists_that_cannot_be_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gafa_test\.txt, gafa_train\.txt"):
        splits.read("other.txt", tmp_path)
    (tmp_path / "empty.txt").write_text("# nobody\n")
    with pytest.raises(DataError, match="no session"):
        splits.read("empty.txt", tmp_path)
    (tmp_path / "twice.txt").write_text("a/1\nb/1\na/1\n")
    with pytest.raises(DataError, match="twice: a/1"):
        splits.read("twice.txt", tmp_path)


def test_sessions_are_held_out_by_a_seed() -> None:
    train = splits.read("gafa_train.txt")
    kept, held = splits.held_out(train, 0.1, seed=0)
    assert (len(kept), len(held)) == (10, 1)
    assert sorted((*kept, *held)) == sorted(train)
    assert splits.held_out(train, 0.1, seed=0) == (kept, held)
    assert len({splits.held_out(train, 0.1, seed=s)[1] for s in range(20)}) > 4
    assert list(splits.held_out(train, 0.5)[1]) == sorted(
        splits.held_out(train, 0.5)[1], key=train.index
    )


def test_what_cannot_be_split_is_reported() -> None:
    with pytest.raises(DataError, match="1 sessions"):
        splits.held_out(("a/1",))
    with pytest.raises(DataError, match=r"share of 1\.5"):
        splits.held_out(("a/1", "a/2"), 1.5)


def test_an_order_is_drawn_by_a_seed() -> None:
    train = splits.read("gafa_train.txt")
    assert splits.shuffled(train, 1) == splits.shuffled(train, 1) != splits.shuffled(train, 2)
    assert sorted(splits.shuffled(train, 1)) == sorted(train)
