"""Checkpoints describe themselves, say what is wrong with them, and run no code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from eyeline.errors import CheckpointError, OutputError
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.refusals import refuses

CARD = CheckpointCard(
    system="gaze_3d",
    builder="tiny",
    arguments={"width": 3},
    recipe={"training": {"epochs": 2}},
    data={"videos": ["a", "b"]},
    scores={"auc": 0.5},
    settings={"threshold": 0.5},
    licence="none",
)


def test_round_trip(tmp_path: Path) -> None:
    network = nn.Linear(3, 2)
    checkpoint.save(tmp_path / "w.safetensors", network.state_dict(), CARD)
    card, state = checkpoint.load(tmp_path / "w.safetensors")
    assert (card.system, card.builder, card.arguments) == ("gaze_3d", "tiny", {"width": 3})
    assert (card.recipe, card.data, card.scores, card.settings, card.licence) == (
        CARD.recipe,
        CARD.data,
        CARD.scores,
        CARD.settings,
        "none",
    )
    assert card.version
    twin = nn.Linear(3, 2)
    checkpoint.fill(twin, state, "w")
    assert torch.equal(twin.weight, network.weight) and torch.equal(twin.bias, network.bias)


def test_same_content_same_bytes(tmp_path: Path) -> None:
    state = {f"layer{i}": torch.full((2, i + 1), float(i)) for i in range(5)}
    files = [tmp_path / f"{i}.safetensors" for i in range(4)]
    for file in files:
        checkpoint.save(file, dict(reversed(state.items())), CARD)
    assert len({file.read_bytes() for file in files}) == 1
    assert sorted(tmp_path.iterdir()) == files, "no draft is left"


def test_slices_and_tied_tensors_are_saved(tmp_path: Path) -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    checkpoint.save(tmp_path / "w", {"a": whole.T, "b": whole[:, 1]}, CARD)
    _, state = checkpoint.load(tmp_path / "w")
    assert torch.equal(state["a"], whole.T) and torch.equal(state["b"], whole[:, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a safetensors file"),
        (b"PK\x03\x04" * 20, "eyeline import"),
        (b"\xff" * 64, "not a safetensors"),
    ],
)
def test_a_wrong_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "w").write_bytes(content)
    refuses(CheckpointError, message, lambda: checkpoint.load(tmp_path / "w"))


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    refuses(CheckpointError, "no weights file at", lambda: checkpoint.load(tmp_path / "w"))
    refuses(CheckpointError, "is a folder", lambda: checkpoint.load(tmp_path))


def test_a_foreign_safetensors_file(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "w", metadata={"format": "pt"})
    refuses(CheckpointError, "holds 1 tensors but no card", lambda: checkpoint.load(tmp_path / "w"))


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"system": "x"}', "{"])
def test_a_damaged_card(tmp_path: Path, text: str) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "w", metadata={"eyeline": text})
    refuses(CheckpointError, "damaged card", lambda: checkpoint.load(tmp_path / "w"))


def test_a_truncated_file(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "w", {"a": torch.zeros(100)}, CARD)
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-50])
    refuses(CheckpointError, "not a safetensors file", lambda: checkpoint.load(tmp_path / "w"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": None}, "lacks weight"),
        ({"odd": torch.zeros(1)}, "has no place for odd"),
        ({"bias": torch.zeros(5)}, r"another shape for bias \(5,\) instead of \(2,\)"),
    ],
)
def test_keys_and_shapes_are_named(change: dict[str, torch.Tensor | None], message: str) -> None:
    state = {**nn.Linear(3, 2).state_dict(), **change}
    kept = {name: value for name, value in state.items() if value is not None}
    refuses(CheckpointError, message, lambda: checkpoint.fill(nn.Linear(3, 2), kept, "w"))


def test_many_faults_are_cut_short() -> None:
    state = {f"key{i}": torch.zeros(1) for i in range(9)}
    with pytest.raises(CheckpointError, match=r"key0, key1, key2, key3 and 5 more"):
        checkpoint.fill(nn.Identity(), state, "w")


def test_what_json_cannot_hold(tmp_path: Path) -> None:
    card = CheckpointCard("a", "b", {"sizes": {1, 2}})
    refuses(CheckpointError, "is not JSON", lambda: checkpoint.save(tmp_path / "w", {}, card))
    with pytest.raises(CheckpointError, match="is not JSON"):
        checkpoint.save(
            tmp_path / "w", {}, CheckpointCard("a", "b", {}, scores={"auc": float("nan")})
        )


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write"):
        checkpoint.save(tmp_path / "file" / "w", {"a": torch.zeros(1)}, CARD)
