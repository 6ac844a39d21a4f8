"""Builder `ttm` on a scene: utterances with the speaker's face and the audio to answers.

One pass over the frames and the audio together; of each utterance that lasts the features and the
samples of one piece are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.people.tracks import who_and_when
from eyeline.results import Answer, Floats, Scores, make_segments
from eyeline.system import Scene
from eyeline.systems.ego_social.from_video.faces import THRESHOLD, FacesPredictor, View
from eyeline.systems.ego_social.from_video.utterances import (
    Tape,
    Utterance,
    plans,
    spread,
    utterances,
)
from eyeline.systems.ego_social.inputs import AUDIO_HZ, sample_at
from eyeline.video.due import frames_due

if TYPE_CHECKING:
    from eyeline.systems.ego_social.streaming_talks import TalkingStream

NAME = "talking_to_me"


class TalkingToMePredictor(FacesPredictor):
    """Whether who speaks talks to whoever wears the camera.

    An utterance is where `Scene.speaking` says that a visible person speaks, pauses of less than
    `utterances.PAUSE_S` included. Its moments at 30 Hz take the rows nearest to them; where none is
    near, and where a frame was lost, the image is black, as published. Long utterances are cut into
    pieces as of `streaming_talks.TalkingStream`, which keeps their tails.
    """

    builders = ("ttm",)

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores and segments called `talking_to_me`; nothing for a video without audio.

        Scores have a row for each row of the scene's tracks, in order: all rows of an utterance
        have its probability, the others 0; NaN where it cannot be said whether the person speaks,
        and in utterances of which no image could be read. Segments are the utterances that count.
        UsageError for a scene without frames, or one that says who speaks without the audio.
        """
        if scene.frames is None:
            raise UsageError("ego_social/ttm looks at images: the scene has no frames")
        if scene.speaking is None:
            return []
        if scene.audio is None:
            raise UsageError(
                "ego_social/ttm hears: the scene tells who speaks, but has no audio to listen to"
            )
        spoken = utterances(scene.speaking, scene.tracks)
        value = self._probabilities(scene, spoken)
        who, of_rows = who_and_when(scene.tracks), spread(spoken, value, scene.speaking)
        scores = Scores("ego_social", "ttm", NAME, THRESHOLD, **who, value=of_rows)
        rows = (
            (s.person, s.start_s, s.end_s, NAME, v)
            for s, v in zip(spoken, value.tolist(), strict=True)
            if v >= THRESHOLD
        )
        return [scores, make_segments("ego_social", "ttm", NAME, rows)]

    def _probabilities(self, scene: Scene, spoken: Sequence[Utterance]) -> Floats:
        """Of each utterance `(n,)`; NaN where no image of it could be read."""
        from eyeline.systems.ego_social.streaming_talks import TalkingStream

        assert scene.frames is not None and scene.audio is not None
        planned = plans(spoken, scene.tracks)
        stream = TalkingStream(self.network, at_once=self.batch_size)
        background = _Background(stream, Tape(scene.audio()), spoken, self.batch_size)
        for frame, due in frames_due([plan.frame for plan in planned], scene.frames()):
            image = frame.rgb()
            for number, place in due:
                plan = planned[number]
                run = plan.runs[place]
                crop = self.crop(image, scene.tracks[plan.track[place]], run.row)
                background.show(View(number, run.first, crop, run.count))
                if place == len(plan.runs) - 1:
                    background.end(number)
            background.listen(frame.time_s)
        background.end()
        return background.value


class _Background:
    """Where people speak: what each utterance, in order of their starts, has still to be given."""

    def __init__(
        self, stream: TalkingStream, tape: Tape, spoken: Sequence[Utterance], at_once: int
    ) -> None:
        self.value = np.full(len(spoken), np.nan)
        self._stream, self._tape, self._spoken, self._at_once = stream, tape, spoken, at_once
        self._heard: dict[int, int] = {}
        """Samples that each utterance under way has heard, counted from the audio's start."""
        self._begun = np.zeros(len(spoken), bool)
        self._waiting: list[View] = []
        self._forget()

    def show(self, view: View) -> None:
        """A further image of an utterance."""
        number = view.track_id
        if not self._begun[number]:
            first = self._spoken[number].first
            self._stream.begin(number, first)
            self._heard[number] = sample_at(first)
            self._begun[number] = True
        self._waiting.append(view)
        if len(self._waiting) >= self._at_once:
            self._push()

    def listen(self, time_s: float) -> None:
        """Let all utterances under way hear the audio up to a time."""
        for number in self._heard:
            self._hear(number, int(time_s * AUDIO_HZ))
        self._forget()

    def end(self, number: int | None = None) -> None:
        """No more images of an utterance come; None: of none."""
        self._push()
        for ended in [*self._heard] if number is None else [number]:
            last = self._spoken[ended].last
            self._hear(ended, sample_at(last))
            known = self._stream.end(ended, last)
            self.value[ended] = np.nan if known is None else known
            del self._heard[ended]

    def _hear(self, number: int, until: int) -> None:
        until = min(until, sample_at(self._spoken[number].last))
        if until > self._heard[number]:
            self._stream.hear(number, self._tape.cut(self._heard[number], until))
            self._heard[number] = until

    def _forget(self) -> None:
        """Let go of the audio that no utterance will ask for."""
        coming = np.flatnonzero(~self._begun)[:1].tolist()
        needed = [*self._heard.values(), *(sample_at(self._spoken[k].first) for k in coming)]
        if needed:
            self._tape.forget(min(needed))

    def _push(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._stream.show(waiting)
