"""Exports follow the corrections, the computed ones stay; `analyze` keeps and follows both."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pympi
import pytest

from eyeline import corrections, jobs
from eyeline.corrections import footage
from eyeline.errors import DataError, OutputError
from eyeline.export.catalogue import Catalogue
from eyeline.export.index import foreign_files
from eyeline.export.stored import load
from eyeline.files import locked, sha256
from eyeline.people.portraits import cut_thumbnail
from eyeline.plan import Job
from eyeline.results import Analysis
from eyeline.settings import Settings
from eyeline.video.reader import VideoReader
from eyeline.viewer.recordings import recordings
from eyeline.viewer.results import details
from tests.conftest import Command
from tests.corrections.conftest import NAME, put
from tests.export.conftest import build
from tests.video.generate import Clip, write

MERGE = {"kind": "merge_people", "people": [2, 3], "into": 2}
AREA = {
    "kind": "area", "name": "toy <b>", "shape": "box",
    "keyframes": [
        {"time_s": 1.0, "points": [[700.0, 200.0], [1279.0, 500.0]]},
        {"time_s": 3.0, "points": [[600.0, 200.0], [1179.0, 500.0]]},
    ],
}  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """Of all computed files."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_all_exports_follow_and_what_was_computed_stays(folder: Path) -> None:
    before = contents(folder)
    split = {"kind": "split_person", "person": 2, "at_s": 2.0}
    again = {"kind": "merge_people", "people": [2, 4], "into": 2}
    for one in (
        NAME,
        MERGE,
        split,
        again,
        AREA,
        {"kind": "not_codable", "from_s": 3.0, "to_s": 3.5},
    ):
        corrections.append(folder, one)
    assert not corrections.is_current(folder)
    result = corrections.rewrite(folder)
    assert result is not None
    assert corrections.is_current(folder)
    after = contents(folder)
    assert {k: after[k] for k in before} == before
    written = folder / "corrected"
    for name in ("people", "scores", "directions", "points", "segments"):
        table = pq.read_table(written / f"{name}.parquet")
        assert set(table["source"].to_pylist()) == {"computed", "corrected"}, name
        assert set(table["person_label"].to_pylist()) == {"mother", "person 2"}, name
        rows = pa_csv.read_csv(written / f"{name}.csv")
        assert rows["source"].to_pylist() == table["source"].to_pylist()
    tiers = pympi.Elan.Eaf(str(written / "timeline.eaf")).get_tier_names()
    assert {"mother gaze_target", "person 2 eye_contact"} <= set(tiers)
    assert not any("person 3" in t or "person 1" in t for t in tiers)
    page = (written / "report.html").read_text()
    assert "mother" in page
    assert 'href="corrected.json"' in page
    assert 'href="analysis.json"' not in page and "This page shows what was computed" not in page
    assert "person 3" not in page
    assert "toy <b>" not in page
    assert "follow 6 corrections" in page
    assert "mother" in (written / "timeline.rttm").read_text() or "mother" in repr(tiers)
    areas = pq.read_table(written / "areas.parquet")
    held = [r["time_s"] for r in areas.to_pylist() if np.isfinite(r["x1_px"])]
    assert (min(held), max(held)) == (1.0, 3.0)
    assert foreign_files(folder) == []


def test_corrected_results_load_as_they_were_written(folder: Path) -> None:
    corrections.append(folder, MERGE)
    written = corrections.rewrite(folder)
    again = corrections.load_corrected(folder)
    assert written is not None
    for one, other in zip(written.answers, again.answers, strict=True):
        np.testing.assert_array_equal(one.person, other.person)
    assert load(folder).corrected is None


def test_undoing_all_removes_the_corrected_exports(folder: Path) -> None:
    corrections.append(folder, NAME)
    corrections.rewrite(folder)
    corrections.undo(folder)
    assert corrections.rewrite(folder) is None
    assert not (folder / "corrected").exists()
    assert corrections.is_current(folder)
    assert corrections.read(folder).revision == 2


def test_what_others_put_into_the_corrected_folder_is_not_lost(folder: Path) -> None:
    corrections.append(folder, NAME)
    corrections.rewrite(folder)
    note = folder / "corrected" / "note.txt"
    note.write_text("mine")
    with pytest.raises(OutputError, match=r"corrected/note\.txt"):
        corrections.rewrite(folder)
    with pytest.raises(OutputError, match=r"note\.txt"):
        jobs.refuse_to_replace(folder)
    assert note.read_text() == "mine"


@pytest.mark.parametrize("settings", [{}, {"anonymise": "faces"}])
def test_people_split_off_have_images_of_their_own(
    tmp_path: Path, computed: Analysis, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write(tmp_path / "v.mp4", Clip(frames=100, rate=Fraction(25), size_wh=(1280, 720)))
    analysis = replace(computed, settings=computed.settings | settings)
    if settings:
        persons = (replace(person, thumbnail=None) for person in computed.persons)
        analysis = replace(analysis, persons=tuple(persons))
    folder = put(analysis, tmp_path / "talk")
    corrections.append(folder, {"kind": "split_person", "person": 2, "at_s": 2.0})
    result = corrections.rewrite(folder, video)
    assert result is not None
    images = {p.person: p.thumbnail for p in result.persons}
    assert set(images) == {1, 2, 3, 4}
    if settings:
        assert not any(image is not None for image in images.values())
        assert not (folder / "corrected/thumbnails").exists()
        return
    frames = json.loads((folder / "corrected/corrected.json").read_text())["images"]
    assert set(frames) == {"2", "4"} and frames["2"] < 50 <= frames["4"]
    for frame in VideoReader(video):
        if frame.index == frames["4"]:
            row = np.flatnonzero((result.people.person == 4) & (result.people.frame == frame.index))
            expected = cut_thumbnail(frame.rgb(), result.people.box_xyxy[row[0]])
            np.testing.assert_array_equal(images[4], expected)
    monkeypatch.setattr(footage, "cut_images", None)  # the same ones are not cut again
    corrections.append(folder, NAME)
    again = corrections.load_corrected(folder)
    np.testing.assert_array_equal(again.persons[3].thumbnail, images[4])
    assert corrections.rewrite(folder) is not None
    assert (folder / "corrected/thumbnails/person_4.png").is_file()
    page = details(recordings(Catalogue(folder))[0])
    assert page["persons"][3]["thumbnail"] == "corrected/thumbnails/person_4.png"


KILLED = """
import os, signal, sys
from eyeline.corrections import rewrite
module = sys.modules["eyeline.corrections.rewrite"]
module._export = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
rewrite(sys.argv[1])
"""


def test_what_a_killed_process_left_is_removed_and_nothing_else(folder: Path) -> None:
    corrections.append(folder, NAME)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    work = folder.parent / ".eyeline"
    assert ended.returncode == -signal.SIGKILL and any(work.glob("talk.corrected.*"))
    (work / "talk.corrected.77.lock").touch()
    (work / "talk.corrected.88.old").mkdir()
    for name in ("talk.corrected.1", "other.corrected.2"):
        (work / name).mkdir()
    with locked(work / "talk.corrected.1.lock"):
        corrections.rewrite(folder)
        left = {path.name for path in work.iterdir()}
        assert left == {"talk.corrected.1", "talk.corrected.1.lock", "other.corrected.2"}
    assert corrections.is_current(folder)
    shutil.rmtree(work / "other.corrected.2")
    corrections.rewrite(folder)
    assert not work.exists()


def test_two_at_once_in_one_process_are_not_in_each_others_way(folder: Path) -> None:
    corrections.append(folder, NAME)
    with ThreadPoolExecutor(3) as pool:
        for _ in pool.map(corrections.rewrite, [folder] * 3):
            assert corrections.is_current(folder)
    assert not (folder.parent / ".eyeline").exists()


def test_a_damaged_file_leaves_the_computed_results_usable(folder: Path) -> None:
    (folder / "corrections.json").write_text("{")
    with pytest.raises(DataError, match="computed results are whole"):
        corrections.rewrite(folder)
    assert load(folder).persons
    assert not (folder / "corrected").exists()


def test_operations_that_no_longer_fit_are_kept_and_named(folder: Path, tmp_path: Path) -> None:
    corrections.append(folder, MERGE)
    corrections.append(folder, NAME)
    fewer = put(build(persons=2, frames=50), tmp_path / "again")
    (fewer / "corrections.json").write_bytes((folder / "corrections.json").read_bytes())
    result = corrections.rewrite(fewer)
    assert result is not None and result.corrected is not None
    assert result.corrected.unapplied == ((1, "there is no person 3; there are: 1, 2"),)
    assert "correction 1 (merge people) is kept" in (fewer / "corrected/report.html").read_text()
    index = json.loads((fewer / "corrected/corrected.json").read_text())
    assert index["corrections"]["unapplied"][0]["entry"] == 1
    assert corrections.read(fewer).revision == 2


def test_an_original_is_looked_for_and_checked(folder: Path, tmp_path: Path) -> None:
    assert corrections.original(folder) is None
    (tmp_path / "talk.mp4").write_bytes(b"video")
    assert corrections.original(folder) == tmp_path / "talk.mp4"
    with pytest.raises(DataError, match="no such file"):
        corrections.original(folder, tmp_path / "other.mp4")


@pytest.fixture
def job(tmp_path: Path, computed: Analysis, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A video whose analysis is quick, and its folder."""
    monkeypatch.setattr(jobs, "analyze_video", lambda *_: computed)
    video = write(tmp_path / "v.mp4", Clip(frames=3, rate=Fraction(25)))
    result = Job(video, tmp_path / "out" / "v")
    jobs.analyze_into(video, result.folder, Settings(video=False))
    return result


def test_analyze_again_keeps_and_follows_corrections(job: Job) -> None:
    settings = Settings(video=False)
    assert jobs.finished(job, settings)
    corrections.append(job.folder, NAME)
    corrections.append(job.folder, MERGE)
    assert not jobs.finished(job, settings)
    outcome = jobs.analyze_into(job.video, job.folder, settings)
    assert outcome.status == "finished before"
    assert "2 corrections followed" in outcome.message
    assert jobs.finished(job, settings)


@pytest.mark.parametrize("persons", [3, 2])
def test_a_renewed_analysis_keeps_corrections_and_names_those_that_do_not_fit(
    job: Job, persons: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrections.append(job.folder, NAME)
    corrections.append(job.folder, MERGE)
    corrections.rewrite(job.folder)
    kept = (job.folder / "corrections.json").read_bytes()
    renewed = build(persons=persons, frames=60)
    monkeypatch.setattr(jobs, "analyze_video", lambda *_: renewed)
    outcome = jobs.analyze_into(job.video, job.folder, Settings(video=False, rate_hz=5), again=True)
    assert (job.folder / "corrections.json").read_bytes() == kept
    assert ("correction 2 (merge people) is kept" in outcome.message) is (persons == 2)
    table = pq.read_table(job.folder / "corrected" / "people.parquet")
    assert len(table) == (180 - 60 if persons == 3 else 120)
    assert "mother" in table["person_label"].to_pylist()
    assert foreign_files(job.folder) == []


def test_a_correction_made_while_a_video_is_analysed_is_not_lost(
    job: Job, computed: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object) -> Analysis:
        corrections.append(job.folder, NAME)
        return computed

    monkeypatch.setattr(jobs, "analyze_video", meanwhile)
    jobs.analyze_into(job.video, job.folder, Settings(video=False, rate_hz=5), again=True)
    assert corrections.read(job.folder).revision == 1


def test_damaged_corrections_do_not_fail_the_video(job: Job) -> None:
    (job.folder / "corrections.json").write_text("{")
    outcome = jobs.analyze_into(job.video, job.folder, Settings(video=False))
    assert outcome.status == "finished before"
    assert "corrections are kept, and were not followed" in outcome.message
    assert (job.folder / "corrections.json").read_text() == "{"


def test_commands(folder: Path, eyeline: Command, tmp_path: Path) -> None:
    (tmp_path / "areas.csv").write_text(
        'name,shape,between,time_s,corners_px\ntable,box,interpolate,0,"0,500 1279,719"\n'
    )
    (tmp_path / "areas.json").write_text(
        json.dumps({"areas": [{k: v for k, v in AREA.items() if k != "kind"}]})
    )
    steps: list[tuple[object, ...]] = [
        ("name", 1, "mother"), ("name", 3, "child"), ("split", "child", 2.0),
        ("merge", "child", 4), ("add", "gaze_target", "mother", "camera", 0.2, 0.8),
        ("split-episode", "gaze_target", "mother", "camera", 0.2, 0.8, 0.5),
        ("change", "gaze_target", "mother", "camera", 0.2, 0.5, "--value", "child"),
        ("delete", "gaze_target", 1, "camera", 0.5, 0.8), ("undo",), ("redo",), ("undo", 1),
        ("redo", 1), ("not-codable", 3.0, 3.5, "--tier", "eye_contact", "--person", "child"),
        ("delete-face", 2, "--from", 3.5), ("areas", tmp_path / "areas.csv"),
        ("areas", tmp_path / "areas.json"), ("delete-area", "table"),
    ]  # fmt: skip
    for step in steps:
        ended = eyeline("correct", "--who", "ann", "--no-write", folder, *step)
        assert (ended.code, ended.err) == (0, ""), (step, ended.err)
    listed = eyeline("correct", folder, "list")
    assert listed.code == 0
    assert "revision 17" in listed.out
    assert "ann  name person  person 1, name mother" in listed.out
    episodes = eyeline("correct", folder, "episodes", "--tier", "gaze_target").out
    assert "gaze_target  mother  'child'  0.200 0.500  corrected" in episodes
    ended = eyeline("correct", folder, "write")
    assert (ended.code, ended.err) == (0, "")
    assert "toy <b>" in (folder / "corrected/areas.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("name", 9, "x"), 1, "there is no person 9"),
        (("name", "nobody", "x"), 2, "'nobody' is no person"),
        (("add", "gaze_target", 1, "toy", 0, 1), 1, "'toy' is no target"),
        (("undo",), 2, "no correction to undo"),
        (("undo", 3), 1, "entry 3 is no operation"),
        (("areas", "none.csv"), 1, "cannot read none.csv"),
        (("write", "--annotated"), 0, ""),
    ],
)
def test_wrong_commands_say_one_thing(
    folder: Path, eyeline: Command, arguments: tuple[object, ...], code: int, says: str
) -> None:
    ended = eyeline("correct", folder, *arguments)
    assert (ended.code, says in ended.err, ended.err.count("\n")) == (code, True, bool(says))
    assert not (folder / "corrections.json").exists()


def test_a_stale_revision_is_refused(folder: Path, eyeline: Command) -> None:
    corrections.append(folder, NAME)
    ended = eyeline("correct", "--revision", 0, "--no-write", folder, "name", 1, "x")
    assert ended.code == 1
    assert "was changed meanwhile" in ended.err


def test_a_folder_of_old_tables_is_taken(computed: Analysis, tmp_path: Path) -> None:
    """Tables of before 0.2 have no column `source`."""
    folder = put(computed, tmp_path / "old")
    index = json.loads((folder / "analysis.json").read_text())
    for entry in index["files"]:
        path = folder / entry["name"]
        if path.suffix == ".parquet" and path.stem != "frames":
            pq.write_table(pq.read_table(path).drop_columns(["source"]), path)
        entry |= {"bytes": path.stat().st_size, "sha256": sha256(path)}
    (folder / "analysis.json").write_text(json.dumps(index))
    corrections.append(folder, MERGE)
    assert corrections.rewrite(folder) is not None
