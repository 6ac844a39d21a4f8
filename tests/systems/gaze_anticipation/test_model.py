"""The network gives the original's numbers; shrunken ones agree with the published way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.published.gaze_anticipation import published
from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.model import Anticipation, GazeAnticipation, csts, heatmaps
from tests.closeness import assert_close_to_scale, assert_gradients_close
from tests.systems.gaze_anticipation.invented import (
    Array,
    golden,
    inputs,
    network,
    sampled,
    small,
    small_inputs,
)


class Ran(NamedTuple):
    """One pass of the whole network over one clip, and what its parts gave."""

    network: GazeAnticipation
    output: Anticipation
    parts: dict[str, Tensor]
    gated: Anticipation


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    net, parts = network(), dict[str, Tensor]()
    handles = [
        net.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: parts.__setitem__(name, out)
        )
        for name in PARTS.values()
    ]
    clip, audio = inputs("b1", 1)
    with torch.no_grad():
        parts["moments"] = torch.empty(0)
        output = net(clip, audio, embeddings=True)
        for handle in handles:
            handle.remove()
        seen, heard = parts["video.blocks.15"], parts["sound.blocks.3"]
        parts["moments"] = net.fusion.space.norm1(net.fusion.moments(seen, heard))
        parts["course"] = net.fusion.time.norm1(net.fusion.series(seen, heard))
        net.fusion.gate_by_sound = True
        gated = net(clip, audio, embeddings=True)
        net.fusion.gate_by_sound = False
    yield Ran(net, output, parts, gated)
    torch.set_num_threads(before)


PARTS = {
    "patch_embed": "video.stem.conv",
    "patch_embed_audio": "sound.stem.conv",
    **{f"blocks.{i}": f"video.blocks.{i}" for i in range(16)},
    **{f"blocks.{i}.attn": f"video.blocks.{i}.attention" for i in (0, 1, 14)},
    **{f"blocks_audio.{i}": f"sound.blocks.{i}" for i in range(4)},
    "audio_pool": "fusion.pool_heard_space",
    "audio_pool2": "fusion.pool_heard_time",
    "vision_pool": "fusion.pool_seen",
    "spatial_fusion": "fusion.space",
    "spatial_fusion.attn": "fusion.space.attention",
    "temporal_fusion": "fusion.time",
    "temporal_fusion.attn": "fusion.time.attention",
    **{f"decode_block{i + 1}": f"decoder.blocks.{i}" for i in range(4)},
    "decode_block1.attn": "decoder.blocks.0.attention",
    "decode_block4.attn": "decoder.blocks.3.attention",
    "decode_block1.attn.norm_q": "decoder.blocks.0.attention.norm_q",
}
"""Their parts to ours."""


def as_theirs(name: str, tensor: Tensor) -> Tensor:
    """Our tensors in the order of theirs."""
    if name.startswith("patch_embed"):
        return tensor.flatten(2).transpose(1, 2)
    if name.startswith("spatial_fusion"):  # of each moment its image and its audio
        images, audios = tensor[:, 0, 0, :-1], tensor[:, 0, 0, -1]
        return torch.cat([images.flatten(0, 1), audios])
    if name.endswith(("pool", "pool2")):
        return tensor.transpose(1, 2)
    return tensor.transpose(1, 2) if name.endswith("norm_q") else tensor


def test_answers_are_the_originals(ran: Ran) -> None:
    file, result = golden("model_forward_b1"), ran.output
    assert result.seen is not None and result.heard is not None
    np.testing.assert_allclose(result.logits, file["logits"][:, 0], atol=1e-4, rtol=0)
    np.testing.assert_allclose(result.seen, file["vision_embed"], atol=1e-3, rtol=0)
    np.testing.assert_allclose(result.heard, file["audio_embed"], atol=1e-3, rtol=0)
    maps = heatmaps(result.logits)
    np.testing.assert_allclose(sampled(maps, 1024), file["prob_sub"], atol=1e-7)
    assert_close_to_scale(maps.amax((2, 3)), file["prob_frame_max"][:, 0], 1e-4)
    assert np.array_equal(maps.flatten(2).argmax(2), file["prob_frame_argmax"][:, 0])
    np.testing.assert_allclose(maps.sum((2, 3)), 1, rtol=1e-5)


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_the_originals(ran: Ran, name: str) -> None:
    file = golden("model_forward_b1")
    if f"act/{name}/sub" not in file:
        pytest.fail(f"the golden file has no {name}")
    result = as_theirs(name, ran.parts[PARTS[name]])
    assert result.numel() == np.prod(file[f"act/{name}/shape"])
    spread = float(file[f"act/{name}/stats"][1])
    wanted = file[f"act/{name}/sub"]
    np.testing.assert_allclose(sampled(result), wanted, atol=1e-4 * spread, rtol=0)


def test_who_looks_at_whom_in_the_fusion(ran: Ran) -> None:
    """Of the published attention over all moments, the moments' own shares; nothing beside."""
    file, fusion = golden("model_forward_b1"), ran.network.fusion
    with torch.no_grad():
        space = fusion.space.attention.weights(ran.parts["moments"])  # type: ignore[operator,union-attr]
        time = fusion.time.attention.weights(ran.parts["course"])  # type: ignore[operator,union-attr]
    wanted = file["spatial_attn_rows"]
    for column, row in enumerate((0, 63, 64, 200, 256, 259)):
        moment, place = (row // 64, row % 64) if row < 256 else (row - 256, 64)
        ours = np.zeros((8, 260), np.float32)
        ours[:, 64 * moment : 64 * moment + 64] = space[moment, :, place, :64]
        ours[:, 256 + moment] = space[moment, :, place, 64]
        assert_close_to_scale(ours, wanted.reshape(8, 6, 260)[:, column], 5e-5)
    assert_close_to_scale(time, file["temporal_attn"], 5e-5)


def test_gated_by_audio_as_the_original(ran: Ran) -> None:
    file, result = golden("model_forward_spatial_audio_attn"), ran.gated
    np.testing.assert_allclose(sampled(result.logits, 4096), file["logits_sub"], atol=1e-4)
    assert result.seen is not None
    np.testing.assert_allclose(result.seen, file["vision_embed"], atol=1e-3)
    assert float((result.logits - ran.output.logits).abs().max()) > 0.1


def test_sizes_of_both_forms() -> None:
    with torch.device("meta"):
        whole, bare = csts(), csts(embedding=0)
    for net, numbers, tensors in ((whole, 188_182_401, 524), (bare, 187_788_673, 520)):
        assert sum(p.numel() for p in net.parameters()) == numbers
        assert len(net.state_dict()) == tensors
    assert (whole.frames, whole.side) == (8, 256)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"side": 128, "frames": 2}, {"width": 8, "layers": (1, 2, 2, 2)}, {"drop_path": 0.3}],
)
def test_a_shrunken_network_is_the_published_one(arguments: dict[str, Any]) -> None:
    net = small(**arguments)
    clip, audio = (torch.randn(2, n, net.frames, net.side, net.side) for n in (3, 1))
    net.train() if arguments.get("drop_path") else net.eval()
    answers, gradients = [], []
    for one in (net, published(net)):
        net.zero_grad()
        torch.manual_seed(4)
        result = one(clip, audio)
        (result.logits.square().mean() + (result.seen * result.heard).mean()).backward()
        answers.append([x.detach() for x in result])
        gradients.append(
            {k: p.grad.clone() for k, p in net.named_parameters() if p.grad is not None}
        )
    for ours, theirs in zip(*answers, strict=True):
        assert_close_to_scale(ours, theirs, 1e-4)
    assert gradients[0].keys() == gradients[1].keys() == dict(net.named_parameters()).keys()
    assert_gradients_close(*gradients, 1e-3)


def test_clips_one_by_one_or_together() -> None:
    net = small()
    clip, audio = small_inputs(3)
    with torch.no_grad():
        apart = net(clip, audio, embeddings=True)
        net.at_once = 3
        together = net(clip, audio, embeddings=True)
        none = net(clip, audio)
    for a, b in zip(apart, together, strict=True):
        assert_close_to_scale(a, b, 2e-5)
    assert none.seen is None and none.heard is None
    assert torch.equal(none.logits, together.logits)


def test_embeddings_where_gradients_are_wanted_and_audio_changes_what_is_answered() -> None:
    clip, audio = small_inputs(1)
    assert small()(clip, audio).seen.shape == (1, 256)
    assert small(embedding=12)(clip, audio).heard.shape == (1, 12)
    bare = small(embedding=0)
    assert bare(clip, audio).seen is None
    with pytest.raises(DataError, match="built without embeddings"):
        bare(clip, audio, embeddings=True)
    net = small()
    clip, audio = small_inputs(1)
    with torch.no_grad():
        result = [net(clip, s).logits for s in (audio, -audio, torch.full_like(audio, -13.8155))]
    assert all(float((result[0] - other).abs().max()) > 0.01 for other in result[1:])


def test_reduced_precision_stays_near() -> None:
    net = small()
    clip, audio = small_inputs(1)
    with torch.no_grad():
        exact = net(clip, audio).logits
        net.precision = "bfloat16"
        near = net(clip, audio).logits
    assert near.dtype == torch.float32
    assert net(clip, audio).logits.dtype == torch.float32, "where gradients are wanted, too"
    assert 0 < float((near - exact).abs().max()) < 0.1 * float(exact.std())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": 7}, "frames is 7; expected an even number"),
        ({"side": 96}, "side is 96; expected a multiple of 64"),
        ({"width": 12}, "width is 12"),
        ({"layers": (1, 2)}, r"layers is \(1, 2\); expected four"),
        ({"sound_layers": (1, 1, 0, 1)}, "sound_layers"),
        ({"embedding": -1, "drop_path": 1.0}, "embedding is -1.*drop_path is 1.0"),
        ({"initial_spread": -0.1}, "initial_spread is -0.1"),
        ({"sound_std": 0.0}, "sound_std is 0.0; expected numbers, the second above 0"),
        ({"sound_mean": float("nan")}, "sound_mean is nan"),
    ],
)
def test_numbers_that_no_network_can_have(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        csts(**arguments)


def test_other_shapes_are_refused() -> None:
    net = small()
    clip, audio = small_inputs(2)
    with pytest.raises(DataError, match=r"clip.*axis '4' of 'batch 3 4 64 64'"):
        net(clip[:, :, :2], audio)
    with pytest.raises(DataError, match="audio has shape"):
        net(clip, audio[:1])


def test_narrow_layers_can_begin_by_their_inputs_and_then_hear() -> None:
    """At the published spread audio moves the answer hardly at all, compared with sight."""
    fractions = []
    for spread in (0.02, 0.0):
        torch.manual_seed(0)
        net = csts(frames=2, side=64, width=16, layers=(1, 1, 1, 1), initial_spread=spread).eval()
        clip, audio = torch.randn(2, 8, 3, 2, 64, 64).unbind()
        audio = audio[:, :1]
        with torch.no_grad():
            by_sight = net(clip, audio[:1].expand_as(audio)).logits.std(0).mean()
            by_audio = net(clip[:1].expand_as(clip), audio).logits.std(0).mean()
        fractions.append(float(by_audio / by_sight))
    assert fractions[0] < 0.03 and fractions[1] > 2 * fractions[0]
    fc1 = net.state_dict()["video.blocks.0.mlp.fc1.weight"]
    assert float(fc1.std()) == pytest.approx(fc1.shape[1] ** -0.5, rel=0.1)


def test_a_scale_of_audio_is_that_of_audio_scaled_before() -> None:
    plain = small()
    scaled = small(sound_mean=-7.0, sound_std=3.0)
    scaled.load_state_dict(plain.state_dict())
    clip, audio = small_inputs()
    audio = 3 * audio - 9
    with torch.no_grad():
        result, by_hand = scaled(clip, audio).logits, plain(clip, (audio + 7) / 3).logits
        assert torch.equal(result, by_hand)
        assert not torch.allclose(result, plain(clip, audio).logits)


def test_random_weights_tell_loud_from_quiet_by_a_scale_around_both() -> None:
    """At the published scale nearly the same is heard wherever it sounds."""
    moved = []
    for scale in ({}, {"sound_mean": -7.0, "sound_std": 3.0}):
        torch.manual_seed(0)
        net = csts(
            frames=2, side=64, width=16, layers=(1, 1, 1, 1), initial_spread=0.0, **scale
        ).eval()
        low, high = (torch.full((1, 1, 2, 64, 64), -10.0) for _ in range(2))
        low[..., :20, 20:], high[..., 40:, 20:] = -2.0, -2.0
        with torch.no_grad():
            heard = [net.sound(audio)[0] for audio in (low, high)]
        moved.append(float((heard[0] - heard[1]).norm() / heard[0].norm()))
    assert moved[1] > 2 * moved[0]


def test_it_begins_as_published() -> None:
    """Linear layers and places from a normal distribution of 0.02, biases 0, norms 1 and 0."""
    torch.manual_seed(0)
    net = csts(frames=4, side=64, width=16)
    state = net.state_dict()
    spread = {k: float(v.std()) for k, v in state.items() if v.ndim > 1 and v.numel() > 2000}
    narrow = {k: s for k, s in spread.items() if "stem.conv" not in k and "fusion.pool" not in k}
    assert len(narrow) > 60
    assert all(0.018 < s < 0.022 for s in narrow.values()), narrow
    assert spread["fusion.pool_seen.weight"] == pytest.approx((3 * 128 * 2 * 2) ** -0.5, rel=0.1)
    flat: dict[str, Array] = {k: v.numpy() for k, v in state.items() if v.ndim == 1}
    assert all((v == 1).all() for k, v in flat.items() if "norm" in k and k.endswith("weight"))
    linear = ("qkv.bias", "proj.bias", "fc1.bias", "fc2.bias")
    assert all((v == 0).all() for k, v in flat.items() if k.endswith(linear))
