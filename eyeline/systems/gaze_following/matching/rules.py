"""The published ways of choosing a candidate by slope: as meant, and as two branches do it.

`intended` is what the paper and its notebook describe. `master` and `main` are the two released
scripts with their mistakes; they explain the files that the authors published and are of no other
use.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from eyeline.errors import DataError, UsageError, check_shape
from eyeline.geometry.boxes import centre
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.matching.slope import read as read_slope

Slope = Callable[[Floats], Floats]
"""Head points `(n, 2)` in pixels to slopes `(n,)`."""
Rule = Callable[[Floats, Floats, Slope], int | None]
"""Head box `(4,)`, candidates `(m, 4)` best first, and the slope to the candidate chosen."""


def head_point(head_xyxy: Floats) -> Ints:
    """Whole pixels `(..., 2)` of the middle of head boxes `(..., 4)`, cut towards zero."""
    return np.trunc(centre(np.asarray(head_xyxy, np.float64))).astype(np.int64)


def nearest_slope(head_px: Ints, candidates_xyxy: Floats, slope: Slope) -> int | None:
    """The first candidate `(m, 4)` whose centre lies at the slope of a head at `(2,)`, or nearest.

    Candidates straight up or down lose against all others, and so does the head itself. None of
    none.
    """
    check_shape(candidates_xyxy, "m 4", "candidates")
    if not len(candidates_xyxy):
        return None
    origin = head_px.astype(np.float64)
    step = np.asarray(centre(candidates_xyxy), np.float64) - origin
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(step[:, 1] / step[:, 0] - float(slope(origin[None])[0]))
    return int(np.argmin(np.where(np.isnan(distance), np.inf, distance)))


def intended(head_xyxy: Floats, candidates_xyxy: Floats, slope: Slope) -> int | None:
    """The candidate whose centre lies nearest to the predicted slope, the first among equals."""
    return nearest_slope(head_point(head_xyxy), candidates_xyxy, slope)


def master(head_xyxy: Floats, candidates_xyxy: Floats, slope: Slope) -> int | None:
    """As the script that made `KETI_Sequence.csv`: the head's y is filled with its x.

    That script also read candidates as `damaged_candidates` does.
    """
    return nearest_slope(np.repeat(head_point(head_xyxy)[:1], 2), candidates_xyxy, slope)


def main(head_xyxy: Floats, candidates_xyxy: Floats, slope: Slope) -> int | None:
    """As the later script: always the first candidate.

    It compares the predicted slope of each row with the predicted slope of the first row. All are
    equal, so that the slope has no effect.
    """
    check_shape(candidates_xyxy, "m 4", "candidates")
    return 0 if len(candidates_xyxy) else None


RULES: Mapping[str, Rule] = {"intended": intended, "master": master, "main": main}
"""By name."""


def open_rule(rule: str | None, weights: Path | str | None) -> tuple[str, Slope]:
    """A rule's name, by default `intended` with weights of `slope_mlp` and `main` without; slopes.

    The latter are NaN without weights.

    Raises:
        UsageError: no such rule, or one that needs weights.
        CheckpointError: weights of something else.
    """
    name = rule or ("main" if weights is None else "intended")
    if name not in RULES:
        raise UsageError(f"no rule '{name}'; there are {', '.join(RULES)}")
    if weights is not None:
        return name, read_slope(weights)
    if name != "main":
        raise UsageError(f"the rule '{name}' needs weights of slope_mlp")
    return name, lambda points: np.full(len(points), np.nan)


_RECORD = re.compile(r"(\S+?\.jpg),(.*?)(?=\n\S+?\.jpg,|\Z)", re.DOTALL)


def squeezed(text: str) -> str:
    """The text with every run of one character cut to one, digits too: `128.8657` to `128.657`.

    The released scripts do so to be rid of double commas.
    """
    return "".join(character for character, _ in itertools.groupby(text))


def damaged_candidates(text: str) -> dict[str, Floats]:
    """Candidate boxes `(n, 4)` by image of a text as the released scripts read it, digits lost.

    Half of the coordinates come out changed, some by hundreds of pixels. The undamaged numbers are
    those of `formats`. DataError for a row that is not five numbers.
    """
    return {name: _damaged_boxes(name, body) for name, body in _RECORD.findall(text)}


def _damaged_boxes(name: str, body: str) -> Floats:
    rows = [row.split() for row in re.findall(r"[^\[\]]+", squeezed(body)) if row.strip()]
    try:
        boxes = [[float(number) for number in row[:4]] for row in rows]
    except ValueError as error:
        raise DataError(f"candidates of {name}: {error}") from None
    if any(len(row) != 5 for row in rows):
        raise DataError(f"candidates of {name}: a row of {min(map(len, rows))} numbers, expected 5")
    return np.array(boxes, np.float64).reshape(-1, 4)
