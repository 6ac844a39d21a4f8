"""A bounded folder with blocks of remote files, least recently used out first.

A remote file is one file here: its content, with holes where nothing has been read yet, then a byte
for each block that says whether it is there. So what is partial cannot be taken as whole, and any
number of processes may add to it: all of them write the same bytes, and a block is marked only once
it is there. Whoever reads a file holds a shared lock on it, and what is locked is not removed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from eyeline.errors import UsageError
from eyeline.files import made

if os.name == "posix":
    import fcntl

FOLDER = "EYELINE_CACHE"
"""Environment variable with the folder; in the user's cache by default."""
LIMIT_GB = "EYELINE_CACHE_GB"
"""Environment variable with the most that may lie there."""
USUAL_GB = 20.0
BLOCK = 1 << 20
_MARK = b"\1"


def folder() -> Path:
    """Where copies lie: blocks of videos, results under way, results that are read."""
    if named := os.environ.get(FOLDER):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("eyeline", appauthor=False) / "remote"


def limit_bytes() -> float:
    """The most that blocks may take; UsageError where that is no number."""
    text = os.environ.get(LIMIT_GB, str(USUAL_GB))
    with suppress(ValueError):
        if (limit := float(text)) >= 0:
            return limit * 1e9
    raise UsageError(f"the size of the cache is '{text}'; must be a number of GB, 0 or more")


def blocks_folder() -> Path:
    """The folder that is bounded; OutputError where it cannot be made."""
    return made(folder() / "blocks")


def blocks_of(size: int) -> int:
    """How many blocks a file of a size has."""
    return -(-size // BLOCK)


def size_of_whole(path: Path) -> int:
    """Size of the content of a file here, without the marks at its end."""
    stored = path.stat().st_size
    return stored - -(-stored // (BLOCK + 1))


def make_space(needed: int) -> bool:
    """Whether so many bytes may be added, once the files that were used longest ago are removed."""
    limit, place = limit_bytes(), blocks_folder()
    if needed > limit:
        return False
    entries = []
    for path in place.iterdir():
        with suppress(FileNotFoundError):
            state = path.stat()
            entries.append((state.st_mtime_ns, state.st_blocks * 512, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total + needed <= limit:
            return True
        if _removed(path):
            total -= size
    return total + needed <= limit


def _removed(path: Path) -> bool:
    """Whether a file could be removed: nobody reads it or writes to it."""
    with suppress(OSError), path.open("rb") as file:
        if os.name == "posix":  # elsewhere what is open cannot be removed
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return True
    return False


def hold(number: int) -> None:
    """Keep an open file from being removed until it is closed."""
    if os.name == "posix":
        fcntl.flock(number, fcntl.LOCK_SH)


class Blocks:
    """The blocks of one remote file that are here.

    Args:
        name: of the file in the cache, which no other content has.
        size: of the remote file.
    """

    def __init__(self, name: str, size: int) -> None:
        self._size = size
        path = blocks_folder() / name
        while True:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            hold(self._file)
            if os.fstat(self._file).st_nlink:  # not removed between the two lines above
                break
            os.close(self._file)
        os.ftruncate(self._file, size + blocks_of(size))
        os.utime(self._file)

    def get(self, number: int) -> bytes | None:
        """A block, None where it is not here."""
        if os.pread(self._file, 1, self._size + number) != _MARK:
            return None
        return os.pread(self._file, self.length(number), number * BLOCK)

    def put(self, number: int, data: bytes) -> None:
        """Keep a block, if there is space for it."""
        with suppress(OSError):  # a full disk: the block is read again when it is needed
            written = make_space(len(data)) and os.pwrite(self._file, data, number * BLOCK)
            if written == len(data):
                os.pwrite(self._file, _MARK, self._size + number)

    def length(self, number: int) -> int:
        """Bytes of a block."""
        return min(BLOCK, self._size - number * BLOCK)

    def close(self) -> None:
        """Let others remove it."""
        os.close(self._file)


def marks(size: int) -> bytes:
    """What follows the content of a file that is whole."""
    return _MARK * blocks_of(size)
