"""The scene for Rerun: heads where the boxes say, looks as answered, nobody shown who has left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eyeline.errors import OutputError, UsageError
from eyeline.export import to_rerun
from eyeline.export.colours import person_colour
from eyeline.export.to_rerun import FACE_MM, GAZE_M, HEAD_MM, traces, write_rerun
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import detect, landmarks
from eyeline.results import Analysis, Answer, Directions, People
from tests.conftest import Command
from tests.video.generate import Clip, write

MakeAnalysis = Callable[..., Analysis]
CAMERA = Camera.from_fov(1280, 720, 60)


@pytest.fixture
def chunks() -> Callable[[Path], dict[str, list[Any]]]:
    """Reads a file back: the tables of each entity."""
    pytest.importorskip("rerun", reason="rerun-sdk is not installed: pip install eyeline[rerun]")
    from rerun.chunk import RrdReader

    def read(path: Path) -> dict[str, list[Any]]:
        result: dict[str, list[Any]] = {}
        for chunk in RrdReader(path).stream():
            result.setdefault(chunk.entity_path, []).append(chunk.to_record_batch())
        return result

    return read


Read = Callable[[Path], dict[str, list[Any]]]


def column(tables: list[Any], name: str) -> list[Any]:
    """All values of a component, in the order of the rows."""
    return [v for t in tables if name in t.schema.names for v in t.column(name).to_pylist()]


def times_s(tables: list[Any]) -> list[float]:
    return [
        value / 1e9
        for t in tables
        if "video" in t.schema.names
        for value in t.column("video").cast("int64").to_pylist()
    ]


def only(analysis: Analysis, rows: np.ndarray) -> Analysis:
    """An analysis without some rows of its people."""
    columns = {k: v[rows] for k, v in vars(analysis.people).items() if v is not None}
    people = People(**columns)
    return replace(analysis, people=people)


def test_the_sizes_are_those_of_the_front_end() -> None:
    assert FACE_MM == landmarks.FACE_MM
    assert pytest.approx(landmarks.FACE_MM * detect.HEAD_HEIGHT, abs=1) == HEAD_MM


def test_heads_lie_on_the_rays_of_their_boxes_as_far_as_they_are_small(
    make_analysis: MakeAnalysis,
) -> None:
    analysis = make_analysis(persons=3, frames=50)
    result = traces(analysis, CAMERA)
    assert [t.person for t in result] == [1, 2, 3]
    for trace in result:
        box = analysis.people.box_xyxy[analysis.people.person == trace.person]
        np.testing.assert_allclose(CAMERA.project(trace.head_m), (box[:, :2] + box[:, 2:]) / 2)
        far = CAMERA.fy_px * HEAD_MM / 1000 / 88  # every box is 88 pixels high
        np.testing.assert_allclose(np.linalg.norm(trace.head_m, axis=1), far)


def test_a_face_that_grows_comes_nearer_smoothly(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=1, frames=100)
    half = np.where(np.arange(100) < 50, 40, 80) + np.where(np.arange(100) % 2, 4, -4)
    centre = np.array([[640.0, 360.0]])
    box = np.concatenate([centre - half[:, None], centre + half[:, None]], axis=1)
    people = replace(analysis.people, box_xyxy=box)
    (trace,) = traces(replace(analysis, people=people), CAMERA)
    far = np.linalg.norm(trace.head_m, axis=1)
    assert far[25] / far[75] == pytest.approx(2, rel=0.02)
    assert np.abs(np.diff(far)).max() < 0.1 * far[0]  # unsmoothed half of it at once


def test_given_boxes_are_faces(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=1, frames=3)
    (head,) = traces(analysis, CAMERA)
    (face,) = traces(replace(analysis, settings={"boxes_sha256": "ab"}), CAMERA)
    np.testing.assert_allclose(face.head_m, head.head_m * FACE_MM / HEAD_MM)


def test_arrows_and_labels_say_what_was_answered(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2, frames=50)
    first, _ = traces(analysis, CAMERA)
    gaze = analysis.directions("gaze")
    np.testing.assert_allclose(first.gaze_m, gaze.direction[gaze.person == 1] * GAZE_M)
    np.testing.assert_allclose(CAMERA.project(first.eyes_m), gaze.origin_px[gaze.person == 1])
    # as conftest tells: in the first second at person 2, in the second one into the camera
    assert first.label[0] == "person 1, looks at person 2"
    assert first.label[30] == "person 1, looks at the camera, speaks"


def test_without_directions_and_targets_there_are_heads_and_names(
    make_analysis: MakeAnalysis,
) -> None:
    none: tuple[Answer, ...] = ()
    (trace,) = traces(replace(make_analysis(persons=1, frames=5), answers=none), CAMERA)
    assert trace.label == ["person 1"] * 5
    assert not trace.gaze_m.any()


def test_who_leaves_is_gone_until_they_return(make_analysis: MakeAnalysis) -> None:
    whole = make_analysis(persons=2, frames=100)
    away = (whole.people.person == 1) & (whole.people.frame >= 20) & (whole.people.frame < 60)
    first, second = traces(only(whole, ~away), CAMERA)
    np.testing.assert_allclose(first.gone_s, [0.8, 4.0])
    np.testing.assert_allclose(second.gone_s, [4.0])


def test_the_file_holds_every_row_at_its_time(
    make_analysis: MakeAnalysis, tmp_path: Path, chunks: Read
) -> None:
    analysis = make_analysis(persons=2, frames=50)
    path = write_rerun(analysis, tmp_path / "new", CAMERA)
    assert path == tmp_path / "new" / "scene.rrd"
    tables = chunks(path)
    for trace in traces(analysis, CAMERA):
        head = tables[f"/people/person_{trace.person}/head"]
        gaze = tables[f"/people/person_{trace.person}/gaze"]
        np.testing.assert_allclose(times_s(head), trace.time_s, atol=1e-8)
        places = np.array(column(head, "Points3D:positions"))[:, 0]
        np.testing.assert_allclose(places, trace.head_m, rtol=1e-5)
        arrows = np.array(column(gaze, "Arrows3D:vectors"))[:, 0]
        np.testing.assert_allclose(arrows, trace.gaze_m, atol=1e-6)
        assert column(head, "Points3D:labels") == [[text] for text in trace.label]
        red, green, blue = person_colour(trace.person)
        packed = (red << 24) + (green << 16) + (blue << 8) + 255
        assert column(head, "Points3D:colors") == column(gaze, "Arrows3D:colors") == [[packed]]
        gone = tables[f"/people/person_{trace.person}"]
        np.testing.assert_allclose(times_s(gone), trace.gone_s, atol=1e-8)
        assert column(gone, "Clear:is_recursive") == [[True]]


def test_the_pinhole_is_the_camera_at_the_size_of_the_images(
    make_analysis: MakeAnalysis, tmp_path: Path, chunks: Read
) -> None:
    tables = chunks(write_rerun(make_analysis(persons=1, frames=2), tmp_path, CAMERA))
    (matrix,) = column(tables["/camera"], "Pinhole:image_from_camera")
    half = np.diag([0.5, 0.5, 1.0])
    np.testing.assert_allclose(np.reshape(matrix, (3, 3)).T, half @ CAMERA.matrix, rtol=1e-6)
    assert column(tables["/camera"], "Pinhole:resolution") == [[[640.0, 360.0]]]


def test_images_of_the_source_twice_a_second(
    nobody: Analysis, tmp_path: Path, chunks: Read
) -> None:
    source = write(tmp_path / "clip.mp4", Clip(frames=50, rate=Fraction(25)))
    tables = chunks(write_rerun(nobody, tmp_path, CAMERA, source))
    assert not [name for name in tables if name.startswith("/people")]
    images = tables["/camera/picture"]
    np.testing.assert_allclose(times_s(images), [0, 0.5, 1, 1.5], atol=0.021)
    blobs = [np.array(blob[0], np.uint8) for blob in column(images, "EncodedImage:blob")]
    assert [cv2.imdecode(blob, cv2.IMREAD_COLOR).shape for blob in blobs] == [(360, 640, 3)] * 4


def content(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """All but the SDK's own row numbers."""
    return {
        entity: sorted(
            str({n: t.column(n).to_pylist() for n in t.schema.names if not n.startswith("rerun.")})
            for t in parts
        )
        for entity, parts in tables.items()
    }


def test_twice_the_same_analysis_is_twice_the_same_scene(
    make_analysis: MakeAnalysis, tmp_path: Path, chunks: Read
) -> None:
    analysis = make_analysis(persons=2, frames=30)
    first, second = (write_rerun(analysis, tmp_path / name, CAMERA) for name in "ab")
    assert content(chunks(first)) == content(chunks(second))


def test_other_settings_are_another_recording(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=1, frames=3)
    other = replace(analysis, settings={"rate_hz": 5})
    assert to_rerun._identity(analysis) == to_rerun._identity(make_analysis(persons=1, frames=3))
    assert to_rerun._identity(analysis) != to_rerun._identity(other)


def test_a_long_video_has_more_rows_but_no_more_chunks(
    make_analysis: MakeAnalysis, tmp_path: Path, chunks: Read
) -> None:
    counts = []
    for name, frames in (("short", 25), ("long", 1500)):
        path = write_rerun(make_analysis(persons=4, frames=frames), tmp_path / name, CAMERA)
        counts.append({entity: len(parts) for entity, parts in chunks(path).items()})
    assert counts[0] == counts[1]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk of which the SDK says at the end that it is full."""
    rr = pytest.importorskip("rerun", reason="rerun-sdk is not installed")

    def flush(*_: object, **__: object) -> None:
        raise RuntimeError("File-writer thread shut down prematurely")

    with monkeypatch.context() as patch:
        patch.setattr(rr.RecordingStream, "flush", flush)
        yield


@pytest.mark.usefixtures("full")
def test_a_full_disk_is_reported_and_leaves_nothing(nobody: Analysis, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*scene\.rrd"):
        write_rerun(nobody, tmp_path, CAMERA)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("chunks")
def test_a_place_that_cannot_be_written(nobody: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_rerun(nobody, tmp_path / "file" / "out", CAMERA)


def test_without_the_sdk_it_says_what_to_install(
    nobody: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeline: Command
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(UsageError, match=r"pip install 'eyeline\[rerun\]'"):
        write_rerun(nobody, tmp_path, CAMERA)
    assert not list(tmp_path.iterdir())
    # known before the hours of an analysis, not after them
    ended = eyeline("analyze", "none.mp4", "-o", tmp_path / "out", "--rerun")
    assert ended.code == 2
    assert ended.err.strip() == "eyeline: --rerun needs rerun-sdk: pip install 'eyeline[rerun]'"


def test_the_option_writes_it(eyeline: Command, tmp_path: Path, chunks: Read) -> None:
    video = write(tmp_path / "blank.mp4", Clip(frames=12, rate=Fraction(25)))
    ended = eyeline("analyze", video, "-o", tmp_path / "out", "--no-video", "--rerun")
    assert ended.code == 0, ended.err
    assert "/camera/picture" in chunks(tmp_path / "out" / "blank" / "scene.rrd")


def test_cones_stand_about_the_arrows(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2, frames=10)
    half = directions.cone(analysis.directions("gaze").concentration)[0]
    for trace in traces(analysis, CAMERA):
        spoke = trace.cone_m[:, 1] - trace.eyes_m
        np.testing.assert_allclose(np.linalg.norm(spoke, axis=1), GAZE_M)
        np.testing.assert_allclose(directions.angle(spoke, trace.gaze_m), half, atol=1e-6)


def test_what_is_nearly_unknown_has_no_cone(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=1, frames=4)
    known = tuple(
        replace(a, concentration=np.full(len(a), 1e-3)) if isinstance(a, Directions) else a
        for a in analysis.answers
    )
    (trace,) = traces(replace(analysis, answers=known), CAMERA)
    np.testing.assert_allclose(
        trace.cone_m, np.broadcast_to(trace.eyes_m[:, None], trace.cone_m.shape)
    )
