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
from eyeline.runtimes.run import Runtime
from eyeline.systems.gaze_following import heatmaps
from eyeline.systems.gaze_following.matching import inputs
from eyeline.systems.gaze_following.matching.inputs import Moment
from eyeline.systems.gaze_following.matching.rules import RULES, open_rule

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
    """Of the target; 0 without candidates."""
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
    runtime: Runtime | None = None,
) -> Chooser:
    """The matcher where weights of it are given, else a published rule as of `rules.open_rule`.

    Raises:
        UsageError: a rule or slope with a matcher, or as of `rules.open_rule`.
        CheckpointError: weights of something else.
    """
    if matcher is not None:
        if rule is not None or slope is not None:
            raise UsageError("the matcher chooses without a rule or slope: leave out one of them")
        from eyeline.systems.gaze_following.matching.match import open_matcher

        return ByMatcher(open_matcher(matcher, device, runtime))
    return ByRule(*open_rule(rule, slope))


@dataclass(frozen=True)
class ByMatcher:
    """The trained matcher: heads, candidates, off screen and the own lap are its answers."""

    network: Matcher
    how = "by the trained matcher, from head, direction of the gaze and who speaks"

    def choose(self, moments: Sequence[Moment]) -> list[list[Choice]]:
        """As of `Chooser`."""
        from eyeline.systems.gaze_following.matching.match import match

        matched = match(self.network, moments)
        return [
            [_choice(moment, i, one) for i, one in enumerate(people)]
            for moment, people in zip(moments, matched, strict=True)
        ]


def _choice(moment: Moment, looker: int, matched: Matched) -> Choice:
    from eyeline.systems.gaze_following.matching.match import places

    box = np.full(4, np.nan)  # out of the image, or the own lap
    free = np.where(matched.head < 0, matched.chance[:-2], -1.0)
    if matched.target >= 0:
        box = np.asarray(moment.head_xyxy[matched.target], np.float64)
    elif matched.target != OUT and len(free) and free.max() >= matched.chance[-1]:
        box = np.asarray(matched.box_xyxy[free.argmax()])
    return Choice(
        matched.target,
        min(max(matched.probability, 0.0), 1.0),
        np.full(2, np.nan) if matched.target == OUT else matched.point_px,
        box,
        places(moment, looker, inputs.options(moment, looker)),
        np.append(matched.chance[:-2], matched.chance[-1]),
    )


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
        heads, nowhere = moment.head_xyxy, np.full(4, np.nan)
        row = RULES[self.name](heads[looker], moment.candidate_xyxy, self.slope)
        if row is None:
            return Choice(OUT, 0.0, nowhere[:2], nowhere, np.zeros((0, 2)), np.zeros(0))
        box = moment.candidate_xyxy[row]
        point, target = boxes.centre(box), SOMETHING
        holds = boxes.contain(heads, point) & (np.arange(len(heads)) != looker)
        if holds.any():  # of several heads the one whose centre is nearest
            away = np.linalg.norm(boxes.centre(heads) - point, axis=1)
            target = int(np.where(holds, away, np.inf).argmin())
            box = heads[target]
        score = float(moment.candidate_score[row])
        return Choice(target, score, point, box, point[None], np.ones(1))
