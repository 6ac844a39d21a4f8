"""The authors' checkpoints come in whole or not at all, without running what lies in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from eyeline.errors import CheckpointError, UsageError
from eyeline.systems.ego_social.model import gaze360_lstm, lam_lstm
from eyeline.systems.ego_social.ttm_model import ttm
from eyeline.systems.ego_social.weights import (
    import_original,
    initialise,
    load_looking_at_me,
    load_talking_to_me,
    our_name,
)
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.refusals import refuses
from tests.systems.ego_social.invented import GAZE360, LAM, SINGLE, TTM, keys, their_tensors

Write = Callable[[Any], Path]
State = dict[str, Tensor]

KINDS: dict[str, tuple[str, dict[str, str], Callable[[], nn.Module]]] = {
    LAM: ("lam_lstm", {}, lam_lstm),
    SINGLE: ("gaze360_lstm", {"head": "single"}, lambda: gaze360_lstm(head="single")),
    GAZE360: ("gaze360_lstm", {"head": "angles"}, lambda: gaze360_lstm(head="angles")),
    TTM: ("ttm", {}, ttm),
}


@cache
def theirs(which: str) -> State:
    return their_tensors(which)


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: Any) -> Path:
        path = tmp_path / "theirs.pth"
        torch.save(content, path)
        return path

    return write


def saved(state: State, prefix: str = "") -> dict[str, Any]:
    """As the authors' code writes it: with a number of numpy's beside."""
    tensors = {prefix + name: value for name, value in state.items()}
    return {"epoch": 11, "state_dict": tensors, "mAP": np.float64(0.78)}


@pytest.mark.parametrize("which", list(KINDS))
def test_every_key_has_its_place(which: str) -> None:
    builder, _, build = KINDS[which]
    shapes = {our_name(k): tuple(v) for k, v in keys()[which]["state_dict"].items()}
    network = build()
    assert shapes == {name: tuple(v.shape) for name, v in network.state_dict().items()}, builder


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("base_model.layer2.0.downsample.1.running_var", "encoder.layer2.0.shortcut.1.running_var"),
        ("video_encoder.fc2.bias", "encoder.project.2.bias"),
        ("audio_encoder.layer1.1.se.fc.2.weight", "voice.layer1.1.excite.2.weight"),
        ("audio_encoder.torchfb.1.mel_scale.fb", "voice.front_end.filters"),
        ("lstm.bias_hh_l1_reverse", "memory.bias_hh_l1_reverse"),
        ("last_layer1.weight", "head.0.weight"),
        ("base_model.conv1.bias", "base_model.conv1.bias"),
        ("base_model.layer1.0.se.fc.0.weight", "base_model.layer1.0.se.fc.0.weight"),
    ],
)
def test_names(name: str, ours: str) -> None:
    assert our_name(name) == ours


@pytest.mark.parametrize("which", list(KINDS))
@pytest.mark.parametrize("prefix", ["", "module."])
def test_kinds_are_reported_apart_and_come_in_whole(
    written: Write, which: str, prefix: str
) -> None:
    result = import_original(written(saved(theirs(which), prefix)))
    builder, arguments, _ = KINDS[which]
    assert (result.card.system, result.card.builder) == ("ego_social", builder)
    assert result.card.arguments == arguments and result.card.settings == {}
    assert ("research only" in result.card.licence) == (which == GAZE360)
    assert result.ignored == ("epoch", "mAP")
    assert len(result.state) == len(theirs(which))
    for name, value in theirs(which).items():
        assert torch.equal(result.state[our_name(name)], value), name


def test_a_bare_state_dict_without_counts(written: Write) -> None:
    bare = {k: v.double() for k, v in theirs(LAM).items() if "num_batches" not in k}
    result = import_original(written(bare))
    assert result.ignored == () and len(result.state) == 144
    assert result.state["encoder.norm.num_batches_tracked"].dtype == torch.int64
    assert result.state["encoder.conv.weight"].dtype == torch.float32


def test_another_front_end_is_kept_and_reported(written: Write) -> None:
    window = theirs(TTM)["audio_encoder.torchfb.1.spectrogram.window"] + 0.25
    changed = theirs(TTM) | {"audio_encoder.torchfb.1.spectrogram.window": window}
    result = import_original(written(saved(changed)))
    assert torch.equal(result.state["voice.front_end.window"], window)
    known = result.card.settings["front_end_differs"]
    assert known == {"voice.front_end.window": pytest.approx(0.25)}


class Opens:
    """Runs a command where a file is trusted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def test_nothing_is_run(written: Write, tmp_path: Path) -> None:
    trace = tmp_path / "touched"
    with pytest.raises(CheckpointError, match="without running code"):
        import_original(written(saved(theirs(LAM)) | {"config": Opens(trace)}))
    assert not trace.exists()


def without(state: State, *names: str) -> State:
    return {name: value for name, value in state.items() if name not in names}


ODD = {
    "lacks": ("lacks encoder.conv.weight", lambda s: without(s, "base_model.conv1.weight")),
    "further": ("no place for attention.weight", lambda s: s | {"attention.weight": torch.ones(2)}),
    "shape": (r"another shape for memory.weight_hh_l0 \(1024, 255\) instead of \(1024, 256\)",
              lambda s: s | {"lstm.weight_hh_l0": torch.ones(1024, 255)}),
    "headless": (r"its head should be .* the file has none",
                 lambda s: without(s, *[k for k in s if k.startswith("last_layer")])),
    "head": (r"the file has last_layer.weight \(5, 2\)",
             lambda s: without(s, "last_layer1.weight") | {"last_layer.weight": torch.ones(5, 2)}),
    "two heads": ("several networks under one name",
                  lambda s: s | {"last_layer.weight": torch.ones(2, 512)}),
    "both prefixes": ("entries twice", lambda s: s | {"module.last_layer1.bias": torch.ones(128)}),
    "not a number": ("no numbers in head.1.bias",
                     lambda s: s | {"last_layer2.bias": torch.full((2,), torch.nan)}),
    "text": ("holds no tensors: its entries are epoch", lambda s: {"epoch": 3}),
    "empty": ("holds no tensors", lambda s: {"state_dict": {}}),
}  # fmt: skip


@pytest.mark.parametrize("which", list(ODD))
def test_other_files_are_refused(written: Write, which: str) -> None:
    message, changed = ODD[which]
    refuses(CheckpointError, message, lambda: import_original(written(changed(theirs(LAM)))))


def test_no_file(tmp_path: Path) -> None:
    refuses(CheckpointError, "no weights file", lambda: import_original(tmp_path / "gaze360.pth"))
    with pytest.raises(CheckpointError, match="no weights file"):
        initialise(lam_lstm(width=4, memory=4), tmp_path / "gaze360.pth")


def imported(written: Write, which: str) -> Path:
    """Our file of one of theirs."""
    path = written(saved(theirs(which)))
    result = import_original(path)
    ours = path.with_suffix(".safetensors")
    checkpoint.save(ours, result.state, result.card)
    return ours


def test_what_is_imported_can_be_loaded(written: Write) -> None:
    for which in (SINGLE, LAM):
        net = load_looking_at_me(imported(written, which))
        assert not net.training and net.frames == 7
        state = net.state_dict()
        assert all(torch.equal(state[our_name(k)], v) for k, v in theirs(which).items())


def test_what_is_loaded_is_of_the_kind_asked_for(written: Write) -> None:
    ours = imported(written, TTM)
    assert not load_talking_to_me(ours).training
    with pytest.raises(CheckpointError, match="ego_social/ttm; expected ego_social/lam_lstm or"):
        load_looking_at_me(ours)
    refuses(UsageError, "no device 'tpu'", lambda: load_talking_to_me(ours, "tpu"))
    with pytest.raises(CheckpointError, match="tells where a person looks"):
        load_looking_at_me(imported(written, GAZE360))


@pytest.mark.parametrize(
    ("system", "arguments", "message"),
    [
        ("gaze_3d", {}, "weights of gaze_3d/lam_lstm"),
        ("ego_social", {"frames": 4}, "cannot use: a window of 4 frames"),
        ("ego_social", {"depth": 4}, "cannot use: .*depth"),
        ("ego_social", {"width": 4, "memory": 8}, "another shape for"),
    ],
)
def test_another_card_is_refused(
    tmp_path: Path, system: str, arguments: dict[str, int], message: str
) -> None:
    path = tmp_path / "ours.safetensors"
    state = lam_lstm(width=4, memory=4).state_dict()
    checkpoint.save(path, state, CheckpointCard(system, "lam_lstm", arguments))
    refuses(CheckpointError, message, lambda: load_looking_at_me(path))


@pytest.mark.parametrize("which", [GAZE360, LAM, TTM])
def test_a_network_begins_at_theirs_but_for_its_head(written: Write, which: str) -> None:
    net = gaze360_lstm()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    left = initialise(net, written(saved(theirs(which), "module.")))
    assert left == ("head.0.weight", "head.0.bias", "head.1.weight", "head.1.bias")
    after = net.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in left)
    given = {our_name(k): v for k, v in theirs(which).items()}
    assert all(torch.equal(v, given[k]) for k, v in after.items() if k not in left)


def test_a_network_begins_at_ours(written: Write) -> None:
    net = ttm()
    left = initialise(net, imported(written, LAM))
    assert {name.partition(".")[0] for name in left} == {"voice", "head"}
    face = theirs(LAM)["base_model.layer4.1.conv2.weight"]
    assert torch.equal(net.get_parameter("encoder.layer4.1.conv2.weight"), face)


def imagenet() -> State:
    """As torchvision's file of ResNet-18, which has no counts."""
    bare = {k.removeprefix("base_model."): v for k, v in theirs(LAM).items() if "base_model" in k}
    kept = {k: v for k, v in bare.items() if not k.startswith("fc") and "num_batches" not in k}
    return kept | {"fc.weight": torch.ones(1000, 512), "fc.bias": torch.ones(1000)}


def test_an_encoder_begins_at_imagenet(written: Write) -> None:
    net = lam_lstm()
    left = initialise(net, written(imagenet()))
    changed = [name for name in left if "num_batches" not in name]
    assert {n.partition(".")[0] for n in changed} == {"encoder", "memory", "head"}
    assert {n for n in changed if n.startswith("encoder.")} == {
        f"encoder.project.{i}.{entry}" for i in (0, 2) for entry in ("weight", "bias")
    }
    first = net.get_parameter("encoder.conv.weight")
    assert torch.equal(first, theirs(LAM)["base_model.conv1.weight"])


@pytest.mark.parametrize(
    ("message", "changed"),
    [
        ("lacks encoder.norm.bias", lambda s: without(s, "bn1.bias")),
        ("no place for encoder.layer1.0.conv3.weight",
         lambda s: s | {"layer1.0.conv3.weight": torch.ones(256, 64, 1, 1)}),
        ("no numbers in encoder.norm.bias",
         lambda s: s | {"bn1.bias": torch.full((64,), torch.inf)}),
    ],
)  # fmt: skip
def test_a_beginning_that_does_not_fit_changes_nothing(
    written: Write, message: str, changed: Callable[[State], State]
) -> None:
    net = lam_lstm()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    refuses(CheckpointError, message, lambda: initialise(net, written(changed(imagenet()))))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_a_shrunken_network_cannot_begin_at_a_whole_one(written: Write) -> None:
    with pytest.raises(CheckpointError, match=r"another shape for encoder\.conv\.weight"):
        initialise(lam_lstm(width=8), written(saved(theirs(GAZE360))))
