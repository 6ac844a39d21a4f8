"""A file under way: how much is there, is it right, and what has come in its place."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from eyeline.errors import OutputError

_BLOCK = 1 << 20
_GOOGLE = (".google.com", ".googleusercontent.com")


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


class _Form(HTMLParser):
    """Address and hidden values of the form `download-form`, and the page's title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.values: dict[str, str] = {}
        self.title = ""
        self._inside = self._in_title = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "form" and known.get("id") == "download-form":
            self.action, self._inside = known.get("action"), True
        if tag == "input" and self._inside and known.get("name"):
            self.values[known["name"]] = known.get("value", "")
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._in_title = False

    def handle_data(self, data: str) -> None:
        self.title += data if self._in_title else ""


def confirmed_url(url: str, page: str) -> str | None:
    """Where Google Drive's question about a large file leads, None for any other page.

    Only a host of Google's, or the one that the page came from, is followed.
    """
    form = _Form(page)
    if form.action is None:
        return None
    target = urlsplit(urljoin(url, form.action))
    host = target.hostname or ""
    known = host == urlsplit(url).hostname or host.endswith(_GOOGLE)
    if target.scheme not in ("http", "https") or not known:
        return None
    return target._replace(query=urlencode(form.values)).geturl()


def describe_page(page: str) -> str:
    """What a page is, to follow "the server gives"."""
    if re.search(r"quota (has been )?exceeded|too many users have (viewed|downloaded)", page, re.I):
        return "a web page that says that too many have downloaded the file today"
    title = " ".join(_Form(page).title.split())
    return f"a web page ('{title[:60]}')" if title else "a web page"
