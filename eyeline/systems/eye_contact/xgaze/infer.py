"""Builder `xgaze_mstcn` on a scene: every face to a feature, every unbroken piece to contact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import CheckpointError, UsageError
from eyeline.people.tracks import Track
from eyeline.results import Answer, Floats, Image
from eyeline.runtimes.run import Runtime, open_network
from eyeline.system import Scene
from eyeline.systems.eye_contact.decode import decode
from eyeline.systems.eye_contact.infer import Piece, contact_answers, pieces_of
from eyeline.systems.eye_contact.landmarks.inputs import RATE_HZ, grid_s, nearest
from eyeline.systems.eye_contact.weights import rule_of
from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, views
from eyeline.systems.eye_contact.xgaze.running import GazeFeatures, Segmenter
from eyeline.training.devices import THREADS

if TYPE_CHECKING:
    from torch import nn

    from eyeline.video.reader import Frame

MIN_FRAMES = 100
"""Shortest piece, in frames at 25 Hz, that is predicted, as published."""


class XgazeMstcnPredictor:
    """Eye contact of each person from images of the face; see `docs/eye_contact.md`.

    The networks know 25 frames a second, which the published code takes for granted. Here each
    moment of a 25 Hz clock takes the frame nearest to it, whatever the video's rate, and each frame
    the prediction of the moment nearest to it.
    """

    def __init__(
        self,
        gaze: Path | str,
        segmenter: Path | str,
        device: str = "cpu",
        *,
        batch_size: int | None = None,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        """Open `xgaze_resnet50` and `ms_tcn2`, weights or exported; CheckpointError for others."""
        self.features = GazeFeatures.open(
            gaze, device, batch_size=batch_size, threads=threads, runtime=runtime
        )
        network, card = open_network(
            segmenter,
            ("eye_contact/ms_tcn2",),
            lambda: _module(segmenter, device),
            device=device,
            runtime=runtime,
            threads=threads,
        )
        self.segmenter = Segmenter(network)
        self.calibration, self.decoding = rule_of(card, segmenter)
        if self.segmenter.features != 2048:
            raise CheckpointError(
                f"{segmenter} takes features {self.segmenter.features} wide; those of the gaze "
                "network are 2048"
            )

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores and segments called `eye_contact`, from one pass over the frames.

        Scores have a row for each row of the scene's tracks, in order, with the probability of
        contact; NaN outside of pieces of trustworthy landmarks of `MIN_FRAMES` or more. Segments
        are where contact is the likelier, unless the weights say how to decode otherwise.
        UsageError for a scene without frames.
        """
        if scene.frames is None:
            raise UsageError("eye_contact/xgaze_mstcn looks at images: the scene has no frames")
        value = [np.full(len(t), np.nan) for t in scene.tracks]
        contact = [np.zeros(len(t), bool) for t in scene.tracks]
        for done in self._filled(scene, scene.frames()):
            piece, rows = done.piece, nearest(done.moment_s, done.row_s)
            logits = self.segmenter.logits(done.entered[done.face_of_moment]).astype(np.float64)
            logit = logits[:, 1] - logits[:, 0]
            log_odds = self.calibration.log_odds(logit)
            value[piece.track][piece.rows] = self.calibration.probability(logit)[rows]
            contact[piece.track][piece.rows] = decode(log_odds, self.decoding)[rows] == 1
        return contact_answers(scene, "xgaze_mstcn", value, contact)

    def _filled(self, scene: Scene, frames: Iterable[Frame]) -> Iterator[Underway]:
        """Pieces as their last face has passed through the gaze network."""
        size = scene.video.width_px, scene.video.height_px
        queue = _Queue(self.features, self.segmenter)
        for frame, pieces in _meetings(scene.tracks, frames, size, self.segmenter.maps):
            faces = cut_faces(frame.rgb(), np.stack([piece.meet() for piece in pieces]))
            for piece, face in zip(pieces, faces, strict=True):
                yield from queue.put(piece, face)
        yield from queue.flush()


class Underway:
    """A piece whose faces are being looked at, in order."""

    def __init__(self, piece: Piece, track: Track, size: tuple[int, int], maps: int) -> None:
        result = views(track.six_px[piece.seen], *size)
        rows = piece.seen[result.known]
        self.piece = piece
        self.row_s = track.time_s[piece.rows]
        self.moment_s = grid_s(track.time_s[rows]) if len(rows) else np.zeros(0)
        moments = nearest(track.time_s[rows], self.moment_s)
        used, self.face_of_moment = np.unique(moments, return_inverse=True)
        self.warp = result.warp[result.known][used]
        self.frames = track.frame[rows[used]]
        self.entered = np.empty((len(used), maps), np.float32)
        self.met = self.filled = 0

    @property
    def long_enough(self) -> bool:
        """Whether it can be predicted."""
        return len(self.moment_s) >= MIN_FRAMES

    @property
    def next_frame(self) -> int:
        """Index of the frame with the next face; -1 after the last."""
        return int(self.frames[self.met]) if self.met < len(self.frames) else -1

    def meet(self) -> Floats:
        """The warp `(3, 3)` of the next face, which then counts as met."""
        self.met += 1
        return np.asarray(self.warp[self.met - 1])

    def fill(self, entered: Floats) -> bool:
        """Take what the networks see in the next face `(maps,)`; whether it was the last."""
        self.entered[self.filled] = entered
        self.filled += 1
        return self.filled == len(self.entered)


class _Queue:
    """Faces that wait until a batch is full."""

    def __init__(self, features: GazeFeatures, segmenter: Segmenter) -> None:
        self.features = features
        self.segmenter = segmenter
        self.waiting: list[tuple[Underway, Image]] = []

    def put(self, piece: Underway, face: Image) -> list[Underway]:
        """Add the next face of a piece, RGB; the pieces that are whole by it."""
        self.waiting.append((piece, face))
        return self.flush() if len(self.waiting) >= self.features.batch_size else []

    def flush(self) -> list[Underway]:
        """Look at all that wait; the pieces that are whole by it, in order of their last face."""
        if not self.waiting:
            return []
        _, features = self.features(np.stack([face for _, face in self.waiting])[..., ::-1])
        rows = self.segmenter.enter(features)
        whole = [
            piece for (piece, _), row in zip(self.waiting, rows, strict=True) if piece.fill(row)
        ]
        self.waiting = []
        return whole


def _meetings(
    tracks: Sequence[Track], frames: Iterable[Frame], size: tuple[int, int], maps: int
) -> Iterator[tuple[Frame, list[Underway]]]:
    """Frames with the pieces that have a face to be looked at in them.

    A piece that misses one of its frames ends there, without a prediction.
    """
    coming = pieces_of(tracks, (MIN_FRAMES - 2) / RATE_HZ)
    coming.sort(key=lambda p: int(tracks[p.track].frame[p.rows[0]]), reverse=True)
    going: list[Underway] = []
    for frame in frames:
        while coming and tracks[coming[-1].track].frame[coming[-1].rows[0]] <= frame.index:
            piece = coming.pop()
            going.append(Underway(piece, tracks[piece.track], size, maps))
        going = [p for p in going if p.long_enough and p.next_frame >= frame.index]
        if here := [p for p in going if p.next_frame == frame.index]:
            yield frame, here
        if not going and not coming:
            return


def _module(segmenter: Path | str, device: str) -> nn.Module:
    from eyeline.systems.eye_contact.xgaze.segmenter import Quick
    from eyeline.systems.eye_contact.xgaze.weights import load_segmenter

    return Quick(load_segmenter(segmenter, device))
