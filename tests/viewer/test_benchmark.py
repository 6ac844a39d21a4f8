"""The benchmark of the page asks for what there is, before and after a correction."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import view


def test_opening_and_seeking_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "QUICK_S", 70)
    monkeypatch.setattr(view, "SEEKS", 2)
    figures: dict[str, Any] = view.run(quick=True)
    assert (figures["video_s"], figures["people"], figures["seeks"]) == (70, 4, 2)
    for state in ("computed", "corrected"):
        assert figures[state].keys() >= {"open_s", "seek_ms", "seek_processor_ms"}
        assert min(figures[state].values()) > 0
