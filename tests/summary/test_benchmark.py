"""The benchmark of many results measures every step, and leaves nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks import corpus


@pytest.mark.slow
@pytest.mark.parametrize("lean", [False, True])
def test_every_step_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lean: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(corpus, "QUICK", 3)
    figures: dict[str, Any] = corpus.run(quick=True, lean=lean)
    steps = {"list", "resume", "query_videos", "view"}
    assert figures["steps"].keys() == (steps if lean else steps | {"query_scores", "summary"})
    for step in figures["steps"].values():
        assert all(value > 0 for value in step["first"].values())
    assert not [*tmp_path.iterdir()]
