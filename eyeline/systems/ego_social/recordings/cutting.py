"""A clip as a file of its own, cut out of its full-length video as the authors' script does."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path

from eyeline.datasets.prepare import Outcome, attempt
from eyeline.errors import DataError
from eyeline.files import made
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.video.copying import copied_span
from eyeline.video.reader import probe
from eyeline.video.writer import VideoWriter

VIDEOS = "videos"
"""Folder of clips, as the authors' code reads it."""


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

    Args:
        footage: a span of a longer video.
        path: the mp4 file, which appears whole or not at all.

    Returns:
        How much was written, in words.

    Raises:
        VideoError: the video cannot be read.
        DataError: it ends before the clip begins.
        OutputError: the clip cannot be written.
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
