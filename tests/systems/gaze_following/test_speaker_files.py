"""Files of the published speaker detector: invented ones, and those of the authors' own run."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.speech.syncnet.crops import Squares
from eyeline.systems.gaze_following import speaker_files as files
from eyeline.systems.gaze_following.heads import Heads, Maps
from eyeline.systems.gaze_following.speaker_files import StoredFaces, StoredOffset, StoredScenes
from eyeline.systems.gaze_following.tracking import FaceTrack, track_faces


@pytest.fixture
def original(shared: Path) -> Path:
    return shared / "reference/vgs/data/speaker_012/original_files"


@pytest.fixture
def stored(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz") as file:
        return dict(file)


def test_their_faces_and_tracks(original: Path, stored: dict[str, np.ndarray]) -> None:
    faces = files.read_faces(original / "faces.pckl")
    np.testing.assert_array_equal(faces.frame, stored["det"][:, 0])
    np.testing.assert_array_equal(faces.box_norm, stored["det"][:, 1:5])
    np.testing.assert_array_equal(faces.score, stored["det"][:, 5])
    scenes = files.read_scenes(original / "scene.pckl")
    assert (faces.frames_read, scenes) == (395, StoredScenes(395, ()))
    theirs = files.read_tracks(original / "tracks.pckl")
    created = track_faces(
        faces.frame, faces.box_norm, frames_read=scenes.frames_read, cuts=scenes.cuts
    )
    for ours, track in zip(created, theirs, strict=True):
        np.testing.assert_array_equal(ours.frame, track.track.frame)
        np.testing.assert_array_equal(ours.box_norm, track.track.box_norm)
    np.testing.assert_array_equal([t.squares.y_px for t in theirs], stored["crop_y"])


def test_their_answers(original: Path, stored: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(
        files.read_distances(original / "activesd.pckl"), stored["sync_dist"]
    )
    offsets = files.read_offsets(original / "offsets.txt")
    assert [o.ticks for o in offsets] == stored["offset"].tolist()
    np.testing.assert_allclose([o.confidence for o in offsets], stored["conf"])
    np.testing.assert_array_equal(
        files.read_array(original / "whospeaks.npy", 1), stored["whospeaks"]
    )
    boxes = files.read_head_boxes(original / "012_frame_faces_boxes.npy")
    np.testing.assert_array_equal(boxes, stored["head_boxes"])
    corners = files.read_head_boxes(original / "012_faces_bboxes.npy")
    np.testing.assert_array_equal(corners[:, :, 0], boxes[:, :, :2])
    np.testing.assert_array_equal(corners[:, :, 2], boxes[:, :, 2:])


def test_their_files_are_written_back(original: Path, tmp_path: Path) -> None:
    def same(name: str, read: Callable[[Path], object], write: Callable[..., None]) -> None:
        write(tmp_path / name, read(original / name))
        assert_same(read(tmp_path / name), read(original / name))

    same("faces.pckl", files.read_faces, files.write_faces)
    same("scene.pckl", files.read_scenes, files.write_scenes)
    same("tracks.pckl", files.read_tracks, files.write_tracks)
    same("activesd.pckl", files.read_distances, files.write_distances)
    same("offsets.txt", files.read_offsets, files.write_offsets)
    for name in ("offsets.txt", "scene.pckl", "activesd.pckl"):
        assert (tmp_path / name).read_bytes() == (original / name).read_bytes()


def assert_same(found: object, wanted: object) -> None:
    if isinstance(wanted, (list, tuple)):
        assert isinstance(found, type(wanted))
        for ours, theirs in zip(found, wanted, strict=True):
            assert_same(ours, theirs)
    else:
        np.testing.assert_array_equal(found, wanted)


def test_made_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    faces = StoredFaces(np.array([0, 0, 2]), rng.random((3, 4)), rng.random(3), 4)
    files.write_faces(tmp_path / "faces.pckl", faces)
    assert_same(files.read_faces(tmp_path / "faces.pckl"), faces)
    files.write_scenes(tmp_path / "scene.pckl", StoredScenes(90, (0, 40)))
    assert files.read_scenes(tmp_path / "scene.pckl") == (90, (0, 40))
    track = files.StoredTrack(
        FaceTrack(np.arange(5), rng.random((5, 4))), Squares(*np.ones((3, 5)))
    )
    files.write_tracks(tmp_path / "tracks.pckl", [track])
    assert_same(files.read_tracks(tmp_path / "tracks.pckl"), [track])
    files.write_offsets(tmp_path / "offsets.txt", [StoredOffset(-3, 1.25)])
    assert files.read_offsets(tmp_path / "offsets.txt") == [StoredOffset(-3, 1.25)]
    files.write_array(tmp_path / "V_feats.npy", np.ones((2, 3, 4), np.float32))
    assert files.read_array(tmp_path / "V_feats.npy", 3).shape == (2, 3, 4)
    heads = Heads(*np.arange(24).reshape(3, 2, 4))
    files.write_head_boxes(tmp_path, "012", heads)
    result = files.read_head_boxes(tmp_path / "012_frame_faces_boxes.npy")
    np.testing.assert_array_equal(result, heads.box_xyxy)
    corners = files.read_head_boxes(tmp_path / "012_faces_bboxes.npy")
    np.testing.assert_array_equal(corners, heads.corners_px)
    named = (tmp_path / "tracks.pckl").read_bytes() + (
        tmp_path / "012_faces_bboxes.npy"
    ).read_bytes()
    assert b"numpy._core" not in named, "older numpy would not find it"


def test_maps(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drawn = Maps(*(255 * rng.integers(0, 2, (2, 30, 40))).astype(np.uint8))
    files.write_maps(tmp_path, "012", 7, drawn)
    assert {p.name for p in tmp_path.iterdir()} == {"012_f7_speaker.png", "012_f7_nonspeaker.png"}
    result = files.read_maps(tmp_path, "012", 7)
    assert result is not None
    np.testing.assert_array_equal(result, drawn)
    assert files.read_maps(tmp_path, "012", 8) is None
    (tmp_path / "012_f7_speaker.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="not two images"):
        files.read_maps(tmp_path, "012", 7)
    (tmp_path / "012_f7_speaker.png").unlink()
    with pytest.raises(DataError, match="without its other half"):
        files.read_maps(tmp_path, "012", 7)


class Harm:
    """Runs a command where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return subprocess.run, (["touch", str(self.path)],)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    (tmp_path / "faces.pckl").write_bytes(pickle.dumps([Harm(tmp_path / "harmed")]))
    with pytest.raises(DataError, match=r"asks for subprocess\.run"):
        files.read_faces(tmp_path / "faces.pckl")
    np.save(
        tmp_path / "h.npy", np.array({"0": Harm(tmp_path / "harmed")}, object), allow_pickle=True
    )
    with pytest.raises(DataError, match=r"asks for subprocess\.run"):
        files.read_head_boxes(tmp_path / "h.npy")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("content", "read", "said"),
    [
        ({"a": 1}, files.read_faces, "holds a dict; expected a list"),
        ([[[0, [1, 2, 3], 0.5]]], files.read_faces, r"a face is \[frame"),
        ([[[0, 1, 0.5]]], files.read_faces, r"a face is \[frame"),
        ([[[10**30, [1, 2, 3, 4], 0.5]]], files.read_faces, r"a face is \[frame"),
        ([3], files.read_scenes, "first frames of shots"),
        ([3, ["a"]], files.read_scenes, "first frames of shots"),
        ([[[1, 2], 3]], files.read_tracks, "a track is"),
        ([[[[0, 1], [[1, 2, 3, 4]] * 2], [[1.0], [1.0], [1.0]]]], files.read_tracks, "unequal"),
        ([[[0, [[1, 2, 3, 4]]], [1.0, 1.0, 1.0]]], files.read_tracks, "unequal"),
        ([[1, 2]], files.read_distances, "a table of distances"),
    ],
)
def test_other_content_is_refused(
    tmp_path: Path, content: object, read: Callable[[Path], object], said: str
) -> None:
    (tmp_path / "file.pckl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=said):
        read(tmp_path / "file.pckl")


def test_other_head_boxes_are_refused(tmp_path: Path) -> None:
    for content, said in (
        ({"1": [[1, 2, 3, 4]]}, "expected tracks '0'"),
        ({"0": [[1, 2, 3, 4]], 1: 0}, "expected tracks '0', .* got 0, 1"),
        ({"0": [[1, 2, 3, 4]], "1": []}, "unequal length"),
        ({"0": [[1, 2, 3]]}, "4 sides or 4 corners"),
    ):
        np.save(tmp_path / "h.npy", np.array(content, object), allow_pickle=True)
        with pytest.raises(DataError, match=said):
            files.read_head_boxes(tmp_path / "h.npy")


def test_offsets_with_a_fault_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "offsets.txt"
    path.write_text("FILENAME\tOFFSET\tCONF\n00000.avi\t1\t2.000\n00001.avi\tx\t1\n")
    with pytest.raises(DataError, match="line 3"):
        files.read_offsets(path)
    path.write_text("")
    with pytest.raises(DataError, match="line 1"):
        files.read_offsets(path)
