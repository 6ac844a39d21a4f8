"""The whole front end and the geometric builders on real clips, which lie beside the repository
and never in it."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.clips import MEMBERS, SIDES, side
from eyeline.analysis import analyze_video
from eyeline.geometry import boxes
from eyeline.geometry.camera import Camera
from eyeline.results import Analysis, Floats, Points
from eyeline.settings import Settings

CLIPS = {
    "couch": "reference/vgs/data/video/012.mp4",
    "girls": "media/two_girls_drawings.mp4",
    "father": "media/father_daughter_toy.mp4",
}
REFERENCE_TRACKS = (3, 0, 2, 1)
"""Their tracks in the reference."""

Analysed = Callable[[str], Analysis]


@pytest.fixture(scope="module")
def analysed(shared: Path) -> Analysed:
    """Each clip once."""

    @cache
    def analyse(name: str) -> Analysis:
        return analyze_video(shared / CLIPS[name], Settings())

    return analyse


def rows(analysis: Analysis, person: int) -> np.ndarray:
    return np.flatnonzero(analysis.people.person == person)


@pytest.mark.parametrize(("clip", "count"), [("couch", 4), ("girls", 2), ("father", 2)])
def test_everybody_is_one_person_in_every_frame(analysed: Analysed, clip: str, count: int) -> None:
    analysis = analysed(clip)
    assert len(analysis.persons) == count
    for person in analysis.persons:
        assert len(person.track_ids) == 1
        assert len(rows(analysis, person.person)) == analysis.video.frame_count


def test_the_couch_is_numbered_from_left_to_right(analysed: Analysed) -> None:
    analysis = analysed("couch")
    first = [analysis.people.eyes_px[rows(analysis, p)[0], 0] for p in (1, 2, 3, 4)]
    assert first == sorted(first)


@pytest.mark.parametrize("what", ["head_boxes", "track_boxes"])
def test_heads_agree_with_the_reference(analysed: Analysed, shared: Path, what: str) -> None:
    """Reference heads are squares 1.8 faces wide; reference faces are S3FD's. Ours lies between
    the two in size."""
    analysis = analysed("couch")
    reference = np.load(
        shared / "reference/vgs/data/speaker_012/speaker_012.npz", allow_pickle=False
    )
    result = []
    for person, track in enumerate(REFERENCE_TRACKS, start=1):
        ours = analysis.people.box_xyxy[rows(analysis, person)]
        theirs = _reference(reference, what, track)
        result += [boxes.iou(a[None], b[None])[0, 0] for a, b in zip(ours, theirs, strict=False)]
    assert np.mean(np.array(result) >= 0.3) >= 0.98


def _reference(reference: np.lib.npyio.NpzFile, what: str, track: int) -> Floats:
    if what == "head_boxes":
        return np.asarray(reference[what][track], float)
    box = reference[what][track][:, [1, 0, 3, 2]]
    return np.asarray(box * [1280, 720, 1280, 720])


def test_sides_of_the_couch_are_right_to_the_eye(analysed: Analysed) -> None:
    """Labelled by eye in every 15th frame before the figures were seen; `closed` eyes are left out.

    8 of the 105 labels allow two sides. Thresholds of the rule and the builder's constants were
    set on this clip.
    """
    analysis, camera = analysed("couch"), Camera.from_fov(1280, 720)
    gaze = analysis.directions("gaze")
    right = labelled = 0
    with SIDES.open() as file:
        for row in csv.DictReader(file):
            for person, member in enumerate(MEMBERS, start=1):
                at = np.flatnonzero((gaze.person == person) & (gaze.frame == int(row["frame"])))[0]
                if row[member] != "closed":
                    labelled += 1
                    result = side(gaze.direction[at], camera.rays(gaze.origin_px[at]))
                    right += result in row[member].split("|")
    assert labelled == 105
    assert right / labelled >= 0.95


@pytest.mark.parametrize("clip", ["girls", "father"])
def test_drawings_and_toys_are_nobodys_face(analysed: Analysed, clip: str) -> None:
    points = analysed(clip).points("gaze_target")
    assert isinstance(points, Points)
    assert (points.target > 0).mean() < 0.05


def test_clips_without_audio_say_nothing_of_speech(analysed: Analysed) -> None:
    analysis = analysed("father")
    assert not analysis.video.has_audio
    assert not [a for a in analysis.answers if a.name == "speaking"]
    assert any("no audio" in warning for warning in analysis.warnings)


def test_two_runs_are_equal(analysed: Analysed, shared: Path) -> None:
    first, again = analysed("father"), analyze_video(shared / CLIPS["father"], Settings())
    for a, b in zip((first.people, *first.answers), (again.people, *again.answers), strict=True):
        for name, value in vars(a).items():
            assert np.array_equal(
                value, getattr(b, name), equal_nan=np.asarray(value).dtype.kind == "f"
            ), name


def test_people_are_known_again_after_a_cut(shared: Path, tmp_path: Path) -> None:
    """Five shots of three clips: who comes back is the same person, who is new is somebody new."""
    from eyeline.video.reader import VideoReader
    from eyeline.video.writer import VideoWriter

    shots = [("couch", 0, 60), ("father", 0, 60), ("couch", 250, 310), ("girls", 120, 180)]
    shots.append(("father", 90, 150))
    path, written = tmp_path / "spliced.mp4", 0
    with VideoWriter(path, VideoReader(shared / CLIPS["father"]).info) as out:
        for clip, first, last in shots:
            for frame in itertools.islice(VideoReader(shared / CLIPS[clip]), first, last):
                out.write(frame.rgb(), written / 25, (written + 1) / 25)
                written += 1
    analysis = analyze_video(path, Settings(systems=("gaze_3d",)))
    seen = [
        sorted(set(analysis.people.person[analysis.people.frame == 60 * shot + 30].tolist()))
        for shot in range(5)
    ]
    assert seen == [[1, 2, 3, 4], [5, 6], [1, 2, 3, 4], [7, 8], [5, 6]]
    starts = {int(analysis.people.frame[analysis.people.track_id == t].min()) for t in range(1, 15)}
    assert starts == {0, 60, 120, 180, 240}
