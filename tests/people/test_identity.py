"""Who is who: joins by embedding, by place, never across time, and "somebody new" otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people import identity
from eyeline.people.tracks import Track
from eyeline.results import Floats
from tests.people.build import track

ANNA, BERT = np.eye(128)[0], np.eye(128)[1]


class Faces:
    """Portraits that know the embeddings."""

    def __init__(self, *embeddings: Floats | None) -> None:
        self._embeddings = embeddings

    def embedding(self, track_id: int, _: float) -> Floats | None:
        return self._embeddings[track_id - 1]


def persons(tracks: list[Track], *embeddings: Floats | None) -> dict[int, int]:
    return {t.track_id: t.person for t in identity.join(tracks, Faces(*embeddings))}  # type: ignore[arg-type]


def test_the_same_face_in_two_shots_is_one_person() -> None:
    tracks = [track(range(50), track_id=1), track(range(60, 90), track_id=2, shot=1)]
    assert persons(tracks, ANNA, ANNA + 0.1 * BERT) == {1: 1, 2: 1}


def test_another_face_is_somebody_new() -> None:
    tracks = [track(range(50), track_id=1), track(range(60, 90), track_id=2, shot=1)]
    assert persons(tracks, ANNA, BERT) == {1: 1, 2: 2}


def test_an_unseen_face_is_somebody_new() -> None:
    tracks = [track(range(50), track_id=1), track(range(60, 90), track_id=2, shot=1)]
    assert persons(tracks, ANNA, None) == {1: 1, 2: 2}


def test_tracks_at_the_same_time_are_never_one_person() -> None:
    tracks = [
        track(range(50), track_id=1, at=(200, 300)),
        track(range(40, 90), track_id=2, at=(900, 300)),
    ]
    assert persons(tracks, ANNA, ANNA) == {1: 1, 2: 2}


def test_a_third_track_does_not_bridge_two_at_the_same_time() -> None:
    tracks = [
        track(range(50), track_id=1, at=(200, 300)),
        track(range(50), track_id=2, at=(900, 300)),
        track(range(60, 90), track_id=3),
    ]
    assert persons(tracks, ANNA, 0.9 * ANNA, ANNA) == {1: 1, 2: 2, 3: 1}


def test_a_face_lost_and_found_in_its_place_is_the_same_even_if_never_seen_well() -> None:
    tracks = [track(range(50), track_id=1), track(range(80, 120), track_id=2)]
    assert persons(tracks, None, None) == {1: 1, 2: 1}


@pytest.mark.parametrize("change", [{"shot": 1}, {"at": (100.0, 100.0)}])
def test_but_not_in_another_shot_or_place(change: dict[str, object]) -> None:
    tracks = [track(range(50), track_id=1), track(range(80, 120), track_id=2, **change)]  # type: ignore[arg-type]
    assert persons(tracks, None, None) == {1: 1, 2: 2}


def test_numbers_go_by_first_appearance_then_from_left_to_right() -> None:
    tracks = [
        track(range(10, 50), track_id=1, at=(100, 300)),
        track(range(50), track_id=2, at=(900, 300)),
        track(range(50), track_id=3, at=(400, 300)),
    ]
    assert persons(tracks, ANNA, BERT, -ANNA) == {3: 1, 2: 2, 1: 3}


def test_nobody() -> None:
    assert identity.join([], Faces()) == []  # type: ignore[arg-type]
