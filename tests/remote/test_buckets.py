"""`analyze` from a bucket into a bucket, against moto's server."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from eyeline.export.files import INDEX
from eyeline.remote.results import UNDER_WAY
from tests.conftest import Command
from tests.remote.conftest import Server
from tests.video.generate import Clip, write

s3fs = pytest.importorskip("s3fs", reason="needs eyeline[cloud]")
moto_server = pytest.importorskip("moto.server", reason="needs moto[server]")
QUICK = ("--no-video", "--rate", "5")


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of an S3 of this machine."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(service: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An s3fs filesystem with an empty bucket `lab`."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, value in {
        "AWS_ENDPOINT_URL": service,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    files.mkdir("lab")
    yield files
    files.rm("lab", recursive=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write(path, Clip(frames=12, rate=Fraction(10)))
    return path.read_bytes()


def names(bucket: Any, folder: str) -> set[str]:
    return {name.removeprefix(f"{folder}/") for name in bucket.find(folder)}


def test_a_folder_and_an_address_into_a_bucket_and_again(
    bucket: Any, clip: bytes, server: Server, eyeline: Command, cache: Path
) -> None:
    bucket.pipe({"lab/in/a.mp4": clip, "lab/in/deep/b.mp4": clip, "lab/in/notes.txt": b"x"})
    web = server.put("c.mp4", clip) + "?X-Signature=secret"
    command = ("analyze", "s3://lab/in/", web, server.url + "/none.mp4", "-o", "s3://lab/out")
    listed = eyeline(*command, *QUICK, "--dry-run")
    assert listed.code == 0 and "4 of 4 videos would be analysed" in listed.out
    assert not bucket.exists("lab/out")
    first = eyeline(*command, *QUICK)
    assert first.code == 1 and "3 of 4 videos done, 1 failed" in first.out, first
    assert f"{server.url}/none.mp4: there is no such file" in first.err
    assert "s3://lab/in/a.mp4: ok" in first.out and "secret" not in first.out + first.err
    for name, shown in {
        "a": "s3://lab/in/a.mp4",
        "deep/b": "s3://lab/in/deep/b.mp4",
        "c": f"{server.url}/c.mp4",
    }.items():
        index = json.loads(bucket.cat_file(f"lab/out/{name}/{INDEX}"))
        assert index["video"]["path"] == shown
        assert {INDEX, *(f["name"] for f in index["files"])} == names(bucket, f"lab/out/{name}")
        assert b"secret" not in b"".join(bucket.cat(bucket.find(f"lab/out/{name}")).values())
    assert not [path for path in (cache / "staging").rglob("*") if path.is_file()]
    sent = server.sent
    again = eyeline(*command, *QUICK)
    assert again.out.count("finished before") == 3 and server.sent == sent
    other = eyeline(*command[:2], *command[-2:], "--no-video", "--rate", "2")
    assert other.code == 1 and "s3://lab/out/a holds results of other settings" in other.err
    bucket.pipe("lab/in/a.mp4", clip + b"\0\0\0\x08free")
    changed = eyeline(*command[:2], *command[-2:], *QUICK, "--again")
    assert changed.code == 0 and "2 of 2 videos done" in changed.out
    assert json.loads(bucket.cat_file(f"lab/out/a/{INDEX}"))["source"]["bytes"] == len(clip) + 8


def allow(service: str, requests: float) -> None:
    """Let so many more requests through; then nobody has any rights."""
    plain = {"Content-Type": "text/plain"}
    urlopen(Request(f"{service}/moto-api/reset-auth", str(requests).encode(), plain)).close()


def test_a_cut_upload_is_no_result_and_is_ended_without_a_new_analysis(
    bucket: Any, service: str, clip: bytes, eyeline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.pipe("lab/a.mp4", clip)
    allow(service, 14)
    first = eyeline("analyze", "s3://lab/a.mp4", "-o", "s3://lab/out", *QUICK)
    allow(service, math.inf)
    assert first.code == 1 and "the same command brings them there" in first.err, first
    there = names(bucket, "lab/out/a")
    assert UNDER_WAY in there and INDEX not in there and len(there) > 2
    monkeypatch.setattr("eyeline.jobs.analyze_video", None)
    second = eyeline("analyze", "s3://lab/a.mp4", "-o", "s3://lab/out", *QUICK)
    assert second.code == 0, second
    there = names(bucket, "lab/out/a")
    assert INDEX in there and UNDER_WAY not in there


def test_what_eyeline_did_not_write_stays(bucket: Any, clip: bytes, eyeline: Command) -> None:
    bucket.pipe({"lab/a.mp4": clip, "lab/out/a/thesis.doc": b"mine"})
    ended = eyeline("analyze", "s3://lab/a.mp4", "-o", "s3://lab/out", *QUICK)
    assert ended.code == 1 and "holds what eyeline did not write (thesis.doc)" in ended.err
    assert names(bucket, "lab/out/a") == {"thesis.doc"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("s3://nowhere/a.mp4", "-o", "out"),
            "s3://nowhere/a.mp4: there is no such",
        ),
        (("s3://nowhere/in/", "-o", "out"), "s3://nowhere/in/: there is no such file or bucket"),
        (("s3://lab/a.mp4", "-o", "s3://nowhere/out"), "s3://nowhere/out/a: there is no such"),
        (("s3://lab/a.mp4", "-o", "https://host/out"), "results cannot be written over HTTP"),
    ],
)
def test_what_is_not_there_is_one_line(
    bucket: Any,
    clip: bytes,
    eyeline: Command,
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    bucket.pipe("lab/a.mp4", clip)
    ended = eyeline("analyze", *arguments, *QUICK)
    assert ended.code == 1 and words in ended.err and ended.err.count("\n") == 1, ended
