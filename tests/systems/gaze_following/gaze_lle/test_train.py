"""Training of the decoder and its scores, on tiny data sets of all three forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, DataError, RecipeError, UsageError
from eyeline.systems.gaze_following import evaluate, predictions, score, train
from eyeline.systems.gaze_following.gaze_lle import data
from eyeline.systems.gaze_following.gaze_lle import train as gaze_lle_train
from eyeline.systems.gaze_following.gaze_lle.recipe import Adam
from eyeline.training import checkpoint
from tests.systems.gaze_following.gaze_lle import looks

FIT = (
    *("optimizer.learning_rate=0.01", "optimizer.in_out_learning_rate=0.003"),
    *("optimizer.schedule=cosine", "training.epochs=150", "training.batch_size=4", "data.every=1"),
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return looks.saved_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A decoder that has learned one clip by heart, and its scores on it."""
    root = tmp_path_factory.mktemp("trained")
    folder = looks.write_attention_target(root / "data", clips=1)
    report = train.run(
        "gaze_lle_in_out", folder, root / "out", changes=looks.changes(encoder, *FIT)
    )
    weights = root / "out" / "gaze_lle.safetensors"
    options: dict[str, Any] = {"encoder": encoder, "part": "train", "samples": 0}
    scores = evaluate.run(weights, folder, root / "scores", **options)
    return {"report": report, "weights": weights, "data": folder, "scores": scores, "root": root}


@pytest.mark.slow
def test_learns_by_heart_where_two_people_look(trained: dict[str, Any]) -> None:
    pooled = trained["scores"]["pooled"]
    assert pooled["rows"] == 8 and pooled["out_of_frame"] == 1
    assert pooled["l2_average_cells"] < 0.12 and pooled["right_person"] == 1
    assert pooled["in_out_ap"] == 1
    assert trained["scores"]["protocol"] == "attention_target"
    social = trained["scores"]["social"]
    assert social["laeo"] == {"pairs": 4, "positive": 1, "ap": 1, "ap_interval": None, "f1": 1}
    assert trained["report"]["data"]["looks"] == 8
    json.dumps(dict(trained["scores"]), allow_nan=False)


@pytest.mark.slow
def test_the_files_of_an_evaluation_score_alike(trained: dict[str, Any]) -> None:
    again = score.run(
        trained["root"] / "scores" / "predictions.csv",
        trained["data"],
        part="train",
        heatmaps=str(trained["root"] / "scores" / "heatmaps.npy"),
        samples=0,
    )
    for name, value in trained["scores"]["pooled"].items():
        assert again["pooled"][name] == pytest.approx(value, abs=1e-6), name
    assert again["social"] == trained["scores"]["social"]


def test_a_decoder_without_in_out_begins_one_with_it(encoder: Path, tmp_path: Path) -> None:
    folder, once = looks.write_gazefollow(tmp_path), ("training.epochs=1",)
    first = train.run("gaze_lle", folder, tmp_path / "a", changes=looks.changes(encoder, *once))
    assert first["data"]["looks"] == 3  # none out of the image
    made = tmp_path / "a" / "gaze_lle.safetensors"
    assert len(checkpoint.read_card(made).settings["encoder_sha256"]) == 64
    held = (*once, "data.validation_fraction=0.5", "training.select=l2", "data.part=test")
    clips = looks.write_childplay(tmp_path / "childplay")
    table = clips / "annotations" / "test" / "a_b_c_100-103.csv"
    (table.parent / "z.csv").write_text(table.read_text().replace("a_b_c", "z"))
    for number in range(4):
        looks.write_image(clips / "images" / "z_100-103" / f"z_{100 + number}.jpg", number)
    second = train.run(
        "gaze_lle_in_out",
        clips,
        tmp_path / "b",
        changes=looks.changes(encoder, *held),
        weights=made,
    )
    assert all(name.startswith("inout_") for name in second["began_at"]["random"])
    assert second["data"]["looks_held_out"] == 2  # of the one image in six
    assert "validation_auc" in second["chosen"]
    scores = evaluate.run(
        tmp_path / "b" / "gaze_lle.safetensors", clips, tmp_path / "c", encoder=encoder, samples=0
    )
    assert scores["pooled"]["rows"] == 16 and scores["social"]["lah"]["pairs"] == 16
    assert np.load(tmp_path / "c" / "heatmaps.npy").shape == (16, 16, 16)
    assert len(predictions.read(tmp_path / "c" / "predictions.csv")) == 16


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("data.encoder=nowhere.safetensors",), "no weights file at nowhere"),
        (("model.encoder_width=128",), "encoder of width 128, but .* has 64"),
        (("training.select=l2",), "nothing is held out"),
    ],
)
def test_recipes_that_do_not_fit(
    more: tuple[str, ...], message: str, encoder: Path, tmp_path: Path
) -> None:
    with pytest.raises((RecipeError, CheckpointError), match=message):
        train.run("gaze_lle", tmp_path, tmp_path / "out", changes=looks.changes(encoder, *more))
    assert not (tmp_path / "out").exists()


def test_no_encoder_anywhere(
    small: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYELINE_WEIGHTS", str(tmp_path))
    with pytest.raises(UsageError, match="no encoder: --set encoder=FILE"):
        evaluate.run(small["gaze_lle"], tmp_path)
    with pytest.raises(RecipeError, match=r"data\.encoder is not set"):
        train.run("gaze_lle", tmp_path, tmp_path / "out")
    with pytest.raises(UsageError, match="fusion: no option for weights of gaze_lle"):
        evaluate.run(small["gaze_lle"], tmp_path, fusion="hs")


def test_rates_as_published() -> None:
    cosine, constant = Adam(), Adam(schedule="constant")
    assert gaze_lle_train.rate(cosine, 0, 15) == 1
    assert gaze_lle_train.rate(cosine, 15, 15) == pytest.approx(1e-4)
    assert gaze_lle_train.rate(constant, 7, 8) == 1


def test_heads_outside_the_image_and_data_without_heads(tmp_path: Path) -> None:
    root = looks.write_attention_target(tmp_path, clips=1)
    file = root / "annotations" / "train" / "Show" / "0" / "s00.txt"
    file.write_text(file.read_text().replace(",10,10,40,46,", ",500,10,540,46,"))
    opened = data.open_looks(root, "train", in_out=True)
    with pytest.raises(DataError, match=r"s00.txt, line 1: the head box .* outside the image"):
        opened.heads_norm(np.array([0]))
    empty = looks.write_gazefollow(tmp_path / "none")
    text = (empty / "train_annotations_release.txt").read_text()
    text = text.replace("10,10,40,46", "10,10,10,10")
    (empty / "train_annotations_release.txt").write_text(text)
    with pytest.raises(DataError, match="no look of a person whose head is known"):
        data.open_looks(empty, "train", in_out=False)


def test_boxes_are_smoothed_and_frames_taken_as_published(tmp_path: Path) -> None:
    root = looks.write_attention_target(tmp_path, clips=1)
    file = root / "annotations" / "train" / "Show" / "0" / "s00.txt"
    file.write_text(file.read_text().replace("00000003.jpg,10,", "00000003.jpg,21,"))
    opened = data.open_looks(root, "train", in_out=True, every=2)
    assert {image[-5] for image in opened.known.image} == {"0", "2"}
    # of eleven values those past the end are the last one: 6 of 11 at frame 2, and 3, 4, 5 before
    lefts = sorted(opened.known.head_xyxy[:, 0].tolist())[:2]
    assert lefts == pytest.approx([10 + 3, 10 + 5])


@pytest.mark.parametrize("seed", range(5))
def test_changed_images_keep_head_and_point(seed: int) -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    image[20:40, 30:60, 0], image[100:104, 140:146, 1] = 255, 255
    shown = data.Shown(
        image, np.array([30, 20, 60, 40]) / (160, 120, 160, 120), np.array([0.9, 0.85])
    )
    rng = np.random.default_rng(seed)
    changed = data.mirrored(data.cropped(shown, rng))
    height, width = changed.image.shape[:2]
    left, top, right, bottom = (changed.head_norm * np.tile((width, height), 2)).round().astype(int)
    assert (changed.image[top:bottom, left:right, 0] == 255).all()
    assert changed.image[..., 0].sum() == 255 * 600
    x, y = (changed.point_norm * (width, height)).astype(int)
    assert changed.image[min(y, height - 1), min(x, width - 1), 1] == 255
    moved = data.jittered(changed, rng).head_norm
    assert (
        0
        < np.abs(moved - changed.head_norm).max()
        <= 0.2 * (changed.head_norm[2:] - changed.head_norm[:2]).max() + 1e-9
    )


def test_target_heatmaps_are_those_of_the_published_code() -> None:
    heat = data.target_heatmap(np.array([0.5, 0.25]), 64).numpy()
    assert heat[16, 32] == 1 and heat[16, 35] == pytest.approx(np.exp(-0.5))
    assert heat[16, 41] > 0 == heat[16, 42] and heat[26, 32] == 0
    assert not data.target_heatmap(np.full(2, np.nan), 64).any()
    assert data.target_heatmap(np.array([1.0, 1.0]), 64)[63, 63] == 1
