"""The index of an item of a prepared data set: arrays, and a card that says how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eyeline.documents import parse_json, read_npz
from eyeline.errors import DataError


def read_index(
    path: Path, item: str, version: int, wanted: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays and the card of an item.

    Raises:
        DataError: no such file, a damaged one, or one that lacks an array or is of another version.
    """
    if not path.is_file():
        raise DataError(f"{item} is not prepared: no {path}")
    try:
        content = read_npz(path)
    except DataError as error:
        raise DataError(f"{item}: {path} is damaged: {error}") from error
    if lacking := [name for name in (*wanted, "card") if name not in content]:
        raise DataError(f"{item}: {path} lacks {', '.join(lacking)}")
    try:
        card = parse_json(str(content["card"]), "card")
        result = card["version"]
    except (DataError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{item}: its card is damaged ({error!r})") from error
    if result != version:
        raise DataError(
            f"{item} was prepared in layout {result}, this reads {version}: prepare it again"
        )
    return content, dict(card)
