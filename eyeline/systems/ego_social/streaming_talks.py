"""Talking to me while an utterance grows, live or offline by the same code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError, check_shape
from eyeline.results import Floats
from eyeline.runtimes.run import Running, running
from eyeline.systems.ego_social.from_video.faces import (
    AT_ONCE,
    View,
    check_at_once,
    check_order,
    encode,
)
from eyeline.systems.ego_social.inputs import SHORTEST, SIZE, loudened, normalised, sample_at
from eyeline.systems.ego_social.recordings.tracklets import CHUNK
from eyeline.systems.ego_social.scoring.postprocess import scores

if TYPE_CHECKING:
    from torch import nn


@dataclass
class _Talk:
    """An utterance, of which the last piece is under way."""

    first: int
    """First frame of that piece."""
    features: list[Floats] = field(default_factory=list)
    """One a frame `(256,)`, from the first frame on."""
    audio: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    """Samples from the first frame on."""
    logits: Floats | float = 0.0
    """Weighted sum over the pieces that are done."""
    weight: float = 0.0

    @property
    def next(self) -> int:
        """Number of the frame to be shown next."""
        return self.first + len(self.features)


class TalkingStream:
    """Whether somebody talks to me, while the utterance grows.

    An utterance is cut as published, into pieces that end `CHUNK` frames after they begin and share
    that frame; its logits are the mean of theirs. The rest beyond the last whole piece, which the
    benchmark drops, counts here by its fraction of a piece. Frames that are not shown are black.

    Args:
        network: `ttm_model.ttm`, `training.fused` of it for speed, or a file of it in another
            runtime.
        at_once: crops that pass through it together.
    """

    def __init__(self, network: nn.Module | Running, *, at_once: int = AT_ONCE) -> None:
        check_at_once(at_once)
        self.network, self.at_once = running(network), at_once
        self._talks: dict[int, _Talk] = {}

    def begin(self, talk_id: int, first_frame: int) -> None:
        """Somebody begins to speak; UsageError if the utterance has begun already."""
        if talk_id in self._talks:
            raise UsageError(f"utterance {talk_id} has begun already; end it first")
        self._talks[talk_id] = _Talk(first_frame)

    def show(self, views: Sequence[View]) -> None:
        """Show further frames of the speakers' faces; `track_id` is the utterance's."""
        check_order(views, {view.track_id: self._talk(view.track_id).next - 1 for view in views})
        for view, feature in zip(views, encode(self.network, views, self.at_once), strict=True):
            talk = self._talk(view.track_id)
            self._fill(talk, view.frame)
            known = self._black if feature is None else feature
            talk.features += [known] * view.count
            self._advance(talk)

    def hear(self, talk_id: int, samples: Floats) -> None:
        """Further audio `(n,)` of an utterance, 16 kHz in [-1, 1], from its first frame on."""
        check_shape(samples, "n", "samples")
        talk = self._talk(talk_id)
        talk.audio = np.concatenate([talk.audio, np.asarray(samples, np.float32)])
        self._advance(talk)

    def answer(self, talk_id: int) -> float | None:
        """Probability that the person talks to me, by what was seen and heard so far.

        None as long as there are no two frames with 17 ms of audio. UsageError as of `hear`.
        """
        return self._concluded(self._talk(talk_id))

    def end(self, talk_id: int, last_frame: int | None = None) -> float | None:
        """Likewise, for an utterance that has ended; what was not heard of it is silence.

        Frames up to `last_frame` that were not shown are black.
        """
        talk = self._talk(talk_id)
        self._fill(talk, talk.next if last_frame is None else last_frame + 1)
        lacking = _samples(talk.first, talk.next - 1) - len(talk.audio)
        if lacking > 0:
            self.hear(talk_id, np.zeros(lacking, np.float32))
        self._advance(talk)
        del self._talks[talk_id]
        return self._concluded(talk)

    def _talk(self, talk_id: int) -> _Talk:
        if talk_id not in self._talks:
            raise UsageError(f"utterance {talk_id} has not begun: call begin first")
        return self._talks[talk_id]

    def _fill(self, talk: _Talk, until: int) -> None:
        """Black frames up to one."""
        if until > talk.next:
            talk.features += [self._black] * (until - talk.next)

    @cached_property
    def _black(self) -> Floats:
        """Feature of a black image `(256,)`."""
        black = normalised(np.zeros((1, 1, SIZE, SIZE, 3), np.uint8))
        feature: Floats = self.network.run("encode", black)[0][0, 0]
        return feature

    def _advance(self, talk: _Talk) -> None:
        """Conclude the pieces that are whole in images and audio."""
        while len(talk.features) > CHUNK:
            end = _samples(talk.first, talk.first + CHUNK)
            if len(talk.audio) < end:
                return
            talk.logits = talk.logits + self._logits(talk.features[: CHUNK + 1], talk.audio[:end])
            talk.weight += 1.0
            del talk.features[:CHUNK]
            talk.first, talk.audio = talk.first + CHUNK, talk.audio[end:]

    def _concluded(self, talk: _Talk) -> float | None:
        frames = talk.features[: CHUNK + 1]
        audio = talk.audio[: _samples(talk.first, talk.first + len(frames) - 1)]
        logits, weight = talk.logits, talk.weight
        if len(frames) > 1 and len(audio) >= SHORTEST:
            fraction = min(1.0, len(frames) / CHUNK)
            logits, weight = logits + fraction * self._logits(frames, audio), weight + fraction
        if isinstance(logits, float):
            return None
        return float(scores((logits / weight)[None])[0])

    def _logits(self, features: Sequence[Floats], audio: Floats) -> Floats:
        """Logits `(2,)` of a piece."""
        loud = loudened(np.asarray(audio, np.float64)).astype(np.float32)
        (voice,) = self.network.run("hear", loud[None])
        (logits,) = self.network.run("conclude", np.stack(features)[None], voice)
        return np.asarray(logits[0])


def _samples(first: int, last: int) -> int:
    """Samples from a frame to a later one, whose own are not part of it."""
    return sample_at(last) - sample_at(first)
