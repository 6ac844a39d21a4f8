"""Work here or in processes beside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eyeline import processes


def who(number: int) -> tuple[int, int]:
    return number, os.getpid()


@pytest.mark.parametrize(("count", "jobs"), [(3, 1), (1, 4)])
def test_one_job_or_one_thing_stays_here_and_in_order(count: int, jobs: int) -> None:
    found = list(processes.here_or_beside(who, [(n,) for n in range(count)], jobs))
    assert found == [(n, os.getpid()) for n in range(count)]


def test_several_go_beside() -> None:
    found = dict(processes.here_or_beside(who, [(n,) for n in range(3)], 2))
    assert sorted(found) == [0, 1, 2]
    assert os.getpid() not in found.values()


def most(_: int) -> int:
    return processes.most_bytes()


def test_what_a_process_beside_has_held_is_its_own() -> None:
    held = np.ones(60_000_000)
    own = processes.most_bytes()
    assert own > held.nbytes
    theirs = list(processes.side_by_side(most, [(0,), (1,)], 2))
    assert all(0 < each < held.nbytes for each in theirs)


def test_a_script_without_a_main_part_is_told_so(tmp_path: Path) -> None:
    """Each process beside runs it again from its first line."""
    script = tmp_path / "script.py"
    script.write_text(
        "import math\nfrom eyeline import processes\nfrom eyeline.errors import EyelineError\n"
        "try:\n    print(list(processes.side_by_side(math.sqrt, [(1,), (4,)], 2)))\n"
        "except EyelineError as error:\n    print(error)\n"
    )
    beside = {**os.environ, "PYTHONPATH": str(Path(processes.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, script], env=beside, capture_output=True, text=True, timeout=120
    )
    assert "below if __name__ == '__main__'" in done.stdout.splitlines()[-1]
