"""Cutting Ego4D's clips out of full-length videos, as files that the authors' code reads too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eyeline.bounds import Jobs
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Summary, prepare_all
from eyeline.files import made
from eyeline.log import Log
from eyeline.systems.ego_social.prepare import with_footage
from eyeline.systems.ego_social.recordings.cutting import cut_clip
from eyeline.systems.ego_social.recordings.sources import find


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    jobs: Jobs = 1,
    lists: tuple[str, ...] = (),
    videos: Path | str | None = None,
    remux: bool = False,
) -> Summary:
    """Cut all annotated clips, or those of some lists, to `videos/<clip_uid>.mp4`.

    The authors' script downloads each video, cuts its clips and removes it; here the videos are
    there already. Clips that are whole are kept: a run that was stopped goes on.

    Args:
        source: Ego4D's layout, as of `sources.find`.
        out: folder to make.
        weights: none are needed.
        device: none is used.
        log: receives every clip.
        jobs: clips cut at the same time, a process each.
        lists: for example `val`; all annotated clips by default.
        videos: folder of the full-length videos, where they do not lie in `source`.
        remux: take clips that begin at a key frame as they are, without encoding them anew.

    Raises:
        DataError: no annotations, damaged ones, or none of a list's clips in them.
        UsageError: numbers that cannot be, or no such list or folder.
        OutputError: the folder cannot be written.
    """
    del weights, device
    result, out = find(source, videos), made(Path(out))
    work, lacking, notes = with_footage(result, tuple(lists), whole=True)
    arguments = [(clip.uid, footage, out, remux) for clip, footage in work]
    outcomes = prepare_all(cut_clip, arguments, log, jobs=jobs, before=lacking)
    written = {o.name: o.message for o in outcomes if o.status == "done"}
    summary = Summary("clips", outcomes, notes, {"written": written})
    summary.write(out)
    return summary
