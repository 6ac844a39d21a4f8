"""Candidates as the released scripts read them, damage included."""

from __future__ import annotations

import itertools
import re

import numpy as np

from eyeline.errors import DataError
from eyeline.results import Floats

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
