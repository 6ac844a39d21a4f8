"""How the trial of determinism compares tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyeline.export import write_tables
from eyeline.results import Analysis
from torture import determinism

MakeAnalysis = Callable[..., Analysis]


def test_differences_of_tables(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    plain = make_analysis()
    people = plain.people
    moved = dataclasses.replace(people, score=people.score + 1e-6 * people.score.max())
    other = dataclasses.replace(people, person=people.person + 1)
    for name, given in (("plain", people), ("moved", moved), ("other", other)):
        write_tables(dataclasses.replace(plain, people=given), tmp_path / name)
    result = {
        name: determinism.difference(tmp_path / "plain", tmp_path / name, "people")
        for name in ("plain", "moved", "other")
    }
    assert result["plain"] == 0 and result["other"] == np.inf
    assert result["moved"] == pytest.approx(1e-6, rel=1e-3)
