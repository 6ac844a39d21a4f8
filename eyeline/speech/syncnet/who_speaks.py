"""Who speaks, by SyncNet: lips that lie near the audio at the one shift that suits the video.

Each clip of a face and each fifth of a second of audio is encoded once, the audio for all faces
together; faces are looked at only where somebody is heard. The measured shift is applied, and the
evidence passes through the same turns as that of the other methods, so that "nobody visible
speaks" is an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, UsageError
from eyeline.people.tracks import Track
from eyeline.results import Floats, Scores, Segments
from eyeline.speech.mouths import TICK_S, by_person, clock_ticks, track_ticks
from eyeline.speech.syncnet.crops import Clock, Edges, Reel, faces, reel
from eyeline.speech.syncnet.evidence import Calibration, agreement, common_shift, smooth
from eyeline.speech.turns import Evidence, Turns, answers, take_turns
from eyeline.speech.voice import Speech
from eyeline.training.devices import for_answers

if TYPE_CHECKING:
    from eyeline.speech.syncnet.features import OverTime, Precision
    from eyeline.speech.syncnet.judge import Judge
    from eyeline.speech.syncnet.model import SyncNet
    from eyeline.video.audio import AudioBlock
    from eyeline.video.reader import Frame

BUILDER = "syncnet"
AROUND_S = 1.0
"""Faces are looked at for so long before and after somebody is heard."""


@dataclass(frozen=True)
class Ways:
    """How the network is used; by default what is best, `PUBLISHED` what VGS does."""

    clock: Clock = "by_time"
    edges: Edges = "repeated"
    decision: Literal["calibrated", "published"] = "calibrated"
    """`published`: by mutual information; somebody always speaks, no shift is applied, and all
    faces must be there from the first frame to the last."""
    precision: Precision = "float32"
    every: int = 2
    """Ticks from one clip that is encoded to the next. 2 halves the work on faces; on the distances
    that the authors' network left for a real clip it moves agreements by 0.045 at most, where those
    of speaking and silent faces lie 0.2 apart."""

    def __post_init__(self) -> None:
        """UsageError for what cannot be."""
        if self.every < 1:
            raise UsageError(f"every {self.every} ticks: at least 1")
        if self.decision == "published" and self.every != 1:
            raise UsageError("the published decision needs every tick")


PUBLISHED = Ways("as_they_come", "published", "published", every=1)


class LipSync:
    """The network, ready to judge the faces of a video."""

    notes = ()

    def __init__(
        self,
        weights: str | Path | SyncNet,
        *,
        threads: int = 2,
        device: str = "cpu",
        ways: Ways | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """Load the weights.

        Args:
            weights: the authors' `syncnet_v2.model`, our file of it, or a network.
            threads: threads that the network may use.
            device: where it runs.
            ways: how it is used.
            calibration: what agreement is worth; by default as the file's card says, else ours.

        Raises:
            CheckpointError: for a file that is not what it should be.
            UsageError: a device that is not there.
        """
        from eyeline.speech.syncnet.features import OverTime
        from eyeline.speech.syncnet.weights import load_syncnet
        from eyeline.training.devices import check_device

        check_device(device)
        settings: dict[str, Any] = {}
        if isinstance(weights, (str, Path)):
            net, settings = load_syncnet(weights)
        else:
            net = weights
        self.ways = ways or Ways()
        self.calibration = calibration or stored_calibration(settings)
        self._net: OverTime = OverTime(net, precision=self.ways.precision, device=device)
        self._threads = threads

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
        """See `methods.ActiveSpeaker`; DataError for a track without a person."""
        ticks = clock_ticks(speech.duration_s if until_s is None else until_s, tracks)
        if self.ways.decision == "published":
            turns = self._published(tracks, frames, audio, ticks)
        else:
            values = self.agreements(speech, tracks, frames, audio)[0] if tracks else []
            rates = [np.where(np.isnan(v), np.nan, self.calibration.rate(v)) for v in values]
            turns = take_turns(Evidence.of_tracks(tracks, ticks, rates), speech)
        return answers(turns, rows or tracks, BUILDER)

    def agreements(
        self,
        speech: Speech,
        tracks: Sequence[Track],
        frames: Iterable[Frame],
        audio: Iterable[AudioBlock],
    ) -> tuple[list[Floats], int]:
        """How each face agrees with the audio, and the shift that was applied.

        Returns:
            For each track `(n,)` on the ticks `track_ticks(track)`, as of `evidence.agreement`, NaN
            where nobody is heard or the frames ended before; and by how many ticks the audio comes
            after the lips.
        """
        reels = [reel(track, self.ways.clock, self.ways.edges) for track in tracks]
        wanted = [_heard(speech, one) for one in reels]
        curves = [
            agreement(smooth(judge.distances()))
            for judge in self._judged(tracks, reels, wanted, frames, audio)
        ]
        voices = [speech.voice_at((r.first + np.arange(len(r.row)) + 0.5) * TICK_S) for r in reels]
        shift = common_shift(curves, voices, self.calibration)
        result = [
            curve[one.image, shift + curve.shape[1] // 2]
            for curve, one in zip(curves, reels, strict=True)
        ]
        return result, shift

    def _published(
        self, tracks: Sequence[Track], frames: Iterable[Frame], audio: Iterable[AudioBlock],
        ticks: int,
    ) -> Turns:  # fmt: skip
        from eyeline.speech.syncnet import published

        persons, owner = by_person(tracks)
        speaking = np.zeros((ticks, len(persons)))
        if tracks:
            _check_alike(tracks)
            reels = [reel(track, self.ways.clock, self.ways.edges) for track in tracks]
            every = [np.ones(len(one.row), bool) for one in reels]
            judges = self._judged(tracks, reels, every, frames, audio, keep=True)
            lips = np.stack([judge.lips()[:-2] for judge in judges])  # two fewer, as published
            named = published.who_speaks(lips, judges[0].sound(lips.shape[1])).track
            named = np.concatenate([named, np.full(len(reels[0].row) - len(named), -1)])
            for i, (one, column) in enumerate(zip(reels, owner, strict=True)):
                speaking[track_ticks(tracks[i]), column] += named[one.image] == i
        speaking = np.minimum(speaking, 1.0)
        there = np.ones(speaking.shape, bool)
        voiced = np.asarray(speaking.any(axis=1), bool)
        return Turns(persons, speaking, np.zeros(ticks), voiced, there)

    def _judged(
        self,
        tracks: Sequence[Track],
        reels: Sequence[Reel],
        wanted: Sequence[npt.NDArray[np.bool_]],
        frames: Iterable[Frame],
        audio: Iterable[AudioBlock],
        *,
        keep: bool = False,
    ) -> list[Judge]:
        from eyeline.speech.syncnet.judge import Heard, Judge

        heard = Heard(self._net, audio)
        judges = [
            Judge(self._net, heard, one.first, len(one.row), every=self.ways.every, keep=keep)
            for one in reels
        ]
        with for_answers(self._threads):
            for i, k, face in faces(tracks, reels, wanted, frames):
                judges[i].feed(k, face)
            for judge in judges:
                judge.finish()
        return judges


def stored_calibration(settings: object) -> Calibration:
    """What a card's settings say of the calibration, the rest as by default."""
    stored = settings.get("calibration", {}) if isinstance(settings, dict) else {}
    own = Calibration()
    known = {k: float(v) for k, v in dict(stored).items() if k in vars(own)}
    return replace(own, **known)


def _heard(speech: Speech, one: Reel) -> npt.NDArray[np.bool_]:
    """Which images `(n,)` lie near somebody's speech, by the tick of their audio."""
    time_s = (one.first + np.arange(len(one.row))) * TICK_S
    near = np.zeros(len(time_s), bool)
    for start, end in speech.segments():
        near |= (time_s >= start - AROUND_S) & (time_s < end + AROUND_S)
    return near


def _check_alike(tracks: Sequence[Track]) -> None:
    spans = {(int(t.frame[0]), len(t)) for t in tracks}
    if len(spans) > 1 or next(iter(spans))[0] != 0:
        listed = ", ".join(f"track {t.track_id}: frames {t.frame[0]}-{t.frame[-1]}" for t in tracks)
        raise DataError(
            "the published decision needs all faces from frame 0 to one common end, but there are "
            f"{listed}. The calibrated decision takes them as they are"
        )
