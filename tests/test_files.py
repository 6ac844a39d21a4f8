"""Files appear whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from eyeline import files
from eyeline.errors import OutputError


def test_replacing_puts_the_new_file_in_place_and_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "x.txt"
    files.write_bytes(path, b"one")
    files.write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["x.txt"]


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = files.write_bytes(tmp_path / "x.txt", b"old")
    with pytest.raises(RuntimeError, match="boom"), files.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError("boom")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file/x\.txt"):
        files.write_bytes(tmp_path / "file" / "x.txt", b"")


def test_sha256_is_that_of_the_whole_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    path = files.write_bytes(tmp_path / "x", data)
    assert files.sha256(path) == hashlib.sha256(data).hexdigest()
