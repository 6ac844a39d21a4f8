"""Calls that must be refused, a line each."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def refuses(error: type[Exception], message: str, call: Callable[[], object]) -> None:
    """The call raises such an error, whose text the pattern matches."""
    with pytest.raises(error, match=message):
        call()
