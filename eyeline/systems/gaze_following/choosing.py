"""What each person looks at among candidates: by the trained matcher, or by a published rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from eyeline.errors import UsageError
from eyeline.geometry import boxes
from eyeline.results import Floats, Image
from eyeline.systems.gaze_following import heatmaps
from eyeline.systems.gaze_following.matching import inputs
from eyeline.systems.gaze_following.matching.inputs import Moment
from eyeline.systems.gaze_following.matching.rules import RULES

if TYPE_CHECKING:
    from eyeline.systems.gaze_following.matching.match import Matched
    from eyeline.systems.gaze_following.matching.model import Matcher
    from eyeline.systems.gaze_following.matching.rules import Slope

SOMETHING, OUT = -1, -2
"""For `Choice.target`: something in the image that is nobody's face, something out of it."""


class Choice(NamedTuple):
    """What one person looks at in one frame."""

    target: int
    """Row of the person whose head it is, or `SOMETHING` or `OUT`."""
    probability: float
    """Of the target; 0 where nothing was found and nothing can be said."""
    point_px: Floats
    """`(2,)`, NaN out of the image."""
    box_xyxy: Floats
    """`(4,)` of the head or the candidate, NaN without."""
    places_px: Floats
    """`(n, 2)` all that may be looked at in the image,"""
    weight: Floats
    """`(n,)` and how probable each is."""

    def heatmap(self, size_px: tuple[float, float]) -> Image:
        """`(cells, cells)` over an image of that size, the peak at 255; zeros without places."""
        heat = heatmaps.mixture(self.places_px / np.array(size_px), self.weight)
        return np.round(255 * heat / max(float(heat.max(initial=0)), 1e-12)).astype(np.uint8)


class Chooser(Protocol):
    """A way of choosing."""

    @property
    def how(self) -> str:
        """In words."""

    def choose(self, moments: Sequence[Moment]) -> list[list[Choice]]:
        """For each moment, in the order of its people."""


def open_chooser(
    matcher: Path | str | None,
    slope: Path | str | None,
    device: str = "cpu",
    rule: str | None = None,
) -> Chooser:
    """The matcher where there is one, else a published rule.

    Args:
        matcher: weights of `matcher`.
        slope: weights of `slope_mlp`, which two of the rules need.
        device: of the matcher.
        rule: one of `rules.RULES`; by default `intended` with a slope, `main` without.

    Raises:
        UsageError: no such rule, a rule beside a matcher, or one that lacks its slope.
        CheckpointError: weights of something else.
    """
    if matcher is not None:
        if rule is not None or slope is not None:
            raise UsageError("the matcher chooses without a rule or slope: leave out one of them")
        from eyeline.systems.gaze_following.matching.match import open_matcher

        return ByMatcher(open_matcher(matcher, device))
    name = rule or ("main" if slope is None else "intended")
    if name not in RULES:
        raise UsageError(f"no rule '{name}'; there are {', '.join(RULES)}")
    if slope is not None:
        from eyeline.systems.gaze_following.matching.slope import read

        return ByRule(name, read(slope))
    if name != "main":
        raise UsageError(f"the rule '{name}' needs weights of slope_mlp")
    return ByRule(name, lambda points: np.zeros(len(points)))


@dataclass(frozen=True)
class ByMatcher:
    """The trained matcher: heads, candidates, off screen and the own lap are its answers."""

    network: Matcher
    how = "by the trained matcher, from head, direction of the gaze and who speaks"

    def choose(self, moments: Sequence[Moment]) -> list[list[Choice]]:
        """As of `Chooser`."""
        from eyeline.systems.gaze_following.matching.match import match

        return [
            [_choice(moment, i, matched) for i, matched in enumerate(people)]
            for moment, people in zip(moments, match(self.network, moments), strict=True)
        ]


def _choice(moment: Moment, looker: int, matched: Matched) -> Choice:
    from eyeline.systems.gaze_following.matching.match import places

    points = places(moment, looker, inputs.options(moment, looker))
    weight = np.append(matched.chance[:-2], matched.chance[-1])
    away = matched.target == OUT
    point = np.full(2, np.nan) if away else matched.point_px
    box = _box(moment, matched)
    probability = min(max(matched.probability, 0.0), 1.0)
    return Choice(matched.target, probability, point, box, points, weight)


def _box(moment: Moment, matched: Matched) -> Floats:
    if matched.target >= 0:
        return np.asarray(moment.head_xyxy[matched.target], np.float64)
    free = np.where(matched.head < 0, matched.chance[:-2], -1.0)
    if matched.target == OUT or not len(free) or free.max() < matched.chance[-1]:
        return np.full(4, np.nan)  # out of the image, or the own lap
    return np.asarray(matched.box_xyxy[free.argmax()])


@dataclass(frozen=True)
class ByRule:
    """A published rule: each person looks at one of the candidates, never out of the image."""

    name: str
    slope: Slope

    @property
    def how(self) -> str:
        """In words."""
        words = {
            "intended": "the candidate nearest to the slope of the gaze",
            "master": "the slope of a wrong head point, as the authors' first script",
            "main": "always the surest candidate, as the authors' last script",
        }
        return f"by the published rule '{self.name}': {words[self.name]}"

    def choose(self, moments: Sequence[Moment]) -> list[list[Choice]]:
        """As of `Chooser`."""
        return [[self._one(m, i) for i in range(len(m.head_xyxy))] for m in moments]

    def _one(self, moment: Moment, looker: int) -> Choice:
        result = moment.candidate_xyxy
        row = RULES[self.name](moment.head_xyxy[looker], result, self.slope)
        if row is None:
            nowhere = np.full(4, np.nan)
            return Choice(OUT, 0.0, nowhere[:2], nowhere, np.zeros((0, 2)), np.zeros(0))
        centre = boxes.centre(result[row])
        head = _head_at(moment, looker, centre)
        box = result[row] if head == SOMETHING else moment.head_xyxy[head]
        score = float(moment.candidate_score[row])
        return Choice(head, score, centre, box, centre[None], np.ones(1))


def _head_at(moment: Moment, looker: int, point_px: Floats) -> int:
    """The other person's head that holds a point, the one with the nearest middle; else none."""
    heads = moment.head_xyxy
    holds = boxes.contain(heads, point_px) & (np.arange(len(heads)) != looker)
    if not holds.any():
        return SOMETHING
    away = np.linalg.norm(boxes.centre(heads) - point_px, axis=1)
    return int(np.where(holds, away, np.inf).argmin())
