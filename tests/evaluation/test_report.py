"""Reports: plain JSON, a checked form, and back from the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.evaluation.report import Report


def test_written_and_read_back(tmp_path: Path) -> None:
    created = Report(
        {"pooled": {"auc": np.float32(0.5), "none": np.nan, "n": np.int64(3)}, "notes": ["a", "b"],
         "interval": {"auc": [0.25, float("nan")]}, "own": [True, None, "x"]}
    )  # fmt: skip
    created.write(tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == list(created)
    again = Report.read(tmp_path / "report.json")
    assert again == created == {
        "pooled": {"auc": 0.5, "none": None, "n": 3}, "notes": ["a", "b"],
        "interval": {"auc": [0.25, None]}, "own": [True, None, "x"],
    }  # fmt: skip
    heard: list[str] = []
    again.log(heard.append, "last")
    again.log(None)
    assert heard == ["a", "b", "last"]


@pytest.mark.parametrize(
    "content",
    [
        {"notes": "one"}, {"notes": [3]}, {"seen_in_training": -1}, {"pooled": [1]},
        {"interval": 3}, {"weights": 5}, {"own": {"deep": float("inf")}}, {"own": object()},
    ],
)  # fmt: skip
def test_what_is_no_report(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Report(content)


@pytest.mark.parametrize("text", ["[1]", '{"notes": [3]}', "3", '{"own": Infinity}', "{"])
def test_files_that_are_no_report(text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"report\.json"):
        Report.read(path)
