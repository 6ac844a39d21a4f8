"""Work that processes share: every piece once, in order, and one error for all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eyeline.errors import DataError, UsageError
from eyeline.training import sharing
from eyeline.training.devices import Devices
from tests.refusals import refuses


def squares(own: range) -> Iterator[int]:
    yield from (number**2 for number in own)


def test_one_process_does_all_of_it() -> None:
    assert sharing.launched(None) is None and sharing.leads(None)
    assert sharing.place(None, "cuda:1") == "cuda:1"
    assert [*sharing.shared(None, 4, squares)] == [0, 1, 4, 9]
    fabric = Devices().fabric()
    assert [*sharing.shared(fabric, 3, squares)] == [0, 1, 4] and sharing.leads(fabric)


@pytest.mark.parametrize("count", [0, 1, 3, 6, 7])
def test_pieces_are_dealt_in_turn(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of three processes, with what the other two would have."""
    dealt: list[range] = []

    def gathered(mine: Any, world: int) -> list[Any]:
        turn = next(turns)
        others = [n**2 if n < count else None for n in range(3 * turn, 3 * turn + world)]
        assert others[1] == mine
        return others

    def work(own: range) -> Iterator[int]:
        dealt.append(own)
        return squares(own)

    turns = iter(range(10))
    monkeypatch.setattr(sharing, "_gathered", gathered)
    fabric: Any = SimpleNamespace(global_rank=1, world_size=3, is_global_zero=False)
    assert [*sharing.shared(fabric, count, work)] == [n**2 for n in range(count)]
    assert dealt == [range(1, count, 3)] and not sharing.leads(fabric)


def test_an_error_of_another_process_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_gathered", lambda mine, world: [mine, DataError("no crop")])
    fabric: Any = SimpleNamespace(global_rank=0, world_size=2, is_global_zero=True)
    result = sharing.shared(fabric, 2, squares)
    assert next(result) == 0
    with pytest.raises(DataError, match="no crop") as caught:
        next(result)
    assert caught.value.everywhere and not DataError("another").everywhere


def test_a_file_that_this_process_cannot_read_is_an_error_for_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def work(own: range) -> Iterator[str]:
        yield from ((tmp_path / "gone").read_text() for _ in own)

    monkeypatch.setattr(sharing, "_gathered", lambda mine, world: [mine, "read"])
    fabric: Any = SimpleNamespace(global_rank=0, world_size=2, is_global_zero=True)
    refuses(DataError, "gone: No such file", lambda: [*sharing.shared(fabric, 2, work)])


def test_one_of_several_devices_cannot_be_named() -> None:
    refuses(UsageError, "named by their kind alone", lambda: Devices("cpu:0", 2))


SCRIPT = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from eyeline.errors import DataError
from eyeline.training import sharing
from eyeline.training.devices import Devices

def work(own):
    for number in own:
        if number == {bad}:
            raise DataError(f"piece {{number}} is damaged")
        yield number, [float(number)] * number

fabric = sharing.launched(Devices(count=2))
try:
    said = repr([*sharing.shared(fabric, 5, work)] == [(n, [float(n)] * n) for n in range(5)])
except DataError as error:
    said = str(error)
Path({out!r}, f"{{fabric.global_rank}}").write_text(said)
sharing.end(fabric)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("bad", "said"), [(9, "True"), (3, "piece 3 is damaged")])
def test_two_processes(tmp_path: Path, bad: int, said: str) -> None:
    script, root = tmp_path / "two.py", str(Path(__file__).parents[2])
    script.write_text(SCRIPT.format(root=root, out=str(tmp_path), bad=bad), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=240
    )
    assert [(tmp_path / rank).read_text() for rank in "01"] == [said, said], done.stderr
