"""Which videos are for training, validation and testing: lists in files, one video a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.files import write_bytes


def read(path: Path | str) -> tuple[str, ...]:
    """The videos of a list in its order; `#` begins a remark.

    Raises:
        DataError: no such list, an empty one, or a video named twice.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"no list of videos at {path}: {error}") from None
    videos = tuple(text for line in lines if (text := line.partition("#")[0].strip()))
    if not videos:
        raise DataError(f"{path} names no video")
    if twice := sorted({v for v in videos if videos.count(v) > 1}):
        raise DataError(f"{path} names twice: {', '.join(twice)}")
    return videos


def write(path: Path | str, videos: Iterable[str]) -> None:
    """Write such a list; OutputError where that cannot be."""
    write_bytes(Path(path), "".join(f"{video}\n" for video in videos).encode())


def drawn(
    videos: Sequence[str], fractions: Sequence[float], seed: int = 0
) -> tuple[tuple[str, ...], ...]:
    """Videos divided at random into lists of these shares, none of them empty; orders are kept.

    The looks of one video are too alike to stand in two lists.

    Raises:
        DataError: fewer videos than lists, or shares that do not sum to one.
    """
    if len(videos) < len(fractions) or not np.isclose(sum(fractions), 1) or min(fractions) <= 0:
        raise DataError(f"{len(videos)} videos cannot be divided by shares of {list(fractions)}")
    order = np.random.default_rng(seed).permutation(len(videos))
    spare = len(videos) - len(fractions)
    ends = np.round(np.cumsum(fractions) * spare).astype(int) + np.arange(1, len(fractions) + 1)
    lists = np.split(order, ends[:-1])
    return tuple(tuple(videos[i] for i in sorted(own.tolist())) for own in lists)
