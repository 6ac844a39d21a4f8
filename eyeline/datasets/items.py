"""Work on the items of a data set, alone or side by side, with a line of log for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

from eyeline import pool
from eyeline.errors import UsageError
from eyeline.log import Log

Result = TypeVar("Result")
Run = TypeVar("Run", bound=Callable[..., Any])


def checked(run: Run) -> Run:
    """The function, which holds the numbers that it is given by name to its annotated bounds.

    It raises a UsageError that names all that lie beyond them.
    """

    @wraps(run)
    def bounded(*arguments: Any, **options: Any) -> Any:
        from eyeline.training import recipe

        numbers = {name: value for name, value in options.items() if isinstance(value, int | float)}
        faults = recipe.validated({"option": numbers}, {"option": run})[1]
        if faults:
            raise UsageError("; ".join(fault.removeprefix("option.") for fault in faults))
        return run(*arguments, **options)

    return cast(Run, bounded)


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

    Raises:
        EyelineError: a process was killed.
    """
    count = len(before) + len(arguments)
    results = chain(before, pool.parallel_map(work, arguments, jobs, begin))
    for number, result in enumerate(results, start=1):
        if log:
            log(f"[{number}/{count}] {describe(result)}")
        yield result


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
