"""The camera of Aria glasses against Project Aria's own tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.recordings.device import fisheye, read_calibrations
from tests.systems.gaze_anticipation.invented import golden


def document(kind: str = "DVT-S") -> dict[str, Any]:
    result: dict[str, Any] = json.loads(str(golden("aria_gaze")[f"{kind}/calibration"]))
    return result


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("kind", ["DVT-S", "DVT-L"])
@pytest.mark.parametrize("said", [True, False], ids=["size said", "size measured"])
def test_as_project_aria_has_it(tmp_path: Path, kind: str, said: bool) -> None:
    file, content = golden("aria_gaze"), document(kind)
    if not said:
        del content["DeviceClassInfo"]
    (result,) = read_calibrations(written(tmp_path / "c.json", content))
    place = result.project(file[f"{kind}/point"])
    wanted = file[f"{kind}/px"]
    assert result.frame.name == kind[-1] and np.isnan(wanted).any()
    assert (np.isnan(place) == np.isnan(wanted)).all()
    assert np.nanmax(np.abs(place - wanted)) <= 1e-3


def test_calibrations_through_time_for_both_sizes_of_images(tmp_path: Path) -> None:
    full = document()
    small = document()
    lens = small["CameraCalibrations"][2]["Projection"]["Params"]
    lens[0] /= 2
    lens[1:3] = [(value - 32 + 0.5) / 2 - 0.5 for value in lens[1:3]]
    small |= {"ImageSizes": [[640, 480], [640, 480], [1408, 1408]], "tracking_timestamp_us": 7}
    lines = "\n".join(json.dumps(each) for each in (full, small))
    first, second = read_calibrations(written(tmp_path / "online_calibration.jsonl", lines + "\n"))
    assert np.allclose(first.parameters, second.parameters, atol=1e-9)
    assert (first.time_us, second.time_us) == (0, 7)


def test_straight_ahead_is_the_centre() -> None:
    parameters = np.array([600.0, 700, 710, *[0.1] * 12])
    assert fisheye(np.array([[0.0, 0, 2]]), parameters).tolist() == [[700, 710]]


def test_nothing_behind_the_eyes(tmp_path: Path) -> None:
    (result,) = read_calibrations(written(tmp_path / "c.json", document()))
    assert np.isnan(result.project(np.array([[0.0, 0, -1]]))).all()


def _without(key: str) -> dict[str, Any]:
    content = document()
    del content["CameraCalibrations"][2][key]
    return content


def _no_rgb() -> dict[str, Any]:
    content = document()
    content["CameraCalibrations"] = content["CameraCalibrations"][:2]
    return content


def _other_lens() -> dict[str, Any]:
    content = document()
    content["CameraCalibrations"][2]["Projection"]["Name"] = "KannalaBrandtK3"
    return content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "c.json, calibration 1 lacks"),
        ({}, "'CameraCalibrations'"),
        (_without("Projection"), "'Projection'"),
        (_no_rgb(), "'camera-rgb'"),
        (_other_lens(), "field Projection of camera-rgb is 'KannalaBrandtK3'"),
        (document() | {"ImageSizes": [[1, 1], [1, 1], [704, 704]]}, "images of 704 pixels"),
    ],
    ids=["cut", "list", "empty", "no lens", "no camera", "another lens", "another size"],
)
def test_says_what_is_wrong(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(DataError, match=r"c\.json") as known:
        read_calibrations(written(tmp_path / "c.json", content))
    assert said in str(known.value)


def test_says_that_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*gone.json"):
        read_calibrations(tmp_path / "gone.json")
