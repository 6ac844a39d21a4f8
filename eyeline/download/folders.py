"""Folders on Google Drive: listed by their public page, or given by hand where they cannot be."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from eyeline import files
from eyeline.download.item import Item, Received, Request, Size, costs_itself, place
from eyeline.download.table import drive_url
from eyeline.download.transfer import Wanted, length, read_page
from eyeline.download.unpacking import is_archive, unpack
from eyeline.errors import DataError, EyelineError, UsageError
from eyeline.log import Log

LISTING = "https://drive.google.com/embeddedfolderview?id="
PAGE = "https://drive.google.com/drive/folders/"
_LINK = re.compile(
    r"<a\b[^>]*href=\"https://drive\.google\.com/(file/d|drive/folders)/([-\w]+)[^>]*>(.*?)</a>",
    re.S,
)
_DEEPEST = 4


@dataclass(frozen=True)
class Listed:
    """A file of a folder."""

    path: str
    """Below the folder."""
    key: str


class DriveFolder(Item):
    """A folder on Google Drive whose files go to one folder."""

    gfolder: str
    names: tuple[str, ...] = ()
    """Of its files, as its authors state them; one that is missing is reported."""
    into: str = ""
    """Below the output folder; an archive is unpacked into a folder of its name there."""
    packed: tuple[str, ...] = ()
    """Archives that stay as they are, since `prepare` reads them so."""

    def size(self, request: Request) -> Size:
        """As Google Drive states it of each file."""
        if request.given:
            return Size(0.0, "given by hand")
        waiting = [one for one in self._listed(request) if not self._there(request, one.path)]
        stated = [length(drive_url(one.key)) for one in waiting]
        gb = None if None in stated else sum(filter(None, stated)) / 1e9
        how = f"{len(waiting)} files that Google Drive lists, archives unpacked one by one"
        return Size(gb, how, 2 * (gb or 0.0))

    def bring(self, request: Request, log: Log) -> Received:
        """Download or copy all files; one that cannot be had costs itself."""
        received = Received(request.out / self.into)
        self.bring_extra_files(request, received, log)
        there = set()
        given = request.given
        for name, source in self._given(given) if given else self._fetched(request, received, log):
            there.add(Path(name).name)
            try:
                self._settle(request, name, source, log)
            except EyelineError as error:
                costs_itself(name, error, received, log)
        for name in self.names:
            if name not in there and not self._there(request, name) and not given:
                received.failed.setdefault(name, f"not in {PAGE}{self.gfolder}")
        return received

    def _fetched(
        self, request: Request, received: Received, log: Log
    ) -> Iterator[tuple[str, Path]]:
        """Names below the folder and downloaded files, one by one, without those in place."""
        for one in self._listed(request):
            target = request.out / files.WORK / "downloads" / one.path
            if self._there(request, one.path):
                log(f"{one.path}: present")
                continue
            what = f"{request.name}, {one.path}"
            wanted = Wanted(drive_url(one.key), what, by_hand=f". By hand: {request.again} FILE")
            log(f"{what}: downloading")
            if target.is_file() or place(wanted, target, received, log):
                yield one.path, target

    def _settle(self, request: Request, name: str, source: Path, log: Log) -> None:
        """Put a file in its place, an archive unpacked; a download is removed then."""
        target = request.out / self.into / name
        own = files.WORK in source.parts
        if is_archive(source) and source.name not in self.packed:
            folder = target.with_name(target.name.partition(".")[0])
            log(f"{name}: {unpack(source, folder, top=folder.name, log=log)} files in {folder}")
            files.write_json(self._record(request, name), {"file": name})
        elif not target.is_file() or target.stat().st_size != source.stat().st_size:
            with files.replacing(target) as temporary:
                (shutil.move if own else shutil.copyfile)(source, temporary)
        if own:
            source.unlink(missing_ok=True)

    def _there(self, request: Request, name: str) -> bool:
        placed = request.out / self.into / name
        return placed.is_file() or self._record(request, name).is_file()

    def _record(self, request: Request, name: str) -> Path:
        return request.out / files.WORK / f"{self.gfolder}.{name.replace('/', '_')}.json"

    def _given(self, given: Path) -> Iterator[tuple[str, Path]]:
        """Names and files that the user has, a file or a folder of them."""
        if given.is_file():
            yield given.name, given
            return
        there = sorted(path for path in given.rglob("*") if path.is_file())
        if not there:
            raise UsageError(f"--from {given}: no such file, or a folder without files")
        for path in there:
            yield path.relative_to(given).as_posix(), path

    def _listed(self, request: Request) -> list[Listed]:
        try:
            result = [*_walk(self.gfolder, "", request.name)]
        except DataError as error:
            raise self._by_hand(request, str(error)) from None
        if not result:
            raise self._by_hand(request, f"{request.name}: Google Drive lists no file")
        return result

    def _by_hand(self, request: Request, why: str) -> UsageError:
        what = ", ".join(self.names) or "its files"
        return UsageError(
            f"{why}. Open {PAGE}{self.gfolder} in a browser, download {what}, then: "
            f"{request.again} FOLDER"
        )


def _walk(key: str, above: str, name: str, depth: int = 0) -> Iterator[Listed]:
    """The files of a folder and of those in it; DataError where it cannot be listed."""
    if depth > _DEEPEST:
        raise DataError(f"{name}: {above} lies deeper than {_DEEPEST} folders")
    for kind, found, title in _LINK.findall(read_page(f"{LISTING}{key}", name)):
        text = unescape(re.sub(r"<[^>]*>", "", title)).strip()
        if not text or text != Path(text).name or text.startswith(".") or "\\" in text:
            raise DataError(f"{name}: '{text[:60]}' cannot be the name of a file")
        if kind == "file/d":
            yield Listed(f"{above}{text}", found)
        else:
            yield from _walk(found, f"{above}{text}/", name, depth + 1)
