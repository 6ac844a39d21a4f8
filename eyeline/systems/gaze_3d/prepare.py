"""Preparing GAFA: from the cameras as downloaded to body crops with boxes and directions.

A run that was stopped goes on with the crops that it has not made. A damaged image costs itself,
a camera that cannot be read costs itself; both are counted and named in the report.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from eyeline.bounds import Jobs
from eyeline.datasets import listed
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, prepare_all, total
from eyeline.files import write_bytes
from eyeline.log import Log
from eyeline.systems.gaze_3d import splits
from eyeline.systems.gaze_3d.cropping import WORK, Settings, attempt
from eyeline.systems.gaze_3d.raw import Found, data_root, find_cameras, read_matrix

INTRINSICS = "intrinsics.npz"


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    jobs: Jobs = 1,
    sessions: tuple[str, ...] = (),
    degrade: bool = True,
    quality: Annotated[int, Ge(0), Le(100)] = 95,
) -> Summary:
    """Prepare all cameras of a data set, or those of some sessions.

    Args:
        source: holds `<scene>/<session>/<camera>.pkl` and folders of images, or `raw_data` with
            them; its own lists of sessions and `intrinsics.npz` are taken along.
        out: folder to make, `<scene>/<session>/<camera>` in it.
        weights: none are needed.
        device: none is used.
        log: receives every camera.
        jobs: cameras worked on at the same time, a process each.
        sessions: for example `library/1029_2`; all by default.
        degrade: bring images to the sharpness that the released weights know.
        quality: of the crops' JPEG, 1 to 100; 0 for PNG.

    Raises:
        DataError: no camera, a session that is not there, damaged intrinsics or lists.
        UsageError: numbers that cannot be.
        OutputError: the folder cannot be written.
    """
    del weights, device
    source, out = Path(source), Path(out)
    result = find_cameras(source, sessions or None)
    intrinsics = data_root(source) / INTRINSICS
    if intrinsics.is_file():
        read_matrix(intrinsics)
    lists = _lists(source, out)
    lacking = [Outcome(name, "failed", lacks) for name, lacks in result.incomplete.items()]
    work = [(camera, out, Settings(degrade, quality)) for camera in result.cameras]
    outcomes = prepare_all(attempt, work, log, jobs=jobs, before=lacking)
    for folder in (source, data_root(source)):
        for name in (*splits.names(), INTRINSICS):
            if (folder / name).is_file() and not (out / name).exists():
                write_bytes(out / name, (folder / name).read_bytes())
    missing = _missing(result, lists, out)
    listed.write(out, missing)
    for note in missing.values():
        if log:
            log(note)
    skipped = {o.name: dict(o.counts["skipped"]) for o in outcomes if o.counts.get("skipped")}
    details = {
        "frames": sum(o.counts.get("frames", 0) for o in outcomes),
        "skipped_frames": total(skipped.values()),
        "skipped_by_recording": skipped,
    }
    summary = Summary("recordings", outcomes, tuple(missing.values()), details)
    summary.write(out, {"by_recording": [o.row("recording", flat=True) for o in outcomes]})
    if (out / WORK).is_dir() and not any(path.is_dir() for path in (out / WORK).iterdir()):
        with suppress(OSError):
            shutil.rmtree(out / WORK)
    return summary


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
