"""What `prepare` reports of videos and files, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eyeline.errors import UsageError


@dataclass(frozen=True)
class Outcome:
    """What became of a video."""

    name: str
    status: str
    """`done`, `there already` or `failed`."""
    message: str = ""
    """Why it failed."""
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """In words."""
        counts = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        return ": ".join(part for part in (self.name, self.status, self.message or counts) if part)


@dataclass(frozen=True)
class Summary:
    """What became of all videos."""

    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The videos that could not be prepared."""
        return tuple(o for o in self.outcomes if o.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Counts and reasons, ready for JSON."""
        counts = Counter[str]()
        for outcome in self.outcomes:
            counts.update(outcome.counts)
        return {
            "videos": dict(Counter(o.status for o in self.outcomes)),
            **counts,
            "failed": {o.name: o.message for o in self.failed},
            "notes": {o.name: list(o.notes) for o in self.outcomes if o.notes},
        }


def check_weights(weights: Mapping[str, Path] | None, known: tuple[str, ...]) -> dict[str, Path]:
    """The files by network; UsageError for one that is not needed."""
    given = dict(weights or {})
    if others := [name for name in given if name not in known]:
        raise UsageError(
            f"weights of {', '.join(others)} are not used here; accepted are those of "
            f"{', '.join(known) or 'no network'}"
        )
    return given
