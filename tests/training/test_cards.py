"""A weights file's card is checked before anything is built from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import eyeline
from eyeline.errors import CheckpointError
from eyeline.models import shipped
from eyeline.systems.eye_contact.weights import load_landmarks_tcn
from eyeline.training import cards, checkpoint
from eyeline.training.checkpoint import CheckpointCard

CARD: dict[str, Any] = {"system": "a", "builder": "b", "arguments": {}}

DAMAGED = {
    "no system": ({"system": ["a"]}, "system is .'a'.: input should be a valid string"),
    "a path": ({"system": "../../etc"}, "system is '../../etc'"),
    "a dict for a name": ({"builder": {"a": 1}}, "builder is"),
    "a long name": ({"builder": "b" * 65}, "builder is"),
    "arguments of text": ({"arguments": "text"}, "arguments is 'text'"),
    "arguments of nothing": ({"arguments": None}, "arguments is None"),
    "settings of a list": ({"settings": [1]}, "settings is .1."),
    "a threshold of text": ({"settings": {"threshold": "x"}}, "settings.threshold is 'x'"),
    "a rate of nothing": ({"settings": {"rate_hz": 0}}, "settings.rate_hz is 0"),
    "a size beyond": ({"settings": {"short_px": 10**6}}, "settings.short_px is 1000000"),
    "a calibration of text": ({"settings": {"calibration": {"scale": "x"}}}, "calibration.scale"),
    "scores of text": ({"scores": "x"}, "scores is 'x'"),
    "pooled scores of a list": ({"scores": {"pooled": [1]}}, "scores.pooled is"),
    "videos of dicts": ({"data": {"videos": [{}]}}, "data.videos.0 is"),
    "a licence of a number": ({"licence": 5}, "licence is 5"),
    "a seed of text": ({"recipe": {"training": {"seed": "x"}}}, "recipe.training.seed is 'x'"),
    "a number without end": ({"arguments": {"a": 10**30}}, "a number of 1000000"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_entries_that_no_card_has(name: str) -> None:
    change, said = DAMAGED[name]
    with pytest.raises(CheckpointError, match=rf"w has a damaged card: .*{said}") as error:
        cards.parsed(json.dumps(CARD | change), "w")
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "recursion"),
        (json.dumps(CARD | {"data": {"a": json.loads("[" * 20 + "]" * 20)}}), "16 levels"),
        (f'{{"arguments": {{"a": {"9" * 5000}}}}}', "digits"),
        ('{"arguments": {"a": NaN}}', "NaN, which is no number"),
        ('{"arguments": {"a": 1e999}}', "a number of inf"),
        (" " * (2**24 + 1), "characters"),
    ],
    ids=["deep", "levels", "digits", "nan", "infinite", "long"],
)
def test_json_of_great_size(text: str, said: str) -> None:
    with pytest.raises(CheckpointError, match=said) as error:
        cards.parsed(text, "w")
    assert len(str(error.value)) < 300


def test_the_cards_of_the_package_and_of_all_imports_hold() -> None:
    for path in shipped().values():
        assert checkpoint.read_card(path).arguments
    odd = {"concentration": {"calibrated": True, "frames": 5, "gaze": {"scale": 1.0}}}
    for settings in ({}, {"threshold": None}, {"concentration": "uncalibrated"}, odd):
        card = cards.parsed(json.dumps(CARD | {"settings": settings, "later": 1}), "w")
        assert card.settings == settings


# Building

SMALL = {"layers": 3, "maps": 8}


def stack(*, layers: int = 1, maps: int = 4, kind: str = "a") -> nn.Module:
    return nn.Sequential(*(nn.Linear(maps, maps) for _ in range(layers)))


def card_of(**arguments: Any) -> CheckpointCard:
    return CheckpointCard("a", "stack", arguments)


def test_a_network_is_built() -> None:
    state = stack(**SMALL).state_dict()
    network = checkpoint.build(stack, card_of(**SMALL), state, "w")
    assert not network.training
    assert all(torch.equal(network.state_dict()[name], value) for name, value in state.items())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"evil": 1}, "arguments.evil is not known; keys: layers, maps, kind"),
        ({"layers": None}, "arguments.layers is None"),
        ({"layers": 1.5}, "arguments.layers is 1.5"),
        ({"layers": "3"}, "arguments.layers is '3'"),
        ({"layers": [3]}, "arguments.layers is"),
        ({"kind": 3}, "arguments.kind is 3"),
        ({"layers": 10**7}, "layers is 10000000, its largest tensor has 1024"),
        ({"maps": 10**9}, "maps is 1000000000"),
        ({"layers": 1000}, "far more tensors than the file has"),
        ({"layers": 5, "maps": 8}, "lacks 3.bias, 3.weight, 4.bias, 4.weight"),
        ({"layers": 3, "maps": 7}, "another shape for"),
        ({"layers": 3, "maps": -1}, "cannot use|another shape"),
    ],
)
def test_what_a_builder_cannot_use(arguments: dict[str, Any], said: str) -> None:
    state = stack(**SMALL).state_dict()
    with pytest.raises(CheckpointError, match=said) as error:
        checkpoint.build(stack, card_of(**arguments), state, "w")
    assert "\n" not in str(error.value)


def test_building_takes_no_memory_before_the_shapes_agree() -> None:
    created = []

    def counted(*, maps: int = 4) -> nn.Module:
        created.append(network := nn.Linear(maps, maps))
        return network

    with pytest.raises(CheckpointError, match="another shape"):
        checkpoint.build(counted, card_of(maps=1000), nn.Linear(4, 4).state_dict(), "w")
    assert [network.weight.device.type for network in created] == ["meta"]


# Numbers


def spoilt(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def spoil(tensor: torch.Tensor) -> torch.Tensor:
        return torch.where(torch.arange(tensor.numel()).view_as(tensor) == 1, value, tensor)

    return spoil


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    card, state = checkpoint.load(shipped()["eye_contact/landmarks_tcn"])
    name = "members.2.layers.3.mix.weight"
    checkpoint.save(tmp_path / "w.safetensors", {**state, name: spoilt(value)(state[name])}, card)
    for load in (eyeline.load_model, load_landmarks_tcn, checkpoint.load, checkpoint.load_arrays):
        with pytest.raises(CheckpointError, match=rf"no numbers in {name};"):
            load(tmp_path / "w.safetensors")


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64, torch.bfloat16])
def test_numbers_of_another_kind_in_our_own_files(tmp_path: Path, kind: torch.dtype) -> None:
    card, state = checkpoint.load(shipped()["eye_contact/landmarks_tcn"])
    name = "members.2.layers.3.mix.weight"
    changed = {**state, name: state[name].to(kind)}
    save_file(changed, tmp_path / "w", {"eyeline": checkpoint._card_text(card)})
    with pytest.raises(CheckpointError, match=f"holds {name} as|holds weights"):
        load_landmarks_tcn(tmp_path / "w")
    if kind != torch.bfloat16:
        with pytest.raises(CheckpointError, match=f"holds {name} as"):
            eyeline.load_model(tmp_path / "w")


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (torch.float64, True),
        (torch.float16, True),
        (torch.bfloat16, True),
        (torch.int64, False),
        (torch.uint8, False),
        (torch.bool, False),
        (torch.complex64, False),
    ],
)
def test_kinds_of_numbers(kind: torch.dtype, taken: bool) -> None:
    expected = nn.BatchNorm1d(2).state_dict()
    given = {**expected, "weight": expected["weight"].to(kind)}
    if taken:
        placed = checkpoint.placed(expected, given, "a norm", "w")
        assert placed["weight"].dtype == torch.float32
    else:
        with pytest.raises(CheckpointError, match=rf"w holds weight as {kind}; a norm expects"):
            checkpoint.placed(expected, given, "a norm", "w")


def test_counts_are_whole_or_fractions_and_nothing_else() -> None:
    expected = nn.BatchNorm1d(2).state_dict()
    for kind, taken in ((torch.int32, True), (torch.float32, True), (torch.bool, False)):
        given = {**expected, "num_batches_tracked": torch.tensor(1).to(kind)}
        if taken:
            placed = checkpoint.placed(expected, given, "a norm", "w")
            assert placed["num_batches_tracked"].dtype == torch.int64
        else:
            with pytest.raises(CheckpointError, match="num_batches_tracked as"):
                checkpoint.placed(expected, given, "a norm", "w")


def test_a_number_beyond_the_precision_of_the_network() -> None:
    expected = {"a": torch.ones(2)}
    given = {"a": torch.tensor([1.0, 1e300], dtype=torch.float64)}
    with pytest.raises(CheckpointError, match="no numbers in a"):
        checkpoint.placed(expected, given, "a network", "w")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"channels": 10**9, "layers": 7, "members": 5}, "channels is 1000000000"),
        ({"channels": 24, "layers": 10**7, "members": 5}, "layers is 10000000"),
        ({"channels": 24, "layers": 7, "members": None}, "members is None"),
        ({"channels": True, "layers": 7, "members": 5}, "channels is True"),
        ({"channels": 24, "layers": 7, "members": 5, "evil": 1}, "evil"),
    ],
)
def test_sizes_of_the_network_without_torch(
    tmp_path: Path, arguments: dict[str, Any], said: str
) -> None:
    card, state = checkpoint.load(shipped()["eye_contact/landmarks_tcn"])
    changed = CheckpointCard(card.system, card.builder, arguments, settings=card.settings)
    checkpoint.save(tmp_path / "w", state, changed)
    for load in (load_landmarks_tcn, eyeline.load_model):
        with pytest.raises(CheckpointError, match=said):
            load(tmp_path / "w")


def test_a_recipe_of_older_weights_has_todays_keys() -> None:
    older = {"data": {"validation_share": 0.2, "with_sound": False}, "training": {"seed": 1}}
    card = cards.parsed(json.dumps(CARD | {"recipe": older}), "w")
    assert card.recipe["data"] == {"validation_fraction": 0.2, "with_audio": False}
