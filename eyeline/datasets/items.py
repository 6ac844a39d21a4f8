"""Work on the items of a data set, alone or side by side, with a line of log for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from eyeline import processes
from eyeline.errors import UsageError
from eyeline.log import Log

Result = TypeVar("Result")


def check_options(run: Callable[..., Any], **options: object) -> None:
    """Hold options to the bounds of a function's annotations.

    Raises:
        UsageError: some lie beyond them; names all.
    """
    from eyeline.training import recipe

    faults = recipe.validated({"option": options}, {"option": run})[1]
    if faults:
        raise UsageError("; ".join(fault.removeprefix("option.") for fault in faults))


def work_on(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    log: Log | None,
    describe: Callable[[Result], str],
    *,
    jobs: int = 1,
    begin: Callable[[], None] | None = None,
    before: Sequence[Result] = (),
) -> Iterator[Result]:
    """Results of all items as they are finished, each logged as `[number/count] ...`.

    Args:
        work: as of `processes.here_or_beside`.
        arguments: of each item.
        log: gets a line for every item.
        describe: a result in words.
        jobs: items worked on at the same time.
        begin: as of `processes.here_or_beside`.
        before: results that are known.

    Raises:
        EyelineError: a process was killed.
    """
    count = len(before) + len(arguments)
    results = chain(before, processes.here_or_beside(work, arguments, jobs, begin))
    for number, result in enumerate(results, start=1):
        if log:
            log(f"[{number}/{count}] {describe(result)}")
        yield result


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
