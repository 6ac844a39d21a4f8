"""WebVTT subtitles: a cue for each interval, spoken by the person of its tier."""

from __future__ import annotations

from html import escape

from eyeline.codings.coding import Coding, CodingTier, stamp
from eyeline.documents import plain_text


def write(coding: Coding) -> str:
    """Subtitles in the order of time, on the clock of players."""
    coding = coding.shifted(coding.origin_s)
    cues = sorted(
        (round(i.from_s * 1000), round(i.to_s * 1000), _text(tier, i.value))
        for tier in coding.tiers
        for i in tier.intervals
    )
    blocks = [
        f"{stamp(start)} --> {stamp(end)}\n{text}\n" for start, end, text in cues if end > start
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _text(tier: CodingTier, value: str) -> str:
    what = tier.name.removeprefix(f"{tier.person} ")
    said = what if value in ("", what) else f"{what}: {value}"
    voice = " ".join(_safe(tier.person).split())
    return f"<v {voice}>{_safe(said)}</v>" if voice else _safe(said)


def _safe(text: str) -> str:
    return escape(plain_text(text), quote=False)
