"""How well lips agree with what is heard: evidence for each face, tick by tick.

Two things tell a speaker's lips: they move at all, which anybody's may, and they open when the
voice gets loud, a little earlier than it is heard. By how much earlier depends on the video (lips
lead by a tenth of a second, and the sound may be shifted), so one lag is found for all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import Floats
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

LAGS_S = np.arange(-4, 11) * 0.04
"""Lags looked at: by how much the sound comes after the lips."""
USUAL_LAG_S, LAG_SPREAD_S = 0.12, 0.08
"""Mean and standard deviation of the lag over videos."""

_WINDOW_S = 0.3  # Gaussian over which lips and loudness are correlated
_LEVEL_S = 1.5  # Gaussian over which both are scaled
_LOUDNESS = 0.7  # power of the amplitude
_ACTIVITY_S = 0.4  # Gaussian over which motion is averaged
_REST = (0.006, 0.012)  # least and greatest motion of a closed mouth, in eye distances
_BUSY = 3.0  # times that of rest: the motion from which on lips are as busy as talking ones
_NO_TRUST = 0.1  # lips that are trusted less tell nothing
_STILL, _MOVING = -1.6, -0.5  # nats a second for a mouth at rest, and for one as busy as in talk
_AGREE = 4.0  # nats a second on top where lips and loudness agree entirely
_AGREEMENT = (-0.2, 1.0)  # lips that disagree for a while tell less: landmarks slip, faces turn


def weigh(speech: Speech, tracks: Sequence[Track], ticks: int) -> Evidence:
    """What the lips say about who speaks.

    Args:
        speech: what is heard.
        tracks: the faces, with identities.
        ticks: length of the answer, from second 0.
    """
    persons, owner = by_person(tracks)
    evidence = Evidence.empty(persons, ticks)
    mouths = [read_mouth(track) for track in tracks]
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
    """By how many seconds the sound of this video comes after the lips that make it.

    The lag under which the lips, each for itself, agree best with the loudness where there is a
    voice; a lag far from the usual one must earn it.
    """
    gain = -(((LAGS_S - USUAL_LAG_S) / LAG_SPREAD_S) ** 2) / 2
    for mouth in mouths:
        weight = speech.voice_at(mouth.time_s) * mouth.trust * TICK_S
        curve = loudness(speech, mouth.blur_s)
        for i, lag_s in enumerate(LAGS_S):
            nats = _AGREE * agreement(curve, mouth, lag_s)
            # Log-likelihood of somebody who speaks a third of the time against one who never does.
            gain[i] += float((weight * np.log1p((np.exp(nats - 1) - 1) / 3)).sum())
    return float(LAGS_S[int(np.argmax(gain))])


def mouth_rate(speech: Speech, mouth: Mouth, lag_s: float, rest: float) -> Floats:
    """Nats a second `(n,)` for "these lips make the voice" on the mouth's ticks; 0 without trust.

    Args:
        speech: what is heard.
        mouth: the lips.
        lag_s: by how much the sound comes after the lips.
        rest: motion of the lips at rest.
    """
    busy = np.log(activity(mouth) / rest + 1e-9) / np.log(_BUSY)
    moving = _STILL + (_MOVING - _STILL) * np.clip(busy, 0, 1)
    agree = agreement(loudness(speech, mouth.blur_s), mouth, lag_s)
    rate = moving + _AGREE * np.clip(agree, *_AGREEMENT)
    return np.asarray(rate * nearby_trust(mouth) * mouth.trust)


def agreement(curve: Floats, mouth: Mouth, lag_s: float) -> Floats:
    """Running correlation `(n,)`, clipped to [-1, 1], of lip motion and the loudness `lag_s` later.

    Args:
        curve: as of `loudness`.
        mouth: the lips.
        lag_s: by how much the sound comes after the lips.
    """
    from scipy.ndimage import gaussian_filter1d

    if not len(curve) or not len(mouth.motion):
        return np.zeros(len(mouth.motion))
    heard = np.interp(mouth.time_s + lag_s, np.arange(len(curve)) * HOP_S, curve)
    heard = heard - gaussian_filter1d(heard, SLOW_S * TICK_HZ)
    product = weighted_mean(mouth.motion * heard, mouth.trust, _WINDOW_S)
    lips = weighted_mean(mouth.motion**2, mouth.trust, _LEVEL_S)
    sound = weighted_mean(heard**2, mouth.trust, _LEVEL_S)
    scale = np.sqrt(lips * sound)
    return np.asarray(np.clip(product / np.where(scale > 0, scale, np.inf), -1, 1))


def loudness(speech: Speech, blur_s: float) -> Floats:
    """Loudness of the speech band at 100 Hz, as smooth as lips seen every `blur_s` seconds."""
    from scipy.ndimage import gaussian_filter1d

    amplitude = 10 ** (speech.level_db.astype(np.float64) / 20 * _LOUDNESS)
    return np.asarray(gaussian_filter1d(amplitude, max(0.02, 0.4 * blur_s) / HOP_S))
