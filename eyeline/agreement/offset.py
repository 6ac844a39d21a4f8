"""By how much one coder's clock runs behind the other's: cross-correlation of the codings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eyeline.agreement.match import MatchedTier
from eyeline.agreement.measures import event_matches, events, values_at
from eyeline.results import Floats

_STEP_S = 0.04
_MOST_CELLS = 500_000
"""Of the grid: longer codings are looked at in larger steps."""
_MOST_VALUES = 20
"""A tier with more, such as free text, is looked at by whether it has an interval."""
_CLEAR = 0.05
"""By so much the best offset correlates better than any other that is apart."""
_APART_S = 1.0
_LEAST = 0.3
"""Correlation from which on an offset is believed."""
_MATCH_IOU = 0.5
_OTHER_CLOCK_S = 0.1
_OTHER_CLOCK_CORRELATION = 0.1


class Offset(NamedTuple):
    """The best offset of B against A."""

    by_s: float
    """Positive where B is later."""
    correlation: float
    """Of the two codings at that offset."""
    as_they_are: float
    """Of the two codings without an offset."""
    clear: bool
    """Whether no other offset comes near."""

    @property
    def is_other_clock(self) -> bool:
        """Whether it is so large, and correlates so much better, that it is to be reported."""
        gain = self.correlation - self.as_they_are
        return self.clear and abs(self.by_s) > _OTHER_CLOCK_S and gain > _OTHER_CLOCK_CORRELATION


def find_offset(tiers: Sequence[MatchedTier], most_s: float) -> Offset | None:
    """The offset of all tiers together within `most_s`; None where a coder has nothing.

    Each value is a signal that is 1 where a tier says it. The signals of both coders, without
    their means, are correlated at each offset, and the correlations of all values added up.
    """
    from scipy.signal import correlate

    end_s = max((t.intervals[-1].to_s for m in tiers for t in (m.a, m.b) if t.intervals), default=0)
    step_s = max(_STEP_S, end_s / _MOST_CELLS)
    time_s = (np.arange(int(np.ceil(end_s / step_s))) + 0.5) * step_s
    total, energy = np.zeros(max(0, 2 * len(time_s) - 1)), np.zeros(2)
    for tier in tiers:
        values = ["", *dict.fromkeys((*tier.a.values, *tier.b.values))]
        a, b = (values_at(t.intervals, time_s, values) for t in (tier.a, tier.b))
        if len(values) > _MOST_VALUES:
            a, b, values = np.minimum(a, 1), np.minimum(b, 1), values[:2]
        for number in range(1, len(values)):
            x, y = ((side == number) - np.mean(side == number) for side in (a, b))
            total += correlate(y, x, method="fft")
            energy += (x @ x, y @ y)
    if not energy.all():
        return None
    correlation = total / np.sqrt(energy.prod())
    lag_s = (np.arange(len(total)) - len(time_s) + 1) * step_s
    near = np.abs(lag_s) <= most_s
    correlation, lag_s = correlation[near], lag_s[near]
    best = int(np.argmax(correlation))
    others = correlation[np.abs(lag_s - lag_s[best]) > _APART_S]
    clear = not len(others) or correlation[best] - others.max() >= _CLEAR
    by_s = float(lag_s[best])
    return Offset(
        round(by_s + _rest(tiers, by_s, step_s), 3),
        float(correlation[best]),
        float(correlation[np.argmin(np.abs(lag_s))]),
        bool(clear and correlation[best] >= _LEAST),
    )


def _rest(tiers: Sequence[MatchedTier], by_s: float, step_s: float) -> float:
    """What is left of the offset, less than a step: the median difference of matched bounds."""
    differences: list[Floats] = []
    for tier in tiers:
        values = ["", *dict.fromkeys((*tier.a.values, *tier.b.values))]
        whole = np.array([[0.0, np.inf]])
        a = events(tier.a.intervals, values, whole)
        b = events(tier.b.shifted(-by_s).intervals, values, whole)
        differences.append(event_matches(a, b, (_MATCH_IOU,))[1].ravel())
    every = np.concatenate(differences)
    rest = float(np.median(every)) if len(every) else 0.0
    return rest if abs(rest) <= 2 * step_s else 0.0
