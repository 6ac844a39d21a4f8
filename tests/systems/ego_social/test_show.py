"""Ego4D's boxes and labels drawn on the frames that the published code reads."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.datasets.drawing import write
from eyeline.errors import DataError
from eyeline.systems.ego_social import show
from tests.video.generate import Audio, Clip, number_in
from tests.video.generate import write as film

UID = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One clip of three seconds: person 1 looks at me, then talks to me; person 2 does nothing."""
    boxes = {"1": (20, 40), "2": (90, 40)}
    persons: list[dict[str, Any]] = [{"person_id": "0", "tracking_paths": []}]
    for person, (x, y) in boxes.items():
        track = [{"frame": f, "x": x, "y": y, "width": 30, "height": 30} for f in range(1, 81)]
        paths = [{"track_id": f"t{person}", "track": track}]
        persons.append({"person_id": person, "tracking_paths": paths})
    look = {"person": "1", "start_frame": 10, "end_frame": 50}
    talk = {"person": "1", "start_frame": 40, "end_frame": 60, "target": "0"}
    clip = {
        "clip_uid": UID, "video_start_sec": 0, "video_end_sec": 3, "persons": persons,
        "social_segments_looking": [look], "social_segments_talking": [talk],
    }  # fmt: skip
    (tmp_path / "json").mkdir()
    (tmp_path / "videos").mkdir()
    document = {"videos": [{"video_uid": "v", "clips": [clip]}]}
    (tmp_path / "json/av_train.json").write_text(json.dumps(document))
    clip_file = Clip(90, Fraction(30), size_wh=(160, 120), audio=Audio())
    film(tmp_path / "videos" / f"{UID}.mp4", clip_file)
    return tmp_path


def drawn(image: np.ndarray, name: str) -> int:
    """Pixels of a colour above the legend."""
    part = image[:90].astype(int)
    return int((np.abs(part - show.COLOURS[name]).max(axis=-1) < 12).sum())


@pytest.mark.parametrize(
    "frame, name",
    [(5, "face"), (20, "looks at me"), (45, "looks and talks to me"), (55, "talks to me")],
)
def test_the_box_has_the_colour_of_the_label(data: Path, frame: int, name: str) -> None:
    image = show._Labels(show.find(data).annotations.clips[UID]).drawn(
        np.full((120, 160, 3), 255, np.uint8), frame
    )
    mine, other = image[:, :80], image[:, 80:]
    assert drawn(mine, name) > 60 and drawn(other, "face") > 60
    for colour in {*show.COLOURS} - {name}:
        assert drawn(mine, colour) == 0, colour


def test_annotation_frame_f_lies_on_image_f_minus_1(data: Path, tmp_path: Path) -> None:
    drawing = show.show(data, start_s=1.0, seconds=0.5)
    assert drawing.item == UID and drawing.facts["still_s"] == round(40 / 30, 2)
    assert (drawing.facts["looks"], drawing.facts["talks_to_me"]) == (1, 1)
    assert drawn(drawing.still(), "looks and talks to me") > 60
    assert drawing.clip is not None
    frames = [*drawing.clip.frames()]
    assert len(frames) == 15
    assert [drawn(f, "looks and talks to me") > 60 for f in frames[7:11]] == [False] * 2 + [
        True
    ] * 2
    written = write(drawing, tmp_path / "a.mp4")
    assert written["frames"] == 15


def test_what_is_not_there(data: Path) -> None:
    with pytest.raises(DataError, match=f"no clip 'x'; there are {UID}"):
        show.show(data, "x")
    (data / "videos" / f"{UID}.mp4").unlink()
    with pytest.raises(DataError, match="none of 1 annotated clips has a video"):
        show.show(data)


def test_the_frames_shown_are_those_of_the_clip(data: Path) -> None:
    drawing = show.show(data, start_s=2.0, seconds=0.2)
    assert drawing.clip is not None
    for number, image in enumerate(drawing.clip.frames(), start=60):
        known = number_in(image)
        assert known is None or known == number
