"""Which visible face speaks: the embedded method, by agreement of lips and audio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import Scores, Segments, person_label
from eyeline.speech.agreement import thresholds, weigh
from eyeline.speech.lips import Lips, read_lips
from eyeline.speech.mouths import TICK_S, clock_ticks, covered_ticks, track_ticks
from eyeline.speech.turns import Evidence, answers, take_turns
from eyeline.speech.voice import Speech

if TYPE_CHECKING:
    from eyeline.video.audio import AudioBlock
    from eyeline.video.reader import Frame

BUILDER = "mouth_agreement"
_COVERED_S = 0.5  # mouths covered for less during speech are not mentioned


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
    ticks = clock_ticks(speech.duration_s if until_s is None else until_s, tracks)
    turns = take_turns(weigh(speech, tracks, ticks, lips), speech)
    pixels = lips is not None
    return answers(turns, tracks, BUILDER, thresholds=thresholds(pixels))


class MouthAgreement:
    """The embedded method over the frames of a video; its notes say whose mouths are covered."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def predict(
        self,
        speech: Speech,
        tracks: Sequence[Track],
        frames: Iterable[Frame],
        audio: Iterable[AudioBlock],
        *,
        until_s: float | None = None,
        rows: Sequence[Track] | None = None,
    ) -> tuple[Scores, Segments, Segments]:
        """See `methods.ActiveSpeaker`."""
        lips = read_lips(tracks, frames, speech.segments())
        self.notes = [
            f"{person_label(person)}: the mouth is covered in {seconds:.1f} s of speech; "
            f"it cannot be said whether {person_label(person)} speaks there"
            for person, seconds in covered_s(speech, tracks, lips).items()
            if seconds >= _COVERED_S
        ]
        return who_speaks(speech, tracks, lips, until_s=until_s)


def cannot_be_said(
    speech: Speech, tracks: Sequence[Track], builder: str, *, until_s: float | None = None
) -> tuple[Scores, Segments, Segments]:
    """As `who_speaks` where nothing can be read off lips: whoever is visible may speak."""
    ticks = clock_ticks(speech.duration_s if until_s is None else until_s, tracks)
    evidence = Evidence.of_tracks(tracks, ticks, [None] * len(tracks))
    return answers(take_turns(evidence, speech), tracks, builder)


def not_measured(tracks: Sequence[Track], builder: str) -> Scores:
    """Scores `speaking`, all NaN: nothing was recorded that could tell who speaks."""
    nobody = Speech(*np.zeros((3, 0), np.float32))
    scores = cannot_be_said(nobody, tracks, builder)[0]
    return replace(scores, value=np.full(len(scores), np.nan))


def covered_s(speech: Speech, tracks: Sequence[Track], lips: Sequence[Lips]) -> dict[int, float]:
    """Seconds of voice in which each person's mouth is covered; persons with none are left out."""
    total: dict[int, float] = {}
    for track, one in zip(tracks, lips, strict=True):
        time_s = np.arange(track_ticks(track).start, track_ticks(track).stop) * TICK_S
        hidden = covered_ticks(one, time_s) & (speech.voice_at(time_s) > 0.5)
        if hidden.any():
            total[track.person] = total.get(track.person, 0.0) + TICK_S * float(hidden.sum())
    return dict(sorted(total.items()))
