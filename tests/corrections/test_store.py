"""Nothing is lost: killed writes, two writers, damaged files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eyeline import corrections
from eyeline.corrections import ConflictError
from eyeline.corrections import model as models
from eyeline.errors import DataError, EyelineError, UsageError
from tests.corrections.conftest import NAME

ROOT = Path(__file__).parents[2]
APPENDS = """
import sys
from eyeline import corrections
folder, times, revision = sys.argv[1], int(sys.argv[2]), sys.argv[3]
for n in range(times):
    name = {"kind": "name_person", "person": 1, "name": f"mother {n} of {sys.argv[4]}"}
    corrections.append(folder, name, revision=int(revision) if revision else None)
"""
HANGS = """
import os, sys, time
from eyeline import corrections
def hang(number):
    print("in the middle", flush=True)
    time.sleep(60)
os.fsync = hang
corrections.append(sys.argv[1], {"kind": "name_person", "person": 1, "name": "father"})
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_undo_and_redo_are_entries_and_lose_nothing(folder: Path) -> None:
    assert corrections.read(folder).revision == 0
    corrections.append(folder, NAME, who="coder A")
    corrections.append(folder, {"kind": "split_person", "person": 2, "at_s": 1.0})
    assert [e.kind for e in corrections.undo(folder).operations] == ["name_person"]
    assert [e.kind for e in corrections.undo(folder).operations] == []
    assert corrections.redo(folder).operations[0].kind == "name_person"
    assert corrections.redo(folder).undone == []
    kept = corrections.read(folder)
    assert [e.kind for e in kept.entries][2:] == ["undo", "undo", "redo", "redo"]
    assert kept.entries[0].who == "coder A"
    assert kept.entries[0].time.endswith("Z")
    with pytest.raises(UsageError, match="no correction to redo"):
        corrections.redo(folder)


def test_a_person_of_a_split_has_a_number_that_was_never_used(folder: Path) -> None:
    split = {"kind": "split_person", "person": 2, "at_s": 1.0}
    corrections.append(folder, split)
    corrections.undo(folder)
    kept = corrections.append(folder, split)
    assert [getattr(e, "new_person", None) for e in kept.entries] == [4, None, 5]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "rename"}, "does not match any of the expected tags"),
        (NAME | {"person": 0}, "person is 0"),
        (NAME | {"person": "1"}, "valid integer"),
        (NAME | {"name": " "}, "name"),
        (NAME | {"name": "Camera"}, "already means something"),
        (NAME | {"name": "person 2"}, "already means something"),
        (NAME | {"colour": "red"}, "colour"),
        ({"kind": "merge_people", "people": [1, 1], "into": 1}, "two or more"),
        ({"kind": "merge_people", "people": [1, 2], "into": 3}, "one of them"),
        ({"kind": "not_codable", "from_s": 2.0, "to_s": 2.0}, "must be later"),
        ({"kind": "not_codable", "from_s": 0.0, "to_s": float("inf")}, "finite"),
        ({"kind": "undo", "entry": 7}, "entry 7 is no operation"),
        ({"kind": "redo", "entry": 1}, "entry 1 is not undone"),
        (
            {"kind": "area", "name": "toy", "shape": "box",
             "keyframes": [{"time_s": 0.0, "points": [[1.0, 1.0]] * 3}]},
            "two points",
        ),
        (
            {"kind": "area", "name": "toy", "shape": "box",
             "keyframes": [{"time_s": 1.0, "points": [[1.0, 1.0], [9.0, 9.0]]}] * 2},
            "must increase",
        ),
        (
            {"kind": "area", "name": "toy", "shape": "polygon",
             "keyframes": [{"time_s": 1.0, "points": [[1.0, 1.0], [9.0, 1.0], [5.0, 1.0]]}]},
            "no extent",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_not_written(
    folder: Path, entry: dict[str, Any], says: str
) -> None:
    corrections.append(folder, NAME)
    before = (folder / "corrections.json").read_bytes()
    with pytest.raises(DataError, match=says):
        corrections.append(folder, entry)
    assert (folder / "corrections.json").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"version": 1, "entries": [', "not JSON"),
        (b"\xff\xfe", "not a text in UTF-8"),
        (b"[]", "no version"),
        (b'{"version": 99, "entries": []}', "newer eyeline"),
        (b'{"version": 1, "entries": [{"id": 2, "kind": "undo", "entry": 1}]}', "has the id 2"),
        (b'{"version": 1, "entries": [{"id": 1, "kind": "exec", "entry": 1}]}', "is damaged"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_a_damaged_file_is_one_message_and_stays(folder: Path, content: bytes, says: str) -> None:
    (folder / "corrections.json").write_bytes(content)
    for attempt in (corrections.read, lambda f: corrections.append(f, NAME), corrections.undo):
        with pytest.raises(DataError, match=says) as raised:
            attempt(folder)
        assert "\n" not in str(raised.value)
        assert "left as it is" in str(raised.value)
    assert (folder / "corrections.json").read_bytes() == content


def test_an_earlier_version_is_migrated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"version": 0, "operations": [NAME | {"id": 1, "time": "2026-11-30T16:00:00Z"}]}
    monkeypatch.setattr(models, "FIRST", 0)
    monkeypatch.setattr(
        models, "MIGRATIONS", {0: lambda was: {"version": 1, "entries": was["operations"]}}
    )
    (folder / "corrections.json").write_text(json.dumps(old))
    assert corrections.read(folder).operations[0].kind == "name_person"
    corrections.append(folder, NAME | {"name": "father"})
    assert json.loads((folder / "corrections.json").read_text())["version"] == 1


def test_kill_within_a_write_leaves_the_last_saved_state(folder: Path) -> None:
    corrections.append(folder, NAME)
    before = (folder / "corrections.json").read_bytes()
    process = start(HANGS, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    assert [*folder.glob(".corrections*")]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert (folder / "corrections.json").read_bytes() == before
    assert corrections.append(folder, NAME | {"name": "mum"}).revision == 2
    assert not [*folder.glob(".corrections*")]


def test_of_two_who_write_at_once_nobody_loses_anything(folder: Path) -> None:
    writers = [start(APPENDS, folder, 5, "", who) for who in "AB"]
    assert [w.communicate()[1] for w in writers] == ["", ""]
    names = [e.name for e in corrections.read(folder).operations if e.kind == "name_person"]
    assert sorted(names) == sorted(f"mother {n} of {who}" for who in "AB" for n in range(5))


def test_of_two_who_saw_one_revision_one_is_refused(folder: Path) -> None:
    corrections.append(folder, NAME)
    writers = [start(APPENDS, folder, 1, 1, who) for who in "AB"]
    errors = [w.communicate()[1] for w in writers]
    assert sorted(bool(e) for e in errors) == [False, True]
    assert "ConflictError" in "".join(errors)
    assert corrections.read(folder).revision == 2
    with pytest.raises(ConflictError, match="changed meanwhile"):
        corrections.append(folder, NAME, revision=1)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EyelineError, match="not the folder of an analysis"):
        corrections.append(tmp_path, NAME)
    assert not [*tmp_path.iterdir()]
