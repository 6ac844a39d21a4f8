"""The engine itself: beside the offline results, what cannot run, and the command as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline import sample
from eyeline.analysis import analyze_video
from eyeline.errors import UsageError
from eyeline.export.stored import load
from eyeline.geometry import directions
from eyeline.live.causal import Causal, Persons, builders_of, of_newest_frame
from eyeline.people.shared_looks import MUTUAL
from eyeline.results import Part, Points, Scores, Segments
from eyeline.settings import Settings
from eyeline.video.reader import VideoReader
from tests.export.conftest import build
from tests.people.build import track
from tests.people.test_identity import ANNA, Faces

ANALYSIS = build(3, 100, heatmaps=True)
RAN, NOW = np.array([40.0, 1.6, 1.64]), np.array([45.0, 1.8, 1.84])


@pytest.mark.parametrize("systems", [("gaze_anticipation",), ("gaze_anticipation", "gaze_3d")])
def test_a_builder_that_cannot_run_live_is_refused_by_name(systems: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="gaze_anticipation/centre_prior does not run live"):
        list(builders_of(Settings(systems=systems, ego=True)))


def test_those_that_ship_run_by_default() -> None:
    known = {one.builder.method.builder for one in builders_of(Settings(ego=True))}
    assert known == {"rendered", "landmarks_tcn", "camera_angle", "ray", "contact_and_voice"}


@pytest.mark.parametrize("answer", [a for a in ANALYSIS.answers if not isinstance(a, Segments)])
def test_a_held_answer_is_that_of_the_frame_in_which_its_builder_ran(answer: Any) -> None:
    held = of_newest_frame(answer, RAN, NOW, {1, 3})
    before = np.flatnonzero((answer.frame == 40) & np.isin(answer.person, (1, 3)))
    assert held.person.tolist() == answer.person[before].tolist()
    assert (set(held.frame), set(held.time_s)) == ({45}, {1.8})
    value = (
        "value" if isinstance(answer, Scores) else "target" if isinstance(answer, Points) else ""
    )
    if value:
        assert getattr(held, value).tolist() == getattr(answer, value)[before].tolist()
    assert getattr(held, "heatmap", None) is None


def test_segments_hold_that_had_not_ended_of_those_who_are_there() -> None:
    looks = next(a for a in ANALYSIS.of(Segments) if a.name == MUTUAL or len(a))
    ends = float(looks.end_s.max())
    later = np.array([99, ends, ends + 0.04])
    held = of_newest_frame(looks, np.array([98, ends - 0.04, ends]), later, {1, 2})
    lasting = (looks.end_s >= ends - 1e-6) & np.isin(looks.person, (1, 2))
    assert held.start_s.tolist() == looks.start_s[lasting].tolist()
    assert set(held.end_s) == {ends + 0.04} and len(held.label) == lasting.sum() > 0


def test_a_face_that_leaps_stays_its_person_and_who_is_there_is_never_somebody_new() -> None:
    """All faces look alike here; a lost track is held beside the one that carries it on."""
    portraits: Any = Faces([("front", ANNA, None)] * 4)
    portraits.move = lambda part, track_id: moved.append((part, track_id))
    moved: list[tuple[int, int]] = []
    persons = Persons(portraits)

    def step(frame: int, *faces: tuple[int, float, bool]) -> dict[int, int]:
        tracks = [
            track(range(frame, frame + 1), track_id=n, at=(x, 300.0), detected=np.array([seen]))
            for n, x, seen in faces
        ]
        named = persons.named(tracks)
        for one in named:
            before = persons.last.get(one.person)
            same = before is not None and before.track_id == one.track_id
            persons.last[one.person] = before.then(one) if before and same else one
        return {one.track_id: one.person for one in named}

    assert step(0, (1, 200.0, True), (2, 800.0, True)) == {1: 1, 2: 2}
    assert step(1, (1, 200.0, False), (2, 800.0, True)) == {1: 1, 2: 2}
    assert step(2, (1, 200.0, False), (2, 800.0, True), (3, 240.0, True)) == {3: 1, 2: 2}
    assert moved == [(1, 3)]
    assert step(3, (3, 240.0, True), (2, 800.0, True), (4, 500.0, True)) == {3: 1, 2: 2, 4: 3}


@pytest.mark.slow
def test_live_results_are_near_the_offline_ones() -> None:
    settings = Settings(systems=("gaze_3d", "gaze_following"), video=False, parts=(Part(0.0, 3.0),))
    offline = analyze_video(sample.path(), settings)
    engine = Causal(settings, "sample")
    moments = [engine.step(frame) for frame in islice(VideoReader(sample.path()), 75)]
    by_row = {
        (f, p): d
        for m in moments
        if m.answers
        for f, p, d in zip(m.people.frame, m.people.person, m.answers[0].direction, strict=True)  # type: ignore[union-attr]
    }
    gaze = offline.directions()
    keys = list(zip(gaze.frame.tolist(), gaze.person.tolist(), strict=True))
    both = [k for k, key in enumerate(keys) if key in by_row]
    assert {p for _, p in by_row} == {1, 2} and len(both) > 0.85 * len(keys)
    live = np.array([by_row[keys[k]] for k in both])
    apart = np.degrees(directions.angle(live, gaze.direction[both]))
    assert np.median(apart) < 5


@pytest.mark.slow
def test_ctrl_c_ends_the_command_and_keeps_the_recording(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eyeline", "live", str(sample.path()), "--no-page"]
    command += ["--record", str(tmp_path), "--events", "frames", "--systems", "gaze_3d"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        lines = [json.loads(line) for line in process.stdout.read().splitlines()]
        said = process.stderr.read()
    assert process.returncode == 0 and "Traceback" not in said
    assert "ending; what was recorded is kept" in said and "delay from capture to result" in said
    assert first["type"] == "frame" and lines[-1]["type"] == "summary"
    stored = load(Path(lines[-1]["recording"]))
    assert stored.clock is not None and first["frame"] in stored.clock.frame
    assert len([*VideoReader(stored.video.path)]) == stored.video.frame_count > first["frame"]
