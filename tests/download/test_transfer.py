"""One file over HTTP, against a server on this machine."""

from __future__ import annotations

import errno
import hashlib
import shutil
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from eyeline.download import part, transfer
from eyeline.download.transfer import Wanted, fetch
from eyeline.errors import DataError, OutputError

from .conftest import Reply, Server

BODY = bytes(range(256)) * 40
SHA = hashlib.sha256(BODY).hexdigest()
CHECKED = {"sha256": SHA}


class Waits(list[float]):
    """Takes the place of sleeping."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def part_of(folder: Path) -> Path:
    return folder / "x.part"


def test_a_file_comes_whole(server: Server, tmp_path: Path) -> None:
    url = server.set("/x", Reply(BODY))
    fetch(
        Wanted(url, "x", len(BODY), {"sha256": SHA, "md5": hashlib.md5(BODY).hexdigest()}),
        part_of(tmp_path),
    )
    assert part_of(tmp_path).read_bytes() == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["x.part"]


def test_a_redirect_is_followed_and_the_token_stays_behind(server: Server, tmp_path: Path) -> None:
    server.set("/y", Reply(BODY))
    url = server.set("/x", Reply(b"", 302, {"Location": "/y"}))
    fetch(Wanted(url, "x", hashes=CHECKED, token="secret"), part_of(tmp_path))
    (first, before), (second, after) = server.asked
    assert (first, second) == ("/x", "/y")
    assert before["authorization"] == "Bearer secret" and "authorization" not in after


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_cut_connection_is_resumed(server: Server, tmp_path: Path, ranges: bool) -> None:
    tag = {"ETag": '"one"'}
    url = server.set(
        "/x", Reply(BODY, headers=tag, cut_at=4000), Reply(BODY, headers=tag, ranges=ranges)
    )
    waits = Waits()
    fetch(Wanted(url, "x", len(BODY), CHECKED), part_of(tmp_path), wait=waits)
    assert part_of(tmp_path).read_bytes() == BODY and waits == [1.0]
    assert server.asked[1][1]["range"] == "bytes=4000-"
    assert server.asked[1][1]["if-range"] == '"one"'


def test_a_file_that_changed_meanwhile_is_begun_anew(server: Server, tmp_path: Path) -> None:
    old = Reply(b"o" * len(BODY), headers={"ETag": '"one"'}, cut_at=4000)
    url = server.set("/x", old, Reply(BODY, headers={"ETag": '"two"'}))
    fetch(Wanted(url, "x", hashes=CHECKED), part_of(tmp_path), wait=Waits())
    assert part_of(tmp_path).read_bytes() == BODY


def test_what_is_of_another_address_is_not_joined(server: Server, tmp_path: Path) -> None:
    cut = Reply(b"o" * len(BODY), cut_at=4000)
    with pytest.raises(DataError, match="404"):
        fetch(Wanted(server.set("/y", cut, Reply(b"", 404)), "y"), part_of(tmp_path), wait=Waits())
    assert part_of(tmp_path).stat().st_size == 4000
    fetch(Wanted(server.set("/x", Reply(BODY)), "x", hashes=CHECKED), part_of(tmp_path))
    assert "range" not in server.asked[-1][1]


def test_a_stopped_call_goes_on_behind_other_content(server: Server, tmp_path: Path) -> None:
    part = part_of(tmp_path)
    part.write_bytes(b"before" + BODY[:100])
    fetch(Wanted(server.set("/x", Reply(BODY)), "x", hashes=CHECKED), part, base=6)
    assert part.read_bytes() == b"before" + BODY
    assert server.asked[0][1]["range"] == "bytes=100-"


@pytest.mark.parametrize("size", [len(BODY), None], ids=["size known", "size unknown"])
def test_what_is_whole_already_is_not_asked_for_again(
    server: Server, tmp_path: Path, size: int | None
) -> None:
    part_of(tmp_path).write_bytes(BODY)
    fetch(Wanted(server.set("/x", Reply(BODY)), "x", size, CHECKED), part_of(tmp_path))
    assert len(server.asked) == (size is None)


def test_more_than_the_file_is_begun_anew(server: Server, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(BODY + b"more")
    url = server.set("/x", Reply(BODY))
    fetch(Wanted(url, "x", len(BODY), CHECKED), part_of(tmp_path), wait=Waits())
    assert part_of(tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("status", transfer.AGAIN)
def test_what_passes_is_waited_for(server: Server, tmp_path: Path, status: int) -> None:
    busy = Reply(b"busy", status)
    url = server.set("/x", busy, busy, Reply(BODY))
    waits = Waits()
    fetch(Wanted(url, "x", hashes=CHECKED), part_of(tmp_path), wait=waits)
    assert waits == [1.0, 2.0]


def test_the_server_says_how_long_to_wait(server: Server, tmp_path: Path) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    replies = [Reply(b"", 429, {"Retry-After": text}) for text in ("7", later, "soon")]
    url = server.set("/x", *replies, Reply(BODY))
    waits = Waits()
    fetch(Wanted(url, "x", hashes=CHECKED), part_of(tmp_path), wait=waits)
    assert waits[0] == 7 and 50 < waits[1] <= 100 and waits[2] == 4


PAGE = b"<!DOCTYPE html><html><title>Sign in, please</title></html>"
QUOTA = b"<html><title>Google Drive - Quota exceeded</title></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}
REFUSED = {
    "403": (
        Reply(b"", 403),
        "the server says 403 Forbidden: not allowed, or no longer public; by hand",
    ),
    "401": (Reply(b"", 401), "401 Unauthorized: a token is needed"),
    "404": (Reply(b"", 404), "404 Not Found: no longer there"),
    "500": (Reply(b"", 500), "500 Internal Server Error, 5 times in a row"),
    "long wait": (Reply(b"", 503, {"Retry-After": "9999"}), "asks to wait 9999 s"),
    "page": (
        Reply(PAGE, headers=HTML),
        "gives a web page \\('Sign in, please'\\), not the file; by",
    ),
    "quota": (Reply(QUOTA, headers=HTML), "too many have downloaded the file today"),
    "length": (Reply(BODY[:-1]), "has 10239 bytes; expected 10240"),
    "hash": (Reply(BODY[::-1]), f"sha256 .*; expected {SHA}.*removed"),
    "loop": (Reply(b"", 302, {"Location": "/x"}), "the server says 302"),
    "file": (Reply(b"", 302, {"Location": "file:///etc/passwd"}), "the server says 302"),
}


@pytest.mark.parametrize("reply, message", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_had_is_one_line_and_no_file(
    server: Server, tmp_path: Path, reply: Reply, message: str
) -> None:
    wanted = Wanted(server.set("/x", reply), "x", len(BODY), CHECKED, by_hand="; by hand")
    with pytest.raises(DataError, match=f"^x: .*{message}") as failure:
        fetch(wanted, part_of(tmp_path), wait=Waits())
    assert "\n" not in str(failure.value)
    assert not list(tmp_path.iterdir())


def test_a_wrong_part_leaves_what_was_before_it(server: Server, tmp_path: Path) -> None:
    part = part_of(tmp_path)
    part.write_bytes(b"before")
    with pytest.raises(DataError, match="sha256"):
        fetch(Wanted(server.set("/x", Reply(b"wrong")), "x", hashes=CHECKED), part, base=6)
    assert part.read_bytes() == b"before"


def test_a_connection_that_is_always_cut_at_the_same_place_ends(
    server: Server, tmp_path: Path
) -> None:
    url = server.set("/x", Reply(BODY, cut_at=50, ranges=False))
    with pytest.raises(DataError, match="cut at 50 of 10240 bytes, 5 times in a row"):
        fetch(Wanted(url, "x"), part_of(tmp_path), wait=Waits())
    assert part_of(tmp_path).stat().st_size == 50


def test_no_network_is_said_after_some_tries(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    waits = Waits()
    with pytest.raises(DataError, match=f"no connection to 127.0.0.1:{port}"):
        fetch(Wanted(f"http://127.0.0.1:{port}/x", "x"), part_of(tmp_path), wait=waits)
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_no_space_is_said_before_anything_is_written(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000))
    with pytest.raises(OutputError, match=r"takes 0\.00 GB more"):
        fetch(Wanted(server.set("/x", Reply(BODY)), "x"), part_of(tmp_path))
    assert not list(tmp_path.iterdir())


def test_progress_is_logged(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PROGRESS_S", 0.0)
    lines: list[str] = []
    big = b"x" * 2_500_000
    fetch(Wanted(server.set("/x", Reply(big)), "x"), part_of(tmp_path), log=lines.append)
    assert lines[-1] == "x: 2 of 2 MB" and lines[0] == "x: 1 of 2 MB"


def test_a_disk_that_fills_up_is_one_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer, "_copy", full)
    with pytest.raises(OutputError, match=r"cannot write .*: No space left on device; free some"):
        fetch(Wanted(server.set("/x", Reply(BODY)), "x"), part_of(tmp_path))


def test_a_proxy_is_used(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.address)
    server.set("http://weights.invalid/x", Reply(BODY))
    fetch(Wanted("http://weights.invalid/x", "x", hashes=CHECKED), part_of(tmp_path))
    assert server.asked[0][0] == "http://weights.invalid/x"


FORM = """<html><title>Virus scan warning</title><form id="download-form" action="{}" method="get">
<input type="hidden" name="id" value="one"><input type="hidden" name="confirm" value="t&amp;u">
</form><input name="other" value="no"></html>"""


def test_the_question_about_a_large_file_is_confirmed(server: Server, tmp_path: Path) -> None:
    server.set("/y", Reply(BODY))
    url = server.set("/x", Reply(FORM.format("/y").encode(), headers=HTML))
    fetch(Wanted(url, "x", hashes=CHECKED), part_of(tmp_path))
    assert server.asked[1][0] == "/y?id=one&confirm=t%26u"


def test_a_question_that_comes_again_and_again_ends(server: Server, tmp_path: Path) -> None:
    url = server.set("/x", Reply(FORM.format("/x").encode(), headers=HTML))
    with pytest.raises(DataError, match="Virus scan warning"):
        fetch(Wanted(url, "x"), part_of(tmp_path))
    assert len(server.asked) == 3


@pytest.mark.parametrize("action", ["http://elsewhere.invalid/y", "ftp://127.0.0.1/y"])
def test_a_question_of_a_stranger_is_not_followed(action: str) -> None:
    assert part.confirmed_url("http://127.0.0.1/x", FORM.format(action)) is None
