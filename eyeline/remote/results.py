"""Remote folders: listed, read, and filled so that what says 'done' is written last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from eyeline.errors import OutputError, UsageError
from eyeline.files import replacing
from eyeline.remote import cache
from eyeline.remote.address import address_of, filesystem, key_of, name_here, reach, shown

T = TypeVar("T")

UNDER_WAY = ".eyeline-upload"
"""Lies in a remote folder from before its first file until after its last."""


def listing(text: str) -> dict[str, str] | None:
    """Address of each file of a remote folder or pattern by its name below it; None for a file.

    Raises:
        DataError: it cannot be listed.
    """
    address = address_of(text)
    web = address.startswith("http")
    files, path = filesystem(address)
    base = path.rstrip("/") + "/"
    if not web and any(c in path for c in "*["):
        matches = reach(address, lambda: files.glob(path))
        return {name.rpartition("/")[2]: files.unstrip_protocol(name) for name in matches}
    folder = urlsplit(address).path.endswith("/") if web else address.endswith("/")
    if not folder and (web or reach(address, lambda: files.info(path))["type"] == "file"):
        return None
    names = reach(address, lambda: files.find(path))
    below = [name for name in names if name.startswith(base) and not (web and "?" in name)]
    return {name.removeprefix(base): files.unstrip_protocol(name) for name in below}


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

    def mirror(self, folder: Path, wanted: Callable[[str], bool]) -> None:
        """Bring its files to a folder of this machine; those of the same size and age are there.

        Raises:
            DataError: they cannot be read.
            OutputError: the folder cannot be written.
        """
        found = reach(self.address, lambda: self._files.find(self._path, detail=True))
        for path, info in found.items():
            name = path.removeprefix(f"{self._path}/")
            if wanted(name):
                self._bring(path, info, folder / name_here(name))

    def _bring(self, path: str, info: Mapping[str, object], place: Path) -> None:
        version = place.with_name(f".{place.name}.version")
        tag = key_of(info.get("ETag") or info.get("etag") or info.get("generation"), info["size"])
        if place.is_file() and version.is_file() and version.read_text() == tag:
            return
        with replacing(place) as part:
            reach(self.address, lambda: self._files.get_file(path, str(part)))
        with replacing(version) as part:
            part.write_text(tag, encoding="ascii")

    def _write(self, name: str, data: bytes) -> None:
        path = f"{self._path}/{name}"
        reach(self.address, lambda: self._files.pipe_file(path, data), OutputError)

    def _remove(self, names: Iterable[str]) -> None:
        def gone(name: str) -> None:
            with suppress(FileNotFoundError):
                self._files.rm_file(f"{self._path}/{name}")

        for name in names:
            reach(self.address, partial(gone, name), OutputError)
