"""Which folder a video gets, and that an interrupted job leaves only what is finished."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from eyeline import jobs, plan
from eyeline.engines import attempt
from eyeline.errors import OutputError, UsageError, VideoError
from eyeline.export import catalogue
from eyeline.export.catalogue import Catalogue
from eyeline.jobs import WORK
from eyeline.plan import Job
from eyeline.settings import Settings
from tests.conftest import Command
from tests.video.generate import Clip, write

SETTINGS = Settings(video=False)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short video without anybody in it."""
    return write(tmp_path_factory.mktemp("source") / "v.mp4", Clip(frames=5, rate=Fraction(25)))


@pytest.fixture(scope="module")
def analysed(source: Path) -> Path:
    """The folder of its analysis; to be copied, not changed."""
    folder = source.parent / "out" / "v"
    assert jobs.analyze_into(source, folder, SETTINGS).status == "ok"
    return folder


@pytest.fixture
def results(analysed: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(analysed, tmp_path / "out" / "v"))


def folders(inputs: list[Path], out: Path) -> dict[str, str]:
    return {
        j.video.name: j.folder.relative_to(out).as_posix()
        for j in plan.plan([str(p) for p in inputs], out)
    }


def test_names(tmp_path: Path) -> None:
    assert folders([Path("a.mp4"), Path("b.mkv")], tmp_path) == {"a.mp4": "a", "b.mkv": "b"}


def test_the_same_stem_keeps_the_ending(tmp_path: Path) -> None:
    assert folders([Path("a.mp4"), Path("A.mkv")], tmp_path) == {"a.mp4": "a.mp4", "A.mkv": "A.mkv"}


def test_a_video_called_like_another_with_its_ending_keeps_its_own(tmp_path: Path) -> None:
    names = ["a.mp4", "a.mkv", "a.mp4.mkv", "plain"]
    kept = {name: name for name in names}
    assert folders([Path(name) for name in names], tmp_path) == kept


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="share a folder"):
        folders([Path("x/a.mp4"), Path("y/a.mp4")], tmp_path)


def test_a_video_parallel_a_folder_of_its_name_keeps_the_ending(tmp_path: Path) -> None:
    for name in ("a.mp4", "a/b.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    planned = plan.plan([str(tmp_path)], tmp_path / "out")
    assert {j.name for j in planned} == {"a.mp4", "a/b"}, "no result lies within another"


def test_what_eyeline_wrote_is_never_a_video_to_analyse(results: Path, tmp_path: Path) -> None:
    for name in ("P1.mp4", "out/late.mp4", "out/v/annotated.mp4", "other/film.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    shutil.copytree(results, tmp_path / "moved" / "v")
    notes: list[str] = []

    def found(*inputs: str, out: Path = tmp_path / "out") -> set[str]:
        planned = plan.plan([str(tmp_path / i) for i in inputs], out, notes.append)
        return {str(j.video.relative_to(tmp_path)) for j in planned}

    assert found("") == {"P1.mp4", "other/film.mp4"}
    assert found("", out=tmp_path) == {"P1.mp4", "other/film.mp4", "out/late.mp4"}
    assert not notes
    assert found("*.mp4", "*/*/*.mp4") == {"P1.mp4"}
    assert "2 files are passed over, which eyeline wrote" in notes[0]
    with pytest.raises(UsageError, match=r"annotated\.mp4: written by eyeline"):
        found("out/v/annotated.mp4")


def test_endings_of_any_case_and_what_is_passed_over_is_named(tmp_path: Path) -> None:
    for name in ("a.VOB", "b.dv", "c.Mp4", "clip.braw", "notes.txt", "photo.jpg", "plain"):
        (tmp_path / name).touch()
    (tmp_path / "talk").write_bytes(b"\0\0\0\x20ftypisom")
    (tmp_path / "x.vdo").write_bytes(b"\x1a\x45\xdf\xa3 and so on")
    (tmp_path / "old.mng").write_bytes(b"RIFF\0\0\0\0AVI LIST")
    notes: list[str] = []
    result = plan.plan([str(tmp_path)], tmp_path / "out", notes.append)
    assert [j.video.name for j in result] == ["a.VOB", "b.dv", "c.Mp4"]
    assert len(notes) == 1 and "talk" in notes[0] and "x.vdo" in notes[0]
    assert "photo.jpg" not in notes[0] and "plain" not in notes[0]


def test_patterns(tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / name).touch()
    assert folders([tmp_path / "*.mp4"], tmp_path) == {"one.mp4": "one", "two.mp4": "two"}


@pytest.mark.parametrize("inside", [[], ["notes.txt"]])
def test_a_folder_without_videos(tmp_path: Path, inside: list[str]) -> None:
    for name in inside:
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match="no videos"):
        folders([tmp_path], tmp_path)


def test_a_pattern_without_a_match(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file fits"):
        folders([tmp_path / "*.mp4"], tmp_path)


def test_ctrl_c_leaves_nothing_of_the_video_in_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write(tmp_path / "v.mp4", Clip(frames=5, rate=Fraction(25)))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        jobs.analyze_into(video, tmp_path / "out" / "v", SETTINGS)
    assert list((tmp_path / "out").rglob("*")) == []


def test_rests_of_a_killed_job_are_swept_away(tmp_path: Path) -> None:
    video = write(tmp_path / "v.mp4", Clip(frames=5, rate=Fraction(25)))
    rest = tmp_path / "out" / jobs.WORK / "v" / "people.parquet"
    rest.parent.mkdir(parents=True)
    rest.write_text("half")
    (tmp_path / "out" / jobs.WORK / "v.lock").touch()
    outcome = jobs.analyze_into(video, tmp_path / "out" / "v", SETTINGS)
    assert outcome.status == "ok"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["v"]


def _hold(lock: str, held: object, done: object) -> None:
    from filelock import FileLock

    with FileLock(lock):
        held.set()  # type: ignore[attr-defined]
        done.wait(30)  # type: ignore[attr-defined]


def test_a_video_in_work_elsewhere_is_left_alone(tmp_path: Path) -> None:
    video = write(tmp_path / "v.mp4", Clip(frames=5, rate=Fraction(25)))
    work = tmp_path / "out" / jobs.WORK
    work.mkdir(parents=True)
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(str(work / "v.lock"), held, done))
    other.start()
    try:
        assert held.wait(30)
        assert (
            jobs.analyze_into(video, tmp_path / "out" / "v", SETTINGS).status == "in work elsewhere"
        )
        assert not (tmp_path / "out" / "v").exists()
    finally:
        done.set()
        other.join()


@pytest.mark.parametrize(("jobs", "kill"), [(1, os.killpg), (2, os.killpg), (2, os.kill)])
def test_ctrl_c_is_one_line_and_leaves_finished_videos_finished(
    tmp_path: Path, jobs: int, kill: Callable[[int, int], None]
) -> None:
    quick = write(tmp_path / "quick.mp4", Clip(frames=5, rate=Fraction(25)))
    long = write(tmp_path / "slow.mp4", Clip(frames=1500, rate=Fraction(25)))
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "eyeline", "analyze", str(quick), str(long), "-o", str(out),
        "--jobs", str(jobs),
    ]  # fmt: skip
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    begun = out / WORK / "slow"
    assert running.stdout is not None
    assert "quick" in running.stdout.readline()  # told, so the process in front knows of it
    for _ in range(600):
        if begun.exists():
            break
        time.sleep(0.05)
    kill(running.pid, signal.SIGINT)
    _, known = running.communicate(timeout=60)
    assert running.returncode == 130
    assert known.strip().splitlines() == [
        "eyeline: stopped; 1 of 2 videos are finished. The same command goes on from there."
    ]
    assert [p.name for p in out.iterdir()] == ["quick"]


def test_a_video_that_changed_is_not_taken_for_finished(tmp_path: Path) -> None:
    video, folder = tmp_path / "v.mp4", tmp_path / "out" / "v"
    write(video, Clip(frames=5, rate=Fraction(25)))
    assert jobs.analyze_into(video, folder, SETTINGS).status == "ok"
    write(video, Clip(frames=6, rate=Fraction(25)))
    with pytest.raises(OutputError, match="the video or the version of eyeline has changed"):
        jobs.analyze_into(video, folder, SETTINGS)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("names", [["talk"], ["a.mp4", "a.mkv"]])
def test_a_video_in_the_output_folder_is_not_replaced(
    eyeline: Command, source: Path, tmp_path: Path, names: list[str], again: bool
) -> None:
    videos = [Path(shutil.copy(source, tmp_path / name)) for name in names]
    before = source.read_bytes()
    ended = eyeline(
        "analyze", *videos, "-o", tmp_path, "--no-video", *(["--again"] if again else [])
    )
    assert ended.code == 1 and "in the way" in ended.err
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    assert all(video.read_bytes() == before for video in videos)


@pytest.mark.parametrize("command", ["demo", "analyze"])
def test_a_folder_of_the_users_is_not_replaced(
    eyeline: Command, source: Path, tmp_path: Path, command: str
) -> None:
    name, video = ("sample", ()) if command == "demo" else ("v", (source, "--again", "--no-video"))
    precious = tmp_path / "x" / name / "thesis.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("three years")
    (precious.parent / "analysis.json").write_text('{"format": "mine"}')
    ended = eyeline(command, *video, "-o", tmp_path / "x")
    assert ended.code == 1 and "in the way" in ended.err
    assert precious.read_text() == "three years"
    assert [p.name for p in (tmp_path / "x").iterdir()] == [name]


def test_results_are_replaced_where_that_is_asked_for(source: Path, results: Path) -> None:
    (results / ".DS_Store").touch()
    before = (results / "analysis.json").stat().st_ino
    assert jobs.analyze_into(source, results, SETTINGS, again=True).status == "ok"
    assert (results / "analysis.json").stat().st_ino != before
    assert [p.name for p in results.parent.iterdir()] == ["v"]


def _add(folder: Path) -> str:
    (folder / "thumbnails").mkdir(exist_ok=True)
    (folder / "thumbnails" / "notes.txt").write_text("mine")
    return "thumbnails/notes.txt"


def _correct(folder: Path) -> str:
    with (folder / "timeline.eaf").open("a") as file:
        file.write("<!-- corrected by hand -->")
    return "timeline.eaf"


def _link(folder: Path) -> str:
    moved = folder.with_name("elsewhere")
    folder.rename(moved)
    folder.symlink_to(moved)
    return "no folder"


def _add_folder(folder: Path) -> str:
    (folder / "mine").mkdir()
    return "mine"


@pytest.mark.parametrize("change", [_add, _correct, _link, _add_folder])
def test_what_is_not_as_eyeline_wrote_it_is_not_replaced(
    source: Path, results: Path, change: Callable[[Path], str]
) -> None:
    named = change(results)
    before = {p: p.lstat().st_mtime_ns for p in results.parent.rglob("*")}
    with pytest.raises(OutputError, match=named):
        jobs.analyze_into(source, results, SETTINGS, again=True)
    assert {p: p.lstat().st_mtime_ns for p in results.parent.rglob("*")} == before


def test_the_only_result_left_by_a_kill_between_the_renames_is_put_back(
    source: Path, results: Path
) -> None:
    old = results.parent / WORK / "v.old"
    old.parent.mkdir()
    results.rename(old)
    assert jobs.analyze_into(source, results, SETTINGS).status == "finished before"
    assert [p.name for p in results.parent.iterdir()] == ["v"]


def test_what_was_replaced_before_a_kill_goes_and_what_is_not_ours_stays(
    source: Path, results: Path
) -> None:
    old = results.parent / WORK / "v.old"
    shutil.copytree(results, old)
    assert jobs.analyze_into(source, results, SETTINGS).status == "finished before"
    assert not old.parent.exists()
    old.mkdir(parents=True)
    (old / "thesis.txt").write_text("three years")
    assert jobs.analyze_into(source, results, SETTINGS, again=True).status == "ok"
    assert (old / "thesis.txt").exists() and [p.name for p in old.parent.iterdir()] == ["v.old"]


@pytest.mark.parametrize("by", ["replacing", "writing", "removing"])
def test_a_video_that_changes_meanwhile_leaves_no_mixture(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    video = Path(shutil.copy(source, tmp_path / "v.mp4"))
    analysed = jobs.analyze_video

    def change(*arguments: Any) -> Any:
        if by == "replacing":
            shutil.copy(source, tmp_path / "new.mp4")
            with (tmp_path / "new.mp4").open("ab") as file:
                file.write(b"longer")
            (tmp_path / "new.mp4").replace(video)
        elif by == "writing":
            with video.open("ab") as file:
                file.write(b"longer")
        else:
            video.unlink()
            raise VideoError("gone, which explains nothing")
        return analysed(*arguments)

    monkeypatch.setattr(jobs, "analyze_video", change)
    with pytest.raises(VideoError, match="while it was analysed"):
        jobs.analyze_into(video, tmp_path / "out" / "v", SETTINGS)
    assert list((tmp_path / "out").rglob("*")) == []


def test_a_video_that_is_only_touched_meanwhile_is_the_same(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = Path(shutil.copy(source, tmp_path / "v.mp4"))
    analysed = jobs.analyze_video

    def touch(*arguments: Any) -> Any:
        os.utime(video, ns=(1, 1))
        return analysed(*arguments)

    monkeypatch.setattr(jobs, "analyze_video", touch)
    assert jobs.analyze_into(video, tmp_path / "out" / "v", SETTINGS).status == "ok"


def test_what_is_finished_is_known_without_reading_the_video(
    source: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(path: Path) -> str:
        raise AssertionError(path)

    job = Job(source, results)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "sha256", never)
        assert jobs.finished(job, SETTINGS)
    assert not jobs.finished(job, Settings(video=False, rate_hz=5))
    for spoiled in (b"{}", b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"):
        (results / "analysis.json").write_bytes(spoiled)
        assert not jobs.finished(job, SETTINGS)
        with pytest.raises(OutputError, match="in the way"):
            jobs.analyze_into(source, results, SETTINGS)


def test_a_resume_by_the_catalogue_opens_no_index(
    source: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(folder: Path) -> dict[str, object]:
        raise AssertionError(folder)

    job, known = Job(source, results, results.name), Catalogue(results.parent)
    assert job.root == results.parent
    assert jobs.finished(job, SETTINGS, known)
    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "read_index", never)
        assert jobs.finished(job, SETTINGS, known)
    (results / "corrections.json").write_text("{")
    assert not jobs.finished(job, SETTINGS, known)
    (results / "analysis.json").write_text("{}")
    assert not jobs.finished(job, SETTINGS, known)


def test_a_copy_of_the_video_is_known_by_its_content(
    source: Path, results: Path, tmp_path: Path
) -> None:
    video = Path(shutil.copy(source, tmp_path / "v.mp4"))
    os.utime(video, ns=(1, 1))
    assert not jobs.finished(Job(video, results), SETTINGS)
    assert jobs.analyze_into(video, results, SETTINGS).status == "finished before"


def _not_written(cause: OSError) -> Callable[..., None]:
    def write_annotated(*_: object) -> None:
        raise OutputError("annotated.mp4 cannot be written: because") from cause

    return write_annotated


def test_an_annotated_video_that_cannot_be_coded_loses_nothing_else(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyeline import load_analysis

    way = "eyeline.export.to_video.write_annotated"
    folder = tmp_path / "out" / "v"
    monkeypatch.setattr(way, _not_written(OSError(errno.EINVAL, "Invalid argument")))
    outcome = jobs.analyze_into(source, folder, Settings())
    assert outcome.status == "partial" and "cannot be written: because" in outcome.message
    analysis = load_analysis(folder)
    assert analysis.status == "partial" and any("annotated" in w for w in analysis.warnings)
    assert "./v.mp4" in (folder / "timeline.eaf").read_text(), "ELAN is pointed at the source"


def test_a_full_disk_fails_with_the_annotated_video_too(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = "eyeline.export.to_video.write_annotated"
    monkeypatch.setattr(way, _not_written(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OutputError, match="because"):
        jobs.analyze_into(source, tmp_path / "out" / "v", Settings())
    assert list((tmp_path / "out").rglob("*")) == []


def test_videos_of_one_name_have_speaker_files_of_their_own(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    way = "eyeline.export.rttm.write_rttm"
    monkeypatch.setattr(way, lambda analysis, folder, *, file_id: ids.append(file_id))
    for name in ("day1/v.mp4", "day2/v.mp4"):
        (tmp_path / "in" / name).parent.mkdir(parents=True)
        shutil.copy(source, tmp_path / "in" / name)
    planned = plan.plan([str(tmp_path / "in")], tmp_path / "out")
    assert [attempt(job, SETTINGS, False).status for job in planned] == ["ok", "ok"]
    assert ids == ["day1/v", "day2/v"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text on this system")
def test_names_that_are_no_text_work_everywhere(
    eyeline: Command, source: Path, tmp_path: Path
) -> None:
    from eyeline import load_analysis

    folder = tmp_path / os.fsdecode(b"\xe9t\xe9")
    folder.mkdir()
    video = Path(shutil.copy(source, folder / os.fsdecode(b"Gespr\xe4ch.mp4")))
    out = tmp_path / os.fsdecode(b"out\xe9")
    ended = eyeline("analyze", folder, "-o", out)
    assert ended.code == 0, ended.err
    results = out / os.fsdecode(b"Gespr\xe4ch")
    assert load_analysis(results).video.path == str(video)
    assert {"annotated.mp4", "people.parquet", "people.csv", "timeline.eaf"} <= {
        p.name for p in results.iterdir()
    }
    assert "finished before" in eyeline("analyze", folder, "-o", out).out
    again = eyeline("analyze", folder, "-o", out, "--no-video", "--again")
    assert again.code == 0, again.err
    assert "./Gespr%E4ch.mp4" in (results / "timeline.eaf").read_text()
    missing = eyeline("analyze", folder / os.fsdecode(b"\xe9.mp4"), "-o", out)
    assert missing.code == 1 and len(missing.err.strip().splitlines()) == 1


def test_a_video_that_may_not_be_read_is_one_line(
    eyeline: Command, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(jobs, "sha256", denied)
    ended = eyeline("analyze", source, "-o", tmp_path / "out")
    assert ended.code == 1 and "v.mp4 cannot be read: Permission denied" in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_folders_that_may_not_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    for name in ("a.mp4", "closed/b.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    scandir, notes = os.scandir, list[str]()

    def denied(path: Any) -> Any:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    result = plan.plan([str(tmp_path)], tmp_path / "out", notes.append)
    assert [j.video.name for j in result] == ["a.mp4"]
    assert len(notes) == 1 and notes[0].endswith("closed")


def test_a_fault_of_the_system_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    def denied(*_: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", "secret")

    monkeypatch.setattr(plan, "plan", denied)
    ended = eyeline("analyze", tmp_path, "-o", tmp_path / "out")
    assert ended.code == 1 and ended.err.strip() == "eyeline: secret: Permission denied"
