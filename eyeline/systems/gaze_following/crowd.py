"""Everybody in a video, frame by frame: heads, speech and directions as matching wants them."""

from __future__ import annotations

import numpy as np

from eyeline.errors import DataError
from eyeline.people.published_face import published_face
from eyeline.people.tracks import joined, who_and_when
from eyeline.results import Floats, Ints
from eyeline.speech.syncnet.crops import squares
from eyeline.system import Scene
from eyeline.systems.gaze_following.detector.infer import Candidates
from eyeline.systems.gaze_following.heads import heads
from eyeline.systems.gaze_following.matching.inputs import Moment

LEAST_CONCENTRATION = 0.01
"""A direction with less is none: its row could not be seen."""


class Crowd:
    """The rows of a scene's tracks, sorted by frame.

    Heads are the published squares about faces, on which annotations and the matcher rest.

    Attributes:
        row: `(n,)` where each of these rows lies among the tracks' rows, one track after another.
        person: `(n,)`.
        head_xyxy: `(n, 4)` pixels.
        size_px: width and height of the image.
        frames: `(m,)` indices of the frames in which there is somebody.
        time_s: `(m,)` of these.
        shot: `(m,)` likewise.
    """

    def __init__(self, scene: Scene) -> None:
        """Sort.

        Args:
            scene: its speech and directions, where there are any, have a row for each of the
                tracks'.

        Raises:
            DataError: answers whose rows are not those of the tracks.
        """
        columns = who_and_when(scene.tracks)
        order = np.argsort(columns["frame"], kind="stable")
        n = len(order)
        head = joined(
            (heads(squares(published_face(t))).box_xyxy for t in scene.tracks), np.float64, (4,)
        )
        shot = joined((np.full(len(t), t.shot) for t in scene.tracks), np.int64)
        self.row, self.person, self.head_xyxy = order, columns["person"][order], head[order]
        self._frame = columns["frame"][order]
        self._speaks, self._gaze = _speaks(scene, n)[order], _gaze(scene, n)[order]
        self.size_px = float(scene.video.width_px), float(scene.video.height_px)
        self.frames, first = np.unique(self._frame, return_index=True)
        self.time_s: Floats = columns["time_s"][order][first]
        self.shot: Ints = shot[order][first]

    def __len__(self) -> int:
        """Rows of all tracks."""
        return len(self.row)

    def rows(self, place: int) -> slice:
        """The rows, in this order, of the `place`-th frame in which there is somebody."""
        frame = self.frames[place]
        return slice(*np.searchsorted(self._frame, [frame, frame + 1]).tolist())

    def moment(self, place: int, found: Candidates) -> Moment:
        """That frame with the candidates found in it; people as of `rows`."""
        mine = self.rows(place)
        return Moment(
            self.size_px,
            self.head_xyxy[mine],
            self._speaks[mine],
            self._gaze[mine],
            found.box_xyxy,
            found.score,
        )


def _speaks(scene: Scene, rows: int) -> Floats:
    if scene.speaking is None:
        return np.full(rows, np.nan)
    _check(len(scene.speaking), rows, "on who speaks")
    return np.asarray(scene.speaking.value, np.float64)


def _gaze(scene: Scene, rows: int) -> Floats:
    if scene.gaze is None:
        return np.full((rows, 3), np.nan)
    _check(len(scene.gaze), rows, "on directions")
    seen = scene.gaze.concentration >= LEAST_CONCENTRATION
    return np.where(seen[:, None], scene.gaze.direction, np.nan)


def _check(answers: int, rows: int, what: str) -> None:
    if answers != rows:
        raise DataError(f"{answers} answers {what} for {rows} faces; they must be of one analysis")
