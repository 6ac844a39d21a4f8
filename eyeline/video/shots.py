"""Finding hard cuts while frames stream by, so that tracks end where the camera changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.results import Image
from eyeline.video.frame import Frame

if TYPE_CHECKING:
    from scenedetect.common import FrameTimecode
    from scenedetect.detectors import AdaptiveDetector

LOOK_AHEAD = 2
"""Frames that must have been seen after a cut before it is known."""
SMALL_PX = 160
"""Longer side of the images that are compared."""
LONGEST_FLASH = 2
"""Frames after which a change that goes back again counts as two cuts."""
MIN_CHANGE = 15.0
"""Mean change of hue, saturation and value, 0 to 255, below which nothing is a cut."""
MIN_RATIO = 3.0
"""How many times the change around it this must be; a moving camera changes all the time."""
STAYS_CHANGED = 0.5
"""Share of the change that must last; after a flash the image is what it was before it."""


class ShotFinder:
    """Says of each frame whether a new shot starts there, `LOOK_AHEAD` frames later.

    The change between frames is measured by PySceneDetect's adaptive detector on images of 160
    pixels. Dissolves and fades are not cuts, nor are flashes of one or two frames.
    """

    def __init__(self) -> None:
        """Start before the first frame."""
        self._detector: AdaptiveDetector | None = None
        self._waiting: deque[Frame] = deque()
        self._small: deque[Image] = deque(maxlen=LONGEST_FLASH + 1 + 1 + LOOK_AHEAD)
        self._fed = 0

    def feed(self, frame: Frame) -> list[tuple[Frame, bool]]:
        """Take the next frame; give those that are now decided, in order, True where a shot starts.

        The first frame of the video starts no new shot.
        """
        small = frame.small_rgb(*_small_wh(*frame.size_wh))
        if self._detector is None:
            # The detector judges no frame before its window is full.
            for _ in range(LOOK_AHEAD):
                self._feed_small(small)
        self._waiting.append(frame)
        cut = self._feed_small(small)
        return [(self._waiting.popleft(), cut)] if len(self._waiting) > LOOK_AHEAD else []

    def finish(self) -> list[tuple[Frame, bool]]:
        """The frames not yet decided, once there are no more."""
        decided = []
        while self._waiting:
            cut = self._feed_small(self._small[-1])
            decided.append((self._waiting.popleft(), cut))
        return decided

    def _feed_small(self, small: Image) -> bool:
        """Whether the image fed `LOOK_AHEAD` calls ago starts a shot."""
        from scenedetect.common import FrameTimecode

        if self._detector is None:
            self._detector = _detector()
        self._small.append(small)
        timecode: FrameTimecode = FrameTimecode(self._fed, Fraction(25))
        self._fed += 1
        result: list[Any] = self._detector.process_frame(timecode, small[..., ::-1])
        return bool(result) and self._lasts()

    def _lasts(self) -> bool:
        """Whether the newest image differs from all before the cut as the first after it does."""
        images = [image.astype(np.int16) for image in self._small]
        newest, first = images[-1], images[-1 - LOOK_AHEAD]
        before = images[: -1 - LOOK_AHEAD]
        change = np.abs(first - before[-1]).mean()
        return all(np.abs(newest - old).mean() >= STAYS_CHANGED * change for old in before)


def mark_shots(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    """Every frame in order with whether a new shot starts there; `LOOK_AHEAD` frames behind.

    After a gap in the recording a new shot starts, too.
    """
    ends_s: float | None = None
    for frame, cut in _cuts(frames):
        after_gap = ends_s is not None and frame.time_s > ends_s + 1e-6
        yield frame, cut or after_gap
        ends_s = frame.end_s


def _cuts(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    finder = ShotFinder()
    for frame in frames:
        yield from finder.feed(frame)
    yield from finder.finish()


def _detector() -> AdaptiveDetector:
    from scenedetect.detectors import AdaptiveDetector

    return AdaptiveDetector(
        adaptive_threshold=MIN_RATIO,
        min_scene_len=LONGEST_FLASH + 1,
        window_width=LOOK_AHEAD,
        min_content_val=MIN_CHANGE,
    )


def _small_wh(width: int, height: int) -> tuple[int, int]:
    scale = SMALL_PX / max(width, height)
    return max(8, round(width * scale)), max(8, round(height * scale))
