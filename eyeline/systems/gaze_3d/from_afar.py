"""Builder `gaze_from_afar` on a scene: every person of every frame to a crop, windows, directions.

One pass over the frames. At any time some crops wait for their batch and each person has the
features of a window; nothing else is held but the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.people.tracks import Track, joined, who_and_when
from eyeline.results import Answer, Directions, Floats, Ints
from eyeline.runtimes.run import Runtime, open_network
from eyeline.system import Scene
from eyeline.systems.gaze_3d.bodies import boxes_of
from eyeline.systems.gaze_3d.calibration import from_settings
from eyeline.systems.gaze_3d.inputs import crop_body
from eyeline.systems.gaze_3d.runs import PARTS, UNKNOWN, Found, Runs
from eyeline.video.due import frames_due

if TYPE_CHECKING:
    from eyeline.systems.gaze_3d.streaming import Report

THREADS = 1
"""Decoding has one too, and on a busy machine a second one waits more than it works."""
AT_ONCE = {"cpu": 8, "cuda": 64}
"""Crops that pass through the network together, by kind of device."""


class GazeFromAfarPredictor:
    """Gaze, head and body direction of every tracked person, also from afar and from behind.

    A window is a run of frames of a track, `step` rows apart, without a gap; where frames are
    missing, or where the crop would lie outside the image, a new run begins. A run shorter than a
    window is answered for with its last frame repeated, which the original has no answer for. With
    a step of more than 1 the rows between belong to windows of their own, so that every row is
    answered for from frames `step` apart.

    The frame rate of the training data is not published: by default all analysed frames count.
    """

    def __init__(
        self,
        weights: Path | str,
        device: str = "cpu",
        *,
        step: int = 1,
        report: Report = "middle",
        at_once: int | None = None,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        """Open the network.

        Args:
            weights: of `gaze_from_afar`.
            device: `cpu`, `cuda` or `cuda:N`.
            step: rows of a track from one frame of a window to the next.
            report: which of a frame's estimates counts, see `streaming.Report`.
            at_once: crops that pass through the network together, by default `AT_ONCE`.
            threads: of the CPU.
            runtime: of an exported file, see `runtimes.run.open_network`.

        Raises:
            CheckpointError: a file that is not what it should be.
            UsageError: a device that is not there, or a step below 1.
        """
        from eyeline.systems.gaze_3d.weights import load_gaze_from_afar

        if step < 1:
            raise UsageError(f"a frame step of {step}: it must be at least 1")
        self.network, card = open_network(
            weights,
            ("gaze_3d/gaze_from_afar",),
            lambda: load_gaze_from_afar(weights, device),
            device=device,
            runtime=runtime,
            threads=threads,
        )
        self.rescaling = from_settings(card.settings)
        self.step, self.report = step, report
        self.at_once = at_once or AT_ONCE[device.partition(":")[0]]

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """`Directions` called `gaze`, `head` and `body`, rows in the order of the tracks.

        A row that could not be seen holds the direction of the nearest row of its track that was,
        with a concentration of `UNKNOWN`; concentrations are rescaled where the weights say how.

        Raises:
            UsageError: the scene has no frames to look at.
        """
        from eyeline.systems.gaze_3d.streaming import Stream

        if scene.frames is None:
            raise UsageError("gaze_3d/gaze_from_afar looks at images: the scene has no frames")
        result = [Found.empty(len(track)) for track in scene.tracks]
        stream = Stream(self.network, report=self.report, at_once=self.at_once)
        runs = Runs(stream, result, self.step, self.network.interface.sizes["frames"], self.at_once)
        size = scene.video.width_px, scene.video.height_px
        boxes = [boxes_of(track, *size) for track in scene.tracks]
        rows = [_visible(one.body, *size) for one in boxes]
        plans = [track.frame[mine] for track, mine in zip(scene.tracks, rows, strict=True)]
        for frame, due in frames_due(plans, scene.frames()):
            image = frame.rgb()
            for place, at in due:
                row = int(rows[place][at])
                body = boxes[place].body[row]
                crop = np.array(crop_body(image, body))  # Pillow's may not be written
                runs.show(place, row, crop, boxes[place].head[row], body)
        runs.end()
        return [self._answer(scene, part, i, result) for i, part in enumerate(PARTS)]

    def _answer(self, scene: Scene, part: str, i: int, found: Sequence[Found]) -> Directions:
        known = [one.filled(i) for one in found]
        concentration = joined((k for _, k in known), np.float64)
        if part in self.rescaling:
            unseen = concentration <= UNKNOWN
            concentration = np.where(unseen, UNKNOWN, self.rescaling[part](concentration))
        return Directions(
            "gaze_3d", "gaze_from_afar", part,
            **who_and_when(scene.tracks),
            origin_px=joined((_origin(t, part) for t in scene.tracks), np.float64, (2,)),
            direction=joined((d for d, _ in known), np.float64, (3,)),
            concentration=concentration,
        )  # fmt: skip


def _visible(body_xywh: Floats, width_px: int, height_px: int) -> Ints:
    """Rows of boxes `(n, 4)` of which the image holds a part."""
    x, y, w, h = body_xywh.T
    inside = (x < width_px) & (y < height_px) & (x + w > 0) & (y + h > 0)
    return np.flatnonzero((w > 0) & (h > 0) & inside)


def _origin(track: Track, part: str) -> Floats:
    """Where the arrow starts: between the eyes; for the body half a head below the chin."""
    if part != "body":
        return track.eyes_px
    head = track.head_xyxy
    high = head[:, 3] - head[:, 1]
    return np.stack([(head[:, 0] + head[:, 2]) / 2, head[:, 3] + high / 2], axis=1)
