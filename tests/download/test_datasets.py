"""Archives of data sets, in parts or whole, from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from eyeline.download import archives, datasets, table
from eyeline.download.archives import Archive
from eyeline.download.datasets import DataSet
from eyeline.download.item import Request
from eyeline.errors import DataError, OutputError, UsageError
from tests.conftest import Command

from .conftest import Reply, Server

NAME = "talks/parts"
NOISE = np.random.default_rng(0).bytes(6000)


def packed(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return content.getvalue()


WHOLE = packed({"data/talks/a/1.jpg": NOISE, "data/talks/b.csv": b"x,y\n"})
PARTS = (WHOLE[:2500], WHOLE[2500:5000], WHOLE[5000:])


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def use(
    monkeypatch: pytest.MonkeyPatch, whole: bytes = WHOLE, gb: float = 1e-5, url: str = ""
) -> None:
    """A small data set in the table's place."""
    parts = [{"gb": gb, "md5": md5(data), "gdrive": str(i)} for i, data in enumerate(PARTS)]
    common = {"file": "talks.tar.gz", "into": "talks", "top": "talks"}
    items = {
        "parts": {**common, "gb": gb, "md5": md5(whole), "parts": parts},
        "one": {**common, "file": "one.tar.gz", "url": url or "http://127.0.0.1:9/one"},
    }
    row = DataSet.model_validate(
        {"licence": "CC0", "paper": "Talks, 2026", "then": "look at {folder}", "items": items}
    )
    monkeypatch.setattr(datasets, "datasets", lambda: {"talks": row})


@pytest.fixture
def drive(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Google Drive with the parts; the server replies by path, so that each has one."""
    use(monkeypatch, url=server.set("/one", Reply(WHOLE)))
    monkeypatch.setattr(archives, "drive_url", lambda key: f"{server.address}/{key}")
    for i, data in enumerate(PARTS):
        server.set(f"/{i}", Reply(data))
    return server


def get(out: Path, name: str = NAME, given: Path | None = None) -> Path:
    received = datasets.get(Request(name, out, given))
    assert not received.failed
    return received.folder


def whole(folder: Path) -> bool:
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    return files == {"a/1.jpg", "b.csv"} and (folder / "a/1.jpg").read_bytes() == NOISE


def test_the_table_is_that_of_the_authors(shared: Path) -> None:
    import yaml

    text = (shared / "reference/downloads.yaml").read_text(encoding="utf-8")
    known = yaml.safe_load(text)
    theirs = {row["name"]: row for row in known["gafa"]["data"]}
    for name, archive in datasets.datasets()["gafa"].items.items():
        assert isinstance(archive, Archive)
        assert (archive.gb, archive.md5) == (theirs[name]["gb"], theirs[name]["md5"])
        assert (
            not archive.parts or abs(sum(p.gb or 0 for p in archive.parts) - theirs[name]["gb"]) < 2
        )
        names = [f"{name}.tar.gz.{i:02}" for i in range(len(archive.parts))] or [name]
        for key, piece in zip(names, archive.pieces(), strict=True):
            assert (piece.gb, piece.md5) == (theirs[key]["gb"], theirs[key]["md5"])
            assert piece.gdrive == theirs[key]["gdrive"]
    vgs = datasets.datasets()["vgs"].items
    for name in ("coco", "attention_target", "head_boxes", "raw_video"):
        assert vgs[name].model_dump()["gfolder"] == known["vgs"][name]["gfolder"]
    assert list(vgs["coco"].model_dump()["names"]) == known["vgs"]["coco"]["files"]
    gaze = datasets.item_of("ego4d/gaze")[1].model_dump()
    assert gaze["missing_audio"] == known["csts"]["missing_audio"]["gfolder"]


def test_names_are_those_of_no_weights() -> None:
    assert not {*datasets.names()} & {*table.entries()}
    assert {"voxceleb2", "ego4d/gaze", "gafa/preprocessed", "gazefollow"} <= {*datasets.names()}
    assert table.drive_url("a").endswith("&export=download&confirm=t")


@pytest.mark.parametrize("name", [NAME, "talks/one"])
def test_an_archive_comes_whole_and_is_unpacked(drive: Server, tmp_path: Path, name: str) -> None:
    lines: list[str] = []
    received = datasets.get(Request(name, tmp_path / "out"), log=lines.append)
    assert whole(received.folder) and received.folder == tmp_path / "out/talks"
    assert lines[-1] == f"{name}: look at {tmp_path}/out/talks"
    assert not [*(tmp_path / "out").glob("*.tar.gz*")], "the archive is removed"
    asked = len(drive.asked)
    assert datasets.check(Request(name, tmp_path / "out")).gb == 0
    assert whole(get(tmp_path / "out", name))
    assert len(drive.asked) == asked, "what is there is not asked for again"


def test_parts_lie_in_one_file_and_a_stopped_call_resumes(drive: Server, tmp_path: Path) -> None:
    drive.set("/1", Reply(b"", 404))
    with pytest.raises(DataError, match=r"talks/parts, part 2 of 3: the server says 404.*--from"):
        get(tmp_path)
    part = tmp_path / "talks.tar.gz.part"
    assert part.read_bytes() == PARTS[0]
    part.write_bytes(PARTS[0] + PARTS[1][:1000])
    drive.set("/1", Reply(PARTS[1]))
    drive.asked.clear()
    assert whole(get(tmp_path))
    assert [(path, headers.get("range")) for path, headers in drive.asked] == [
        ("/1", "bytes=1000-"),
        ("/2", None),
    ]


def test_a_wrong_part_costs_itself(drive: Server, tmp_path: Path) -> None:
    drive.set("/1", Reply(b"wrong"))
    with pytest.raises(DataError, match=f"part 2 of 3: .*has the md5 .*; expected {md5(PARTS[1])}"):
        get(tmp_path)
    assert (tmp_path / "talks.tar.gz.part").read_bytes() == PARTS[0]


@pytest.mark.parametrize("kept", [0, 100, len(PARTS[0]) + 5])
def test_a_file_that_was_cut_since_is_filled_again(
    drive: Server, tmp_path: Path, kept: int
) -> None:
    drive.set("/2", Reply(b"", 404))
    with pytest.raises(DataError):
        get(tmp_path)
    part = tmp_path / "talks.tar.gz.part"
    part.write_bytes(part.read_bytes()[:kept])
    drive.set("/2", Reply(PARTS[2]))
    assert whole(get(tmp_path))


def test_a_damaged_record_of_the_parts_begins_anew(drive: Server, tmp_path: Path) -> None:
    (tmp_path / "talks.tar.gz.part.ends.json").write_text("{")
    assert whole(get(tmp_path))


def test_parts_that_do_not_make_the_whole(
    drive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, whole=b"another")
    with pytest.raises(DataError, match=r"though each part is right\. Remove it"):
        get(tmp_path)
    assert not (tmp_path / "talks").exists()


def test_unpacking_that_was_stopped_resumes(drive: Server, tmp_path: Path) -> None:
    drive.set("/one", Reply(WHOLE[:-400]))
    with pytest.raises(DataError, match=r"one\.tar\.gz cannot be unpacked.*It was removed"):
        get(tmp_path, "talks/one")
    (tmp_path / "one.tar.gz").write_bytes(WHOLE)
    asked = len(drive.asked)
    assert whole(get(tmp_path, "talks/one")) and len(drive.asked) == asked


def test_the_users_own_file(drive: Server, tmp_path: Path) -> None:
    (own := tmp_path / "mine.tgz").write_bytes(WHOLE)
    assert whole(get(tmp_path / "out", given=own)) and own.is_file() and not drive.asked
    own.write_bytes(WHOLE + b"more")
    with pytest.raises(DataError, match=r"mine.tgz has the MD5 .*; talks.tar.gz has"):
        get(tmp_path / "other", given=own)
    with pytest.raises(DataError, match=r"no such file; expected talks\.tar\.gz"):
        get(tmp_path / "other", given=tmp_path / "none")


def test_space_is_looked_for_first(
    drive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, gb=3.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4e9))
    with pytest.raises(OutputError, match=r"takes 6\.0 GB more and .* has 4\.0 GB left"):
        datasets.check(Request(NAME, tmp_path / "out"))
    assert not drive.asked and not (tmp_path / "out").exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("reply, code", [("n", 1), ("y", 0)])
def test_at_a_terminal_it_asks(
    drive: Server,
    tmp_path: Path,
    eyeline: Command,
    monkeypatch: pytest.MonkeyPatch,
    reply: str,
    code: int,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{reply}\n"))
    ended = eyeline("download", NAME, "--out", tmp_path / "out", "--accept-licence")
    assert ended.code == code and "Download it? [y/N]" in ended.err
    assert (tmp_path / "out").exists() == (reply == "y")


def test_the_command(drive: Server, tmp_path: Path, eyeline: Command) -> None:
    refused = eyeline("download", NAME, "--out", tmp_path)
    assert refused.code == 2 and "talks/parts: licence: CC0; Talks, 2026" in refused.err
    asked = eyeline("download", NAME, "--out", tmp_path, "--accept-licence")
    assert asked.code == 2 and "talks/parts: 1e-05 GB, as its authors state" in asked.err
    assert "to take that space, add --yes" in asked.err and not [*tmp_path.iterdir()]
    assert "talks/parts" in eyeline("download").out
    ended = eyeline("download", NAME, "--out", tmp_path, "--accept-licence", "--yes")
    assert ended.code == 0 and f"placed: {tmp_path}/talks" in ended.out
    drive.set("/one", Reply(b"", 403))
    failed = eyeline("download", "talks/one", NAME, "-o", tmp_path, "--accept-licence", "--yes")
    assert failed.code == 1 and "talks/one, part 1 of 1: the server says 403" in failed.err


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([NAME], "name its folder by --out"),
        (["lr_asd", "--out", "x"], "--out, --only and --yes are for data sets alone"),
        ([NAME, "--out", "x", "--file", "y"], "--file is for weights alone"),
        ([NAME, "talks/one", "--out", "x", "--from", "y"], "for one name at a time"),
        (["talks/none", "--out", "x"], "there are talks/parts, talks/one"),
        ([NAME, "--out", "x", "--only", "y"], "--only is not for talks/parts"),
    ],
)
def test_wrong_use(
    monkeypatch: pytest.MonkeyPatch, eyeline: Command, arguments: list[str], message: str
) -> None:
    use(monkeypatch)
    ended = eyeline("download", *arguments, "--accept-licence")
    assert ended.code == 2 and message in ended.err


def test_every_item_is_of_a_kind() -> None:
    for name in datasets.names():
        assert datasets.licence_line(name).startswith(f"{name}: licence: ")
    with pytest.raises(UsageError, match="there is no data set 'gafa/none'"):
        datasets.item_of("gafa/none")
