"""Builder `ttm` on a scene: stretches of speech with the speaker's face and the audio to answers.

One pass over the frames and the audio together; of each stretch that lasts the features and the
samples of one piece are held.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.people.tracks import who_and_when
from eyeline.results import Answer, Floats, Scores, make_segments
from eyeline.runtimes.run import Runtime, open_network
from eyeline.system import Scene
from eyeline.systems.ego_social.from_video.faces import (
    Box,
    boxes_of,
    check_box,
    seen_face,
)
from eyeline.systems.ego_social.from_video.looking import BATCH_SIZES, THREADS, THRESHOLD
from eyeline.systems.ego_social.from_video.moments import sample_at
from eyeline.systems.ego_social.from_video.stretches import Stretch, Tape, plans, spread, stretches
from eyeline.systems.ego_social.inputs import AUDIO_HZ
from eyeline.video.due import frames_due

if TYPE_CHECKING:
    from eyeline.systems.ego_social.from_video.views import View
    from eyeline.systems.ego_social.streaming_talks import TalkingStream

NAME = "talking_to_me"


class TalkingToMePredictor:
    """Whether who speaks talks to whoever wears the camera.

    A stretch of speech is where `Scene.speaking` says that a visible person speaks, pauses of less
    than `stretches.PAUSE_S` included. Its moments at 30 Hz take the rows nearest to them; where
    none is near, and where a frame was lost, the image is black, as published. Long stretches are
    cut into pieces as of `streaming_talks.TalkingStream`, which keeps their tails.
    """

    def __init__(
        self,
        weights: Path | str,
        device: str = "cpu",
        *,
        box: Box = "head",
        batch_size: int | None = None,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        """Open the network.

        Args:
            weights: of `ttm`.
            device: `cpu`, `cuda` or `cuda:N`.
            box: what is cut out of the images.
            batch_size: crops that pass through the network together, by default `BATCH_SIZES`.
            threads: of the CPU.
            runtime: of an exported file, see `runtimes.run.open_network`.

        Raises:
            CheckpointError: a file that is not what it should be.
            UsageError: a device or box that is not there.
        """
        from eyeline.systems.ego_social.weights import load_talking_to_me

        check_box(box)
        self.network, _ = open_network(
            weights,
            ("ego_social/ttm",),
            lambda: load_talking_to_me(weights, device),
            device=device,
            runtime=runtime,
            threads=threads,
        )
        self.batch_size = batch_size or BATCH_SIZES[device.partition(":")[0]]
        self.box = box

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores and segments called `talking_to_me`; nothing for a video without audio.

        Scores have a row for each row of the scene's tracks, in order: all rows of a stretch have
        its probability, the others 0; NaN where it cannot be said whether the person speaks, and in
        stretches of which no image could be read. Segments are the stretches that count.

        Raises:
            UsageError: the scene has no frames to look at, or tells who speaks without the audio.
        """
        if scene.frames is None:
            raise UsageError("ego_social/ttm looks at images: the scene has no frames")
        if scene.speaking is None:
            return []
        if scene.audio is None:
            raise UsageError(
                "ego_social/ttm hears: the scene tells who speaks, but has no audio to listen to"
            )
        result = stretches(scene.speaking, scene.tracks)
        value = self._probabilities(scene, result)
        scores = Scores(
            "ego_social",
            "ttm",
            NAME,
            THRESHOLD,
            **who_and_when(scene.tracks),
            value=spread(result, value, scene.speaking),
        )
        rows = (
            (s.person, s.start_s, s.end_s, NAME, v)
            for s, v in zip(result, value.tolist(), strict=True)
            if v >= THRESHOLD
        )
        return [scores, make_segments("ego_social", "ttm", NAME, rows)]

    def _probabilities(self, scene: Scene, found: Sequence[Stretch]) -> Floats:
        """Of each stretch `(n,)`; NaN where no image of it could be read."""
        from eyeline.systems.ego_social.from_video.views import View
        from eyeline.systems.ego_social.streaming_talks import TalkingStream

        assert scene.frames is not None and scene.audio is not None
        planned = plans(found, scene.tracks)
        stream = TalkingStream(self.network, at_once=self.batch_size)
        room = _Background(stream, Tape(scene.audio()), found, self.batch_size)
        for frame, due in frames_due([plan.frame for plan in planned], scene.frames()):
            image = frame.rgb()
            for number, place in due:
                run = planned[number].runs[place]
                box = boxes_of(scene.tracks[planned[number].track[place]], self.box)[run.row]
                room.show(View(number, run.first, seen_face(image, box), run.count))
                if place == len(planned[number].runs) - 1:
                    room.end(number)
            room.listen(frame.time_s)
        room.end()
        return room.value


class _Background:
    """Where people speak: what each stretch still has to be shown and to hear.

    Args:
        stream: takes the stretches under their numbers.
        tape: the audio.
        found: all stretches, by their starts.
        at_once: crops that are shown together.
    """

    def __init__(
        self, stream: TalkingStream, tape: Tape, found: Sequence[Stretch], at_once: int
    ) -> None:
        self.value = np.full(len(found), np.nan)
        self._stream, self._tape, self._found, self._at_once = stream, tape, found, at_once
        self._heard: dict[int, int] = {}
        """Samples that each stretch under way has heard, counted from the audio's start."""
        self._begun = np.zeros(len(found), bool)
        self._next = 0
        """The first stretch that has not begun."""
        self._waiting: list[View] = []
        self._forget()

    def show(self, view: View) -> None:
        """A further image of a stretch."""
        number = view.track_id
        if not self._begun[number]:
            first = self._found[number].first
            self._stream.begin(number, first)
            self._heard[number] = sample_at(first)
            self._begun[number] = True
        self._waiting.append(view)
        if len(self._waiting) >= self._at_once:
            self._push()

    def listen(self, time_s: float) -> None:
        """Let all stretches under way hear the audio up to a time."""
        for number in self._heard:
            self._hear(number, int(time_s * AUDIO_HZ))
        self._forget()

    def end(self, number: int | None = None) -> None:
        """No more images of a stretch come; None: of none."""
        self._push()
        for ended in [*self._heard] if number is None else [number]:
            last = self._found[ended].last
            self._hear(ended, sample_at(last))
            known = self._stream.end(ended, last)
            self.value[ended] = np.nan if known is None else known
            del self._heard[ended]

    def _hear(self, number: int, until: int) -> None:
        until = min(until, sample_at(self._found[number].last))
        if until > self._heard[number]:
            self._stream.hear(number, self._tape.cut(self._heard[number], until))
            self._heard[number] = until

    def _forget(self) -> None:
        """Let go of the audio that no stretch will ask for."""
        while self._next < len(self._found) and self._begun[self._next]:
            self._next += 1
        coming = [sample_at(s.first) for s in self._found[self._next : self._next + 1]]
        if needed := [*self._heard.values(), *coming]:
            self._tape.forget(min(needed))

    def _push(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._stream.show(waiting)
