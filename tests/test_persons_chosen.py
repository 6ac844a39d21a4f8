"""Persons instead of faces, as a user asks for them: choices, and a whole analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline import sample
from eyeline.api import analyze
from eyeline.errors import UsageError
from eyeline.settings import Settings, file_sha256
from tests.conftest import Command


@pytest.fixture
def bodies(tmp_path: Path) -> str:
    """Somebody whose face is not seen, in two of the sample's corners at once."""
    path = tmp_path / "bodies.txt"
    rows = (f"{i + 1},{k},{10 + 5 * k},20,60,200\n" for i in range(500) for k in (4, 9))
    path.write_text("".join(rows))
    return str(path)


@pytest.mark.parametrize(
    ("choice", "known"),
    [
        ({"boxes": "BODIES"}, "give --boxes or --bodies, not both"),
        ({"tracker": "iou"}, "--bodies replace detection"),
        ({"detector": "persons"}, "--bodies replace detection"),
        ({"detector_weights": "x.pth"}, "--detector-weights belong to --detector persons"),
    ],
)
def test_what_does_not_go_together(bodies: str, choice: dict[str, Any], known: str) -> None:
    choice = {name: bodies if value == "BODIES" else value for name, value in choice.items()}
    with pytest.raises(UsageError, match=known):
        Settings(bodies=bodies, **choice)


def test_a_detector_of_persons_without_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="needs weights: give --detector-weights"):
        Settings(detector="persons")


def test_settings_know_files_by_their_content(
    bodies: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Settings(bodies=bodies).to_json()
    assert known["bodies_sha256"] == file_sha256(Path(bodies))
    assert known["detector_weights_sha256"] is None
    weights = tmp_path / "people" / "ssdlite320_mobilenet_v3_large.pth"
    weights.parent.mkdir()
    weights.write_bytes(b"PK")
    monkeypatch.setenv("EYELINE_WEIGHTS", str(tmp_path))
    known = Settings(detector="persons").to_json()
    assert known["detector_weights_sha256"] == file_sha256(weights)


def test_bodies_belong_to_one_video(bodies: str, tmp_path: Path, eyeline: Command) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(sample.path().read_bytes()[:100])
    ended = eyeline(
        "analyze", tmp_path / "a.mp4", tmp_path / "b.mp4", "-o", tmp_path / "o", "--bodies", bodies
    )
    assert ended.code == 2 and "belong to one video" in ended.err


def test_every_system_runs_on_persons_whose_faces_are_not_seen(bodies: str) -> None:
    result = analyze(sample.path(), bodies=bodies, rate_hz=2.0)
    assert [p.person for p in result.persons] == [4, 9]
    assert (result.people.quality == 0).all() and len(result.people) > 8
    gaze = result.directions("gaze")
    assert (gaze.concentration < 1).all()  # nothing is claimed
    assert result.methods[0].builder == "given_bodies"
    assert np.isfinite(gaze.direction).all()
