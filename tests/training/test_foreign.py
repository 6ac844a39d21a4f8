"""Checkpoints of others are read without running what lies in them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from eyeline.errors import CheckpointError
from eyeline.training import foreign


class Calls:
    """Does something when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code was run')",)


def test_a_foreign_state_dict(tmp_path: Path) -> None:
    torch.save({"model_state": {"a": torch.ones(2)}, "epoch": 3}, tmp_path / "w.pth")
    content = foreign.load_foreign(tmp_path / "w.pth")
    assert torch.equal(content["model_state"]["a"], torch.ones(2))


def test_code_in_a_foreign_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"a": Calls()}, tmp_path / "new.pth")
    with (tmp_path / "plain.pkl").open("wb") as file:
        pickle.dump({"a": Calls()}, file)
    for name in ("new.pth", "plain.pkl"):
        with pytest.raises(CheckpointError, match="without running code"):
            foreign.load_foreign(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04broken"])
def test_a_damaged_foreign_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(CheckpointError):
        foreign.load_foreign(tmp_path / "w.pth")


def test_a_foreign_file_of_something_else(tmp_path: Path) -> None:
    torch.save(torch.zeros(2), tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="holds a Tensor"):
        foreign.load_foreign(tmp_path / "w.pth")


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state"])
def test_tensors_out_of_wrapper_and_prefix(
    tmp_path: Path, prefix: str, wrapper: str | None
) -> None:
    state = {f"{prefix}a": torch.ones(2)}
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, tmp_path / "w.pth")
    found, beside = foreign.load_state(
        tmp_path / "w.pth", "a network", wrapper=wrapper or "state_dict"
    )
    assert list(found) == ["a"]
    assert torch.equal(found["a"], torch.ones(2))
    assert beside == (("epoch",) if wrapper else ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"epoch": 3}, "holds epoch, which are no tensors; expected the state dict of a network"),
        ({}, "holds no tensors"),
        ({"state_dict": {}}, "holds no tensors"),
        ({"a": torch.ones(1), "module.a": torch.ones(1)}, "entries twice"),
    ],
)
def test_no_state_dict(tmp_path: Path, content: dict[str, object], said: str) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=said):
        foreign.load_state(tmp_path / "w.pth", "a network")
