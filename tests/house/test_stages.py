"""Samples of a profile are counted to stages."""

from __future__ import annotations

from benchmarks.stages import by_stage


def test_the_innermost_stage_counts_and_waiting_does_not() -> None:
    folded = [
        "main (a.py);CenterFace.detect (eyeline/people/detect.py:1);Session.run (ort.py:2) 30",
        "main (a.py);read_lips (eyeline/speech/lips.py:1);Landmarker.find (b.py:2) 50",
        "main (a.py);read_lips (eyeline/speech/lips.py:1);patch (c.py:2) 10",
        "main (a.py);something (d.py:2) 10",
        "run (threading.py:1);Condition.wait (threading.py:327) 900",
    ]
    expected = {"landmarks": 0.5, "detection": 0.3, "lips": 0.1, "other": 0.1}
    assert by_stage(folded) == expected
