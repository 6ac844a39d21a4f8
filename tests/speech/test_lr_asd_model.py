"""Parity numbers: outputs of the authors' code (repository Junhua-Liao/LR-ASD, torch 2.14, CPU)
with their TalkSet weights for the inputs that `published_inputs` draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, DataError
from eyeline.speech.lr_asd_model import (
    AUDIO_REACH,
    FACE_REACH,
    LrAsdNet,
    _original_modules,
    fold,
    lr_asd,
)
from tests.closeness import assert_close_to_scale

PUBLISHED = [
    [1.321239, -1.346358],
    [1.845959, -1.905028],
    [1.735310, -1.845193],
    [1.143868, -1.295623],
    [0.474087, -0.692170],
]


def published_inputs() -> tuple[torch.Tensor, torch.Tensor]:
    faces = np.random.default_rng(7).integers(0, 256, (1, 30, 112, 112))
    audio = np.random.default_rng(8).standard_normal((1, 120, 13)) * 10
    return torch.from_numpy(faces.astype(np.float32)), torch.from_numpy(audio.astype(np.float32))


def made_up() -> LrAsdNet:
    """A network with weights and running statistics drawn at random."""
    net = LrAsdNet().eval()
    draw = torch.Generator().manual_seed(0)
    for name, value in net.state_dict().items():
        if name.endswith("running_var"):
            value.copy_(1 + 0.5 * torch.rand(value.shape, generator=draw))
        elif value.is_floating_point():
            fan = max(1, value[0].numel()) if value.dim() > 1 else 4
            value.copy_(torch.randn(value.shape, generator=draw) / fan**0.5)
    return net


def original_names(net: LrAsdNet) -> dict[str, torch.Tensor]:
    """The state of a network under the published names, with the head that is left out."""
    theirs = {ours: name for name, ours in _original_modules()}
    named = {}
    for key, value in net.state_dict().items():
        module, _, leaf = key.rpartition(".")
        named[f"{theirs[module]}.{leaf}"] = value
    return {**named, "lossV.FC.weight": torch.zeros(2, 128), "lossV.FC.bias": torch.zeros(2)}


def test_parity(lr_asd_file: Path) -> None:
    net = lr_asd(lr_asd_file)
    with torch.inference_mode():
        logits = net(*published_inputs())[0, [0, 7, 14, 21, 29]]
        folded = fold(net)(*published_inputs())[0, [0, 7, 14, 21, 29]]
    np.testing.assert_allclose(logits, PUBLISHED, atol=1e-4)
    np.testing.assert_allclose(folded, PUBLISHED, atol=1e-4)


def test_size_is_the_published_one() -> None:
    net = LrAsdNet()
    state = original_names(net)
    assert len(state) == 168
    assert sum(value.numel() for value in state.values()) == 841_086


def test_a_file_is_placed_whole(tmp_path: Path) -> None:
    net = made_up()
    torch.save(original_names(net), tmp_path / "w.model")
    loaded = lr_asd(tmp_path / "w.model").state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("model.fusion.bn.bias"), "lacks gate.norm.bias"),
        (lambda s: s.update(extra=torch.zeros(1)), "no place for extra"),
        (lambda s: s.update({"lossAV.FC.bias": torch.zeros(3)}), "another shape for head.bias"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, change: object, message: str) -> None:
    state: dict[str, object] = dict(original_names(LrAsdNet()))
    change(state)  # type: ignore[operator]
    torch.save(state, tmp_path / "w.model")
    with pytest.raises(CheckpointError, match=message):
        lr_asd(tmp_path / "w.model")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"w\.model"):
        lr_asd(tmp_path / "w.model")


def test_shapes_are_checked() -> None:
    net = LrAsdNet().eval()
    with pytest.raises(DataError, match="quarters"):
        net(torch.zeros(1, 5, 112, 112), torch.zeros(1, 19, 13))
    with pytest.raises(DataError, match="112"):
        net(torch.zeros(1, 5, 100, 112), torch.zeros(1, 20, 13))


def test_embeddings_reach_as_far_as_stated() -> None:
    net = made_up()
    draw = torch.Generator().manual_seed(1)
    faces = 255 * torch.rand(1, 2 * FACE_REACH + 2, 112, 112, generator=draw)
    audio = torch.randn(1, 4 * (2 * AUDIO_REACH + 2), 13, generator=draw)
    with torch.inference_mode():
        whole, part = net.face(faces)[0, 0], net.face(faces[:, : FACE_REACH + 1])[0, 0]
        assert_close_to_scale(whole, part, 1e-4)
        heard, less = net.sound(audio)[0, 0], net.sound(audio[:, : 4 * (AUDIO_REACH + 1)])[0, 0]
        assert_close_to_scale(heard, less, 1e-4)
