"""Work on a Ray cluster: the results of one machine, workers that die, machines that are lost."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from eyeline import on_ray, pool
from eyeline.datasets.items import work_on
from eyeline.errors import EyelineError, UsageError
from eyeline.files import locked
from eyeline.pool import Engine
from eyeline.synthetic.heads import dataset
from eyeline.systems.gaze_3d import synthesize
from tests.clusters import NODE, cluster
from tests.conftest import Command
from tests.synthetic.heads.conftest import rendering
from tests.systems.test_evaluation_processes import anticipation, assert_alike, looks
from tests.video.generate import Audio, Clip, write

__all__ = ["cluster", "rendering"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


@pytest.fixture
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "PAUSE_S", 0.0)


def within(seconds: float, holds: Callable[[], object]) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return bool(holds())


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    files = (path for path in folder.rglob(pattern) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_prepare_writes_the_files_of_one_machine_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    synthesize.run("raw", sessions=2, test_sessions=1, cameras=1, frames=12, width_px=240, seed=4)
    command = ("prepare", "gaze_3d/gafa", "--source", "raw", "-o")
    assert eyeline(*command, "local").code == 0
    ended = eyeline(*command, "ray", "--engine", "ray", "--task-cpus", 2)
    assert ended.code == 0 and "[3/3] " in ended.err, ended.err
    ours = contents(Path("ray"), "*.jpg")
    assert ours == contents(Path("local"), "*.jpg") and ours
    times = {path: path.stat().st_mtime_ns for path in Path("ray").rglob("*.jpg")}
    again = eyeline(*command, "ray", "--engine", "ray")
    assert again.code == 0 and again.err.count(": kept") == 3, again.err
    assert times == {path: path.stat().st_mtime_ns for path in Path("ray").rglob("*.jpg")}


def test_analyze_writes_the_tables_of_one_machine_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4"):
        write(Path(name), Clip(frames=30, rate=Fraction(25), audio=Audio(end_s=1.2)))
    command = ("analyze", "a.mp4", "b.mp4", "lost.mp4", "--no-video", "--rate", 5, "-o")
    assert eyeline(*command, "local").code == 1
    ended = eyeline(*command, "ray", "--engine", "ray")
    assert ended.code == 1
    assert "2 of 3 videos done, 1 failed" in ended.out
    assert "lost.mp4" in ended.err and len(ended.err.strip().splitlines()) == 1
    ours = contents(Path("ray"), "*.parquet")
    assert ours == contents(Path("local"), "*.parquet") and len(ours) == 12
    assert eyeline(*command, "ray", "--engine", "ray").out.count("finished before") == 2


def test_heads_are_those_of_one_machine(tmp_path: Path, rendering: None, eyeline: Command) -> None:
    command = ("synthesize", "heads", "--seed", 7, "--count", 3, "-o")
    assert eyeline(*command, tmp_path / "local").code == 0
    ended = eyeline(*command, tmp_path / "ray", "--engine", "ray")
    assert "[1/1] heads-00000.arrow: rendered" in ended.err
    local, far = (dataset.shard_path(tmp_path / name, 0) for name in ("local", "ray"))
    assert far.read_bytes() == local.read_bytes()
    assert "1 of 1 shards are there" in eyeline(*command, tmp_path / "ray", "--engine", "ray").err


@pytest.mark.usefixtures("_no_pause")
def test_work_whose_worker_dies_is_begun_anew_and_the_rest_goes_on(tmp_path: Path) -> None:
    def work(number: int) -> int:
        tries = tmp_path / str(number)
        first = not tries.exists()
        with tries.open("a") as file:
            file.write("x")
        if number == 1 or (number == 2 and first):
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    errors: list[Exception] = []

    def lost(error: Exception, number: int) -> int:
        errors.append(error)
        return -number

    numbers = [(n,) for n in range(4)]
    with pool.using(Engine("ray")):
        assert sorted(pool.spread(work, numbers, lost=lost)) == [-1, 0, 2, 3]
        assert {p.name: len(p.read_text()) for p in tmp_path.iterdir()} == {
            "0": 1, "1": 3, "2": 2, "3": 1,
        }  # fmt: skip
        assert "died 3 times (WorkerCrashedError)" in str(errors[0])
        with pytest.raises(EyelineError, match="died 3 times"):
            list(pool.spread(work, [(1,)]))


def test_an_error_comes_back_as_it_was_raised(tmp_path: Path) -> None:
    def work(number: int) -> int:
        if number:
            raise UsageError("number is 1; must be 0")
        return {"something": 0}["nothing"]

    with pool.using(Engine("ray")):
        with pytest.raises(UsageError, match=r"^number is 1; must be 0$"):
            list(pool.spread(work, [(1,)]))
        with pytest.raises(KeyError) as caught:
            list(pool.spread(work, [(0,)]))
        assert "in work" in caught.value.__notes__[0]
        with pytest.raises(Exception, match="pickle"):
            list(pool.spread(threading.Lock, [()]))


def test_a_machine_without_our_files_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "not" / "shared")
    with pool.using(Engine("ray")), pytest.raises(EyelineError, match="files that all machines"):
        list(pool.spread(abs, [(1,)]))


def test_who_stops_waiting_stops_the_tasks_which_clean_up(tmp_path: Path) -> None:
    def work(number: int) -> int:
        if number:
            try:
                (tmp_path / "begun").touch()
                for _ in range(6000):  # a single long sleep would not notice
                    time.sleep(0.01)
            finally:
                (tmp_path / "cleaned").touch()
        return number

    start = time.monotonic()
    with pool.using(Engine("ray")):
        outcomes: Any = pool.spread(work, [(1,), (0,)])
        assert next(outcomes) == 0
        assert within(20, (tmp_path / "begun").exists)
        outcomes.close()
    assert (tmp_path / "cleaned").exists()
    assert time.monotonic() - start < on_ray.STOP_S


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("--task-cpus", 64), "asks for 64 CPUs and 0 GPUs"),
        (("--task-gpus", 0.5), "asks for 1 CPUs and 0.5 GPUs"),
    ],
)
def test_more_than_any_machine_has_is_an_error_at_once(
    asked: tuple[object, ...], message: str, tmp_path: Path, eyeline: Command
) -> None:
    command = ("synthesize", "ego_social", "-o", tmp_path / "out", "--engine", "ray")
    ended = eyeline(*command, *asked)
    assert ended.code == 2
    assert message in ended.err and "they have: 2 CPUs and 0 GPUs" in ended.err


def test_a_lost_machine_costs_time_alone(tmp_path: Path, cluster: Any) -> None:
    """What it had begun is done elsewhere, its locks notwithstanding; nothing is done twice."""
    from ray import get_runtime_context

    second = cluster.add_node(num_cpus=2, **NODE)
    cluster.wait_for_nodes()
    lost = second.node_id

    def work(number: int) -> str:
        with locked(tmp_path / f"{number}.lock") as ours:
            if not ours:
                return f"{number} busy"
            if get_runtime_context().get_node_id() == lost:
                (tmp_path / f"{number}.begun").touch()
                time.sleep(600)
            within(60, lambda: list(tmp_path.glob("*.begun")))
            with (tmp_path / f"{number}.done").open("a") as file:
                file.write("x")
            return f"{number} done"

    def lose() -> None:
        if within(60, lambda: list(tmp_path.glob("*.begun"))):
            cluster.remove_node(second, allow_graceful=False)

    thread = threading.Thread(target=lose)
    thread.start()
    log: list[str] = []
    with pool.using(Engine("ray")):
        results = list(work_on(work, [(n,) for n in range(6)], log.append, str))
    thread.join()
    assert list(tmp_path.glob("*.begun")), "the machine was at work when it was lost"
    assert sorted(results) == [f"{n} done" for n in range(6)]
    assert {path.read_text() for path in tmp_path.glob("*.done")} == {"x"}
    assert [line.partition(" ")[0] for line in log] == [f"[{n}/6]" for n in range(1, 7)]


@pytest.mark.parametrize("case", [looks, anticipation])
def test_evaluate_gives_the_figures_of_one_process(
    case: Callable[[Path], list[object]], tmp_path: Path, eyeline: Command
) -> None:
    arguments = case(tmp_path)
    one = eyeline("evaluate", *arguments, "-o", tmp_path / "one")
    ray = eyeline("evaluate", *arguments, "-o", tmp_path / "ray", "--engine", "ray")
    assert (one.code, ray.code) == (0, 0), ray.err
    reports = [
        json.loads((tmp_path / n / "report.json").read_text("utf-8")) for n in ("one", "ray")
    ]
    assert_alike(reports[1], reports[0])
    tables = [contents(tmp_path / name, "*.csv") for name in ("one", "ray")]
    assert tables[0].keys() == tables[1].keys()
