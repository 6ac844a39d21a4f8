"""Which sessions are for training and which for testing: lists in files, one session a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eyeline.errors import DataError

FOLDER = Path(__file__).parent / "splits"
"""The lists that the authors published."""


def names() -> tuple[str, ...]:
    """The lists that are here, for example `gafa_train.txt`."""
    return tuple(sorted(path.name for path in FOLDER.glob("*.txt")))


def read(name: str | Path, root: Path | None = None) -> tuple[str, ...]:
    """The sessions of a list, for example `library/1026_3`, in its order.

    Args:
        name: of a list in the data's own folder, of a published one, or any other path.
        root: the data, whose own lists come first.

    Raises:
        DataError: no such list, an empty one, or a session named twice.
    """
    path = _path(Path(name), root)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"no list of sessions '{name}' ({error}); published: {', '.join(names())}"
        ) from None
    sessions = tuple(text for line in lines if (text := line.partition("#")[0].strip()))
    if not sessions:
        raise DataError(f"{path} names no session")
    if twice := sorted({s for s in sessions if sessions.count(s) > 1}):
        raise DataError(f"{path} names twice: {', '.join(twice)}")
    return sessions


def held_out(
    sessions: Sequence[str], fraction: float = 0.1, seed: int = 0
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sessions to train on and, drawn by `seed`, at least one to validate on; orders are kept.

    Raises:
        DataError: fewer than two sessions, or a share that is not within 0 and 1.
    """
    if len(sessions) < 2 or not 0 < fraction < 1:
        raise DataError(
            f"{len(sessions)} sessions and a share of {fraction}: two sessions or more and a share "
            "between 0 and 1 can be split"
        )
    count = min(max(round(fraction * len(sessions)), 1), len(sessions) - 1)
    drawn = set(np.random.default_rng(seed).permutation(len(sessions))[:count].tolist())
    kept = tuple(s for i, s in enumerate(sessions) if i not in drawn)
    return kept, tuple(s for i, s in enumerate(sessions) if i in drawn)


def shuffled(sessions: Sequence[str], seed: int = 0) -> tuple[str, ...]:
    """The sessions in an order drawn by `seed`."""
    return tuple(sessions[i] for i in np.random.default_rng(seed).permutation(len(sessions)))


def _path(name: Path, root: Path | None) -> Path:
    for folder in (root, FOLDER):
        if folder is not None and (folder / name).is_file():
            return folder / name
    return name
