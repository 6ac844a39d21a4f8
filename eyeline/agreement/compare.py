"""Agreement of two coders over all videos: a figure for each tier, with intervals by video."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.agreement.match import MatchedTier, TierPair, key, match
from eyeline.agreement.measures import (
    NONE,
    NOTHING,
    cohen_kappa,
    event_matches,
    events,
    grid,
    gwet_ac1,
    percent_agreement,
    pieces,
    table_of,
    values_at,
)
from eyeline.agreement.offset import Offset, find_offset
from eyeline.agreement.sources import Pair, read_pairs
from eyeline.codings.coding import SAME_S, CodingTier, Interval
from eyeline.errors import DataError, EyelineError, UsageError
from eyeline.evaluation.bootstrap import intervals
from eyeline.evaluation.metrics import f1_from_counts
from eyeline.evaluation.report import Report
from eyeline.export.intervals import Spans, as_spans, merged, without
from eyeline.results import Floats, Ints

LEVELS = (0.1, 0.25, 0.5)
"""Overlaps from which on two events are one."""
OTHER_CLOCK_S = 0.1
OTHER_CLOCK_CORRELATION = 0.1
"""An offset that is larger, and correlates better by so much, is reported."""
MOST_VALUES = 200
"""A tier with more is free text, which is not compared value by value."""
_MOST_CELLS = 20_000_000
_PRESENT = "yes"


@dataclass(frozen=True)
class Choices:
    """What of two codings is compared, and how."""

    pairs: Sequence[TierPair] = ()
    """Tiers that belong together, beside those of the same name."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Values of B and what A calls them."""
    presence: bool = False
    """Whether any value counts as `yes`."""
    step_s: float = 0.04
    """Of the grid of Cohen's kappa and Gwet's AC1."""
    from_s: float = 0.0
    to_s: float | None = None
    """What is compared; None for the end of the longer coding."""
    align: bool = False
    """Whether B is moved by the best offset."""
    most_offset_s: float = 60.0
    samples: int = 1000
    """Draws of the bootstrap."""

    def __post_init__(self) -> None:
        """UsageError for what cannot be."""
        if not 0.001 <= self.step_s <= 60:
            raise UsageError(f"--step {self.step_s:g}; must be 0.001 to 60 seconds")
        if self.from_s < 0 or (self.to_s is not None and self.to_s <= self.from_s):
            raise UsageError(f"--from {self.from_s:g} --to {self.to_s:g}; must be 0 <= from < to")
        if self.most_offset_s <= 0 or self.samples < 0:
            raise UsageError("--max-offset must be greater than 0, --samples at least 0")


@dataclass(frozen=True)
class Counted:
    """One tier of one video, as counts that add up over videos."""

    video: str
    tier: MatchedTier
    spans: Spans
    """What is compared."""
    seconds: Floats
    """`(values, values)` exact."""
    cells: Floats
    """`(values, values)` of the grid."""
    event_counts: Ints
    """`(2,)` events of A and of B."""
    matched: Ints
    """`(levels,)` pairs."""
    differences: Floats
    """`(pairs, 2)` onset and offset of B less those of A, seconds."""


@dataclass(frozen=True)
class TierAgreement:
    """One tier over all videos."""

    name: str
    values: tuple[str, ...]
    """The first is nothing."""
    videos: tuple[Counted, ...]
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Agreement:
    """All tiers over all videos."""

    tiers: tuple[TierAgreement, ...]
    videos: tuple[str, ...]
    report: Report


def agree(a: Path, b: Path, choices: Choices | None = None) -> Agreement:
    """Compare two codings, or two folders of them.

    Raises:
        DataError: nothing can be compared: no common video or tier, or a coding that is wrong.
        UsageError: choices that cannot be.
    """
    choices = choices or Choices()
    found = read_pairs(a, b)
    notes, failed = list(found.notes), list(found.failed)
    matched: dict[str, list[MatchedTier]] = {}
    offsets: dict[str, Offset | None] = {}
    ends: dict[str, float] = {}
    for pair in found.pairs:
        try:
            tiers, ends[pair.video], offsets[pair.video], own = _tiers(pair, choices)
            matched[pair.video] = tiers
            notes += [*pair.notes, *own]
        except EyelineError as error:
            if len(found.pairs) == 1 and not failed:
                raise
            failed.append(str(error))
    if not matched:
        raise DataError("no video could be compared: " + "; ".join(failed))
    cells = max(ends.values()) / choices.step_s
    if cells > _MOST_CELLS:
        raise UsageError(
            f"--step {choices.step_s:g} makes {cells:,.0f} cells, more than {_MOST_CELLS:,}: "
            "choose a larger one"
        )
    tiers_out = _agreements(matched, ends, choices, notes)
    report = _report(a, b, choices, tiers_out, offsets, ends, notes, failed)
    return Agreement(tuple(tiers_out), tuple(matched), report)


def _tiers(
    pair: Pair, choices: Choices
) -> tuple[list[MatchedTier], float, Offset | None, list[str]]:
    """The tiers of one video, its end, the offset of B and notes."""
    tiers, notes = match(pair.video, pair.a, pair.b, choices.pairs)
    offset = find_offset([_as_chosen(t, choices) for t in tiers], choices.most_offset_s)
    b = pair.b
    if offset is not None and choices.align and offset.clear:
        b = b.shifted(-offset.by_s)
        tiers, _ = match(pair.video, pair.a, b, choices.pairs)
        notes.append(f"{pair.video}: B was moved by {-offset.by_s:+.3f} s (--align)")
    elif choices.align:
        notes.append(f"{pair.video}: no clear offset within {choices.most_offset_s:g} s: not moved")
    elif offset is not None and _is_other_clock(offset):
        later = "later" if offset.by_s > 0 else "earlier"
        notes.append(
            f"{pair.video}: B is {abs(offset.by_s):.2f} s {later} than A throughout (correlation "
            f"{offset.correlation:.2f} there, {offset.as_they_are:.2f} as it stands): another "
            "clock? --align moves it"
        )
    known = [side.duration_s for side in (pair.a, b) if side.duration_s]
    end_s = max(known) if known else max(pair.a.end_s, b.end_s)
    return [_as_chosen(tier, choices) for tier in tiers], end_s, offset, notes


def _is_other_clock(offset: Offset) -> bool:
    gain = offset.correlation - offset.as_they_are
    return offset.clear and abs(offset.by_s) > OTHER_CLOCK_S and gain > OTHER_CLOCK_CORRELATION


def _as_chosen(tier: MatchedTier, choices: Choices) -> MatchedTier:
    """With B's values under A's names, or all values as one."""
    if choices.presence:
        return replace(
            tier, a=_valued(tier.a, lambda _: _PRESENT), b=_valued(tier.b, lambda _: _PRESENT)
        )
    by_key = {key(old): new for old, new in choices.values.items()}
    known = {key(value): value for value in tier.a.values}

    def named(value: str) -> str:
        new = by_key.get(key(value), value)
        return known.get(key(new), new) if key(new) else new

    return replace(tier, b=_valued(tier.b, named))


def _valued(tier: CodingTier, named: Callable[[str], str]) -> CodingTier:
    """With other values; neighbours whose values were two and become one are joined."""
    result: list[Interval] = []
    before = ""
    for interval in tier.intervals:
        new = interval._replace(value=named(interval.value))
        last = result[-1] if result else None
        touches = last is not None and new.from_s - last.to_s < SAME_S and new.value == last.value
        if last is not None and touches and interval.value != before:
            result[-1] = last._replace(to_s=new.to_s)
        else:
            result.append(new)
        before = interval.value
    return replace(tier, intervals=tuple(result))


def _agreements(
    matched: Mapping[str, Sequence[MatchedTier]],
    ends: Mapping[str, float],
    choices: Choices,
    notes: list[str],
) -> list[TierAgreement]:
    """All tiers; `notes` gets those that are free text."""
    by_name: dict[str, list[tuple[str, MatchedTier]]] = {}
    for video, tiers in matched.items():
        for tier in tiers:
            by_name.setdefault(tier.label, []).append((video, tier))
    result = []
    for name, rows in by_name.items():
        used = {value for _, t in rows for side in (t.a, t.b) for value in side.values}
        if len(used) > MOST_VALUES:
            notes.append(
                f"'{name}' has {len(used)} values (free text?): not compared; --presence compares "
                "whether there is an interval"
            )
            continue
        values = (NOTHING, *sorted(used))
        counted = tuple(
            _count(video, tier, values, _spans(tier, ends[video], choices), choices.step_s)
            for video, tier in rows
        )
        result.append(TierAgreement(name, values, counted, _figures(counted, values, choices)))
    return result


def _spans(tier: MatchedTier, end_s: float, choices: Choices) -> Spans:
    """From the first to the last second that is compared, without what is not codable."""
    last = end_s if choices.to_s is None else min(choices.to_s, end_s)
    if last <= choices.from_s:
        return as_spans([])
    left_out = merged(as_spans([(i.from_s, i.to_s) for i in tier.left_out]))
    return without(as_spans([(choices.from_s, last)]), left_out)


def _count(
    video: str, tier: MatchedTier, values: Sequence[str], spans: Spans, step_s: float
) -> Counted:
    def table(time_s: Floats, weight: Floats | None) -> Floats:
        a, b = (values_at(t.intervals, time_s, values) for t in (tier.a, tier.b))
        return table_of(a, b, len(values), weight)

    centre, length = pieces(tier.a.intervals, tier.b.intervals, spans)
    a, b = (events(t.intervals, values, spans) for t in (tier.a, tier.b))
    matched, differences = event_matches(a, b, LEVELS)
    return Counted(
        video,
        tier,
        spans,
        table(centre, length),
        table(grid(spans, step_s), None),
        np.array([len(a), len(b)]),
        matched,
        differences,
    )


def _figures(counted: Sequence[Counted], values: Sequence[str], choices: Choices) -> dict[str, Any]:
    """All figures of a tier, and their intervals where there are several videos."""
    seconds, cells = (np.stack([getattr(c, n) for c in counted]) for n in ("seconds", "cells"))
    counts, matched = (
        np.stack([getattr(c, n) for c in counted]) for n in ("event_counts", "matched")
    )

    def f1(level: int) -> Any:
        def of(drawn: Ints) -> float:
            tp, (own, other) = matched[drawn, level].sum(), counts[drawn].sum(0)
            return f1_from_counts(tp, other - tp, own - tp) if own + other else float("nan")

        return of

    scores: dict[str, Any] = {
        "kappa": lambda drawn: cohen_kappa(cells[drawn].sum(0)),
        "ac1": lambda drawn: gwet_ac1(cells[drawn].sum(0)),
        "agreement": lambda drawn: percent_agreement(seconds[drawn].sum(0)),
        **{f"f1@{level:g}": f1(n) for n, level in enumerate(LEVELS)},
    }
    whole = np.arange(len(counted))
    several = len(counted) > 1 and choices.samples > 0
    drawn = intervals(scores, len(counted), samples=choices.samples) if several else {}
    table = seconds.sum(0)
    return {
        "videos": len(counted),
        "compared_s": float(table.sum()),
        **{name: score(whole) for name, score in scores.items()},
        "interval": {name: drawn.get(name) for name in scores},
        "events": dict(zip("ab", counts.sum(0).tolist(), strict=True)),
        "onset_s": _spread(np.concatenate([c.differences[:, 0] for c in counted])),
        "offset_s": _spread(np.concatenate([c.differences[:, 1] for c in counted])),
        "values": list(values),
        "confusion_s": table.tolist(),
        "by_value": {
            value or NONE: {
                "a_s": float(table[n].sum()),
                "b_s": float(table[:, n].sum()),
                "agreement": f1_from_counts(
                    table[n, n], table[:, n].sum() - table[n, n], table[n].sum() - table[n, n]
                )
                if table[n].sum() + table[:, n].sum() > 0
                else None,
            }
            for n, value in enumerate(values)
        },
    }


def _spread(differences: Floats) -> dict[str, Any]:
    """Of B less A: the median, and the absolute difference that 50 and 90 % do not exceed."""
    if not len(differences):
        return {"pairs": 0, "median": None, "absolute_median": None, "absolute_90": None}
    half, high = np.quantile(np.abs(differences), [0.5, 0.9])
    return {
        "pairs": len(differences),
        "median": float(np.median(differences)),
        "absolute_median": float(half),
        "absolute_90": float(high),
    }


def _report(
    a: Path,
    b: Path,
    choices: Choices,
    tiers: Sequence[TierAgreement],
    offsets: Mapping[str, Offset | None],
    ends: Mapping[str, float],
    notes: Sequence[str],
    failed: Sequence[str],
) -> Report:
    return Report(
        {
            "a": str(a),
            "b": str(b),
            "step_s": choices.step_s,
            "from_s": choices.from_s,
            "to_s": choices.to_s,
            "iou": list(LEVELS),
            "aligned": choices.align,
            "samples": choices.samples,
            "videos": {
                video: {"end_s": ends[video], "offset": offset._asdict() if offset else None}
                for video, offset in offsets.items()
            },
            "tiers": {
                tier.name: {
                    **tier.figures,
                    "each_video": {
                        c.video: {
                            "kappa": cohen_kappa(c.cells),
                            "ac1": gwet_ac1(c.cells),
                            "agreement": percent_agreement(c.seconds),
                            "compared_s": float(c.seconds.sum()),
                        }
                        for c in tier.videos
                    },
                }
                for tier in tiers
            },
            "notes": list(notes),
            "failed": list(failed),
        }
    )


def disagreements(counted: Counted) -> list[Interval]:
    """Spans in which the coders differ, with what each said; joined where that stays the same."""
    a, b = counted.tier.a.intervals, counted.tier.b.intervals
    values = ["", *dict.fromkeys((*counted.tier.a.values, *counted.tier.b.values))]
    centre, length = pieces(a, b, counted.spans)
    said = [values_at(side, centre, values).tolist() for side in (a, b)]
    result: list[Interval] = []
    for at, long, x, y in zip(centre.tolist(), length.tolist(), *said, strict=True):
        if x == y:
            continue
        value = f"{values[x] or NONE} / {values[y] or NONE}"
        start, end = at - long / 2, at + long / 2
        if result and result[-1].value == value and abs(result[-1].to_s - start) < 1e-6:
            result[-1] = result[-1]._replace(to_s=end)
        else:
            result.append(Interval(start, end, value))
    return result
