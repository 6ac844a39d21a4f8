"""Remote videos, which a path stands for: read by ranges, each block once as long as it is kept."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from eyeline.errors import VideoError
from eyeline.files import replacing
from eyeline.remote import cache
from eyeline.remote.address import address_of, filesystem, key_of, reach, shown
from eyeline.remote.cache import Blocks

_TAGS = ("ETag", "etag", "generation", "LastModified", "Last-Modified", "updated", "mtime")
"""What a server may say of a file's version, the surest first."""
_TIMES = ("LastModified", "Last-Modified", "updated", "mtime")


@dataclass(frozen=True)
class State:
    """A remote file as its server describes it."""

    bytes: int | None
    modified_ns: int
    """0 where the server does not say."""
    tag: str
    """Of its version, such as an ETag; empty where the server has none."""

    @classmethod
    def of(cls, info: dict[str, Any]) -> State:
        """By what fsspec lists of it."""
        name = next((name for name in _TAGS if info.get(name)), None)
        time = next((info[name] for name in _TIMES if info.get(name)), None)
        tag = "" if name is None else f"{name} {info[name]}".strip()
        return cls(info.get("size"), _nanoseconds(time), tag)


def _nanoseconds(time: Any) -> int:
    try:
        if isinstance(time, str):
            iso = time[:4].isdigit()
            time = datetime.fromisoformat(time) if iso else parsedate_to_datetime(time)
        if not isinstance(time, datetime):
            return 0
    except ValueError:
        return 0
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return int(time.timestamp() * 1e6) * 1000


@dataclass
class RemoteVideo:
    """A remote video while this process works with it."""

    address: str = field(repr=False)
    """May hold a signature, so that it is never shown."""
    fetched_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _state: State | None = None
    _key: str = ""

    def state(self, *, anew: bool = False) -> State:
        """What its server says of it, by default as it was when it was first asked.

        Raises:
            VideoError: it is not there, may not be read, or its server cannot be reached.
        """
        if self._state is not None and not anew:
            return self._state
        files, path = filesystem(self.address)
        now = State.of(reach(self.address, lambda: files.info(path), VideoError))
        if self._state is None:
            self._state = now
            # what is signed anew each time is known by its ETag; without any version what is kept
            # may be of another content, so it is kept for this run
            by_tag = now.tag.lower().startswith("etag")
            name = shown(self.address) if by_tag else self.address
            self._key = key_of(name, now.tag or uuid4().hex, now.bytes)
        return now

    def identity(self) -> tuple[int, int, str]:
        """Size, time of change, and its version, or the SHA-256 of the content for want of one."""
        state = self.state()
        if state.tag and state.bytes is not None:
            return state.bytes, state.modified_ns, state.tag
        with self.open() as file:
            tag = state.tag or hashlib.file_digest(file, "sha256").hexdigest()
            return file.size, state.modified_ns, tag

    def open(self) -> RangeFile:
        """Its content from the beginning; VideoError as of `state`."""
        size = self.state().bytes
        if size is None:
            path = cache.blocks_folder() / self._key
            if not path.exists():
                self.copy()
            size = cache.size_of_whole(path)
        return RangeFile(self, size)

    def blocks(self, size: int) -> Blocks:
        """Those of it that are here."""
        return Blocks(self._key, size)

    def copy(self) -> None:
        """Bring all of it here, from a server that gives no ranges or no size.

        Raises:
            VideoError: as of `state`, or it is larger than the cache may be.
        """
        with replacing(cache.blocks_folder() / self._key) as part, part.open("wb") as file:
            cache.hold(file.fileno())
            reach(self.address, lambda: self._copy_into(file), VideoError)

    def _copy_into(self, file: io.BufferedWriter) -> None:
        files, path = filesystem(self.address)
        expected = self.state().bytes
        file.seek(0)
        file.truncate()
        with files.open(path, "rb", block_size=0) as source:
            while data := source.read(cache.BLOCK):
                file.flush()
                if not cache.make_space(len(data)):
                    raise VideoError(
                        f"{shown(self.address)}: its server gives no ranges, and a copy is "
                        f"larger than the cache, {cache.limit_bytes() / 1e9:g} GB; give a larger "
                        "--cache-gb, or copy the video to this machine first"
                    )
                file.write(data)
                self.fetched_bytes += len(data)
        size = file.tell()
        if expected not in (None, size):
            raise ConnectionError(f"{size} of {expected} bytes came")
        file.write(cache.marks(size))
        file.flush()


class RangeFile(io.RawIOBase):
    """A remote video as a file of Python: blocks that are not here are asked for as ranges."""

    def __init__(self, video: RemoteVideo, size: int) -> None:
        self.size, self.name = size, shown(video.address)
        self._video, self._at = video, 0
        self._blocks = video.blocks(size)
        self._last: tuple[int, bytes] = -1, b""
        self._source: Any = None

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(f"no place {base + offset} in a file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read up to the end of a block; VideoError where it cannot be had."""
        if self._at >= self.size:
            return 0
        number, begin = divmod(self._at, cache.BLOCK)
        data = self._block(number)[begin : begin + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _block(self, number: int) -> bytes:
        if self._last[0] != number:
            with self._video.lock:  # threads that read the same part ask for it once
                data = self._blocks.get(number)
                if data is None:
                    data = self._fetch(number)
            self._last = number, data
        return self._last[1]

    def _fetch(self, number: int) -> bytes:
        address = self._video.address
        try:
            data = reach(address, lambda: self._range(number), VideoError)
        except ValueError:  # of fsspec, where the server sends all in place of a range
            self._video.copy()
            self._blocks.close()
            self._blocks = self._video.blocks(self.size)
            copied = self._blocks.get(number)
            if copied is None:
                raise VideoError(f"{shown(address)}: its copy was removed") from None
            return copied
        self._blocks.put(number, data)
        return data

    def _range(self, number: int) -> bytes:
        if self._source is None:
            files, path = filesystem(self._video.address)
            known = {"size": self.size} if self._video.address.startswith("http") else {}
            self._source = files.open(path, "rb", cache_type="none", **known)
        self._source.seek(number * cache.BLOCK)
        data = bytes(self._source.read(self._blocks.length(number)))
        self._video.fetched_bytes += len(data)
        if len(data) != self._blocks.length(number):
            raise ConnectionError(f"{len(data)} of {self._blocks.length(number)} bytes came")
        return data

    def close(self) -> None:
        """Let go of the blocks."""
        if not self.closed:
            self._blocks.close()
        super().close()


_KNOWN: dict[str, RemoteVideo] = {}


def stand_in(address: str) -> Path:
    """A path that stands from now on for a remote video as it is then, in this process.

    No file of this machine has it; it shows where the video is without what is secret.
    """
    path = Path(shown(address_of(address)))
    _KNOWN[str(path)] = RemoteVideo(address_of(address))
    return path


def remote_video(path: str | Path) -> RemoteVideo | None:
    """The remote video that a path stands for."""
    return _KNOWN.get(str(path))
