"""Aria's recordings by a list of addresses, into the layout that `prepare` reads."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest

from eyeline.download import datasets, item
from eyeline.download.item import Request
from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation import prepare_aria
from eyeline.systems.gaze_anticipation.recordings import vrs
from tests.systems.gaze_anticipation.test_prepare_aria import MOVIE, NAME, lists, today

from .conftest import Reply, Server
from .test_unpacking import zipped


def address(server: Server, name: str, content: bytes, **changes: object) -> dict[str, object]:
    url = server.set(f"/{name}", Reply(content))
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    row = {"filename": name, "sha1sum": digest, "file_size_bytes": len(content)}
    return row | {"download_url": url} | changes


@pytest.fixture
def sequences(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, dict[str, object]]:
    """Of one recording; the authors' lists come from the server too."""
    gaze = zipped(tmp_path / "g.zip", {"mps_eye_gaze/general_eye_gaze.csv": b"g", "s.json": b"{}"})
    slam = zipped(tmp_path / "c.zip", {"online_calibration.jsonl": b"c"})
    monkeypatch.setattr(item, "url_of", lambda one: f"{server.address}/{one.path}")
    for name in ("train_aria_gaze.csv", "test_aria_gaze.csv", "aria_video_ids_matching.xlsx"):
        server.set(f"/data/{name}", Reply(b"list"))
    own = {
        "main_vrs": address(server, "a_main.vrs", b"vrs" * 999),
        "mps_eye_gaze": address(server, "a_gaze.zip", gaze.read_bytes()),
        "mps_slam_calibration": address(server, "a_slam.zip", slam.read_bytes()),
        "mps_slam_points": {"filename": "not asked for"},
    }
    return {NAME: own}


def request(tmp_path: Path, sequences: object, *only: str) -> Request:
    (path := tmp_path / "list.json").write_text(json.dumps({"sequences": sequences}))
    return Request("aria_everyday", tmp_path / "aria", path, only)


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*.*") if p.is_file()}


def test_a_recording(
    server: Server, sequences: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    one = request(tmp_path, sequences)
    size = datasets.check(one)
    assert size.gb is not None and size.gb > 2997e-9 and "3 files" in size.how
    assert not datasets.get(one).failed
    assert files(tmp_path / "aria" / NAME) == {
        "recording.vrs",
        "mps/eye_gaze/general_eye_gaze.csv",
        "mps/eye_gaze/s.json",
        "mps/slam/online_calibration.jsonl",
    }
    assert len(files(tmp_path / "aria/data")) == 3
    asked = len(server.asked)
    assert datasets.check(one).gb == 0 and not datasets.get(one).failed
    assert len(server.asked) == asked, "what is there is not asked for again"


@pytest.mark.parametrize(
    "reply, changes, why",
    [
        (Reply(b"", 403), {}, "403.*A list of addresses is valid for some days"),
        (Reply(b"vrs" * 998), {"file_size_bytes": None}, "has the sha1"),
        (Reply(b"vrs" * 998), {}, "has 2994 bytes; expected 2997"),
    ],
)
def test_a_file_that_cannot_be_had_costs_itself(
    server: Server,
    sequences: dict[str, dict[str, object]],
    tmp_path: Path,
    reply: Reply,
    changes: dict[str, object],
    why: str,
) -> None:
    sequences[NAME]["main_vrs"] = address(server, "a_main.vrs", b"vrs" * 999, **changes)
    server.set("/a_main.vrs", reply)
    received = datasets.get(request(tmp_path, sequences))
    assert [*received.failed] == [f"{NAME}, main_vrs"]
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(received.failed[f"{NAME}, main_vrs"])
    assert "mps/slam/online_calibration.jsonl" in files(tmp_path / "aria" / NAME)


def test_a_cut_recording_resumes(
    server: Server, sequences: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    body = b"vrs" * 999
    server.set("/a_main.vrs", Reply(body, cut_at=1000), Reply(b"", 404), Reply(body))
    one = request(tmp_path, sequences)
    assert "404" in datasets.get(one).failed[f"{NAME}, main_vrs"]
    assert not datasets.get(one).failed
    ranges = [headers.get("range") for path, headers in server.asked if path == "/a_main.vrs"]
    assert ranges == [None, "bytes=1000-", "bytes=1000-"]
    assert (tmp_path / "aria" / NAME / "recording.vrs").read_bytes() == body


def test_lists_that_are_none(sequences: dict[str, dict[str, object]], tmp_path: Path) -> None:
    for content in ([], {}, {"a": 1}, {NAME: {"main_vrs": {}}}):
        with pytest.raises(DataError, match="is no list of addresses of Aria"):
            datasets.check(request(tmp_path, content or [1]))
    with pytest.raises(DataError, match="cannot be the name of a folder"):
        datasets.check(request(tmp_path, {"../up": sequences[NAME]}))
    with pytest.raises(UsageError, match=f"has no loc9; it has {NAME}"):
        datasets.check(request(tmp_path, sequences, "loc9"))
    with pytest.raises(UsageError, match=r"open https://.*aea/, accept the licence.*--from FILE"):
        datasets.check(Request("aria_everyday", tmp_path))


def test_what_has_come_is_prepared(
    server: Server,
    sequences: dict[str, dict[str, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The VRS file itself is read by Aria's own tools, in whose place stands a finished movie."""
    made = today(tmp_path / "made")
    lists(made.parent)
    for name in ("test_aria_gaze.csv", "aria_video_ids_matching.xlsx"):
        server.set(f"/data/{name}", Reply((made.parent / name).read_bytes()))
    server.set("/data/train_aria_gaze.csv", Reply(b"", 404))
    gaze = made / "mps/eye_gaze/general_eye_gaze.csv"
    packed = zipped(tmp_path / "g2.zip", {gaze.name: gaze.read_bytes()})
    sequences[NAME]["mps_eye_gaze"] = address(server, "b_gaze.zip", packed.read_bytes())
    del sequences[NAME]["mps_slam_calibration"]
    received = datasets.get(request(tmp_path, sequences))
    assert [*received.failed] == ["train_aria_gaze.csv"]
    monkeypatch.setitem(sys.modules, "projectaria_tools", None)
    monkeypatch.setattr(vrs, "check_reader", lambda: None)
    plain = ("movie.mp4", "timestamps.csv", "calibration.json")

    def export(recording: Path, to: Path) -> None:
        assert recording.read_bytes() == b"vrs" * 999
        to.mkdir(parents=True)
        for name in plain:
            shutil.copy(made / name, to)

    monkeypatch.setattr(vrs, "export", export)
    summary = prepare_aria.run(received.folder, tmp_path / "out")
    assert not summary.failed and [o.name for o in summary.outcomes] == [MOVIE]
    assert summary.details["clips"] == {"test": 4}
