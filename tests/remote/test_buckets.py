"""`analyze` from a bucket into a bucket, against moto's server."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from eyeline.errors import OutputError, UsageError
from eyeline.export.files import INDEX
from eyeline.plan import plan
from eyeline.remote.results import UNDER_WAY, RemoteFolder, local_copy
from tests.conftest import Command
from tests.remote.conftest import Server
from tests.video.generate import Clip, write

s3fs = pytest.importorskip("s3fs", reason="needs eyeline[cloud]")
moto_server = pytest.importorskip("moto.server", reason="needs moto[server]")
pytestmark = pytest.mark.slow  # a server of S3 and its clients begin slowly
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


def allow(service: str, requests: float) -> None:
    """Let so many more requests through; then nobody has any rights."""
    plain = {"Content-Type": "text/plain"}
    urlopen(Request(f"{service}/moto-api/reset-auth", str(requests).encode(), plain)).close()


def test_a_folder_and_an_address_into_a_bucket_and_again(
    bucket: Any, clip: bytes, server: Server, eyeline: Command, cache: Path, tmp_path: Path
) -> None:
    bucket.pipe({"lab/in/a.mp4": clip, "lab/in/deep/b.mp4": clip, "lab/in/notes.txt": b"x"})
    web = server.put("c.mp4", clip) + "?X-Signature=secret"
    command = ("analyze", "s3://lab/in/", web, server.url + "/none.mp4", "-o", "s3://lab/out")
    listed = eyeline(*command, *QUICK, "--dry-run")
    assert listed.code == 0 and "4 of 4 videos would be analysed" in listed.out
    assert not bucket.exists("lab/out")
    first = eyeline(*command, *QUICK, "--jobs", "2")
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
    summed = eyeline("summary", "s3://lab/out/", "-o", tmp_path / "sums")
    assert summed.code == 0 and "3 of 3 videos summed" in summed.out, summed
    written = eyeline("convert", "s3://lab/out/a", "-o", tmp_path / "a.vtt")
    assert written.code == 0 and (tmp_path / "a.vtt").is_file(), written
    bucket.pipe("lab/in/a.mp4", clip + b"\0\0\0\x08free")
    changed = eyeline(*command[:2], *command[-2:], *QUICK, "--again")
    assert changed.code == 0 and "2 of 2 videos done" in changed.out
    assert json.loads(bucket.cat_file(f"lab/out/a/{INDEX}"))["source"]["bytes"] == len(clip) + 8


def test_a_cut_upload_is_ended_without_a_new_analysis(
    bucket: Any, clip: bytes, eyeline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.pipe("lab/a.mp4", clip)
    with refused("people.parquet"):
        first = eyeline("analyze", "s3://lab/a.mp4", "-o", "s3://lab/out", *QUICK)
    assert first.code == 1 and "the same command brings them there" in first.err, first
    there = names(bucket, "lab/out/a")
    assert UNDER_WAY in there and INDEX not in there
    monkeypatch.setattr("eyeline.jobs.analyze_video", None)
    second = eyeline("analyze", "s3://lab/a.mp4", "-o", "s3://lab/out", *QUICK)
    assert second.code == 0, second
    there = names(bucket, "lab/out/a")
    assert INDEX in there and UNDER_WAY not in there


@contextmanager
def refused(name: str) -> Iterator[None]:
    """The bucket takes no file of this name."""
    put = s3fs.S3FileSystem._put_file

    async def put_file(files: Any, here: str, there: str, *args: Any, **options: Any) -> Any:
        if there.endswith(name):
            raise PermissionError(there)
        return await put(files, here, there, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, "_put_file", put_file)
        yield


def test_a_folder_is_there_whole_or_without_what_says_so(bucket: Any, tmp_path: Path) -> None:
    for name in ("a.csv", "b/c.csv", INDEX):
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / name).write_text(name)
    folder = RemoteFolder("s3://lab/out/v")
    bucket.pipe({"lab/out/v/old.csv": b"1", f"lab/out/v/{INDEX}": b"{}", "lab/out/v/x": b"mine"})
    with pytest.raises(OutputError, match=r"what eyeline did not write \(x\)"):
        folder.begin(lambda name: name in ("old.csv", INDEX))
    bucket.rm("lab/out/v/x")
    folder.begin(lambda name: name in ("old.csv", INDEX))
    assert names(bucket, "lab/out/v") == {"old.csv", INDEX, UNDER_WAY}
    with refused("c.csv"), pytest.raises(OutputError, match="s3://lab/out/v: permission denied"):
        folder.upload(tmp_path / "made", INDEX, ["old.csv"])
    assert INDEX not in names(bucket, "lab/out/v") and UNDER_WAY in names(bucket, "lab/out/v")
    folder.begin(lambda name: False)  # what is under way is ours
    folder.upload(tmp_path / "made", INDEX, ["old.csv"])
    assert names(bucket, "lab/out/v") == {"a.csv", "b/c.csv", INDEX}
    assert bucket.cat_file("lab/out/v/b/c.csv") == b"b/c.csv"


def test_results_are_copied_once_and_follow_what_is_there(
    bucket: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.pipe({"lab/out/v/a.csv": b"1", "lab/out/v/b.csv": b"2", "lab/out/v/annotated.mp4": b"3"})
    place = local_copy("s3://lab/out")
    shown = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.name[0] != "."}
    assert shown == {"v", "v/a.csv", "v/b.csv"}
    (place / "v" / "corrections.json").write_text("mine")
    bucket.rm("lab/out/v/a.csv")
    bucket.pipe("lab/out/v/b.csv", b"5")
    assert local_copy("s3://lab/out", videos=True) == place
    assert not (place / "v/a.csv").exists() and (place / "v/b.csv").read_bytes() == b"5"
    assert (place / "v/annotated.mp4").exists() and (place / "v/corrections.json").exists()
    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", None)
    local_copy("s3://lab/out")  # nothing is copied again


def test_which_files_of_a_bucket_are_videos(bucket: Any, clip: bytes) -> None:
    files = ("a.mp4", "b/c d.MOV", "b/.hidden.mp4", "b/x.txt", "out/v/analysis.json")
    videos = (*files, "out/v/annotated.mp4", "done/analysis.json", "done/annotated.mp4")
    bucket.pipe({f"lab/in/{name}": b"x" for name in videos})
    jobs = plan(["s3://lab/in/"], "s3://lab/in/out")
    assert {job.name: (str(job.video), job.address, job.target) for job in jobs} == {
        name: (f"s3:/lab/in/{video}", f"s3://lab/in/{video}", f"s3://lab/in/out/{name}")
        for name, video in (("a", "a.mp4"), ("b/c d", "b/c d.MOV"))
    }
    assert [job.name for job in plan(["s3://lab/in/b/*.MOV"], Path("out"))] == ["c d"]
    with pytest.raises(UsageError, match="s3://lab/none/: no videos in this folder"):
        plan(["s3://lab/none/"], Path("out"))


def test_nobody_without_rights_reads_or_writes(
    bucket: Any, service: str, clip: bytes, eyeline: Command, tmp_path: Path
) -> None:
    bucket.pipe("lab/a.mp4", clip)
    (tmp_path / "b.mp4").write_bytes(clip)
    allow(service, 0)
    try:
        command = ("analyze", "s3://lab/a.mp4", tmp_path / "b.mp4", "-o", "s3://lab/out")
        ended = eyeline(*command, *QUICK)
    finally:
        allow(service, math.inf)
    assert ended.code == 1 and ended.err.count("permission denied; see that") == 2, ended
    assert names(bucket, "lab") == {"a.mp4"}


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
