"""The authors' checkpoint comes in whole or not at all, without running what lies in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from eyeline.errors import CheckpointError, UsageError
from eyeline.systems.gaze_3d.model import gaze_from_afar
from eyeline.systems.gaze_3d.weights import import_original, load_gaze_from_afar, our_name
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_3d.invented import network, their_shapes, their_tensors

Write = Callable[[Any], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: Any) -> Path:
        path = tmp_path / "theirs.pth"
        torch.save(content, path)
        return path

    return write


@pytest.fixture(scope="module")
def theirs() -> dict[str, Tensor]:
    return their_tensors()


class ModelCheckpoint:
    """As a class of another package that the file names, as key and as an object with a state."""

    def __init__(self) -> None:
        self.best = 21.7


class Opens:
    """Runs a command where a file is trusted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


class Imports(Opens):
    """Runs a function of an innocent module where a file is trusted."""

    def __reduce__(self) -> tuple[Any, ...]:
        return shutil.copyfile, (__file__, str(self.path))


def lightning(state: dict[str, Tensor], callbacks: dict[Any, Any]) -> dict[str, Any]:
    return {
        "epoch": 9,
        "global_step": 4321,
        "pytorch-lightning_version": "1.5.5",
        "callbacks": callbacks,
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}] * 2,
        "lr_schedulers": [],
        "native_amp_scaling_state": {"scale": 65536.0},
        "state_dict": state,
    }


def test_every_key_has_its_place() -> None:
    shapes = {our_name(name): shape for name, shape in their_shapes().items()}
    network = gaze_from_afar()
    assert shapes == {name: tuple(v.shape) for name, v in network.state_dict().items()}
    assert len(shapes) == 758
    assert sum(p.numel() for p in network.parameters()) == 9_465_356


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("hbnet.featurenet.stem.1.running_var", "stem.norm.running_var"),
        ("hbnet.headnet.head_branch._blocks.12._bn0.bias",
         "head_branch.blocks.12.expand_norm.bias"),
        ("hbnet.bodynet.body_branch._bn1.weight", "body_branch.top_norm.weight"),
        ("hbnet.headnet.body_branch._bn1.weight", "hbnet.headnet.body_branch._bn1.weight"),
        ("gazemodule.lstm.bias_hh_l1_reverse", "gaze.memory.bias_hh_l1_reverse"),
        ("gazemodule.lstm.bias_hh_l1_reversed", "gazemodule.lstm.bias_hh_l1_reversed"),
        ("hbnet.trajnet.fc.2.running_mean", "hbnet.trajnet.fc.2.running_mean"),
    ],
)  # fmt: skip
def test_names(theirs: str, ours: str) -> None:
    assert our_name(theirs) == ours


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    "callbacks", [{}, {"ModelCheckpoint{'monitor': 'val_loss'}": {}}, {ModelCheckpoint: {"x": 1}}]
)
def test_a_lightning_file(
    written: Write, theirs: dict[str, Tensor], prefix: str, callbacks: dict[Any, Any]
) -> None:
    state = {prefix + name: value for name, value in theirs.items()}
    result = import_original(written(lightning(state, callbacks)))
    assert (result.card.system, result.card.builder) == ("gaze_3d", "gaze_from_afar")
    assert result.card.arguments == {"frames": 7}
    assert "uncalibrated" in result.card.settings["concentration"] and result.card.licence
    assert result.ignored == (
        "callbacks", "epoch", "global_step", "lr_schedulers", "native_amp_scaling_state",
        "optimizer_states", "pytorch-lightning_version",
    )  # fmt: skip
    expected = network().state_dict()
    assert list(result.state) == list(expected)
    assert all(torch.equal(result.state[name], value) for name, value in expected.items())


def test_a_bare_state_dict(written: Write, theirs: dict[str, Tensor]) -> None:
    result = import_original(written({name: v.double() for name, v in theirs.items()}))
    assert result.ignored == () and len(result.state) == 758
    assert result.state["stem.conv.weight"].dtype == torch.float32
    assert result.state["stem.norm.num_batches_tracked"].dtype == torch.int64


def test_objects_of_unknown_classes_are_left_out(written: Write, theirs: dict[str, Tensor]) -> None:
    content = lightning(theirs, {}) | {"hyper_parameters": ModelCheckpoint()}
    assert "hyper_parameters" in import_original(written(content)).ignored


def test_what_would_run_code_is_refused(
    written: Write, tmp_path: Path, theirs: dict[str, Tensor]
) -> None:
    trace = tmp_path / "touched"
    with pytest.raises(CheckpointError, match="without running code"):
        import_original(written(lightning(theirs, {"callback": Opens(trace)})))
    assert not trace.exists()


def test_functions_are_not_called(
    written: Write, tmp_path: Path, theirs: dict[str, Tensor]
) -> None:
    trace = tmp_path / "touched"
    result = import_original(written(lightning(theirs, {"callback": Imports(trace)})))
    assert len(result.state) == 758 and not trace.exists()


def without(state: dict[str, Tensor], *names: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if name not in names}


ODD = {
    "lacks": ("lacks stem.conv.weight", lambda s: without(s, "hbnet.featurenet.stem.0.weight")),
    "further": ("no place for hbnet.attention.weight",
                lambda s: s | {"hbnet.attention.weight": torch.ones(2)}),
    "shape": (r"another shape for memory.weight_hh_l0 \(256, 65\) instead of \(256, 64\)",
              lambda s: s | {"hbnet.temporal_alignment.temporal_align_net.weight_hh_l0":
                             torch.ones(256, 65)}),
    "third layer": ("no place for gaze.memory.weight_ih_l2",
                    lambda s: s | {"gazemodule.lstm.weight_ih_l2": torch.ones(512, 256)}),
    "part": (r"kappa_layer.2.weight should be \(frames, 64\).*the file lacks it",
             lambda s: {k: v for k, v in s.items() if k.startswith("hbnet.")}),
    "even": (r"the file has it as \(6, 64\)",
             lambda s: s | {"gazemodule.kappa_layer.2.weight": torch.ones(6, 64)}),
    "not a number": ("no numbers in motion.0.bias",
                     lambda s: s | {"hbnet.trajnet.fc.0.bias": torch.full((16,), torch.nan)}),
    "text": ("holds no tensors: its entries are epoch", lambda s: {"epoch": 3}),
    "empty": ("holds no tensors", lambda s: {"state_dict": {}}),
}  # fmt: skip


@pytest.mark.parametrize("which", list(ODD))
def test_other_files_are_refused(written: Write, theirs: dict[str, Tensor], which: str) -> None:
    message, changed = ODD[which]
    with pytest.raises(CheckpointError, match=message):
        import_original(written(changed(theirs)))


def test_windows_of_another_length(written: Write, theirs: dict[str, Tensor]) -> None:
    other = dict(theirs)
    for layer, per_frame in (("direction", 3), ("kappa", 1)):
        other[f"gazemodule.{layer}_layer.0.weight"] = torch.ones(64, 5 * 256)
        other[f"gazemodule.{layer}_layer.2.weight"] = torch.ones(5 * per_frame, 64)
        other[f"gazemodule.{layer}_layer.2.bias"] = torch.ones(5 * per_frame)
    assert import_original(written(other)).card.arguments == {"frames": 5}


def test_what_is_imported_can_be_loaded(
    tmp_path: Path, written: Write, theirs: dict[str, Tensor]
) -> None:
    result = import_original(written(lightning(theirs, {})))
    ours = tmp_path / "ours.safetensors"
    checkpoint.save(ours, result.state, result.card)
    loaded = load_gaze_from_afar(ours)
    assert not loaded.training and loaded.frames == 7
    state = loaded.state_dict()
    assert all(torch.equal(state[name], value) for name, value in result.state.items())
    with pytest.raises(UsageError, match="no device 'tpu'"):
        load_gaze_from_afar(ours, "tpu")


@pytest.mark.parametrize(
    ("builder", "arguments", "message"),
    [
        ("head_pose", {}, "weights of gaze_3d/head_pose; expected gaze_3d/gaze_from_afar"),
        ("gaze_from_afar", {"frames": 8}, "cannot use: a window of 8 frames has no middle"),
        ("gaze_from_afar", {"depth": 3}, "cannot use: .*depth"),
        ("gaze_from_afar", {"frames": 5}, r"another shape for gaze.estimate"),
    ],
)
def test_another_card_is_refused(
    tmp_path: Path, builder: str, arguments: dict[str, int], message: str
) -> None:
    path = tmp_path / "ours.safetensors"
    state = gaze_from_afar().state_dict()
    checkpoint.save(path, state, CheckpointCard("gaze_3d", builder, arguments))
    with pytest.raises(CheckpointError, match=message):
        load_gaze_from_afar(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        import_original(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(CheckpointError, match="text, not weights: 'not a"):
        import_original(tmp_path / "text.pth")
