"""How well lips agree with what is heard: evidence for each face, tick by tick.

A speaker's lips move, which anybody's may who chews or laughs, and they move with the voice: they
open when it gets loud, the mouth gets dark and its pixels stir when syllables begin, a little
earlier than all that is heard. By how much earlier depends on the video (lips lead by a tenth of a
second, and the audio may be shifted), so one lag is found for all of it; agreement at that lag
counts against agreement at lags at which nobody's lips agree. What each of these is worth was
fitted by `scripts/fit_speech.py` on labelled clips, see `docs/accuracy.md`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import Floats
from eyeline.speech.lips import Lips
from eyeline.speech.mouths import (
    SLOW_S,
    TICK_HZ,
    TICK_S,
    Mouth,
    by_person,
    read_mouth,
    weighted_mean,
)
from eyeline.speech.turns import Evidence
from eyeline.speech.voice import HOP_S, Speech

WEIGHTS = Path(__file__).parent / "weights" / "agreement.json"
LAGS_S = np.arange(-4, 11) * 0.04
"""Lags looked at: by how much the audio comes after the lips."""
USUAL_LAG_S, LAG_SPREAD_S = 0.12, 0.08
"""Mean and standard deviation of the lag over videos."""
WRONG_LAGS_S = (-1.2, -0.7, 0.9, 1.4)
"""Further lags, at which not even the speaker's lips agree: what chance gives."""

_WINDOW_S = 0.3  # Gaussian over which lips and loudness are correlated
_LONG_S = 0.9  # and the longer one
_LEVEL_S = 1.5  # Gaussian over which both are scaled
_LOUDNESS = 0.7  # power of the amplitude
_ACTIVITY_S = 0.4  # Gaussian over which motion is averaged
_REST = (0.006, 0.012)  # least and greatest motion of a closed mouth, in eye distances
_BUSY = 3.0  # times that of rest: the motion from which on lips are as busy as talking ones
_NO_TRUST = 0.1  # lips that are trusted less tell nothing
_AGREE = 4.0  # nats a second where lips and loudness agree entirely, while the lag is found


@dataclass(frozen=True)
class Worth:
    """What the features of `features` are worth, as fitted."""

    mean: Floats
    """`(k,)` of each feature."""
    weight: Floats
    """`(k,)` nats a second for each unit above the mean."""
    bias: float
    """Nats a second where all features are at their means."""

    def rate(self, rows: Floats) -> Floats:
        """Nats a second `(n,)` for "these lips make the voice" from features `(n, k)`."""
        return np.asarray((rows - self.mean) @ self.weight + self.bias)


@cache
def _stored(pixels: bool) -> dict[str, Any]:
    fitted: dict[str, dict[str, Any]] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return fitted["pixels" if pixels else "landmarks"]


def worth(pixels: bool) -> Worth:
    """The fitted worth of features with or without those that are read off pixels."""
    stored = _stored(pixels)
    return Worth(np.array(stored["mean"]), np.array(stored["weight"]), float(stored["bias"]))


def thresholds(pixels: bool) -> tuple[float, float]:
    """The fitted probabilities from which a person, and nobody visible, is named."""
    stored = _stored(pixels)
    return float(stored["threshold"]), float(stored["unseen_threshold"])


def weigh(
    speech: Speech, tracks: Sequence[Track], ticks: int, lips: Sequence[Lips] | None = None
) -> Evidence:
    """What the lips say about who speaks.

    Args:
        speech: what is heard.
        tracks: the faces, with identities.
        ticks: length of the result, from second 0.
        lips: of each track, by default what was measured while it was followed.
    """
    persons, owner = by_person(tracks)
    evidence = Evidence.empty(persons, ticks)
    measured = lips if lips is not None else [Lips.of_track(track) for track in tracks]
    mouths = [read_mouth(track, lip) for track, lip in zip(tracks, measured, strict=True)]
    lag_s = common_lag(speech, mouths)
    rest = [
        resting([mouth for mouth, k in zip(mouths, owner, strict=True) if k == column])
        for column in range(len(persons))
    ]
    for mouth, column in zip(mouths, owner, strict=True):
        evidence.visible[mouth.ticks, column] = True
        evidence.known[mouth.ticks, column] = nearby_trust(mouth) > _NO_TRUST
        evidence.rate[mouth.ticks, column] = mouth_rate(speech, mouth, lag_s, rest[column])
    return evidence


def resting(mouths: Sequence[Mouth]) -> float:
    """Motion of one person's lips at rest, in eye distances: what the landmarks jitter by.

    A low percentile of the running motion, within what landmarks do on faces of all sizes, for the
    person may never rest.
    """
    seen = [activity(mouth)[mouth.trust > _NO_TRUST] for mouth in mouths]
    motion = np.concatenate([np.zeros(0), *seen])
    return float(np.clip(np.percentile(motion, 20), *_REST)) if len(motion) else _REST[0]


def nearby_trust(mouth: Mouth) -> Floats:
    """Running mean `(n,)` of the trust in the lips."""
    return weighted_mean(mouth.trust, np.ones(len(mouth.trust)), _ACTIVITY_S)


def activity(mouth: Mouth) -> Floats:
    """Running root mean square `(n,)` of the lips' motion, in eye distances."""
    power = weighted_mean(mouth.motion**2, mouth.trust, _ACTIVITY_S)
    return np.asarray(np.sqrt(power))


def common_lag(speech: Speech, mouths: Sequence[Mouth]) -> float:
    """By how many seconds the audio of this video comes after the lips that make it.

    The lag under which the lips, each for itself, agree best with the loudness where there is a
    voice; a lag far from the usual one must earn it.
    """
    gain = -(((LAGS_S - USUAL_LAG_S) / LAG_SPREAD_S) ** 2) / 2
    for mouth in mouths:
        weight = speech.voice_at(mouth.time_s) * mouth.trust * TICK_S
        pairs = _pairs(speech, mouth)[:3]
        for i, lag_s in enumerate(LAGS_S):
            nats = _AGREE * np.mean([_agreement(*pair, mouth, lag_s) for pair in pairs], axis=0)
            # Log-likelihood of somebody who speaks a third of the time against one who never does.
            gain[i] += float((weight * np.log1p((np.exp(nats - 1) - 1) / 3)).sum())
    return float(LAGS_S[int(np.argmax(gain))])


def mouth_rate(speech: Speech, mouth: Mouth, lag_s: float, rest: float) -> Floats:
    """Nats a second `(n,)` for "these lips make the voice" on the mouth's ticks; 0 without trust.

    Args:
        speech: what is heard.
        mouth: the lips.
        lag_s: by how much the audio comes after the lips.
        rest: motion of the lips at rest.
    """
    rows = features(speech, mouth, lag_s, rest)
    return worth(_has_pixels(mouth)).rate(rows) * nearby_trust(mouth) * mouth.trust


def features(speech: Speech, mouth: Mouth, lag_s: float, rest: float) -> Floats:
    """What tells a speaker's lips, `(n, k)`: `names(...)` says what each column is.

    Args:
        speech: what is heard.
        mouth: the lips.
        lag_s: by how much the audio comes after the lips.
        rest: motion of the lips at rest, in eye distances.
    """
    busy = np.log(activity(mouth) / rest + 1e-9) / np.log(_BUSY)
    columns = [np.clip(busy, 0, 1.5)]
    if _has_pixels(mouth):
        stir = weighted_mean(mouth.stir, mouth.trust, _ACTIVITY_S)
        columns += [stir, stir - np.percentile(stir, 20)]
    pairs = _pairs(speech, mouth)
    for window_s in (_WINDOW_S, _LONG_S):
        columns += [_agreement(*pair, mouth, lag_s, window_s) for pair in pairs]
    chance = [
        np.mean([_agreement(*pair, mouth, lag, _LONG_S) for pair in pairs], axis=0)
        for lag in WRONG_LAGS_S
    ]
    columns.append(np.max(chance, axis=0))
    return np.stack(columns, axis=1)


def names(pixels: bool) -> list[str]:
    """The columns of `features`."""
    pairs = ["opening, loudness"]
    if pixels:
        pairs += ["darkness, loudness", "stir, loudness", "stir, onsets"]
    motion = ["busy", "stir", "stir above rest"] if pixels else ["busy"]
    agreeing = [f"{pair}, {s} s" for s in (_WINDOW_S, _LONG_S) for pair in pairs]
    return [*motion, *agreeing, "best agreement by chance"]


def _has_pixels(mouth: Mouth) -> bool:
    return bool(len(mouth.stir)) and bool(np.isfinite(mouth.stir).all())


def _pairs(speech: Speech, mouth: Mouth) -> list[tuple[Floats, Floats]]:
    """What is heard at 100 Hz and what is seen `(n,)` that go together in a speaker."""
    loud = loudness(speech, mouth.blur_s)
    if not _has_pixels(mouth):
        return [(loud, mouth.motion)]
    stir = mouth.stir - weighted_mean(mouth.stir, mouth.trust, 2 * SLOW_S)
    return [
        (loud, mouth.motion),
        (loud, mouth.dark),
        (loud, stir),
        (onsets(speech, mouth.blur_s), stir),
    ]


def agreement(curve: Floats, mouth: Mouth, lag_s: float) -> Floats:
    """Running correlation `(n,)` of the lips' opening and the loudness `lag_s` later."""
    return _agreement(curve, mouth.motion, mouth, lag_s)


def _agreement(
    curve: Floats, seen: Floats, mouth: Mouth, lag_s: float, window_s: float = _WINDOW_S
) -> Floats:
    """Running correlation `(n,)`, clipped to [-1, 1], of what is seen and heard `lag_s` later.

    Args:
        curve: what is heard, at 100 Hz.
        seen: `(n,)` on the mouth's ticks.
        mouth: the lips.
        lag_s: by how much the audio comes after the lips.
        window_s: standard deviation of the window.
    """
    from scipy.ndimage import gaussian_filter1d

    if not len(curve) or not len(seen):
        return np.zeros(len(seen))
    heard = np.interp(mouth.time_s + lag_s, np.arange(len(curve)) * HOP_S, curve)
    heard = heard - gaussian_filter1d(heard, SLOW_S * TICK_HZ)
    product = weighted_mean(seen * heard, mouth.trust, window_s)
    lips = weighted_mean(seen**2, mouth.trust, _LEVEL_S)
    audio = weighted_mean(heard**2, mouth.trust, _LEVEL_S)
    scale = np.sqrt(lips * audio)
    return np.asarray(np.clip(product / np.where(scale > 0, scale, np.inf), -1, 1))


def loudness(speech: Speech, blur_s: float) -> Floats:
    """Loudness of the speech band at 100 Hz, as smooth as lips seen every `blur_s` seconds."""
    from scipy.ndimage import gaussian_filter1d

    amplitude = 10 ** (speech.level_db.astype(np.float64) / 20 * _LOUDNESS)
    return np.asarray(gaussian_filter1d(amplitude, max(0.02, 0.4 * blur_s) / HOP_S))


def onsets(speech: Speech, blur_s: float) -> Floats:
    """Onsets of the sub-bands at 100 Hz, as smooth as lips seen every `blur_s` seconds."""
    from scipy.ndimage import gaussian_filter1d

    curve = speech.flux_db.astype(np.float64)
    return np.asarray(gaussian_filter1d(curve, max(0.03, 0.4 * blur_s) / HOP_S))
