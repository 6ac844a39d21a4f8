"""The landmark model, large beside short videos."""

from __future__ import annotations

import dlib
import pytest

from eyeline.people import landmarks


def test_a_process_reads_the_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(dlib, "shape_predictor", lambda path: read.append(path) or len(read))
    landmarks._predictor.cache_clear()
    try:
        assert [landmarks.Landmarker()._predict for _ in range(3)] == [1, 1, 1]
        assert len(read) == 1
    finally:
        landmarks._predictor.cache_clear()
