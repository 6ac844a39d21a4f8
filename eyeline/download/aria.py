"""Aria Everyday Activities, by the list of addresses that its page gives: a JSON file.

Of each recording come the VRS file, gaze, and the calibration, into the layout that the authors'
own downloader leaves: `<recording>/recording.vrs`, `mps/eye_gaze/` and `mps/slam/`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from eyeline import files
from eyeline.documents import read_json
from eyeline.download.item import Item, Received, Request, Size, costs_itself
from eyeline.download.transfer import Wanted, fetch
from eyeline.download.unpacking import unpack
from eyeline.errors import DataError, UsageError
from eyeline.log import Log

PLACES = {"main_vrs": "", "mps_eye_gaze": "mps/eye_gaze", "mps_slam_calibration": "mps/slam"}
"""Kinds of files that `prepare` reads, and their folders in a recording's."""
RECORDING = "recording.vrs"


class Address(BaseModel):
    """A file of a recording."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    filename: str
    sha1sum: str
    file_size_bytes: int | None = None
    download_url: str


class AriaEveryday(Item):
    """The recordings of a list of addresses."""

    page: str
    """Where the list is given to those who accept the licence."""

    def size(self, request: Request) -> Size:
        """As the list states it."""
        waiting = [one for _, _, one in self._waiting(request)]
        sizes = [one.file_size_bytes for one in waiting]
        gb = None if None in sizes else sum(filter(None, sizes)) / 1e9
        return Size(gb, f"{len(waiting)} files, as the list of addresses states")

    def bring(self, request: Request, log: Log) -> Received:
        """Download, check, unpack; a file that cannot be had costs itself."""
        received = Received(request.out)
        self.bring_extra_files(request, received, log)
        waiting = self._waiting(request)
        for number, (name, kind, one) in enumerate(waiting, start=1):
            log(f"[{number}/{len(waiting)}] {name}, {kind}: {one.filename}")
            try:
                _bring(request, name, kind, one, log)
            except DataError as error:
                costs_itself(f"{name}, {kind}", error, received, log)
        return received

    def _waiting(self, request: Request) -> list[tuple[str, str, Address]]:
        """Recording, kind and address of all files that are not there."""
        known = self._addresses(request)
        return [
            (name, kind, one)
            for name in request.chosen(tuple(known))
            for kind, one in known[name].items()
            if not _record(request.out, name, kind).is_file()
        ]

    def _addresses(self, request: Request) -> dict[str, dict[str, Address]]:
        if request.given is None:
            raise UsageError(
                f"{request.name}: open {self.page}, accept the licence and download the list of "
                f"addresses (JSON, valid for some days), then: {request.again} FILE.json"
            )
        content: Any = read_json(request.given)
        try:
            result = {
                name: {kind: Address.model_validate(own[kind]) for kind in PLACES if kind in own}
                for name, own in content["sequences"].items()
            }
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            why = str(error).splitlines()[0]
            raise DataError(f"{request.given} is no list of addresses of Aria ({why})") from None
        for name in result:
            if name != Path(name).name or name.startswith("."):
                raise DataError(f"{request.given}: '{name}' cannot be the name of a folder")
        return result


def _bring(request: Request, name: str, kind: str, one: Address, log: Log) -> None:
    folder = request.out / name / PLACES[kind]
    part = files.made(request.out / files.WORK / "downloads") / f"{name}.{kind}.part"
    by_hand = f". A list of addresses is valid for some days: {request.again} NEW_LIST.json"
    what, hashes = f"{name}, {one.filename}", {"sha1": one.sha1sum}
    fetch(
        Wanted(one.download_url, what, one.file_size_bytes, hashes, by_hand=by_hand), part, log=log
    )
    if kind == "main_vrs":
        files.made(folder)
        shutil.move(part, folder / RECORDING)
    else:
        work = part.with_suffix(".unpacked")
        try:  # into one folder, however deep the files lie in the archive
            unpack(part, work)
            for path in sorted(work.rglob("*")):
                if path.is_file():
                    shutil.move(path, files.made(folder) / path.name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        part.unlink()
    files.write_json(_record(request.out, name, kind), {"sha1": one.sha1sum})


def _record(out: Path, name: str, kind: str) -> Path:
    return out / files.WORK / f"{name}.{kind}.json"
