"""The landmark model, large beside short videos."""

from __future__ import annotations

import dlib
import pytest

from eyeline.people import landmarks


def test_a_process_reads_the_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def predictor(path: str) -> int:
        read.append(path)
        return len(read)

    monkeypatch.setattr(dlib, "shape_predictor", predictor)
    landmarks._predictor.cache_clear()
    try:
        assert [landmarks.Landmarker()._predict for _ in range(3)] == [1, 1, 1]
        assert len(read) == 1
    finally:
        landmarks._predictor.cache_clear()
