"""From distances of lips and audio to evidence: how much nearer they are at the right shift.

Where a face makes the audio, its distance at the right shift falls well below that at the other
shifts; where it does not, all shifts are alike. The fall over the usual distance is free of the
network's scale, and a network that knows nothing gives none, so that nobody is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats
from eyeline.speech.mouths import TICK_HZ, TICK_S
from eyeline.speech.syncnet.offset import SHIFT_TICKS

SMOOTH_S = 0.4
"""Gaussian over which distances are averaged."""
INDEPENDENT_S = 2 * np.sqrt(np.pi) * SMOOTH_S
"""So far apart values tell different things."""
USUAL_SHIFT_TICKS, SHIFT_SPREAD_TICKS = 0.0, 6.0
"""Mean and standard deviation of the shift over videos."""

_LEAST, _MOST = -4.0, 6.0  # nats a second: one face may be mistaken for a while


@dataclass(frozen=True)
class Calibration:
    """What an agreement is worth.

    The numbers here suit the authors' network as far as it is known: in the distances that it left
    for the one real clip, silent faces agree by 0.13 at most and speaking ones by 0.30 at least.
    `scripts/choose_syncnet_threshold.py` chooses others for a given file, on drawn talkers.
    """

    threshold: float = 0.2
    """Agreement from which on lips rather make the audio than not."""
    nats_a_second: float = 20.0
    """Evidence for each unit of agreement above it."""

    def rate(self, agreement: Floats) -> Floats:
        """Nats a second for "these lips make the voice"; 0 where nothing is known."""
        rate = self.nats_a_second * (agreement - self.threshold)
        return np.asarray(np.nan_to_num(np.clip(rate, _LEAST, _MOST), nan=0.0))


def smooth(distance: Floats) -> Floats:
    """Running means `(n, shifts)` of distances over time; NaN counts for nothing."""
    from scipy.ndimage import gaussian_filter1d

    known = np.isfinite(distance)
    sigma = SMOOTH_S * TICK_HZ
    total = gaussian_filter1d(np.where(known, distance, 0.0), sigma, axis=0, mode="constant")
    weight = gaussian_filter1d(known.astype(np.float64), sigma, axis=0, mode="constant")
    mean = total / np.where(weight > 1e-6, weight, np.inf)
    return np.where(known & (weight > 1e-6), mean, np.nan)


def agreement(mean: Floats) -> Floats:
    """How far below the usual each shift's distance lies, over the usual one.

    Args:
        mean: `(n, shifts)` as of `smooth`.

    Returns:
        `(n, shifts)`, at most 1 and about 0 for lips that do not make the audio; NaN where more
        than half of the shifts are unknown.
    """
    known = np.isfinite(mean)
    enough = known.sum(axis=1) * 2 > mean.shape[1]
    usual = np.full(len(mean), np.nan)
    if enough.any():
        usual[enough] = np.nanmedian(mean[enough], axis=1)
    usual[~(usual > 0)] = np.nan
    return np.asarray(1 - mean / usual[:, None])


def common_shift(
    agreements: Sequence[Floats], voices: Sequence[Floats], calibration: Calibration
) -> int:
    """By how many ticks the audio of this video comes after the lips that make it.

    The shift under which the faces, each for itself, agree best with the audio while there is a
    voice; one far from none must earn it.

    Args:
        agreements: of each face, `(n, 31)`.
        voices: probability of a voice at each of its times, `(n,)`.
        calibration: what agreements are worth.
    """
    shifts = np.arange(-SHIFT_TICKS, SHIFT_TICKS + 1)
    gain = -(((shifts - USUAL_SHIFT_TICKS) / SHIFT_SPREAD_TICKS) ** 2) / 2
    for values, voice in zip(agreements, voices, strict=True):
        nats = calibration.rate(values) * INDEPENDENT_S
        # log-likelihood of somebody who speaks a third of the time against one who never does
        likely = np.log1p(np.expm1(nats) / 3) * np.isfinite(values)
        gain = gain + (likely * voice[:, None]).sum(axis=0) * TICK_S / INDEPENDENT_S
    return int(shifts[gain.argmax()])
