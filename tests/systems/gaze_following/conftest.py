"""Frozen numbers of the original code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

GOLDEN = Path(__file__).parent / "golden"

Array = npt.NDArray[Any]
Golden = Callable[[str], dict[str, Array]]


@pytest.fixture(scope="session")
def golden() -> Golden:
    def read(name: str) -> dict[str, Array]:
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return read
