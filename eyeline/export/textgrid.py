"""Praat TextGrids in the long text format: interval tiers without holes, in UTF-8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from eyeline.export.files import TEXTGRID, plain_text
from eyeline.export.tiers import Tier, tiers_of
from eyeline.files import write_bytes
from eyeline.results import Analysis

Interval = tuple[int, int, str]


def write_textgrid(analysis: Analysis, folder: Path) -> Path:
    """Write `timeline.TextGrid` and return its path; OutputError where that cannot be."""
    tiers = tiers_of(analysis)
    last_ms = max((span[1] for tier in tiers for span in tier.spans), default=0)
    end_ms = max(1, round(analysis.video.duration_s * 1000), last_ms)
    return write_bytes(folder / TEXTGRID, textgrid(tiers, end_ms).encode())


def textgrid(tiers: Sequence[Tier], end_ms: int) -> str:
    """The text of a TextGrid from 0 to `end_ms`; without tiers an empty one is made."""
    named = [(tier.name, tier.spans) for tier in tiers] or [("nobody", ())]
    head = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    head += ["xmin = 0", f"xmax = {_s(end_ms)}", "tiers? <exists>"]
    head += [f"size = {len(named)}", "item []:"]
    lines = [
        line
        for n, (name, spans) in enumerate(named, start=1)
        for line in _tier(n, name, filled(spans, end_ms), end_ms)
    ]
    return "\n".join([*head, *lines, ""])


def filled(spans: Sequence[Interval], end_ms: int) -> list[Interval]:
    """Spans with empty intervals between them, from 0 to the end; at least one interval."""
    out: list[Interval] = []
    before = 0
    for start, end, label in spans:
        if start > before:
            out.append((before, start, ""))
        out.append((start, end, label))
        before = end
    if before < end_ms:
        out.append((before, end_ms, ""))
    return out


def _tier(n: int, name: str, intervals: Sequence[Interval], end_ms: int) -> Iterator[str]:
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
