"""Cutting Ego4D's clips out of full-length videos, as files that the authors' code reads too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path

from eyeline.bounds import Jobs
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, attempt, prepare_all
from eyeline.errors import DataError
from eyeline.files import made
from eyeline.log import Log
from eyeline.systems.ego_social.prepare import with_footage
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.systems.ego_social.recordings.sources import find
from eyeline.video.copying import copied_span
from eyeline.video.reader import probe
from eyeline.video.writer import VideoWriter

VIDEOS = "videos"
"""Folder of clips, as the authors' code reads it."""


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


def cut_clip(uid: str, footage: Footage, out: Path, remux: bool = False) -> Outcome:
    """Write `videos/<uid>.mp4` below `out`; a file that is there is whole, and kept.

    With `remux` a clip that begins at a key frame is not encoded anew, see `copying.copied_span`.
    """
    path = made(out / VIDEOS) / f"{uid}.mp4"
    if path.is_file():
        return Outcome(uid, "kept")

    def work() -> Outcome:
        if remux and footage.span_s and copied_span(footage.path, path, *footage.span_s):
            return Outcome(uid, "done", "copied without encoding")
        return Outcome(uid, "done", cut(footage, path))

    return attempt(uid, work)


def cut(footage: Footage, path: Path) -> str:
    """Write a clip as H.264 at the encoder's usual quality, every frame a key frame, audio copied.

    The file appears whole or not at all. Says how much was written.
    """
    shown = footage.shown()
    first = next(shown, None)
    if first is None or footage.span_s is None:
        raise DataError(footage.nothing)
    video = probe(footage.path)
    info = replace(video, start_s=footage.start_s, gaps=(), rotation_deg=0)
    start_s, end_s = footage.span_s
    until_s = 0.0
    with VideoWriter(
        path,
        info,
        audio_from=footage.path if video.has_audio else None,
        preset="medium",
        key_frame_s=0,
        audio_end_s=end_s - start_s,
    ) as writer:
        for time_s, until_s, frame in chain([first], shown):
            writer.write(frame.rgb(), time_s, until_s)
    short = "" if until_s > end_s - start_s - 1 else f", the video ends at {until_s:.2f} s of it"
    return f"{writer.frame_count} frames{short}"
