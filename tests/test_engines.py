"""Many videos at a time: the same results by either engine, and what happens when a worker dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from eyeline import engines, jobs
from eyeline.errors import UsageError
from eyeline.jobs import Outcome
from eyeline.plan import Job
from eyeline.settings import Settings
from tests.conftest import Command
from tests.video.generate import Audio, Clip, write

SETTINGS = Settings(video=False, rate_hz=5)
LOST = Job(Path("lost.mp4"), Path("out/lost"))


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Two short videos and a missing one, named relative to the folder that we stand in."""
    monkeypatch.chdir(tmp_path)
    audio = Audio(end_s=1.2, clicks_s=(0.5,))
    for name in ("a.mp4", "b.mp4"):
        write(Path(name), Clip(frames=30, rate=Fraction(25), audio=audio))
    return [*(Job(Path(f"{n}.mp4"), Path("out") / n) for n in "ab"), LOST]


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A cluster whose workers stand in another folder than the tests."""
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install eyeline[ray]")
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        os.chdir(tmp_path_factory.mktemp("elsewhere"))
        patch.setenv("PYTHONPATH", str(before))
        with engines._cluster(2):
            os.chdir(before)
            yield ray


def log(outcomes: Iterator[Outcome]) -> dict[str, tuple[str, str]]:
    return {o.video.name: (o.folder.as_posix(), o.status) for o in outcomes}


def tables(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*.parquet")}


EXPECTED = {
    "a.mp4": ("out/a", "ok"), "b.mp4": ("out/b", "ok"), "lost.mp4": ("out/lost", "failed"),
}  # fmt: skip


def test_side_by_side(planned: list[Job]) -> None:
    assert log(engines.side_by_side(planned, SETTINGS, False, 2)) == EXPECTED
    assert len(tables(Path("out"))) == 12


def test_a_video_whose_process_is_killed_is_begun_anew(planned: list[Job]) -> None:
    def kill() -> None:
        while not Path("out/.eyeline").exists():  # until one of them is at work
            time.sleep(0.01)
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert log(engines.side_by_side(planned, SETTINGS, False, 2)) == EXPECTED
    killer.join()
    assert sorted(p.name for p in Path("out").iterdir()) == ["a", "b"]


def test_a_video_that_kills_every_process_is_named() -> None:
    outcome = engines._lost(LOST, SETTINGS, False)
    assert outcome.failed
    assert outcome.message.startswith("lost.mp4: whatever worked on it died 3 times")


def test_a_fault_that_nobody_foresaw_is_the_videos_own(
    planned: list[Job], monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    analysed = jobs.analyze_video

    def faulty(video: Path, *rest: Any) -> Any:
        if video.name == "a.mp4":
            return {}["nothing"]
        return analysed(video, *rest)

    command = ("analyze", "a.mp4", "b.mp4", "-o", "out", "--no-video", "--rate", 5)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "analyze_video", faulty)
        ended = eyeline(*command)
    log = Path("out/.eyeline/a.log")
    assert ended.code == 1
    assert "a.mp4: a fault that was not foreseen (KeyError" in ended.err and str(log) in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert "1 of 2 videos done, 1 failed" in ended.out
    assert log.read_text().startswith("Traceback") and "faulty" in log.read_text()
    assert eyeline(*command).code == 0
    assert sorted(p.name for p in Path("out").iterdir()) == ["a", "b"], "the log goes, too"


def test_what_was_done_before_needs_no_process(
    planned: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "finished", lambda job, *_: True)
    monkeypatch.setattr(engines.processes, "_Worker", None)
    for outcomes in (
        engines.side_by_side(planned, SETTINGS, False, 2),
        engines.on_ray(planned, SETTINGS, False, 2),
    ):
        assert [o.status for o in outcomes] == ["finished before"] * 3


@pytest.mark.usefixtures("ray")
def test_on_ray_everything_is_as_it_is_side_by_side(planned: list[Job]) -> None:
    assert log(engines.on_ray(planned, SETTINGS, False, 2)) == EXPECTED
    ours = tables(Path("out"))
    others = [Job(job.video, Path("again") / job.folder.name) for job in planned]
    list(engines.side_by_side(others, SETTINGS, False, 2))
    assert ours == tables(Path("again")) and len(ours) == 12
    assert log(engines.on_ray(planned[:1], SETTINGS, False, 2)) == {
        "a.mp4": ("out/a", "finished before")
    }


def test_a_machine_without_our_files_is_reported(tmp_path: Path) -> None:
    here = Path.cwd()
    outcome = engines._attempt_in(str(tmp_path / "not" / "shared"), LOST, SETTINGS, False)
    assert outcome.failed
    assert "files that all machines share" in outcome.message
    assert Path.cwd() == here


@pytest.mark.usefixtures("ray")
def test_a_video_whose_worker_dies_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die_once(folder: str, job: Job, *_: object) -> Outcome:
        if not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(job.video, job.folder, "ok")

    monkeypatch.setattr(engines, "_attempt_in", die_once)
    (outcome,) = engines.on_ray([LOST], SETTINGS, False, 1)
    assert outcome.status == "ok"
    assert (tmp_path / "died").exists()


@pytest.mark.usefixtures("ray")
def test_a_video_that_kills_every_worker_fails_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(folder: str, job: Job, *_: object) -> Outcome:
        if job.video.name == "lost.mp4":
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(job.video, job.folder, "ok")

    monkeypatch.setattr(engines, "_attempt_in", die)
    monkeypatch.setattr(engines, "RETRIES", 1)
    other = Job(Path("b.mp4"), Path("out/b"))
    outcomes = {o.video.name: o for o in engines.on_ray([LOST, other], SETTINGS, False, 2)}
    assert outcomes["b.mp4"].status == "ok"
    assert outcomes["lost.mp4"].failed
    assert outcomes["lost.mp4"].message.startswith("lost.mp4: whatever worked on it died 2 times")


@pytest.mark.usefixtures("ray")
def test_a_fault_of_ours_is_an_outcome_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> Outcome:
        raise ZeroDivisionError

    monkeypatch.setattr(engines, "_attempt_in", fault)
    job = Job(Path("lost.mp4"), tmp_path / "lost")
    (outcome,) = engines.on_ray([job], SETTINGS, False, 1)
    assert outcome.failed and "ZeroDivisionError" in outcome.message
    assert "ZeroDivisionError" in (tmp_path / ".eyeline" / "lost.log").read_text()


@pytest.mark.usefixtures("ray")
def test_who_stops_waiting_stops_the_tasks_which_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(folder: str, job: Job, *_: object) -> Outcome:
        if job.video.name == "lost.mp4":
            try:
                (tmp_path / "begun").touch()
                for _ in range(6000):  # a single long sleep would not notice
                    time.sleep(0.01)
            finally:
                (tmp_path / "cleaned").touch()
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        return Outcome(job.video, job.folder, "ok")

    monkeypatch.setattr(engines, "_attempt_in", work)
    start = time.monotonic()
    outcomes: Any = engines.on_ray([LOST, Job(Path("b.mp4"), Path("out/b"))], SETTINGS, False, 2)
    assert next(outcomes).video.name == "b.mp4"
    outcomes.close()
    assert (tmp_path / "cleaned").exists()
    assert time.monotonic() - start < engines._STOP_S


def test_a_cluster_that_does_not_answer_is_reported_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UsageError, match=f"reach '{address}'"):
        engines._connect(None, 1)


def test_without_ray_it_says_what_to_install(
    planned: list[Job], monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = eyeline("analyze", "a.mp4", "b.mp4", "-o", "out", "--engine", "ray")
    assert ended.code == 2
    assert ended.err.strip() == "eyeline: --engine ray needs ray: pip install 'eyeline[ray]'"
    assert not Path("out").exists()


def test_an_engine_that_there_is_not(eyeline: Command, planned: list[Job]) -> None:
    ended = eyeline("analyze", "a.mp4", "-o", "out", "--engine", "steam")
    assert ended.code == 2
    assert "'steam' is not one of 'local', 'ray'" in ended.err


@pytest.mark.usefixtures("ray")
def test_the_option_takes_it(eyeline: Command, planned: list[Job]) -> None:
    ended = eyeline(
        "analyze", "a.mp4", "b.mp4", "lost.mp4", "-o", "out", "--no-video", "--rate", 5,
        "--engine", "ray",
    )  # fmt: skip
    assert ended.code == 1
    assert "2 of 3 videos done, 1 failed" in ended.out
    assert "lost.mp4" in ended.err and len(ended.err.strip().splitlines()) == 1
