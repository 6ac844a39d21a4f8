"""`convert gaze_following/vgs`: the authors' files to tables and back, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.speech.syncnet.crops import Squares
from eyeline.systems.gaze_following import convert, formats
from eyeline.systems.gaze_following import speaker_files as files
from eyeline.systems.gaze_following.detector import coco
from eyeline.systems.gaze_following.heads import Heads
from eyeline.systems.gaze_following.speaker_files import StoredFaces, StoredOffset, StoredScenes
from eyeline.systems.gaze_following.tracking import FaceTrack
from tests.conftest import Command

RNG = np.random.default_rng(0)
WHAT = "gaze_following/vgs"


def _coco(path: Path) -> None:
    images = [{"id": n, "file_name": f"012100{n}.jpg", "width": 640, "height": 360} for n in (1, 2)]
    one = coco.instance(1, 1, np.array([1.5, 2, 30, 40.25]))
    content = {"images": images, "annotations": [one], "categories": [{"id": 1, "name": "target"}]}
    path.write_text(json.dumps(content))


def _candidates(path: Path) -> None:
    some = formats.Candidates("0121000.jpg", 300 * RNG.random((3, 4)), RNG.random(3))
    none = formats.Candidates("0121001.jpg", np.zeros((0, 4)), np.zeros(0))
    formats.write_candidates_text(path, [some, none])


def _faces(path: Path) -> None:
    rows = np.array([0, 0, 2]), RNG.random((3, 4)), RNG.random(3)
    files.write_faces(path, StoredFaces(*rows, frames_read=5))


def _tracks(path: Path) -> None:
    tracks = [FaceTrack(np.arange(n) + n, RNG.random((n, 4))) for n in (5, 3)]
    squares = [Squares(*RNG.random((3, len(t.frame)))) for t in tracks]
    both = zip(tracks, squares, strict=True)
    files.write_tracks(path, [files.StoredTrack(*each) for each in both])


def _heads(path: Path) -> None:
    files.write_head_boxes(path.parent, "012", Heads(*RNG.integers(0, 99, (3, 2, 4))))


def _distances(path: Path) -> None:
    files.write_distances(path, [RNG.random((n, 31)) for n in (4, 2)])


def _offsets(path: Path) -> None:
    files.write_offsets(path, [StoredOffset(-3, 1.25), StoredOffset(6, 0.847)])


MADE: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], Any]]] = {
    "candidates": ("x101_1x_test.txt", _candidates, formats.read_candidates_text),
    "annotations": ("instances_val2017.json", _coco, lambda path: coco.read(path).images),
    "faces": ("faces.pckl", _faces, files.read_faces),
    "scenes": (
        "scene.pckl",
        lambda path: files.write_scenes(path, StoredScenes(90, (0, 40))),
        files.read_scenes,
    ),
    "tracks": ("tracks.pckl", _tracks, files.read_tracks),
    "distances": ("activesd.pckl", _distances, files.read_distances),
    "offsets": ("offsets.txt", _offsets, files.read_offsets),
    "head_boxes": ("012_frame_faces_boxes.npy", _heads, files.read_head_boxes),
    "head_corners": ("012_faces_bboxes.npy", _heads, files.read_head_boxes),
    "speakers": (
        "whospeaks.npy",
        lambda path: files.write_array(path, np.array([0, 1, np.nan])),
        lambda path: files.read_array(path, 1),
    ),
}


def assert_same(found: Any, wanted: Any) -> None:
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            assert_same(ours, theirs)
    else:
        np.testing.assert_array_equal(found, wanted)


def there_and_back(eyeline: Command, given: Path, folder: Path) -> Path:
    table, again = folder / "table.csv", folder / "again" / given.name
    for source, out in ((given, table), (table, again)):
        ended = eyeline("convert", WHAT, source, "-o", out)
        assert ended.code == 0, ended.err
        assert json.loads(ended.out)["file"] == str(out)
    return again


@pytest.mark.parametrize("kind", convert.KINDS)
def test_every_kind_there_and_back(eyeline: Command, tmp_path: Path, kind: str) -> None:
    name, write, read = MADE[kind]
    write(tmp_path / name)
    again = there_and_back(eyeline, tmp_path / name, tmp_path)
    assert_same(read(again), read(tmp_path / name))
    if kind != "annotations":  # segments of masks come back as boxes
        assert again.read_bytes() == (tmp_path / name).read_bytes()


def test_the_authors_own_files(eyeline: Command, shared: Path, tmp_path: Path) -> None:
    data = shared / "reference/vgs/data"
    own = [*(data / "speaker_012/original_files").iterdir()]
    own += (data / "candidates_012").glob("*.txt")
    readers = {name: read for name, _, read in MADE.values()}
    assert len(own) == 9
    for number, given in enumerate(sorted(own)):
        again = there_and_back(eyeline, given, tmp_path / str(number))
        assert_same(readers[given.name](again), readers[given.name](given))


@pytest.mark.parametrize(
    ("source", "out", "options", "code", "message"),
    [
        ("tracks.pckl", "t.pckl", (), 2, "one of both must be a table"),
        ("notes.pckl", "t.csv", (), 2, "is no name of the authors' files"),
        ("tracks.pckl", "t.csv", ("--set", "kind=letters"), 2, "kind is"),
        ("tracks.pckl", "t.csv", ("--set", "kind=faces"), 1, "a face is"),
        ("table.csv", "tracks.pckl", (), 1, "no column"),
        ("table.csv", "scene.pckl", (), 1, "frames_read must be one number"),
        ("faces.csv", "faces.pckl", (), 1, "every frame needs a row"),
        ("absent.csv", "scene.pckl", (), 1, "No such file"),
        ("table.csv", "table.csv", (), 2, "is read by this command"),
    ],
)
def test_other_files_are_refused_and_nothing_is_written(
    eyeline: Command,
    tmp_path: Path,
    source: str,
    out: str,
    options: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    for name in ("tracks.pckl", "notes.pckl"):
        _tracks(tmp_path / name)
    (tmp_path / "table.csv").write_text("frames_read,first_frame\n90,0\n91,\n")
    (tmp_path / "faces.csv").write_text(
        "frame,y1_norm,x1_norm,y2_norm,x2_norm,score\n0,,,,,\n1000000000000,,,,,\n"
    )
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    given = tmp_path / "given"
    given.mkdir()
    for name, content in before.items():
        (given / name).write_bytes(content)
        (tmp_path / name).unlink()
    target = given / out if source == out else tmp_path / out
    ended = eyeline("convert", WHAT, given / source, "-o", target, *options)
    assert (ended.code, "Traceback" in ended.err) == (code, False), ended.err
    assert message in " ".join(ended.err.split()), ended.err
    assert [p.name for p in tmp_path.iterdir()] == ["given"]


def test_systems_without_such_files_say_so(eyeline: Command, tmp_path: Path) -> None:
    ended = eyeline("convert", "gaze_3d/gafa", tmp_path / "a.csv", "-o", tmp_path / "b.txt")
    assert ended.code == 2 and "converts no files of 'gafa'" in ended.err
