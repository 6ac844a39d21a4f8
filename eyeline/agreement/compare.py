"""Agreement of two coders over all videos: a figure for each tier, with intervals by video."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eyeline.agreement.counting import LEVELS, Counted, count, figures_of
from eyeline.agreement.match import MatchedTier, TierPair, key, match, unmatched
from eyeline.agreement.measures import NOTHING, cohen_kappa, gwet_ac1, percent_agreement
from eyeline.agreement.offset import Offset, find_offset
from eyeline.agreement.sources import Pair, read_pairs
from eyeline.codings.coding import SAME_S, CodingTier, Interval, some
from eyeline.errors import DataError, EyelineError, UsageError
from eyeline.evaluation.report import Report
from eyeline.export.intervals import Spans, as_spans, merged, without

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
    alone: tuple[dict[str, None], ...] = ({}, {})
    for pair in found.pairs:
        try:
            tiers, ends[pair.video], offsets[pair.video], own = _tiers(pair, choices)
            matched[pair.video] = tiers
            notes += [*pair.notes, *own]
            alone[0].update(dict.fromkeys(unmatched(pair.a, {t.a.name for t in tiers})))
            alone[1].update(dict.fromkeys(unmatched(pair.b, {t.b.name for t in tiers})))
        except EyelineError as error:
            if len(found.pairs) == 1 and not failed:
                raise
            failed.append(str(error))
    if not matched:
        raise DataError("no video could be compared: " + "; ".join(failed))
    for source, names in zip((a, b), alone, strict=True):
        if names:
            notes.append(f"only {source} has {some(names)}: not compared")
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
    tiers, notes = match(pair.video, pair.a, pair.b, choices.pairs), list[str]()
    offset = find_offset([_as_chosen(t, choices) for t in tiers], choices.most_offset_s)
    b = pair.b
    if offset is not None and choices.align and offset.clear:
        b = b.shifted(-offset.by_s)
        tiers = match(pair.video, pair.a, b, choices.pairs)
        notes.append(f"{pair.video}: B was moved by {-offset.by_s:+.3f} s (--align)")
    elif choices.align:
        notes.append(f"{pair.video}: no clear offset within {choices.most_offset_s:g} s: not moved")
    elif offset is not None and offset.is_other_clock:
        later = "later" if offset.by_s > 0 else "earlier"
        notes.append(
            f"{pair.video}: B is {abs(offset.by_s):.2f} s {later} than A throughout (correlation "
            f"{offset.correlation:.2f} there, {offset.as_they_are:.2f} as it stands): another "
            "clock? --align moves it"
        )
    known = [side.duration_s for side in (pair.a, b) if side.duration_s]
    end_s = max(known) if known else max(pair.a.end_s, b.end_s)
    return [_as_chosen(tier, choices) for tier in tiers], end_s, offset, notes


def _as_chosen(tier: MatchedTier, choices: Choices) -> MatchedTier:
    """With B's values under A's names, or all values as one."""
    if choices.presence:
        a, b = (_valued(side, lambda _: _PRESENT) for side in (tier.a, tier.b))
        return replace(tier, a=a, b=b)
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
            count(video, tier, values, _spans(tier, ends[video], choices), choices.step_s)
            for video, tier in rows
        )
        figures = figures_of(counted, values, choices.samples)
        result.append(TierAgreement(name, values, counted, figures))
    return result


def _spans(tier: MatchedTier, end_s: float, choices: Choices) -> Spans:
    """From the first to the last second that is compared, without what is not codable."""
    last = end_s if choices.to_s is None else min(choices.to_s, end_s)
    if last <= choices.from_s:
        return as_spans([])
    left_out = merged(as_spans([(i.from_s, i.to_s) for i in tier.left_out]))
    return without(as_spans([(choices.from_s, last)]), left_out)


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
