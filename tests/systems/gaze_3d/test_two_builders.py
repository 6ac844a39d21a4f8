"""Both builders of the room in one analysis: which comes first, what others build on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eyeline.api import analyze, load_analysis
from eyeline.errors import UsageError
from eyeline.export.differences import differences
from eyeline.export.timeline import Timeline
from eyeline.results import Directions
from eyeline.settings import Settings, chosen
from eyeline.systems.gaze_3d.model import GazeFromAfar
from eyeline.systems.gaze_3d.weights import MEASURED
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

AFAR, POSE = "gaze_3d/gaze_from_afar", "gaze_3d/head_pose"

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def weights(net: GazeFromAfar, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "gaze_from_afar.safetensors"
    card = CheckpointCard("gaze_3d", "gaze_from_afar", {"frames": 7}, settings=MEASURED)
    checkpoint.save(path, net.state_dict(), card)
    return str(path)


def names(*systems: str) -> list[str]:
    return [f"{system.name}/{name}" for system, name, _ in chosen(systems, ego=False)]


@pytest.mark.parametrize("order", [(AFAR, POSE), (POSE, AFAR)])
def test_the_first_named_comes_first_and_both_before_what_builds_on_them(
    order: tuple[str, str],
) -> None:
    assert names("gaze_following", *order)[:2] == list(order)
    assert names(order[0], "gaze_following", order[1])[:2] == list(order)
    assert names("gaze_following")[0] == "gaze_3d/rendered"


def test_without_weights_it_says_how_to_get_them() -> None:
    with pytest.raises(UsageError, match="eyeline import gaze_3d"):
        Settings(systems=(AFAR,))


def test_both_answer_one_video_and_are_compared(weights: str, tmp_path: Path) -> None:
    from eyeline import sample

    chosen_: dict[str, Any] = {
        "systems": (AFAR, POSE, "gaze_following"), "weights": (weights,), "rate_hz": 0.5,
        "video": False,
    }  # fmt: skip
    written = analyze(sample.path(), tmp_path, **chosen_)
    known = [(a.builder, a.name) for a in written.of(Directions)]
    assert known == [
        ("gaze_from_afar", "gaze"), ("gaze_from_afar", "head"), ("gaze_from_afar", "body"),
        ("head_pose", "gaze"), ("head_pose", "head"),
    ]  # fmt: skip
    assert written.directions("gaze").builder == "gaze_from_afar"
    compared = {(d.name, d.first, d.second) for d in differences(written)}
    assert compared == {("gaze", AFAR, POSE), ("head", AFAR, POSE)}
    page = (tmp_path / sample.path().stem / "report.html").read_text(encoding="utf-8")
    assert "Where methods differ" in page and "concentrations uncalibrated" in page
    again = load_analysis(tmp_path / sample.path().stem)
    assert Timeline(again).at(0).cone_rad is not None
    alone = replace(written, answers=tuple(a for a in written.answers if a.builder != "head_pose"))
    assert not differences(alone)
