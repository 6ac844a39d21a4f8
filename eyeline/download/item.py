"""What a data set is downloaded by: an item of the table, how much it takes, and its report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from eyeline import files
from eyeline.download.table import Source, Strict, url_of
from eyeline.download.transfer import Wanted, fetch
from eyeline.errors import DataError, EyelineError, UsageError, first_names
from eyeline.log import Log


@dataclass(frozen=True)
class Request:
    """What the user asks for."""

    name: str
    """Of the table, for messages and commands."""
    out: Path
    given: Path | None = None
    """File or folder of the user's, which is taken in place of a download."""
    only: tuple[str, ...] = ()
    """Some of its videos or recordings; all by default."""

    @property
    def again(self) -> str:
        """The command that takes the authors' file."""
        return f"eyeline download {self.name} --out {self.out} --accept-licence --yes --from"

    def chosen(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of some names that `only` asks for; UsageError for one that is not there."""
        if lacking := [name for name in self.only if name not in names]:
            raise UsageError(
                f"{self.name} has no {', '.join(lacking)}; it has {first_names(names, 5) or 'none'}"
            )
        return self.only or names


@dataclass(frozen=True)
class Size:
    """What is still to come."""

    gb: float | None
    """10^9 bytes; None where nobody states it."""
    how: str
    """How that is known, and what else takes space."""
    most_gb: float = 0.0
    """Space that is needed on the way, where that is more."""
    estimated: bool = False
    """An estimate stops no download: what fits is kept, and the rest comes later."""

    @property
    def line(self) -> str:
        """In words."""
        return f"{'size not stated' if self.gb is None else f'{self.gb:.3g} GB'}, {self.how}"


@dataclass
class Received:
    """What has come."""

    folder: Path
    """That `prepare` takes."""
    failed: dict[str, str] = field(default_factory=dict)
    """Name -> why it is not there."""


class ExtraFile(Strict):
    """A small file of a repository that belongs to the data."""

    github: str
    path: str
    to: str
    """Place below the output folder."""


class Item(Strict, ABC):
    """An item of the table: an archive, a folder, a list of videos ..."""

    extra_files: tuple[ExtraFile, ...] = ()

    @abstractmethod
    def size(self, request: Request) -> Size:
        """How much is still to come; UsageError where something must be given first."""

    @abstractmethod
    def bring(self, request: Request, log: Log) -> Received:
        """Download it; the same call resumes one that was stopped.

        Raises:
            DataError: it cannot be had, or proves wrong.
            OutputError: no space, or a place that cannot be written.
        """

    def bring_extra_files(self, request: Request, received: Received, log: Log) -> None:
        """The small files, those that are not there; one that cannot be had costs itself."""
        for one in self.extra_files:
            target = request.out / one.to
            source = Source(github=one.github, path=one.path)
            if not target.is_file():
                place(Wanted(url_of(source), f"{request.name}, {one.to}"), target, received, log)


def place(wanted: Wanted, target: Path, received: Received, log: Log) -> bool:
    """Whether a file has come to its place; why it has not is kept."""
    part = files.made(target.parent) / f"{target.name}.part"
    try:
        fetch(wanted, part, log=log)
    except DataError as error:
        received.failed[target.name] = str(error)
        log(f"failed: {error}")
        return False
    part.replace(target)
    return True


def costs_itself(name: str, error: EyelineError, received: Received, log: Log) -> None:
    """Note what has failed, so that the rest goes on."""
    received.failed[name] = str(error)
    log(f"{name}: failed: {error}")
