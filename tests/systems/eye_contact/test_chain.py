"""From synthetic data to scores by the commands: labels from clusters, rounds, scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Command

SMALL = (
    "model.layers_prediction=8", "model.layers_refinement=6", "model.refinements=2",
    "model.maps=32", "optimizer.learning_rate=0.001", "training.epochs=4", "training.rounds=2",
)  # fmt: skip


@pytest.mark.slow
def test_what_is_learned_without_annotators_beats_the_majority(
    eyeline: Command, tmp_path: Path
) -> None:
    created, trained, scores = (tmp_path / name for name in ("made", "trained", "scores"))
    assert eyeline("synthesize", "eye_contact", "-o", created).code == 0
    changes = [part for change in SMALL for part in ("--set", change)]
    where = ("--data", created / "training", "-o", trained)
    first = eyeline("train", "eye_contact/voxceleb2", *where, *changes)
    assert first.code == 0, first.err
    assert "round 2 of 2: epoch 4 of 4" in first.err
    weights = trained / "ms_tcn2.safetensors"
    report = json.loads((trained / "report.json").read_text(encoding="utf-8"))
    assert len(report["rounds"]) == 2

    done = eyeline(
        "evaluate", "eye_contact/voxceleb2", "--data", created, "--weights", weights, "-o", scores
    )
    assert done.code == 0, done.err
    result = json.loads((scores / "report.json").read_text(encoding="utf-8"))
    majority = max(result["baselines"][name]["accuracy"] for name in ("all 0", "all 1"))
    assert result["pooled"]["accuracy"] > majority + 0.2
    assert result["pooled"]["f1_at_50"] > 0.4
    assert result["seen_in_training"] == 0
    assert len(list((scores / "timelines").glob("*.svg"))) == result["videos"]

    again = eyeline(
        "score", "eye_contact", "--predictions", scores / "predictions.csv", "--truth", created
    )
    assert json.loads(again.out)["pooled"]["accuracy"] == result["pooled"]["accuracy"]
