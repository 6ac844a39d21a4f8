"""Several cameras of one session: found by their audio or refused, and written on one clock."""

from __future__ import annotations

import json
import math
import shutil
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from eyeline import sample, sessions
from eyeline.errors import DataError, OutputError, UsageError
from eyeline.export.session import session_timelines
from eyeline.export.stored import load
from eyeline.parts import Span
from eyeline.plan import Job, with_parts
from eyeline.results import Analysis, Part
from eyeline.sessions import Camera
from eyeline.video import sync
from tests.codings.eaf_schema import faults
from tests.conftest import Command
from tests.corrections.conftest import put
from tests.export.conftest import build, video_info

Floats = Any


def noise(steps: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(steps, len(sync.BANDS_HZ) - 1))


@pytest.mark.parametrize("late", [0, 700, -300])
@pytest.mark.parametrize("loud", [0.0, 3.0])
def test_recordings_of_one_scene_are_placed(late: int, loud: float) -> None:
    scene = noise(6000)
    a, b = scene[max(0, -late) : 5000], scene[max(0, late) :]
    b = b + loud * noise(len(b), seed=1)
    result = sync.offset_of(a, b, "two")
    assert result.offset_s == pytest.approx(late * sync.STEP_S, abs=0.5 * sync.STEP_S)
    assert result.confidence >= sync.LEAST_CONFIDENCE


@pytest.mark.parametrize("seed", range(1, 6))
def test_recordings_of_different_scenes_are_refused(seed: int) -> None:
    with pytest.raises(UsageError, match=r"does not say clearly.*give --offset"):
        sync.offset_of(noise(4000), noise(3000, seed), "two")


def test_recordings_that_part_halfway_are_refused() -> None:
    scene = noise(6000)
    with pytest.raises(UsageError, match="does not say clearly"):
        sync.offset_of(scene, np.concatenate([scene[:2500], noise(3500, 1)]), "two")


def test_clocks_of_different_rates_are_refused() -> None:
    scene = noise(6000)
    later = np.concatenate([scene[:3000], noise(20, 1), scene[3000:]])
    with pytest.raises(UsageError, match=r"different rates \(by about -2"):
        sync.offset_of(scene, later, "two")


def write_camera(path: Path, samples: Floats | None, seconds: float = 12.0) -> Path:
    """A video of grey images with audio, or without any."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=5)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = None
        if samples is not None:
            audio = container.add_stream("aac", rate=16000, layout="mono")
        grey = np.full((48, 64, 3), 90, np.uint8)
        for _ in range(round(5 * seconds)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(video.encode(None))
        for start in range(0, 0 if samples is None else len(samples) // 1024 * 1024, 1024):
            piece = np.ascontiguousarray(samples[None, start : start + 1024], np.float32)
            block = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = 16000, start, Fraction(1, 16000)
            container.mux(audio.encode(block))
        if audio is not None:
            container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Cameras of one scene, the second three seconds late, farther off and in noise; and others."""
    folder = tmp_path_factory.mktemp("cameras")
    rng = np.random.default_rng(5)
    level = np.repeat(rng.uniform(0, 1, 80) ** 3, 3200)
    heard = 0.5 * level * rng.normal(size=len(level))
    far = 0.3 * heard[48000:] + 0.01 * rng.normal(size=len(heard) - 48000)
    return {
        "near": write_camera(folder / "near.mp4", heard),
        "far": write_camera(folder / "far.mp4", far),
        "mute": write_camera(folder / "mute.mp4", None),
        "silent": write_camera(folder / "silent.mp4", np.zeros(16000 * 12)),
        "short": write_camera(folder / "short.mp4", heard[:32000], 2.0),
        "other": write_camera(folder / "other.mp4", rng.permutation(heard)),
    }


def planned(scene: dict[str, Path], out: Path, *names: str) -> list[Job]:
    return [Job(scene[name], out / name, name) for name in names]


def test_cameras_are_synchronised_by_their_audio(scene: dict[str, Path], tmp_path: Path) -> None:
    first, second = sessions.cameras(
        planned(scene, tmp_path, "far", "near"), tmp_path, [], sync=True
    )
    assert (first.name, first.how, first.offset_s) == ("near", "audio", 0.0)
    assert (second.name, second.how) == ("far", "reference")
    assert second.offset_s == pytest.approx(3.0, abs=0.01)
    assert first.confidence is not None and first.confidence >= sync.LEAST_CONFIDENCE


def test_offsets_can_be_given(scene: dict[str, Path], tmp_path: Path) -> None:
    jobs = planned(scene, tmp_path, "near", "mute", "silent")
    offsets = [f"mute={-2.5}", f"{scene['silent']}=4"]
    known = sessions.cameras(jobs, tmp_path, offsets, sync=False)
    assert [(c.name, c.offset_s) for c in known] == [("mute", 0), ("near", 2.5), ("silent", 6.5)]
    assert [c.how for c in known] == ["given", "reference", "given"]


@pytest.mark.parametrize(
    ("names", "offsets", "by_audio", "said"),
    [
        (["near"], [], True, "two or more videos"),
        (["near", "far"], [], False, r"no offset for .*far.mp4; give --offset far=SECONDS or"),
        (["near", "far"], ["far=nan"], False, "'nan' is not a number of seconds"),
        (["near", "far"], ["far=1e9"], False, "not a number of seconds"),
        (["near", "far"], ["far"], False, "'' is none of the videos"),
        (["near", "far"], ["cam=1"], False, "'cam' is none of the videos; name one of"),
        (["near", "far"], ["far=1", "far.mp4=2"], False, "twice"),
        (["near", "mute"], [], True, "mute.mp4 has no audio"),
        (["near", "silent"], [], True, "silent.mp4 is silent"),
        (["near", "short"], [], True, "short.mp4 is shorter than 5 s"),
        (["near", "other"], [], True, "does not say clearly"),
    ],
)
def test_what_makes_no_session_is_refused(
    scene: dict[str, Path], tmp_path: Path, names: list[str], offsets: list[str], by_audio: bool,
    said: str,
) -> None:  # fmt: skip
    with pytest.raises(UsageError, match=said):
        sessions.cameras(planned(scene, tmp_path, *names), tmp_path, offsets, sync=by_audio)


def test_nothing_is_analysed_where_a_session_is_wrong(
    eyeline: Command, scene: dict[str, Path], tmp_path: Path
) -> None:
    for options in (["--sync"], ["--offset", "mute=x"], ["--offset", "mute=1", "--from", "30"]):
        ended = eyeline("analyze", scene["near"], scene["mute"], "-o", tmp_path / "o", *options)
        faults = [line for line in ended.err.splitlines() if "begins at" not in line]
        assert ended.code == 2 and len(faults) == 1, ended.err
        assert not (tmp_path / "o").exists()
    missing = tmp_path / "none.mp4"
    ended = eyeline("analyze", scene["near"], missing, "-o", tmp_path / "o", "--offset", "none=1")
    assert ended.code == 2 and "cannot be read" in ended.err and not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("span", "own"),
    [
        (Span(Part(1.0, 4.0, "play")), [(1.0, 4.0), (0.0, 1.5)]),
        (Span(Part(5.0, 14.0)), [(5.0, math.inf), (2.5, 11.5)]),
        (Span(Part(4.0, math.inf)), [(4.0, math.inf), (1.5, math.inf)]),
    ],
)
def test_spans_are_on_the_clock_of_the_session(
    scene: dict[str, Path], tmp_path: Path, span: Span, own: list[tuple[float, float]]
) -> None:
    jobs = planned(scene, tmp_path, "near", "mute")
    result = with_parts(jobs, [span], {"near": 0.0, "mute": 2.5})
    assert [(p.start_s, p.end_s) for job in result for p in job.parts] == own
    assert {p.name for job in result for p in job.parts} == {span.part.name}


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([Span(Part(30.0, 40.0))], r"no video .* recorded the span 0:30 to 0:40; give times"),
        ([Span(Part(1.0, 2.0, "a"), "mute")], r"recorded the span a \(0:01 to 0:02\)"),
        ([Span(Part(1.0, 2.0))], r"no span is of .*mute\.mp4"),
    ],
)
def test_spans_that_nobody_recorded_are_refused(
    scene: dict[str, Path], tmp_path: Path, spans: list[Span], said: str
) -> None:
    jobs = planned(scene, tmp_path, "near", "mute")
    with pytest.raises(UsageError, match=said):
        with_parts(jobs, spans, {"near": 0.0, "mute": 2.5})


def test_what_others_wrote_is_not_replaced(scene: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "session.html").write_text("mine")
    with pytest.raises(OutputError, match=r"session.html is in the way"):
        sessions.cameras(planned(scene, tmp_path, "near", "far"), tmp_path, ["far=1"], sync=False)


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, list[Camera], list[Analysis]]:
    known = [
        Camera("left", "talk.mp4", "left", 0.0, "reference"),
        Camera("<right>", "talk.mp4", "right", 1.5, "audio", 1.0),
    ]
    parts = (Part(1.0, 3.0),)
    analyses = [build(2, 200), build(1, 100, video=video_info(4.0, parts=parts))]
    (tmp_path / "left").mkdir()
    (tmp_path / "left/annotated.mp4").touch()
    sessions.write(known, analyses, tmp_path)
    return tmp_path, known, analyses


def test_one_elan_file_links_all_videos(
    written: tuple[Path, list[Camera], list[Analysis]],
) -> None:
    assert faults((written[0] / "session.eaf").read_bytes()) == []
    root = ET.parse(written[0] / "session.eaf").getroot()
    media = [
        (one.get("RELATIVE_MEDIA_URL"), one.get("TIME_ORIGIN"))
        for one in root.iter("MEDIA_DESCRIPTOR")
    ]
    assert media == [("./left/annotated.mp4", "1500"), ("./talk.mp4", None)]
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE", "")) for s in root.iter("TIME_SLOT")}
    assert min(slots.values()) >= 0
    tiers = {t.get("TIER_ID"): t for t in root.iter("TIER")}
    assert {name.partition(":")[0] for name in tiers if name} == {"left", "<right>"}
    tier = tiers["left: person 1 speaking"]
    assert tier.get("PARTICIPANT") == "left: person 1"
    own = written[2][0].segments("speaking")
    ends = [1000 * e - 1500 for p, e in zip(own.person, own.end_s, strict=True) if p == 1]
    refs = [a.get("TIME_SLOT_REF2") for a in tier.iter("ALIGNABLE_ANNOTATION")]
    assert [slots[r] for r in refs] == pytest.approx([e for e in ends if e > 0])
    assert json.loads((written[0] / "session.json").read_text())["elan_begins_s"] == 1.5
    outside = tiers["<right>: not analysed"].iter("ALIGNABLE_ANNOTATION")
    ends = [(slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")]) for a in outside]
    assert ends == [(0, 1000), (3000, 4000)]


def test_the_page_shows_both_cameras_on_one_clock(
    written: tuple[Path, list[Camera], list[Analysis]],
) -> None:
    folder, known, analyses = written
    page = (folder / "session.html").read_text()
    assert "Session of 2 cameras" in page and "&lt;right&gt;: person 1" in page
    assert "<right>" not in page.replace("\\u003c", "<").partition('id="timeline"')[0]
    assert 'href="left/report.html"' in page and "confidence 99.9 % or more" in page
    assert page.count("analysed</td>") == 1 and ", 2.0 s analysed</td>" in page
    recordings = [(c.name, c.folder, c.offset_s, a) for c, a in zip(known, analyses, strict=True)]
    lines = session_timelines(recordings)
    assert lines.end_ms == 8000
    left, right = (
        next(g for g in lines.groups if g.label == f"{n}: person 1") for n in ("left", "<right>")
    )
    assert left.lanes[0].runs[0].tolist() == [0, 8000, 0] and not len(left.outside)
    assert right.lanes[0].runs[0].tolist() == [1500, 5500, 0]
    assert right.outside.tolist() == [[0, 1.5], [1.5, 2.5], [4.5, 5.5], [5.5, 8.0]]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A session whose cameras have results in folders."""
    known = []
    for name, at_s in (("left", 0.0), ("right", 1.5)):
        put(build(2, 100), tmp_path / name)
        known.append(Camera(name, f"{name}.mp4", name, at_s, "given"))
    sessions.write(known, [load(tmp_path / c.name) for c in known], tmp_path)
    assert sessions.read(tmp_path) == tuple(known)
    return tmp_path


def test_a_session_follows_corrections_of_its_cameras(eyeline: Command, stored: Path) -> None:
    computed = (stored / "session.html").read_bytes()
    ended = eyeline("correct", stored / "right", "name", 2, "mother")
    assert (ended.code, ended.err) == (0, "")
    page, document = ((stored / f"session.{end}").read_text() for end in ("html", "eaf"))
    assert "right: mother" in page and "left: person 2" in page
    assert 'href="right/corrected/report.html"' in page and "follows 1 correction</td>" in page
    assert 'TIER_ID="right: mother gaze_target"' in document
    cameras = json.loads((stored / "session.json").read_text())["cameras"]
    assert [camera["corrections"] for camera in cameras] == [0, 1]
    assert len(sessions.read(stored)) == 2
    assert eyeline("correct", stored / "left", "name", 1, "mother").code == 0
    content = json.loads((stored / "session.json").read_text())
    assert content["persons"] == {"mother": {"left": 1, "right": 2}}
    tiers = ET.parse(stored / "session.eaf").getroot().iter("TIER")
    whose = {str(t.get("TIER_ID")).rpartition(" ")[0]: t.get("PARTICIPANT") for t in tiers}
    assert whose["left: mother"] == whose["right: mother"] == "mother"
    assert whose["left: person 2"] == "left: person 2"
    page = (stored / "session.html").read_text()
    assert "<strong>mother</strong>: left (person 1), right (person 2)</p>" in page
    assert eyeline("correct", stored / "left", "undo").code == 0
    assert eyeline("correct", stored / "right", "undo").code == 0
    assert (stored / "session.html").read_bytes() == computed


@pytest.mark.parametrize("options", [[], ["--again"]])
def test_a_session_follows_a_camera_that_is_analysed_again(
    eyeline: Command, stored: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    (stored / "right.mp4").touch()

    def work(planned: list[Job], *_: object, **__: object) -> int:
        assert [job.folder for job in planned] == [stored / "right"]
        shutil.rmtree(stored / "right")
        put(build(1, 100), stored / "right")
        return 0

    monkeypatch.setattr("eyeline.cli.analyze._work", work)
    before = (stored / "session.eaf").read_text()
    ended = eyeline("analyze", stored / "right.mp4", "-o", stored, *options)
    assert (ended.code, ended.err) == (0, "")
    after = (stored / "session.eaf").read_text()
    assert "right: person 2" in before and "left: person 2" in after
    assert ("right: person 2" in after) is not bool(options)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cameras": [{"name": "left"}]}, "is damaged; analyse the session again"),
        ({"version": 2}, "another version"),
        ({"format": "another program"}, None),
    ],
)
def test_a_session_that_cannot_follow_is_reported(
    eyeline: Command, stored: Path, change: dict[str, Any], said: str | None
) -> None:
    content = json.loads((stored / "session.json").read_text())
    (stored / "session.json").write_text(json.dumps(content | change))
    before = (stored / "session.html").read_bytes()
    ended = eyeline("correct", stored / "right", "name", 2, "mother")
    assert ended.code == 0 and (said or "") in ended.err and bool(ended.err) is bool(said)
    assert (stored / "session.html").read_bytes() == before
    assert (stored / "right/corrected/report.html").is_file()


def test_folders_outside_of_a_session_are_refused(stored: Path) -> None:
    content = json.loads((stored / "session.json").read_text())
    content["cameras"][0]["folder"] = "../elsewhere"
    (stored / "session.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="names a folder outside"):
        sessions.read(stored)


@pytest.mark.slow
def test_a_session_is_analysed_and_finished_before(eyeline: Command, tmp_path: Path) -> None:
    from shutil import copy

    for name in ("cam1.mp4", "cam2.mp4"):
        copy(sample.path(), tmp_path / name)
    command: list[object] = ["analyze", tmp_path / "cam1.mp4", tmp_path / "cam2.mp4", "--sync"]
    command += ["-o", tmp_path / "out", "--no-video", "--systems", "eye_contact"]
    for _ in range(2):
        ended = eyeline(*command)
        assert ended.code == 0 and "session of 2 cameras" in ended.out, ended.err
    assert "finished before" in ended.out
    known = json.loads((tmp_path / "out/session.json").read_text())["cameras"]
    assert [c["offset_s"] for c in known] == pytest.approx([0, 0], abs=0.005)
