"""The annotation of a video as a timeline, and on faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.datasets.drawing import write
from eyeline.errors import DataError
from eyeline.systems.eye_contact import show, synthesize
from eyeline.systems.eye_contact.data import read_folder
from eyeline.video.reader import VideoReader


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ecs") / "ecs"
    synthesize.run(folder, videos=1, test_videos=1, seconds=70)
    return folder


def columns(image: np.ndarray, name: str) -> int:
    return int((image == show.COLOURS[name]).all(axis=-1).sum())


def test_the_timeline_has_each_state_for_as_long_as_it_lasts(data: Path) -> None:
    drawing = show.show(data)
    (video,) = read_folder(data).videos
    target = np.concatenate([tracklet.target for tracklet in video.tracklets])
    image = drawing.still()
    pixels_a_second = (1280 - 64 - 12) / 60
    for number, name in enumerate(("no contact", "host", "host2", "host3", "camera")):
        seconds = (target == number).sum() / 25
        drawn = columns(image, name) / 28 / pixels_a_second
        assert abs(drawn - seconds) < 0.1 * seconds + 1.5, name
    assert drawing.facts["contact"] == pytest.approx(float((target > 0).mean()), abs=1e-4)


def test_the_face_has_the_colour_of_its_state(data: Path, tmp_path: Path) -> None:
    (video,) = read_folder(data).videos
    drawing = show.show(data, video.name, seconds=1.0)
    assert write(drawing, tmp_path / "a.mp4")["frames"] == 25
    assert drawing.clip is not None
    first, *_, last = drawing.clip.frames()
    assert columns(first, "no contact") or columns(first, "host"), "a box in the first state"
    assert (first != last).any() and len([*VideoReader(tmp_path / "a.mp4")]) == 25


def test_another_video(data: Path) -> None:
    with pytest.raises(DataError, match="no video 'id1_x'; there are id"):
        show.show(data, "id1_x")
