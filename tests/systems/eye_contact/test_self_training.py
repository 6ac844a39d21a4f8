"""Rounds of self-training on synthetic features: they learn, resume, and bear tracklets without
labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from eyeline.errors import DataError
from eyeline.results import Ints
from eyeline.systems.eye_contact import train
from eyeline.systems.eye_contact.discovery.sources import VideoName
from eyeline.systems.eye_contact.loss import IGNORED
from eyeline.systems.eye_contact.recipe import Recipe, read_recipe
from eyeline.systems.eye_contact.samples import Sample
from eyeline.systems.eye_contact.self_training import (
    LIST,
    Split,
    forget_states,
    open_split,
    run_rounds,
    summary,
    validation_scores,
)
from eyeline.systems.eye_contact.tracklets import ListRow, TrackletFile, write_list, write_tracklet
from eyeline.systems.eye_contact.weights import open_model
from eyeline.systems.eye_contact.xgaze.fit import logits_of
from eyeline.training.checkpoint import read_card
from eyeline.training.devices import Devices
from eyeline.training.loop import LOG, STATE
from tests.systems.eye_contact.discovery.roots import add_video

WIDTH = 16


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are slower with more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def recipe(epochs: int = 8, rounds: int = 2, save_every: int = 0) -> Recipe:
    return read_recipe(
        {
            "data": {"labels": "clusters", "validation_fraction": 0.25},
            "model": {
                "builder": "ms_tcn2",
                "layers_prediction": 4,
                "layers_refinement": 3,
                "refinements": 1,
                "maps": 16,
                "features": WIDTH,
                "dropout": 0.2,
            },
            "optimizer": {"learning_rate": 0.003},
            "training": {"epochs": epochs, "rounds": rounds, "save_every": save_every},
        }
    )


def made_up(frames: int, rng: np.random.Generator) -> tuple[np.ndarray, Ints, Ints]:
    """Features of two Gaussian classes, their true labels, and noisy ones with a run of none."""
    lengths = rng.integers(15, 60, frames // 15 + 1)
    truth = np.repeat(np.arange(len(lengths)) % 2, lengths)[:frames].astype(np.int64)
    features = rng.standard_normal((frames, WIDTH)) + 0.7 * truth[:, None] * (np.arange(WIDTH) < 6)
    noisy = np.where(rng.random(frames) < 0.25, 1 - truth, truth)
    gap = int(rng.integers(0, frames - 30))
    noisy[gap : gap + 30] = IGNORED
    return features.astype(np.float32), truth, noisy


@pytest.fixture(scope="module")
def data() -> tuple[Split, list[Ints]]:
    rng = np.random.default_rng(7)
    samples, truths = [], []
    for number in range(16):
        features, truth, noisy = made_up(int(rng.integers(110, 260)), rng)
        if number == 3:
            noisy[:] = IGNORED
        samples.append(Sample(f"v{number // 4}", 0, features, noisy, None, f"{number % 4:03d}", 0))
        truths.append(truth)
    return Split(samples[:12], samples[12:]), truths


def test_the_second_round_beats_the_noise_of_the_labels(
    data: tuple[Split, list[Ints]], tmp_path: Path
) -> None:
    split, truths = data
    network, rounds = run_rounds(split, recipe(10), tmp_path, Devices().fabric())
    answers = [logits_of(network, s.features) > 0 for s in split.everything]
    right = float((np.concatenate(answers) == np.concatenate(truths)).mean())
    label = np.concatenate([s.label for s in split.everything])
    known = label != IGNORED
    clean = float((label == np.concatenate(truths))[known].mean())
    assert clean < 0.8 and right > clean + 0.1
    first, second = summary(rounds)
    assert first["labelled"] < 1 and second["labelled"] == 1, "no frame is without an answer"
    losses = [epoch["loss"] for epoch in rounds[0]["epochs"]]
    assert losses[-1] < 0.9 * losses[0]
    assert {"validation_accuracy", "validation_edit", "validation_f1_at_50"} <= set(second)


class StoppedError(Exception):
    """What a test stops a run with."""


def test_a_stopped_run_ends_like_one_that_was_not(
    data: tuple[Split, list[Ints]], tmp_path: Path
) -> None:
    split, plan = data[0], recipe(epochs=2)

    def stop(text: str) -> None:
        if text.startswith("round 2 of 2: epoch 1"):
            raise StoppedError

    with pytest.raises(StoppedError):
        run_rounds(split, plan, tmp_path / "a", Devices().fabric(), log=stop)
    known: list[str] = []
    resumed, _ = run_rounds(split, plan, tmp_path / "a", Devices().fabric(), log=known.append)
    whole, _ = run_rounds(split, plan, tmp_path / "b", Devices().fabric())
    assert known == [
        "round 1 of 2: resuming after epoch 2 of 2",
        "round 2 of 2: resuming after epoch 1 of 2",
        known[2],
    ]
    for (name, one), other in zip(
        resumed.state_dict().items(), whole.state_dict().values(), strict=True
    ):
        assert one.equal(other), name
    forget_states(tmp_path / "a", plan)
    left = [p.name for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert set(left) == {LOG} and STATE not in left


def test_the_networks_of_all_rounds_are_kept(
    data: tuple[Split, list[Ints]], tmp_path: Path
) -> None:
    plan = recipe(3, save_every=2)
    states: dict[str, dict[str, torch.Tensor]] = {}

    def save(path: Path, network: nn.Module, scores: Mapping[str, Any]) -> None:
        assert "validation_accuracy" in scores
        place = path.relative_to(tmp_path).as_posix()
        states[place] = {k: v.clone() for k, v in network.state_dict().items()}

    last, _ = run_rounds(data[0], plan, tmp_path, Devices().fabric(), save=save)
    assert list(states) == [
        "round_0/epoch_2.safetensors",
        "round_0/ms_tcn2.safetensors",
        "round_1/epoch_2.safetensors",
        "round_1/ms_tcn2.safetensors",
    ]
    for name, value in last.state_dict().items():
        assert value.equal(states["round_1/ms_tcn2.safetensors"][name]), name
    one, other = (states[f"round_0/{n}.safetensors"] for n in ("epoch_2", "ms_tcn2"))
    assert any(not one[name].equal(other[name]) for name in one)


def test_a_chosen_network_is_evaluated_and_labels_the_next_rounds(tmp_path: Path) -> None:
    root = add_videos(tmp_path / "data")
    sections = recipe(2).as_dict() | {"decoding": {}}
    sections["model"]["features"] = 4
    train.run(sections, root, tmp_path / "out", changes=["training.save_every=1"])
    chosen = tmp_path / "out" / "round_0" / "epoch_1.safetensors"
    card = read_card(chosen)
    assert card.data["videos"] == ["id1_aaa", "id2_bbb"] and card.scores["epoch"] == 0
    assert open_model(chosen).logits(np.ones((120, 4), np.float32)).shape == (120,)
    report = train.run(
        sections, root, tmp_path / "next", weights=chosen, changes=["training.rounds=1"]
    )
    assert report["rounds"][0]["labelled"] == 1, "a network labels every frame, clusters do not"
    whole = [p.name for p in (tmp_path / "out" / "round_1").iterdir()]
    assert sorted(whole) == [
        "epoch_1.safetensors",
        "epoch_2.safetensors",
        "log.jsonl",
        "ms_tcn2.safetensors",
    ]


def add_videos(root: Path) -> Path:
    for name in (VideoName("id1", "aaa"), VideoName("id2", "bbb")):
        add_video(root, name)
    return root


def test_another_network_may_give_the_first_labels(
    data: tuple[Split, list[Ints]], tmp_path: Path
) -> None:
    _, rounds = run_rounds(
        data[0],
        recipe(1, 1),
        tmp_path,
        Devices().fabric(),
        label_with=lambda features: features[:, 0] - 10,
    )
    assert rounds[0]["labelled"] == 1 and rounds[0]["contact_in_labels"] == 0


def test_frames_without_a_label_count_for_nothing() -> None:
    label = np.array([0, 0, IGNORED, IGNORED, 1, 1])
    sample = Sample("v", 0, np.zeros((6, 1), np.float32), label)
    result = validation_scores([sample], [np.array([0, 0, 0, 1, 1, 1])])
    assert result["validation_accuracy"] == 1 and result["validation_edit"] == 1
    unknown = Sample("v", 0, np.zeros((6, 1), np.float32), np.full(6, IGNORED))
    assert "validation_accuracy" not in validation_scores([unknown], [np.zeros(6, np.int64)])


def prepared(root: Path, count: int = 4, frames: int = 120) -> Path:
    rng = np.random.default_rng(1)
    rows = []
    for number in range(count):
        folder = root / "id1" / "tracklets" / "abc_def_fps25"
        box = np.tile([0.1, 0.1, 0.3, 0.4], (frames, 1))
        feature = rng.standard_normal((frames, WIDTH)).astype(np.float32)
        write_tracklet(
            folder / f"{number:03d}.npz",
            TrackletFile(number * 500, box, np.full((frames, 6, 2), 0.2), feature),
        )
        (folder / "processed").mkdir(exist_ok=True)
        np.savez(folder / "processed" / f"pl_{number:03d}.npz", label=np.full(frames, number % 2))
        rows.append(ListRow("id1", "abc_def", f"{number:03d}", number * 500, number * 500 + frames))
    write_list(root / LIST, rows)
    return root


def test_a_prepared_folder_is_split_in_the_order_of_its_list(tmp_path: Path) -> None:
    split = open_split(prepared(tmp_path), recipe())
    assert [s.tracklet for s in split.train] == ["000", "001", "002"]
    assert [s.tracklet for s in split.validation] == ["003"]
    assert split.train[1].features.shape == (120, WIDTH) and split.train[1].label.all()
    assert split.train[2].video == "id1_abc_def" and split.train[2].start_frame == 1000


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    root = prepared(tmp_path)
    folder = root / "id1" / "tracklets" / "abc_def_fps25"
    np.savez(folder / "processed" / "pl_001.npz", label=np.zeros(7))
    with pytest.raises(DataError, match=r"pl_001.npz: 7 labels, the list says 120"):
        open_split(root, recipe())
    (folder / "processed" / "pl_001.npz").write_bytes(b"none")
    with pytest.raises(DataError, match=r"pl_001.npz: no labels"):
        open_split(root, recipe())
    prepared(tmp_path, count=1)
    with pytest.raises(DataError, match="too few"):
        open_split(root, recipe())


def test_features_that_are_gone_are_named(tmp_path: Path) -> None:
    root = prepared(tmp_path)
    split = open_split(root, recipe())
    place = root / "id1" / "tracklets" / "abc_def_fps25" / "002.npz"
    box = np.tile([0.1, 0.1, 0.3, 0.4], (120, 1))
    write_tracklet(place, TrackletFile(1000, box, np.full((120, 6, 2), 0.2)))
    with pytest.raises(DataError, match=r"002.npz has no gaze_feature"):
        _ = split.train[2].features
