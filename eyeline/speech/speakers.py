"""Which visible face speaks: the embedded method, by agreement of lips and audio."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import Scores, Segments
from eyeline.speech.agreement import thresholds, weigh
from eyeline.speech.lips import Lips
from eyeline.speech.mouths import TICK_S, by_person, covered_ticks, tick_count, track_ticks
from eyeline.speech.turns import Evidence, answers, take_turns
from eyeline.speech.voice import Speech

BUILDER = "mouth_agreement"


def who_speaks(
    speech: Speech,
    tracks: Sequence[Track],
    lips: Sequence[Lips] | None = None,
    *,
    until_s: float | None = None,
) -> tuple[Scores, Segments, Segments]:
    """Who of the visible speaks, when nobody visible does, and when it cannot be said.

    Args:
        speech: what is heard, as of `listen`.
        tracks: all faces, with identities, followed at any rate.
        lips: of each track, as of `lips.read_lips`. By default the landmarks that the tracks hold,
            which tell less, and nothing below 5 frames a second.
        until_s: end of the video's frames; speech after it is left out. By default the end of the
            audio.

    Returns:
        Scores `speaking`, a row for each row of the tracks in their order: the probability that the
        person speaks, 0 where there is no voice, NaN where it cannot be said. Segments `speaking`
        of the persons, of `results.UNSEEN` and of `results.UNSURE`. Segments `voice`, which the
        others fill.

    Raises:
        DataError: for a track without a person.
    """
    ticks = _ticks(speech, tracks, until_s)
    turns = take_turns(weigh(speech, tracks, ticks, lips), speech)
    pixels = lips is not None
    return answers(turns, tracks, BUILDER, thresholds=thresholds(pixels))


def cannot_be_said(
    speech: Speech, tracks: Sequence[Track], builder: str, *, until_s: float | None = None
) -> tuple[Scores, Segments, Segments]:
    """As `who_speaks` where nothing can be read off lips: whoever is visible may speak."""
    persons, owner = by_person(tracks)
    evidence = Evidence.empty(persons, _ticks(speech, tracks, until_s))
    for track, column in zip(tracks, owner, strict=True):
        evidence.visible[track_ticks(track), column] = True
    return answers(take_turns(evidence, speech), tracks, builder)


def covered_s(speech: Speech, tracks: Sequence[Track], lips: Sequence[Lips]) -> dict[int, float]:
    """Seconds of voice in which each person's mouth is covered; persons with none are left out."""
    total: dict[int, float] = {}
    for track, one in zip(tracks, lips, strict=True):
        time_s = np.arange(track_ticks(track).start, track_ticks(track).stop) * TICK_S
        hidden = covered_ticks(one, time_s) & (speech.voice_at(time_s) > 0.5)
        if hidden.any():
            total[track.person] = total.get(track.person, 0.0) + TICK_S * float(hidden.sum())
    return dict(sorted(total.items()))


def _ticks(speech: Speech, tracks: Sequence[Track], until_s: float | None) -> int:
    ticks = tick_count(speech.duration_s if until_s is None else until_s)
    return max([ticks, *(int(track_ticks(track).stop) for track in tracks)])
