"""The whole chain on real clips, with the real gaze network but deterministic random weights."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from eyeline.systems.eye_contact.discovery.gaze_points import read_fixations
from eyeline.systems.eye_contact.prepare import run
from eyeline.systems.eye_contact.tracklets import read_tracklet
from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50
from eyeline.training.checkpoint import CheckpointCard, save
from tests.systems.eye_contact.xgaze.invented import filled

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from eyeline.systems.eye_contact.prepare import run
source, out, weights, jobs = sys.argv[1:]
if __name__ == "__main__":
    run(source, out, weights={"xgaze_resnet50": weights}, jobs=int(jobs), seconds=(1, 60),
        points=(10, 30000),
        save_last=True)
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "gaze.safetensors"
    card = CheckpointCard("eye_contact", "xgaze_resnet50", {})
    save(path, filled(xgaze_resnet50()).state_dict(), card)
    return path


@pytest.fixture(scope="module")
def source(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of 7 s in which one person is always in view."""
    root = tmp_path_factory.mktemp("source")
    for number, name in enumerate(("two_girls_drawings", "father_daughter_toy")):
        folder = root / f"id0000{number}"
        folder.mkdir()
        shutil.copy(shared / "media" / f"{name}.mp4", folder / f"{name}.mp4")
    return root


@pytest.fixture(scope="module")
def once(source: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("once")
    summary = run(
        source,
        out,
        weights={"xgaze_resnet50": weights},
        seconds=(1, 60),
        points=(10, 30000),
        save_last=True,
    )
    assert {outcome.status for outcome in summary.outcomes} == {"done"}
    return out


def contents(root: Path) -> dict[str, bytes]:
    """All files but the reports, which also tell what was kept."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith("_report.json")
    }


def test_one_person_is_followed_through_each_clip(once: Path) -> None:
    for folder in once.glob("*/tracklets/*"):
        record = json.loads((folder / "prepared.json").read_text())
        assert record["gaze_points"] > 0.9 * record["frames"]
        assert record["faces_embedded"] < record["frames"]
        files = sorted(folder.glob("[0-9]*.npz"))
        assert files and len(files) == record["tracklets"]
        tracklet = read_tracklet(files[0])
        assert tracklet.feature is not None and tracklet.feature.shape[1] == 2048
        assert (tracklet.feature >= 0).all() and tracklet.feature.std() > 0
        points = read_fixations(folder / "fixations.csv")
        radius = np.hypot(points.cylinder_mm[:, 0], points.cylinder_mm[:, 2])
        np.testing.assert_allclose(radius[radius > 0], 1000, atol=1e-6)
        assert (radius > 0).mean() > 0.9


def test_several_processes_come_to_the_same(
    source: Path, weights: Path, once: Path, tmp_path: Path
) -> None:
    """A killed run leaves nothing that looks finished, and the next one ends as if unbroken."""
    command = [sys.executable, "-c", PROGRAM, str(source), str(tmp_path / "out"), str(weights)]
    begun = subprocess.Popen([*command, "1"], start_new_session=True)
    place = tmp_path / "out" / ".eyeline"
    deadline = time.monotonic() + 120
    while not list(place.glob("*/")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    os.killpg(begun.pid, signal.SIGKILL)
    begun.wait()
    assert list(place.iterdir()), "it was killed too late"
    assert not list((tmp_path / "out").glob("*/tracklets/*"))
    run(
        source, tmp_path / "out", weights={"xgaze_resnet50": weights}, seconds=(1, 60),
        points=(10, 30000), save_last=True, jobs=2,
    )  # fmt: skip
    result, expected = contents(tmp_path / "out"), contents(once)
    assert result.keys() == expected.keys()
    for name, data in expected.items():
        if not name.endswith(".npz") and not name.endswith(".csv"):
            assert result[name] == data, name
    for path in once.glob("*/tracklets/*/*.npz"):
        mine, theirs = read_tracklet(path), read_tracklet(tmp_path / "out" / path.relative_to(once))
        np.testing.assert_array_equal(mine.box_norm, theirs.box_norm)
        assert mine.feature is not None and theirs.feature is not None
        np.testing.assert_allclose(mine.feature, theirs.feature, atol=1e-4)
