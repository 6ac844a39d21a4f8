"""Which folder a video gets, and that an interrupted job leaves only what is finished."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from eyeline import jobs
from eyeline.errors import OutputError, UsageError
from eyeline.jobs import WORK
from eyeline.settings import Settings
from tests.video.generate import Clip, write

SETTINGS = Settings(video=False)


def folders(inputs: list[Path], out: Path) -> dict[str, str]:
    return {
        j.video.name: j.folder.relative_to(out).as_posix()
        for j in jobs.plan([str(p) for p in inputs], out)
    }


def test_names(tmp_path: Path) -> None:
    assert folders([Path("a.mp4"), Path("b.mkv")], tmp_path) == {"a.mp4": "a", "b.mkv": "b"}


def test_the_same_stem_keeps_the_ending(tmp_path: Path) -> None:
    assert folders([Path("a.mp4"), Path("A.mkv")], tmp_path) == {"a.mp4": "a.mp4", "A.mkv": "A.mkv"}


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="share a folder"):
        folders([Path("x/a.mp4"), Path("y/a.mp4")], tmp_path)


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

    def interrupted(*_: object) -> None:
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


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_is_one_line_and_leaves_finished_videos_finished(tmp_path: Path, jobs: int) -> None:
    quick = write(tmp_path / "quick.mp4", Clip(frames=5, rate=Fraction(25)))
    long = write(tmp_path / "slow.mp4", Clip(frames=1500, rate=Fraction(25)))
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "eyeline.cli", "analyze", str(quick), str(long), "-o", str(out),
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
    os.killpg(running.pid, signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told.strip().splitlines() == [
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
