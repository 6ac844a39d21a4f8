"""Remote videos: which bytes are asked for, what is kept, and what a fault comes to."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from eyeline.errors import VideoError
from eyeline.remote import cache as cached
from eyeline.remote.videos import RemoteVideo, stand_in
from eyeline.video.reader import VideoReader, probe
from tests.remote.conftest import Server
from tests.video.generate import Clip, write

pytest.importorskip("aiohttp", reason="needs eyeline[cloud]")
FRAMES = 60
BLOCK = 4096


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One video whose index (moov) lies at its end, and the same with it at its start."""
    path = tmp_path_factory.mktemp("clip") / "end.mp4"
    write(path, Clip(frames=FRAMES, rate=Fraction(10), noise=20))
    first = path.with_name("start.mp4")
    with (
        av.open(str(path)) as source,
        av.open(str(first), "w", options={"movflags": "faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return {one.stem: one.read_bytes() for one in (path, first)}


@pytest.fixture(scope="module")
def clip(clips: dict[str, bytes]) -> bytes:
    return clips["start"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small clip has many."""
    monkeypatch.setattr(cached, "BLOCK", BLOCK)


def count(path: Path) -> int:
    return sum(1 for _ in VideoReader(path))


def stored(cache: Path) -> list[Path]:
    return sorted((cache / "blocks").iterdir())


@pytest.mark.parametrize("moov", ["end", "start"])
def test_a_header_costs_some_blocks_and_all_passes_together_one_copy(
    server: Server, clips: dict[str, bytes], moov: str
) -> None:
    data = clips[moov]
    assert (data.find(b"moov") > data.find(b"mdat")) is (moov == "end")
    path = stand_in(server.put("a.mp4", data) + "?X-Amz-Signature=secret")
    info = probe(path)
    assert info.path == f"{server.url}/a.mp4" and info.duration_s == FRAMES / 10
    assert server.sent < len(data) / 2, (server.sent, len(data))
    assert [count(path), count(path)] == [FRAMES, FRAMES]
    assert server.sent == len(data)
    assert not [one for one in server.asked if one == "GET all"]


def test_threads_that_read_the_same_ask_once(server: Server, clip: bytes) -> None:
    path, seen = stand_in(server.put("a.mp4", clip)), []
    threads = [threading.Thread(target=lambda: seen.append(count(path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [FRAMES] * 3 and server.sent == len(clip)


@pytest.mark.parametrize(("ranges", "sizes"), [(False, True), (False, False), (True, False)])
def test_a_server_without_ranges_or_sizes_is_copied_once(
    server: Server, clip: bytes, ranges: bool, sizes: bool
) -> None:
    server.ranges, server.sizes = ranges, sizes
    path = stand_in(server.put("a.mp4", clip))
    assert count(path) == FRAMES
    asked = len(server.asked)
    assert count(path) == FRAMES and len(server.asked) == asked


@pytest.mark.parametrize("ranges", [True, False])
def test_cut_connections_are_tried_again(server: Server, clip: bytes, ranges: bool) -> None:
    server.ranges = ranges
    path = stand_in(server.put("a.mp4", clip))
    server.cuts = 3
    assert count(path) == FRAMES and server.cuts == 0


@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_cut_for_good_is_one_line_and_no_shorter_video(
    server: Server, clip: bytes, ranges: bool
) -> None:
    server.ranges = ranges
    path = stand_in(server.put("a.mp4", clip) + "?X-Amz-Signature=secret")
    reader = VideoReader(path) if ranges else None
    server.cuts = 1000
    with pytest.raises(VideoError, match="5 times in a row; try again later") as raised:
        list(reader or VideoReader(path))
    assert str(raised.value).startswith(f"{server.url}/a.mp4: ")
    assert "secret" not in str(raised.value) and "\n" not in str(raised.value)
    server.cuts = 0
    assert count(path) == FRAMES


@pytest.mark.parametrize(
    ("status", "words", "requests"),
    [
        (404, "there is no such file", 1),
        (401, "the server asks for credentials", 1),
        (403, "permission denied", 1),
        (503, "the server says 503, 5 times in a row", 5),
    ],
)
def test_what_the_server_refuses(server: Server, status: int, words: str, requests: int) -> None:
    server.status = status
    path = stand_in(server.put("a.mp4", b"x") + "?X-Amz-Signature=secret")
    with pytest.raises(VideoError, match=f"/a.mp4: {words}") as raised:
        probe(path)
    assert "secret" not in str(raised.value)
    assert server.asked.count("GET all") == requests


def test_a_server_that_is_not_there_is_one_line() -> None:
    with pytest.raises(VideoError, match=r"http://127.0.0.1:9/a.mp4: no connection.*5 times"):
        probe(stand_in("http://me:pass@127.0.0.1:9/a.mp4"))


def test_the_least_recently_used_goes_first_but_nothing_that_is_read(
    server: Server, clip: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = (stand_in(server.put(f"{n}.mp4", clip + bytes(i))) for i, n in enumerate("abc"))
    assert count(a) == FRAMES
    size = sum(path.stat().st_blocks * 512 for path in stored(cache))
    monkeypatch.setenv("EYELINE_CACHE_GB", str(2.2 * size / 1e9))
    (first,) = stored(cache)
    count(b)
    count(a)  # is used again
    assert len(stored(cache)) == 2
    count(c)
    assert first in stored(cache) and len(stored(cache)) == 2  # b is gone
    server.sent = 0
    with RemoteVideo(f"{server.url}/a.mp4").open():
        count(b)
        count(b)
    assert first in stored(cache) and server.sent >= len(clip)


def test_without_any_room_it_is_read_all_the_same(
    server: Server, clip: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYELINE_CACHE_GB", "0")
    assert count(stand_in(server.put("a.mp4", clip))) == FRAMES
    assert not sum(path.stat().st_blocks for path in stored(cache))
    server.ranges = False
    with pytest.raises(VideoError, match="larger than the cache, 0 GB; give a larger --cache-gb"):
        count(stand_in(server.put("b.mp4", clip)))


def test_a_part_that_is_here_is_never_the_whole(server: Server, clip: bytes, cache: Path) -> None:
    address = server.put("a.mp4", clip)
    with RemoteVideo(address).open() as file:
        file.seek(3 * BLOCK)
        assert file.read(10) == clip[3 * BLOCK : 3 * BLOCK + 10]
    assert server.sent == BLOCK
    with RemoteVideo(address).open() as file:
        assert b"".join(iter(lambda: file.read(999), b"")) == clip
    assert server.sent == len(clip)


def test_another_version_is_another_video(server: Server, clip: bytes) -> None:
    address = server.put("a.mp4", clip)
    video = RemoteVideo(address)
    before = video.identity()
    server.put("a.mp4", clip + b"more")
    assert video.identity() == before and video.state(anew=True).tag != before[2]
    with RemoteVideo(address).open() as file:
        assert file.size == len(clip) + 4


@pytest.mark.slow
def test_two_processes_fill_one_copy(server: Server, cache: Path) -> None:
    data = np.random.default_rng(0).bytes(5 << 20)
    address = server.put("a.mp4", data)
    program = (
        "import hashlib, sys; from eyeline.remote.videos import RemoteVideo\n"
        "file = RemoteVideo(sys.argv[1]).open()\n"
        "print(hashlib.file_digest(file, 'sha256').hexdigest())"
    )
    command = [sys.executable, "-c", program, address]
    pairs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    digests = {process.communicate(timeout=60)[0].strip() for process in pairs}
    assert digests == {hashlib.sha256(data).hexdigest()}
    assert server.sent <= 2 * len(data) and len(stored(cache)) == 1
    server.sent = 0
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() in digests
    assert server.sent == 0
