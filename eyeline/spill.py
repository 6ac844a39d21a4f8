"""Long columns in a temporary file instead of memory, mapped, so that they are arrays like others.

The file has no name, and its space is free again once no array lies in it. `TMPDIR` says where.
"""

from __future__ import annotations

import itertools
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np
import numpy.typing as npt

from eyeline.errors import OutputError

LEAST_BYTES = 1 << 16
"""Shorter columns stay in memory."""
ROWS_AT_ONCE = 1 << 12
"""Rows that are worked on together where whole columns would fill the memory."""
_SEGMENT_BYTES = 1 << 26
_RELEASED_BYTES = 1 << 23
"""After so much was written what was read for it is given back."""
_ALIGNED = 64

Array = npt.NDArray[Any]
_Columns = TypeVar("_Columns")


class _Segment:
    """A nameless file with space for columns one behind the other."""

    def __init__(self, size: int) -> None:
        self.process = os.getpid()
        self._file = cast(BinaryIO, tempfile.TemporaryFile(buffering=0, prefix="eyeline."))  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._file.truncate(size)
        self._map = mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ)
        _maps.add(self._map)
        self._used, self._size = 0, size

    def reserve(self, size: int) -> int | None:
        """Where so many bytes may be written; None where they do not fit."""
        begin, self._used = self._used, self._used + -(-size // _ALIGNED) * _ALIGNED
        return begin if begin + size <= self._size else None

    def write(self, begin: int, size: int, parts: Iterable[Array], like: Array) -> Array:
        """Rows of parts one below the other in what is reserved, as an array that is read only."""
        at, dtype = begin, like.dtype
        for part in parts:
            data = np.ascontiguousarray(part, dtype).reshape(-1).view(np.uint8)
            with _lock:
                self._file.seek(at)
                while len(data):  # a file takes at most so much at once
                    data = data[self._file.write(data.data) :]
            at += part.size * dtype.itemsize
            assert at <= begin + size, "parts have the rows that were reserved"
        count = (at - begin) // dtype.itemsize
        return np.frombuffer(self._map, dtype, count, begin).reshape(-1, *like.shape[1:])


_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
_lock = threading.Lock()
_current: list[_Segment] = []
_since_release = [0]


def on_disk(*parts: Array) -> Array:
    """Arrays of one type one below the other, in the file where they are long.

    Raises:
        OutputError: the folder for temporary files is full or cannot be written.
    """
    size, first = sum(part.nbytes for part in parts), parts[0]
    if size < LEAST_BYTES or first.dtype.hasobject or first.ndim == 0:
        return first if len(parts) == 1 else np.concatenate(parts)
    if len(parts) == 1 and isinstance(_root(first), mmap.mmap):
        return first
    return _written(size, parts, first)


def by_blocks(rows: int, compute: Callable[[slice], Array], at_once: int | None = None) -> Array:
    """What `compute` gives for `blocks`, one below the other as of `on_disk`.

    Each block has as many rows as its slice.
    """
    each = blocks(rows, at_once)
    first = compute(next(each))
    if rows == len(first):
        return on_disk(first)
    rest = (compute(block) for block in each)
    return _written(first.nbytes * rows // len(first), itertools.chain([first], rest), first)


def blocks(rows: int, at_once: int | None = None) -> Iterator[slice]:
    """Slices over so many rows, one at least, each of `at_once` or `ROWS_AT_ONCE`."""
    step = at_once or ROWS_AT_ONCE
    return (slice(i, min(i + step, rows)) for i in range(0, max(rows, 1), step))


def _written(size: int, parts: Iterable[Array], like: Array) -> Array:
    try:
        with _lock:
            segment, begin = _reserved(size)
            _since_release[0] += size
        result = segment.write(begin, size, parts, like)
    except OSError as error:
        raise OutputError(
            f"cannot keep what was measured in {tempfile.gettempdir()}: "
            f"{error.strerror or error}. Free some space there, or set TMPDIR to another folder."
        ) from error
    if _since_release[0] >= _RELEASED_BYTES:
        release()
    return result


def _reserved(size: int) -> tuple[_Segment, int]:
    if size > _SEGMENT_BYTES // 2:
        return _Segment(size), 0
    if _current and _current[0].process == os.getpid():
        begin = _current[0].reserve(size)
        if begin is not None:
            return _current[0], begin
    _current[:] = [_Segment(_SEGMENT_BYTES)]
    begin = _current[0].reserve(size)
    assert begin is not None, "a new segment has space"
    return _current[0], begin


def _root(array: Array) -> object:
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base


def columns(table: _Columns) -> _Columns:
    """The same dataclass with its long columns in the file."""
    arrays = {n: on_disk(v) for n, v in vars(table).items() if isinstance(v, np.ndarray)}
    return cast(_Columns, replace(cast(Any, table), **arrays))


def release() -> None:
    """Give back the memory into which columns of the file were read; they are read anew."""
    _since_release[0] = 0
    if hasattr(mmap, "MADV_DONTNEED"):
        for one in list(_maps):
            one.madvise(mmap.MADV_DONTNEED)
