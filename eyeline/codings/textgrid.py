"""Praat TextGrids: read in the long and the short text format, written in the long one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from eyeline.codings.coding import Coding, CodingTier, Rows
from eyeline.documents import plain_text
from eyeline.errors import DataError

Milliseconds = tuple[int, int, str]

_TOKEN = re.compile(r'"((?:[^"]|"")*)"|<(exists|absent)>|(?<!\S)([-+]?\d[\d.eE+-]*)(?!\S)')
"""Praat reads texts in quotes, flags and numbers that stand free; all else is comment."""
_MOST_TIERS = 10_000


def read(text: str, source: str) -> Coding:
    """The interval tiers of a TextGrid; intervals without a text are gaps.

    Raises:
        DataError: no TextGrid, or cut short.
    """
    rows = Rows(source)
    tokens = _Tokens(text, source)
    if tokens.text() != "ooTextFile" or tokens.text() != "TextGrid":
        raise DataError(
            f"{source} is no TextGrid in one of Praat's text formats: it must begin with "
            '"ooTextFile" and "TextGrid"'
        )
    tokens.number()
    end_s = tokens.number()
    for _ in range(tokens.count(_MOST_TIERS) if tokens.exists() else 0):
        kind, name = tokens.text(), tokens.text()
        tokens.number(), tokens.number()
        entries = tokens.count(len(text))
        if name in rows.tiers:
            raise DataError(f"{source} has two tiers '{name}': rename one")
        rows.tier(name)
        if kind == "TextTier":
            for _ in range(entries):
                tokens.number(), tokens.text()
            rows.notes.append(f"'{name}' is a point tier of {entries} points: left out")
            del rows.tiers[name]
            continue
        for _ in range(entries):
            start, end, value = tokens.number(), tokens.number(), tokens.text()
            if value.strip():
                rows.add(name, start, end, value.strip(), f"line {tokens.line}")
    return rows.coding(duration_s=end_s)


class _Tokens:
    """What Praat reads of a text, one after the other."""

    def __init__(self, text: str, source: str) -> None:
        self._text, self._source = text, source
        self._matches = _TOKEN.finditer(text)
        self._at = 0

    @property
    def line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _next(self, group: int, what: str) -> str:
        match = next(self._matches, None)
        if match is None:
            raise DataError(f"{self._source} ends before {what}: it is cut short")
        self._at = match.start()
        if match[group] is None:
            raise DataError(
                f"{self._source}, line {self.line}: expected {what}, not {match[0][:40]}"
            )
        return match[group]

    def text(self) -> str:
        return self._next(1, "a text in quotes").replace('""', '"')

    def exists(self) -> bool:
        return self._next(2, "<exists>") == "exists"

    def number(self) -> float:
        token = self._next(3, "a number")
        try:
            return float(token)
        except ValueError:
            raise DataError(f"{self._source}, line {self.line}: '{token}' is no number") from None

    def count(self, most: int) -> int:
        value = self.number()
        if not 0 <= value <= most or value != int(value):
            raise DataError(f"{self._source}, line {self.line}: {value:g} is no count of entries")
        return int(value)


def write(coding: Coding) -> str:
    """The text of a TextGrid from 0 to the end of the coding; an empty tier stands for none."""
    tiers = coding.tiers or (CodingTier("nobody"),)
    end_ms = max(1, round(coding.end_s * 1000))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {_s(end_ms)}", "tiers? <exists>"]
    lines += [f"size = {len(tiers)}", "item []:"]
    for n, tier in enumerate(tiers, start=1):
        in_ms = [(round(a * 1000), round(b * 1000), value) for a, b, value in tier.intervals]
        lines += _tier(n, tier.name, filled(in_ms, end_ms), end_ms)
    return "\n".join([*lines, ""])


def filled(spans: Sequence[Milliseconds], end_ms: int) -> list[Milliseconds]:
    """Spans with empty intervals between them, from 0 to the end; at least one interval."""
    out: list[Milliseconds] = []
    before = 0
    for start, end, label in spans:
        if start > before:
            out.append((before, start, ""))
        if end > max(start, before):
            out.append((max(start, before), end, label))
            before = end
    if before < end_ms:
        out.append((before, end_ms, ""))
    return out


def _tier(n: int, name: str, intervals: Sequence[Milliseconds], end_ms: int) -> Iterator[str]:
    yield f"    item [{n}]:"
    yield '        class = "IntervalTier"'
    yield f"        name = {_quoted(name)}"
    yield "        xmin = 0"
    yield f"        xmax = {_s(end_ms)}"
    yield f"        intervals: size = {len(intervals)}"
    for k, (start, end, label) in enumerate(intervals, start=1):
        yield f"        intervals [{k}]:"
        yield f"            xmin = {_s(start)}"
        yield f"            xmax = {_s(end)}"
        yield f"            text = {_quoted(label)}"


def _quoted(text: str) -> str:
    return '"' + plain_text(text).replace('"', '""') + '"'


def _s(ms: int) -> str:
    whole, part = divmod(ms, 1000)
    return f"{whole}.{part:03d}".rstrip("0").rstrip(".")
