"""Remote folders: listed, read, and filled so that what says 'done' is written last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from eyeline.errors import OutputError, UsageError
from eyeline.files import replacing, write_bytes
from eyeline.remote import cache
from eyeline.remote.address import (
    address_of,
    filesystem,
    is_remote,
    key_of,
    name_here,
    reach,
    shown,
)
from eyeline.remote.videos import State

_AT_ONCE = 16
_VERSION = ".version"
"""End of the hidden file beside a copy that says of which version it is."""
UNDER_WAY = ".eyeline-upload"
"""Lies in a remote folder from before its first file until after its last."""


def listing(text: str) -> dict[str, str] | None:
    """Address of each file of a remote folder or pattern by its name below it; None for a file.

    Raises:
        DataError: it cannot be listed.
    """
    found = _found(text)
    return None if found is None else {name: address for name, (address, _) in found.items()}


def _found(text: str) -> dict[str, tuple[str, State]] | None:
    address = address_of(text)
    web = address.startswith("http")
    files, path = filesystem(address)
    base = path.rstrip("/") + "/"
    if not web and any(c in path for c in "*["):
        base = path[: min(path.find(c) for c in "*[" if c in path)].rpartition("/")[0] + "/"
        infos = reach(address, lambda: files.glob(path, detail=True))
    elif _is_folder(address):
        infos = reach(address, lambda: files.find(path, detail=True))
    else:
        return None
    return {
        name.removeprefix(base): (files.unstrip_protocol(name), State.of(info))
        for name, info in infos.items()
        if name.startswith(base) and info["type"] == "file" and not (web and "?" in name)
    }


def _is_folder(address: str) -> bool:
    if urlsplit(address).path.endswith("/"):
        return True
    if address.startswith("http"):
        return False
    files, path = filesystem(address)
    return bool(reach(address, lambda: files.info(path))["type"] == "directory")


def staged(target: str) -> Path:
    """The folder of this machine where results for a remote one are made."""
    name = target.rstrip("/").rpartition("/")[2]
    return cache.folder() / "staging" / key_of(target) / name


class RemoteFolder:
    """A folder of results in a bucket.

    Args:
        address: of the folder.

    Raises:
        UsageError: the protocol cannot be written, or its extra is not installed.
    """

    def __init__(self, address: str) -> None:
        self.address = address_of(address).rstrip("/")
        if self.address.startswith("http"):
            raise UsageError(
                f"{shown(self.address)}: results cannot be written over HTTP; give a folder of "
                "this machine, s3:// or gs://"
            )
        self._files, self._path = filesystem(self.address)

    def names(self) -> dict[str, int]:
        """The files in it by their names, with their sizes."""
        found = reach(self.address, lambda: self._files.find(self._path, detail=True), OutputError)
        base = f"{self._path}/"
        return {n.removeprefix(base): i["size"] for n, i in found.items() if n.startswith(base)}

    def read(self, name: str) -> bytes | None:
        """A file's content, None where there is no such file."""

        def content() -> bytes | None:
            try:
                return bytes(self._files.cat_file(f"{self._path}/{name}"))
            except FileNotFoundError:
                return None

        return reach(self.address, content)

    def begin(self, expected: Callable[[str], bool]) -> None:
        """Mark the folder as one that is being written, before any work is done for it.

        Args:
            expected: whether a file in it, by its name, is one that may be replaced.

        Raises:
            OutputError: it cannot be written, or holds other files.
        """
        names = self.names()
        foreign = [] if UNDER_WAY in names else [name for name in names if not expected(name)]
        if foreign:
            raise OutputError(
                f"{self.address} is not replaced: it holds what eyeline did not write "
                f"({', '.join(foreign[:3])}). Move that elsewhere or choose another --out."
            )
        self._write(UNDER_WAY, b"eyeline is writing into this folder\n")

    def abandon(self) -> None:
        """Take the mark away again, nothing having been written."""
        self._remove([UNDER_WAY])

    def upload(self, folder: Path, last: str, before: Iterable[str]) -> None:
        """Bring a folder here, the file that says that it is whole at the end.

        Args:
            folder: on this machine.
            last: the name of that file.
            before: names of what lies here and is replaced.

        Raises:
            OutputError: it cannot be written; then the file that says 'done' is not there.
        """
        sizes = {
            path.relative_to(folder).as_posix(): path.stat().st_size
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self._remove([last])
        names = [name for name in sizes if name != last]
        here, there = [str(folder / n) for n in names], [f"{self._path}/{n}" for n in names]
        reach(self.address, lambda: self._files.put(here, there), OutputError)
        present = self.names()
        self._remove([n for n in before if n in present and n not in sizes])
        lacking = [name for name in names if present.get(name) != sizes[name]]
        if lacking:
            raise OutputError(f"{self.address}: {lacking[0]} did not arrive whole; try again")
        self._write(last, (folder / last).read_bytes())
        self._remove([UNDER_WAY])

    def _write(self, name: str, data: bytes) -> None:
        path = f"{self._path}/{name}"
        reach(self.address, lambda: self._files.pipe_file(path, data), OutputError)

    def _remove(self, names: Iterable[str]) -> None:
        def gone(name: str) -> None:
            with suppress(FileNotFoundError):
                self._files.rm_file(f"{self._path}/{name}")

        for name in names:
            reach(self.address, partial(gone, name), OutputError)


def local_copy(text: str | Path, *, videos: bool = False) -> Path:
    """A path of this machine for one that may be remote: results, or a file, are copied.

    What is here already in the version that is there is not copied again; what was copied and is
    gone there is removed, and all else, such as corrections made here, is left alone.

    Args:
        text: a path or an address.
        videos: whether videos and scenes of results are copied, too.

    Raises:
        DataError: it cannot be read.
        OutputError: the copy cannot be written.
    """
    if not is_remote(text):
        return Path(text)
    address = address_of(text)
    name = name_here(shown(address).rstrip("/").rpartition("/")[2])
    place = cache.folder() / "results" / key_of(address) / name
    found = _found(address)
    if found is None:
        _bring(address, None, place)
        return place
    wanted = {place / name_here(n): one for n, one in found.items() if videos or not _large(n)}
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in threads.map(lambda copy: _bring(*wanted[copy], copy), wanted):
            pass
    for version in place.rglob(f".*{_VERSION}"):
        copy = version.with_name(version.name[1:].removesuffix(_VERSION))
        if copy not in wanted and (not _large(copy.name) or videos):
            copy.unlink(missing_ok=True)
            version.unlink()
    return place


def _large(name: str) -> bool:
    return name.endswith((".mp4", ".rrd"))


def _bring(address: str, state: State | None, place: Path) -> None:
    files, path = filesystem(address)
    if state is None or not state.tag:
        state = State.of(reach(address, lambda: files.info(path)))
    version, tag = place.with_name(f".{place.name}{_VERSION}"), key_of(state.tag, state.bytes)
    if state.tag and place.is_file() and version.is_file() and version.read_text("ascii") == tag:
        return
    with replacing(place) as part:
        reach(address, lambda: files.get_file(path, str(part)))
    write_bytes(version, tag.encode())
