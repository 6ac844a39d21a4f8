"""A session from the first frame to the summary, with a synthetic analysis in place of networks."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from eyeline.errors import OutputError, VideoError
from eyeline.export.stored import load
from eyeline.live import recording, session
from eyeline.live.capture import Source
from eyeline.live.session import Session
from eyeline.results import Segments
from eyeline.settings import Settings
from eyeline.summary.corpus import read_corpus
from eyeline.summary.folder import summarise_folder
from eyeline.video.reader import VideoReader
from eyeline.viewer.server import application
from tests.live.conftest import Play, Quick, film, send

pytestmark = pytest.mark.usefixtures("quick")
Start = Callable[[Sequence[Play]], str]


def prepared(address: str, **options: Any) -> tuple[Session, list[Any], list[str]]:
    messages: list[Any] = []
    lines: list[str] = []
    sinks = [lambda message, at: messages.append({**message, "at": at})]
    source = Source.of(address, None)
    return Session(source, Settings(video=False), lines.append, sinks, **options), messages, lines


@pytest.fixture
def short(tmp_path: Path) -> str:
    path = tmp_path / "short.ts"
    path.write_bytes(film(12))
    return str(path)


def test_a_file_to_its_end(short: str) -> None:
    one, messages, lines = prepared(short)
    summary = one.run()
    kinds = [message["type"] for message in messages]
    assert summary["captured"] == 12 == summary["analysed"] + summary["dropped"]
    assert kinds.count("frame") == summary["analysed"] and kinds[-1] == "summary"
    assert summary["delay_99_ms"] >= summary["delay_median_ms"] > 0
    assert summary["recording"] is None and "12 frames in" in lines[-1] and len(lines) == 1
    frames = [m for m in messages if m["type"] == "frame"]
    assert np.allclose(np.diff([m["at"] - m["time_s"] for m in frames]), 0, atol=0.5)


def test_what_was_recorded_is_as_analyze_leaves_it(short: str, tmp_path: Path) -> None:
    one, messages, _ = prepared(short, record=tmp_path / "lab")
    summary = one.run()
    folder = Path(summary["recording"])
    stored = load(folder)
    reader = VideoReader(stored.video.path)
    frames = [(f.index, f.time_s) for f in reader]
    assert len(frames) == 12 == stored.video.frame_count
    assert Path(stored.video.path) == folder.with_suffix(".mp4")
    assert stored.clock is not None
    analysed = [m["frame"] for m in messages if m["type"] == "frame"]
    assert stored.clock.frame.tolist() == analysed == np.unique(stored.people.frame).tolist()
    written = np.array([frames[k][1] for k in analysed])
    assert np.abs(written - stored.clock.start_s).max() < 1e-3
    assert len(stored.scores("eye_contact")) == 2 * len(analysed) == len(stored.points())
    ended = [m for m in messages if m["type"] == "end"]
    assert sum(len(a) for a in stored.of(Segments)) == len(ended) > 0
    assert stored.settings["live"]["delay_median_ms"] == summary["delay_median_ms"]
    assert "frames were dropped" in stored.warnings[0]


def test_view_and_summary_read_a_recording(short: str, tmp_path: Path) -> None:
    one, _, _ = prepared(short, record=tmp_path / "lab")
    one.run()
    with TestClient(application(tmp_path / "lab", "t"), base_url="http://127.0.0.1:80") as client:
        client.cookies.set("eyeline_80", "t")
        (listed,) = client.get("/api/recordings").json()["recordings"]
        details = client.get(f"/api/recordings/{listed['key']}").json()
        assert (listed["persons"], details["original"], details["status"]) == (2, True, "ok")
    corpus = read_corpus(tmp_path / "lab")
    assert not corpus.faults and summarise_folder(corpus).tables["long"].num_rows


def test_stopped_halfway_everything_until_then_is_kept(camera: Start, tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[int] = []

    def show(frame: Any, *_: Any) -> None:
        seen.append(frame.index)
        if len(seen) == 3:
            stop.set()

    address = camera([send(film(100), 5.0)])
    one, messages, _ = prepared(address, record=tmp_path / "lab", stop=stop, show=show)
    summary = one.run()
    stored = load(Path(summary["recording"]))
    assert stored.clock is not None and stored.clock.frame.tolist() == seen
    assert stored.video.frame_count == len([*VideoReader(stored.video.path)]) >= seen[-1] + 1
    assert messages[-1]["type"] == "summary" and summary["analysed"] == 3


def test_a_stall_is_reported_once_and_its_end(
    camera: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "STALL_S", 0.2)
    monkeypatch.setattr(session, "_LOOK_S", 0.02)
    data = film(40)

    def stall(connection: Any) -> None:
        connection.sendall(data[: len(data) // 2])
        threading.Event().wait(0.6)
        connection.sendall(data[len(data) // 2 :])
        threading.Event().wait(0.1)

    address = camera([stall])
    one, _, lines = prepared(address, seconds=1.6)
    one.run()
    about = [line for line in lines if "no frame for" in line or "frames again" in line]
    assert len(about) == 2
    assert about[0].startswith(address) and about[1].startswith(f"{address}: frames again, after")
    assert any("was lost" in line for line in lines)


def test_a_camera_that_says_nothing_at_all(camera: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "OPEN_S", 0.2)
    monkeypatch.setattr(session, "SILENT_S", 0.1)
    one, messages, lines = prepared(camera([lambda _: threading.Event().wait(1.5)]))
    with pytest.raises(VideoError, match="gave no frame within"):
        one.run()
    assert messages == lines == []


@pytest.mark.slow
def test_after_a_loss_a_new_shot_begins_and_the_video_has_a_gap(
    camera: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyeline.live.capture.RETRY_S", 1.3)
    engines: list[Quick] = []

    class Kept(Quick):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            engines.append(self)

    monkeypatch.setattr(session, "Causal", Kept)
    address = camera([send(film(8)), send(film(8), 1.0)])
    one, _, lines = prepared(address, record=tmp_path / "lab", seconds=2.5)
    summary = one.run()
    assert summary["lost"] >= 1 and f"{address} is back" in lines
    assert len(engines[0].cuts) == 1
    stored = load(Path(summary["recording"]))
    assert stored.clock is not None
    (gap,) = stored.video.gaps
    assert gap.end_s - gap.start_s > 1.0
    inside = (stored.clock.start_s < gap.end_s) & (stored.clock.end_s > gap.start_s + 1e-6)
    assert not inside.any()


def test_an_encoder_that_falls_behind_refuses_frames_and_says_how_many(
    short: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WAITING_FRAMES", 1)
    write = recording.VideoWriter.write

    def slowly(*arguments: Any) -> None:
        threading.Event().wait(0.15)
        write(*arguments)

    monkeypatch.setattr(recording.VideoWriter, "write", slowly)
    one, _, _ = prepared(short, record=tmp_path / "lab")
    summary = one.run()
    stored = load(Path(summary["recording"]))
    assert summary["not_recorded"] > 0 and summary["captured"] == 12
    assert stored.video.frame_count == 12 - summary["not_recorded"]
    assert len([*VideoReader(stored.video.path)]) == stored.video.frame_count


def test_a_disk_that_is_full_is_one_line(
    short: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OutputError("x.mp4 cannot be written: No space left on device")

    monkeypatch.setattr(recording.VideoWriter, "write", full)
    one, messages, lines = prepared(short, record=tmp_path / "lab")
    with pytest.raises(OutputError, match="No space left"):
        one.run()
    assert lines == ["nothing more is recorded: x.mp4 cannot be written: No space left on device"]
    assert [m["type"] for m in messages].count("frame") > 0
    assert not [*(tmp_path / "lab").glob("*.mp4")]


def test_whoever_reads_has_gone_and_the_recording_is_kept(camera: Start, tmp_path: Path) -> None:
    def gone(*_: Any) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    one, _, lines = prepared(camera([send(film(50), 3.0)]), record=tmp_path / "lab")
    one.sinks.append(gone)
    summary = one.run()
    assert lines[0] == "messages cannot be sent any more: Broken pipe; ending"
    assert load(Path(summary["recording"])).video.frame_count > 0


def test_a_folder_that_cannot_be_made(short: str, tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        prepared(short, record=tmp_path / "lab")


def test_a_source_that_cannot_be_opened_says_nothing_else(tmp_path: Path) -> None:
    one, messages, lines = prepared(str(tmp_path / "none.mp4"), record=tmp_path / "lab")
    with pytest.raises(VideoError, match="does not exist"):
        one.run()
    assert messages == lines == []
    assert json.dumps(session.words({**one._standing(), "seconds": 1.0}))
