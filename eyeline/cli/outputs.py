"""What `-o` may write over: what eyeline wrote there before, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from eyeline.documents import read_json
from eyeline.errors import DataError, EyelineError, OutputError, UsageError

CSV_DIALECT = Annotated[
    Literal["excel", "excel-eu"],
    typer.Option(help="excel: comma and decimal point; excel-eu: semicolon, decimal comma."),
]
MARK = ".eyeline-folder"
"""Lies in folders that commands write into again and again."""
_MARK_TEXT = "eyeline writes into this folder, and may replace files in it.\n"


@contextmanager
def claimed(folder: Path | None, *inputs: Path | None) -> Iterator[None]:
    """A new or empty folder, or one that eyeline began, for a command to write into.

    Args:
        folder: the folder; None for a command that is to write nothing.
        inputs: what the command reads, which must lie elsewhere.

    Raises:
        UsageError: the folder is an input.
        OutputError: it holds what eyeline did not begin, or cannot be written.
    """
    if folder is None:
        yield
        return
    _refuse_input(folder, inputs)
    mark = folder / MARK
    try:
        if folder.is_dir() and any(folder.iterdir()) and not mark.exists():
            raise OutputError(
                f"{folder} holds files, and no run of eyeline began it: choose an empty or new "
                f"folder. If eyeline may replace files there, make an empty file {MARK} in it."
            )
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(_MARK_TEXT, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        with suppress(OSError):
            if [*folder.iterdir()] == [mark]:
                mark.unlink()
                if new:
                    folder.rmdir()


def replaceable(path: Path, ours: Callable[[Path], bool] | None, *inputs: Path | None) -> None:
    """Check that a file to write is new, or one that eyeline wrote.

    Args:
        path: the file.
        ours: whether a file is one of those that the command writes; None where that cannot be
            known.
        inputs: files that the command reads.

    Raises:
        UsageError: the file is an input.
        OutputError: something else lies there.
    """
    _refuse_input(path, inputs)
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name a file to write")
    if path.exists() and not (ours and ours(path)):
        whose = "nothing says that eyeline wrote it" if ours is None else "eyeline did not write it"
        raise OutputError(f"{path} is there already, and {whose}: name another file, or remove it")


def _refuse_input(path: Path, inputs: tuple[Path | None, ...]) -> None:
    for each in inputs:
        if each is not None and path.exists() and each.exists() and path.samefile(each):
            raise UsageError(f"{path} is read by this command: name another place to write")


def is_weights(path: Path) -> bool:
    """Whether a file holds weights in our form."""
    from eyeline.training.checkpoint import read_card

    try:
        read_card(path)
    except EyelineError:
        return False
    return True


def is_report(path: Path) -> bool:
    """Whether a file is a report of scores."""
    try:
        content = read_json(path)
    except DataError:
        return False
    return isinstance(content, dict) and {"predictions", "truth"} <= {*content}
