"""Archives of data sets unpacked into a folder: only files, only below it; a stop is resumed."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from eyeline import files
from eyeline.errors import DataError
from eyeline.log import Log

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
Member = tuple[str, int, Callable[[], IO[bytes]]]
"""Name, size in bytes, and what opens it."""
_LOG_EVERY = 20_000


def is_archive(path: Path) -> bool:
    """Whether its name is that of an archive."""
    return path.name.lower().endswith(ENDINGS)


def unpack(archive: Path, folder: Path, *, top: str = "", log: Log = lambda _: None) -> int:
    """Write the files of a zip or tar archive below a folder; how many it holds.

    A file that is there in its size is kept, so that the same call resumes. Links and what macOS
    adds are left out.

    Args:
        archive: the file.
        folder: to write in.
        top: folder in the archive's names up to which they are taken away, where they have it.
        log: receives how many files have been written.

    Raises:
        DataError: no such archive, a damaged one, or one whose names lead out of the folder.
        OutputError: no space, or a place that cannot be written.
    """
    count = 0
    for name, size, opened in members(archive):
        if (inner := _inner(name, top, archive)) is None:
            continue
        target, count = folder / inner, count + 1
        if not (target.is_file() and target.stat().st_size == size):
            _write(target, opened, archive)
        if count % _LOG_EVERY == 0:
            log(f"{archive.name}: {count} files unpacked")
    if not count:
        raise DataError(f"{archive} holds no file")
    return count


def _write(target: Path, opened: Callable[[], IO[bytes]], archive: Path) -> None:
    with files.replacing(target) as temporary:
        try:
            content = opened()
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise _damaged(archive, error) from None
        with content, temporary.open("wb") as out:
            while block := _block(content, archive):
                out.write(block)


def _block(content: IO[bytes], archive: Path) -> bytes:
    """Read apart from writing, so that a damaged archive is not taken for a full disk."""
    try:
        return content.read(1 << 20)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise _damaged(archive, error) from None


def members(archive: Path) -> Iterator[Member]:
    """Regular files in their order; a tar archive is read once, from beginning to end."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed_zip:
                for one in packed_zip.infolist():
                    if not one.is_dir():
                        yield one.filename, one.file_size, partial(packed_zip.open, one)
            return
        with tarfile.open(archive, "r|*") as packed:
            for member in packed:
                if member.isfile():
                    opened: Any = partial(packed.extractfile, member)  # None for no regular file
                    yield member.name, member.size, opened
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise _damaged(archive, error) from None


def _inner(name: str, top: str, archive: Path) -> PurePosixPath | None:
    """Where a member goes below the folder; None for one that is left out."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        raise DataError(f"{archive} holds '{name}', which leads out of the folder: not unpacked")
    parts = tuple(part for part in path.parts if part != ".")
    if "__MACOSX" in parts or not parts or parts[-1] in (".DS_Store", "Thumbs.db"):
        return None
    if top and top in parts[:-1]:
        parts = parts[parts.index(top) + 1 :]
    return PurePosixPath(*parts)


def _damaged(archive: Path, error: Exception) -> DataError:
    return DataError(f"{archive} cannot be unpacked: {error or type(error).__name__}")
