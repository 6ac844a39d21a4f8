"""The published ways of choosing a candidate by slope: as meant, and as two branches do it.

`intended` is what the paper and its notebook describe. `master` and `main` are the two released
scripts with their mistakes; they explain the files that the authors published and are of no other
use.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.geometry.boxes import centre
from eyeline.results import Floats, Ints

Slope = Callable[[Floats], Floats]
"""Head points `(n, 2)` in pixels to slopes `(n,)`."""
Rule = Callable[[Floats, Floats, Slope], int | None]
"""Head box `(4,)`, candidates `(m, 4)` best first, and the slope to the candidate chosen."""


def head_point(head_xyxy: Floats) -> Ints:
    """Whole pixels `(..., 2)` of the middle of head boxes `(..., 4)`, cut towards zero."""
    return np.trunc(centre(np.asarray(head_xyxy, np.float64))).astype(np.int64)


def slopes(origin_px: Floats, points_px: Floats) -> Floats:
    """Slopes `(m,)` from a point `(2,)` to others `(m, 2)`.

    Straight up or down it is infinite, and no number from a point to itself.
    """
    step = np.asarray(points_px, np.float64) - np.asarray(origin_px, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(step[:, 1] / step[:, 0])


def nearest_slope(origin_px: Floats, points_px: Floats, slope: float) -> int | None:
    """The first of the points `(m, 2)` whose slope from `(2,)` is nearest; None of none.

    Points at infinite slope lose against all others; so does the origin itself.
    """
    if not len(points_px):
        return None
    distance = np.abs(slopes(origin_px, points_px) - slope)
    return int(np.argmin(np.where(np.isnan(distance), np.inf, distance)))


def intended(head_xyxy: Floats, candidates_xyxy: Floats, slope: Slope) -> int | None:
    """The candidate whose middle lies nearest to the predicted slope, the first among equals.

    Args:
        head_xyxy: `(4,)` pixels.
        candidates_xyxy: `(m, 4)` pixels, best score first.
        slope: of a look, from head points.

    Returns:
        The candidate's row; None without candidates.
    """
    check_shape(candidates_xyxy, "m 4", "candidates")
    point = head_point(head_xyxy).astype(np.float64)
    return nearest_slope(point, centre(candidates_xyxy), float(slope(point[None])[0]))


def master(head_xyxy: Floats, candidates_xyxy: Floats, slope: Slope) -> int | None:
    """As the script that made `KETI_Sequence.csv`: the head's y is filled with its x.

    That script also read candidates through `damaged_candidates`.
    """
    check_shape(candidates_xyxy, "m 4", "candidates")
    point = np.repeat(head_point(head_xyxy)[:1], 2).astype(np.float64)
    return nearest_slope(point, centre(candidates_xyxy), float(slope(point[None])[0]))


def main(head_xyxy: Floats, candidates_xyxy: Floats, slope: Slope) -> int | None:
    """As the later script: always the first candidate.

    It compares the predicted slope of each row with the predicted slope of the first row. All are
    equal, so that the slope has no effect.
    """
    check_shape(candidates_xyxy, "m 4", "candidates")
    return 0 if len(candidates_xyxy) else None


RULES: Mapping[str, Rule] = {"intended": intended, "master": master, "main": main}
"""By name."""


_RECORD = re.compile(r"(\S+?\.jpg),(.*?)(?=\n\S+?\.jpg,|\Z)", re.DOTALL)


def squeezed(text: str) -> str:
    """The text with every run of one character cut to one, digits too: `128.8657` to `128.657`.

    The released scripts do so to be rid of double commas.
    """
    return "".join(character for character, _ in itertools.groupby(text))


def damaged_candidates(text: str) -> dict[str, Floats]:
    """Candidate boxes of a text file as the released scripts read it: digits lost, scores too.

    Half of the coordinates come out changed, some by hundreds of pixels. The undamaged numbers are
    those of `formats`.

    Args:
        text: of a file such as `x101_1x_test.txt`.

    Returns:
        Boxes `(n, 4)` by image name, in the file's order.

    Raises:
        DataError: a row that is not five numbers.
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
