"""Folders on Google Drive: listed, or given by hand; what `prepare` reads is left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eyeline.download import datasets, folders
from eyeline.download.folders import DriveFolder
from eyeline.download.item import Request
from eyeline.errors import UsageError
from eyeline.system import load_system
from eyeline.systems.gaze_following import synthesize

from .conftest import Reply, Server
from .test_unpacking import zipped

ITEM = datasets.item_of("vgs/coco")[1]
assert isinstance(ITEM, DriveFolder)
HTML = {"Content-Type": "text/html; charset=utf-8"}
KEY = "k" * 30


def entry(key: str, name: str, kind: str = "file/d") -> str:
    end = "/view?usp=drive_web" if kind == "file/d" else ""
    return (
        f'<div class="flip-entry" id="entry-{key}"><a href="https://drive.google.com/{kind}/{key}'
        f'{end}" target="_blank"><div><div class="flip-entry-title">{name}</div></div></a></div>'
    )


def page(*entries: str) -> Reply:
    return Reply(f"<title>coco</title>{''.join(entries)}".encode(), headers=HTML)


@pytest.fixture
def drive(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(folders, "drive_url", lambda key: f"{server.address}/{key}")
    monkeypatch.setattr(folders, "LISTING", f"{server.address}/list/")
    return server


def use(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    row = datasets.datasets()["vgs"]
    item = DriveFolder.model_validate(ITEM.model_dump() | changes)
    other = row.model_copy(update={"items": {"coco": item}})
    monkeypatch.setattr(datasets, "datasets", lambda: {"vgs": other})


def test_files_of_a_folder(drive: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, names=("coco-H.zip", "coco-HS.zip"))
    packed = zipped(tmp_path / "a.zip", {"coco-H/x/1.jpg": b"1"}).read_bytes()
    drive.set(
        f"/list/{ITEM.gfolder}",
        page(entry("a" * 30, "coco-H.zip"), entry("b" * 30, "GT_label_all.zip"),
             entry(KEY, "more &amp; more", "drive/folders")),
    )  # fmt: skip
    drive.set(f"/list/{KEY}", page(entry("c" * 30, "notes.txt")))
    for key, content in {"a": packed, "b": packed, "c": b"notes"}.items():
        drive.set(f"/{key * 30}", Reply(content))
    request = Request("vgs/coco", tmp_path / "out")
    size = datasets.check(request)
    assert size.gb == pytest.approx((2 * len(packed) + 5) / 1e9) and "3 files" in size.how
    received = datasets.get(request)
    assert received.failed == {"coco-HS.zip": f"not in {folders.PAGE}{ITEM.gfolder}"}
    there = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    wanted = {"coco-H/x/1.jpg", "GT_label_all.zip", "more & more/notes.txt"}
    assert {name for name in there if not name.startswith(".eyeline")} == wanted
    asked = len(drive.asked)
    assert datasets.check(request).gb == 0
    datasets.get(request)
    assert {path for path, _ in drive.asked[asked:]} == {f"/list/{ITEM.gfolder}", f"/list/{KEY}"}


def test_one_that_cannot_be_had_costs_itself(
    drive: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, names=())
    listed = (entry("a" * 30, "a.csv"), entry("b" * 30, "b.csv"), entry("c" * 30, "c.zip"))
    drive.set(f"/list/{ITEM.gfolder}", page(*listed))
    drive.set(f"/{'a' * 30}", Reply(b"quota exceeded", headers=HTML))
    drive.set(f"/{'b' * 30}", Reply(b"rows"))
    drive.set(f"/{'c' * 30}", Reply(b"no archive"))
    received = datasets.get(Request("vgs/coco", tmp_path))
    assert "too many have downloaded the file today" in received.failed["a.csv"]
    assert "cannot be unpacked" in received.failed["c.zip"]
    assert (tmp_path / "b.csv").read_bytes() == b"rows"


@pytest.mark.parametrize(
    "reply, why",
    [
        (Reply(b"", 404), "no list of files"),
        (page(), "Google Drive lists no file"),
        (page(entry("a" * 30, "../up.csv")), "cannot be the name of a file"),
    ],
)
def test_where_drive_lists_nothing_the_user_is_asked(
    drive: Server, tmp_path: Path, reply: Reply, why: str
) -> None:
    drive.set(f"/list/{ITEM.gfolder}", reply)
    with pytest.raises(
        UsageError, match=rf"(?s){why}.*Open .*{ITEM.gfolder}.*coco-HS\.zip.*--from"
    ):
        datasets.check(Request("vgs/coco", tmp_path / "out"))


@pytest.mark.slow
def test_the_given_folder_becomes_what_prepare_reads(tmp_path: Path) -> None:
    made = tmp_path / "made"
    synthesize.run(made, videos=1, validation_videos=1, test_videos=1, seconds=2, width_px=160)
    given = tmp_path / "given"
    given.mkdir()
    for word in ("HS", "H", "noHnoS"):
        shutil.make_archive(str(given / f"coco-{word}"), "zip", made, f"coco-{word}")
    shutil.copy(made / synthesize.VOC, given)
    received = datasets.get(Request("vgs/coco", tmp_path / "out", given))
    assert not received.failed and len([*given.iterdir()]) == 4, "the user's files are left"
    for path in (made / "coco-HS").rglob("*.*"):
        assert (received.folder / path.relative_to(made)).read_bytes() == path.read_bytes()
    prepare = load_system("gaze_following").prepare["voc"]
    images = str(received.folder / "coco-HS")
    summary = prepare(received.folder / synthesize.VOC, tmp_path / "voc", images=images)  # type: ignore[call-arg]
    assert not summary.failed and [*(tmp_path / "voc/train2017").iterdir()]
    with pytest.raises(UsageError, match="no such file, or a folder without files"):
        datasets.get(Request("vgs/coco", tmp_path / "out", tmp_path / "none"))
