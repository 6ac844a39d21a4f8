"""Images for the spans of a video that were not analysed: grey, so that a copy keeps its clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from eyeline.results import Gap, Image, VideoInfo


class _Timed(Protocol):
    @property
    def time_s(self) -> float: ...


_Frame = TypeVar("_Frame", bound=_Timed)

STEP_S = 2.0
"""Time from one blank image to the next: players seek among key frames as far apart."""
_LEAST_S = 0.01
_GREY = 96
WORDS = "not analysed"


@dataclass(frozen=True)
class Blank:
    """An image that says that nothing was analysed, in the place of a frame."""

    time_s: float
    end_s: float
    size_wh: tuple[int, int]
    index: int = -1
    """No frame of the video."""

    def rgb(self) -> Image:
        """`(h, w, 3)` RGB."""
        import cv2

        width, height = self.size_wh
        image = np.full((height, width, 3), _GREY, np.uint8)
        scale = width / 640
        thick = max(1, round(2 * scale))
        wide, high = cv2.getTextSize(WORDS, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)[0]
        at = (width - wide) // 2, (height + high) // 2
        cv2.putText(image, WORDS, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (220,) * 3, thick)
        return image


def with_blanks(frames: Iterable[_Frame], video: VideoInfo) -> Iterator[_Frame | Blank]:
    """Frames of the analysed parts of a video, and blank images for the rest of its time."""
    gaps = list(video.not_analysed)
    for frame in frames:
        while gaps and gaps[0].start_s < frame.time_s:
            yield from _blanks(gaps.pop(0), video)
        yield frame
    for gap in gaps:
        yield from _blanks(gap, video)


def _blanks(gap: Gap, video: VideoInfo) -> Iterator[Blank]:
    starts: list[float] = np.arange(gap.start_s, gap.end_s, STEP_S).tolist()
    if len(starts) > 1 and gap.end_s - starts[-1] < _LEAST_S:
        del starts[-1]
    for start_s, end_s in zip(starts, [*starts[1:], gap.end_s], strict=True):
        yield Blank(start_s, end_s, (video.width_px, video.height_px))
