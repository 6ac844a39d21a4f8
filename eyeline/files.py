"""Writing that never leaves half a file behind, and hashes of files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from eyeline.errors import OutputError


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
        _remove(temporary)


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
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


def _remove(temporary: Path) -> None:
    with suppress(OSError):  # the folder may be what is missing or not ours to write
        temporary.unlink(missing_ok=True)


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
