"""C-BIoU: boxes of successive frames joined into tracks by the overlap of widened boxes.

Yang et al., WACV 2023. Each track predicts its box by a Kalman filter with constant velocity and
noise in proportion to the box (BoT-SORT, Aharon et al. 2022); sure boxes are joined first, then
unsure ones, which may only carry a track on (ByteTrack, Zhang et al. 2022). Times are seconds, so
that frames may be unequally long.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eyeline.geometry import boxes
from eyeline.results import Floats

RATE_HZ = 30.0
"""The noise below is that of one step at this rate."""
SURE = 0.6
"""Least confidence of a box that starts a track; weaker ones only carry a track on."""

_UNSURE = 0.1  # boxes that are no surer are ignored
_WIDER = 1 + 2 * 0.6, 1 + 2 * 0.7  # buffers of the paper for sure and for unsure boxes
_LEAST_OVERLAP = 0.05, 0.3  # for sure boxes times their confidence; for unsure ones
_POSITION, _VELOCITY, _MEASURED = 0.05, 0.00625, 0.05  # standard deviations, in sizes of the box
_NOMINAL_S = 0.004  # a step that differs by less from the nominal one counts as that


class _Track:
    """Centre, width and height of a box, each with a filter of its own: nothing couples them."""

    def __init__(self, box_xyxy: Floats) -> None:
        self.mean = np.zeros((4, 2))
        self.mean[:, 0] = _centre_size(box_xyxy)
        self.cov = np.zeros((4, 2, 2))
        self.cov[:, 0, 0] = (2 * _POSITION * self._size()) ** 2
        self.cov[:, 1, 1] = (10 * _VELOCITY * self._size()) ** 2
        self.number: int | None = None
        self.missed_s = 0.0
        self.missed = 0

    def box(self) -> Floats:
        centre, half = self.mean[:2, 0], self.mean[2:, 0] / 2
        return np.concatenate([centre - half, centre + half])

    def predict(self, elapsed_s: float) -> None:
        steps = elapsed_s * RATE_HZ
        if abs(elapsed_s - 1 / RATE_HZ) <= _NOMINAL_S:
            noise = np.diag([_POSITION**2, _VELOCITY**2])
        else:  # of white acceleration
            noise = np.outer([steps**2 / 2, steps], [steps**2 / 2, steps]) * _VELOCITY**2
        move = np.array([[1.0, steps], [0.0, 1.0]])
        added = noise * self._size()[:, None, None] ** 2
        self.mean = self.mean @ move.T
        self.cov = move @ self.cov @ move.T + added
        self._keep_positive()
        self.missed_s += elapsed_s
        self.missed += 1

    def update(self, box_xyxy: Floats) -> None:
        gain = self.cov[:, :, 0] / (self.cov[:, 0, 0] + (_MEASURED * self._size()) ** 2)[:, None]
        self.mean += gain * (_centre_size(box_xyxy) - self.mean[:, 0])[:, None]
        self.cov = self.cov - gain[:, :, None] * self.cov[:, None, 0]
        self._keep_positive()
        self.missed_s, self.missed = 0.0, 0

    def _size(self) -> Floats:
        return np.tile(np.maximum(self.mean[2:, 0], 1e-3), 2)

    def _keep_positive(self) -> None:
        self.mean[2:, 0] = np.maximum(self.mean[2:, 0], 1e-3)


class CBIoU:
    """The tracks of one shot, numbered from 0 in the order in which they are sure.

    Args:
        keep_lost_s: how long a track may be without a box before it ends.
    """

    def __init__(self, keep_lost_s: float) -> None:
        """Begin without tracks."""
        self._keep_lost_s = keep_lost_s
        self._tracks: list[_Track] = []
        self._time_s: float | None = None
        self._numbers = 0

    def update(self, box_xyxy: Floats, score: Floats, time_s: float) -> npt.NDArray[np.int64]:
        """The number of the track of each box, -1 for none.

        A track has its number when it is seen for the second time, those of the first frame at
        once.

        Args:
            box_xyxy: `(n, 4)` of the next frame.
            score: `(n,)` confidence.
            time_s: later than the frame before.
        """
        first = self._time_s is None
        self._step(time_s)
        result = np.full(len(score), -1)
        sure = np.flatnonzero(score >= SURE)
        followed = [t for t in self._tracks if t.missed == 1]
        lost = [t for t in self._tracks if t.missed > 1]
        likeness: Floats = _overlap(followed + lost, box_xyxy[sure], _WIDER[0]) * score[sure]
        new = self._join(followed + lost, likeness, sure, box_xyxy, _LEAST_OVERLAP[0], result)
        unsure = np.flatnonzero((score > _UNSURE) & (score < SURE))
        left = [track for track in followed if track.missed]
        likeness = _overlap(left, box_xyxy[unsure], _WIDER[1])
        self._join(left, likeness, unsure, box_xyxy, _LEAST_OVERLAP[1], result)
        for i in new:
            self._tracks.append(_Track(box_xyxy[i]))
            if first:
                result[i] = self._number(self._tracks[-1])
        return result

    def _step(self, time_s: float) -> None:
        elapsed_s = 1 / RATE_HZ if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        for track in self._tracks:
            track.predict(elapsed_s)
        self._tracks = [t for t in self._tracks if t.missed_s <= self._keep_lost_s]

    def _join(
        self,
        tracks: list[_Track],
        likeness: Floats,
        at: npt.NDArray[np.int64],
        box_xyxy: Floats,
        least: float,
        result: npt.NDArray[np.int64],
    ) -> list[int]:
        """Give boxes to tracks; those of `at` that no track takes, in order."""
        from scipy.optimize import linear_sum_assignment

        pairs = zip(*linear_sum_assignment(likeness, maximize=True), strict=True)
        joined = {int(at[box]): tracks[row] for row, box in pairs if likeness[row, box] >= least}
        for i, track in joined.items():
            track.update(box_xyxy[i])
        for i, track in sorted(joined.items(), key=lambda one: tracks.index(one[1])):
            result[i] = self._number(track)
        return [int(i) for i in at if int(i) not in joined]

    def _number(self, track: _Track) -> int:
        if track.number is None:
            track.number = self._numbers
            self._numbers += 1
        return track.number


def _overlap(tracks: list[_Track], box_xyxy: Floats, factor: float) -> Floats:
    known = np.array([track.box() for track in tracks]).reshape(-1, 4)
    return boxes.iou(boxes.scale(known, factor), boxes.scale(box_xyxy, factor))


def _centre_size(box_xyxy: Floats) -> Floats:
    return np.concatenate([boxes.centre(box_xyxy), box_xyxy[2:] - box_xyxy[:2]])
