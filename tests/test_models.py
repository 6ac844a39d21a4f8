"""Weights files: whose they are, which builder takes them, and what is said where one lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from eyeline.errors import CheckpointError, UsageError
from eyeline.models import FOLDER, GivenWeights, load, shipped
from eyeline.people.person_networks import TorchvisionPersons
from eyeline.settings import Settings
from eyeline.speech.lr_asd_model import lr_asd
from eyeline.speech.syncnet.weights import load_syncnet
from eyeline.system import list_systems, load_system
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

ECS = load_system("eye_contact")
PUBLISHED = "eye_contact/xgaze_mstcn"


def weights(path: Path, network: str, system: str = "eye_contact") -> str:
    checkpoint.save(path, {"a": torch.zeros(1)}, CheckpointCard(system, network, {}))
    return str(path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[str, str]:
    return (
        weights(tmp_path / "gaze.safetensors", "xgaze_resnet50"),
        weights(tmp_path / "time.safetensors", "ms_tcn2"),
    )


def test_files_say_whose_they_are(both: tuple[str, str]) -> None:
    settings = Settings(systems=(PUBLISHED,), weights=both)
    result = settings.weights_of(ECS, ECS.builders["xgaze_mstcn"])
    assert {name: str(path) for name, path in result.items()} == {
        "xgaze_resnet50": both[0], "ms_tcn2": both[1],
    }  # fmt: skip
    known = settings.to_json()["weights_sha256"]
    assert set(known) == {"eye_contact/xgaze_resnet50", "eye_contact/ms_tcn2"}


def test_values_that_are_no_numbers_are_refused_before_any_video(both: tuple[str, str]) -> None:
    nan = {"a": torch.ones(1), "b": torch.full((1,), torch.nan)}
    checkpoint.save(Path(both[1]), nan, CheckpointCard("eye_contact", "ms_tcn2", {}))
    with pytest.raises(CheckpointError, match=r"time.safetensors holds values .*numbers in b"):
        Settings(systems=(PUBLISHED,), weights=both)


def test_a_builder_that_needs_weights_says_how_to_get_them() -> None:
    with pytest.raises(UsageError, match=r"xgaze_resnet50, ms_tcn2.*eyeline import eye_contact"):
        Settings(systems=(PUBLISHED,))


def test_one_of_two_is_not_enough(both: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="needs weights of xgaze_resnet50: give"):
        Settings(systems=(PUBLISHED,), weights=both[1:])


def test_a_file_that_nothing_takes_is_reported(both: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="which none of the chosen builders takes"):
        Settings(weights=both)


def test_two_files_for_one_network(both: tuple[str, str], tmp_path: Path) -> None:
    second = weights(tmp_path / "more.safetensors", "ms_tcn2")
    with pytest.raises(UsageError, match="both hold eye_contact/ms_tcn2"):
        GivenWeights.read([*both, second])


def test_a_folder_of_weights(
    both: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "all" / "eye_contact"
    folder.mkdir(parents=True)
    for path, name in zip(both, ("xgaze_resnet50", "ms_tcn2"), strict=True):
        (folder / f"{name}.safetensors").write_bytes(Path(path).read_bytes())
    monkeypatch.setenv(FOLDER, str(tmp_path / "all"))
    result = Settings(systems=(PUBLISHED,)).weights_of(ECS, ECS.builders["xgaze_mstcn"])
    assert {path.parent for path in result.values()} == {folder}
    assert Settings().weights_of(ECS, ECS.builders["landmarks_tcn"]) == {}, "the package's own"


def test_a_device_that_is_not_there(both: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="no device 'cuda'"):
        Settings(systems=(PUBLISHED,), weights=both, device="cuda")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"detector": "hog"}, "no detector 'hog'; there are centerface, mmod"),
        ({"tracker": "sort"}, "no tracker 'sort'; there are ours, iou"),
        ({"tracker": "iou", "iou": 1.0}, "--iou 1.0; must be at least 0 and below 1"),
        ({"tracker": "iou", "iou": float("nan")}, "--iou nan; must be"),
        ({"iou": 0.4}, "--iou belongs to --tracker iou"),
        ({"weights": ("gone.safetensors",)}, "--weights gone.safetensors: no such file"),
    ],
)
def test_other_choices_that_cannot_be(choice: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings(**choice)  # type: ignore[arg-type]


def test_boxes_and_a_detector_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("")
    with pytest.raises(UsageError, match="--boxes replace detection"):
        Settings(boxes=str(tmp_path / "b.txt"), tracker="iou")


def test_the_shipped_network_loads_by_name() -> None:
    assert set(shipped()) == {"eye_contact/landmarks_tcn"}
    network = load("landmarks_tcn")
    assert not network.training


def test_weights_of_a_network_that_is_not_here(tmp_path: Path) -> None:
    path = weights(tmp_path / "w.safetensors", "seven_league")
    with pytest.raises(CheckpointError, match="eye_contact/seven_league, which this eyeline"):
        load(path)


VGS = load_system("gaze_following")
BY_DETECTOR = "gaze_following/mask_rcnn_mlp"


def of_vgs(folder: Path, *networks: str) -> tuple[str, ...]:
    return tuple(
        weights(folder / f"{name}.safetensors", name, "gaze_following") for name in networks
    )


def test_one_more_network_is_taken_or_none(tmp_path: Path) -> None:
    builder = VGS.builders["mask_rcnn_mlp"]
    for given in (("mask_rcnn",), ("mask_rcnn", "matcher"), ("mask_rcnn", "slope_mlp")):
        settings = Settings(systems=(BY_DETECTOR,), weights=of_vgs(tmp_path, *given))
        assert tuple(settings.weights_of(VGS, builder)) == given
        known = settings.to_json()["weights_sha256"]
        assert set(known) == {f"gaze_following/{name}" for name in given}


def test_one_of_several_and_not_each(tmp_path: Path) -> None:
    every = ("mask_rcnn", "matcher", "slope_mlp")
    with pytest.raises(UsageError, match="one of matcher, slope_mlp, not of each"):
        Settings(systems=(BY_DETECTOR,), weights=of_vgs(tmp_path, *every))
    with pytest.raises(UsageError, match="needs weights of mask_rcnn: give"):
        Settings(systems=(BY_DETECTOR,), weights=of_vgs(tmp_path, "matcher"))
    with pytest.raises(UsageError, match="which none of the chosen builders takes"):
        Settings(systems=("gaze_following/ray",), weights=of_vgs(tmp_path, "matcher"))


def test_of_a_folder_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gaze_following").mkdir()
    of_vgs(tmp_path / "gaze_following", "mask_rcnn", "slope_mlp", "matcher")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    settings, builder = Settings(systems=(BY_DETECTOR,)), VGS.builders["mask_rcnn_mlp"]
    assert tuple(settings.weights_of(VGS, builder)) == ("mask_rcnn", "matcher")
    own = tmp_path / "own"
    own.mkdir()
    named = Settings(systems=(BY_DETECTOR,), weights=of_vgs(own, "slope_mlp"))
    result = named.weights_of(VGS, builder)
    assert tuple(result) == ("mask_rcnn", "slope_mlp") and result["slope_mlp"].parent == own


READERS: dict[str, Any] = {
    **{s.name: s.import_original for s in list_systems()},
    "syncnet": load_syncnet,
    "lr_asd": lr_asd,
    "persons": TorchvisionPersons,
}


@pytest.mark.parametrize("name", READERS)
def test_every_reader_of_foreign_files_says_what_a_file_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / "w.pth"
    for content, said in (
        (b"<!DOCTYPE html><html><title>Google Drive", "w.pth is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"", "w.pth is empty"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=said):
            READERS[name](path)
    save_file({"model.a.b": torch.zeros(1), "model.c.d": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=r"a\.b"):
        READERS[name](path)
