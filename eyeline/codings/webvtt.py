"""WebVTT subtitles: a cue for each interval, spoken by the person of its tier."""

from __future__ import annotations

from html import escape

from eyeline.codings.coding import Coding, CodingTier
from eyeline.documents import plain_text


def write(coding: Coding) -> str:
    """Subtitles in the order of time, on the clock of players."""
    cues = sorted(
        (round((i.from_s + coding.origin_s) * 1000), round((i.to_s + coding.origin_s) * 1000), text)
        for tier in coding.tiers
        for i in tier.intervals
        for text in (_text(tier, i.value),)
    )
    blocks = [
        f"{_stamp(start)} --> {_stamp(end)}\n{text}\n" for start, end, text in cues if end > start
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _text(tier: CodingTier, value: str) -> str:
    what = tier.name.removeprefix(f"{tier.person} ")
    said = what if value in ("", what) else f"{what}: {value}"
    voice = " ".join(_safe(tier.person).split())
    return f"<v {voice}>{_safe(said)}</v>" if voice else _safe(said)


def _safe(text: str) -> str:
    return escape(plain_text(text), quote=False)


def _stamp(ms: int) -> str:
    whole, part = divmod(ms, 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:03d}"
