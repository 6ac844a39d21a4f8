"""Where a training begins, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import torch

from eyeline.systems.gaze_anticipation.model import csts
from eyeline.systems.gaze_anticipation.network.original_keys import our_name
from eyeline.systems.gaze_anticipation.recipe import read_recipe
from eyeline.systems.gaze_anticipation.train import TASK
from tests.systems.gaze_anticipation.invented import their_shapes

SMALL = {"width": 8, "side": 64}


def test_the_authors_file_is_taken_and_its_licence_is_unknown(tmp_path: Path) -> None:
    theirs = {our_name(name): name for name in their_shapes()}
    given, net = csts(**SMALL).state_dict(), csts(**SMALL)
    bare = {theirs[name]: value for name, value in given.items() if "embed_" not in name}
    torch.save({"model_state": bare}, tmp_path / "theirs.pyth")
    found = TASK.begin(net, read_recipe({}), tmp_path / "theirs.pyth")
    assert all(torch.equal(net.state_dict()[name], given[name]) for name in given
               if "embed_" not in name)  # fmt: skip
    assert found.taken == len(bare) and len(found.random) == 4
    assert found.licence == TASK.others_licence and found.file == "theirs.pyth"
    assert str(found).startswith(f"{len(bare)} tensors of theirs.pyth taken; random: embed_")
    assert found.as_dict()["random"] == list(found.random)
