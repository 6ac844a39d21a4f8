"""Frames to candidates: the boxes that somebody in the image may be looking at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eyeline.errors import UsageError
from eyeline.results import Floats, Image
from eyeline.runtimes.run import Runtime, runtime_of
from eyeline.systems.gaze_following.detector import inputs
from eyeline.training.devices import THREADS, for_answers

PROPOSALS = 1000
"""Of an image, as published."""


class Candidates(NamedTuple):
    """What may be looked at in a frame, the surest first."""

    box_xyxy: Floats
    """`(n, 4)` pixels of the frame as given."""
    score: Floats
    """`(n,)` in [0, 1]."""


class CandidateDetector:
    """The detector for frames of a video; masks are not computed.

    `fusion` says what its training images had written into them, and frames should have; None
    where the weights do not tell.

    Two switches save time, both as published by default. A frame of 720 rows takes a quarter of the
    processor's time with 300 proposals and 400 pixels, see `benchmarks/gaze_following_detector.py`.
    Fewer proposals cost no precision in a test with a shrunken network and few things to see; a
    smaller side did, and small things first. `evaluate.run` takes both and measures on your data.
    """

    def __init__(
        self,
        weights: Path | str,
        device: str = "cpu",
        *,
        proposals: int = PROPOSALS,
        short_px: int = inputs.SHORT_PX,
        score: float = 0.05,
        most: int = 100,
        at_once: int = 1,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        """Open the network.

        Args:
            weights: of `mask_rcnn`, a file of ours.
            device: `cpu`, `cuda` or `cuda:N`.
            proposals: of an image, of each level and of all; fewer are quicker.
            short_px: most for the shorter side of a frame as the network sees it; the longer one's
                most goes along. A smaller one is quicker.
            score: candidates are surer than that.
            most: candidates of a frame.
            at_once: frames that pass through the network together.
            threads: of the CPU.
            runtime: of an exported file, see `runtimes.run.open_network`.

        Raises:
            CheckpointError: a file that is not what it should be.
            UsageError: a device that is not there, or a number that cannot be.
        """
        from eyeline.systems.gaze_following.detector.detections import Finding, Proposing
        from eyeline.systems.gaze_following.detector.weights import open_detector

        if min(proposals, most, at_once) < 1 or short_px < 32:
            raise UsageError(
                f"{proposals} proposals, {most} candidates, {at_once} frames at once, a shorter "
                f"side of {short_px} pixels: at least 1, 1, 1 and 32"
            )
        self.network, card = open_detector(weights, device, runtime, threads)
        self.device = device if runtime_of(Path(weights), runtime) == "torch" else "cpu"
        self.fusion: str | None = card.settings.get("fusion")
        self.finding = Finding(Proposing(proposals, proposals), score=score, most=most)
        self.short_px, self.at_once, self.threads = short_px, at_once, threads

    def find(self, frames: Sequence[Image]) -> list[Candidates]:
        """Candidates of each frame `(h, w, 3)` RGB uint8, of one size or several.

        DataError for a frame of another shape.
        """
        with for_answers(self.threads):
            return [c for part in self._parts(frames) for c in self._together(part)]

    def _parts(self, frames: Sequence[Image]) -> Iterator[list[Image]]:
        """Frames that pass through together: of one size, as others would change what is seen."""
        for _, same in groupby(frames, key=lambda frame: frame.shape):
            alike = list(same)
            for start in range(0, len(alike), self.at_once):
                yield alike[start : start + self.at_once]

    def _together(self, frames: Sequence[Image]) -> list[Candidates]:
        from eyeline.systems.gaze_following.detector.detections import find

        shown = [inputs.show(frame, short_px=self.short_px) for frame in frames]
        images = inputs.batch([s.pixels for s in shown]).to(self.device)
        detected = find(self.network, images, shown, self.finding)
        return [
            Candidates(*(v.cpu().numpy().astype(np.float64) for v in one[:2])) for one in detected
        ]
