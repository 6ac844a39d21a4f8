"""Messages of frames and changes, the page and who may listen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from eyeline.live.page import BACKLOG, Page
from eyeline.live.stream import Episodes, frame_message, lab_streams, printer
from eyeline.results import Segments, make_segments
from tests.export.conftest import build
from tests.live.conftest import moment_of
from tests.people.faces import FakeFrame

MOMENT = moment_of(build(2, 50), 30)


def looks(rows: list[tuple[float, float, str]]) -> Any:
    """A moment with looks of person 1."""
    row = [(1, start, end, label, 0.5) for start, end, label in rows]
    return replace(MOMENT, answers=(make_segments("gaze_following", "ray", "gaze_target", row),))


def test_episodes_begin_end_and_do_not_overlap() -> None:
    episodes = Episodes()
    said: list[Any] = []
    for rows in (
        [],
        [(0.0, 0.24, "person 2")],
        [(0.1, 0.28, "person 2")],  # a window that has moved on
        [],
        [(0.2, 0.60, "scene")],  # seen to have begun before the other ended
    ):
        said += episodes.update(looks(rows))
    said += episodes.end()
    assert [(m["type"], m["label"], m["time_s"]) for m in said] == [
        ("start", "person 2", 0.0),
        ("end", "person 2", 0.28),
        ("start", "scene", 0.28),
        ("end", "scene", 0.6),
    ]
    (segments,) = episodes.segments()
    assert isinstance(segments, Segments) and segments.label == ("person 2", "scene")
    assert segments.start_s.tolist() == [0.0, 0.28] and segments.end_s.tolist() == [0.28, 0.6]


def test_a_question_without_episodes_is_known_to_have_been_asked() -> None:
    episodes = Episodes()
    episodes.update(looks([]))
    (segments,) = episodes.segments()
    assert (segments.name, len(segments)) == ("gaze_target", 0)


def test_a_frame_is_one_line_of_json_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    message = frame_message(MOMENT)
    printer("frames")(message, 0.0)
    line = capsys.readouterr().out
    content = json.loads(line, parse_constant=lambda name: pytest.fail(name))
    assert line.count("\n") == 1 and content == message
    assert [one["person"] for one in content["people"]] == ["person 1", "person 2"]
    assert {"box_xyxy", "gaze", "gaze_target", "eye_contact"} <= content["people"][0].keys()
    targets = {one["gaze_target"]["target"] for one in content["people"]}
    assert targets <= {"person 1", "person 2", "camera"}


@pytest.mark.parametrize(
    ("events", "printed"),
    [("changes", ["start", "end", "summary"]), ("none", ["summary"])],
)
def test_what_is_not_asked_for_is_not_printed(
    events: str, printed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("frame", "start", "end", "summary"):
        printer(events)({"type": kind}, 0.0)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == printed


@pytest.fixture
def client() -> Iterator[tuple[TestClient, Page]]:
    page = Page()
    with TestClient(page._application("t0ken"), base_url="http://127.0.0.1:8000") as client:
        yield client, page


def test_others_may_not_listen(client: tuple[TestClient, Page]) -> None:
    one, _ = client
    assert one.get("/").status_code == 403
    for address, headers in (
        ("/events", {}),
        ("/events?token=wrong", {}),
        ("/page?token=t0ken", {"origin": "http://evil.example"}),
        ("/events?token=t0ken", {"host": "evil.example"}),
    ):
        with pytest.raises(WebSocketDisconnect), one.websocket_connect(address, headers=headers):
            pass


def test_the_page_receives_what_is_drawn_and_the_image(client: tuple[TestClient, Page]) -> None:
    one, page = client
    assert "live.js" in one.get("/", params={"token": "t0ken"}).text
    with one.websocket_connect("ws://127.0.0.1:8000/page?token=t0ken") as socket:
        page.show(FakeFrame(30), MOMENT, {"captured": 31})  # type: ignore[arg-type]
        drawn, jpeg = json.loads(socket.receive_text()), socket.receive_bytes()
    faces = [dict(zip(drawn["columns"], row, strict=True)) for row in drawn["frame"]["faces"]]
    assert [face["person"] for face in faces] == [1, 2] and drawn["status"] == {"captured": 31}
    assert [card["label"] for card in drawn["people"]] == ["person 1", "person 2"]
    assert jpeg[:2] == b"\xff\xd8"


def test_a_program_receives_the_messages_and_a_slow_one_the_newest(
    client: tuple[TestClient, Page],
) -> None:
    one, page = client
    with one.websocket_connect("ws://127.0.0.1:8000/events?token=t0ken") as socket:
        page.send({"type": "start", "n": 0}, 0.0)
        assert json.loads(socket.receive_text()) == {"type": "start", "n": 0}
        ((_, waiting),) = page._listening
        assert waiting.maxsize == BACKLOG


@pytest.mark.slow
def test_lab_streaming_layer_carries_them_with_the_time_of_capture() -> None:
    pylsl = pytest.importorskip("pylsl", reason="pylsl is not installed", exc_type=ImportError)
    push = lab_streams(f"test {time.monotonic()}")
    (info,) = pylsl.resolve_byprop("name", "eyeline_events", timeout=5) or pytest.skip("no network")
    inlet = pylsl.StreamInlet(info)
    inlet.open_stream(timeout=5)
    push({"type": "start", "label": "person 2"}, time.monotonic() - 0.5)
    sample, stamp = inlet.pull_sample(timeout=5)
    assert json.loads(sample[0]) == {"type": "start", "label": "person 2"}
    late_s = pylsl.local_clock() - stamp
    assert 0.45 < late_s < 5
    assert info.type() == "Markers" and np.isfinite(stamp)
