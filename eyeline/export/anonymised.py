"""The images of a video as outputs may show them: with faces, eyes or people covered if asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.export.blanks import Blank, with_blanks
from eyeline.export.files import ANONYMISED
from eyeline.results import Analysis, Image

if TYPE_CHECKING:
    from eyeline.video.reader import Frame
    from eyeline.video.writer import VideoWriter


@dataclass(frozen=True)
class Covered:
    """A frame of which something is covered."""

    index: int
    time_s: float
    end_s: float
    image: Image

    def rgb(self) -> Image:
        """`(h, w, 3)` RGB."""
        return self.image

    def small_rgb(self, width: int, height: int) -> Image:
        """`(height, width, 3)` RGB."""
        import cv2

        small = cv2.resize(self.image, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)


def images(
    analysis: Analysis, source: Path, rate_hz: float | None = None
) -> Iterator[Frame | Covered]:
    """The frames of the analysed parts of a video, covered as the settings of the analysis say.

    Args:
        analysis: of the source.
        source: the video.
        rate_hz: as of `VideoReader`.
    """
    from eyeline.video.reader import VideoReader

    video, what = analysis.video, analysis.settings.get("anonymise")
    reader = VideoReader(
        source,
        rate_hz=rate_hz,
        video_track=video.video_track,
        turn_deg=video.turn_deg,
        parts=video.parts,
    )
    return _covered(analysis, reader) if what else iter(reader)


def _covered(analysis: Analysis, frames: Any) -> Iterator[Covered]:
    from eyeline.export.covers import Covers, cover

    covers = Covers(analysis, analysis.settings["anonymise"])
    for frame, boxes in covers.of(frames):
        rgb = frame.rgb().copy()
        cover(rgb, boxes, analysis.settings["cover"])
        yield Covered(frame.index, frame.time_s, frame.end_s, rgb)


def whole(analysis: Analysis, source: Path) -> Iterator[Frame | Covered | Blank]:
    """`images`, and blank ones for what was not analysed."""
    return with_blanks(images(analysis, source), analysis.video)


def writer(analysis: Analysis, source: Path, path: Path) -> VideoWriter:
    """What writes a copy of a video, with the audio that the settings of the analysis allow."""
    from eyeline.video.writer import VideoWriter

    voice = analysis.settings.get("voice")
    audio = source if analysis.video.has_audio and voice != "none" else None
    return VideoWriter(path, analysis.video, audio_from=audio, pitched=voice == "pitched")


def write_plain(
    analysis: Analysis,
    source: Path,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write `anonymised.mp4`, the video with nothing drawn on it but what covers people.

    The arguments and errors are those of `to_video.write_annotated`.
    """
    path, total = folder / ANONYMISED, analysis.video.frame_count
    with writer(analysis, source, path) as out:
        for done, frame in enumerate(whole(analysis, source), start=1):
            out.write(frame.rgb(), frame.time_s, frame.end_s)
            if progress is not None:
                progress(done, max(total, done))
    return path
