"""Options of builders by `--set` of analyze."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from eyeline import builder_options
from eyeline.errors import UsageError
from eyeline.settings import chosen
from eyeline.system import load_system, system_names
from eyeline.training import recipe
from tests.wrong_values import wrong_values

SYSTEM = load_system("gaze_following")
BUILDER = SYSTEM.builders["mask_rcnn_mlp"]


@pytest.mark.parametrize("who", ["gaze_following", "vgs", "gaze_following/mask_rcnn_mlp"])
def test_options_are_bound_by_type(who: str) -> None:
    texts = [f"{who}.every_s=1", f"{who}.proposals=300", "gaze_anticipation.every=2"]
    result = builder_options.read(texts, SYSTEM, "mask_rcnn_mlp", BUILDER)
    assert result == {"every_s": 1.0, "proposals": 300}


def test_options_of_others_are_passed_over() -> None:
    result = builder_options.read(["csts.every=2"], SYSTEM, "mask_rcnn_mlp", BUILDER)
    assert result == {}


@pytest.mark.parametrize("text", ["every_s=1", "gaze_following.every_s", "=1", ".every_s=1"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected SYSTEM\.option=value"):
        builder_options.read([text], SYSTEM, "mask_rcnn_mlp", BUILDER)


def test_an_unknown_option_or_value_names_itself() -> None:
    with pytest.raises(UsageError, match="evry_s"):
        builder_options.read(["gaze_following.evry_s=1"], SYSTEM, "mask_rcnn_mlp", BUILDER)
    with pytest.raises(UsageError, match="every_s"):
        builder_options.read(["gaze_following.every_s=soon"], SYSTEM, "mask_rcnn_mlp", BUILDER)


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).partition("\n...")[0].strip()


def _jobs() -> list[tuple[str, str]]:
    kinds = ("prepare", "convert", "evaluate", "score", "synthesize", "show", "from_weights")
    return [(name, kind) for name in system_names() for kind in kinds]


@pytest.mark.parametrize(("name", "kind"), _jobs())
def test_every_option_of_every_command_has_bounds(name: str, kind: str) -> None:
    """Wrong types, values out of range, NaN and unknown names, each alone and all at once."""
    room = load_system(name)
    targets = {
        "prepare": [*room.prepare.values()],
        "convert": [*room.convert.values()],
        "from_weights": [b.from_weights for b in room.builders.values() if b.from_weights],
    }.get(kind) or [created for created in [getattr(room, kind, None)] if callable(created)]
    for target in targets:
        described = recipe._schema("option", target).model_json_schema()["properties"]
        tried = {key: wrong_values(field) for key, field in described.items()}
        for key, values in tried.items():
            for value in values:
                with pytest.raises(UsageError, match=rf"--set: {key}(\[\d\])? is .*; must be "):
                    builder_options.bound([f"{key}={_yaml(value)}"], target, "--set")
        worst = [f"{key}={_yaml(values[-1])}" for key, values in tried.items()]
        with pytest.raises(UsageError, match="of_none is not known") as caught:
            builder_options.bound([*worst, "of_none=1"], target, "--set")
        for key in tried:
            assert re.search(rf"[:;] {key}(\[\d\])? is ", str(caught.value)), key


def test_the_name_of_an_unknown_option_is_corrected() -> None:
    with pytest.raises(UsageError, match=r"evry_s is not known; keys: .* \(nearest: every_s\)"):
        builder_options.read(["gaze_following.evry_s=1"], SYSTEM, "mask_rcnn_mlp", BUILDER)


def test_a_builder_without_options_says_so() -> None:
    with pytest.raises(UsageError, match="gaze_following/ray: this builder has no options"):
        builder_options.read(["gaze_following.every_s=1"], SYSTEM, "ray", SYSTEM.builders["ray"])


def test_a_system_that_does_not_run_is_named() -> None:
    picked = chosen(["gaze_following/ray"], ego=False)
    wrong = builder_options.unused(["csts.every=2", "gaze_following.x=1"], picked)
    assert wrong == ["--set csts.every=2: csts is not among the chosen systems"]
