"""The authors' files: their numbers, all of their keys, and files of other networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError
from eyeline.systems.gaze_following import weights
from eyeline.systems.gaze_following.gaze_lle import inputs
from eyeline.systems.gaze_following.gaze_lle.weights import load_pair
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Golden
from tests.systems.gaze_following.gaze_lle import drawn
from tests.systems.gaze_following.gaze_lle.conftest import imported, original

State = dict[str, torch.Tensor]


@pytest.mark.parametrize(
    ("kind", "heatmap"), [("gaze_lle", "heatmap"), ("gaze_lle_in_out", "heatmap_in_out")]
)
def test_the_numbers_are_those_of_the_original_code(
    kind: str, heatmap: str, small: dict[str, Path], golden: Golden
) -> None:
    frozen, pair = golden("gaze_lle"), load_pair(small[kind], small["dinov2"])
    image = inputs.image_tensor(drawn.image(), pair.encoder.grid)[None]
    heads = inputs.head_maps(np.array(drawn.HEADS_NORM), pair.encoder.grid)
    with torch.inference_mode():
        logits, inside = pair.decoder(pair.encoder(image), heads, torch.tensor([0, 0]))
    assert_close_to_scale(logits.sigmoid().numpy(), frozen[heatmap], 1e-4)
    if kind == "gaze_lle":
        assert inside is None
    else:
        assert inside is not None
        assert_close_to_scale(inside.sigmoid().numpy(), frozen["in_out"], 1e-4)


@pytest.mark.parametrize(
    ("kind", "keys"), [("dinov2", "encoder_keys"), ("gaze_lle_in_out", "decoder_keys")]
)
def test_the_keys_are_theirs(kind: str, keys: str, golden: Golden) -> None:
    assert sorted(original(kind)) == sorted(golden("gaze_lle")[keys].tolist())


def dinov3(state: State) -> None:
    state["rope_embed.periods"] = torch.ones(16)
    del state["pos_embed"]


def one_without(name: str) -> Callable[[State], None]:
    return lambda state: state.pop(name) is None


def one_more(name: str, *shape: int) -> Callable[[State], None]:
    return lambda state: state.update({name: torch.ones(shape)})


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("dinov2", dinov3, "is DINOv3; Gaze-LLE takes DINOv2"),
        ("dinov2", one_more("register_tokens", 1, 4, 128), "DINOv2 with registers"),
        ("dinov2", one_more("patch_embed.proj.weight", 128, 3, 16, 16), "patches of 16 pixels"),
        ("dinov2", one_more("pos_embed", 1, 40, 128), "39 positions, which are no square"),
        ("dinov2", one_without("blocks.1.ls1.gamma"), "lacks blocks.1.ls1.gamma"),
        ("dinov2", one_more("blocks.0.more", 2), "has no place for blocks.0.more"),
        ("gaze_lle", one_without("pos_embed"), "no pos_embed of 3 axes"),
        ("gaze_lle", one_without("transformer.2.mlp.fc1.bias"), "lacks transformer.2.mlp.fc1"),
        ("gaze_lle_in_out", one_without("inout_head.3.bias"), "lacks inout_head.3.bias"),
    ],
)
def test_files_of_other_networks_are_one_line(
    kind: str, change: Callable[[State], None], message: str, tmp_path: Path
) -> None:
    state = original(kind)
    change(state)
    torch.save(state, tmp_path / "theirs.pt")
    with pytest.raises(CheckpointError, match=message) as error:
        weights.import_original(tmp_path / "theirs.pt")
    assert "\n" not in str(error.value)


def test_a_decoder_of_another_size_is_one_line(small: dict[str, Path], tmp_path: Path) -> None:
    other = imported("gaze_lle", tmp_path, width=192)
    with pytest.raises(CheckpointError, match=r"encoder of width 192, but .* has 128; give"):
        load_pair(other, small["dinov2"])
    with pytest.raises(CheckpointError, match="expected gaze_following/gaze_lle"):
        load_pair(small["dinov2"], small["gaze_lle"])


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    torch.save(original("dinov2"), tmp_path / "theirs.pt")
    assert weights.import_original(tmp_path / "theirs.pt").ignored == ("mask_token",)
    whole = original("gaze_lle") | {"backbone.model.norm.weight": torch.ones(128)}
    torch.save(whole, tmp_path / "theirs.pt")
    assert weights.import_original(tmp_path / "theirs.pt").ignored == (
        "backbone.model.norm.weight",
    )
