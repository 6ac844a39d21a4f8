"""Builders `lam_lstm` and `gaze360_lstm` on a scene: every face to a feature, windows to answers.

One pass over the frames. At any time some crops wait for their batch and each face has the features
of a window; nothing else is kept but the probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.people.tracks import joined, who_and_when
from eyeline.results import Answer, Floats, Scores, segments_from_scores
from eyeline.system import Scene
from eyeline.systems.ego_social.from_video.faces import THRESHOLD, FacesPredictor, View
from eyeline.systems.ego_social.from_video.moments import Moments, moments_of, runs
from eyeline.video.due import frames_due

if TYPE_CHECKING:
    from eyeline.systems.ego_social.streaming_looks import Look

NAME = "looking_at_me"
MIN_SEGMENT_S = 0.2
"""Shorter looks are left out of the segments."""


class LookingAtMePredictor(FacesPredictor):
    """Whether each person looks at whoever wears the camera.

    The network knows 30 frames a second: each moment of a 30 Hz clock takes the row nearest to it,
    and each row the answer of the moment nearest to it. A window is a moment and the three before
    and after it. Beyond the ends of a track, where a frame was lost and where the box lies outside
    the image there is nothing, which windows bridge as published (`inputs.padded`). Boxes that
    reach beyond the image are cut; the published preparation shifts those that begin before its
    left or upper edge.
    """

    builders = ("lam_lstm", "gaze360_lstm")

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores and segments called `looking_at_me`, from one pass over the frames.

        Scores have a row for each row of the scene's tracks, in order; NaN where the face could not
        be seen. UsageError for a scene without frames.
        """
        if scene.frames is None:
            raise UsageError(f"ego_social/{self.builder} looks at images: the scene has no frames")
        result = self._probabilities(scene)
        values = (
            one[clock.of_rows(track.time_s)] if len(track) else np.zeros(0)
            for track, (clock, one) in zip(scene.tracks, result, strict=True)
        )
        who, value = who_and_when(scene.tracks), joined(values, np.float64)
        scores = Scores("ego_social", self.builder, NAME, THRESHOLD, **who, value=value)
        ends = joined((t.end_s for t in scene.tracks), np.float64)
        return [scores, segments_from_scores(scores, ends, NAME, min_duration_s=MIN_SEGMENT_S)]

    def _probabilities(self, scene: Scene) -> list[tuple[Moments, Floats]]:
        """Of each track its moments, and of each of them the probability or NaN."""
        from eyeline.systems.ego_social.streaming_looks import LookingStream

        assert scene.frames is not None
        clocks = [moments_of(track) for track in scene.tracks]
        shown = [runs(clock.first, clock.row) for clock in clocks]
        plans = [t.frame[[r.row for r in s]] for t, s in zip(scene.tracks, shown, strict=True)]
        result = [(clock, np.full(len(clock.row), np.nan)) for clock in clocks]

        def take(looks: Sequence[Look]) -> None:
            for look in looks:
                clock, value = result[look.track_id]
                value[look.frame - clock.first] = look.probability

        stream = LookingStream(self.network, at_once=self.batch_size)
        waiting: list[View] = []
        for frame, due in frames_due(plans, scene.frames()):
            image = frame.rgb()
            for number, place in due:
                run = shown[number][place]
                crop = self.crop(image, scene.tracks[number], run.row)
                waiting.append(View(number, run.first, crop, run.count))
            if len(waiting) >= self.batch_size:
                take(stream.push(waiting))
                waiting = []
        take(stream.push(waiting))
        take(stream.end())
        return result
