"""One file over HTTP: resumed, tried again, checked, and in place only when it is whole.

urllib is used as it is: it takes proxies from the environment, follows redirects, and does not hand
a token on to another host (`add_unredirected_header`). Each request has an opener of its own, as
the global one keeps the proxies of its first call.
"""

from __future__ import annotations

import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from eyeline.download.part import (
    confirmed_url,
    describe_page,
    forget,
    remember,
    remembered,
    size_of,
    wrong_content,
)
from eyeline.errors import DataError, OutputError
from eyeline.log import Log

TRIES = 5
"""In a row without a new byte."""
LONGEST_WAIT_S = 300.0
TIMEOUT_S = 60.0
PROGRESS_S = 10.0
"""Between two lines about how far a download is."""
MOST_PAGES = 2
"""Questions in a row that are confirmed."""
AGAIN = (408, 425, 429, 500, 502, 503, 504)
"""States of a server that pass."""
_BLOCK = 1 << 20
_HEADERS = {"User-Agent": "eyeline", "Accept-Encoding": "identity"}
_MOST_PAGE = 1 << 24


@dataclass(frozen=True)
class Wanted:
    """A file and what is known of it."""

    url: str
    name: str
    """For messages."""
    size: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    """Algorithm of hashlib -> hexadecimal digest, or its beginning."""
    token: str | None = None
    by_hand: str = ""
    """What to do where the server gives no file, to follow the message."""


class _PassingError(Exception):
    """What passes: the reason, and the seconds that the server asks to wait."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def fetch(
    wanted: Wanted,
    part: Path,
    *,
    base: int = 0,
    log: Log = lambda _: None,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Bring a file into `part`, behind its first `base` bytes, and check it.

    What a stopped call has left in `part` is kept and the rest asked for. Where the content proves
    wrong, `part` is cut back to `base`.

    Raises:
        DataError: no network, no such file, a web page in its place, a wrong size or hash.
        OutputError: no space, or a place that cannot be written.
    """
    url, tries, pages, longest = wanted.url, 0, 0, size_of(part)
    while True:
        try:
            page = _attempt(url, wanted, part, base, log)
            if page is None:
                break
            pages += 1
            confirmed = confirmed_url(url, page)
            if confirmed is None or pages > MOST_PAGES:
                raise DataError(
                    f"{wanted.name}: the server gives {describe_page(page)}, not the file"
                    f"{wanted.by_hand}"
                )
            url = confirmed
        except _PassingError as error:
            tries = 1 if size_of(part) > longest else tries + 1
            longest = max(longest, size_of(part))
            if tries >= TRIES:
                raise DataError(f"{wanted.name}: {error}, {TRIES} times in a row") from None
            seconds = 2.0 ** (tries - 1) if error.wait_s is None else error.wait_s
            if seconds > LONGEST_WAIT_S:
                raise DataError(
                    f"{wanted.name}: {error}; the server asks to wait {seconds:.0f} s. The same "
                    "command goes on from there"
                ) from None
            log(f"{wanted.name}: {error}; tried again in {seconds:.0f} s")
            wait(seconds)
    wrong = wrong_content(part, base, wanted.size, wanted.hashes)
    forget(part)
    if wrong:
        if base:
            os.truncate(part, base)
        else:
            part.unlink(missing_ok=True)
        raise DataError(f"{wanted.name}: what came {wrong}. It was removed; try again later")


def length(url: str) -> int | None:
    """Bytes of a file as its server states them, None where it does not or cannot be reached."""
    try:
        with _opened(urllib.request.Request(url, headers=_HEADERS)) as response:
            stated = response.headers.get("Content-Length", "")
            page = "text/html" in response.headers.get("Content-Type", "")
    except (OSError, http.client.HTTPException):
        return None
    return int(stated) if stated.isdigit() and not page else None


def read_page(url: str, name: str) -> str:
    """A web page's text; DataError where it cannot be had."""
    request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0 (eyeline)"})
    try:
        with _opened(request) as response:
            return str(response.read(_MOST_PAGE).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{name}: no list of files at {url} ({error})") from None


def _opened(request: urllib.request.Request) -> Any:
    return urllib.request.build_opener().open(request, timeout=TIMEOUT_S)


def _attempt(url: str, wanted: Wanted, part: Path, base: int, log: Log) -> str | None:
    """One request: None where the file is whole, else the page that came in its place."""
    have = max(size_of(part) - base, 0)
    another, validator = remembered(part, wanted.url)
    if have and another:
        os.truncate(part, base)
        have = 0
    request = urllib.request.Request(url, headers=_HEADERS)
    if wanted.token:
        request.add_unredirected_header("Authorization", f"Bearer {wanted.token}")
    if have:
        if wanted.size == have:
            return None
        request.add_header("Range", f"bytes={have}-")
        if validator:
            request.add_header("If-Range", validator)
    try:
        with _opened(request) as response:
            return _receive(response, wanted, part, base, have, log)
    except urllib.error.HTTPError as error:
        with error:
            _refused(error, wanted, part, base, have)
            return None
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as e:
        reason = getattr(e, "reason", None) or e or type(e).__name__
        raise _PassingError(f"no connection to {urlsplit(url).netloc} ({reason})") from None


def _refused(
    error: urllib.error.HTTPError, wanted: Wanted, part: Path, base: int, have: int
) -> None:
    """What a state of the server's means; returns where the file proves to be whole."""
    if error.code == 416 and have:
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(have):
            return
        os.truncate(part, base)
        raise _PassingError("what was there is no beginning of the file")
    said = f"the server says {error.code} {next(iter(str(error.reason).splitlines()), '')}"
    if error.code in AGAIN:
        raise _PassingError(said, _retry_after(error.headers.get("Retry-After")))
    why = {
        401: ": a token is needed (HF_TOKEN), or an agreement on the authors' page",
        403: ": not allowed, or no longer public",
        404: ": no longer there",
    }.get(error.code, "")
    raise DataError(f"{wanted.name}: {said}{why}{wanted.by_hand}")


def _retry_after(text: str | None) -> float | None:
    """Seconds of a `Retry-After`, which says seconds or a date."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    with suppress(ValueError):
        when = parsedate_to_datetime(text)
        return max((when.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)
    return None


def _receive(
    response: Any, wanted: Wanted, part: Path, base: int, have: int, log: Log
) -> str | None:
    """Write what comes; None where the file is whole, else the page that came in its place."""
    if "text/html" in response.headers.get("Content-Type", ""):
        return str(response.read(_BLOCK).decode("utf-8", "replace"))
    start = have if response.status == 206 else 0
    said = response.headers.get("Content-Range", "")
    if response.status == 206 and not said.startswith(f"bytes {have}-"):
        os.truncate(part, base)
        raise _PassingError(f"the server gives another part than the one asked for ({said})")
    length = response.headers.get("Content-Length")
    total = start + int(length) if length and length.isdigit() else None
    if wanted.size is not None and total is not None and total != wanted.size:
        raise DataError(
            f"{wanted.name}: the server's file has {total} bytes; expected {wanted.size}"
        )
    _check_space(wanted, part, 0 if total is None else total - start)
    remember(part, wanted.url, response.headers)
    try:
        with part.open("r+b" if part.exists() else "wb") as file:
            file.truncate(base + start)
            file.seek(base + start)
            received = start + _copy(response, file, wanted.name, start, total, log)
    except OSError as error:
        raise OutputError(f"cannot write {part}: {error.strerror}; free some space") from error
    if total is not None and received < total:
        raise _PassingError(f"the connection was cut at {received} of {total} bytes")
    return None


def _copy(response: Any, file: Any, name: str, start: int, total: int | None, log: Log) -> int:
    """Bytes that came and were written, until the end or a cut; logs now and then how many."""
    received, last = 0, time.monotonic()
    of = "" if total is None else f" of {total / 1e6:.0f}"
    while True:
        try:
            block = response.read(_BLOCK)
        except (http.client.HTTPException, OSError) as error:
            partial = getattr(error, "partial", b"")
            file.write(partial)
            file.flush()
            raise _PassingError(f"the connection was cut ({type(error).__name__})") from None
        if not block:
            return received
        file.write(block)
        received += len(block)
        if (now := time.monotonic()) - last >= PROGRESS_S:
            last = now
            log(f"{name}: {(start + received) / 1e6:.0f}{of} MB")


def _check_space(wanted: Wanted, part: Path, needed: int) -> None:
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(part.parent).free
    except OSError as error:
        raise OutputError(f"cannot write {part.parent}: {error.strerror}") from error
    if needed > free:
        raise OutputError(
            f"{wanted.name} takes {needed / 1e9:.2f} GB more and {part.parent} has "
            f"{free / 1e9:.2f} GB left: free some space, the same command then goes on"
        )
