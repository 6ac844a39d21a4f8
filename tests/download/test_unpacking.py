"""Archives unpacked: only files, only below the folder, resumed."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from eyeline.download.unpacking import unpack
from eyeline.errors import DataError

from .test_datasets import NOISE, packed


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes]) -> Path:
    path.write_bytes(packed(members))
    return path


KINDS = pytest.mark.parametrize("make, name", [(zipped, "a.zip"), (tarred, "a.tar.gz")])


@KINDS
def test_names_and_folders(tmp_path: Path, make: object, name: str) -> None:
    members = {
        "x/coco/a/1.jpg": b"1", "./b.txt": b"2", "__MACOSX/x/._b": b"3", "coco/.DS_Store": b"4",
    }  # fmt: skip
    archive = make(tmp_path / name, members)  # type: ignore[operator]
    assert unpack(archive, tmp_path / "out", top="coco") == 2
    files = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert files == {"a/1.jpg", "b.txt"}


@KINDS
def test_what_is_there_is_kept(tmp_path: Path, make: object, name: str) -> None:
    archive = make(tmp_path / name, {"a": b"new", "b": b"newer"})  # type: ignore[operator]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(b"old")
    (tmp_path / "out/b").write_bytes(b"cut")
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/a").read_bytes() == b"old", "of that size already"
    assert (tmp_path / "out/b").read_bytes() == b"newer"


@KINDS
@pytest.mark.parametrize("member", ["../up", "/etc/x", "a/../../up", "..\\up", "c:/x"])
def test_names_that_lead_out(tmp_path: Path, make: object, name: str, member: str) -> None:
    archive = make(tmp_path / name, {member: b"bad"})  # type: ignore[operator]
    with pytest.raises(DataError, match="leads out of the folder"):
        unpack(archive, tmp_path / "out/in")
    assert not [p for p in tmp_path.rglob("*") if p.name in ("up", "x")]


def test_links_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        info = tarfile.TarInfo("a")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"1"))
    assert unpack(tmp_path / "a.tar", tmp_path / "out") == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a"]


@pytest.mark.parametrize("content", [b"", b"no archive", packed({"a": NOISE})[:-3000]])
def test_damaged_archives(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")
    assert not [*tmp_path.glob("out/*")], "nothing half written"


def test_a_damaged_member_of_a_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"12345678"})
    path.write_bytes(path.read_bytes().replace(b"12345678", b"12345679"))
    with pytest.raises(DataError, match="cannot be unpacked: Bad CRC"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out/a").exists()
