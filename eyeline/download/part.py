"""A file under way: how much is there, of which state of the server's file, and is it right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eyeline.errors import OutputError

_BLOCK = 1 << 20


def size_of(path: Path) -> int:
    """Bytes that are there."""
    return path.stat().st_size if path.exists() else 0


def _validator(part: Path) -> Path:
    return part.with_name(f"{part.name}.from")


def forget(part: Path) -> None:
    """Remove what `remember` has kept."""
    _validator(part).unlink(missing_ok=True)


def remember(part: Path, url: str, headers: Any) -> None:
    """Which state of the server's file the part is of, so that two are never joined."""
    tag = headers.get("ETag") or ""
    validator = headers.get("Last-Modified") if tag.startswith("W/") or not tag else tag
    try:
        _validator(part).write_text(json.dumps({"url": url, "validator": validator}))
    except OSError as error:
        raise OutputError(f"cannot write {part}: {error.strerror}; free some space") from error


def remembered(part: Path, url: str) -> tuple[bool, str | None]:
    """Whether what is there is of another address, and what `If-Range` takes, where it is known."""
    try:
        known = json.loads(_validator(part).read_text())
        return known["url"] != url, known["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        return False, None


def digests(path: Path, algorithms: Mapping[str, str], base: int = 0) -> dict[str, str]:
    """Hashes of a file from byte `base` on, read once."""
    running = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    with path.open("rb") as file:
        file.seek(base)
        while block := file.read(_BLOCK):
            for one in running.values():
                one.update(block)
    return {name: one.hexdigest() for name, one in running.items()}


def wrong_content(part: Path, base: int, size: int | None, hashes: Mapping[str, str]) -> str | None:
    """What is wrong with the content from byte `base` on, to follow "what came"; None if nothing.

    Args:
        part: the file.
        base: where the content begins.
        size: its bytes, where they are known.
        hashes: algorithm of hashlib -> hexadecimal digest, or its beginning.
    """
    there = size_of(part) - base
    if size is not None and there != size:
        return f"has {there} bytes; expected {size}"
    if there <= 0:
        return "is empty"
    have = digests(part, hashes, base)
    wrong = (name for name, known in hashes.items() if not have[name].startswith(known))
    name = next(wrong, None)
    return f"has the {name} {have[name]}; expected {hashes[name]}" if name else None
