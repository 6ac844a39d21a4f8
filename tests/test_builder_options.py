"""Options of builders by `--set` of analyze."""

from __future__ import annotations

import pytest

from eyeline import builder_options
from eyeline.errors import UsageError
from eyeline.settings import chosen
from eyeline.system import load_system

ROOM = load_system("gaze_following")
BUILDER = ROOM.builders["mask_rcnn_mlp"]


@pytest.mark.parametrize("who", ["gaze_following", "vgs", "gaze_following/mask_rcnn_mlp"])
def test_options_are_bound_by_type(who: str) -> None:
    texts = [f"{who}.every_s=1", f"{who}.proposals=300", "gaze_anticipation.every=2"]
    found = builder_options.read(texts, ROOM, "mask_rcnn_mlp", BUILDER)
    assert found == {"every_s": 1.0, "proposals": 300}


def test_options_of_others_are_passed_over() -> None:
    found = builder_options.read(["csts.every=2"], ROOM, "mask_rcnn_mlp", BUILDER)
    assert found == {}


@pytest.mark.parametrize("text", ["every_s=1", "gaze_following.every_s", "=1", ".every_s=1"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected SYSTEM\.option=value"):
        builder_options.read([text], ROOM, "mask_rcnn_mlp", BUILDER)


def test_an_unknown_option_or_value_names_itself() -> None:
    with pytest.raises(UsageError, match="evry_s"):
        builder_options.read(["gaze_following.evry_s=1"], ROOM, "mask_rcnn_mlp", BUILDER)
    with pytest.raises(UsageError, match="every_s"):
        builder_options.read(["gaze_following.every_s=soon"], ROOM, "mask_rcnn_mlp", BUILDER)


def test_a_builder_without_options_says_so() -> None:
    with pytest.raises(UsageError, match="gaze_following/ray: this builder has no options"):
        builder_options.read(["gaze_following.every_s=1"], ROOM, "ray", ROOM.builders["ray"])


def test_a_system_that_does_not_run_is_named() -> None:
    picked = chosen(["gaze_following/ray"], ego=False)
    wrong = builder_options.unused(["csts.every=2", "gaze_following.x=1"], picked)
    assert wrong == ["--set csts.every=2: csts is not among the chosen systems"]
