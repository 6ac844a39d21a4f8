"""A camera on the network, which does what a test says."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from eyeline.corrections.rows import chosen
from eyeline.geometry.camera import Camera
from eyeline.live import capture, session
from eyeline.results import Analysis, Clock, Segments
from eyeline.settings import Settings
from tests.export.conftest import build

Play = Callable[[socket.socket], None]
"""What the camera does with one who has connected; then the connection ends."""


def film(frames: int, size_wh: tuple[int, int] = (320, 240), audio_only: bool = False) -> bytes:
    """A stream of grey frames at 25 a second, MPEG-TS."""
    data = io.BytesIO()
    with av.open(data, "w", format="mpegts") as container:
        if audio_only:
            stream = container.add_stream("mp2", rate=48000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 2 * 48000), np.int16), layout="stereo")
            frame.sample_rate = 48000
            container.mux(stream.encode(frame))
        else:
            stream = container.add_stream("mpeg1video", rate=25)
            stream.width, stream.height = size_wh
            stream.pix_fmt = "yuv420p"
            for k in range(frames):
                grey = np.full((size_wh[1], size_wh[0], 3), 40 + 5 * (k % 20), np.uint8)
                frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
                frame.pts, frame.time_base = k, Fraction(1, 25)
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return data.getvalue()


@pytest.fixture
def camera() -> Iterator[Callable[[Sequence[Play]], str]]:
    """Starts a camera that plays one thing for each who connects; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(plays: Sequence[Play]) -> None:
        for play in plays:
            try:
                connection, _ = listening.accept()
                with connection:
                    play(connection)
            except OSError:
                return

    threads: list[threading.Thread] = []

    def start(plays: Sequence[Play]) -> str:
        threads.append(threading.Thread(target=serve, args=(plays,), daemon=True))
        threads[-1].start()
        return f"tcp://127.0.0.1:{listening.getsockname()[1]}"

    yield start
    listening.close()


def send(data: bytes, then_s: float = 0.0) -> Play:
    """Sends all and stays silent for a while."""

    def play(connection: socket.socket) -> None:
        connection.sendall(data)
        time.sleep(then_s)

    return play


def moment_of(analysis: Analysis, frame: int) -> Analysis:
    """What an analysis says of one of its frames, as a live one does."""
    start_s, end_s = frame / 25, (frame + 1) / 25

    def active(answer: Segments) -> Segments:
        rows = np.flatnonzero((answer.start_s < end_s - 1e-6) & (answer.end_s > start_s + 1e-6))
        label = tuple(answer.label[row] for row in rows)
        columns = {name: getattr(answer, name)[rows] for name in ("person", "start_s", "score")}
        return replace(answer, **columns, label=label, end_s=np.full(len(rows), end_s))

    def inside(table: Any) -> Any:
        return chosen(table, np.flatnonzero(table.frame == frame))

    return replace(
        analysis,
        people=inside(analysis.people),
        answers=tuple(
            active(a) if isinstance(a, Segments) else inside(a)
            for a in analysis.answers
            if a.name not in ("speaking", "speech")
        ),
        clock=Clock.exact(*(np.array([v]) for v in (frame, start_s, end_s))),
        settings={"camera_px": [900.0, 900.0, 640.0, 360.0]},
    )


class Quick:
    """In the place of the real engine: a synthetic analysis, whatever the frames show."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings, self.name = settings, name
        self.methods, self.camera = (), Camera(900.0, 900.0, 640.0, 360.0)
        self.cuts: list[int] = []
        self._analysis = build(2, 200)

    def step(self, frame: Any, cut: bool = False) -> Analysis:
        self.cuts += [frame.index] * cut
        moment = moment_of(self._analysis, frame.index)
        at = np.array([frame.time_s])
        clock = Clock.exact(np.array([frame.index]), at, at + 0.04)
        timed = [
            a if isinstance(a, Segments) else replace(a, time_s=np.repeat(at, len(a)))
            for a in moment.answers
        ]
        people = replace(moment.people, time_s=np.repeat(at, len(moment.people)))
        return replace(moment, people=people, answers=tuple(timed), clock=clock)

    def thumbnail(self, person: int) -> None:
        return None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions without networks, and sources that are given up soon."""
    monkeypatch.setattr(session, "Causal", Quick)
    monkeypatch.setattr(capture, "RETRY_S", 0.05)
