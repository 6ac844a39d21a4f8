"""From evidence about each face to turns: a hidden state a tick, who of the visible speaks, if any.

The state is sticky while somebody talks and loose in a pause, so that a turn changes where people
take breath. It ends where a person leaves the image, which tells nothing of who spoke before.
Next to it runs a sceptical yes-or-no chain for each person, which admits that two speak at once.

Every voiced tick has an answer: persons by number, `UNSEEN` (nobody visible speaks), or `UNSURE`
(somebody is visible, and it cannot be said who speaks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.people.tracks import Track
from eyeline.results import (
    ANYBODY,
    UNSEEN,
    UNSURE,
    Floats,
    Ints,
    Scores,
    Segments,
    make_segments,
    runs,
)
from eyeline.speech.mouths import TICK_S, by_person, track_ticks
from eyeline.speech.voice import Speech

THRESHOLD = 0.5
"""From this probability on somebody counts as speaking, where a method says no other."""
MIN_TURN_S = 0.2
"""Shorter turns are nobody's."""

LABELS = {UNSEEN: "nobody visible", UNSURE: "not sure who"}
"""What segments of nobody's say; those of persons say `speech`."""

_TURN_S = 15.0  # mean time between changes of speaker while there is a voice
_PAUSE_S = 1.0  # and while there is none
_UNSEEN_PRIOR = 0.25  # share of speech whose speaker is not visible, where somebody is
_APPEARS = 0.5  # probability that an unseen speaker is drawn anew when somebody comes into view
_OVERLAP_PRIOR = 0.05  # share of somebody's speech into which a given other one speaks
_OVERLAP_DOUBT = 0.6  # nats a second that evidence for a second speaker must bring on top
_LOST_S = 1.0  # for so long a face may be lost before its person counts as gone
_DOUBT = 0.2  # where nothing is known, neighbouring times must leave less doubt than this


@dataclass(frozen=True)
class Evidence:
    """What speaks for each person, on the ticks of `eyeline.speech.mouths`."""

    persons: Ints
    """`(k,)` as of `mouths.by_person`."""
    visible: npt.NDArray[np.bool_]
    """`(n, k)` whether the face is there."""
    known: npt.NDArray[np.bool_]
    """`(n, k)` whether anything tells there if the person speaks."""
    rate: Floats
    """`(n, k)` nats a second for "speaks" against "somebody else speaks"; 0 where unknown."""

    @classmethod
    def empty(cls, persons: Ints, ticks: int) -> Evidence:
        """Nobody is visible, nothing is known."""
        shape = (ticks, len(persons))
        return cls(persons, np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape))

    @classmethod
    def of_tracks(
        cls, tracks: Sequence[Track], ticks: int, rates: Sequence[Floats | None]
    ) -> Evidence:
        """What each track tells on its own ticks: `(n,)` nats a second, NaN where that is unknown.

        Args:
            tracks: the faces, with identities.
            ticks: length of the result, from second 0.
            rates: of each track; None for one that tells nothing.
        """
        persons, owner = by_person(tracks)
        evidence = cls.empty(persons, ticks)
        for track, column, rate in zip(tracks, owner, rates, strict=True):
            span = track_ticks(track)
            evidence.visible[span, column] = True
            if rate is not None:
                evidence.known[span, column] = ~np.isnan(rate)
                evidence.rate[span, column] = np.nan_to_num(rate)
        return evidence

    def __post_init__(self) -> None:
        """Check the shapes."""
        sizes = check_shape(self.persons, "k", "Evidence.persons")
        sizes = check_shape(self.visible, "n k", "Evidence.visible", sizes)
        check_shape(self.known, "n k", "Evidence.known", sizes)
        check_shape(self.rate, "n k", "Evidence.rate", sizes)


@dataclass(frozen=True)
class Turns:
    """Who speaks when, in probabilities."""

    persons: Ints
    """`(k,)` as of the evidence."""
    speaking: Floats
    """`(n, k)` probability that the person speaks, 0 in silence; NaN where it cannot be said."""
    unseen: Floats
    """`(n,)` probability that somebody speaks whose face is not there."""
    voiced: npt.NDArray[np.bool_]
    """`(n,)` whether there is a voice."""
    there: npt.NDArray[np.bool_]
    """`(n, k)` whether the person is in the image."""


@dataclass(frozen=True)
class Named:
    """Who is named on each tick; every voiced tick has at least one of these."""

    person: npt.NDArray[np.bool_]
    """`(n, k)` the persons."""
    unseen: npt.NDArray[np.bool_]
    """`(n,)` nobody visible speaks."""
    unsure: npt.NDArray[np.bool_]
    """`(n,)` somebody is visible, and it cannot be said who speaks."""
    voiced: npt.NDArray[np.bool_]
    """`(n,)` whether there is a voice."""


def take_turns(evidence: Evidence, speech: Speech) -> Turns:
    """Weigh the evidence over time.

    Args:
        evidence: on `n` ticks.
        speech: tells where there is a voice; beyond its end there is silence.
    """
    time_s = (np.arange(len(evidence.visible)) + 0.5) * TICK_S
    voice = speech.voice_at(time_s)
    spans_s = np.concatenate([[[-1.0, -1.0]], speech.segments()])
    talk = time_s < spans_s[np.searchsorted(spans_s[:, 0], time_s, side="right") - 1, 1]
    there = _bridged(evidence.visible)
    nats = evidence.rate * voice[:, None] * TICK_S
    state = _one_at_a_time(nats, there, _switching(voice))
    both = _second_voice(nats, there, voice)
    others = np.maximum(1 - state[:, 1:] - state[:, :1], 0)
    speaking = (state[:, 1:] + others * both) * talk[:, None]
    doubtful = (speaking > _DOUBT) & (speaking < 1 - _DOUBT)
    speaking[doubtful & ~evidence.known] = np.nan
    return Turns(evidence.persons, speaking, state[:, 0] * talk, talk, there)


def named(turns: Turns, threshold: float = THRESHOLD, unseen_threshold: float = THRESHOLD) -> Named:
    """Who is named, from probabilities.

    Args:
        turns: the probabilities.
        threshold: from which on a person is named.
        unseen_threshold: from which on it is said that nobody visible speaks.
    """
    person = np.zeros(turns.speaking.shape, bool)
    for column, value in zip(person.T, turns.speaking.T, strict=True):
        column[:] = _long_enough(np.nan_to_num(value, nan=-1.0) >= threshold) & turns.voiced
    free = turns.voiced & ~person.any(axis=1)
    empty = ~turns.there.any(axis=1)
    unseen = _long_enough(free & (empty | (turns.unseen >= unseen_threshold)))
    return Named(person, unseen, free & ~unseen, turns.voiced)


def _long_enough(yes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """`(n,)` without runs shorter than `MIN_TURN_S`."""
    kept = np.zeros(len(yes), bool)
    for run in _runs(yes):
        kept[run] = (run.stop - run.start) * TICK_S >= MIN_TURN_S - 1e-9
    return kept


def _runs(yes: npt.NDArray[np.bool_]) -> list[slice]:
    start_s = np.arange(len(yes)) * TICK_S
    return runs(start_s, start_s + TICK_S, yes)


def answers(
    turns: Turns,
    tracks: Sequence[Track],
    builder: str,
    system: str = "speech",
    thresholds: tuple[float, float] = (THRESHOLD, THRESHOLD),
) -> tuple[Scores, Segments, Segments]:
    """The turns as results.

    Args:
        turns: the probabilities.
        tracks: the faces.
        builder: the method's name.
        system: whose results they are.
        thresholds: for a person and for nobody visible, as of `named`.

    Returns:
        Scores `speaking`, a row for each row of the tracks in their order; Segments `speaking` of
        all persons, of `UNSEEN` and of `UNSURE`; and Segments `voice` of `ANYBODY`, which together
        the others fill. Labels are `LABELS`.
    """
    owner = by_person(tracks)[1]
    scores = Scores(
        system,
        builder,
        "speaking",
        thresholds[0],
        frame=_joined([track.frame for track in tracks], np.int64),
        time_s=_joined([track.time_s for track in tracks], np.float64),
        person=_joined([np.full(len(track), track.person) for track in tracks], np.int64),
        value=_joined([_at(turns, t, k) for t, k in zip(tracks, owner, strict=True)], np.float64),
    )
    who = named(turns, *thresholds)
    speaking = make_segments(system, builder, "speaking", _rows(turns, who))
    spans = ((run.start * TICK_S, run.stop * TICK_S) for run in _runs(who.voiced))
    voice = ((ANYBODY, *span, "voice", 1.0) for span in spans)
    return scores, speaking, make_segments(system, builder, "voice", voice)


def _bridged(visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """`(n, k)` presence without its short gaps: who is lost for a moment has not left."""
    there = visible.copy()
    for column in there.T:
        seen = np.flatnonzero(column)
        for k in np.flatnonzero(np.diff(seen) > 1):
            if (seen[k + 1] - seen[k]) * TICK_S <= _LOST_S:
                column[seen[k] : seen[k + 1]] = True
    return there


def _switching(voice: Floats) -> Floats:
    """`(n,)` probability that the speaker is drawn anew at a tick."""
    return TICK_S * (voice / _TURN_S + (1 - voice) / _PAUSE_S)


def _one_at_a_time(nats: Floats, there: npt.NDArray[np.bool_], switch: Floats) -> Floats:
    """Posterior `(n, 1 + k)` of: nobody visible, person 0, person 1, ..."""
    fraction = np.where(there, (1 - _UNSEEN_PRIOR) / np.maximum(there.sum(1), 1)[:, None], 0.0)
    unseen = np.where(there.any(axis=1), _UNSEEN_PRIOR, 1.0)
    arrives = (there & ~np.concatenate([there[:1], there[:-1]])).any(axis=1)
    renewed = np.where(arrives, np.maximum(switch, _APPEARS), switch)
    posterior = _smooth(
        np.column_stack([np.ones(len(nats)), np.exp(nats) * there])[:, None],
        np.column_stack([unseen, fraction])[:, None],
        np.column_stack([renewed, np.where(there, switch[:, None], 1.0)])[:, None],
    )
    return np.asarray(posterior[:, 0])


def _second_voice(nats: Floats, there: npt.NDArray[np.bool_], voice: Floats) -> Floats:
    """Probability `(n, k)` that a person speaks into somebody else's speech."""
    doubted = np.exp(nats - _OVERLAP_DOUBT * TICK_S * voice[:, None]) * there
    likely = np.stack([np.ones_like(doubted), doubted], axis=2)
    fraction = np.broadcast_to([1 - _OVERLAP_PRIOR, _OVERLAP_PRIOR], likely.shape)
    switch = np.broadcast_to(_switching(voice)[:, None], there.shape)
    renewed = np.stack([switch, np.where(there, switch, 1.0)], axis=2)
    return np.asarray(_smooth(likely, fraction, renewed)[:, :, 1])


def _smooth(likely: Floats, fraction: Floats, switch: Floats) -> Floats:
    """Forward and backward pass of chains that stay, or draw their state anew from `fraction`.

    Args:
        likely: `(n, chains, states)` likelihoods; 0 forbids a state, the first is never forbidden.
        fraction: `(n, chains, states)` distribution that a new state is drawn from.
        switch: `(n, chains, states)` probability that a chain in this state draws anew on its way
            into a tick; 1 where the state ends to exist.

    Returns:
        `(n, chains, states)` posterior.
    """
    posterior = np.empty(likely.shape)
    drawn, stays = likely * fraction, likely * (1 - switch)
    before = np.zeros(likely.shape[1:])
    for t in range(len(likely)):
        anew = (switch[t] * before).sum(axis=-1, keepdims=True) if t else 1.0
        before = stays[t] * before + drawn[t] * anew
        before = before / before.sum(axis=-1, keepdims=True)
        posterior[t] = before
    after = np.ones(likely.shape[1:])
    for t in range(len(likely) - 1, -1, -1):
        posterior[t] *= after
        anew = (drawn[t] * after).sum(axis=-1, keepdims=True)
        after = stays[t] * after + switch[t] * anew
        after = after / after.max(axis=-1, keepdims=True)
    return np.asarray(posterior / posterior.sum(axis=-1, keepdims=True))


def _at(turns: Turns, track: Track, column: int) -> Floats:
    """Probabilities of a track's person at the track's frames."""
    if not len(turns.speaking):
        return np.zeros(len(track))
    tick = np.floor(track.time_s / TICK_S + 1e-6).astype(np.int64)
    return np.asarray(turns.speaking[tick.clip(0, len(turns.speaking) - 1), column])


def _rows(turns: Turns, who: Named) -> list[tuple[int, float, float, str, float]]:
    """Segments with their mean probability; of `UNSURE`, that the likeliest answer is wrong."""
    likeliest = np.maximum(turns.unseen, np.nan_to_num(turns.speaking).max(1, initial=0.0))
    nobody = [(UNSEEN, who.unseen, turns.unseen), (UNSURE, who.unsure, 1 - likeliest)]
    columns = zip(turns.persons.tolist(), who.person.T, turns.speaking.T, strict=True)
    return [
        (person, run.start * TICK_S, run.stop * TICK_S, LABELS.get(person, "speech"), score)
        for person, yes, value in [*nobody, *columns]
        for run in _runs(yes)
        for score in [float(value[run].mean())]
    ]


def _joined(parts: Sequence[npt.NDArray[Any]], dtype: type) -> npt.NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)
