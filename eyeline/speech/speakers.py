"""Which visible face speaks: the embedded method, by agreement of lips and sound."""

from __future__ import annotations

from collections.abc import Sequence

from eyeline.people.tracks import Track
from eyeline.results import Scores, Segments
from eyeline.speech.agreement import weigh
from eyeline.speech.mouths import tick_count, track_ticks
from eyeline.speech.turns import answers, take_turns
from eyeline.speech.voice import Speech

BUILDER = "mouth_agreement"


def who_speaks(
    speech: Speech, tracks: Sequence[Track], *, until_s: float | None = None
) -> tuple[Scores, Segments]:
    """Who of the visible speaks, and when somebody speaks who is not visible.

    Args:
        speech: what is heard, as of `listen`.
        tracks: all faces, with identities, at the video's own rate or any that shows syllables,
            from 10 Hz on.
        until_s: end of the picture; speech after it is not told. By default the end of the sound.

    Returns:
        Scores `speaking`, a row for each row of the tracks in their order: the probability that the
        person speaks, 0 where there is no voice; and Segments `speaking` of the persons and of
        `eyeline.results.UNSEEN`, label `speech`.

    Raises:
        DataError: for a track without a person.
    """
    ticks = tick_count(speech.duration_s if until_s is None else until_s)
    ticks = max([ticks, *(track_ticks(track).stop for track in tracks)])
    turns = take_turns(weigh(speech, tracks, ticks), speech)
    return answers(turns, tracks, BUILDER)
