"""Which tier of one coding belongs to which of the other, by name or by a map."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyeline.codings.coding import Coding, CodingTier, Interval, some
from eyeline.codings.formats import text_of
from eyeline.codings.table import rows_of
from eyeline.errors import DataError, UsageError
from eyeline.export.tiers import NOT_CODABLE

EMPTY = "(empty)"
"""The value of an interval without one."""


@dataclass(frozen=True)
class TierPair:
    """A tier of A that belongs to one of B."""

    a: str
    b: str
    video: str = ""
    """The one video that it holds for; empty for all."""


@dataclass(frozen=True)
class MatchedTier:
    """A tier of both coders."""

    name: str
    """A's name."""
    a: CodingTier
    b: CodingTier
    left_out: tuple[Interval, ...] = ()
    """What either coder marked as not codable."""

    @property
    def label(self) -> str:
        """Both names where they differ."""
        return self.name if key(self.name) == key(self.b.name) else f"{self.name} = {self.b.name}"


def key(name: str) -> str:
    """A name without what programs change in it: case, blanks, underscores, signs."""
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def read_map(entries: Iterable[str]) -> list[TierPair]:
    """Pairs `A TIER=B TIER`, and files of pairs: CSV with the columns a, b and perhaps video.

    Raises:
        UsageError: an entry that is neither.
        DataError: a file that cannot be read, or lacks a column.
    """
    result: list[TierPair] = []
    for entry in entries:
        a, equals, b = entry.partition("=")
        if equals and a.strip() and b.strip():
            result.append(TierPair(a.strip(), b.strip()))
        elif entry.lower().endswith(".csv"):
            result += _read_map_file(Path(entry))
        else:
            raise UsageError(
                f"--map '{entry}' is neither 'A TIER=B TIER' nor a CSV of pairs (a,b,video)"
            )
    return result


def _read_map_file(path: Path) -> list[TierPair]:
    try:
        rows, _ = rows_of(text_of(path.read_bytes(), str(path)), str(path))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    names = [name.strip().lower() for name in rows[0].cells] if rows else []
    if not {"a", "b"} <= {*names}:
        raise DataError(
            f"{path} has the columns {', '.join(names)}; expected a, b and perhaps video"
        )
    cells = [dict(zip(names, (c.strip() for c in row.cells), strict=False)) for row in rows[1:]]
    return [
        TierPair(c["a"], c["b"], c.get("video", "")) for c in cells if c.get("a") and c.get("b")
    ]


def match(video: str, a: Coding, b: Coding, pairs: Sequence[TierPair]) -> list[MatchedTier]:
    """The tiers of both, in A's order.

    Raises:
        DataError: a mapped tier that a coding lacks, two that are mapped to one, or no pair at all.
    """
    wanted: dict[str, str] = {}
    for pair in pairs:
        if pair.video in ("", video):
            name = _tier(a, pair.a).name
            if name in wanted and key(wanted[name]) != key(pair.b):
                raise DataError(f"--map gives '{name}' two partners: '{wanted[name]}', '{pair.b}'")
            wanted[name] = _tier(b, pair.b).name
    taken = {*wanted.values()}
    free = {key(tier.name): tier.name for tier in b.tiers if tier.name not in taken}
    matched = []
    for tier in a.tiers:
        partner = wanted.get(tier.name) or free.get(key(tier.name))
        if partner and not _is_not_codable(tier):
            other = b.tier(partner)
            left_out = (*_not_codable(a, tier), *_not_codable(b, other))
            own, theirs = (side.valued(lambda value: value or EMPTY) for side in (tier, other))
            matched.append(MatchedTier(tier.name, own, theirs, left_out))
    if not matched:
        raise DataError(
            f"{video}: no tier has the same name in both. {a.source} has "
            f"{some(t.name for t in a.tiers) or 'none'}; {b.source} has "
            f"{some(t.name for t in b.tiers) or 'none'}. Name pairs with --map 'A TIER=B TIER'"
        )
    return matched


def _tier(coding: Coding, name: str) -> CodingTier:
    same = [tier for tier in coding.tiers if key(tier.name) == key(name)]
    return same[0] if same else coding.tier(name)


def _is_not_codable(tier: CodingTier) -> bool:
    return key(tier.name).endswith(NOT_CODABLE)


def _not_codable(coding: Coding, tier: CodingTier) -> tuple[Interval, ...]:
    """What stands on the tier `NAME not codable`, or on one called `not codable` for all."""
    names = (f"{key(tier.name)} {NOT_CODABLE}", NOT_CODABLE)
    return tuple(i for t in coding.tiers if key(t.name) in names for i in t.intervals)


def unmatched(coding: Coding, paired: Collection[str]) -> list[str]:
    """Names of the tiers of one side that have no partner, given those that have."""
    return [t.name for t in coding.tiers if t.name not in paired and not _is_not_codable(t)]
