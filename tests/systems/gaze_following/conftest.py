"""Frozen numbers of the original code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.systems.gaze_following.matching.slope import SlopeMlp

GOLDEN = Path(__file__).parent / "golden"

Array = npt.NDArray[Any]
Golden = Callable[[str], dict[str, Array]]


@pytest.fixture(scope="session")
def golden() -> Golden:
    def read(name: str) -> dict[str, Array]:
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return read


@pytest.fixture(scope="session")
def published(golden: Golden) -> dict[str, Array]:
    """Slopes, picks and files of the original scripts."""
    return golden("best_gaze")


@pytest.fixture(scope="session")
def golden_mlp(published: dict[str, Array]) -> SlopeMlp:
    weight, bias = ((published[f"{k}0"], published[f"{k}1"]) for k in ("coef", "intercept"))
    return SlopeMlp(weight, bias)
