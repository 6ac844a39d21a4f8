"""Features for annotated tracklets from their videos: the right frames, kept, failures named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from eyeline.datasets.prepare import Summary
from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact import prepare_annotated
from eyeline.systems.eye_contact.data import read_folder
from eyeline.systems.eye_contact.samples import image_samples
from eyeline.systems.eye_contact.tracklets import TrackletFile, read_tracklet
from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, views
from eyeline.systems.eye_contact.xgaze.running import GazeFeatures
from eyeline.video.reader import VideoReader
from tests.systems.eye_contact.discovery.stand_ins import HEIGHT, WIDTH, landmarked, write_video
from tests.systems.eye_contact.published import TEXT, write_folder

FRAMES = 60


class Mean:
    """A network that says how bright a face is."""

    def __call__(self, faces: Image) -> tuple[Floats, Floats]:
        level = faces.reshape(len(faces), -1).mean(axis=1)
        return np.zeros((len(faces), 2)), np.repeat(level[:, None], 6, axis=1)


@pytest.fixture(autouse=True)
def mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GazeFeatures, "open", lambda *_, **__: Mean())


def tracklet(start: int, length: int) -> TrackletFile:
    six = np.rint(landmarked().six_px) / (WIDTH, HEIGHT)
    box = np.array([100, 40, 200, 160]) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
    return TrackletFile(start, np.tile(box, (length, 1)), np.tile(six, (length, 1, 1)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The authors' root: a video of rising brightness, one too short, one that is gone."""
    names = [("id1", "aaaaaaaaaaa"), ("id2", "bbbbbbbbbbb"), ("id3", "ccccccccccc")]
    spans = {name: [tracklet(5, 20), tracklet(15, 40)] for name in names}
    (tmp_path / "w.safetensors").write_bytes(b"weights")
    write_folder(tmp_path, dict.fromkeys(names, TEXT), spans)
    vox = tmp_path / "randomVox"
    write_video(vox / "id1" / "aaaaaaaaaaa_25fps.mkv", [40 + 3 * k for k in range(FRAMES)])
    write_video(vox / "id2" / "bbbbbbbbbbb_fps25.mkv", [90] * 30)
    return tmp_path


def run(root: Path, out: Path) -> Summary:
    return prepare_annotated.run(root, out, weights={"xgaze_resnet50": root / "w.safetensors"})


def test_each_frame_has_the_feature_of_its_own_face(root: Path, tmp_path: Path) -> None:
    summary = run(root, tmp_path / "out")
    frames = [frame.rgb() for frame in VideoReader(root / "randomVox/id1/aaaaaaaaaaa_25fps.mkv")]
    for number, start, length in (("000", 5, 20), ("001", 15, 40)):
        path = tmp_path / "out/Annotations/tracklets/id1/aaaaaaaaaaa" / f"{number}.npz"
        result = read_tracklet(path)
        assert result.feature is not None and result.feature.shape == (length, 6)
        view = views(result.six_norm * (WIDTH, HEIGHT), WIDTH, HEIGHT)
        meant = [cut_faces(frames[start + k], view.warp[k : k + 1]).mean() for k in range(length)]
        np.testing.assert_allclose(result.feature[:, 0], meant, atol=0.01)
    assert summary.as_dict()["videos"] == {"done": 1, "failed": 2}


def test_what_is_there_can_be_scored_and_the_rest_is_named(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    failed = {o.name: o.message for o in run(root, out).failed}
    assert "ends at frame" in failed["id2/bbbbbbbbbbb"]
    assert failed["id3/ccccccccccc"] == "its video is not here"
    assert json.loads((out / "prepare_report.json").read_text())["failed"] == failed
    (video,) = read_folder(out).videos
    samples = image_samples(video)
    assert [sample.features.shape for sample in samples] == [(20, 6), (40, 6)]
    whole = {v.name: v for v in read_folder(root).videos}["id1_aaaaaaaaaaa"]
    for own, theirs in zip(video.tracklets, whole.tracklets, strict=True):
        np.testing.assert_array_equal(own.label, theirs.label)


def test_what_is_finished_is_kept(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(root, out)
    path = out / "Annotations/tracklets/id1/aaaaaaaaaaa/000.npz"
    before = path.stat().st_mtime_ns
    place = root / "randomVox" / "id3" / "ccccccccccc.mkv"
    place.parent.mkdir()
    shutil.copy(root / "randomVox/id1/aaaaaaaaaaa_25fps.mkv", place)
    again = run(root, out)
    assert [o.status for o in again.outcomes] == ["kept", "failed", "done"]
    assert path.stat().st_mtime_ns == before and len(read_folder(out).videos) == 2
    (root / "w.safetensors").write_bytes(b"others")
    assert {o.status for o in run(root, out).outcomes} == {"failed"}
    assert "other weights" in run(root, out).failed[0].message


def test_what_is_missing_is_said_before_work_begins(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="weights of xgaze_resnet50"):
        prepare_annotated.run(root, tmp_path / "out")
    with pytest.raises(DataError, match=r"no meta_list\.csv"):
        run(root / "randomVox" / "id1", tmp_path / "out")
