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
from types import SimpleNamespace
from typing import Any

import pytest

from eyeline import engines, jobs, on_ray, pool, processes
from eyeline.errors import UsageError
from eyeline.jobs import Outcome
from eyeline.plan import Job
from eyeline.pool import Engine
from eyeline.settings import Settings
from eyeline.systems.gaze_3d import synthesize
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
    outcome = engines._lost(processes.death("its process was killed"), LOST, SETTINGS, False)
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
    monkeypatch.setattr(engines, "finished", lambda *_: True)
    monkeypatch.setattr(processes, "_Worker", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    for engine in ("local", "ray"):
        with pool.using(Engine(engine)):
            outcomes = engines.side_by_side(planned, SETTINGS, False, 2)
            assert [o.status for o in outcomes] == ["finished before"] * 3


def test_a_fault_of_ours_is_an_outcome_with_its_traceback(tmp_path: Path) -> None:
    outcome = engines._lost(ZeroDivisionError(), Job(Path("lost.mp4"), tmp_path / "lost"))
    assert outcome.failed and "ZeroDivisionError" in outcome.message
    assert "ZeroDivisionError" in (tmp_path / ".eyeline" / "lost.log").read_text()


def test_a_cluster_that_does_not_answer_is_reported_soon(
    planned: list[Job], monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install eyeline[ray]")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    ended = eyeline("analyze", "a.mp4", "-o", "out", "--engine", "ray")
    assert ended.code == 2 and len(ended.err.strip().splitlines()) == 1
    assert f"ray cannot start or reach '{address}': [Errno" in ended.err


def test_work_ends_where_the_machine_that_it_needs_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ray itself would wait for another one for ever."""

    class OneTaskWithoutEnd:
        exceptions = SimpleNamespace(RayError=OSError)
        cancelled = 0
        resources = {"CPU": 1, "GPU": 1}  # noqa: RUF012

        def remote(self, **_: object) -> Any:
            return lambda function: SimpleNamespace(remote=lambda *arguments: "task")

        def put(self, content: object) -> object:
            return content

        def nodes(self) -> Any:
            return [{"Alive": True, "Resources": self.resources}]

        def wait(self, tasks: list[str], **_: object) -> tuple[list[str], list[str]]:
            self.resources = {"CPU": 8}
            return [], tasks

        def cancel(self, task: str) -> None:
            self.cancelled += 1

    fake = OneTaskWithoutEnd()
    monkeypatch.setattr(on_ray, "connected", lambda *_: fake)
    with pytest.raises(UsageError, match="they have: 8 CPUs and 0 GPUs"):
        list(on_ray.spread(abs, [(1,)], on_ray.Needs(1, 1)))
    assert fake.cancelled == 1


@pytest.mark.parametrize(
    "command",
    [
        ("analyze", "a.mp4"),
        ("synthesize", "ego_social"),
        ("prepare", "gaze_3d/gafa", "--source", "raw"),
    ],
)
def test_without_ray_it_says_what_to_install(
    command: tuple[str, ...],
    planned: list[Job],
    monkeypatch: pytest.MonkeyPatch,
    eyeline: Command,
) -> None:
    if command[0] == "prepare":
        synthesize.run("raw", sessions=2, test_sessions=1, cameras=1, frames=12, width_px=64)
    monkeypatch.setitem(sys.modules, "ray", None)
    ended = eyeline(*command, "-o", "out", "--engine", "ray")
    assert ended.code == 2
    assert ended.err.strip() == "eyeline: --engine ray needs ray: pip install 'eyeline[ray]'"
    assert not [path for path in Path("out").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--engine", "steam"), "'steam' is not one of 'local', 'ray'"),
        (("--task-cpus", 2), "--task-cpus is for --engine ray alone; leave it out"),
        (("--engine", "ray", "--task-cpus", -1), "--task-cpus is -1; must be"),
        (("--engine", "ray", "--task-gpus", 1.5), "--task-gpus is 1.5; must be a whole number"),
        (("--engine", "ray", "--task-gpus", "nan"), "--task-gpus is nan; must be"),
    ],
)
def test_an_engine_that_there_is_not(
    options: tuple[object, ...], message: str, eyeline: Command, planned: list[Job]
) -> None:
    ended = eyeline("analyze", "a.mp4", "-o", "out", *options)
    assert ended.code == 2
    assert message in ended.err and not Path("out").exists()
