"""Archives of data sets in parts, from a server on this machine."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from eyeline.download import datasets, table
from eyeline.download.datasets import Archive, DataSet
from eyeline.errors import DataError, OutputError, UsageError
from tests.conftest import Command

from .conftest import Reply, Server

PARTS = (b"first" * 900, b"second" * 700, b"third" * 10)
WHOLE = b"".join(PARTS)
NAME = "talks/all"


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def use(monkeypatch: pytest.MonkeyPatch, whole: bytes = WHOLE, gb: float = 1e-5) -> None:
    """A small data set in the table's place."""
    parts = [{"gb": gb, "md5": md5(data), "gdrive": str(i)} for i, data in enumerate(PARTS)]
    archives = {
        "all": {"file": "all.tar.gz", "gb": gb, "md5": md5(whole), "parts": parts},
        "one": {"file": "one.tar.gz", "gb": gb, "md5": md5(PARTS[0]), "gdrive": "0"},
    }
    row = DataSet.model_validate(
        {"licence": "CC0", "paper": "Talks, 2026", "then": "unpack it", "archives": archives}
    )
    monkeypatch.setattr(datasets, "datasets", lambda: {"talks": row})


@pytest.fixture
def drive(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Google Drive with the parts; the server replies by path, so that each has one."""
    use(monkeypatch)
    monkeypatch.setattr(datasets, "drive_url", lambda key: f"{server.address}/{key}")
    for i, data in enumerate(PARTS):
        server.set(f"/{i}", Reply(data))
    return server


def test_the_table_is_that_of_the_authors(shared: Path) -> None:
    import yaml

    text = (shared / "reference/downloads.yaml").read_text(encoding="utf-8")
    theirs = {row["name"]: row for row in yaml.safe_load(text)["gafa"]["data"]}
    for name, archive in datasets.datasets()["gafa"].archives.items():
        assert (archive.gb, archive.md5) == (theirs[name]["gb"], theirs[name]["md5"])
        assert not archive.parts or abs(sum(p.gb for p in archive.parts) - archive.gb) < 2
        names = [f"{name}.tar.gz.{i:02}" for i in range(len(archive.parts))] or [name]
        for key, piece in zip(names, archive.pieces(), strict=True):
            assert (piece.gb, piece.md5) == (theirs[key]["gb"], theirs[key]["md5"])
            assert piece.gdrive == theirs[key]["gdrive"]


def test_the_published_archive_is_the_one_that_is_known() -> None:
    archive = datasets.archive_of("gafa/preprocessed")[1]
    assert archive.md5 == "85b64a64c7f8c367bf0d3cffbaf3d693"
    assert table.drive_url(archive.pieces()[0].gdrive).endswith("&export=download&confirm=t")


@pytest.mark.parametrize("name, whole", [(NAME, WHOLE), ("talks/one", PARTS[0])])
def test_an_archive_comes_whole(drive: Server, tmp_path: Path, name: str, whole: bytes) -> None:
    lines: list[str] = []
    path = datasets.get(name, tmp_path / "out", log=lines.append)
    assert path.read_bytes() == whole and [p.name for p in path.parent.iterdir()] == [path.name]
    assert lines[-1] == f"{name}: unpack it"
    asked = len(drive.asked)
    datasets.get(name, tmp_path / "out")
    assert len(drive.asked) == asked, "what is there is not asked for again"


def test_parts_lie_in_one_file_and_a_stopped_call_goes_on(drive: Server, tmp_path: Path) -> None:
    drive.set("/1", Reply(b"", 404))
    with pytest.raises(DataError, match="talks/all, part 2 of 3: the server says 404"):
        datasets.get(NAME, tmp_path)
    assert sum(p.stat().st_size for p in tmp_path.glob("*.part")) == len(PARTS[0])
    part = tmp_path / "all.tar.gz.part"
    part.write_bytes(PARTS[0] + PARTS[1][:1000])
    drive.set("/1", Reply(PARTS[1]))
    drive.asked.clear()
    assert datasets.get(NAME, tmp_path).read_bytes() == WHOLE
    assert [(path, headers.get("range")) for path, headers in drive.asked] == [
        ("/1", "bytes=1000-"),
        ("/2", None),
    ]


def test_a_wrong_part_costs_itself(drive: Server, tmp_path: Path) -> None:
    drive.set("/1", Reply(b"wrong"))
    with pytest.raises(DataError, match=f"part 2 of 3: .*has the md5 .*; expected {md5(PARTS[1])}"):
        datasets.get(NAME, tmp_path)
    assert (tmp_path / "all.tar.gz.part").read_bytes() == PARTS[0]


@pytest.mark.parametrize("kept", [0, 100, len(PARTS[0]) + 5])
def test_a_file_that_was_cut_since_is_filled_again(
    drive: Server, tmp_path: Path, kept: int
) -> None:
    drive.set("/2", Reply(b"", 404))
    with pytest.raises(DataError):
        datasets.get(NAME, tmp_path)
    part = tmp_path / "all.tar.gz.part"
    part.write_bytes(part.read_bytes()[:kept])
    drive.set("/2", Reply(PARTS[2]))
    assert datasets.get(NAME, tmp_path).read_bytes() == WHOLE


def test_a_damaged_note_of_the_parts_begins_anew(drive: Server, tmp_path: Path) -> None:
    (tmp_path / "all.tar.gz.part.ends.json").write_text("{")
    assert datasets.get(NAME, tmp_path).read_bytes() == WHOLE


def test_parts_that_do_not_make_the_whole(
    drive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, whole=b"another")
    with pytest.raises(DataError, match=r"though each part is right\. Remove it"):
        datasets.get(NAME, tmp_path)
    assert not (tmp_path / "all.tar.gz").exists()


def test_space_is_looked_for_first(
    drive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, gb=3.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2e9))
    with pytest.raises(OutputError, match=r"takes 3\.0 GB more and .* has 2\.0 GB left"):
        datasets.get(NAME, tmp_path)
    assert not drive.asked


def test_the_command(drive: Server, tmp_path: Path, eyeline: Command) -> None:
    refused = eyeline("download", NAME, "--out", tmp_path)
    assert refused.code == 2 and "talks/all: 1e-05 GB; licence: CC0; Talks, 2026" in refused.err
    assert "talks/all" in eyeline("download").out
    ended = eyeline("download", NAME, "--out", tmp_path, "--accept-licence")
    assert ended.code == 0 and f"placed: {tmp_path}/all.tar.gz" in ended.out
    drive.set("/0", Reply(b"", 403))
    failed = eyeline("download", "talks/one", NAME, "-o", tmp_path, "--accept-licence")
    assert failed.code == 1 and "talks/one, part 1 of 1: the server says 403" in failed.err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([NAME], "name its folder by --out"),
        (["lr_asd", "--out", "x"], "--out is for data sets alone"),
        ([NAME, "--out", "x", "--from", "y"], "for weights alone"),
        (["talks/none", "--out", "x"], "there are talks/all, talks/one"),
    ],
)
def test_wrong_use(
    monkeypatch: pytest.MonkeyPatch, eyeline: Command, arguments: list[str], message: str
) -> None:
    use(monkeypatch)
    ended = eyeline("download", *arguments, "--accept-licence")
    assert ended.code == 2 and message in ended.err


def test_an_archive_has_pieces() -> None:
    for dataset in datasets.datasets().values():
        assert all(isinstance(a, Archive) and a.pieces() for a in dataset.archives.values())
    with pytest.raises(UsageError):
        datasets.archive_of("gafa/none")
