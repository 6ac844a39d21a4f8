"""Who is who: joins by face, clothing and place, never across time, "somebody new" otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from eyeline.people import colours, evidence, identity
from eyeline.people.embed import SIZE
from eyeline.people.tracks import Track
from eyeline.results import Floats
from tests.people.build import track

ANNA, BERT, CARL = (0.5 * row for row in np.eye(SIZE)[:3])
RED, BLUE = np.eye(colours.BINS)[[0, 8]]
HERE, THERE = (np.random.default_rng(seed).uniform(0, 255, 1728) for seed in (0, 1))


@dataclass
class Faces:
    """Portraits that are given: a view, an embedding and a colour of clothing a track."""

    looks: list[tuple[str, Floats | None, Floats | None]]
    scenes: list[list[Floats]] = field(default_factory=list)

    def gallery(self, track_ids: list[int]) -> evidence.Gallery:
        n = len(track_ids)
        result = evidence.Gallery(
            np.zeros((n, len(evidence.VIEWS), SIZE)),
            np.zeros((n, len(evidence.VIEWS))),
            np.zeros((n, len(colours.PLACES), colours.BINS)),
        )
        for i, track_id in enumerate(track_ids):
            view, face, clothing = self.looks[track_id - 1] if track_id else ("front", None, None)
            if face is not None:
                at = evidence.VIEWS.index(view)
                result.faces[i, at], result.counts[i, at] = face, 1
            if clothing is not None:
                result.colours[i, :] = clothing
        return result


def join(tracks: list[Track], *looks: object, scenes: object = ()) -> identity.Identities:
    full = [one if isinstance(one, tuple) else ("front", one, None) for one in looks]
    return identity.join(tracks, Faces(full, list(scenes)))  # type: ignore[arg-type, call-overload]


def persons(tracks: list[Track], *looks: object, scenes: object = ()) -> dict[int, int]:
    return {t.track_id: t.person for t in join(tracks, *looks, scenes=scenes).tracks}


def two(**second: object) -> list[Track]:
    """Two tracks, the other in a shot of its own unless said otherwise."""
    values = {"shot": 1, "at": (200.0, 300.0)} | second
    return [track(range(50), track_id=1), track(range(80, 120), track_id=2, **values)]  # type: ignore[arg-type]


def test_the_same_face_in_two_shots_is_one_person() -> None:
    assert persons(two(), ANNA, ANNA + 0.1 * BERT) == {1: 1, 2: 1}


def test_another_face_is_somebody_new() -> None:
    assert persons(two(), ANNA, BERT) == {1: 1, 2: 2}


def test_an_unseen_face_is_somebody_new() -> None:
    assert persons(two(), ANNA, None) == {1: 1, 2: 2}


def test_profiles_are_compared_with_profiles_of_either_side() -> None:
    side = ("left", ANNA, RED), ("right", ANNA + 0.1 * BERT, RED)
    assert persons(two(), *side) == {1: 1, 2: 1}
    assert persons(two(), side[0], ("right", BERT, BLUE)) == {1: 1, 2: 2}


def test_a_profile_joins_the_person_whose_profile_another_shot_showed() -> None:
    tracks = [
        track(range(50), track_id=1),
        track(range(60, 90), track_id=2, shot=1, at=(200.0, 300.0)),
        track(range(100, 130), track_id=3, shot=2, at=(900.0, 500.0)),
    ]
    gallery = Faces([("front", ANNA, RED), ("front", ANNA, RED), ("left", CARL, RED)])
    first = gallery.gallery([1, 2, 3])
    first.faces[1, 0], first.counts[1, 0] = CARL, 1
    gallery.gallery = lambda _: first  # type: ignore[method-assign, assignment]
    result = identity.join(tracks, gallery)  # type: ignore[arg-type]
    assert {t.person for t in result.tracks} == {1}


def test_tracks_at_the_same_time_are_never_one_person() -> None:
    tracks = [
        track(range(50), track_id=1, at=(200, 300)),
        track(range(40, 90), track_id=2, at=(900, 300)),
    ]
    result = join(tracks, ANNA, ANNA)
    assert [t.person for t in result.tracks] == [1, 2]
    assert result.perhaps == {}


def test_a_third_track_does_not_bridge_two_at_the_same_time() -> None:
    tracks = [
        track(range(50), track_id=1, at=(200, 300)),
        track(range(50), track_id=2, at=(900, 300)),
        track(range(60, 90), track_id=3, at=(200, 300)),
    ]
    assert persons(tracks, ANNA, BERT, ANNA) == {1: 1, 2: 2, 3: 1}


def test_clothing_and_place_count_where_the_camera_comes_back() -> None:
    looks = ("left", ANNA, RED), ("front", None, RED)
    scenes = [[HERE, HERE], [THERE, THERE], [HERE, HERE]]
    same = two(shot=2, at=(640.0, 360.0))
    likely = _probability(same, *looks, scenes=scenes)
    assert likely > _probability(two(shot=2), *looks, scenes=scenes)
    assert likely > _probability(same, looks[0], ("front", None, BLUE), scenes=scenes)
    assert likely > _probability(two(shot=1, at=(640.0, 360.0)), *looks, scenes=scenes)


def _probability(tracks: list[Track], *looks: object, scenes: object) -> float:
    faces = Faces(list(looks), list(scenes))  # type: ignore[arg-type, call-overload]
    places = evidence.places(tracks, faces.scenes)
    cues = faces.gallery([1, 2]).cues(0)
    return float(evidence.model().probability(cues, places[0])[1])


def test_perhaps_the_same_is_said_with_a_probability_both_ways() -> None:
    step = np.linspace(0, 1, 60)
    for fraction in step:
        face = (1 - fraction) * ANNA + fraction * BERT
        result = join(two(), ANNA, face)
        if len({t.person for t in result.tracks}) == 2:
            break
    ((other, p),) = result.perhaps[1]
    assert other == 2
    assert result.perhaps[2] == ((1, p),)
    assert identity.PERHAPS <= p <= evidence.model().join  # rounded


def test_strangers_are_not_perhaps_the_same() -> None:
    assert join(two(), ("front", ANNA, RED), ("front", BERT, BLUE)).perhaps == {}


def test_numbers_go_by_first_appearance_then_from_left_to_right() -> None:
    tracks = [
        track(range(10, 50), track_id=1, at=(100, 300)),
        track(range(50), track_id=2, at=(900, 300)),
        track(range(50), track_id=3, at=(400, 300)),
    ]
    assert persons(tracks, ANNA, BERT, CARL) == {3: 1, 2: 2, 1: 3}


def test_nobody() -> None:
    assert join([]) == identity.Identities((), {})


@pytest.mark.parametrize("name", (*evidence.FACE_CUES, "clothing", "hair"))
def test_a_smaller_distance_never_makes_two_persons_of_one(name: str) -> None:
    weight = dict(zip(evidence.FEATURES, evidence.model().weights, strict=True))
    assert weight[name] <= 0


def test_who_comes_back_while_it_runs_is_known_and_others_are_new() -> None:
    """Two who are known are never joined, however alike, and numbers go on."""
    anna, twin = track(range(50), track_id=1), track(range(50), track_id=2, person=2)
    new = [
        track(range(80, 90), track_id=n, person=0, shot=1, at=(600.0 - 100 * n, 300.0))
        for n in (3, 4)
    ]
    portraits: Any = Faces([("front", f, None) for f in (ANNA, ANNA, ANNA + 0.1 * BERT, CARL)])
    assert identity.arrive([], [anna, twin], portraits, 0) == [1, 2]
    assert identity.arrive([anna, twin], new, portraits, 7) in ([1, 8], [2, 8])
    assert identity.arrive([], new, portraits, 7) == [9, 8]  # from left to right
