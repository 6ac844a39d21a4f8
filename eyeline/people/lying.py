"""Whether a video lies on its side: in one of its four turns the faces are upright."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eyeline.people.detect import CenterFace, input_size
from eyeline.people.tracks import Track, joined
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

TURNS_DEG = (0, 90, 180, 270)
_LOOKS = 6  # frames looked at, at most
_UPRIGHT = 0.55  # mean confidence, by uprightness, from which on nothing needs to be looked at
_SUM = 1.5  # least sum over the frames looked at of a turn that is recommended
_TIMES = 2.0  # and how many times that of the video as it is


class Samples:
    """A few small frames from all over a video, kept while it streams by."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self.images: list[Image] = []
        self._every_s, self._next_s = 0.5, 0.0

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """All frames; of ever fewer a copy is kept, so that they are spread over the video."""
        for frame in frames:
            if frame.time_s >= self._next_s:
                self.images.append(frame.small_rgb(*input_size(*frame.size_wh)))
                if len(self.images) == 2 * _LOOKS:
                    self.images, self._every_s = self.images[::2], 2 * self._every_s
                self._next_s = frame.time_s + self._every_s
            yield frame

    def spread(self) -> list[Image]:
        """At most `_LOOKS` of them."""
        chosen = np.linspace(0, len(self.images) - 1, min(_LOOKS, len(self.images)))
        return [self.images[int(k)] for k in chosen]


def recommended_turn(tracks: Sequence[Track], samples: Samples, detector: CenterFace) -> int:
    """Clockwise turn after which faces are upright; 0 where they are, and where nothing tells.

    Nothing is looked at where the tracks are of upright faces.
    """
    five = joined((t.five_px for t in tracks), np.float64, (5, 2))
    score = joined((t.score for t in tracks), np.float64)
    if len(score) and (score * uprightness(five)).mean() >= _UPRIGHT:
        return 0
    sums = [_faces(samples.spread(), turn_deg, detector) for turn_deg in TURNS_DEG]
    best = int(np.argmax(sums))
    return TURNS_DEG[best] if sums[best] >= max(_SUM, _TIMES * sums[0]) else 0


def uprightness(five_px: Floats) -> Floats:
    """Cosine `(n,)` of the roll that the five points `(n, 5, 2)` of faces show."""
    down = five_px[:, 3:].mean(axis=1) - five_px[:, :2].mean(axis=1)
    return np.asarray(down[:, 1] / np.maximum(np.linalg.norm(down, axis=1), 1e-6))


def _faces(images: Sequence[Image], turn_deg: int, detector: CenterFace) -> float:
    """Confidence in the faces of turned images, summed, as far as they are upright then."""
    total = 0.0
    for image in images:
        turned = np.ascontiguousarray(np.rot90(image, -turn_deg // 90))
        faces = detector.detect_small(turned, turned.shape[1], turned.shape[0])
        total += float((faces.score * np.maximum(uprightness(faces.five_px), 0)).sum())
    return total
