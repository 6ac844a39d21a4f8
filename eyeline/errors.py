"""The exception classes of eyeline, how messages list names, and the check of shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class EyelineError(Exception):
    """Base of every error a user can cause; its message is the whole story, no traceback needed."""

    everywhere = False
    """Whether all processes that share the work raise it, so that one message is enough."""


class UsageError(EyelineError):
    """An option, name or combination of options that cannot be: exit code 2."""


class VideoError(EyelineError):
    """A file that cannot be analysed: missing, empty, no video in it, damaged from the start."""


class DataError(EyelineError):
    """Annotations, tables or data sets that do not hold what they should."""


class CheckpointError(EyelineError):
    """A weights file that is not what the builder needs."""


class RecipeError(EyelineError):
    """A recipe whose keys or values do not fit what they build."""


class OutputError(EyelineError):
    """A place that cannot be written, or that holds another run's results."""


class TrainingError(EyelineError):
    """Training went astray, for example to a loss that is no number."""


def first_names(names: Iterable[object], shown: int = 3, sign: str = ", ") -> str:
    """The first of some names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - shown} more" if len(known) > shown else ""
    return sign.join(map(str, known[:shown])) + more


def check_shape(
    array: Any, pattern: str, what: str, sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Check an array's shape against axes in words and return the size of each named axis.

    Args:
        array: anything with a `shape`.
        pattern: axes separated by blanks, a word for any size, a number for a fixed one,
            for example `"batch time 3 h w"`.
        what: the name to use in the message.
        sizes: sizes that named axes must have, for example from an earlier check.

    Raises:
        DataError: naming the pattern, the shape found and the first axis that differs.
    """
    axes = pattern.split()
    shape = tuple(int(n) for n in array.shape)
    if len(shape) != len(axes):
        raise DataError(
            f"{what} has {len(shape)} axes, shape {shape}; expected {len(axes)}: '{pattern}'"
        )
    result = dict(sizes or {})
    for axis, size in zip(axes, shape, strict=True):
        expected = int(axis) if axis.isdigit() else result.setdefault(axis, size)
        if size != expected:
            raise DataError(
                f"{what} has shape {shape}; "
                f"axis '{axis}' of '{pattern}' should be {expected}, is {size}"
            )
    return result
