"""The measures of live against offline, on results whose difference is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import live
from eyeline.results import Points
from tests.export.conftest import build
from tests.live.conftest import moment_of

ANALYSIS = build(2, 60)
MOMENTS = [moment_of(ANALYSIS, k) for k in range(60)]


def swapped(table: Any) -> Any:
    """Persons 1 and 2 numbered the other way round."""
    columns = {"person": 3 - table.person}
    if isinstance(table, Points):
        columns["target"] = np.where(table.target > 0, 3 - table.target, table.target)
    return replace(table, **columns)


def test_equal_results_agree_whatever_the_persons_numbers() -> None:
    other = [
        replace(m, people=swapped(m.people), answers=tuple(swapped(a) for a in m.answers))
        for m in MOMENTS[::3]
    ]
    for moments in (MOMENTS, other):
        result: dict[str, Any] = live.agreement(moments, ANALYSIS)
        assert (result["faces_found"], result["persons"]) == (1.0, 2)
        assert result["gaze_deg_90"] < 0.01
        assert result["gaze_target"] == {"rows": 2 * len(moments), "same": 1.0, "kappa": 1.0}
    assert live.agreement(MOMENTS, ANALYSIS)["late_frames"] == 0


def test_late_directions_are_noticed() -> None:
    gaze = ANALYSIS.directions()
    turning = np.radians(4.0 * gaze.frame)
    direction = np.stack([np.sin(turning), 0 * turning, -np.cos(turning)], 1)
    true = replace(gaze, direction=direction)
    late = replace(true, frame=true.frame + 3)
    assert live._late(late, true, {1: 1, 2: 2}) == 3
    assert live._same(np.array([1, 1]), np.array([1, 1])) == {"rows": 2, "same": 1.0, "kappa": None}
