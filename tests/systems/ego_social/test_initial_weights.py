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


def theirs(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    torch.save({"epoch": 1, "state_dict": tensors}, path)
    return path


def test_gaze360_gives_all_but_the_head_and_its_terms(tmp_path: Path) -> None:
    path = theirs(tmp_path / "gaze360_model.pth.tar", their_tensors(GAZE360))
    created = read_recipe("lam_gaze360")
    torch.manual_seed(0)
    net = created.network()
    head = net.get_parameter("head.0.weight").clone()
    result = TASK.begin(net, created, path)
    assert result.random == HEAD and result.taken == 140 and result.licence == GAZE360_LICENCE
    assert str(result) == f"140 tensors of gaze360_model.pth.tar taken; random: {', '.join(HEAD)}"
    assert torch.equal(net.get_parameter("head.0.weight"), head)
    first = their_tensors(GAZE360)["base_model.conv1.weight"]
    assert torch.equal(net.get_parameter("encoder.conv.weight"), first)
    assert result.as_dict()["sha256"] == result.sha256 != ""


def test_a_network_of_imagenet_gives_the_encoder_alone(tmp_path: Path) -> None:
    tensors = {
        k.removeprefix("base_model."): v
        for k, v in their_tensors(LAM).items()
        if k.startswith("base_model.") and "fc" not in k
    }
    path = theirs(tmp_path / "resnet18.pth", tensors | {"fc.weight": torch.zeros(9, 512)})
    created = read_recipe("lam_gaze360")
    result = TASK.begin(created.network(), created, path)
    assert result.licence == IMAGENET_LICENCE
    assert {name.partition(".")[0] for name in result.random} == {"encoder", "memory", "head"}
    assert all(".project." in name for name in result.random if name.startswith("encoder."))


def test_a_file_of_the_authors(tmp_path: Path) -> None:
    path = theirs(tmp_path / "lam-best.pth", their_tensors(LAM))
    result = TASK.begin(read_recipe("lam").network(), read_recipe("lam"), path)
    assert result.licence == EGO4D_LICENCE and result.random == HEAD


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
