"""Data sets by name: the table of them, and one download of any of its items."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from eyeline import files
from eyeline.download.archives import Archive
from eyeline.download.aria import AriaEveryday
from eyeline.download.ego4d import Ego4D
from eyeline.download.folders import DriveFolder
from eyeline.download.item import Item, Received, Request, Size
from eyeline.download.table import Strict
from eyeline.download.youtube import VideoList
from eyeline.errors import DataError, OutputError, UsageError
from eyeline.log import Log

ALL = "all"
"""Item of a data set that has no other: its name may be left out."""


class DataSet(Strict):
    """A data set and its items."""

    licence: str
    paper: str
    then: str
    """What to do with it; `{folder}` is where it lies."""
    items: Mapping[str, Archive | DriveFolder | VideoList | Ego4D | AriaEveryday]


@cache
def datasets() -> Mapping[str, DataSet]:
    """All of the table, by name."""
    import yaml

    text = Path(__file__).with_name("datasets.yaml").read_text(encoding="utf-8")
    return {name: DataSet.model_validate(row) for name, row in yaml.safe_load(text).items()}


def names() -> dict[str, tuple[DataSet, Item]]:
    """All items by the names that users give."""
    return {
        name if key == ALL else f"{name}/{key}": (row, item)
        for name, row in datasets().items()
        for key, item in row.items.items()
    }


def item_of(name: str) -> tuple[DataSet, Item]:
    """Of `DATASET/ITEM` or `DATASET`; UsageError lists what there is."""
    if name not in names():
        raise UsageError(f"there is no data set '{name}'; there are {', '.join(names())}")
    return names()[name]


def licence_line(name: str) -> str:
    """What is to be accepted before it is downloaded."""
    dataset, _ = item_of(name)
    return f"{name}: licence: {dataset.licence}; {dataset.paper}"


def check(request: Request) -> Size:
    """What a download takes.

    Raises:
        UsageError: an option that the item does not take, or that it lacks.
        DataError: what is needed to know cannot be had.
        OutputError: the disk has less space than that.
    """
    _, item = item_of(request.name)
    if request.given and isinstance(item, Ego4D):
        raise UsageError(f"--from is not for {request.name}, which comes by its own command")
    if request.only and isinstance(item, (Archive, DriveFolder)):
        raise UsageError(f"--only is not for {request.name}, which comes as a whole")
    size = item.size(request)
    needed = max(size.most_gb, size.gb or 0.0)
    free = free_gb(request.out)
    if needed > free and not size.estimated:
        raise OutputError(
            f"{request.name} takes {needed:.1f} GB more and {request.out} has {free:.1f} GB left: "
            "name another folder by --out or free some space"
        )
    return size


def free_gb(folder: Path) -> float:
    """10^9 bytes that are left where a folder lies or will lie."""
    place = folder.absolute()
    there = next(path for path in (place, *place.parents) if path.exists())
    return shutil.disk_usage(there).free / 1e9


def get(request: Request, *, log: Log = lambda _: None) -> Received:
    """Bring an item into a folder; the same call resumes where one was stopped.

    Raises:
        DataError: it cannot be had, or proves wrong.
        OutputError: no space, or a place that cannot be written.
    """
    dataset, item = item_of(request.name)
    lock = f"{request.name.replace('/', '_')}.lock"
    with files.locked(files.made(request.out) / files.WORK / lock, tidy=True) as mine:
        if not mine:
            raise DataError(f"{request.name}: another process is downloading it")
        received = item.bring(request, log)
        downloads = request.out / files.WORK / "downloads"
        if downloads.is_dir() and not any(path.is_file() for path in downloads.rglob("*")):
            shutil.rmtree(downloads)
    log(f"{request.name}: {dataset.then.format(folder=received.folder)}")
    return received
