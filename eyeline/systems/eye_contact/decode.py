"""From log odds of frames to segments: calibration, a local balance, the cheapest states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.landmarks.inputs import RATE_HZ


@dataclass(frozen=True)
class Calibration:
    """Log odds as they should be: `scale * logit` (temperature scaling).

    An offset is left out on purpose: fitted on some videos it follows their share of contact and
    harms others.
    """

    scale: float = 1.0

    def log_odds(self, logit: Floats) -> Floats:
        """`(...)` to the same."""
        return np.asarray(self.scale * logit)

    def probability(self, logit: Floats) -> Floats:
        """`(...)` network outputs to probabilities of contact."""
        from scipy.special import expit

        return np.asarray(expit(self.log_odds(logit)))


@dataclass(frozen=True)
class Decoding:
    """How log odds become states; times are those of 25 Hz."""

    balance: float = 0.5
    """Share of the local mean that is taken off: nobody holds or avoids contact for good."""
    window_s: float = 10.0
    """Width of that mean."""
    switch_cost: float = 0.5
    """Log odds that a change of state must gain."""


def fit_calibration(logit: Floats, label: Ints) -> Calibration:
    """The scale of highest likelihood, between 0.01 and 10.

    `logit` `(n,)` are outputs for data that the network was not trained on, `label` `(n,)` 0 or 1.
    """
    from scipy.optimize import minimize_scalar

    agreement = np.where(label == 1, -logit, logit)

    def cost(log_scale: float) -> float:
        return float(np.logaddexp(0, np.exp(log_scale) * agreement).mean())

    best = minimize_scalar(cost, bounds=(np.log(0.01), np.log(10)), method="bounded")
    return Calibration(float(np.exp(best.x)))


def decode(log_odds: Floats, how: Decoding) -> Ints:
    """States `(n,)` 0 or 1 of one track from its calibrated log odds `(n,)` at 25 Hz."""
    return cheapest_states(balanced(log_odds, how), how.switch_cost)


def balanced(log_odds: Floats, how: Decoding) -> Floats:
    """Log odds `(n,)` less a share of their moving mean."""
    from scipy.ndimage import uniform_filter1d

    if not len(log_odds):
        return log_odds
    window = 2 * round(how.window_s * RATE_HZ / 2) + 1
    local = uniform_filter1d(np.asarray(log_odds, np.float64), window)
    return np.asarray(log_odds - how.balance * local)


def cheapest_states(log_odds: Floats, switch_cost: float) -> Ints:
    """The two-state sequence of highest total log odds, less `switch_cost` a change (Viterbi)."""
    lead, leads = 0.0, []
    for gain in log_odds.tolist():
        # how far the best path ending in contact is ahead of the best one ending without
        lead = min(max(lead, -switch_cost), switch_cost) + gain
        leads.append(lead)
    states = np.zeros(len(leads), np.int64)
    state = int(bool(leads) and leads[-1] >= 0)
    for i in range(len(leads) - 1, -1, -1):
        states[i] = state
        if i and abs(leads[i - 1]) > switch_cost:
            state = int(leads[i - 1] > 0)
    return states
