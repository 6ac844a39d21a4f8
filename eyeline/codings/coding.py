"""One coding of a video, whoever made it in whatever program: tiers of intervals with values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from eyeline.errors import DataError, first_names

SAME_S = 5e-4
"""Intervals that overlap by less are neighbours: half of the millisecond that most files hold."""
MOST_S = 1e6
"""Times beyond, more than eleven days, are taken for damage."""
SHOWN = 4
"""Names that a message lists."""


class Interval(NamedTuple):
    """A span of one tier."""

    from_s: float
    to_s: float
    value: str


@dataclass(frozen=True)
class CodingTier:
    """One line of a coding: intervals in the order of time that do not overlap."""

    name: str
    """Unique in its coding, for example `person 1 eye_contact`."""
    intervals: tuple[Interval, ...] = ()
    person: str = ""
    """Whom it is about: ELAN's participant, the subject of BORIS; empty where not stated."""
    kind: str = ""
    """The question: ELAN's linguistic type, the behaviour of BORIS; empty where not stated."""
    coder: str = ""
    """Who coded it."""

    @property
    def values(self) -> tuple[str, ...]:
        """All values, in the order of first appearance."""
        return tuple(dict.fromkeys(interval.value for interval in self.intervals))

    def valued(self, named: Callable[[str], str]) -> CodingTier:
        """The same with other words for values."""
        intervals = (i._replace(value=named(i.value)) for i in self.intervals)
        return replace(self, intervals=tuple(intervals))

    def shifted(self, by_s: float) -> CodingTier:
        """The same with all intervals later; what then ends before 0 is left out."""
        spans = (
            i._replace(from_s=max(0.0, i.from_s + by_s), to_s=i.to_s + by_s) for i in self.intervals
        )
        return replace(self, intervals=tuple(i for i in spans if i.to_s > 0))


@dataclass(frozen=True)
class Coding:
    """All tiers of one video."""

    source: str
    """The file or folder, for messages."""
    tiers: tuple[CodingTier, ...]
    media: str = ""
    """File name of the video, empty where not stated."""
    origin_s: float = 0.0
    """Time in the video, as players count, at which the clock of the tiers begins."""
    duration_s: float | None = None
    """Length of the video on the clock of the tiers, None where not stated."""
    notes: tuple[str, ...] = ()
    """What was left out of the file."""

    @property
    def end_s(self) -> float:
        """The duration, or the end of the last interval."""
        last = max((t.intervals[-1].to_s for t in self.tiers if t.intervals), default=0.0)
        return max(last, self.duration_s or 0.0)

    def tier(self, name: str) -> CodingTier:
        """The tier of that name; DataError lists what there is."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        have = ", ".join(repr(tier.name) for tier in self.tiers) or "none"
        raise DataError(f"{self.source} has no tier '{name}'; it has: {have}")

    def shifted(self, by_s: float) -> Coding:
        """The same with all intervals later."""
        tiers = tuple(tier.shifted(by_s) for tier in self.tiers)
        duration_s = None if self.duration_s is None else max(0.0, self.duration_s + by_s)
        return replace(self, tiers=tiers, duration_s=duration_s, origin_s=self.origin_s - by_s)


class Row(NamedTuple):
    """An interval as a reader meets it."""

    tier: str
    from_s: float
    to_s: float
    value: str
    where: str
    """Line or name, for messages."""


@dataclass
class Rows:
    """What a reader collects of a file."""

    source: str
    tiers: dict[str, CodingTier] = field(default_factory=dict)
    """By name, in the order of the file, as yet without intervals."""
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def tier(self, name: str, *, person: str = "", kind: str = "", coder: str = "") -> str:
        """Enter a tier unless it is there; returns its name."""
        self.tiers.setdefault(name, CodingTier(name, (), person, kind, coder))
        return name

    def add(self, tier: str, from_s: float, to_s: float, value: str, where: str) -> None:
        """An interval of a tier that was entered."""
        self.rows.append(Row(tier, from_s, to_s, value, where))

    def coding(
        self, *, media: str = "", origin_s: float = 0.0, duration_s: float | None = None
    ) -> Coding:
        """All of it, checked.

        Raises:
            DataError: naming the file, the tier and the place: an interval that is no time, begins
                before 0 s, ends before its start, or overlaps another of its tier.
        """
        for what, value in (("length", duration_s or 0.0), ("offset", origin_s)):
            if not abs(value) <= MOST_S:
                raise DataError(f"{self.source} states a {what} of {value:g} s for the video")
        by_tier: dict[str, list[Row]] = {name: [] for name in self.tiers}
        for row in self.rows:
            by_tier[row.tier].append(row)
        tiers = tuple(
            replace(tier, intervals=tuple(self._checked(by_tier[name])))
            for name, tier in self.tiers.items()
        )
        return Coding(self.source, tiers, media, origin_s, duration_s, tuple(self.notes))

    def _checked(self, rows: Sequence[Row]) -> Iterable[Interval]:
        points = [row for row in rows if row.to_s == row.from_s]
        if points:
            self.notes.append(
                f"{len(points)} of {len(rows)} annotations of '{rows[0].tier}' have no length "
                "(points in time): left out"
            )
        before: Row | None = None
        kept = (row for row in rows if row.to_s != row.from_s)
        for row in sorted(kept, key=lambda row: (row.from_s, row.to_s)):
            self._check(row, before)
            start = row.from_s if before is None else max(row.from_s, before.to_s)
            if row.to_s > start:
                yield Interval(start, row.to_s, row.value)
                before = row

    def _check(self, row: Row, before: Row | None) -> None:
        where = f"{self.source}, {row.where}: tier '{row.tier}'"
        span = f"{row.from_s:g} to {row.to_s:g} s"
        if not (abs(row.from_s) <= MOST_S and abs(row.to_s) <= MOST_S):
            raise DataError(
                f"{where} has an interval from {span}; expected seconds, at most {MOST_S:g}"
            )
        if row.to_s < row.from_s:
            raise DataError(f"{where} has an interval that ends before its start: {span}")
        if row.from_s < 0:
            raise DataError(f"{where} has an interval that begins before the video: {span}")
        if before is not None and row.from_s < before.to_s - SAME_S:
            raise DataError(
                f"{where}: the interval from {span} overlaps the one from {before.from_s:g} to "
                f"{before.to_s:g} s ({before.where}); intervals of one tier must not overlap: "
                "correct them, or put them on two tiers"
            )


def renamed(coding: Coding, names: Mapping[str, str]) -> Coding:
    """A coding whose tiers have other names where `names` has them; DataError if it lacks one."""
    for name in names:
        coding.tier(name)
    tiers = tuple(replace(tier, name=names.get(tier.name, tier.name)) for tier in coding.tiers)
    return replace(coding, tiers=tiers)


def revalued(coding: Coding, values: Mapping[str, str]) -> Coding:
    """A coding with other words for values; DataError for a value that it does not have."""
    known = {value for tier in coding.tiers for value in tier.values}
    if lacking := [value for value in values if value not in known]:
        raise DataError(
            f"{coding.source} has no value {some(lacking)}; it has: {some(sorted(known)) or 'none'}"
        )
    tiers = tuple(t.valued(lambda value: values.get(value, value)) for t in coding.tiers)
    return replace(coding, tiers=tiers)


def some(names: Iterable[str]) -> str:
    """The first names in quotes, and how many more there are."""
    return first_names((f"'{name}'" for name in names), SHOWN)


def stamp(ms: int, point: str = ".") -> str:
    """A time as `hh:mm:ss.mmm`, or with another sign before the milliseconds."""
    whole, part = divmod(ms, 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{point}{part:03d}"
