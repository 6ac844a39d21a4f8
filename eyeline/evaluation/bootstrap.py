"""Intervals of scores when whole groups (videos, people, recordings) are drawn with replacement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from eyeline.results import Floats, Ints

Score = Callable[[Ints], float]
"""The score of a draw, given `(groups,)` numbers of groups with repeats; NaN where it has none."""
Area = Callable[[Ints, Ints, Floats], float]
"""Average precision of rows by falling score: 1 or 0 `(n,)`, how often each counts, scores."""


def bootstrap_interval(
    score: Score, groups: int, *, samples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a score; draws without one are left out, NaN where none has one."""
    rng = np.random.default_rng(seed)
    draws = np.array([score(rng.integers(0, groups, groups)) for _ in range(samples)])
    if np.isnan(draws).all():
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def interval(score: Score, groups: int, *, samples: int = 200, seed: int = 0) -> list[float] | None:
    """The 95 % interval; None where no draw has a score, or without samples."""
    if not samples:
        return None
    span = bootstrap_interval(score, groups, samples=samples, seed=seed)
    return None if np.isnan(span).any() else list(span)


def intervals(
    scores: Mapping[str, Score], groups: int, *, samples: int = 200, seed: int = 0
) -> dict[str, list[float] | None]:
    """Those of several scores by the same draws."""
    return {
        name: interval(score, groups, samples=samples, seed=seed) for name, score in scores.items()
    }


def compared(
    ours: Score, theirs: Score, groups: int, *, names: tuple[str, str], higher: bool,
    samples: int = 200, seed: int = 0,
) -> dict[str, Any] | None:  # fmt: skip
    """Two scores of the same rows, under `names`, and their paired `difference`.

    Returns:
        With the `interval` of the difference (None of a single group) and `better`: whether all of
        it lies on the better side of 0, None where it holds 0. None without a difference.
    """
    whole = np.arange(groups)

    def change(drawn: Ints) -> float:
        return ours(drawn) - theirs(drawn)

    if np.isnan(change(whole)):
        return None
    span = interval(change, groups, samples=samples, seed=seed) if groups > 1 else None
    aside = span is not None and not span[0] <= 0 <= span[1]
    return {
        names[0]: ours(whole),
        names[1]: theirs(whole),
        "difference": change(whole),
        "interval": span,
        "better": (span[0] > 0) == higher if aside and span else None,
    }


def difference_lines(figures: Mapping[str, Any], names: tuple[str, str]) -> list[str]:
    """Comparisons as of `compared` in words, a line each; those without a difference left out."""
    return [
        f"  {figure:<18}{one[names[0]]:8.3f} {names[0]} {one[names[1]]:8.3f} {names[1]}"
        f" {one['difference']:+8.3f}{interval_text(one['interval'], '+')}"
        for figure, one in figures.items()
        if isinstance(one, Mapping) and one["difference"] is not None
    ]


def interval_text(span: list[float] | None, sign: str = "") -> str:
    """An interval in words, to stand after its figure."""
    return f"  ({span[0]:{sign}.3f} to {span[1]:{sign}.3f})" if span else ""


def drawn_ratio(total: Floats | Ints, count: Floats | Ints) -> Score:
    """Sums over counts, each `(groups,)`."""

    def of(drawn: Ints) -> float:
        whole = count[drawn].sum()
        return float(total[drawn].sum() / whole) if whole else float("nan")

    return of


def drawn_mean(values: Floats, group: Ints, groups: int) -> Score:
    """Means over rows; NaN is left out.

    Args:
        values: `(n,)`.
        group: `(n,)` number of each row's group.
        groups: how many there are.
    """
    known = ~np.isnan(values)
    return drawn_ratio(
        np.bincount(group[known], weights=values[known], minlength=groups),
        np.bincount(group[known], minlength=groups),
    )


def drawn_precision(
    truth: Ints | Floats, score: Floats, group: Ints, groups: int, area: Area | None = None
) -> Score:
    """Average precision; rows are sorted once, and a draw only weighs them.

    Args:
        truth: `(n,)` 0 or 1.
        score: `(n,)` the higher, the more likely class 1; rows with NaN are left out.
        group: `(n,)` number of each row's group.
        groups: how many there are.
        area: how it is counted; by default by steps, one a distinct score.
    """
    known = np.flatnonzero(~np.isnan(score))
    order = known[np.argsort(-score[known], kind="stable")]
    hit, own, value = (truth[order] == 1).astype(np.int64), group[order], score[order]
    area = area or step_area

    def of(drawn: Ints) -> float:
        return area(hit, np.bincount(drawn, minlength=groups)[own], value)

    return of


def step_area(hit: Ints, times: Ints, score: Floats) -> float:
    """Area under the precision-recall steps, one a distinct score; NaN without a positive."""
    if not len(hit):
        return float("nan")
    step = np.append(np.flatnonzero(np.diff(score)), len(hit) - 1)
    result, seen = np.cumsum(times * hit)[step], np.cumsum(times)[step]
    if not result[-1]:
        return float("nan")
    gained = np.diff(result, prepend=0)
    return float((result / np.maximum(seen, 1) * gained).sum() / result[-1])
