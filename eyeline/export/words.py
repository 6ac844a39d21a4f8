"""How numbers and answers are called in a report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

from eyeline.people import shared_looks
from eyeline.results import Label
from eyeline.speech import methods as speech
from eyeline.system import list_systems

_FRONT_END = {"speech": "Who speaks", "people": "Who is where"}


@cache
def _labels() -> Mapping[str, Label]:
    own = {name: label for system in list_systems() for name, label in system.labels.items()}
    return {**speech.LABELS, **shared_looks.LABELS, **own}


def label_of(name: str) -> Label:
    """What the outputs need to know of an answer by its name."""
    return _labels().get(name) or Label(name.replace("_", " "))


def title(name: str) -> str:
    """The words for an answer's name."""
    return label_of(name).title


def question(system: str) -> str:
    """The words for what a system answers."""
    headings = {card.name: card.heading for card in list_systems()} | _FRONT_END
    return headings.get(system) or system.replace("_", " ").capitalize()


def duration(seconds: float) -> str:
    """A length of time: `7.4 s`, `2 min 05 s`, `1 h 02 min`."""
    tenths = math.floor(seconds * 10 + 0.5)
    if tenths < 600:
        return f"{tenths / 10:.1f} s"
    whole = math.floor(seconds + 0.5)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = math.floor(seconds / 60 + 0.5)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(seconds: float) -> str:
    """A moment of the video: `0:07.4`, `1:02:03.4`."""
    tenths = math.floor(max(seconds, 0.0) * 10 + 0.5)
    hours, tenths = divmod(tenths, 36000)
    minutes, tenths = divmod(tenths, 600)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{tenths // 10:02d}.{tenths % 10}"


def percent(fraction: float | None) -> str:
    """A share: `0 %`, `< 1 %`, `43 %`; a dash where there is none."""
    if fraction is None:
        return "–"
    if 0 < fraction < 0.01:
        return "< 1 %"
    return f"{math.floor(fraction * 100 + 0.5)} %"


def part(fraction: float | None, of_s: float) -> str:
    """A share with the time that it is of: `43 % of 7.4 s`."""
    return "not measurable" if fraction is None else f"{percent(fraction)} of {duration(of_s)}"


def count(n: int, one: str, many: str | None = None) -> str:
    """A number and its noun: `1 episode`, `3 episodes`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
