"""What the page's server answers, and whom it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from eyeline.corrections import append, read, rewrite, undo
from eyeline.errors import DataError
from eyeline.results import Analysis, Points, Segments, make_segments
from eyeline.viewer import server
from eyeline.viewer.server import application
from eyeline.viewer.tables import tiers
from tests.conftest import Command
from tests.export.conftest import build
from tests.viewer.conftest import TOKEN, put, served

WHOLE = {"from": 0, "to": 10.4}


def client_of(root: Path, *videos: Path, known: bool = True) -> TestClient:
    client = TestClient(application(root, TOKEN, videos), base_url="http://127.0.0.1:8000")
    if known:
        client.cookies.set("eyeline_8000", TOKEN)
    return client


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    with client_of(root) as client:
        yield client


def key_of(client: TestClient) -> str:
    return str(client.get("/api/recordings").json()["recordings"][0]["key"])


def ask(client: TestClient, what: str = "", **query: Any) -> Any:
    response = client.get(f"/api/recordings/{key_of(client)}{what}", params=query)
    assert response.status_code == 200, response.text
    return response.json()


def test_the_token_is_traded_for_a_cookie(root: Path) -> None:
    client = client_of(root, known=False)
    assert client.get("/api/recordings").status_code == 403
    assert client.get("/?token=guess").status_code == 403
    welcome = client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
    cookie = welcome.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert client.get("/").status_code == 200
    assert client.get("/api/recordings").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8000"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Cookie": "eyeline_8000=wrong"},
        {"Cookie": "eyeline_9000=t0ken"},
    ],
)
def test_others_are_refused(root: Path, headers: dict[str, str]) -> None:
    client = client_of(root, known="Cookie" not in headers)
    response = client.get("/api/recordings", headers=headers)
    assert response.status_code == 403 and response.json()["error"]


def test_every_answer_has_a_strict_policy(client: TestClient) -> None:
    for path in ("/", "/static/app.js", "/api/recordings", "/nowhere"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_the_files_of_the_page_name_no_other_place() -> None:
    for path in Path(server.__file__).with_name("static").iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text, path
        assert "innerHTML" not in text and "style=" not in text, path


def test_the_list_has_key_figures(client: TestClient, computed: Analysis) -> None:
    (row,) = client.get("/api/recordings").json()["recordings"]
    assert (row["name"], row["status"], row["persons"]) == ("talk", "ok", 2)
    assert row["duration_s"] == computed.video.duration_s
    assert row["episodes"]["gaze_following/mutual_gaze"] == len(computed.segments("mutual_gaze"))
    assert row["corrections"] == 0


def test_a_recording_is_described(client: TestClient) -> None:
    details = ask(client)
    assert [p["label"] for p in details["persons"]] == ["person 1", "person 2"]
    assert details["original"] and not details["annotated"]
    assert details["video"]["rate_hz"] == 25
    looks = next(t for t in details["tiers"] if t["tier"] == "gaze_target")
    assert {"person 1", "person 2", "scene", "off screen", "camera"} <= {*looks["values"]}
    assert {"segments.csv", "people.parquet"} <= {f["name"] for f in details["files"]}


def test_frames_of_a_span_are_those_of_the_tables(client: TestClient, computed: Analysis) -> None:
    part = ask(client, "/overlay", **{"from": 2.0, "to": 3.0})
    people, points = computed.people, computed.points()
    starts = [f["start_s"] for f in part["frames"]]
    assert starts == pytest.approx([t for t in np.unique(people.time_s) if 2 <= t < 3])
    at = {name: k for k, name in enumerate(part["columns"])}
    for frame in part["frames"]:
        rows = np.flatnonzero(np.isclose(people.time_s, frame["start_s"]))
        faces = np.array(frame["faces"], float)
        assert faces[:, at["person"]].tolist() == people.person[rows].tolist()
        boxes = faces[:, at["x1"] : at["y2"] + 1]
        np.testing.assert_allclose(boxes, people.box_xyxy[rows], rtol=0, atol=1e-3)
        assert faces[:, at["target"]].tolist() == points.target[rows].tolist()


@pytest.mark.parametrize("time_s", [0.0, 2.96, 10.36])
def test_the_frame_that_holds_is_in_its_part(client: TestClient, time_s: float) -> None:
    frames = ask(client, "/overlay", **{"from": time_s + 0.01, "to": time_s + 0.02})["frames"]
    assert [f["start_s"] <= time_s + 0.01 < f["end_s"] for f in frames] == [True]


def test_tiers_are_the_segments(client: TestClient, computed: Analysis) -> None:
    shown = ask(client, "/tiers", pixels=4000, **WHOLE)["tiers"]
    mutual = computed.segments("mutual_gaze")
    for person in (1, 2):
        (tier,) = [t for t in shown if (t["tier"], t["person"]) == ("mutual_gaze", person)]
        mine = mutual.person == person
        assert [s[0] for s in tier["spans"]] == mutual.start_s[mine].tolist()
        assert [s[1] for s in tier["spans"]] == mutual.end_s[mine].tolist()


def test_narrow_episodes_become_blocks_that_keep_time_and_number() -> None:
    rows = [(1, k * 0.02, k * 0.02 + 0.01, "speech", 1.0) for k in range(5000)]
    answer, nobody = make_segments("speech", "rule", "speaking", rows), build(1, 25, answers=())
    (tier,) = tiers([answer], nobody, 0.0, 100.0, 200)
    spans = tier["spans"]
    assert 90 <= len(spans) <= 400
    assert sum(span[3] for span in spans) == 5000
    assert sum(span[4] for span in spans) == pytest.approx(50.0)
    assert all(b[0] >= a[1] for a, b in pairwise(spans))
    (near,) = tiers([answer], nobody, 10.0, 11.0, 1000)
    assert {span[3] for span in near["spans"]} == {1}


def test_episodes_are_filtered_and_counted(client: TestClient, computed: Analysis) -> None:
    every = ask(client, "/episodes", **WHOLE)["episodes"]
    assert {a.name for a in computed.of(Segments)} <= {e["tier"] for e in every}
    assert [e["from_s"] for e in every] == sorted(e["from_s"] for e in every)
    query = {"from": 2, "to": 3, "tier": "eye_contact", "person": 1}
    for episode in ask(client, "/episodes", **query)["episodes"]:
        assert (episode["tier"], episode["person"]) == ("eye_contact", 1)
        assert episode["from_s"] < 3 and episode["to_s"] > 2


def test_the_matrix_is_of_the_span(client: TestClient, computed: Analysis) -> None:
    points = computed.points()
    part = ask(client, "/matrix", **{"from": 1.0, "to": 4.0})
    inside = (points.time_s >= 1.0 - 1e-9) & (points.time_s < 4.0 - 1e-9)
    for person, row in zip(part["persons"], part["seconds"], strict=True):
        mine = points.target[inside & (points.person == person)]
        for target, label in ((1, "person 1"), (2, "person 2"), (-2, "camera")):
            seconds = dict(zip(part["targets"], row, strict=True)).get(label, 0.0)
            assert seconds == pytest.approx((mine == target).sum() / 25, abs=0.05)


@pytest.mark.parametrize(
    "name", ["scores/eye_contact", "people/yaw_deg", "directions/gaze/yaw_deg"]
)
def test_curves_hold_all_values_between_their_bounds(client: TestClient, name: str) -> None:
    fine = ask(client, "/curve", name=name, pixels=4000, **WHOLE)["curves"]
    coarse = ask(client, "/curve", name=name, pixels=50, **WHOLE)["curves"]
    for one, other in zip(fine, coarse, strict=True):
        assert len(one["time_s"]) == 260 and len(other["time_s"]) == 50
        assert min(other["low"]) == pytest.approx(min(one["mean"]), abs=1e-3)
        assert max(other["high"]) == pytest.approx(max(one["mean"]), abs=1e-3)
        low, mean, high = (np.array(other[k]) for k in ("low", "mean", "high"))
        assert np.all(low <= mean + 1e-3) and np.all(mean <= high + 1e-3)


def test_values_that_are_not_known_are_null(tmp_path: Path, computed: Analysis) -> None:
    scores = computed.scores("eye_contact")
    changed = replace(scores, value=np.where(scores.time_s < 3, np.nan, scores.value))
    answers = tuple(changed if a is scores else a for a in computed.answers)
    put(replace(computed, answers=answers), tmp_path / "r/talk")
    client = client_of(tmp_path / "r")
    for curve in ask(client, "/curve", name="scores/eye_contact", pixels=4000, **WHOLE)["curves"]:
        assert [v is None for v in curve["mean"]] == [t < 3 - 1e-6 for t in curve["time_s"]]
    contact = [
        m for m in ask(client, "/not_codable", **WHOLE)["spans"] if m["tier"] == "eye_contact"
    ]
    assert [m["person"] for m in contact] == [1, 2]
    assert all(m["spans"] == [[0.0, 3.0]] for m in contact)


@pytest.mark.parametrize(
    ("what", "query", "says"),
    [
        ("/tiers", {"from": 0, "to": "soon"}, "must be a number"),
        ("/tiers", {"from": 0}, "not a span"),
        ("/tiers", {"from": 5, "to": 2}, "to must be after from"),
        ("/tiers", {"from": 0, "to": "inf"}, "not a span"),
        ("/curve", {"from": 0, "to": 1, "name": "scores/../x"}, "no curve called"),
        ("/overlay", {"from": 0, "to": 900}, "at most 60"),
        ("/episodes", {"from": 0, "to": 1, "person": "she"}, "must be a number"),
    ],
)
def test_wrong_requests_are_explained(
    client: TestClient, what: str, query: dict[str, Any], says: str
) -> None:
    response = client.get(f"/api/recordings/{key_of(client)}{what}", params=query)
    assert response.status_code == 400 and says in response.json()["error"]


def test_the_video_comes_in_ranges(client: TestClient, root: Path) -> None:
    whole = (root.parent / "talk.mp4").read_bytes()
    path = f"/video/{key_of(client)}/original"
    part = client.get(path, headers={"Range": "bytes=1000-1999"})
    assert part.status_code == 206 and part.content == whole[1000:2000]
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole)}"
    assert client.get(path, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert client.get(f"/video/{key_of(client)}/annotated").status_code == 404


def test_a_video_that_has_moved_is_asked_for(client: TestClient, root: Path) -> None:
    there = root.parent / "archive"
    there.mkdir()
    shutil.move(root.parent / "talk.mp4", there / "renamed.mp4")
    (root.parent / "other.mp4").write_bytes(b"another video")
    path = f"/api/recordings/{key_of(client)}/video"
    assert not ask(client)["original"]
    assert ask(client, "/tiers", **WHOLE)["tiers"]
    assert client.get(f"/video/{key_of(client)}/original").status_code == 404
    for place, says in (
        (root.parent / "nowhere.mp4", "is no file"),
        (there, "is no file"),
        (root.parent / "other.mp4", "not the video that was analysed"),
    ):
        refused = client.post(path, json={"path": str(place)})
        assert refused.status_code == 422 and says in refused.json()["error"]
    assert client.post(path, json={"path": str(there / "renamed.mp4")}).status_code == 200
    assert ask(client)["original"]
    assert client.get(f"/video/{key_of(client)}/original").status_code == 200


def test_a_folder_of_videos_is_searched(root: Path, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    shutil.move(root.parent / "talk.mp4", tmp_path / "archive/talk.mp4")
    assert not ask(client_of(root))["original"]
    assert ask(client_of(root, tmp_path / "archive"))["original"]


@pytest.mark.parametrize(
    "name",
    [
        "../../talk.mp4",
        "..%2F..%2Ftalk.mp4",
        "corrections.json",
        "%2Fetc%2Fhostname",
        "thumbnails/../analysis.json",
    ],
)
def test_only_listed_files_are_handed_out(client: TestClient, name: str) -> None:
    assert client.get(f"/files/{key_of(client)}/{name}").status_code == 404


def test_an_index_hands_out_no_file_of_another_folder(root: Path) -> None:
    index = json.loads((root / "talk/analysis.json").read_text())
    for name in ("../../talk.mp4", str(root.parent / "talk.mp4"), "thumbnails/../../../talk.mp4"):
        index["files"].append({"name": name, "bytes": 1, "sha256": ""})
    (root / "talk/analysis.json").write_text(json.dumps(index))
    client = client_of(root)
    assert not [f for f in ask(client)["files"] if "talk.mp4" in f["name"]]
    for name in ("..%2F..%2Ftalk.mp4", str(root.parent / "talk.mp4").replace("/", "%2F")):
        assert client.get(f"/files/{key_of(client)}/{name}").status_code == 404


@pytest.mark.parametrize("lost", ["video", "persons", "answers", "files"])
def test_an_index_that_lacks_something_is_one_message(root: Path, lost: str) -> None:
    index = json.loads((root / "talk/analysis.json").read_text())
    del index[lost]
    (root / "talk/analysis.json").write_text(json.dumps(index))
    client = client_of(root)
    answer = client.get(f"/api/recordings/{key_of(client)}")
    assert answer.status_code == 422 and "Analyse the video again" in answer.json()["error"]


def test_a_listed_file_is_a_download(client: TestClient, root: Path) -> None:
    response = client.get(f"/files/{key_of(client)}/segments.csv")
    assert response.content == (root / "talk/segments.csv").read_bytes()
    assert response.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "a'b\"c&d", "..odd name..", "müsli ☃", "bytes \udcff"]
)
def test_any_name_can_be_shown(tmp_path: Path, computed: Analysis, name: str) -> None:
    video = replace(computed.video, path=f"{name}.mp4")
    put(replace(computed, video=video), tmp_path / "r" / name)
    client = client_of(tmp_path / "r")
    (row,) = client.get("/api/recordings").json()["recordings"]
    assert row["name"] == os.fsencode(name).decode("utf-8", "replace")
    assert ask(client, "/overlay", **WHOLE)["frames"]


def test_damaged_results_are_a_row_of_the_list(root: Path, computed: Analysis) -> None:
    newer = put(computed, root / "newer") / "analysis.json"
    index = json.loads(newer.read_text())
    newer.write_text(json.dumps(index | {"format": index["format"] | {"version": 99}}))
    (put(computed, root / "damaged") / "analysis.json").write_text("{")
    (put(computed, root / "no_table") / "points.parquet").write_bytes(b"PAR1 no more")
    client = client_of(root)
    rows = {r["name"]: r for r in client.get("/api/recordings").json()["recordings"]}
    assert "newer eyeline" in rows["newer"]["error"] and "damaged" in rows["damaged"]["error"]
    assert "error" not in rows["talk"]
    refused = client.get(f"/api/recordings/{rows['newer']['key']}")
    assert refused.status_code == 422 and "Upgrade" in refused.json()["error"]
    hit = client.get(f"/api/recordings/{rows['no_table']['key']}/overlay", params=WHOLE)
    assert hit.status_code == 422 and "points.parquet is damaged" in hit.json()["error"]


def test_results_of_before_the_clock_was_kept_are_shown(root: Path, computed: Analysis) -> None:
    old = put(replace(computed, clock=None), root / "old")
    assert not (old / "frames.parquet").exists()
    client = client_of(root)
    rows = {r["name"]: r["key"] for r in client.get("/api/recordings").json()["recordings"]}
    part = client.get(f"/api/recordings/{rows['old']}/overlay", params={"from": 2, "to": 3})
    assert len(part.json()["frames"]) == 25


def test_results_that_are_finished_later_appear(
    client: TestClient, root: Path, computed: Analysis
) -> None:
    put(computed, root / "day 2/late")
    names = [r["name"] for r in client.get("/api/recordings").json()["recordings"]]
    assert names == ["day 2/late", "talk"]


def test_the_first_of_many_are_listed_and_others_by_name(
    root: Path, computed: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_ROWS", 1)
    put(computed, root / "Day 2/late")
    client = client_of(root)
    for find, name, total in (("", "Day 2/late", 2), ("day", "Day 2/late", 1), ("TALK", "talk", 1)):
        listed = client.get("/api/recordings", params={"find": find}).json()
        assert [row["name"] for row in listed["recordings"]] == [name]
        assert listed["total"] == total


def test_a_video_without_people(tmp_path: Path, computed: Analysis) -> None:
    put(build(0, 0, answers=(), video=computed.video), tmp_path / "r/empty")
    client = client_of(tmp_path / "r")
    assert ask(client)["persons"] == []
    assert ask(client, "/overlay", **WHOLE)["frames"] == []
    assert ask(client, "/tiers", **WHOLE)["tiers"] == []
    assert ask(client, "/matrix", **WHOLE)["persons"] == []


def test_points_without_segments_are_shown_as_episodes(tmp_path: Path, computed: Analysis) -> None:
    answers = tuple(a for a in computed.answers if not isinstance(a, Segments))
    assert any(isinstance(a, Points) for a in answers)
    put(replace(computed, answers=answers), tmp_path / "r/talk")
    episodes = ask(client_of(tmp_path / "r"), "/episodes", tier="gaze_target", **WHOLE)
    assert episodes["total"] > 10


@pytest.mark.parametrize(("name", "says"), [("nowhere", "is no folder"), (".", "no results")])
def test_no_results_is_one_message(
    eyeline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = eyeline("view", name, "--no-browser")
    assert ended.code == 1 and says in ended.err and "Traceback" not in ended.err


def test_a_port_in_use_is_one_message(eyeline: Command, root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = eyeline("view", root, "--no-browser", "--port", taken.getsockname()[1])
    assert ended.code == 1 and "is in use" in ended.err and "--port" in ended.err


def test_a_port_that_cannot_be_is_a_wrong_option(eyeline: Command, root: Path) -> None:
    ended = eyeline("view", root, "--no-browser", "--port", 70000)
    assert ended.code == 2 and "0 to 65535" in ended.err


def test_a_folder_without_results_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no results"):
        application(tmp_path, TOKEN)


GHOST = {"id": 1, "time": "2026-11-30T16:20:00Z", "who": "A", "kind": "name_person"}


def test_a_correction_that_does_not_apply_is_named(client: TestClient, root: Path) -> None:
    content = {"version": 1, "entries": [GHOST | {"person": 9, "name": "ghost"}]}
    (root / "talk/corrections.json").write_text(json.dumps(content))
    details = ask(client)
    assert details["editable"] and details["revision"] == 1
    assert "person 9" in details["unapplied"]["1"]
    assert ask(client, "/tiers", **WHOLE)["tiers"]
    assert len(ask(client, "/overlay", **WHOLE)["frames"]) == 260


def correct(client: TestClient, entry: dict[str, Any], revision: Any = 0, **more: Any) -> Any:
    content = {"entry": entry, "revision": revision, "who": "coder A"} | more
    return client.post(f"/api/recordings/{key_of(client)}/corrections", json=content)


NAME = {"kind": "name_person", "person": 1, "name": "mother"}
LOOK = {"kind": "add_episode", "tier": "gaze_target", "person": 1}
LOOK |= {"value": "scene", "from_s": 1.0, "to_s": 4.0}
TOY: dict[str, Any] = {"kind": "area", "name": "toy", "shape": "box"}
TOY |= {
    "keyframes": [
        {"time_s": t, "points": [[x, 10.0], [x + 50, 60.0]]} for t, x in ((0, 0), (4, 100))
    ]
}


def test_a_correction_is_kept_with_who_and_shown(client: TestClient, root: Path) -> None:
    assert correct(client, NAME).json() == {"revision": 1}
    (entry,) = read(root / "talk").entries
    assert (entry.who, entry.kind) == ("coder A", "name_person")
    details = ask(client)
    assert details["persons"][0]["name"] == "mother" and details["undo"] == 1
    assert details["names"] == {"person 1": "mother"}


def test_what_is_shown_follows_the_corrections(client: TestClient) -> None:
    before = ask(client, "/matrix", **{"from": 1, "to": 4})
    assert correct(client, LOOK).status_code == 200
    after = ask(client, "/matrix", **{"from": 1, "to": 4})
    row = dict(zip(after["targets"], after["seconds"][0], strict=True))
    assert row["scene"] == pytest.approx(3.0) and before != after
    sources = {e["source"] for e in ask(client, "/episodes", **WHOLE)["episodes"]}
    assert sources == {"computed", "corrected"}
    targets = [f["faces"][0][11] for f in ask(client, "/overlay", **{"from": 1, "to": 4})["frames"]]
    assert {*targets} == {0}
    assert client.post(f"/api/recordings/{key_of(client)}/undo", json={"revision": 1}).is_success
    assert ask(client, "/matrix", **{"from": 1, "to": 4}) == before


def test_an_area_moves_between_its_key_frames(client: TestClient) -> None:
    assert correct(client, TOY).status_code == 200
    frames = ask(client, "/overlay", **{"from": 2, "to": 6})["frames"]
    (name, corners), *others = frames[0]["areas"]
    assert name == "toy" and not others
    assert sorted(corners) == [[50, 10], [50, 60], [100, 10], [100, 60]]
    assert frames[-1]["areas"] == []
    assert [area["name"] for area in ask(client)["areas"]] == ["toy"]


def test_a_stale_revision_is_refused(client: TestClient, root: Path) -> None:
    assert correct(client, NAME).status_code == 200
    kept = (root / "talk/corrections.json").read_bytes()
    for answer in (
        correct(client, NAME | {"name": "aunt"}),
        client.post(f"/api/recordings/{key_of(client)}/undo", json={"revision": 0}),
    ):
        assert answer.status_code == 409 and "nothing was written" in answer.json()["error"]
    assert (root / "talk/corrections.json").read_bytes() == kept


@pytest.mark.parametrize(
    ("entry", "more", "status", "says"),
    [
        (NAME | {"person": 9}, {}, 422, "there is no person 9"),
        (NAME | {"name": ""}, {}, 422, "name"),
        (NAME | {"more": 1}, {}, 422, "more"),
        ({"kind": "explode"}, {}, 422, "kind"),
        (LOOK | {"to_s": 0.5}, {}, 422, "later than"),
        (LOOK | {"tier": "mood"}, {}, 422, "no tier"),
        (NAME, {"revision": None}, 400, "revision"),
        (NAME, {"revision": True}, 400, "revision"),
        (NAME, {"who": 7}, 400, "who"),
        ("name", {}, 400, "entry"),
    ],
)
def test_a_wrong_correction_is_explained_and_not_kept(
    client: TestClient, root: Path, entry: Any, more: dict[str, Any], status: int, says: str
) -> None:
    answer = correct(client, entry, **more)
    assert answer.status_code == status and says in answer.json()["error"]
    assert not (root / "talk/corrections.json").exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7"])
def test_what_is_no_correction_is_refused(client: TestClient, body: bytes) -> None:
    path = f"/api/recordings/{key_of(client)}/corrections"
    for headers in ({"Content-Type": "application/json"}, {"Content-Type": "text/plain"}):
        answer = client.post(path, content=body, headers=headers)
        assert answer.status_code in (400, 422) and answer.json()["error"]


def test_the_list_says_whether_exports_follow_the_corrections(
    client: TestClient, root: Path
) -> None:
    def listed() -> tuple[int, str]:
        row = client.get("/api/recordings").json()["recordings"][0]
        return row["corrections"], row["corrected_exports"]

    report = f"/files/{key_of(client)}/corrected/report.html"
    assert listed() == (0, "none") and client.get(report).status_code == 404
    append(root / "talk", {"kind": "name_person", "person": 1, "name": "mother"})
    assert listed() == (1, "none")
    rewrite(root / "talk")
    assert listed() == (1, "current") and "mother" in client.get(report).text
    undo(root / "talk")
    assert listed() == (0, "outdated")


def test_corrections_that_cannot_be_read_leave_the_results(client: TestClient, root: Path) -> None:
    (root / "talk/corrections.json").write_text("{")
    details = ask(client)
    assert not details["editable"] and "corrections.json" in details["problem"]
    assert ask(client, "/tiers", **WHOLE)["tiers"]
    assert correct(client, NAME).status_code == 422
    assert (root / "talk/corrections.json").read_text() == "{"
    assert client.get("/api/recordings").json()["recordings"][0]["corrections"] is None


def test_exports_that_follow_are_listed(client: TestClient, root: Path) -> None:
    assert correct(client, NAME).status_code == 200
    path = f"/api/recordings/{key_of(client)}/exports"
    answer = client.post(path, json={"revision": 1, "who": ""})
    assert "corrected/segments.csv" in {f["name"] for f in answer.json()["files"]}
    got = client.get(f"/files/{key_of(client)}/corrected/segments.csv")
    assert "mother" in got.text


@pytest.mark.slow
def test_a_kill_while_correcting_loses_nothing_that_was_acknowledged(root: Path) -> None:
    acknowledged: list[str] = []
    with served(root) as (address, process):
        base, _, token = address.partition("/?")
        with httpx.Client(base_url=base, timeout=60, follow_redirects=True) as client:
            client.get(f"/?{token}")
            key = client.get("/api/recordings").json()["recordings"][0]["key"]
            killer = threading.Timer(2.0, process.kill)
            killer.start()
            with pytest.raises(httpx.TransportError):
                while len(acknowledged) < 10_000:
                    name = f"name {len(acknowledged)}"
                    content = {"entry": NAME | {"name": name}, "revision": len(acknowledged)}
                    answer = client.post(f"/api/recordings/{key}/corrections", json=content)
                    assert answer.status_code == 200, answer.text
                    acknowledged.append(name)
            killer.join()
    kept = [entry.name for entry in read(root / "talk").entries]
    assert acknowledged and kept[: len(acknowledged)] == acknowledged
    assert len(kept) <= len(acknowledged) + 1


def test_the_docs_list_every_key() -> None:
    script = Path(server.__file__).with_name("static") / "keys.js"
    commands = re.findall(r'^  \[\[(.*?)\], "(.*?)", ', script.read_text(encoding="utf-8"), re.M)
    page = (Path(__file__).parents[2] / "docs/view.md").read_text(encoding="utf-8")
    assert len(commands) > 25
    for keys, what in commands:
        shown = ", ".join(f"`{key}`" for key in re.findall(r'"(.*?)"', keys))
        assert f"| {shown} | {what} |" in page
