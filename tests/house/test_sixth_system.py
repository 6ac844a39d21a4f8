"""A system in a folder of its own, anywhere on the path, needs no change elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import pytest

from eyeline import load_analysis
from eyeline.export.exporters import EXPORTERS
from tests.video.generate import Audio, Clip, write

REPOSITORY = Path(__file__).parents[2]
CARD = '''"""Who nods.

Paper: none. In: people. Out: `Scores` and `Segments` called `nodding`. Licence: own code.
"""

from pathlib import Path

import numpy as np

from eyeline.results import Label, Method, Scores, segments_from_scores
from eyeline.system import Builder, System


class Nods:
    def predict(self, scene):
        (track,) = scene.tracks
        n = len(track.frame)
        yes = Scores("nods", "all", "nodding", 0.5, track.frame, track.time_s,
                     np.full(n, track.person), np.where(np.arange(n) < n // 2, 0.9, 0.1))
        return yes, segments_from_scores(yes, track.end_s, "nod")


def score(predictions, truth, *, log=None, digits: int = 3):
    return {"nods": round(float(Path(predictions).read_text()), digits), "hidden": 1}


def method(name):
    return Method("nods", name, "nods in the first half", "not measured", "own licence")


SYSTEM = System(
    name="nods",
    published=("nodnet",),
    title="who nods",
    paper="none",
    builders={
        "all": Builder(method("all"), ("nodding",), Nods),
        "trained": Builder(method("trained"), ("nodding",), None, networks=("net",),
                           from_weights=lambda files, device: Nods()),
    },
    default=DEFAULT,
    heading="Nods of the head",
    labels={"nodding": Label("nods", claim="nods along", sign="contact", episode=True)},
    report_keys=("nods",),
    score=score,
)
'''


HAS_RERUN = find_spec("rerun") is not None


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in a folder that is also on its path."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)])}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "eyeline", *arguments)


def system(folder: Path, default: str) -> Path:
    place = folder / "eyeline" / "systems" / "nods"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(CARD.replace("DEFAULT", repr(default)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a clip of one second, with a face where the boxes say."""
    folder = system(tmp_path_factory.mktemp("place"), "all")
    clip = Clip(frames=10, rate=Fraction(10), audio=Audio(end_s=1.0, clicks_s=(0.5,)))
    write(folder / "v.mp4", clip)
    (folder / "boxes.txt").write_text("".join(f"{n},1,20,20,40,40,1\n" for n in range(1, 11)))
    options = ["--boxes", "boxes.txt", *["--rerun"] * HAS_RERUN]
    ended = run(folder, "analyze", "v.mp4", "-o", "out", "--systems", "nodnet", *options)
    assert ended.returncode == 0, ended.stderr
    return folder / "out" / "v"


def test_it_is_listed_and_its_report_is_printed(tmp_path: Path) -> None:
    folder = system(tmp_path, "all")
    listed = json.loads(run(folder, "list", "--json").stdout)
    rows = {row["builder"]: row for row in listed if row["system"] == "nods"}
    assert rows.keys() == {"all", "trained"}
    assert rows["all"]["ready"] and not rows["trained"]["ready"]
    (folder / "p.txt").write_text("0.12345")
    files = ["--predictions", "p.txt", "--truth", "p.txt"]
    ended = run(folder, "score", "nods", *files, "--set", "digits=2")
    assert json.loads(ended.stdout) == {"nods": 0.12}, ended.stderr


def test_every_exporter_writes_what_it_says(analysed: Path) -> None:
    analysis = load_analysis(analysed)
    assert analysis.segments("nodding").label == ("nod",)
    assert analysis.clock is not None and len(analysis.clock) == 10
    for name in ("segments.csv", "timeline.eaf", "timeline.TextGrid"):
        assert "nodding" in (analysed / name).read_text(encoding="utf-8"), name
    for exporter in EXPORTERS.values():
        if exporter.option in ("plain", "formats"):  # only of an anonymised analysis; by name
            continue
        for name in exporter.files if HAS_RERUN or exporter.module != "rerun" else ():
            assert (analysed / name).is_file(), name


def test_the_report_speaks_of_it_as_its_card_does(analysed: Path) -> None:
    page = (analysed / "report.html").read_text(encoding="utf-8")
    for words in ("person 1 nods along", "Nods of the head", "(nods)", "own licence"):
        assert words in page, words


def test_the_annotated_video_shows_its_sign(analysed: Path) -> None:
    program = (
        "from eyeline import load_analysis; from eyeline.export.timeline import Timeline;"
        "t = Timeline(load_analysis('out/v'));"
        "print([bool(t.at(n).contact[0]) for n in (0, 9)], 'contact' in t.at(0).legend)"
    )
    ended = python(analysed.parents[1], "-c", program)
    assert ended.stdout == "[True, False] True\n", ended.stderr


def test_a_system_whose_default_needs_weights_runs_only_where_they_are(tmp_path: Path) -> None:
    folder = system(tmp_path, "trained")
    program = (
        "from eyeline.settings import Settings;"
        "print(*(s.name for s, _, _ in Settings().builders)); Settings(systems=('nods',))"
    )
    ended = python(folder, "-c", program)
    assert "gaze_3d" in ended.stdout and "nods" not in ended.stdout
    assert "nods/trained needs weights of net" in ended.stderr
