"""VoxCeleb2's random list through a program that behaves as yt-dlp does."""

from __future__ import annotations

import shutil
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from eyeline.download import datasets, youtube
from eyeline.download.item import Request
from eyeline.errors import DataError, UsageError
from eyeline.systems.eye_contact.discovery.sources import find_sources
from eyeline.video.constant import is_constant
from tests.conftest import Command
from tests.video.generate import Clip, write

from .conftest import Reply, Server

GOOD, GONE, BUSY = "goodvideo01", "gonevideo01", "busyvideo01"
PROGRAM = """#!{python}
import pathlib, shutil, sys
calls = pathlib.Path({folder!r}) / "calls.txt"
arguments = sys.argv[1:]
with calls.open("a") as file:
    file.write(" ".join(arguments) + "\\n")
name = arguments[-1].rpartition("=")[2]
place = pathlib.Path(arguments[arguments.index("-o") + 1].replace("%(id)s.%(ext)s", name + ".webm"))
if name.startswith("gone"):
    sys.exit("ERROR: [youtube] " + name + ": Video unavailable. This video is private")
if name.startswith("busy"):
    sys.exit("ERROR: [youtube] " + name + ": HTTP Error 429: Too Many Requests")
if name.startswith("half"):
    place.with_name(place.name + ".part").write_bytes(b"half")
    sys.exit("ERROR: unable to download video data: timed out")
if name.startswith("torn"):
    place.write_bytes(b"no video")
else:
    shutil.copy({video!r}, place)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with `yt-dlp`; its calls are in `calls.txt`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    video = write(folder / "video.mkv", Clip(frames=6, rate=Fraction(30)))
    path = folder / "yt-dlp"
    path.write_text(PROGRAM.format(python=sys.executable, folder=str(folder), video=str(video)))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def listed(tmp_path: Path, *videos: str) -> Path:
    rows = [f"id{number:05d},{video}" for number, video in enumerate(videos)]
    (path := tmp_path / "list.csv").write_text("celebrity_id,video_name\n" + "\n".join(rows))
    return path


def calls(program: Path) -> list[str]:
    return [line.rpartition("=")[2] for line in (program / "calls.txt").read_text().splitlines()]


def test_videos_come_at_25_hz_and_those_that_are_gone_are_listed(
    program: Path, tmp_path: Path
) -> None:
    given = listed(tmp_path, GOOD, GONE, "gone", GOOD + "x")
    request = Request("voxceleb2", tmp_path / "vox", given)
    size = datasets.check(request)
    assert size.gb == pytest.approx(4 * youtube.GB_A_VIDEO) and "estimate" in size.how
    assert not datasets.get(request).failed
    video = tmp_path / "vox/id00000" / f"{GOOD}_fps25.mkv"
    assert is_constant(video) and calls(program) == [GOOD, GONE]
    rows = (tmp_path / "vox" / youtube.UNAVAILABLE).read_text().splitlines()
    assert rows[0] == "celebrity_id,video_name,reason" and len(rows) == 4
    assert rows[1].startswith(f"id00001,{GONE},ERROR: [youtube] {GONE}: Video unavailable")
    assert "its name is cut to 4 characters" in rows[2]
    datasets.get(request)
    assert calls(program) == [GOOD, GONE], "neither what is there nor what is gone is asked for"
    result = find_sources(tmp_path / "vox")
    assert [(str(one.name), one.path) for one in result.videos] == [(f"id00000/{GOOD}", video)]
    assert result.left_out["in randomVoxMeta.csv, but not here"]


def test_what_passes_is_tried_again_and_refusals_stop_it(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(youtube, "MOST_REFUSALS", 2)
    busy = [f"busyvideo{n:02d}" for n in range(3)]
    request = Request("voxceleb2", tmp_path / "vox", listed(tmp_path, BUSY, GOOD, *busy))
    with pytest.raises(DataError, match=r"2 videos in a row were refused.*429.*The same command"):
        datasets.get(request)
    assert calls(program) == [BUSY, GOOD, *busy[: youtube.MOST_REFUSALS]]
    assert not (tmp_path / "vox" / youtube.UNAVAILABLE).exists()
    script = program / "yt-dlp"
    script.write_text(script.read_text().replace('"busy"', '"never"'))
    assert not datasets.get(request).failed
    assert len([*(tmp_path / "vox").glob("id*/*_fps25.mkv")]) == len(busy) + 2


def test_a_damaged_video_costs_itself(program: Path, tmp_path: Path) -> None:
    given = listed(tmp_path, "tornvideo01", "halfvideo01", GOOD)
    received = datasets.get(Request("voxceleb2", tmp_path / "vox", given))
    assert [*received.failed] == ["id00000/tornvideo01", "id00001/halfvideo01"]
    assert [p.name for p in (tmp_path / "vox").glob("id*/*")] == [f"{GOOD}_fps25.mkv"]
    assert not [*(tmp_path / "vox/.eyeline/downloads").glob("torn*")], "downloaded again next time"


def test_some_of_the_list_which_comes_from_its_authors(
    program: Path, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.set("/list", Reply(listed(tmp_path, GOOD, "goodvideo02").read_bytes()))
    monkeypatch.setattr(youtube, "url_of", lambda _: url)
    assert not datasets.get(Request("voxceleb2", tmp_path / "vox", only=("id00001",))).failed
    assert calls(program) == ["goodvideo02"] and (tmp_path / "vox/randomVoxMeta.csv").is_file()
    with pytest.raises(UsageError, match="has no celebrity or video id00009"):
        datasets.get(Request("voxceleb2", tmp_path / "vox", only=("id00009",)))


@pytest.mark.parametrize(
    "text, why",
    [("a,b\n1,2\n", "lacks the columns"), ("celebrity_id,video_name\n../a,b\n", "is no celebrity")],
)
def test_a_list_of_another_form(program: Path, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(DataError, match=why):
        datasets.check(Request("voxceleb2", tmp_path / "vox", tmp_path / "list.csv"))


def test_without_the_program(
    tmp_path: Path, eyeline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    arguments = ("download", "voxceleb2", "-o", tmp_path / "vox", "--accept-licence", "--yes")
    ended = eyeline(*arguments)
    assert ended.code == 2 and "pip install 'eyeline[voxceleb]'" in ended.err
