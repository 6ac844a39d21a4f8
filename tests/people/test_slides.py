"""Tracks that slide from a face to another are cut, others stay whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eyeline.people import colours, evidence
from eyeline.people.embed import SIZE
from eyeline.people.portraits import Portrait, Portraits
from eyeline.people.rows import Rows
from eyeline.people.slides import Parts
from eyeline.results import Floats

ANNA, BERT = 0.6 * np.eye(SIZE)[0], 0.6 * np.eye(SIZE)[1]
LEFT, RIGHT = np.array([0.0, 0, 100, 100]), np.array([80.0, 0, 180, 100])


class Known(Portraits):
    """Portraits whose faces are given."""

    def __init__(self, faces: dict[int, Floats | None]) -> None:
        super().__init__()
        self._faces = faces
        self.of = {part: Portrait() for part in faces}

    def move(self, part: int, track_id: int) -> None:
        super().move(part, track_id)
        self._faces.setdefault(track_id, self._faces.get(part))

    def gallery(self, track_ids: Any) -> evidence.Gallery:
        faces = np.zeros((len(track_ids), len(evidence.VIEWS), SIZE))
        counts = np.zeros(faces.shape[:2])
        for i, part in enumerate(track_ids):
            face = self._faces.get(part)
            if face is not None:
                faces[i, 1], counts[i, 1] = face, 1
        empty = np.zeros((len(track_ids), len(colours.PLACES), colours.BINS))
        return evidence.Gallery(faces, counts, empty)


def followed(parts: Parts, boxes: list[Floats]) -> Rows:
    """Rows of one track, a detected face each and one between each two."""
    rows = Rows()
    for i, box in enumerate(boxes):
        number = parts.number(1, box)
        for k, detected in ((0, True), (1, False)):
            time_s = i + 0.5 * k
            rows.add(
                frame=2 * i + k, time_s=time_s, end_s=time_s + 0.5, track_id=number, shot=0,
                box=box, five=np.zeros((5, 2)), score=0.9, detected=detected,
                six=np.zeros((6, 2)), quality=0.9, iris=np.zeros(2), lids=0.3, mouth=0.0,
                turn=np.full((3, 3), np.nan), turn_error=np.nan,
            look=np.full(2, np.nan), look_error=np.nan,
            )  # fmt: skip
    return rows


def ids(rows: Rows) -> list[tuple[int, int]]:
    table = rows.table()
    return list(zip(table["frame"].tolist(), table["track_id"].tolist(), strict=True))


def test_a_track_is_cut_where_the_box_leaps_to_another_face_and_back() -> None:
    parts = Parts()
    rows = followed(parts, [LEFT, LEFT, RIGHT, LEFT])
    portraits = Known({1: ANNA, -1: BERT, -2: ANNA})
    parts.settle(rows, portraits)
    assert ids(rows) == [(0, 1), (1, 1), (2, 1), (4, 2), (6, 3), (7, 3)]
    assert set(portraits.of) == {1, 2, 3}


def test_a_leap_of_the_same_face_is_none() -> None:
    parts = Parts()
    rows = followed(parts, [LEFT, RIGHT, LEFT])
    portraits = Known({1: ANNA, -1: ANNA, -2: ANNA})
    parts.settle(rows, portraits)
    assert [track for _, track in ids(rows)] == [1] * 6
    assert set(portraits.of) == {1}


@pytest.mark.parametrize("faces", [{1: None, -1: None}, {1: ANNA, -1: None}, {1: ANNA}])
def test_a_track_whose_face_is_not_seen_on_both_sides_stays_whole(
    faces: dict[int, Floats | None],
) -> None:
    parts = Parts()
    rows = followed(parts, [LEFT, RIGHT])
    parts.settle(rows, Known(faces))
    assert [track for _, track in ids(rows)] == [1] * 4


def test_tracks_that_the_user_gave_stay_whole() -> None:
    parts = Parts(whole=True)
    rows = followed(parts, [LEFT, RIGHT])
    parts.settle(rows, Known({1: BERT}))
    assert [track for _, track in ids(rows)] == [1] * 4


def test_a_box_that_moves_little_begins_no_part() -> None:
    parts = Parts()
    assert [parts.number(1, LEFT + np.array([d, 0, d, 0])) for d in (0, 20, 40, 60)] == [1] * 4
