from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from eyeline.video.handover import Handover, ahead


def test_everything_arrives_in_order() -> None:
    assert list(ahead(lambda: range(1000), 3, "count")) == list(range(1000))


def test_nothing_may_arrive() -> None:
    assert list(ahead(list, 3, "count")) == []


def test_the_maker_runs_only_so_far_ahead() -> None:
    created: list[int] = []

    def make() -> Iterator[int]:
        for number in range(100):
            created.append(number)
            yield number

    taken = ahead(make, 4, "count")
    assert next(taken) == 0
    time.sleep(0.05)
    # one taken, four waiting, one in hand
    assert len(created) <= 6
    taken.close()


def test_closing_early_ends_the_thread() -> None:
    taken = ahead(lambda: iter(int, 1), 2, "endless")
    next(taken)
    assert any(thread.name == "endless" for thread in threading.enumerate())
    taken.close()
    assert not any(thread.name == "endless" for thread in threading.enumerate())


def test_error_reaches_the_taker_after_what_was_made() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise KeyError("lost")

    taken = ahead(make, 8, "failing")
    assert next(taken) == 1
    with pytest.raises(KeyError, match="lost"):
        next(taken)


def test_put_tells_that_the_taker_has_left() -> None:
    hand = Handover[int](1)
    assert hand.put(1)
    threading.Timer(0.02, hand.leave).start()
    assert not hand.put(2)
