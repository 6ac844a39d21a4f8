"""Files appear whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from eyeline import files
from eyeline.errors import DataError, OutputError


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


def test_clear_takes_a_folder_and_what_was_left_of_it(tmp_path: Path) -> None:
    for name in ("a[1]", ".a[1].123.partial", ".a1.123.partial", ".a[1].json"):
        (tmp_path / name / "deep").mkdir(parents=True)
    files.clear(tmp_path / "a[1]")
    assert {p.name for p in tmp_path.iterdir()} == {".a1.123.partial", ".a[1].json"}
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match=r"file is in the way and cannot be removed"):
        files.clear(tmp_path / "file")


@pytest.mark.parametrize("tidy", [False, True])
def test_only_one_has_a_lock(tmp_path: Path, tidy: bool) -> None:
    path = tmp_path / "work" / "x.lock"
    with files.locked(path, tidy=tidy) as ours, files.locked(path, tidy=tidy) as others:
        assert (ours, others) == (True, False)
    assert path.parent.exists() is not tidy
    with files.locked(path, tidy=tidy) as again:
        assert again


def test_a_lock_is_freed_by_an_error_and_leaves_others_their_folder(tmp_path: Path) -> None:
    path = tmp_path / "work" / "x.lock"
    with pytest.raises(RuntimeError, match="boom"), files.locked(path, tidy=True):
        (path.parent / "other").touch()
        raise RuntimeError("boom")
    assert [p.name for p in path.parent.iterdir()] == ["other"]


def test_a_lock_that_is_tidied_away_meanwhile_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    path, taken = tmp_path / "work" / "x.lock", []
    acquire = filelock.FileLock.acquire

    def meddled(lock: filelock.FileLock, **options: float) -> object:
        created = acquire(lock, **options)
        taken.append(path.stat().st_ino)
        if len(taken) < 3:
            path.unlink()
        return created

    monkeypatch.setattr(filelock.FileLock, "acquire", meddled)
    with files.locked(path) as ours:
        assert ours and path.exists()
    assert len(taken) == 3


def test_a_folder_that_is_removed_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mkdir` finds it there, and then finds that it is none."""
    mkdir, tried = Path.mkdir, []

    def meddled(path: Path, *arguments: int, **options: bool) -> None:
        tried.append(path)
        if len(tried) < 3:
            raise FileExistsError(17, "File exists", str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", meddled)
    with files.locked(tmp_path / "work" / "x.lock") as ours:
        assert ours
    assert len(tried) >= 3


def test_a_lock_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="File exists"), files.locked(tmp_path / "file" / "x.lock"):
        pass
