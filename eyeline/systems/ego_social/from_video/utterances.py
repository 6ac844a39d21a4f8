"""Utterances of a raw video: when each person speaks, and which images show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.people.tracks import Track, joined, rows_of
from eyeline.results import Floats, Ints, Scores, segments_from_scores
from eyeline.speech.voice import Samples, continuous
from eyeline.systems.ego_social.from_video.moments import Run, moment_at, moments_of, runs
from eyeline.video.audio import AudioBlock

PAUSE_S = 0.3
"""A shorter pause does not end an utterance, as for the voice detector."""
SHORTEST_S = 0.2
"""Shorter utterances are not answered for."""


@dataclass(frozen=True)
class Utterance:
    """Somebody speaks without a long pause."""

    person: int
    start_s: float
    end_s: float

    @property
    def first(self) -> int:
        """The first moment."""
        return int(moment_at(self.start_s))

    @property
    def last(self) -> int:
        """The last moment."""
        return int(moment_at(self.end_s)) - 1


def utterances(speaking: Scores, tracks: Sequence[Track]) -> list[Utterance]:
    """Utterances of all persons in the order of their starts; scores are those of the tracks."""
    ends = joined((t.end_s for t in tracks), np.float64)
    spans = segments_from_scores(speaking, ends, "speech")
    result: list[Utterance] = []
    for person, start_s, end_s in zip(
        spans.person.tolist(), spans.start_s.tolist(), spans.end_s.tolist(), strict=True
    ):
        before = result[-1] if result else None
        if before and before.person == person and start_s - before.end_s < PAUSE_S:
            result[-1] = Utterance(person, before.start_s, max(before.end_s, end_s))
        else:
            result.append(Utterance(person, start_s, end_s))
    kept = [s for s in result if s.end_s - s.start_s >= SHORTEST_S and s.last > s.first]
    return sorted(kept, key=lambda s: (s.start_s, s.person))


def spread(spoken: Sequence[Utterance], value: Floats, speaking: Scores) -> Floats:
    """Values `(n,)` of rows: of utterances `(m,)` where the person speaks, 0 elsewhere.

    NaN where it cannot be said whether the person speaks.
    """
    rows = np.where(np.isnan(speaking.value), np.nan, 0.0)
    persons = np.array([s.person for s in spoken], np.int64)
    bounds_s = np.array([(s.start_s, s.end_s) for s in spoken]).reshape(-1, 2)
    for person in np.unique(persons):
        own = np.flatnonzero(persons == person)
        mine = np.flatnonzero(speaking.person == person)
        time_s = speaking.time_s[mine]
        at = np.searchsorted(bounds_s[own, 0], time_s + 1e-9, side="right") - 1
        inside = (at >= 0) & (time_s < bounds_s[own[at], 1] - 1e-9)
        rows[mine[inside]] = value[own[at[inside]]]
    return rows


@dataclass(frozen=True)
class Plan:
    """The images of an utterance."""

    track: Ints
    """`(n,)` place of the track among all."""
    runs: tuple[Run, ...]
    """`n` rows of the tracks, and the moments that they show."""
    frame: Ints
    """`(n,)` index of the frame, increasing."""


def plans(spoken: Sequence[Utterance], tracks: Sequence[Track]) -> list[Plan]:
    """Which rows the moments of utterances show; where tracks of a person meet, the later one's."""
    clocks = [moments_of(track) for track in tracks]
    first_row = [rows.start for rows in rows_of(tracks)]
    frames = joined((t.frame for t in tracks), np.int64)
    own: dict[int, list[int]] = {}
    for place, track in enumerate(tracks):
        own.setdefault(track.person, []).append(place)
    created = []
    for utterance in spoken:
        shows = np.full(utterance.last - utterance.first + 1, -1)
        for place in own[utterance.person]:
            clock = clocks[place]
            at = np.arange(utterance.first, utterance.last + 1) - clock.first
            there = (at >= 0) & (at < len(clock.row))
            row = np.where(there, clock.row[np.clip(at, 0, max(len(clock.row) - 1, 0))], -1)
            shows = np.where(row >= 0, first_row[place] + row, shows)
        created.append(_plan(runs(utterance.first, shows), first_row, frames))
    return created


def _plan(shown: Sequence[Run], first_row: Sequence[int], frames: Ints) -> Plan:
    rows = np.array([run.row for run in shown], np.int64)
    later = np.diff(np.maximum.accumulate(frames[rows]), prepend=-1) > 0
    track = np.searchsorted(first_row, rows, side="right") - 1
    own = [
        Run(run.row - first_row[place], run.first, run.count)
        for run, place, kept in zip(shown, track, later, strict=True)
        if kept
    ]
    return Plan(track[later], tuple(own), frames[rows[later]])


class Tape:
    """An audio signal that is read forwards; what may still be asked for is held.

    Args:
        blocks: 16 kHz, from second 0 on.
    """

    def __init__(self, blocks: Iterable[AudioBlock]) -> None:
        self._pieces = continuous(blocks)
        self._kept: Samples = np.zeros(0, np.float32)
        self._first = 0
        self._needed = 0

    def cut(self, start: int, stop: int) -> Samples:
        """Samples from `start` to before `stop`; fewer where the audio has ended."""
        assert start >= self._needed, "it was forgotten"
        while self._first + len(self._kept) < stop:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._kept = np.concatenate([self._kept, piece])
            self._drop()
        return self._kept[max(start - self._first, 0) : max(stop - self._first, 0)]

    def forget(self, before: int) -> None:
        """Nothing before this sample will be asked for."""
        self._needed = max(self._needed, before)
        self._drop()

    def _drop(self) -> None:
        count = min(max(self._needed - self._first, 0), len(self._kept))
        self._kept, self._first = self._kept[count:], self._first + count
