"""The catalogue of results is believed only while the files that it was taken from are the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from eyeline.errors import DataError
from eyeline.export import catalogue
from eyeline.export.catalogue import CATALOGUE, Catalogue
from eyeline.export.index import read_index

INDEX = {
    "format": {"name": "eyeline analysis", "version": 1}, "status": "ok", "warnings": [],
    "video": {"path": "talk.mp4"}, "files": [], "persons": [{}, {}], "settings": {},
    "fingerprint": "first",
}  # fmt: skip


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalogue, "FEW", 2)
    for name in ("a", "day/b", "day/c", ".eyeline/d", ".e.1.partial"):
        write(tmp_path / name)
    return tmp_path


def write(folder: Path, **changed: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "analysis.json").write_text(json.dumps(INDEX | changed))


def marks(root: Path) -> dict[str, str]:
    known = Catalogue(root)
    found = {str(f.relative_to(root)): json.loads(known.brief(f)) for f in known.results()}
    known.save()
    return {name: brief["fingerprint"] for name, brief in found.items()}


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the folders whose index is opened from now on."""
    names = list[str]()

    def read(folder: Path) -> dict[str, Any]:
        names.append(folder.name)
        return read_index(folder)

    monkeypatch.setattr(catalogue, "read_index", read)
    return names


def test_no_index_is_opened_twice(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = marks(results)
    assert first == dict.fromkeys(("a", "day/b", "day/c"), "first")
    opened = reads(monkeypatch)
    assert marks(results) == first
    assert not opened


@pytest.mark.parametrize("replaced", [True, False], ids=["another file", "written into"])
def test_what_has_changed_is_read_again(
    results: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    """Although size and time of modification are those of before."""
    marks(results)
    path = results / "day" / "b" / "analysis.json"
    before = path.stat()
    if replaced:
        path.unlink()
    write(path.parent, fingerprint="other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    opened = reads(monkeypatch)
    assert marks(results)["day/b"] == "other"
    assert opened == ["b"]


def test_a_folder_whose_name_is_no_text(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = results / os.fsdecode(b"day\xe9")
    for name in (b"a", b"b\xe9", b"c"):
        write(root / os.fsdecode(name))
    first = marks(root)
    opened = reads(monkeypatch)
    assert marks(root) == first and len(first) == 3
    assert not opened and (root / CATALOGUE).is_file()


def test_results_that_go_or_come(results: Path) -> None:
    marks(results)
    (results / "a" / "analysis.json").unlink()
    write(results / "new")
    assert [*marks(results)] == ["day/b", "day/c", "new"]
    with pytest.raises(DataError, match="holds no analysis"):
        Catalogue(results).brief(results / "a")


@pytest.mark.parametrize("content", [b"", b"PAR1 is not enough", b"{}"])
def test_a_damaged_catalogue_is_written_anew(
    results: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    first = marks(results)
    (results / CATALOGUE).write_bytes(content)
    assert marks(results) == first
    opened = reads(monkeypatch)
    assert marks(results) == first
    assert not opened


def test_few_results_leave_no_file(tmp_path: Path) -> None:
    write(tmp_path / "a")
    assert [*marks(tmp_path)] == ["a"]
    assert not (tmp_path / CATALOGUE).exists()


def test_a_damaged_index_is_an_error_each_time(results: Path) -> None:
    (results / "a" / "analysis.json").write_text("{}")
    for _ in range(2):
        with pytest.raises(DataError, match="was not written by eyeline"):
            Catalogue(results).brief(results / "a")
