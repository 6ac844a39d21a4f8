"""Sources that end, stall, vanish, change and never begin: a line each, and never a crash."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from eyeline.errors import UsageError, VideoError
from eyeline.live import capture
from eyeline.live.capture import Capture, Grab, Ring, Source, fitted
from tests.live.conftest import Play, film, send
from tests.people.faces import FakeFrame

Start = Callable[[Sequence[Play]], str]


def read(source: Source, frames: int = 10**6) -> tuple[list[Grab], list[str], Capture]:
    """The first frames of a source, and what was logged meanwhile."""
    grabs: list[Grab] = []
    lines: list[str] = []
    one = Capture(
        source, lambda _: len(grabs) < frames or one.stopping.set() or False, lines.append
    )
    put = one.ring.put
    one.ring.put = lambda grab: (grabs.append(grab), put(grab))[1]  # type: ignore[method-assign]
    one.start()
    one.join(20)
    return grabs, lines, one


@pytest.mark.parametrize(
    ("address", "camera", "said"),
    [
        (None, None, "name one source"),
        ("a.mp4", "0", "name one source"),
        ("ftp://camera/a", None, "no protocol 'ftp'; there are rtsp,"),
    ],
)
def test_a_source_is_named_once(address: str | None, camera: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Source.of(address, camera)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.EBUSY, "Device or resource busy"), "in use by another program"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "does not exist; plug"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read; let this user"),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), "did not answer within 10 s"),
        (ValueError("no container format 'v4l2'"), "cannot be opened (no container format"),
    ],
)
def test_a_camera_that_cannot_be_opened(
    fault: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(av, "open", refuse)
    _, lines, one = read(Source.of(None, "0"))
    assert isinstance(one.error, VideoError) and not lines
    assert str(one.error).startswith("/dev/video0 ") and said in str(one.error)


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (send(film(0, audio_only=True)), "has no video that can be decoded"),
        (send(b"no video at all" * 99), "cannot be opened"),
        (lambda connection: connection.close(), "cannot be opened"),
    ],
)
def test_a_stream_without_frames(camera: Start, play: Play, said: str) -> None:
    _, lines, one = read(Source.of(camera([play]), None))
    assert isinstance(one.error, VideoError) and said in str(one.error) and not lines


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    _, _, one = read(Source.of(f"tcp://127.0.0.1:{port}", None))
    assert "refuses the connection" in str(one.error)


def test_a_camera_vanishes_comes_back_and_changes_its_size(
    camera: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "RETRY_S", 0.05)
    wide = film(10, (640, 240))
    address = camera([send(film(10)), send(wide + film(10)), send(film(1), 1.0)])
    grabs, lines, one = read(Source.of(address, None), 25)
    assert one.error is None and one.lost >= 1
    assert [line.removeprefix(address) for line in lines[:2]] == [
        " was lost (it ended); it is tried again until Ctrl-C",
        ": frames of 640x240 from now on; they are fitted into 320x240",
    ]
    assert f"{address} is back" in lines and f"{address}: frames of 320x240 from now on" in lines
    assert [g.frame.index for g in grabs] == list(range(25))
    assert (np.diff([g.frame.time_s for g in grabs]) > 0).all()
    assert {g.frame.size_wh for g in grabs} == {(320, 240)}
    wide_rgb = next(g for g in grabs if g.cut).frame.rgb()
    assert wide_rgb[:50].max() == 0 and wide_rgb[120].min() > 20  # bars above, the image between


def test_a_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "short.ts"
    path.write_bytes(film(6))
    grabs, lines, one = read(Source.of(str(path), None))
    assert [g.frame.index for g in grabs] == list(range(6)) and one.ring.count == 6
    assert one.error is None and lines == [] and not any(g.cut for g in grabs)
    captured = np.array([g.captured for g in grabs])
    assert (captured - captured[0] >= np.arange(6) / 25 - 1e-3).all()  # never before its time


@pytest.mark.parametrize(("name", "said"), [("none.mp4", "does not exist"), (".", "is a folder")])
def test_a_file_that_cannot_be(tmp_path: Path, name: str, said: str) -> None:
    _, _, one = read(Source.of(str(tmp_path / name), None))
    assert isinstance(one.error, VideoError) and said in str(one.error)


def test_the_ring_gives_the_newest_frame_and_remembers_cuts() -> None:
    ring = Ring(3)
    for k in range(5):
        ring.put(Grab(FakeFrame(k), float(k), cut=k == 3))  # type: ignore[arg-type]
    newest = ring.take(0.0)
    assert newest is not None and (newest.frame.index, newest.cut, ring.count) == (4, True, 5)
    assert ring.take(0.0) is None and not ring.ended
    ring.put(Grab(FakeFrame(5), 5.0))  # type: ignore[arg-type]
    ring.end()
    assert not ring.ended and ring.take(0.0) is not None and ring.ended


def test_an_image_of_the_right_size_is_left_alone() -> None:
    image = av.VideoFrame(320, 240, "yuv420p")
    assert fitted(image, (320, 240)) is image
