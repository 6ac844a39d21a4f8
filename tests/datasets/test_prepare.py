"""The loop that prepares data sets: outcomes, locks, log, and the report."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from filelock import FileLock

from eyeline.datasets.prepare import (
    REPORT,
    Outcome,
    SkippedError,
    Summary,
    attempt,
    check_weights,
    prepare_all,
    size_and_hash,
)
from eyeline.errors import DataError, UsageError
from eyeline.system import load_system, system_names


def work(name: str) -> Outcome:
    """Each name says what becomes of it."""

    def one() -> Outcome:
        faults: dict[str, Exception] = {
            "skip": SkippedError("too short"),
            "bad": DataError("damaged"),
            "gone": FileNotFoundError(2, "No such file or directory", "gone.mp4"),
        }
        if name in faults:
            raise faults[name]
        return Outcome(name, "done", counts={"frames": 2, "gaze_points": 3})

    return attempt(name, one)


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_has_its_outcome_and_its_line(jobs: int) -> None:
    lines: list[str] = []
    lacking = [Outcome("absent", "failed", "no video")]
    names = ["skip", "good", "bad", "gone"]
    outcomes = prepare_all(
        work, [(name,) for name in names], lines.append, jobs=jobs, before=lacking
    )
    assert {o.name: o.line for o in outcomes} == {
        "absent": "failed: no video",
        "bad": "failed: damaged",
        "gone": "failed: gone.mp4: No such file or directory",
        "good": "done, 2 frames, 3 gaze points",
        "skip": "skipped: too short",
    }
    assert [o.name for o in outcomes] == sorted([*names, "absent"])
    assert lines[0] == "[1/5] absent: failed: no video" and len(lines) == 5
    assert {line.split("] ")[1] for line in lines} == {f"{o.name}: {o.line}" for o in outcomes}


def test_what_is_no_fault_of_the_item_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt("a", lambda: Outcome("a", "done", str(1 // 0)))


def test_an_item_that_another_process_has_is_busy(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "a.lock"
    lock.parent.mkdir()
    with FileLock(lock):
        assert attempt("a", lambda: Outcome("a", "done"), lock).status == "busy"
    assert attempt("a", lambda: Outcome("a", "done"), lock, tidy=True).status == "done"
    assert not lock.parent.exists()


def test_the_report_holds_counts_reasons_and_notes(tmp_path: Path) -> None:
    outcomes = (
        Outcome("a", "done", counts={"frames": 2}, notes=("odd",)),
        Outcome("b", "kept", counts={"frames": 3}),
        Outcome("c", "failed", "damaged"),
    )
    summary = Summary.of_counts("videos", outcomes)
    summary.write(tmp_path, {"by_video": [o.row("video", flat=True) for o in outcomes]})
    report = json.loads((tmp_path / REPORT).read_text())
    assert report.pop("by_video")[0] == {
        "video": "a",
        "status": "done",
        "message": "",
        "frames": 2,
    }
    assert report == {
        "videos": {"done": 1, "kept": 1, "failed": 1},
        "frames": 5,
        "failed": {"c": "damaged"},
        "notes": {"a": ["odd"]},
    }
    assert outcomes[0].row("clip")["counts"] == {"frames": 2}


def test_both_ends_and_the_size_tell_files_apart(tmp_path: Path) -> None:
    path, size = tmp_path / "a", 1 << 18
    result = set()
    for content in (b"\0" * size, b"\1" + b"\0" * (size - 1), b"\0" * (size - 1) + b"\1", b""):
        path.write_bytes(content)
        result.add(size_and_hash(path))
    assert len(result) == 4


def test_weights_that_nothing_needs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="accepted are those of a, b"):
        check_weights({"c": tmp_path}, ("a", "b"))


def numbers() -> Iterator[tuple[str, Callable[..., Any], str]]:
    """Each bounded number that preparing or synthesizing any data set takes."""
    for name in system_names():
        system = load_system(name)
        for run in (*system.prepare.values(), *([system.synthesize] if system.synthesize else ())):
            target = inspect.unwrap(run)
            for option, hint in get_type_hints(target, include_extras=True).items():
                if get_origin(hint) is Annotated and get_args(hint)[0] in (int, float):
                    yield f"{target.__module__} {option}", run, option


TABLE = [pytest.param(run, option, id=name) for name, run, option in numbers()]


@pytest.mark.parametrize(("run", "option"), TABLE)
def test_numbers_beyond_their_bounds_are_refused_first(
    run: Callable[..., Any], option: str, tmp_path: Path
) -> None:
    places = [tmp_path / "raw", tmp_path / "out"]
    places = places if "source" in inspect.signature(run).parameters else places[1:]
    with pytest.raises(UsageError, match=f"{option} is -2; must be "):
        run(*places, **{option: -2})
    assert not list(tmp_path.iterdir())


def test_the_table_is_whole() -> None:
    assert len(TABLE) > 40
