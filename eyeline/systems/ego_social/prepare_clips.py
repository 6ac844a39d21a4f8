"""Cutting Ego4D's clips out of full-length videos, as files that the authors' code reads too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyeline import processes
from eyeline.bounds import Jobs
from eyeline.errors import UsageError
from eyeline.files import made, write_json
from eyeline.log import Log
from eyeline.systems.ego_social.prepare import REPORT, with_footage
from eyeline.systems.ego_social.recordings.cutting import attempt
from eyeline.systems.ego_social.recordings.preparing import Outcome
from eyeline.systems.ego_social.recordings.sources import find


@dataclass(frozen=True)
class Summary:
    """What became of all clips."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The clips that could not be cut, those without a video among them."""
        return tuple(o for o in self.outcomes if o.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Counts and reasons, ready for JSON."""
        return {
            "clips": dict(Counter(o.status for o in self.outcomes)),
            "written": {o.clip: o.message for o in self.outcomes if o.status == "done"},
            "failed": {o.clip: o.message for o in self.failed},
            "notes": list(self.notes),
        }


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    told: Log | None = None,
    jobs: Jobs = 1,
    lists: tuple[str, ...] = (),
    videos: Path | str | None = None,
) -> Summary:
    """Cut all annotated clips, or those of some lists, to `videos/<clip_uid>.mp4`.

    The authors' script downloads each video, cuts its clips and removes it; here the videos are
    there already. Clips that are whole are kept: a run that was stopped goes on.

    Args:
        source: Ego4D's layout, as of `sources.find`.
        out: folder to make.
        weights: none are needed.
        device: none is used.
        told: hears of every clip.
        jobs: clips cut at the same time, a process each.
        lists: for example `val`; all annotated clips by default.
        videos: folder of the full-length videos, where they do not lie in `source`.

    Raises:
        DataError: no annotations, damaged ones, or none of a list's clips in them.
        UsageError: numbers that cannot be, or no such list or folder.
        OutputError: the folder cannot be written.
    """
    del weights, device
    if jobs < 1:
        raise UsageError(f"{jobs} jobs; must be at least 1")
    found, out = find(source, videos), made(Path(out))
    work, outcomes, notes = with_footage(found, tuple(lists), whole=True)
    arguments = [(clip.uid, footage, out) for clip, footage in work]
    for outcome in processes.here_or_beside(attempt, arguments, jobs):
        outcomes.append(outcome)
        if told:
            told(f"{outcome.clip}: {outcome.status} {outcome.message}".rstrip())
    summary = Summary(tuple(sorted(outcomes, key=lambda o: o.clip)), notes)
    write_json(out / REPORT, summary.as_dict())
    return summary
