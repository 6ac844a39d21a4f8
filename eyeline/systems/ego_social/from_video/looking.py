"""Builders `lam_lstm` and `gaze360_lstm` on a scene: every face to a feature, windows to answers.

One pass over the frames. At any time some crops wait for their batch and each face has the features
of a window; nothing else is held but the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.people.tracks import joined, who_and_when
from eyeline.results import Answer, Floats, Scores, segments_from_scores
from eyeline.runtimes.run import Runtime, open_network
from eyeline.system import Scene
from eyeline.systems.ego_social.from_video.faces import (
    Box,
    boxes_of,
    check_box,
    seen_face,
)
from eyeline.systems.ego_social.from_video.moments import Moments, moments_of, runs
from eyeline.video.due import frames_due

if TYPE_CHECKING:
    from eyeline.systems.ego_social.from_video.views import View
    from eyeline.systems.ego_social.streaming_looks import Look

NAME = "looking_at_me"
THRESHOLD = 0.5
"""From this probability on a frame counts, as in the benchmark."""
MIN_SEGMENT_S = 0.2
"""Shorter looks are left out of the segments."""
THREADS = 1
"""Decoding has one too, and on a busy machine a second one waits more than it works."""
BATCH_SIZES = {"cpu": 8, "cuda": 64}
"""Crops that pass through the network together, by kind of device."""


class LookingAtMePredictor:
    """Whether each person looks at whoever wears the camera.

    The network knows 30 frames a second: each moment of a 30 Hz clock takes the row nearest to it,
    and each row the answer of the moment nearest to it. A window is a moment and the three before
    and after it. Beyond the ends of a track, where a frame was lost and where the box lies outside
    the image there is nothing, which windows bridge as published (`inputs.padded`). Boxes that
    reach beyond the image are cut; the published preparation shifts those that begin before its
    left or upper edge.
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
            weights: of `lam_lstm` or `gaze360_lstm`.
            device: `cpu`, `cuda` or `cuda:N`.
            box: what is cut out of the images.
            batch_size: crops that pass through the network together, by default `BATCH_SIZES`.
            threads: of the CPU.
            runtime: of an exported file, see `runtimes.run.open_network`.

        Raises:
            CheckpointError: a file that is not what it should be, for example Gaze360's own.
            UsageError: a device or box that is not there.
        """
        from eyeline.systems.ego_social.weights import load_looking_at_me

        check_box(box)
        self.network, card = open_network(
            weights,
            ("ego_social/lam_lstm", "ego_social/gaze360_lstm"),
            lambda: load_looking_at_me(weights, device),
            device=device,
            runtime=runtime,
            threads=threads,
        )
        self.builder = card.builder
        self.batch_size = batch_size or BATCH_SIZES[device.partition(":")[0]]
        self.box = box

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores and segments called `looking_at_me`, from one pass over the frames.

        Scores have a row for each row of the scene's tracks, in order; NaN where the face could not
        be seen.

        Raises:
            UsageError: the scene has no frames to look at.
        """
        if scene.frames is None:
            raise UsageError(f"ego_social/{self.builder} looks at images: the scene has no frames")
        result = self._probabilities(scene)
        values = (
            one[clock.of_rows(track.time_s)] if len(track) else np.zeros(0)
            for track, (clock, one) in zip(scene.tracks, result, strict=True)
        )
        scores = Scores(
            "ego_social",
            self.builder,
            NAME,
            THRESHOLD,
            **who_and_when(scene.tracks),
            value=joined(values, np.float64),
        )
        ends = joined((t.end_s for t in scene.tracks), np.float64)
        return [scores, segments_from_scores(scores, ends, NAME, min_duration_s=MIN_SEGMENT_S)]

    def _probabilities(self, scene: Scene) -> list[tuple[Moments, Floats]]:
        """Of each track its moments, and of each of them the probability or NaN."""
        from eyeline.systems.ego_social.from_video.views import View
        from eyeline.systems.ego_social.streaming_looks import LookingStream

        assert scene.frames is not None
        clocks = [moments_of(track) for track in scene.tracks]
        shown = [runs(clock.first, clock.row) for clock in clocks]
        plans = [t.frame[[r.row for r in s]] for t, s in zip(scene.tracks, shown, strict=True)]
        result = [(clock, np.full(len(clock.row), np.nan)) for clock in clocks]
        stream = LookingStream(self.network, at_once=self.batch_size)
        waiting: list[View] = []
        for frame, due in frames_due(plans, scene.frames()):
            image = frame.rgb()
            for number, place in due:
                run = shown[number][place]
                box = boxes_of(scene.tracks[number], self.box)[run.row]
                waiting.append(View(number, run.first, seen_face(image, box), run.count))
            if len(waiting) >= self.batch_size:
                _take(stream.push(waiting), result)
                waiting = []
        _take(stream.push(waiting), result)
        _take(stream.end(), result)
        return result


def _take(looks: Sequence[Look], found: Sequence[tuple[Moments, Floats]]) -> None:
    for look in looks:
        clock, value = found[look.track_id]
        value[look.frame - clock.first] = look.probability
