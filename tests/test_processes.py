"""Work here or in processes beside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyeline import pool, processes
from eyeline.errors import EyelineError

BESIDE = {**os.environ, "PYTHONPATH": str(Path(processes.__file__).parents[1])}


def who(number: int) -> tuple[int, int]:
    return number, os.getpid()


@pytest.mark.parametrize(("count", "jobs"), [(3, 1), (1, 4)])
def test_one_job_or_one_thing_stays_here_and_in_order(count: int, jobs: int) -> None:
    result = list(pool.parallel_map(who, [(n,) for n in range(count)], jobs))
    assert result == [(n, os.getpid()) for n in range(count)]


def test_several_go_parallel() -> None:
    result = dict(pool.parallel_map(who, [(n,) for n in range(3)], 2))
    assert sorted(result) == [0, 1, 2]
    assert os.getpid() not in result.values()


def most(_: int) -> int:
    return processes.most_bytes()


def test_what_a_process_parallel_has_held_is_its_own() -> None:
    held = np.ones(60_000_000)
    own = processes.most_bytes()
    assert own > held.nbytes
    theirs = list(processes.side_by_side(most, [(0,), (1,)], 2))
    assert all(0 < each < held.nbytes for each in theirs)


def dies(number: int, folder: Path) -> int:
    """Kills its process: number 1 each time, number 2 once."""
    tried = folder / str(number)
    first = not tried.exists()
    with tried.open("a") as file:
        file.write("x")
    if number == 1 or (number == 2 and first):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_what_a_process_died_of_is_begun_anew_and_the_rest_goes_on(tmp_path: Path) -> None:
    work = [(n, tmp_path) for n in range(5)]
    result = processes.side_by_side(dies, work, 2, lost=lambda _, number, __: -number)
    assert sorted(result) == [-1, 0, 2, 3, 4]
    tries = {path.name: len(path.read_text()) for path in tmp_path.iterdir()}
    assert tries == {"0": 1, "1": 1 + processes.RETRIES, "2": 2, "3": 1, "4": 1}


def test_without_a_result_for_it_dying_each_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EyelineError, match="died 3 times"):
        list(processes.side_by_side(dies, [(1, tmp_path), (3, tmp_path)], 2))


def fails(number: int) -> int:
    if number == 1:
        raise ZeroDivisionError("one")
    return number


def test_an_exception_comes_back_with_where_it_was_raised() -> None:
    with pytest.raises(ZeroDivisionError, match="one") as caught:
        list(processes.side_by_side(fails, [(1,), (1,)], 2))
    assert "in fails" in caught.value.__notes__[0]


def begins(number: int, folder: Path) -> int:
    (folder / str(number)).touch()
    if number:
        try:
            time.sleep(600)
        finally:
            (folder / f"cleaned {number}").touch()
    return number


def test_who_stops_waiting_stops_the_work_and_no_more_is_begun(tmp_path: Path) -> None:
    outcomes = processes.side_by_side(begins, [(n, tmp_path) for n in range(9)], 2)
    assert next(outcomes) == 0
    assert _within(60, (tmp_path / "1").exists)
    outcomes.close()  # type: ignore[attr-defined]
    names = {path.name for path in tmp_path.iterdir()}
    assert "cleaned 1" in names and "3" not in names


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom eyeline import processes\n"
        "from tests.test_processes import begins_with_pid\n"
        "if __name__ == '__main__':\n"
        "    list(processes.side_by_side(begins_with_pid, [(Path(sys.argv[1]),)] * 2, 2))\n"
    )
    out = tmp_path / "out"
    out.mkdir()
    parent = subprocess.Popen([sys.executable, script, out], env=BESIDE)
    assert _within(60, lambda: len(list(out.glob("begun *"))) == 2)
    parent.kill()
    parent.wait()
    pids = [int(path.name.split()[1]) for path in out.glob("begun *")]
    assert _within(30, lambda: not any(map(_is_running, pids)))
    assert {path.name for path in out.glob("cleaned *")} == {f"cleaned {pid}" for pid in pids}


def begins_with_pid(folder: Path) -> None:
    (folder / f"begun {os.getpid()}").touch()
    try:
        time.sleep(600)
    finally:
        (folder / f"cleaned {os.getpid()}").touch()


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()


def _is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("through", ["file", "standard input"])
def test_a_script_without_a_main_part_is_reported_so(tmp_path: Path, through: str) -> None:
    """Each process beside runs it again from its first line, or cannot read it."""
    text = (
        "import math\nfrom eyeline import processes\nfrom eyeline.errors import EyelineError\n"
        "try:\n    print(list(processes.side_by_side(math.sqrt, [(1,), (4,)], 2)))\n"
        "except EyelineError as error:\n    print(error)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(text)
    done = subprocess.run(
        [sys.executable, script if through == "file" else "-"], env=BESIDE, capture_output=True,
        text=True, timeout=120, input=text,
    )  # fmt: skip
    known = done.stdout.splitlines()[-1]
    assert known == "[1.0, 2.0]" or "below if __name__ == '__main__'" in known
    assert "memory" not in known
