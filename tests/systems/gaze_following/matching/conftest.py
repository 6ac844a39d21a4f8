"""What the tests of matching share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from eyeline.systems.gaze_following.matching.slope import SlopeMlp


@pytest.fixture(scope="session")
def best_gaze(golden: Any) -> Mapping[str, Any]:
    """Slopes, picks and files of the original scripts."""
    result: Mapping[str, Any] = golden("best_gaze")
    return result


@pytest.fixture(scope="session")
def golden_mlp(best_gaze: Mapping[str, Any]) -> SlopeMlp:
    return SlopeMlp(
        (best_gaze["coef0"], best_gaze["coef1"]), (best_gaze["intercept0"], best_gaze["intercept1"])
    )
