"""Hands things from a thread that makes them to one that uses them, a few at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """A bounded queue whose two ends notice when the other has gone."""

    def __init__(self, size: int) -> None:
        """Hold at most `size` things at a time."""
        self._size = size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._finished = False
        self._left = False

    def put(self, item: T) -> bool:
        """Wait for room and put `item` there; False once the taker has left."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or len(self._items) < self._size)
            if not self._left:
                self._items.append(item)
                self._changed.notify_all()
            return not self._left

    def finish(self, error: BaseException | None = None) -> None:
        """Say that nothing more will come, because of `error` where there is one."""
        with self._changed:
            self._error, self._finished = error, True
            self._changed.notify_all()

    def leave(self) -> None:
        """Say that nothing more will be taken."""
        with self._changed:
            self._left = True
            self._items.clear()
            self._changed.notify_all()

    def take(self) -> Iterator[T]:
        """What was put, in order; an error of the maker is raised after all that it made."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._finished)
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error


def ahead(make: Callable[[], Iterable[T]], size: int, name: str) -> Iterator[T]:
    """Run an iterable in a thread of its own, at most `size` items ahead of whoever takes them.

    The thread ends with the iterable, or soon after the returned iterator is closed or dropped.
    """
    hand = Handover[T](size)

    def run() -> None:
        error: BaseException | None = None
        try:
            for item in make():
                if not hand.put(item):
                    break
        except BaseException as caught:  # noqa: BLE001 - raised again by whoever takes
            error = caught
        hand.finish(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield from hand.take()
    finally:
        hand.leave()
        # The garbage collector may drop the iterator in any thread, even in this one.
        if threading.current_thread() is not thread:
            thread.join()
