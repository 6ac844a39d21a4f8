"""Results to nine digits: the last bits of a sum depend on the number of threads and on kernels."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from eyeline import spill
from eyeline.results import Directions, Floats, People, Points, Scores, Segments

DIGITS = 9
"""What a float32 needs to be itself again; far finer than any of these numbers is known."""

_Result = TypeVar("_Result", bound=People | Scores | Directions | Points | Segments)


def rounded(result: _Result) -> _Result:
    """The same rows; times stay as the video's clock states them."""
    columns = {f.name: getattr(result, f.name) for f in fields(result)}
    fine: dict[str, Any] = {
        name: spill.by_blocks(len(column), lambda rows, of=column: to_digits(of[rows]))  # type: ignore[misc]
        for name, column in columns.items()
        if getattr(column, "dtype", None) == np.float64 and not name.endswith("_s")
    }
    return replace(result, **fine)


def to_digits(values: Floats) -> Floats:
    """Rounded to so many significant digits; NaN and infinity as they are."""
    size = np.abs(values)
    known = np.isfinite(size) & (size > 0)
    exponent = np.floor(np.log10(size, where=known, out=np.zeros_like(size)))
    scale = 10.0 ** np.clip(DIGITS - 1 - exponent, 0, 22)  # powers of ten that floats hold exactly
    return np.where(known, np.round(values * scale) / scale, values)
