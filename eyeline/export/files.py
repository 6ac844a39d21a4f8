"""Names of the files in an analysis folder, and writing that never leaves half a file behind."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eyeline.errors import OutputError

INDEX = "analysis.json"
REPORT = "report.html"
VIDEO = "annotated.mp4"
ELAN = "timeline.eaf"
TEXTGRID = "timeline.TextGrid"
RTTM = "timeline.rttm"
SCENE = "scene.rrd"
TABLES = ("people", "scores", "directions", "points", "segments")
THUMBNAILS = "thumbnails"


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


def _remove(temporary: Path) -> None:
    with suppress(OSError):  # the folder may be what is missing or not ours to write
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a whole file at once; OutputError where that cannot be."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return path


def sha256(path: Path) -> str:
    """Hash of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def present(folder: Path) -> list[str]:
    """Names, relative to the folder, of all files of an analysis in it but the index."""
    tables = [f"{name}.{kind}" for name in TABLES for kind in ("parquet", "csv")]
    names = [*tables, REPORT, VIDEO, ELAN, TEXTGRID, RTTM, SCENE]
    pictures = sorted((folder / THUMBNAILS).glob("person_*.png"))
    return [name for name in names if (folder / name).is_file()] + [
        f"{THUMBNAILS}/{picture.name}" for picture in pictures
    ]


def plain_text(text: str) -> str:
    """Text that XML and Praat can hold: blanks for controls, U+FFFD for broken characters."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return " "
    if 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF):
        return "\ufffd"
    return character
