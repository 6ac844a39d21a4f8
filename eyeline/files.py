"""Writing that never leaves half a file behind, locks, and hashes of files."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import DataError, OutputError

if TYPE_CHECKING:
    from filelock import FileLock

WORK = ".eyeline"
"""Beside folders of results: work on them that is under way, and locks."""
_TRIES = 20


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place on success and is removed on failure.

    Whoever reads `path` sees the whole old file or the whole new one. The folder is made.

    Raises:
        OutputError: the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}. Choose another output folder or free some space."
        ) from error
    finally:
        with suppress(OSError):  # the folder may be what is missing or not ours to write
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_dir(folder: Path) -> Iterator[Path]:
    """A folder beside that takes the place of an empty or missing one once it is full.

    Raises:
        OutputError: the folder holds something, or cannot be written.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise OutputError(f"{folder} holds something; name an empty folder")
        temporary.mkdir(parents=True)
        yield temporary
        if folder.is_dir():
            folder.rmdir()
        temporary.replace(folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def clear(folder: Path) -> None:
    """Remove a folder that is out of date, and what a killed run has left of `atomic_dir` it.

    Raises:
        DataError: it cannot be removed.
    """
    for path in (folder, *folder.parent.glob(f".{glob.escape(folder.name)}.*.partial")):
        shutil.rmtree(path, ignore_errors=True)
    if folder.exists():
        raise DataError(f"{folder} is in the way and cannot be removed")


@contextmanager
def locked(path: Path, *, tidy: bool = False) -> Iterator[bool]:
    """Whether this process has a lock, or another one has it; freed however the process ends.

    Args:
        path: the lock's file; its folder is made.
        tidy: remove the file at the end, and the folder, too, if there is nothing else in it.

    Raises:
        OSError: the lock cannot be written.
    """
    lock = _acquired(path)
    if lock is None:
        yield False
        return
    try:
        yield True
    finally:
        if tidy:
            path.unlink(missing_ok=True)
        lock.release()
        if tidy:
            with suppress(OSError):  # others may be at work beside this
                path.parent.rmdir()


def lock_of(place: Path) -> Path:
    """The lock under which a process works in a folder of `WORK`."""
    return place.with_name(f"{place.name}.lock")


def sweep(place: Path) -> None:
    """Remove what a killed process has left of a folder of `WORK`, unless another works in it."""
    if place.exists() or lock_of(place).exists():
        with suppress(OSError), locked(lock_of(place), tidy=True) as mine:
            if mine:
                shutil.rmtree(place, ignore_errors=True)


def _acquired(path: Path) -> FileLock | None:
    """A lock that this process holds; tried again where another one tidies up meanwhile."""
    from filelock import FileLock, Timeout

    error = OSError(f"{path.parent} is made and removed by others all the time")
    for _ in range(_TRIES):
        lock = FileLock(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:  # a kind of OSError, so that it must come first
            return None
        except (FileNotFoundError, FileExistsError) as meanwhile:
            # removed between two steps of making it; or a file in the way, as the last try says
            error = meanwhile
            continue
        if path.exists():
            return lock
        lock.release()
    raise error


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a whole file at once; OutputError where that cannot be."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return path


def write_json(path: Path, content: Any) -> Path:
    """Write a report at once; a value that is no number is our own mistake and raises."""
    return write_bytes(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def made(folder: Path) -> Path:
    """The folder, made if it is not there; OutputError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder


def sha256(path: Path) -> str:
    """Hash of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
