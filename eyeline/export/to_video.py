"""The annotated video: every frame of the source with its answers drawn on it, and its audio."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.export.anonymised import Covered, whole, writer
from eyeline.export.blanks import Blank
from eyeline.export.files import VIDEO
from eyeline.export.overlay import draw
from eyeline.export.timeline import Timeline, timeline_of
from eyeline.results import Analysis, Image
from eyeline.video.handover import ahead

if TYPE_CHECKING:
    from eyeline.video.reader import Frame
    from eyeline.video.writer import VideoWriter

DRAWN_AHEAD = 4
"""Drawn frames that wait to be written."""
Progress = Callable[[int, int], None]
"""Called with the frames that are done and the frames there are."""


def write_annotated(
    analysis: Analysis, source: Path, folder: Path, progress: Progress | None = None
) -> Path:
    """Write `annotated.mp4` with the frames, times and audio of the source.

    Its clock is that of the tables: it begins with the first frame, without any earlier audio.
    Every frame of the source is written; those between two analysed ones hold the last answer.
    Where parts were analysed the rest of the time is grey and silent. What the settings of the
    analysis call for is covered before anything is drawn.

    Args:
        analysis: of the source.
        source: the video.
        folder: where to.
        progress: called after each frame.

    Returns:
        The path of the video.

    Raises:
        VideoError: the source can no longer be read.
        OutputError: the folder cannot be written.
    """
    path = folder / VIDEO
    folder.mkdir(parents=True, exist_ok=True)
    total = analysis.video.frame_count
    with writer(analysis, source, path) as out:
        for done in annotate(whole(analysis, source), timeline_of(analysis), out):
            if progress is not None:
                progress(done, max(total, done))
    return path


def annotate(
    frames: Iterable[Frame | Covered | Blank], timeline: Timeline, out: VideoWriter
) -> Iterator[int]:
    """Draw on each frame, write it and yield how many are done.

    Drawing runs in a thread of its own, a little ahead of writing.
    """
    drawn = ahead(lambda: _drawn(frames, timeline), DRAWN_AHEAD, "eyeline-draw")
    for done, (rgb, time_s, end_s) in enumerate(drawn, start=1):
        out.write(rgb, time_s, end_s)
        yield done


def _drawn(
    frames: Iterable[Frame | Covered | Blank], timeline: Timeline
) -> Iterator[tuple[Image, float, float]]:
    for frame in frames:
        rgb = np.require(frame.rgb(), np.uint8, ["C", "W"])
        draw(rgb, timeline.at(frame.index, frame.time_s))
        yield rgb, frame.time_s, frame.end_s
