"""Who speaks, by the LR-ASD network: slower than agreement of lips and audio, needs a weights file.

The network judges each face alone; its scores then pass through the same turns as those of the
embedded method. A face is embedded once, and the recurrent half runs over stretches of several
lengths, whose scores are averaged as in the authors' demonstration (which embeds each stretch anew,
with nothing beyond its ends, at six times the work).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eyeline.people.tracks import Track
from eyeline.results import Floats, Image, Scores, Segments
from eyeline.speech.mfcc import COEFFICIENTS, mfcc, mfcc_of_blocks
from eyeline.speech.mouths import TICK_HZ, clock_ticks, track_ticks
from eyeline.speech.reel import reels
from eyeline.speech.turns import Evidence, answers, take_turns
from eyeline.speech.voice import Speech
from eyeline.training.devices import on_threads

if TYPE_CHECKING:
    from torch import Tensor

    from eyeline.speech.lr_asd_model import LrAsdNet
    from eyeline.video.audio import AudioBlock
    from eyeline.video.reader import Frame

BUILDER = "lr_asd"
STRETCHES_S = {1: 3, 2: 3, 3: 2, 4: 1, 5: 1, 6: 1}
"""Lengths of the stretches that are judged, and how much each counts."""
BLOCK_TICKS = 60 * TICK_HZ
"""Ticks that are judged together; all stretches end where it ends."""

_EMBED_TICKS = 125  # faces that are embedded together
_MEMORY_S = 2.0  # time over which scores of neighbouring ticks tell the same
_QUARTERS = 4  # rows of coefficients a tick

Coefficients = npt.NDArray[np.float32]


class LrAsd:
    """The network, ready to judge the faces of a video."""

    notes = ()

    def __init__(self, weights: str | Path, *, threads: int = 2) -> None:
        """Load the published weights.

        Args:
            weights: the authors' file, for example `finetuning_TalkSet.model`.
            threads: threads that the network may use.

        Raises:
            CheckpointError: for a file that is not what it should be.
        """
        from eyeline.speech.lr_asd_model import fold, lr_asd

        self._net = fold(lr_asd(weights))
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
        rates = [odds / _MEMORY_S for odds in self.log_odds(tracks, frames, audio)]
        evidence = Evidence.of_tracks(tracks, ticks, rates)
        return answers(take_turns(evidence, speech), rows or tracks, BUILDER)

    def log_odds(
        self, tracks: Sequence[Track], frames: Iterable[Frame], audio: Iterable[AudioBlock]
    ) -> list[Floats]:
        """The network's own answer for each track, face by face.

        Returns:
            For each track `(n,)` log-odds of "speaks" on the ticks `track_ticks(track)`; NaN where
            the frames ended before.
        """
        import torch

        coefficients = mfcc_of_blocks(audio)
        judges = [_Judge(self._net, coefficients, track_ticks(track)) for track in tracks]
        with torch.inference_mode(), on_threads(self._threads):
            for i, face in reels(tracks, frames):
                judges[i].feed(face)
            return [judge.finish() for judge in judges]


class _Judge:
    """One track's faces on their way to scores; keeps at most a minute of embeddings."""

    def __init__(self, net: LrAsdNet, coefficients: Coefficients, ticks: slice) -> None:
        from eyeline.speech.lr_asd_model import FACE_REACH

        self._net, self._coefficients, self._ticks = net, coefficients, ticks
        self._reach = FACE_REACH
        self._faces: list[Image] = []  # from `reach` before the first that is not yet embedded
        self._before = 0  # of them already embedded
        self._embedded: list[Tensor] = []
        self._judged = 0
        self._odds: list[Floats] = []

    def feed(self, face: Image) -> None:
        """Take the face of the next tick."""
        self._faces.append(face)
        if len(self._faces) == self._before + _EMBED_TICKS + self._reach:
            self._embed(_EMBED_TICKS)

    def finish(self) -> Floats:
        """Log-odds `(n,)` of all ticks of the track."""
        self._embed(len(self._faces) - self._before)
        self._judge(sum(len(part) for part in self._embedded))
        odds = np.concatenate([np.zeros(0), *self._odds])
        missing = self._ticks.stop - self._ticks.start - len(odds)
        return np.concatenate([odds, np.full(missing, np.nan)])

    def _embed(self, count: int) -> None:
        """Embed the next `count` faces, seeing what lies around them."""
        import torch

        if not count:
            return
        faces = torch.from_numpy(np.stack(self._faces).astype(np.float32))[None]
        self._embedded.append(self._net.face(faces)[0, self._before : self._before + count])
        kept = min(self._before + count, self._reach)
        self._faces = self._faces[self._before + count - kept :]
        self._before = kept
        if sum(len(part) for part in self._embedded) >= BLOCK_TICKS:
            self._judge(BLOCK_TICKS)

    def _judge(self, count: int) -> None:
        """Log-odds of the first `count` embedded faces, averaged over stretches of all lengths."""
        import torch

        if not count:
            return
        embedded = torch.cat(self._embedded)
        faces, self._embedded = embedded[None, :count], [embedded[count:]]
        first = self._ticks.start + self._judged
        audio = _hear(self._net, self._coefficients, first, count)
        total = torch.zeros(count)
        for length_s, times in STRETCHES_S.items():
            ticks = length_s * TICK_HZ
            parts = zip(torch.split(faces, ticks, 1), torch.split(audio, ticks, 1), strict=True)
            logits = torch.cat([self._net.judge(face, heard)[0] for face, heard in parts])
            total += times * (logits[:, 1] - logits[:, 0])
        self._odds.append((total / sum(STRETCHES_S.values())).double().numpy())
        self._judged += count


def _hear(net: LrAsdNet, coefficients: Coefficients, first: int, count: int) -> Tensor:
    """Embeddings `(1, count, 128)` of the audio from tick `first` on, seeing what lies around."""
    import torch

    from eyeline.speech.lr_asd_model import AUDIO_REACH

    before = min(first, AUDIO_REACH)
    start, stop = (first - before) * _QUARTERS, (first + count + AUDIO_REACH) * _QUARTERS
    rows = coefficients[start:stop]
    silence = mfcc(np.zeros(1, np.float32))  # which stands where the audio has ended
    beyond = np.broadcast_to(silence, (stop - start - len(rows), COEFFICIENTS))
    heard: Tensor = net.sound(torch.from_numpy(np.concatenate([rows, beyond]))[None])
    return heard[:, before : before + count]
