"""Data sets by name: one archive each, whole or in parts that are joined as they come."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from eyeline import files
from eyeline.download.part import digests
from eyeline.download.table import drive_url
from eyeline.download.transfer import Wanted, fetch
from eyeline.errors import DataError, OutputError, UsageError
from eyeline.log import Log


class Part(BaseModel):
    """A file on Google Drive."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gb: float
    """As stated, in 10^9 bytes."""
    md5: str
    gdrive: str


class Archive(BaseModel):
    """An archive: one file, or parts that make one when they are joined."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    gb: float
    md5: str
    gdrive: str | None = None
    parts: tuple[Part, ...] = ()

    def pieces(self) -> tuple[Part, ...]:
        """The files to download, in order."""
        if self.gdrive:
            return (Part(gb=self.gb, md5=self.md5, gdrive=self.gdrive),)
        return self.parts


class DataSet(BaseModel):
    """A data set and its archives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    licence: str
    paper: str
    then: str
    """What to do with the archives."""
    archives: Mapping[str, Archive]


@cache
def datasets() -> Mapping[str, DataSet]:
    """All of the table, by name."""
    import yaml

    text = Path(__file__).with_name("datasets.yaml").read_text(encoding="utf-8")
    return {name: DataSet.model_validate(row) for name, row in yaml.safe_load(text).items()}


def archive_of(name: str) -> tuple[DataSet, Archive]:
    """Of `DATASET/ARCHIVE`; UsageError lists what there is."""
    dataset, _, archive = name.partition("/")
    there = [f"{key}/{one}" for key, row in datasets().items() for one in row.archives]
    if name not in there:
        raise UsageError(
            f"there is no archive '{name}' of a data set; there are {', '.join(there)}"
        )
    return datasets()[dataset], datasets()[dataset].archives[archive]


def licence_line(name: str) -> str:
    """What is to be accepted before an archive is downloaded, and what it takes."""
    dataset, archive = archive_of(name)
    return f"{name}: {archive.gb:g} GB; licence: {dataset.licence}; {dataset.paper}"


def get(name: str, out: Path, *, log: Log = lambda _: None) -> Path:
    """Bring an archive into a folder; the same call goes on where one was stopped.

    Parts are appended to one file, so that no space is taken twice; each is checked before the next
    is asked for, and the whole at the end.

    Raises:
        DataError: it cannot be had, or proves wrong.
        OutputError: no space, or a place that cannot be written.
    """
    dataset, archive = archive_of(name)
    target = files.made(out) / archive.file
    with files.locked(out / files.WORK / f"{archive.file}.lock", tidy=True) as mine:
        if not mine:
            raise DataError(f"{name}: another process is downloading it")
        if target.is_file():
            log(f"{name}: present, {target}")
            return target
        part = target.with_name(f"{target.name}.part")
        ends = _ends(part)
        _check_space(name, archive, part)
        for number, piece in enumerate(archive.pieces()):
            if number < len(ends):
                continue
            what = f"{name}, part {number + 1} of {len(archive.pieces())}"
            log(f"{what}: {piece.gb:g} GB")
            wanted = Wanted(drive_url(piece.gdrive), what, hashes={"md5": piece.md5})
            fetch(wanted, part, base=ends[-1] if ends else 0, log=log)
            ends.append(part.stat().st_size)
            files.write_json(_ends_file(part), ends)
        if archive.parts and (have := digests(part, {"md5": ""})["md5"]) != archive.md5:
            raise DataError(
                f"{name}: joined, {part} has the MD5 {have}; expected {archive.md5}, though each "
                "part is right. Remove it to begin anew"
            )
        part.replace(target)
        _ends_file(part).unlink(missing_ok=True)
    log(f"{name}: {dataset.then}")
    return target


def _ends_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.ends.json")


def _ends(part: Path) -> list[int]:
    """Where the parts end that are there and right, as far as the file still reaches."""
    size = part.stat().st_size if part.is_file() else 0
    try:
        known = [int(end) for end in json.loads(_ends_file(part).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        known = []
    ends = [end for end in known if end <= size]
    if size and len(ends) < len(known):  # cut within a part that was checked before
        os.truncate(part, ends[-1] if ends else 0)
    return ends


def _check_space(name: str, archive: Archive, part: Path) -> None:
    """OutputError where the disk has less than the archive still takes."""
    needed = archive.gb * 1e9 - (part.stat().st_size if part.is_file() else 0)
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise OutputError(
            f"{name} takes {needed / 1e9:.1f} GB more and {part.parent} has {free / 1e9:.1f} GB "
            "left: name another folder by --out or free some space"
        )
