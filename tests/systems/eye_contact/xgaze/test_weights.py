"""The authors' checkpoints come in whole or not at all, and say why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from eyeline.errors import CheckpointError, UsageError
from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork
from eyeline.systems.eye_contact.xgaze.model import MsTcn2, ms_tcn2
from eyeline.systems.eye_contact.xgaze.weights import (
    import_original,
    load_gaze_network,
    load_segmenter,
)
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.eye_contact.xgaze.invented import filled

Write = Callable[[Any], Path]
SMALL = {
    "layers_prediction": 4, "layers_refinement": 3, "refinements": 2, "maps": 16, "features": 32,
    "classes": 2,
}  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: Any) -> Path:
        path = tmp_path / "theirs.pth"
        torch.save(content, path)
        return path

    return write


@pytest.fixture
def small() -> dict[str, Tensor]:
    return dict(filled(ms_tcn2(**SMALL)).state_dict())


def same(actual: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> bool:
    return list(actual) == list(expected) and all(
        torch.equal(actual[k], expected[k]) for k in actual
    )


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_gaze_network(
    written: Write, gaze_network: GazeNetwork, prefix: str, wrapped: bool
) -> None:
    state = gaze_network.state_dict()
    theirs: dict[str, Any] = {prefix + name: value for name, value in state.items()}
    result = import_original(
        written(
            {"epoch": 24, "optim_state": {"lr": 1e-4}, "model_state": theirs} if wrapped else theirs
        )
    )
    assert (result.card.builder, dict(result.card.arguments)) == ("xgaze_resnet50", {})
    assert same(result.state, state)
    assert result.ignored == (("epoch", "optim_state") if wrapped else ())


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [True, False])
def test_the_temporal_network(written: Write, temporal: MsTcn2, prefix: str, wrapped: bool) -> None:
    state = temporal.state_dict()
    theirs = {prefix + name: value for name, value in state.items()}
    result = import_original(written({"model_state": theirs} if wrapped else theirs))
    assert result.card.builder == "ms_tcn2"
    assert result.card.arguments == {
        "layers_prediction": 11, "layers_refinement": 10, "refinements": 4, "maps": 64,
        "features": 2048, "classes": 2,
    }  # fmt: skip
    assert same(result.state, state) and result.ignored == ()


def test_other_sizes_are_read_off_the_tensors(written: Write, small: dict[str, Tensor]) -> None:
    result = import_original(written(small))
    assert result.card.arguments == SMALL and same(result.state, small)


def test_what_is_imported_can_be_loaded(
    tmp_path: Path, written: Write, small: dict[str, Tensor]
) -> None:
    result = import_original(written({k: v.double() for k, v in small.items()}))
    checkpoint.save(tmp_path / "ours.safetensors", result.state, result.card)
    card = checkpoint.read_card(tmp_path / "ours.safetensors")
    assert (card.system, card.builder) == ("eye_contact", "ms_tcn2")
    assert card.arguments == SMALL and "no licence" in card.licence
    network = load_segmenter(tmp_path / "ours.safetensors")
    assert not network.training and same(network.state_dict(), small)


def test_the_gaze_networks_file_can_be_loaded(
    gaze_weights: Path, gaze_network: GazeNetwork
) -> None:
    network = load_gaze_network(gaze_weights)
    assert not network.training and same(network.state_dict(), gaze_network.state_dict())


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda state: {k: v for k, v in state.items() if k != name}


def with_(**more: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda state: state | {k.replace("__", "."): v for k, v in more.items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("PG.conv_fusion.2.bias"), "lacks PG.conv_fusion.2.bias"),
        (without("PG.conv_1x1_in.weight"), "lacks PG.conv_1x1_in.weight"),
        (without("Rs.0.conv_out.weight"), "Rs.0.conv_out.weight|Rs.1.conv_1x1"),
        (with_(PG__extra=torch.zeros(1)), "no place for PG.extra"),
        (with_(Rs__1__conv_out__bias=torch.zeros(3)), r"Rs.1.conv_out.bias \(3,\) instead"),
        (with_(gaze_fc__0__bias=torch.zeros(2)), "lacks gaze_fc.0.weight"),
        (with_(PG__conv_out__bias=torch.tensor([0.0, torch.nan])), "no numbers"),
        (lambda state: {f"old.{k}": v for k, v in state.items()}, "no network that is known"),
        (lambda state: {"model": state, "net": state}, "weights as model and as net"),
        (lambda state: {}, "no tensors"),
        (lambda state: {"model_state": {}}, "no tensors"),
        (lambda state: list(state.values()), "list"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_reported_in_one_sentence(
    written: Write, small: dict[str, Tensor], change: Callable[[Any], Any], said: str
) -> None:
    with pytest.raises(CheckpointError, match=said) as error:
        import_original(written(change(small)))
    assert "theirs.pth" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        with_(epoch=3),
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"epoch": 3, **{f"model.net.{k}": v for k, v in state.items()}},
    ],
)
def test_what_a_training_adds_is_left_out(
    written: Write, small: dict[str, Tensor], change: Callable[[Any], Any]
) -> None:
    result = import_original(written(change(small)))
    assert result.ignored == ("epoch",) and same(result.state, small)


def test_the_builders_are_named(written: Write, small: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match=r"xgaze_resnet50 \(keys gaze_network\.\*.*ms_tcn2"):
        import_original(written(without("PG.conv_out.bias")(small)))


class Trap:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harm"),))


def test_no_code_of_a_file_runs(
    written: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="holds no tensors"):
        import_original(written({"model_state": Trap()}))
    assert not (tmp_path / "harm").exists()


def test_files_are_not_mixed_up(gaze_weights: Path, temporal_weights: Path) -> None:
    with pytest.raises(CheckpointError, match="expected eye_contact/ms_tcn2"):
        load_segmenter(gaze_weights)
    with pytest.raises(CheckpointError, match="expected eye_contact/xgaze_resnet50"):
        load_gaze_network(temporal_weights)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"maps": 32}, "maps 32"), ({"layers": 3}, "layers 3"), ({"refinements": 10**9}, "10000000")],
)
def test_a_card_that_contradicts_its_tensors(
    tmp_path: Path, small: dict[str, Tensor], arguments: dict[str, int], said: str
) -> None:
    path = tmp_path / "ours.safetensors"
    checkpoint.save(path, small, CheckpointCard("eye_contact", "ms_tcn2", arguments))
    with pytest.raises(CheckpointError, match=said):
        load_segmenter(path)


def test_a_card_may_name_dropout_and_leave_out_defaults(
    tmp_path: Path, small: dict[str, Tensor]
) -> None:
    path = tmp_path / "ours.safetensors"
    checkpoint.save(path, small, CheckpointCard("eye_contact", "ms_tcn2", {"dropout": 0.5}))
    assert same(load_segmenter(path).state_dict(), small)


def test_more_than_two_classes_cannot_be_contact(tmp_path: Path) -> None:
    path = tmp_path / "ours.safetensors"
    sizes = SMALL | {"classes": 3}
    state = ms_tcn2(**sizes).state_dict()
    checkpoint.save(path, state, CheckpointCard("eye_contact", "ms_tcn2", sizes))
    with pytest.raises(CheckpointError, match="3 classes"):
        load_segmenter(path)


def test_a_device_that_is_not_there(temporal_weights: Path) -> None:
    with pytest.raises(UsageError, match="cuda:99"):
        load_segmenter(temporal_weights, "cuda:99")
