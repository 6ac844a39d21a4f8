"""Reading and appending to `corrections.json`: atomic, locked, nothing is ever removed from it."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.corrections.apply import apply
from eyeline.corrections.model import (
    Corrections,
    Redo,
    SplitPerson,
    Undo,
    parse_corrections,
    parse_entry,
    with_entry,
)
from eyeline.documents import MIB, parse_json, read_text
from eyeline.errors import DataError, OutputError, UsageError
from eyeline.export.files import CORRECTIONS
from eyeline.export.index import read_index
from eyeline.export.stored import load
from eyeline.files import WORK, locked, replacing

if TYPE_CHECKING:
    from eyeline.results import Analysis

MOST_BYTES = 64 * MIB
_PATIENCE_S = 10.0
"""How long a write waits for another one; each takes milliseconds."""


class ConflictError(OutputError):
    """Somebody else has corrected since the revision that a write names."""


def read(folder: Path | str) -> Corrections:
    """The corrections of a folder of results; none where there is no file.

    Raises:
        DataError: no such folder, or a file that is damaged or of a newer version.
    """
    path = Path(folder) / CORRECTIONS
    if not path.exists():
        read_index(Path(folder))
        return Corrections()
    try:
        return parse_corrections(parse_json(read_text(path, MOST_BYTES), str(path)), str(path))
    except DataError as error:
        raise DataError(
            f"{error}. The computed results are whole and the file is left as it is: mend it, put "
            "a copy back, or move it away to begin anew."
        ) from None


def append(
    folder: Path | str,
    entry: Any,
    *,
    who: str = "",
    revision: int | None = None,
    results: Analysis | None = None,
) -> Corrections:
    """Keep one more operation, if it can be applied.

    Args:
        folder: the results of one video.
        entry: an operation, or what JSON gives of one; id, time and who are filled in.
        who: who corrects; by default the name of this account.
        revision: the revision that the caller saw; None for whichever it is.
        results: the computed results as of `export.stored.load`, for a caller that has them.

    Raises:
        ConflictError: the corrections have another revision by now.
        DataError: the folder or the file cannot be read, or the operation cannot be applied; then
            nothing is written.
        OutputError: the folder cannot be written.
    """
    return _append(Path(folder), parse_entry(entry), who, revision, results)


def undo(
    folder: Path | str, entry: int | None = None, *, who: str = "", revision: int | None = None
) -> Corrections:
    """Take back an operation, by default the last that holds; UsageError where there is none."""
    if entry is None:
        operations = read(folder).operations
        if not operations:
            raise UsageError(f"{folder} has no correction to undo")
        entry = operations[-1].id
    return _append(Path(folder), Undo(kind="undo", entry=entry), who, revision, None)


def redo(
    folder: Path | str, entry: int | None = None, *, who: str = "", revision: int | None = None
) -> Corrections:
    """Let an operation hold again, by default the last that was undone; raises as `undo`."""
    if entry is None:
        undone = read(folder).undone
        if not undone:
            raise UsageError(f"{folder} has no correction to redo")
        entry = undone[-1]
    return _append(Path(folder), Redo(kind="redo", entry=entry), who, revision, None)


def _append(
    folder: Path, entry: Any, who: str, revision: int | None, results: Analysis | None
) -> Corrections:
    index = read_index(folder)
    with writing(folder):
        before = read(folder)
        if revision is not None and revision != before.revision:
            raise ConflictError(
                f"{folder / CORRECTIONS} was changed meanwhile (revision {before.revision}, not "
                f"{revision}): nothing was written. Look at the corrections again and repeat yours."
            )
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        given: dict[str, Any] = {"id": before.revision + 1, "time": now, "who": who or _account()}
        if isinstance(entry, SplitPerson):  # a number that no person has had
            splits = [e.new_person or 0 for e in before.entries if isinstance(e, SplitPerson)]
            numbers = [int(person["person"]) for person in index["persons"]]
            given["new_person"] = max([0, *numbers, *splits]) + 1
        after = with_entry(before, parse_entry(entry.model_dump() | given))
        if not isinstance(entry, Undo | Redo):
            results = load(folder) if results is None else results
            corrected = apply(results, after, derive=False).corrected
            assert corrected is not None
            if why := dict(corrected.unapplied).get(after.revision):
                raise DataError(f"the correction cannot be applied to {folder}: {why}")
        _write(folder / CORRECTIONS, after)
    return after


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """The right to write a folder's corrections; OutputError where another process keeps it."""
    place = folder.resolve()
    lock = place.parent / WORK / f"{place.name}.corrections.lock"
    until = time.monotonic() + _PATIENCE_S
    with ExitStack() as stack:
        try:
            while not stack.enter_context(locked(lock, tidy=True)):
                if time.monotonic() > until:
                    raise OutputError(
                        f"another process is writing {folder / CORRECTIONS}; try again"
                    )
                time.sleep(0.02)
        except OSError as error:
            raise OutputError(f"{lock} cannot be written: {error.strerror or error}") from None
        yield


def _write(path: Path, corrections: Corrections) -> None:
    for left in path.parent.glob(f".{CORRECTIONS}.*.partial"):  # by a process that was killed
        with suppress(OSError):
            left.unlink()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write((corrections.model_dump_json(indent=1, exclude_none=True) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
