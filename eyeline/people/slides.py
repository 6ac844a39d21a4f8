"""Tracks that slide from one person to another: cut where a box leaps and the face changes."""

from __future__ import annotations

import numpy as np

from eyeline.geometry import boxes
from eyeline.people import evidence
from eyeline.people.methods import LEAST_IOU
from eyeline.people.portraits import Portraits
from eyeline.people.rows import Rows
from eyeline.results import Floats


class Parts:
    """Parts of tracks: a new one begins where a face overlaps the last one of its track little.

    The first part of a track bears its number, later ones have negative numbers until the video is
    over and it is known whose face each part shows.

    Args:
        whole: there is one part a track, wherever its boxes leap.
    """

    def __init__(self, *, whole: bool = False) -> None:
        """Begin without tracks."""
        self._whole = whole
        self._last: dict[int, Floats] = {}
        self._part: dict[int, int] = {}
        self._leaps: list[tuple[int, int, float]] = []

    def number(self, track_id: int, box_xyxy: Floats) -> int:
        """The part of a track's next detected face; boxes `(4,)` come in order of time."""
        last = self._last.get(track_id, box_xyxy)
        self._last[track_id] = box_xyxy
        part = self._part.setdefault(track_id, track_id)
        overlap = float(boxes.iou(last[None], box_xyxy[None])[0, 0])
        if not self._whole and overlap <= LEAST_IOU:
            self._part[track_id] = -1 - len(self._leaps)
            self._leaps.append((part, self._part[track_id], overlap))
        return self._part[track_id]

    def current(self, track_id: int) -> int:
        """The part of the face numbered last."""
        return self._part[track_id]

    def settle(self, rows: Rows, portraits: Portraits) -> None:
        """Give every part the number of its track, or a new one where the face is another's."""
        if not self._leaps:
            return
        table = rows.table().copy()
        new = int(table["track_id"].max()) + 1
        owner: dict[int, int] = {}
        keep = np.ones(len(table), bool)
        for before, after, overlap in self._leaps:
            track = owner.get(before, before)
            if after not in portraits.of or _one_face(portraits, track, after, overlap):
                owner[after] = track
            else:
                owner[after], new = new, new + 1
                mine = table["track_id"] == before
                seen_s = table["time_s"][mine & table["detected"]].max()
                keep &= ~(mine & (table["time_s"] > seen_s))
            portraits.move(after, owner[after])
        for part, track in owner.items():
            table["track_id"][table["track_id"] == part] = track
        rows.replace(table[keep])


def _one_face(portraits: Portraits, before: int, after: int, overlap: float) -> bool:
    """Whether two parts may show one person; so they do where no face was seen."""
    cues = portraits.gallery([before, after]).cues(0)[1:]
    if np.isnan(cues[:, : len(evidence.FACE_CUES)]).all():
        return True
    place = evidence.place(overlap, soon=True)[None]
    return bool(evidence.model().probability(cues, place)[0] >= evidence.model().cut)
