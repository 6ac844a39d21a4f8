"""Where a training begins, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import torch

from eyeline.systems.gaze_anticipation.beginning import OTHERS_LICENCE, begin
from eyeline.systems.gaze_anticipation.model import csts
from eyeline.systems.gaze_anticipation.network.original_keys import our_name
from eyeline.training.beginning import Beginning
from tests.systems.gaze_anticipation.invented import their_shapes

SMALL = {"width": 8, "side": 64}


def test_nothing_given_leaves_it_as_it_was_drawn() -> None:
    net = csts(**SMALL)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = begin(net, None)
    assert found == Beginning() and found.as_dict() == {}
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_the_authors_file_is_taken_and_its_licence_is_unknown(tmp_path: Path) -> None:
    theirs = {our_name(name): name for name in their_shapes()}
    given, net = csts(**SMALL).state_dict(), csts(**SMALL)
    bare = {theirs[name]: value for name, value in given.items() if "embed_" not in name}
    torch.save({"model_state": bare}, tmp_path / "theirs.pyth")
    found = begin(net, tmp_path / "theirs.pyth")
    assert all(torch.equal(net.state_dict()[name], given[name]) for name in given
               if "embed_" not in name)  # fmt: skip
    assert found.taken == len(bare) and len(found.random) == 4
    assert found.licence == OTHERS_LICENCE and found.file == "theirs.pyth"
    assert found.words == f"{len(bare)} tensors of theirs.pyth taken, 4 begin at random"
    assert found.as_dict()["random"] == list(found.random)
