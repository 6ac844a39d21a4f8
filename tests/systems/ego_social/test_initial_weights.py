"""What a training begins at: what was taken of a file, what stayed, and whose terms bind it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eyeline.errors import CheckpointError
from eyeline.systems.ego_social.recipe import read_recipe
from eyeline.systems.ego_social.train import IMAGENET_LICENCE, TASK
from eyeline.systems.ego_social.weights import EGO4D_LICENCE, GAZE360_LICENCE
from tests.systems.ego_social.invented import GAZE360, LAM, their_tensors
from tests.systems.ego_social.taught import plan, saved

pytestmark = pytest.mark.usefixtures("one_thread")

HEAD = ("head.0.weight", "head.0.bias", "head.1.weight", "head.1.bias")


@pytest.mark.parametrize(
    ("which", "licence"), [(GAZE360, GAZE360_LICENCE), (LAM, EGO4D_LICENCE), ("", IMAGENET_LICENCE)]
)
def test_what_theirs_give_and_their_terms(tmp_path: Path, which: str, licence: str) -> None:
    """Of a network of ImageNet, the last, the encoder alone; `test_weights` compares tensors."""
    tensors = their_tensors(which or LAM)
    if not which:
        bare = {k.removeprefix("base_model."): v for k, v in tensors.items() if "base_model" in k}
        tensors = {k: v for k, v in bare.items() if "fc" not in k} | {
            "fc.weight": torch.zeros(9, 512)
        }
    torch.save({"epoch": 1, "state_dict": tensors}, tmp_path / "theirs.pth.tar")
    created = read_recipe("lam_gaze360")
    result = TASK.begin(created.network(), created, tmp_path / "theirs.pth.tar")
    assert result.licence == licence and result.as_dict()["sha256"] == result.sha256 != ""
    if which:
        assert result.random == HEAD and result.taken == 140
        assert str(result) == f"140 tensors of theirs.pth.tar taken; random: {', '.join(HEAD)}"


def test_our_own_file_is_taken_whole(tmp_path: Path) -> None:
    given = plan("lam").network()
    path = saved(tmp_path / "lam.safetensors", given, "lam_lstm", width=4, memory=8)
    net = plan("lam").network()
    result = TASK.begin(net, plan("lam"), path)
    assert result.random == () and str(result) == f"{result.taken} tensors of lam.safetensors taken"
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in given.state_dict().items())


def test_our_own_file_of_another_network_gives_its_encoder(tmp_path: Path) -> None:
    given = plan("lam").network()
    path = saved(tmp_path / "lam.safetensors", given, "lam_lstm", width=4, memory=8)
    net = plan("ttm").network()
    result = TASK.begin(net, plan("ttm"), path)
    assert all(name.startswith(("voice.", "head.")) for name in result.random)
    assert torch.equal(
        net.get_parameter("encoder.conv.weight"), given.get_parameter("encoder.conv.weight")
    )


def test_other_widths_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "lam.safetensors", plan("lam").network(), "lam_lstm", width=4, memory=8)
    wide = plan("lam", "model.width=8")
    with pytest.raises(CheckpointError, match="has another shape for"):
        TASK.begin(wide.network(), wide, path)
