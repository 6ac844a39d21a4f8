"""Which tracks are the same person, and which persons perhaps are; "somebody new" otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.people import evidence
from eyeline.people.portraits import Portraits
from eyeline.people.tracks import Track
from eyeline.results import Floats

PERHAPS = 0.2
"""Least probability of being one person at which two persons are called perhaps the same."""
WITHOUT_FACES = 0.75
"""Least probability at which two are joined of whose faces no like views were seen: clothes, hair
and place alone are of whoever sits there."""


@dataclass(frozen=True)
class Identities:
    """Who is who."""

    tracks: tuple[Track, ...]
    """With persons, by person, then time."""
    perhaps: dict[int, tuple[tuple[int, float], ...]]
    """Person -> other persons who are perhaps the same, with probabilities, the likeliest first."""


def join(tracks: Sequence[Track], portraits: Portraits) -> Identities:
    """Give every track a person, numbered by first appearance, then from left to right.

    The most probable pair of groups is joined again and again, their portraits put together, while
    it is probable enough. Tracks that overlap in time are never joined.
    """
    groups, probability = _grouped(tracks, portraits)
    entrance = [(float(track.time_s[0]), float(track.box_xyxy[0, 0])) for track in tracks]
    order = sorted(range(len(groups)), key=lambda g: min(entrance[i] for i in groups[g]))
    person = {i: number for number, g in enumerate(order, start=1) for i in groups[g]}
    named = [track.of(person[i]) for i, track in enumerate(tracks)]
    perhaps = {}
    for i, row in enumerate(probability[np.ix_(order, order)], start=1):
        if likely := [int(j) for j in np.argsort(-row) if row[j] >= PERHAPS]:
            perhaps[i] = tuple((j + 1, round(float(row[j]), 2)) for j in likely)
    return Identities(tuple(sorted(named, key=by_person)), perhaps)


def arrive(
    known: Sequence[Track], new: Sequence[Track], portraits: Portraits, count: int
) -> list[int]:
    """The persons of new tracks, decided at once and for good.

    Args:
        known: the last track of each person who may have come back.
        new: tracks that have begun since.
        portraits: of all of them.
        count: persons so far, those who are there among them.
    """
    tracks, result = [*known, *new], [t.person for t in known] + [0] * len(new)
    groups, _ = _grouped(tracks, portraits, len(known))
    number = count
    for members in sorted(groups, key=lambda g: min(float(tracks[i].box_xyxy[0, 0]) for i in g)):
        person = max(result[i] for i in members)
        number += not person
        for i in members:
            result[i] = person or number
    return result[len(known) :]


def given(tracks: Iterable[Track]) -> Identities:
    """Tracks that already have their persons."""
    return Identities(tuple(sorted(tracks, key=by_person)), {})


def by_person(track: Track) -> tuple[int, float]:
    """The order of tracks everywhere: by person, then time."""
    return track.person, float(track.time_s[0])


def _grouped(
    tracks: Sequence[Track], portraits: Portraits, apart: int = 0
) -> tuple[list[list[int]], Floats]:
    """Groups of tracks, of which the first `apart` are of different persons for certain."""
    barred = evidence.barred(tracks)
    barred[:apart, :apart] = True
    seen = [t.track_id if not barred[i].all() else 0 for i, t in enumerate(tracks)]
    places = evidence.places(tracks, portraits.scenes)
    return group(portraits.gallery(seen), places, barred, evidence.model())


def group(
    gallery: evidence.Gallery,
    places: Floats,
    barred: npt.NDArray[np.bool_],
    model: evidence.Model,
) -> tuple[list[list[int]], Floats]:
    """Put the tracks of each person together.

    Args:
        gallery: portraits of `n` tracks; it is used up.
        places: `(n, n, 4)` as of `evidence.places`.
        barred: `(n, n)` which tracks cannot be one person.
        model: judges pairs.

    Returns:
        Indices of the tracks of each group, and `(groups, groups)` probabilities of being one.
    """
    groups = _Groups(gallery, places.copy(), barred.copy(), model)
    while groups.join_likeliest():
        pass
    kept = [k for k, members in enumerate(groups.members) if members]
    return [groups.members[k] for k in kept], groups.probability[np.ix_(kept, kept)]


class _Groups:
    """Groups of tracks, and how probable it is of each two that they are one person."""

    def __init__(
        self,
        gallery: evidence.Gallery,
        places: Floats,
        barred: npt.NDArray[np.bool_],
        model: evidence.Model,
    ) -> None:
        self._gallery, self._places, self._barred, self._model = gallery, places, barred, model
        self.members = [[i] for i in range(len(gallery))]
        self.probability = np.zeros(barred.shape)
        """0 for two that cannot be one, and of a group with itself."""
        self._least = np.full(barred.shape, model.join)
        for i in range(len(gallery)):
            self._judge(i)

    def _judge(self, i: int) -> None:
        cues = self._gallery.cues(i)
        result = self._model.probability(cues, self._places[i])
        result[self._barred[i]] = 0.0
        result[i] = 0.0
        self.probability[i] = self.probability[:, i] = result
        no_face = np.isnan(cues[:, : len(evidence.FACE_CUES)]).all(axis=1)
        least = np.where(no_face, max(WITHOUT_FACES, self._model.join), self._model.join)
        self._least[i] = self._least[:, i] = least

    def join_likeliest(self) -> bool:
        """Join the most probable pair; False where none is probable enough."""
        enough = np.where(self.probability >= self._least, self.probability, 0.0)
        if not enough.size or enough.max() == 0.0:
            return False
        at = np.unravel_index(int(enough.argmax()), enough.shape)
        i, j = sorted(int(k) for k in at)
        for table in (self._places, self._barred):
            table[i] = np.maximum(table[i], table[j])
            table[:, i] = table[i]
        # The place of what was joined to another stays empty: cheaper than moving all others.
        self._barred[j] = self._barred[:, j] = True
        self.probability[j] = self.probability[:, j] = 0.0
        self._gallery.join(i, j)
        self.members[i] += self.members[j]
        self.members[j] = []
        self._judge(i)
        return True
