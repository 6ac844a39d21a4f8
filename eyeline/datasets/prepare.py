"""The loop that prepares the items of a data set (videos, clips, cameras), and what it reports.

An item that cannot be prepared costs itself. The same command resumes a run that was stopped.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from eyeline.datasets.items import work_on
from eyeline.errors import EyelineError, UsageError
from eyeline.files import locked, write_json
from eyeline.log import Log

REPORT = "prepare_report.json"
LOCKS = ".locks"

_SAMPLE_BYTES = 1 << 16

Status = Literal["done", "kept", "skipped", "busy", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one item."""

    name: str
    status: Status
    """`kept` from an earlier run, `skipped` for no fault of its own, `busy` in another process."""
    message: str = ""
    """What it holds, by default its counts, or why it is not there."""
    counts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was odd about its files."""
    seconds: float = field(default=0.0, compare=False)
    """That it took."""

    @property
    def line(self) -> str:
        """In words."""
        counts = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in self.counts.items())
        words = self.message or counts
        between = ", " if self.status in ("done", "kept") else ": "
        return f"{self.status}{between if words else ''}{words}"

    def row(self, unit: str, *, flat: bool = False) -> dict[str, Any]:
        """For a report, with the counts as columns or, beside notes and time, on their own."""
        row = {unit: self.name, "status": self.status, "message": self.message}
        own = {"counts": dict(self.counts), "notes": self.notes, "seconds": self.seconds}
        return row | (dict(self.counts) if flat else own)


@dataclass(frozen=True)
class Summary:
    """What became of all items."""

    what: str
    """They are, in the plural."""
    outcomes: tuple[Outcome, ...]
    notes: Sequence[str] | Mapping[str, Sequence[str]] = ()
    """Of the data set as a whole, or by item."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Further figures."""

    @classmethod
    def of_counts(cls, what: str, outcomes: tuple[Outcome, ...]) -> Summary:
        """With the sums of all counts, and the notes of each item."""
        notes = {o.name: list(o.notes) for o in outcomes if o.notes}
        return cls(what, outcomes, notes, total(o.counts for o in outcomes))

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The items that could not be prepared, those without a file among them."""
        return tuple(o for o in self.outcomes if o.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Counts, reasons and notes, ready for JSON."""
        return {
            self.what: dict(Counter(o.status for o in self.outcomes)),
            **self.details,
            "failed": {o.name: o.message for o in self.failed},
            "notes": self.notes if isinstance(self.notes, Mapping) else list(self.notes),
        }

    def write(self, out: Path, further: Mapping[str, Any] | None = None) -> None:
        """Write the report of a run."""
        write_json(out / REPORT, self.as_dict() | dict(further or {}))


class SkippedError(EyelineError):
    """An item that is not prepared for a reason that is no fault."""


def attempt(
    name: str, work: Callable[[], Outcome], lock: Path | None = None, *, tidy: bool = False
) -> Outcome:
    """Prepare one item; what its files or its place can cause becomes an outcome.

    Args:
        name: of the item.
        work: prepares it, whole or not at all, or keeps what is there.
        lock: keeps other processes from the same item.
        tidy: as of `files.locked`.
    """
    begun = time.monotonic()
    try:
        with locked(lock, tidy=tidy) if lock else nullcontext(True) as ours:
            if not ours:
                return Outcome(name, "busy", "another process is at work on it")
            outcome = work()
    except SkippedError as error:
        return Outcome(name, "skipped", str(error))
    except EyelineError as error:
        return Outcome(name, "failed", str(error))
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return Outcome(name, "failed", reason)
    took_s = round(time.monotonic() - begun, 2)
    return replace(outcome, seconds=took_s) if outcome.status == "done" else outcome


def prepare_all(
    work: Callable[..., Outcome],
    arguments: Sequence[tuple[Any, ...]],
    log: Log | None,
    *,
    jobs: int = 1,
    begin: Callable[[], None] | None = None,
    before: Sequence[Outcome] = (),
) -> tuple[Outcome, ...]:
    """Outcomes of all items, by name; as of `work_on`."""
    outcomes = work_on(
        work,
        arguments,
        log,
        lambda outcome: f"{outcome.name}: {outcome.line}",
        jobs=jobs,
        begin=begin,
        before=before,
    )
    return tuple(sorted(outcomes, key=lambda outcome: outcome.name))


def check_weights(weights: Mapping[str, Path] | None, known: tuple[str, ...]) -> dict[str, Path]:
    """The files by network; UsageError for one that is not needed."""
    given = dict(weights or {})
    if others := [name for name in given if name not in known]:
        raise UsageError(
            f"weights of {', '.join(others)} are not used here; accepted are those of "
            f"{', '.join(known) or 'no network'}"
        )
    return given


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums of counts by name."""
    sums: Counter[str] = Counter()
    for each in counts:
        sums.update(each)
    return dict(sums)


def size_and_hash(path: Path) -> tuple[int, str]:
    """Bytes of a file, and a hash of both ends: a whole video takes too long to read."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(_SAMPLE_BYTES))
        file.seek(max(size - _SAMPLE_BYTES, 0))
        digest.update(file.read(_SAMPLE_BYTES))
    return size, digest.hexdigest()
