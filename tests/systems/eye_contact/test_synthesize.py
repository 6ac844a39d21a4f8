"""The tiny data set: the authors' layout, the same for the same seed, read by the whole chain."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import OutputError, UsageError
from eyeline.systems.eye_contact import synthesize
from eyeline.systems.eye_contact.annotations import annotation, frame_labels, read_annotation
from eyeline.systems.eye_contact.data import read_folder
from eyeline.systems.eye_contact.elan import parse_elan
from eyeline.systems.eye_contact.simulation import FEATURES, simulate
from eyeline.systems.eye_contact.synthesize import Written, elan_text
from eyeline.systems.eye_contact.tracklets import read_tracklet


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return synthesize.run(
        tmp_path_factory.mktemp("s") / "data", videos=2, test_videos=2, seconds=24
    )


def sums(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(written: Written, tmp_path: Path) -> None:
    again = synthesize.run(tmp_path / "again", videos=2, test_videos=2, seconds=24)
    assert again.frames == written.frames
    assert sums(tmp_path / "again") == sums(written.training.parent)
    other = synthesize.run(tmp_path / "other", videos=1, test_videos=1, seconds=24, seed=1)
    assert not set(sums(tmp_path / "other").values()) & set(sums(written.training.parent).values())
    assert other.clips is None


def test_the_layout_is_the_authors(written: Written) -> None:
    with (written.training / "randomVoxMeta.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["celebrity_id"] for r in rows] == ["id90001", "id90002"]
    for row in rows:
        person = written.training / row["celebrity_id"]
        with np.load(person / f"{row['celebrity_id']}_face_embedding.npz") as file:
            assert file["arr_0"].shape == (30, 128)
        place = person / "tracklets" / f"{row['video_name']}_fps25"
        names = sorted(p.name for p in place.iterdir())
        assert names[0] == "000.npz" and names[-1] == "fixations.csv"
        seen = {f for n in names[:-1] for f in _frames(place / n)}
        table = np.genfromtxt(place / "fixations.csv", delimiter=",", names=True)
        assert table.dtype.names == ("frame", "x", "y", "z", "camera_x", "camera_y")
        assert seen <= set(table["frame"].astype(int)), "a gaze point for every tracklet frame"
        assert np.hypot(table["x"], table["z"]) == pytest.approx(1000, abs=1e-6)


def _frames(path: Path) -> range:
    own = read_tracklet(path)
    assert own.feature is not None and own.feature.shape == (len(own), FEATURES)
    return range(own.start_frame, own.end_frame)


def test_the_annotated_part_is_read_and_labelled_right(written: Written) -> None:
    """Labels from the texts are those of the simulated person, frame by frame."""
    result = read_folder(written.annotations.parent)
    assert [v.celebrity for v in result.videos] == ["id91001", "id91002"]
    assert {v.fold for v in result.videos} == {0, 1}
    assert sum("equal to the one before" in n for n in result.notes) == 1
    assert sum("has no tracklet" in n for n in result.notes) == 1
    for number, video in enumerate(result.videos):
        truth = simulate(np.random.default_rng([0, 30, number]), 600)
        assert (video.width_px, video.height_px) == (truth.width_px, truth.height_px)
        for own, (start, end) in zip(video.tracklets, truth.tracklets, strict=True):
            assert np.array_equal(own.target, truth.target[start:end])
            assert np.array_equal(own.six_px, truth.six_px[start:end])
            assert np.array_equal(own.box_px, truth.box_px[start:end])
            assert callable(own.feature)
            assert np.array_equal(own.feature(), truth.features(start, end))


def test_texts_say_exactly_what_was_simulated() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        video = simulate(rng, 800)
        rows = annotation(parse_elan(elan_text(video, rng), "made"), "made").rows
        _, target, unclear = frame_labels(rows, np.arange(800))
        assert np.array_equal(target, video.target)
        expected = [f for a, b in video.uncertain for f in range(a, b + 1)]
        assert np.flatnonzero(unclear).tolist() == expected


def test_the_truth_of_the_training_videos_lies_apart(written: Written) -> None:
    texts = sorted(written.truth.glob("*/*.txt"))
    assert [t.parent.name for t in texts] == ["id90001", "id90002"]
    assert all(read_annotation(t).rows for t in texts)
    assert not list(written.training.rglob("*.txt"))


def test_a_folder_is_filled_whole_or_not_at_all(tmp_path: Path) -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize.run(tmp_path / "data", videos=1, test_videos=1, seconds=24, log=stop)
    assert not list(tmp_path.iterdir())
    (tmp_path / "data").mkdir()
    heard: list[str] = []
    synthesize.run(tmp_path / "data", videos=1, test_videos=1, seconds=24, log=heard.append)
    assert heard == ["training video 1 of 1", "annotated video 1 of 1"]
    with pytest.raises(OutputError, match="holds something; name an empty folder"):
        synthesize.run(tmp_path / "data")


@pytest.mark.parametrize(
    "wrong", [{"videos": 0}, {"test_videos": 0}, {"clips": -1}, {"seconds": 5}, {"seconds": 1e4}]
)
def test_numbers_that_cannot_be(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        synthesize.run(tmp_path / "data", **wrong)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_clips_show_a_face_that_is_found(tmp_path: Path) -> None:
    """Each clip: 250 frames at 25 Hz, and one face in every frame that is looked at."""
    from eyeline.people.detect import CenterFace
    from eyeline.video.reader import VideoReader

    created = synthesize.run(tmp_path / "d", videos=1, test_videos=1, seconds=24, clips=3)
    assert created.clips is not None
    paths = sorted(created.clips.glob("id*/*_fps25.mp4"))
    assert len(paths) == 3
    detector = CenterFace()
    for path in paths:
        reader = VideoReader(path)
        result = [len(detector.detect(f)) for k, f in enumerate(reader) if k % 50 == 0]
        assert result == [1] * 5
        assert reader.info.frame_count == 250 and reader.info.rate_hz == 25
