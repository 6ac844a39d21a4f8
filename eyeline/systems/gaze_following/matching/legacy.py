"""What the released scripts made of candidates, damage included."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from eyeline.errors import DataError
from eyeline.results import Floats
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.formats import BestGaze, Candidates
from eyeline.systems.gaze_following.matching import rules
from eyeline.systems.gaze_following.matching.rules import Slope

_RECORD = re.compile(r"(\S+?\.jpg),(.*?)(?=\n\S+?\.jpg,|\Z)", re.DOTALL)


def squeezed(text: str) -> str:
    """The text with every run of one character cut to one, digits too: `128.8657` to `128.657`.

    The released scripts do so to be rid of double commas.
    """
    return "".join(character for character, _ in itertools.groupby(text))


def parse(text: str) -> dict[str, Floats]:
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
    return {name: _boxes(name, body) for name, body in _RECORD.findall(text)}


def _boxes(name: str, body: str) -> Floats:
    rows = [row.split() for row in re.findall(r"[^\[\]]+", squeezed(body)) if row.strip()]
    try:
        boxes = [[float(number) for number in row[:4]] for row in rows]
    except ValueError as error:
        raise DataError(f"candidates of {name}: {error}") from None
    if any(len(row) != 5 for row in rows):
        raise DataError(f"candidates of {name}: a row of {min(map(len, rows))} numbers, expected 5")
    return np.array(boxes, np.float64).reshape(-1, 4)


def main_rows(
    candidates: Iterable[Candidates], heads_xyxy: Mapping[str, Sequence[int]], slope: Slope
) -> list[BestGaze]:
    """What the later branch finds best in each picture: its first candidate.

    Pictures without candidates leave no row.

    Args:
        candidates: best first.
        heads_xyxy: head box by picture name, whole pixels.
        slope: of a look, from head points.

    Raises:
        DataError: a picture without a head, or one of another name.
    """
    return [_best(one, heads_xyxy, slope) for one in candidates if len(one.box_xyxy)]


def _best(one: Candidates, heads_xyxy: Mapping[str, Sequence[int]], slope: Slope) -> BestGaze:
    if one.name not in heads_xyxy:
        raise DataError(f"no head box of {one.name}")
    name, head = formats.parse_name(one.name), np.asarray(heads_xyxy[one.name])
    row = rules.main(head, one.box_xyxy, slope)
    assert row is not None, "there is a candidate"
    here = rules.head_point(head)
    there = rules.head_point(one.box_xyxy[row])
    point = tuple(there.tolist())
    return BestGaze(
        one.name, tuple(one.box_xyxy[row].tolist()), float(one.score[row]), tuple(head.tolist()),
        name.head, name.frame, tuple(here.tolist()), point,
        float(slope(here[None].astype(np.float64))[0]),
        None if there[0] == here[0] else point,  # straight up or down, where a slope has no end
    )  # fmt: skip
