"""The whole way: annotated folder, cross-validation, weights, evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import CheckpointError, DataError
from eyeline.systems.eye_contact import evaluate, train
from eyeline.systems.eye_contact.recipe import read_recipe
from eyeline.systems.eye_contact.samples import Sample, open_videos, samples_of
from eyeline.systems.eye_contact.weights import load_landmarks_tcn
from eyeline.training import checkpoint
from tests.systems.eye_contact.faces import six_points

RECIPE = {
    "model": {"builder": "landmarks_tcn", "channels": 8, "layers": 3, "members": 1, "dropout": 0.0},
    "optimizer": {"learning_rate": 0.02},
    "training": {"epochs": 25, "batch_size": 4, "crop_frames": 300},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four annotated videos in two folds, contact told by the head's turn."""
    place = tmp_path_factory.mktemp("annotated")
    (place / "per_video").mkdir()
    rows = ["celebrity_id,video_name,fold,tracklets"]
    for number in range(4):
        yaw = np.sin(np.arange(280) / 20 + number)
        arrays = {
            "size": np.array([1280, 720]),
            "tracklet": np.array([0, 1]),
            "start_frame": np.array([0, 500]),
            "length": np.array([150, 130]),
            "box_px": np.tile([300, 100, 700, 600], (280, 1)).astype(np.int16),
            "target": (yaw > 0).astype(np.uint8),
            "landmark_px": six_points(15 * yaw, np.zeros(280), np.zeros(280)),
            "label": (yaw > 0).astype(np.uint8),
            "uncertain": np.zeros(280, np.uint8),
        }
        np.savez(place / "per_video" / f"p{number}_v.npz", **arrays)
        rows.append(f"p{number},v,{number % 2},2")
    (place / "videos.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, evaluate.Report]:
    out = tmp_path_factory.mktemp("out") / "new" / "folder"
    return out, train.run(RECIPE, folder, out)


def test_training_writes_weights_and_report(trained: tuple[Path, evaluate.Report]) -> None:
    out, report = trained
    assert sorted(p.name for p in out.iterdir()) == ["landmarks_tcn.safetensors", "report.json"]
    written = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert written["pooled"] == report["pooled"]
    assert report["pooled"]["accuracy"] > 0.9 and report["pooled"]["auc"] > 0.95
    assert len(report["chosen_by_fold"]) == 2


def test_the_card_says_how(trained: tuple[Path, evaluate.Report]) -> None:
    model = load_landmarks_tcn(trained[0] / "landmarks_tcn.safetensors")
    assert model.card.data["videos"] == ["p0_v", "p1_v", "p2_v", "p3_v"]
    assert model.card.recipe["training"]["epochs"] == 25
    assert model.card.scores["pooled"]["accuracy"] == pytest.approx(
        trained[1]["pooled"]["accuracy"], abs=1e-4
    )
    assert read_recipe(model.card.recipe) == read_recipe(RECIPE)


def test_evaluation_says_what_was_seen_in_training(
    trained: tuple[Path, evaluate.Report], folder: Path
) -> None:
    report = evaluate.run(trained[0] / "landmarks_tcn.safetensors", folder)
    assert report["seen_in_training"] == 4
    assert report["pooled"]["accuracy"] > 0.95


def test_a_second_run_writes_the_same_bytes(
    trained: tuple[Path, evaluate.Report], folder: Path, tmp_path: Path
) -> None:
    train.run(RECIPE, folder, tmp_path)
    for name in ("landmarks_tcn.safetensors", "report.json"):
        assert (tmp_path / name).read_bytes() == (trained[0] / name).read_bytes()


def test_no_fold_sees_its_own_answers(invented: list[Sample]) -> None:
    """With the labels of fold 1 turned around, each fold learns to answer the other wrongly."""
    liars = [
        Sample(s.video, s.fold, s.features, s.label if s.fold == 0 else 1 - s.label)
        for s in invented
    ]
    _, report = evaluate.cross_validate(liars, read_recipe(RECIPE))
    assert report["folds"]["0"]["auc"] < 0.1 and report["folds"]["1"]["auc"] < 0.1


def test_choices_of_a_fold_come_from_the_others(invented: list[Sample]) -> None:
    from eyeline.systems.eye_contact.recipe import Choices

    sure = [np.where(s.label == 1, 4.0, -4.0) for s in invented]
    poor = [x if s.fold == 0 else -x for s, x in zip(invented, sure, strict=True)]
    result = evaluate.choose_by_fold(invented, poor, Choices())
    scale_for_0, scale_for_1 = (c.scale for c, _ in result.chosen)
    assert scale_for_0 < 0.05 < scale_for_1, "fold 0 is calibrated by the wrong answers of fold 1"


def test_one_fold_cannot_be_cross_validated(invented: list[Sample]) -> None:
    with pytest.raises(DataError, match="two folds"):
        evaluate.cross_validate([s for s in invented if s.fold == 0], read_recipe(RECIPE))


def test_weights_for_other_features_are_refused(
    trained: tuple[Path, evaluate.Report], tmp_path: Path
) -> None:
    from dataclasses import replace

    card, state = checkpoint.load(trained[0] / "landmarks_tcn.safetensors")
    odd = {**card.settings, "features": [*card.settings["features"][:-1], "nose_colour"]}
    checkpoint.save(tmp_path / "w", state, replace(card, settings=odd))
    with pytest.raises(CheckpointError, match="nose_colour"):
        load_landmarks_tcn(tmp_path / "w")
    checkpoint.save(tmp_path / "w", state, replace(card, builder="mstcn"))
    with pytest.raises(CheckpointError, match="eye_contact/mstcn"):
        load_landmarks_tcn(tmp_path / "w")
    checkpoint.save(tmp_path / "w", state, replace(card, arguments={**card.arguments, "depth": 3}))
    with pytest.raises(CheckpointError, match="depth"):
        load_landmarks_tcn(tmp_path / "w")
    checkpoint.save(
        tmp_path / "w", state, replace(card, arguments={**card.arguments, "members": 2})
    )
    with pytest.raises(CheckpointError, match=r"lacks members\.1"):
        load_landmarks_tcn(tmp_path / "w")


@pytest.mark.slow
def test_the_shipped_figures_come_out_again(annotated: Path) -> None:
    """The whole cross-validation anew: the figures that the card carries."""
    from eyeline.systems.eye_contact.weights import SHIPPED

    model = load_landmarks_tcn(SHIPPED)
    samples = samples_of(open_videos(annotated))
    recipe = read_recipe(model.card.recipe)
    _, report = evaluate.cross_validate(samples, recipe)
    for name, value in model.card.scores["pooled"].items():
        assert report["pooled"][name] == pytest.approx(value, abs=5e-3), name
