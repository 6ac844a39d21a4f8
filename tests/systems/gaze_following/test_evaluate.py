"""Which evaluation weights lead to, and which options each has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.cli.research import _options
from eyeline.errors import CheckpointError, UsageError
from eyeline.systems.gaze_following import evaluate, formats, score
from eyeline.systems.gaze_following.matching.model import matcher
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_following.detector import invented as images
from tests.systems.gaze_following.matching import invented as looks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both data sets in one folder, and untrained weights of both networks."""
    root = tmp_path_factory.mktemp("both")
    looks.write_folder(root, videos=5, frames=4)
    images.data_set(root, train=[(96, 64)], validation=[(96, 64)] * 2)
    torch.manual_seed(0)
    card = CheckpointCard("gaze_following", "matcher", {"width": 4})
    for name in ("matcher", "silent"):
        checkpoint.save(root / f"{name}.safetensors", matcher(width=4).state_dict(), card)
    arguments = {**images.SMALL, "depths": list(images.SMALL["depths"])}
    card = CheckpointCard("gaze_following", "mask_rcnn", arguments, settings={"short_px": 96})
    checkpoint.save(root / "mask_rcnn.safetensors", images.small().state_dict(), card)
    return root


def test_the_matcher(folder: Path, tmp_path: Path) -> None:
    known: list[str] = []
    weights = folder / "matcher.safetensors"
    created = evaluate.run(weights, folder, tmp_path, known.append, split="train.txt", samples=20)
    assert (
        created["split"] == "train.txt"
        and created["speakers"]["all"]["looks"] == created["pooled"]["rows"]
    )
    assert any(line.startswith("all: ") for line in known)
    assert any(line.startswith("gain on nearest object") for line in known)
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert set(written["gains"]) == {"nearest_object", "surest_object", "middle"}
    whole = evaluate.run(weights, folder, split="all", samples=0)
    assert whole["pooled"]["videos"] == 5 and whole["split"] is None


def test_another_matcher_stands_for_silence(folder: Path) -> None:
    created = [
        evaluate.run(folder / "matcher.safetensors", folder, samples=0, without=without)
        for without in (None, folder / "silent.safetensors")
    ]
    a, b = (one["speakers"]["all"]["l2_average"] for one in created)
    assert a["with"] == b["with"] and a["without"] != b["without"]
    assert created[0]["without"] is None and "silent" in created[1]["without"]


def test_the_detector(folder: Path, tmp_path: Path) -> None:
    created = evaluate.run(
        folder / "mask_rcnn.safetensors", folder, tmp_path, masks=False, proposals=20, fusion="h"
    )
    assert created["split"] == "val2017" and created["proposals"] == 20 and created["fusion"] == "h"
    assert set(created["published"]) == {"bbox"}
    predictions = json.loads((tmp_path / "predictions.json").read_text(encoding="utf-8"))
    truth = folder / "annotations" / "instances_val2017.json"
    again = score.run(tmp_path / "predictions.json", truth)
    assert again["bbox"] == created["bbox"] and again["published"] == created["published"]
    with pytest.raises(UsageError, match="split, size: no option where boxes of COCO"):
        score.run(tmp_path / "predictions.json", truth, split="test.txt", size="96x64")
    known = formats.read_candidates_csv(tmp_path / "candidates.csv")
    assert sum(len(one.score) for one in known) == len(predictions) > 0
    x, y, w, h = predictions[0]["bbox"]
    np.testing.assert_allclose(known[0].box_xyxy[0], [x, y, x + w, y + h])


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("matcher", {"fusion": "hs", "masks": True}, "fusion, masks: no option for .* matcher"),
        ("mask_rcnn", {"samples": 3}, "samples: no option for weights of mask_rcnn, which takes"),
        ("mask_rcnn", {"without": Path("a")}, "without: no option"),
    ],
)
def test_options_of_the_other_network(
    folder: Path, network: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate.run(folder / f"{network}.safetensors", folder, **options)


def test_weights_of_something_else(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, {"a": torch.zeros(1)}, CheckpointCard("gaze_3d", "gaze_from_afar", {}))
    with pytest.raises(CheckpointError):
        evaluate.run(other, folder)


def test_the_command_binds_all_options() -> None:
    texts = ["split=all", "fusion=hs", "masks=false", "proposals=3", "short_px=64",
             "without=a.safetensors", "slope_weights=b.safetensors", "samples=5"]  # fmt: skip
    predictions = _options(texts, evaluate.run)
    assert predictions["without"] == Path("a.safetensors") and predictions["masks"] is False
    assert len(predictions) == 8
    with pytest.raises(UsageError, match="samples"):
        _options(["samples=many"], evaluate.run)
