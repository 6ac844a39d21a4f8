"""The authors' checkpoint and the Kinetics start come in whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.api import load_model
from eyeline.errors import CheckpointError, UsageError
from eyeline.systems.gaze_anticipation.model import csts
from eyeline.systems.gaze_anticipation.network.original_keys import KINETICS_IGNORED, our_name
from eyeline.systems.gaze_anticipation.weights import import_original, initialise, load_csts
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_anticipation.invented import (
    BARE,
    KINETICS,
    WHOLE,
    golden,
    random_of,
    small,
    small_inputs,
    their_shapes,
)

Write = Callable[[Any], Path]

CONFIGURATION = """
DATA: {NUM_FRAMES: 8, SAMPLING_RATE: 4, TARGET_FPS: 20}
MVIT: {CLS_EMBED_ON: false, SPATIAL_AUDIO_ATTN: false}
TRAIN: {DATASET: aria_av_gaze_forecast, ENABLE: true}
"""

THEIRS = {our_name(name): name for name in their_shapes()}


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: Any) -> Path:
        path = tmp_path / "theirs.pyth"
        torch.save(content, path)
        return path

    return write


def theirs(**arguments: Any) -> dict[str, Tensor]:
    """A network of the published depth and little width, in the names of the authors."""
    net = csts(**{"width": 8, "side": 64, **arguments})
    return {THEIRS[name]: value for name, value in net.state_dict().items()}


def trained(state: dict[str, Tensor], configuration: str = CONFIGURATION) -> dict[str, Any]:
    moments = {0: {"step": 12, "exp_avg": torch.ones(3)}}
    return {
        "epoch": 4, "model_state": state, "cfg": configuration,
        "optimizer_state": {"state": moments, "param_groups": [{"lr": 1e-4, "params": [0]}]},
    }  # fmt: skip


@pytest.mark.parametrize(("which", "embedding"), [(WHOLE, 256), (BARE, 0)])
def test_every_key_has_its_place(which: str, embedding: int) -> None:
    shapes = {our_name(name): shape for name, shape in their_shapes(which).items()}
    with torch.device("meta"):
        net = csts(embedding=embedding)
    assert shapes == {name: tuple(v.shape) for name, v in net.state_dict().items()}
    assert len(shapes) == len(their_shapes(which)) == (524 if embedding else 520)


def test_a_name_without_a_place_stays() -> None:
    odd = ("blocks.0.attn.rel_pos_h", "decode_block5.proj.weight", "head.weight",
           "blocks.3.attn.upsample_q.weight", "decode_block1.attn.pool_q.weight",
           "blocks.0.attn.pool_k.bias", "blocks_audio.x.norm1.bias", "head.scale", "")  # fmt: skip
    assert [our_name(name) for name in odd] == list(odd)


@pytest.mark.parametrize("wrapped", ["checkpoint", "state", "parallel"])
@pytest.mark.parametrize("embedding", [256, 0])
def test_whole_and_bare(written: Write, wrapped: str, embedding: int) -> None:
    state = theirs(embedding=embedding)
    content = {
        "checkpoint": trained(state),
        "state": state,
        "parallel": {f"module.{name}": value for name, value in state.items()},
    }[wrapped]
    result = import_original(written(content))
    assert result.card.arguments == {"frames": 8, "side": 64, "width": 8, "embedding": embedding}
    assert result.ignored == (
        ("cfg", "epoch", "optimizer_state") if wrapped == "checkpoint" else ()
    )
    assert len(result.state) == len(state)
    assert all(torch.equal(result.state[our_name(name)], value) for name, value in state.items())
    known = {"dataset": "aria", "name": "aria_av_gaze_forecast", "task": "anticipation"}
    assert result.card.data == (known if wrapped == "checkpoint" else {})
    settings = {"rate_hz": 20, "frame_step": 5}
    assert result.card.settings == (settings if wrapped == "checkpoint" else {})


def test_an_option_that_tensors_do_not_show(written: Write) -> None:
    on = CONFIGURATION.replace("SPATIAL_AUDIO_ATTN: false", "SPATIAL_AUDIO_ATTN: true")
    assert import_original(written(trained(theirs(), on))).card.arguments["gate_by_sound"] is True


class Opens:
    """Runs a command where a file is trusted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def test_nothing_is_run(tmp_path: Path, written: Write) -> None:
    ran = tmp_path / "ran"
    with pytest.raises(CheckpointError, match="without running code"):
        import_original(written({**trained(theirs()), "epoch": Opens(ran)}))
    assert not ran.exists()


def without(*names: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda s: {k: v for k, v in s.items() if k not in names}


ODD: dict[str, tuple[str, Callable[[dict[str, Tensor]], Any]]] = {
    "deeper": (r"no place for blocks.16.norm1.weight",
               lambda s: s | {"blocks.16.norm1.weight": torch.ones(64)}),
    "relative places": ("no place for blocks.0.attn.rel_pos_h",
                        lambda s: s | {"blocks.0.attn.rel_pos_h": torch.ones(15, 8)}),
    "shallower": ("lacks video.blocks.15.norm1.bias", without("blocks.15.norm1.bias")),
    "class": ("no place for cls_token", lambda s: s | {"cls_token": torch.ones(1, 1, 8)}),
    "another kernel": (r"shape for video.blocks.0.attention.pool_k.weight \(8, 1, 1, 3, 3\)",
                       lambda s: s | {"blocks.0.attn.pool_k.weight": torch.ones(8, 1, 1, 3, 3)}),
    "joint places": (r"pos_embed_spatial should be \(1, places, channels\); the file lacks it",
                     without("pos_embed_spatial")),
    "oblong": ("255 places, which are no square",
               lambda s: s | {"pos_embed_spatial": torch.ones(1, 255, 8)}),
    "odd width": ("cannot be: width is 12",
                  lambda s: s | {"pos_embed_spatial": torch.ones(1, 256, 12)}),
    "one embedding": ("lacks embed_heard.weight", without("audio_proj.weight")),
    "not a number": ("no numbers in decoder.classifier.bias",
                     lambda s: s | {"classifier.bias": torch.full((1,), torch.nan)}),
    "class in configuration": ("cfg.MVIT.CLS_EMBED_ON is true", lambda s: trained(
        s, CONFIGURATION.replace("CLS_EMBED_ON: false", "CLS_EMBED_ON: true"))),
    "configuration": ("'cfg' that is not YAML", lambda s: trained(s, "a: [1, 2")),
    "text": ("holds no tensors: its entries are epoch", lambda s: {"epoch": 3}),
    "both names": ("entries twice", lambda s: s | {"module.classifier.bias": torch.ones(1)}),
}  # fmt: skip


@pytest.mark.parametrize("which", list(ODD))
def test_other_files_are_refused(written: Write, which: str) -> None:
    message, changed = ODD[which]
    path = written(changed(theirs()))
    with pytest.raises(CheckpointError, match=message) as caught:
        import_original(path)
    assert str(path) in str(caught.value)


def test_what_is_imported_can_be_loaded(tmp_path: Path, written: Write) -> None:
    result = import_original(written(trained(theirs())))
    ours = tmp_path / "ours.safetensors"
    checkpoint.save(ours, result.state, result.card)
    loaded = load_csts(ours)
    assert not loaded.training and (loaded.frames, loaded.side) == (8, 64)
    state = loaded.state_dict()
    assert all(torch.equal(state[name], value) for name, value in result.state.items())
    assert all(p.requires_grad and not p.is_meta for p in loaded.parameters())
    with pytest.raises(UsageError, match="no device 'tpu'"):
        load_csts(ours, "tpu")
    assert load_csts(ours, precision="bfloat16").precision == "bfloat16"
    with pytest.raises(UsageError, match="no precision 'half'; there are float32, bfloat16"):
        load_csts(ours, precision="half")


@pytest.mark.parametrize(
    ("builder", "arguments", "message"),
    [
        ("centre_prior", {}, "weights of gaze_anticipation/centre_prior; expected"),
        ("csts", {"frames": 7}, "csts cannot use: arguments.frames is 7; must be a multiple of 2"),
        ("csts", {"depth": 3}, "csts cannot use: .*depth"),
        ("csts", {"side": 128, "width": 16}, "another shape for"),
    ],
)
def test_another_card_is_refused(
    tmp_path: Path, builder: str, arguments: dict[str, int], message: str
) -> None:
    path = tmp_path / "ours.safetensors"
    checkpoint.save(
        path, small().state_dict(), CheckpointCard("gaze_anticipation", builder, arguments)
    )
    with pytest.raises(CheckpointError, match=message):
        load_csts(path)


def kinetics(*, split: bool = False) -> dict[str, Tensor]:
    """The start file that the golden numbers were made with."""
    result = {
        name: torch.from_numpy(random_of(f"k400:{name}").standard_normal(shape)).float()
        for name, shape in their_shapes(KINETICS).items()
    }
    if split:
        for name in [n for n in result if ".qkv." in n]:
            for which, part in zip("qkv", result.pop(name).chunk(3), strict=True):
                result[name.replace("qkv", which)] = part
    return result


@pytest.mark.parametrize("split", [False, True])
def test_kinetics_start_as_published(written: Write, split: bool) -> None:
    file, net = golden("pretrained_load"), csts()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    left = initialise(net, written({"model_state": kinetics(split=split), "cfg": "", "epoch": -1}))
    state = net.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(state[name], value)}
    assert changed == {our_name(str(name)) for name in file["changed"]} and len(changed) == 307
    assert set(left) == {our_name(str(name)) for name in file["unchanged"]} and len(left) == 217
    np.testing.assert_allclose(state["video.stem.time"], file["pos_embed_temporal"], atol=1e-6)
    rows = state["video.stem.space"][0, file["row_index"]]
    np.testing.assert_allclose(rows, file["pos_embed_spatial_rows"], atol=1e-6)
    pooled = state["video.blocks.3.attention.pool_q.weight"].flatten()[::100]
    assert np.array_equal(pooled, file["blocks_3_attn_pool_q_sub"])
    assert set(their_shapes(KINETICS)) - KINETICS_IGNORED == {str(n) for n in file["changed"]}


@pytest.mark.parametrize("split", [False, True])
def test_an_imported_kinetics_file_gives_the_published_start(
    tmp_path: Path, written: Write, split: bool
) -> None:
    path = written({"model_state": kinetics(split=split), "cfg": "", "epoch": -1})
    result = import_original(path)
    assert (result.card.builder, len(result.state)) == ("mvit_b", 307)
    assert result.card.arguments == {"frames": 16, "side": 224, "width": 96}
    assert result.ignored == tuple(sorted({"cfg", "epoch", *KINETICS_IGNORED}))
    ours = tmp_path / "K400.safetensors"
    checkpoint.save(ours, result.state, result.card)
    begun = [csts(drop_path=0.0) for _ in range(2)]
    begun[1].load_state_dict(begun[0].state_dict())
    assert initialise(begun[0], path) == initialise(begun[1], ours)
    ours_state, theirs_state = begun[1].state_dict(), begun[0].state_dict()
    assert all(torch.equal(ours_state[name], value) for name, value in theirs_state.items())


def narrow_kinetics() -> dict[str, Tensor]:
    """The same file for a network of little width."""
    state = {name: value for name, value in theirs().items() if "audio" not in name}
    result = {n: v for n, v in state.items() if n.startswith(("pos", "patch", "blocks."))}
    return result | {"pos_embed_spatial": torch.ones(1, 56**2, 8), "norm.weight": torch.ones(64)}


def test_an_imported_start_is_a_network_of_ours(tmp_path: Path, written: Write) -> None:
    result = import_original(written(narrow_kinetics()))
    ours = tmp_path / "ours.safetensors"
    checkpoint.save(ours, result.state, result.card)
    network = load_model(ours)
    with torch.no_grad():
        tokens, _ = network(torch.zeros(1, 3, 8, 224, 224))
    assert tokens.shape == (1, 4, 7, 7, 64) and tokens.isfinite().all()
    with pytest.raises(CheckpointError, match="expected gaze_anticipation/csts"):
        load_csts(ours)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (without("blocks.4.norm1.weight"), "mvit_b: it lacks video.blocks.4.norm1.weight"),
        (lambda s: s | {"blocks.16.norm1.weight": torch.ones(8)}, "no place for blocks.16"),
        (without("pos_embed_temporal"), "pos_embed_temporal should be .* the file lacks it"),
        (lambda s: s | {"pos_embed_spatial": torch.ones(1, 100, 8)}, "cannot be: side is 40"),
    ],
)
def test_other_action_networks_are_refused(
    written: Write, changed: Callable[[dict[str, Tensor]], dict[str, Tensor]], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        import_original(written(changed(narrow_kinetics())))


def test_beginning_at_others(tmp_path: Path, written: Write) -> None:
    source = small(seed=1)
    ours = tmp_path / "ours.safetensors"
    card = CheckpointCard("gaze_anticipation", "csts", {})
    checkpoint.save(ours, source.state_dict(), card)
    net = small(seed=2, embedding=0)
    assert initialise(net, ours) == ()
    clip, audio = small_inputs(1)
    with torch.no_grad():
        assert torch.equal(net(clip, audio).logits, source(clip, audio).logits)
    whole = small(seed=3, frames=8, side=128)
    with pytest.raises(CheckpointError, match="another shape for fusion"):
        initialise(whole, ours)
    original = csts(width=8, side=64)
    left = initialise(original, written(trained(theirs(embedding=0))))
    assert left == tuple(
        f"{part}.{what}" for part in ("embed_seen", "embed_heard") for what in ("weight", "bias")
    )


def test_a_start_for_another_scale_of_audio_is_refused(tmp_path: Path, written: Write) -> None:
    """No tensor shows it."""
    scale = {"sound_mean": -7.0, "sound_std": 3.0}
    ours = tmp_path / "ours.safetensors"
    checkpoint.save(
        ours, small(seed=1).state_dict(), CheckpointCard("gaze_anticipation", "csts", scale)
    )
    with pytest.raises(CheckpointError, match=r"for sound_mean -7.0 and sound_std 3.0.*0.0 and 1"):
        initialise(small(seed=2), ours)
    assert initialise(small(seed=2, **scale), ours) == ()
    with pytest.raises(CheckpointError, match=r"sound_mean 0\.0 and sound_std 1\.0"):
        initialise(csts(width=8, side=64, **scale), written(trained(theirs())))


def test_a_second_file_for_audio(tmp_path: Path, written: Write) -> None:
    first, second = theirs(), theirs(frames=4)
    paths = [tmp_path / name for name in ("first.pyth", "second.pyth")]
    heard = {k: v for k, v in second.items() if "audio" in k and "_proj" not in k}
    torch.save(first, paths[0])
    torch.save({**first, **heard}, paths[1])
    net = csts(width=8, side=64)
    initialise(net, paths[0], audio=paths[1])
    state = net.state_dict()
    assert torch.equal(state["sound.blocks.0.norm1.weight"], second["blocks_audio.0.norm1.weight"])
    assert torch.equal(state["video.stem.conv.weight"], first["patch_embed.proj.weight"])
    assert state["sound.stem.time"].shape == (1, 4, 8)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (without("blocks.4.norm1.weight"), "lacks video.blocks.4.norm1.weight"),
        (lambda s: s | {"blocks.16.norm1.weight": torch.ones(8)}, "no place for blocks.16"),
        (lambda s: s | {"pos_embed": torch.ones(1, 9, 8)}, "no place for pos_embed"),
        (lambda s: s | {"blocks.2.attn.q.weight": torch.ones(16, 16)}, "or q, k and v of it"),
    ],
)
def test_other_starts_are_refused_and_change_nothing(
    written: Write, changed: Callable[[dict[str, Tensor]], dict[str, Tensor]], message: str
) -> None:
    state = {k: v for k, v in theirs().items() if k.startswith(("pos", "patch", "blocks."))}
    start = {k: v for k, v in state.items() if "audio" not in k}
    net = csts(width=8, side=64)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    path = written(changed(start))
    with pytest.raises(CheckpointError, match=message):
        initialise(net, path)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert len(initialise(net, written(start))) == 217


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        import_original(tmp_path / "none.pyth")
