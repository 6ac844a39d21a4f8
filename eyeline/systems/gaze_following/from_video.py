"""Builder `mask_rcnn_mlp` on a scene: candidates detected now and then, and matched in every frame.

One pass over the frames. At any time the images of one batch and the candidates of two detections
are kept, and the targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.results import Answer
from eyeline.runtimes.manifest import card_of
from eyeline.runtimes.run import Runtime
from eyeline.systems.gaze_following import moments
from eyeline.systems.gaze_following.choosing import Choice, open_chooser
from eyeline.systems.gaze_following.detector.infer import PROPOSALS, CandidateDetector
from eyeline.systems.gaze_following.detector.inputs import SHORT_PX
from eyeline.systems.gaze_following.fusion import Enhanced, check_fusion
from eyeline.systems.gaze_following.infer import segments
from eyeline.systems.gaze_following.matching.match import target_code
from eyeline.systems.gaze_following.moments import Between, Crowd, Detection
from eyeline.systems.gaze_following.targets import Targets, every_rows
from eyeline.training.devices import THREADS

if TYPE_CHECKING:
    from eyeline.system import Scene

BUILDER = "mask_rcnn_mlp"
AT_ONCE = {"cpu": 1, "cuda": 4}
"""Frames that pass through the detector together, by kind of device."""


class MaskRcnnMlp:
    """Targets of all persons' looks among what a detector finds in images with marked heads.

    Every row of the tracks is answered for. Where nobody is in the image it is not looked at.
    `how` says in words what was chosen by files and options.
    """

    def __init__(
        self,
        detector: Path | str,
        device: str = "cpu",
        *,
        matcher: Path | str | None = None,
        slope: Path | str | None = None,
        rule: str | None = None,
        fusion: str | None = None,
        every_s: float = moments.EVERY_S,
        proposals: int = PROPOSALS,
        short_px: int | None = None,
        heatmap_every_s: float = 1.0,
        at_once: int | None = None,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        """Open the networks.

        Args:
            detector: weights of `mask_rcnn`.
            device: `cpu`, `cuda` or `cuda:N`.
            matcher: weights of `matcher`; without them a published rule chooses.
            slope: weights of `slope_mlp`, for the rule.
            rule: see `choosing.open_chooser`.
            fusion: how heads are brightened, see `fusion.FUSIONS`; by default as in the images
                that the detector was trained on, `hs` where its file does not say.
            every_s: time from one look of the detector to the next; 0 looks at every frame.
            proposals: see `CandidateDetector`.
            short_px: likewise; by default what the detector was trained at.
            heatmap_every_s: time between two heatmaps kept of each person.
            at_once: frames that pass through the detector together, by default `AT_ONCE`.
            threads: of the CPU.
            runtime: of exported files, see `runtimes.run.open_network`.

        Raises:
            CheckpointError: a file that is not what it should be.
            UsageError: a device, rule or fusion that is not there, or a number that cannot be.
        """
        from eyeline.training.devices import check_device

        if not every_s >= 0 or not heatmap_every_s > 0:
            raise UsageError(
                f"a look every {every_s} s, a heatmap every {heatmap_every_s} s: at least 0, and "
                "more than 0"
            )
        if fusion is not None:
            check_fusion(fusion)
        kind = str(check_device(device)).partition(":")[0]
        self.chooser = open_chooser(matcher, slope, device, rule, runtime)
        trained = card_of(detector).settings.get("short_px", SHORT_PX)
        self.detector = CandidateDetector(
            detector,
            device,
            proposals=proposals,
            short_px=int(short_px or trained),
            at_once=AT_ONCE[kind] if at_once is None else at_once,
            threads=threads,
            runtime=runtime,
        )
        self.fusion = check_fusion(fusion or self.detector.fusion or "hs")
        self.every_s, self.heatmap_every_s = every_s, heatmap_every_s

    @property
    def how(self) -> str:
        """What was chosen, in words."""
        return (
            f"heads marked as '{self.fusion}'; a look every {self.every_s:g} s, between looks "
            f"{moments.INTERPOLATION}; matched {self.chooser.how}"
        )

    def predict(self, scene: Scene) -> list[Answer]:
        """`Points` called `gaze_target` with heatmaps, and `Segments`.

        Points have a row for each row of the scene's tracks, in order. Looks at a head have that
        person as target, those at the own lap or at anything else the scene; where nothing was
        found, the published rules leave off screen with probability 0, which is in no segment.

        Raises:
            UsageError: the scene has no frames to look at.
            DataError: speech or directions that are not of the scene's tracks.
        """
        if scene.frames is None:
            raise UsageError(f"gaze_following/{BUILDER} looks at images: the scene has no frames")
        crowd = Crowd(scene)
        targets = Targets.empty(BUILDER, crowd, every_rows(scene, self.heatmap_every_s))
        span, done = Between(None, None, np.zeros((0, 2), np.int64)), 0
        for place, detection in self._detections(scene, crowd):
            span = moments.between(span.after, detection, self.every_s)
            self._match(crowd, range(done, place), span, targets)
            done = place
        span = moments.between(span.after, None)
        self._match(crowd, range(done, len(crowd.frames)), span, targets)
        points = targets.points(scene)
        return [points, segments(scene, points, points.probability > 0)]

    def _detections(self, scene: Scene, crowd: Crowd) -> Iterator[tuple[int, Detection]]:
        """Each with its place among the frames in which there is somebody."""
        due = crowd.frames[moments.frames_due(crowd.time_s, crowd.shot, self.every_s)]
        images = Enhanced(scene.tracks, scene.speaking, self.fusion)
        for waiting in moments.due_batches(scene, crowd, due, images.image, self.detector.at_once):
            detected = self.detector.find([image for _, image in waiting])
            for (place, _), result in zip(waiting, detected, strict=True):
                yield place, Detection(float(crowd.time_s[place]), int(crowd.shot[place]), result)

    def _match(self, crowd: Crowd, places: range, span: Between, targets: Targets) -> None:
        time_s, shot = crowd.time_s.tolist(), crowd.shot.tolist()
        frames = [crowd.moment(i, moments.candidates_at(span, time_s[i], shot[i])) for i in places]
        for place, people in zip(places, self.chooser.choose(frames), strict=True):
            _take(targets, place, people)


def _take(targets: Targets, place: int, people: list[Choice]) -> None:
    """What the people of a frame look at."""
    crowd = targets.crowd
    mine = crowd.rows(place)
    person = crowd.person[mine].tolist()
    for row, choice in zip(crowd.row[mine].tolist(), people, strict=True):
        heat = choice.heatmap(crowd.size_px) if row in targets.kept else None
        code = target_code(choice.target, person)
        targets.put(row, code, choice.probability, choice.point_px, choice.box_xyxy, heat)
