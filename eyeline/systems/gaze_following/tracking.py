"""The published tracking of faces: greedy, one track after another, by overlap with the last box.

Boxes here are as the published detector gives them: rows `y1, x1, y2, x2` over the image's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.geometry import boxes
from eyeline.results import Floats, Ints

LEAST_IOU = 0.5
"""A face joins a track whose last box it overlaps by more than this."""
LONGEST_GAP = 3
"""Frames from one face of a track to the next at most."""
LEAST_FACES = 100
"""A track needs more faces, and a shot at least so many frames."""
LEAST_HEIGHT = 0.05
"""Mean height over the image's that a track must exceed."""


class FaceTrack(NamedTuple):
    """One face in successive frames."""

    frame: Ints
    """`(n,)` without gaps."""
    box_norm: Floats
    """`(n, 4)` y1, x1, y2, x2 in [0, 1], interpolated where no face was found."""

    def xyxy(self, width_px: int, height_px: int) -> Floats:
        """`(n, 4)` boxes in pixels."""
        return self.box_norm[:, [1, 0, 3, 2]] * np.array([width_px, height_px] * 2, np.float64)


def track_faces(
    frame: Ints,
    box_norm: Floats,
    *,
    frames_read: int,
    cuts: Sequence[int] = (),
    least_faces: int = LEAST_FACES,
    drop_last_of_shot: bool = True,
) -> list[FaceTrack]:
    """Tracks of all shots, in the order in which they begin.

    Args:
        frame: `(n,)` frame of each face, in the detector's order within a frame.
        box_norm: `(n, 4)` y1, x1, y2, x2 over the image's size.
        frames_read: frames in which faces were looked for.
        cuts: first frames of shots, as the shot detector lists them; none for a single shot.
        least_faces: see `LEAST_FACES`.
        drop_last_of_shot: leave out the last frame of each shot, as published.

    Raises:
        DataError: other shapes, faces out of order, or faces and cuts beyond the last frame: the
            published code then made no track at all, and did not say so.
    """
    sizes = check_shape(frame, "faces", "frames of faces")
    check_shape(box_norm, "faces 4", "face boxes", sizes)
    if len(frame) and (np.diff(frame).min(initial=0) < 0 or frame[0] < 0):
        raise DataError("faces must come frame by frame, from frame 0 on")
    beyond = max([*cuts, int(frame.max(initial=-1)) + 1])
    if beyond > frames_read:
        raise DataError(
            f"faces or cuts reach frame {beyond}, but {frames_read} frames were read; both must be "
            "of the same file"
        )
    result: list[FaceTrack] = []
    start = 0
    for end in (*cuts, frames_read):
        if end - start >= least_faces:
            last = end - 1 if drop_last_of_shot else end
            inside = (frame >= start) & (frame < last)
            result += _shot(frame[inside], box_norm[inside], least_faces)
        start = end
    return result


def _shot(frame: Ints, box_norm: Floats, least_faces: int) -> list[FaceTrack]:
    starts = np.flatnonzero(np.diff(frame, prepend=-1))
    rows = [part.tolist() for part in np.split(np.arange(len(frame)), starts)[1:]]
    result, begin = [], 0
    while begin < len(rows):
        taken = _take(rows[begin:], frame, box_norm)
        while begin < len(rows) and not rows[begin]:
            begin += 1
        if len(taken) > least_faces:
            every = np.arange(frame[taken[0]], frame[taken[-1]] + 1)
            columns = [np.interp(every, frame[taken], column) for column in box_norm[taken].T]
            track = FaceTrack(every, np.stack(columns, axis=1))
            if np.mean(track.box_norm[:, 2] - track.box_norm[:, 0]) > LEAST_HEIGHT:
                result.append(track)
    return result


def _take(rows: Sequence[list[int]], frame: Ints, box_norm: Floats) -> list[int]:
    """Take the faces of the next track out of the lists of successive frames.

    A face is taken while its list is walked through, so that the one behind it is passed over, as
    published: tracks would differ otherwise.
    """
    taken: list[int] = []
    for faces in rows:
        i = 0
        while i < len(faces):
            if taken and frame[faces[i]] - frame[taken[-1]] > LONGEST_GAP:
                return taken
            face, last = box_norm[faces[i], None], box_norm[taken[-1:]]
            if not taken or boxes.iou(face, last)[0, 0] > LEAST_IOU:
                taken.append(faces.pop(i))
            i += 1
    return taken
