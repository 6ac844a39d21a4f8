"""Preparing GAFA: from the cameras as downloaded to body crops with boxes and directions.

A run that was stopped goes on with the crops that it has not made. A damaged picture costs itself,
a camera that cannot be read costs itself; both are counted and named in the report.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from annotated_types import Ge, Le

from eyeline import processes
from eyeline.bounds import Jobs
from eyeline.errors import UsageError
from eyeline.files import write_bytes
from eyeline.log import Log
from eyeline.systems.gaze_3d import splits
from eyeline.systems.gaze_3d.cropping import WORK, Outcome, Settings, attempt
from eyeline.systems.gaze_3d.raw import Found, RawCamera, data_root, find_cameras, read_matrix
from eyeline.training import listed

REPORT = "prepare_report.json"
INTRINSICS = "intrinsics.npz"


@dataclass(frozen=True)
class Summary:
    """What became of all cameras."""

    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The cameras that could not be prepared."""
        return tuple(o for o in self.outcomes if o.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Counts and reasons, ready for JSON."""
        skipped: Counter[str] = Counter()
        for outcome in self.outcomes:
            skipped.update(outcome.skipped)
        return {
            "recordings": dict(Counter(o.status for o in self.outcomes)),
            "frames": sum(o.frames for o in self.outcomes),
            "skipped_frames": dict(skipped),
            "skipped_by_recording": {
                o.recording: dict(o.skipped) for o in self.outcomes if o.skipped
            },
            "failed": {o.recording: o.message for o in self.failed},
        }


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    told: Log | None = None,
    jobs: Jobs = 1,
    sessions: tuple[str, ...] = (),
    degrade: bool = True,
    quality: Annotated[int, Ge(0), Le(100)] = 95,
) -> Summary:
    """Prepare all cameras of a data set, or those of some sessions.

    Args:
        source: holds `<scene>/<session>/<camera>.pkl` and folders of pictures, or `raw_data` with
            them; its own lists of sessions and `intrinsics.npz` are taken along.
        out: folder to make, `<scene>/<session>/<camera>` in it.
        weights: none are needed.
        device: none is used.
        told: hears of every camera.
        jobs: cameras worked on at the same time, a process each.
        sessions: for example `library/1029_2`; all by default.
        degrade: bring pictures to the sharpness that the released weights know.
        quality: of the crops' JPEG, 1 to 100; 0 for PNG.

    Raises:
        DataError: no camera, a session that is not there, damaged intrinsics or lists.
        UsageError: numbers that cannot be.
        OutputError: the folder cannot be written.
    """
    del weights, device
    source, out = Path(source), Path(out)
    if jobs < 1 or not 0 <= quality <= 100:
        raise UsageError(f"{jobs} jobs and a quality of {quality}; 1 or more, and 0 to 100, can be")
    found = find_cameras(source, sessions or None)
    intrinsics = data_root(source) / INTRINSICS
    if intrinsics.is_file():
        read_matrix(intrinsics)
    lists = _lists(source, out)
    outcomes = [Outcome(name, "failed", lacks) for name, lacks in found.incomplete.items()]
    settings = Settings(degrade, quality)
    for done, outcome in enumerate(_all(found.cameras, out, settings, jobs), start=1):
        outcomes.append(outcome)
        if told:
            told(f"[{done}/{len(found.cameras)}] {outcome.recording}: {_words(outcome)}")
    summary = Summary(tuple(sorted(outcomes, key=lambda outcome: outcome.recording)))
    _take_along(source, out)
    missing = _missing(found, lists, out)
    listed.write(out, missing)
    for note in missing.values() if told else ():
        cast(Log, told)(note)
    _write_report(out, summary)
    return summary


def _all(
    cameras: Sequence[RawCamera], out: Path, settings: Settings, jobs: int
) -> Iterator[Outcome]:
    work = [(camera, out, settings) for camera in cameras]
    return processes.here_or_beside(attempt, work, jobs)


def _lists(source: Path, out: Path) -> dict[str, tuple[str, ...]]:
    """The lists of sessions that will be in the prepared data; DataError for a damaged one."""
    places = (out, source, data_root(source))
    return {
        name: splits.read(name, next((p for p in places if (p / name).is_file()), None))
        for name in splits.names()
    }


def _missing(found: Found, lists: Mapping[str, Sequence[str]], out: Path) -> dict[str, str]:
    """Of each list of sessions the cameras that are in the source and could not be prepared."""
    names = [*(camera.name for camera in found.cameras), *found.incomplete]
    here = [name for name in names if (out / name).is_dir()]
    missing = {}
    for split, sessions in lists.items():
        own = {name for name in names if name.rpartition("/")[0] in sessions}
        if lacks := listed.lacking("cameras", own, here):
            missing[split] = lacks
    return missing


def _take_along(source: Path, out: Path) -> None:
    """The data's own lists of sessions and its intrinsics."""
    for folder in (source, data_root(source)):
        for name in (*splits.names(), INTRINSICS):
            if (folder / name).is_file() and not (out / name).exists():
                write_bytes(out / name, (folder / name).read_bytes())


def _write_report(out: Path, summary: Summary) -> None:
    content = summary.as_dict() | {"by_recording": [asdict(o) for o in summary.outcomes]}
    write_bytes(out / REPORT, (json.dumps(content, indent=2) + "\n").encode())
    work = out / WORK
    if work.is_dir() and not any(path.is_dir() for path in work.iterdir()):
        with suppress(OSError):
            shutil.rmtree(work)


def _words(outcome: Outcome) -> str:
    if outcome.status not in ("done", "kept"):
        return f"{outcome.status}: {outcome.message}"
    skipped = "".join(f", {count} skipped: {why}" for why, count in outcome.skipped.items())
    return f"{outcome.status}, {outcome.frames} frames{skipped}"
