"""Archives: one file, or parts that are joined as they come; checked, then unpacked in place."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import model_validator

from eyeline import files
from eyeline.download.item import Item, Received, Request, Size
from eyeline.download.part import digests, size_of
from eyeline.download.table import Strict, drive_url
from eyeline.download.transfer import Wanted, fetch, length
from eyeline.download.unpacking import unpack
from eyeline.errors import DataError
from eyeline.log import Log


class Part(Strict):
    """A file on Google Drive or elsewhere."""

    gb: float | None = None
    """As stated, in 10^9 bytes."""
    md5: str | None = None
    gdrive: str | None = None
    url: str | None = None

    @property
    def address(self) -> str:
        """Where it is downloaded."""
        return self.url or drive_url(str(self.gdrive))


class Archive(Item):
    """An archive: one file, or parts that make one when they are joined."""

    file: str
    gb: float | None = None
    md5: str | None = None
    gdrive: str | None = None
    url: str | None = None
    parts: tuple[Part, ...] = ()
    into: str = ""
    """Folder that it is unpacked into, below the output folder."""
    top: str = ""
    """As of `unpacking.unpack`."""

    @model_validator(mode="after")
    def _one_place(self) -> Archive:
        if sum(map(bool, (self.gdrive, self.url, self.parts))) != 1:
            raise ValueError("an archive has one of gdrive, url and parts")
        return self

    def pieces(self) -> tuple[Part, ...]:
        """The files to download, in order."""
        return self.parts or (Part(gb=self.gb, md5=self.md5, gdrive=self.gdrive, url=self.url),)

    def size(self, request: Request) -> Size:
        """As its authors state it, or the server."""
        if self._record(request).is_file():
            return Size(0.0, "present")
        if request.given:
            given_gb = size_of(request.given) / 1e9
            return Size(0.0, f"{given_gb:.3g} GB are unpacked", given_gb)
        how, gb = "as its authors state", self.gb
        if gb is None:
            stated = length(self.pieces()[0].address)
            gb = None if stated is None else stated / 1e9
            how = "by its authors or the server" if gb is None else "as the server states"
        there = size_of(self._part(request)) / 1e9
        left = None if gb is None else max(gb - there, 0.0)
        how += ", and about as much again while the archive is unpacked"
        return Size(left, how, 0.0 if gb is None else gb + (left or 0.0))

    def bring(self, request: Request, log: Log) -> Received:
        """Download, join, check, unpack, remove the archive.

        Parts are appended to one file, so that no space is taken twice; each is checked before the
        next is asked for, and the whole at the end.
        """
        received = Received(request.out / self.into)
        self.bring_extra_files(request, received, log)
        if self._record(request).is_file():
            log(f"{request.name}: present, {received.folder}")
            return received
        archive = request.out / self.file
        if request.given:
            archive = request.given
            if not archive.is_file():
                raise DataError(f"--from {archive}: no such file; expected {self.file}")
            if self.md5 and (have := digests(archive, {"md5": ""})["md5"]) != self.md5:
                raise DataError(f"{archive} has the MD5 {have}; {self.file} has {self.md5}")
        elif not archive.is_file():
            self._download(request, log)
        log(f"{request.name}: unpacking {archive}")
        try:
            count = unpack(archive, files.made(received.folder), top=self.top, log=log)
        except DataError as error:
            if archive == request.given:
                raise
            archive.unlink()
            raise DataError(
                f"{error}. It was removed: the same command downloads it again"
            ) from None
        files.write_json(self._record(request), {"file": self.file, "files": count})
        if archive != request.given:
            archive.unlink()
        log(f"{request.name}: {count} files in {received.folder}")
        return received

    def _download(self, request: Request, log: Log) -> None:
        part, pieces = self._part(request), self.pieces()
        ends = _ends(part)
        for number, piece in enumerate(pieces[len(ends) :], start=len(ends)):
            what = f"{request.name}, part {number + 1} of {len(pieces)}"
            log(f"{what}: {f'{piece.gb:g} GB' if piece.gb else piece.address}")
            hashes = {"md5": piece.md5} if piece.md5 else {}
            by_hand = f". By hand: {request.again} {self.file}"
            wanted = Wanted(piece.address, what, hashes=hashes, by_hand=by_hand)
            fetch(wanted, part, base=ends[-1] if ends else 0, log=log)
            ends.append(part.stat().st_size)
            files.write_json(_ends_file(part), ends)
        if self.parts and self.md5 and (have := digests(part, {"md5": ""})["md5"]) != self.md5:
            raise DataError(
                f"{request.name}: joined, {part} has the MD5 {have}; expected {self.md5}, though "
                "each part is right. Remove it to begin anew"
            )
        part.replace(request.out / self.file)
        _ends_file(part).unlink(missing_ok=True)

    def _part(self, request: Request) -> Path:
        return request.out / f"{self.file}.part"

    def _record(self, request: Request) -> Path:
        return request.out / files.WORK / f"{self.file}.unpacked.json"


def _ends_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.ends.json")


def _ends(part: Path) -> list[int]:
    """Where the parts end that are there and right, as far as the file still reaches."""
    size = size_of(part)
    try:
        known = [int(end) for end in json.loads(_ends_file(part).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        known = []
    ends = [end for end in known if end <= size]
    if size and len(ends) < len(known):  # cut within a part that was checked before
        os.truncate(part, ends[-1] if ends else 0)
    return ends
