"""Addresses of remote files: which texts are some, how they are shown, and how they are reached."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from eyeline.errors import DataError, EyelineError
from eyeline.extras import needed_by

T = TypeVar("T")

_NAMES = "s3|gs|https|http"
_ADDRESS = re.compile(rf"({_NAMES}):/+(?=[^/])")
_OF_WEB = re.compile(r"\b(https?):/+(?:[^\s/@'\"]+@)?([^\s?#'\"]+)(?:[?#][^\s'\"]*)?")
_ONE_SLASH = re.compile(r"\b(s3|gs):/(?=[^/])")
TRIES = 5
"""Of one request, without success in between."""
TIMEOUT_S = 60.0
_AGAIN = (408, 425, 429, 500, 502, 503, 504)
"""States of a server that pass."""
_WHY = {
    401: "the server asks for credentials",
    403: "permission denied; see that the credentials are those of a user who may",
    404: "there is no such file or bucket",
    410: "it is no longer there",
}
_LIBRARIES = (
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("gcsfs.retry", "HttpError"),
    ("google.auth.exceptions", "GoogleAuthError"),
)
"""Exceptions of the libraries that are no OSError."""


def is_remote(text: str | Path) -> bool:
    """Whether a text is the address of a remote file or folder, also after it was a `Path`."""
    return bool(_ADDRESS.match(str(text)))


def address_of(text: str | Path) -> str:
    """An address with both slashes, of which a `Path` leaves one."""
    return _ADDRESS.sub(r"\1://", str(text), count=1)


def shown(address: str) -> str:
    """An address without its user, password, query and signature."""
    if address.startswith(("s3:", "gs:")):
        return address
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def redacted(text: str) -> str:
    """A text, all addresses in which are as of `shown` and have both slashes."""
    return _ONE_SLASH.sub(r"\1://", _OF_WEB.sub(r"\1://\2", text))


def name_here(name: str) -> Path:
    """The name of a remote file as one of this machine, which leads out of no folder."""
    plain = [part for part in unquote(name).split("/") if part not in ("", ".", "..")]
    return Path(*plain) if plain else Path("video")


def key_of(*parts: object) -> str:
    """A name for files of this machine that stand for a remote one."""
    return sha256("\0".join(map(str, parts)).encode()).hexdigest()[:24]


def filesystem(address: str) -> tuple[Any, str]:
    """The fsspec filesystem of an address, and the address as it takes it.

    Credentials are those of the libraries: `AWS_PROFILE` and its like, Google's default ones,
    `.netrc`.

    Raises:
        UsageError: the extra is not installed.
    """
    protocol = address.partition(":")[0]
    options: dict[str, Any] = {"use_listings_cache": False}
    with needed_by(f"{protocol}://"):
        import fsspec

        if protocol == "s3":
            import s3fs  # noqa: F401 - for the line that names it
        elif protocol == "gs":
            import gcsfs  # noqa: F401
        else:
            import aiohttp

            timeout = aiohttp.ClientTimeout(sock_connect=TIMEOUT_S, sock_read=TIMEOUT_S)
            options["client_kwargs"] = {"trust_env": True, "timeout": timeout}
        files = fsspec.filesystem(protocol, **options)
    return files, str(files._strip_protocol(address))


def reach(address: str, work: Callable[[], T], kind: type[EyelineError] = DataError) -> T:
    """What some work over the network returns, tried again while its faults are of those that pass.

    Args:
        address: what it is about.
        work: the work; an error of its own other than the network's is raised as it is.
        kind: of the error that is raised.

    Raises:
        EyelineError: of the kind, in one line.
    """
    for attempt in range(TRIES):
        try:
            return work()
        except _faults() as error:
            reason, passes = _reason(error)
            if not passes:
                raise kind(f"{shown(address)}: {reason}") from None
            if attempt == TRIES - 1:
                tries = f"{TRIES} times in a row"
                raise kind(f"{shown(address)}: {reason}, {tries}; try again later") from None
        time.sleep(2.0**attempt)
    raise AssertionError("the last attempt returns or raises")


def _faults() -> tuple[type[Exception], ...]:
    """Exceptions by which the libraries that are in use report a fault."""
    modules = [(sys.modules.get(module), name) for module, name in _LIBRARIES]
    return (OSError, *(getattr(module, name) for module, name in modules if module))


def _reason(error: Exception) -> tuple[str, bool]:
    """What a fault is in words, and whether it may pass."""
    if isinstance(error, FileNotFoundError) and isinstance(error.__cause__, _faults()):
        error = error.__cause__  # fsspec calls any fault of HTTP a missing file
    status = getattr(error, "status", None) or getattr(error, "code", None)
    if isinstance(reply := getattr(error, "response", None), dict):  # of botocore
        status = reply.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if isinstance(error, FileNotFoundError):
        status = 404
    if isinstance(error, PermissionError):
        status = 403
    if isinstance(status, int):
        passes = status in _AGAIN
        return _WHY.get(status, f"the server says {status}"), passes
    name = type(error).__name__
    if "Credential" in name or "Token" in name:
        return f"no credentials that hold ({name}); give them as its own tools take them", False
    said = redacted(getattr(error, "strerror", None) or str(error) or name)
    if isinstance(error, ValueError):  # what is no address at all
        return f"it cannot be asked for ({said})", False
    return f"no connection, or it was cut ({said})", True
