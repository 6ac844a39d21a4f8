"""One pass over small videos with stand-ins: batches, repeated frames, memory, what is written."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.systems.eye_contact.discovery.extract import extract
from eyeline.systems.eye_contact.discovery.gaze_points import read_fixations
from eyeline.systems.eye_contact.discovery.identity import Person
from eyeline.systems.eye_contact.tracklets import read_tracklet
from tests.systems.eye_contact.discovery.stand_ins import Finder, Gaze, instruments, write_video

PERSON = Person(np.ones((1, 128)), "images")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """110 frames of a face whose brightness wanders, 5 without, then a jump and 105 more."""
    wandering = [100 + 40 * (n % 10) // 10 for n in range(110)]
    levels = [*wandering, *[20] * 5, *[200] * 3, *[120] * 106]
    return write_video(tmp_path_factory.mktemp("videos") / "clip.mp4", levels)


def test_tracklets_and_gaze_points_are_written(video: Path, tmp_path: Path) -> None:
    """The tracklet of 3 frames is too short, the frame after the jump is lost, the last is open."""
    result = extract(video, tmp_path, PERSON, instruments())
    assert (result.frames, result.tracklets, result.gaze_points) == (224, 1, 219)
    one = read_tracklet(tmp_path / "000.npz")
    assert (one.start_frame, len(one)) == (0, 110)
    assert one.feature is not None and one.feature.shape == (110, 6)
    points = read_fixations(tmp_path / "fixations.csv")
    assert points.frame.tolist() == [*range(110), *range(115, 224)]
    assert (points.cylinder_mm != 0).any(axis=1).all()
    # a brighter face looks further to one side here, and so must the gaze points
    level = one.feature[:, 0]
    assert abs(np.corrcoef(level, points.cylinder_mm[:110, 0])[0, 1]) > 0.99


def test_the_open_tracklet_is_kept_where_asked_for(video: Path, tmp_path: Path) -> None:
    result = extract(video, tmp_path, PERSON, instruments(save_last=True))
    assert result.tracklets == 2
    last = read_tracklet(tmp_path / "001.npz")
    assert (last.start_frame, len(last)) == (119, 105)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_batch_changes_nothing(video: Path, tmp_path: Path, batch: int) -> None:
    folders = [tmp_path / name for name in ("sixteen", "other")]
    gaze = Gaze()
    for folder, tools in zip(
        folders, (instruments(), instruments(batch=batch, gaze=gaze)), strict=True
    ):
        folder.mkdir()
        extract(video, folder, PERSON, tools)
    assert max(gaze.batches) == min(batch, 219)
    assert sum(gaze.batches) == 219
    for name in ("000.npz", "fixations.csv"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_frames_of_a_slower_video_come_again_but_are_measured_once(tmp_path: Path) -> None:
    video = write_video(tmp_path / "slow.mp4", [120] * 60, Fraction(10))
    finder, gaze = Finder(), Gaze()
    result = extract(video, tmp_path, PERSON, instruments(finder=finder, gaze=gaze, save_last=True))
    assert result.frames == 150
    assert len(read_tracklet(tmp_path / "000.npz")) == 150
    assert len(finder.seen) == sum(gaze.batches) == 60


def test_frames_of_a_faster_video_are_left_out(tmp_path: Path) -> None:
    video = write_video(tmp_path / "fast.mp4", [120] * 240, Fraction(50))
    finder = Finder()
    result = extract(video, tmp_path, PERSON, instruments(finder=finder))
    assert result.frames == len(finder.seen) == 120


def test_a_video_without_faces_gives_empty_tables(tmp_path: Path) -> None:
    video = write_video(tmp_path / "dark.mp4", [10] * 30)
    result = extract(video, tmp_path, PERSON, instruments())
    assert (result.tracklets, result.gaze_points) == (0, 0)
    assert len(read_fixations(tmp_path / "fixations.csv")) == 0
    assert [path.name for path in tmp_path.glob("*.npz")] == []


def test_somebody_else_is_not_followed(video: Path, tmp_path: Path) -> None:
    stranger = Person(-np.ones((1, 128)), "images")
    assert extract(video, tmp_path, stranger, instruments()).gaze_points == 0


def test_progress_reaches_the_end(video: Path, tmp_path: Path) -> None:
    known: list[tuple[float, float]] = []
    extract(video, tmp_path, PERSON, instruments(), lambda *now: known.append(now))
    assert len(known) == 224
    assert known[-1] == (223 / 25, 224 / 25)


def test_switches_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="association"):
        instruments(association="nearest")
    with pytest.raises(UsageError, match="at once"):
        instruments(batch=0)
