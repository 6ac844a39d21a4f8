"""What lists name and a prepared data set lacks: `prepare` writes it, `evaluate` repeats it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from eyeline.documents import read_json
from eyeline.errors import DataError, first_names
from eyeline.files import write_json

FILE = "missing.json"
"""In the data set: sentence by list."""


def lacking(what: str, listed: Collection[str], here: Collection[str]) -> str | None:
    """For example `1 of 5 listed videos is not here: a`; None where all of `what` are."""
    names = sorted({*listed} - {*here})
    verb = "is" if len(names) == 1 else "are"
    known = f"{len(names)} of {len({*listed})} listed {what} {verb} not here: "
    return f"{known}{first_names(names, 5)}" if names else None


def write(root: Path, by_list: Mapping[str, str]) -> None:
    """Write what lists lack, or take away what an earlier run wrote where they lack nothing."""
    if by_list:
        write_json(root / FILE, dict(by_list))
    else:
        (root / FILE).unlink(missing_ok=True)


def notes(root: Path | str, split: Path | str) -> tuple[str, ...]:
    """What a list lacks, by its name or path; nothing where that was not written down.

    Raises:
        DataError: the file is damaged.
    """
    path = Path(root) / FILE
    content = read_json(path) if path.is_file() else {}
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        raise DataError(f"{path} is damaged: prepare the data set again")
    name = Path(split).name
    note = content.get(name) or content.get(Path(name).stem)
    return (note,) if note else ()
