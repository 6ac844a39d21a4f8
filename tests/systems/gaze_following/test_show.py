"""Annotated looks drawn on frames and images of three data sets."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from eyeline.datasets.drawing import write
from eyeline.errors import DataError, UsageError
from eyeline.export.colours import person_colour
from eyeline.systems.gaze_following import show
from tests.video.generate import Clip
from tests.video.generate import write as film


def grey(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((240, 320, 3), 128, np.uint8))


def is_there(image: np.ndarray, colour: tuple[int, int, int], x: int, y: int) -> bool:
    part = image[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5].astype(int)
    return bool((np.abs(part - colour).max(axis=-1) < 40).any())


def attention_target(root: Path) -> Path:
    folder = root / "annotations/train/Show/1_3"
    folder.mkdir(parents=True)
    rows = ["0001.png,20,20,60,60,200,120", "0002.png,20,20,60,60,-1,-1"]
    (folder / "s00.txt").write_text("\n".join(rows))
    for number in (1, 2):
        grey(root / f"images/Show/1_3/000{number}.png")
    return root


def test_attention_target(tmp_path: Path) -> None:
    drawing = show.show_attention_target(attention_target(tmp_path))
    image = drawing.still()
    assert (drawing.item, drawing.facts) == ("Show/1_3", {"looks": 2, "in_frame": 1, "still": 1})
    assert is_there(image, person_colour(1), 20, 40), "the head's box"
    assert is_there(image, person_colour(1), 120, 80), "the arrow, halfway"
    assert is_there(image, person_colour(1), 198, 119), "its end"
    assert write(drawing, tmp_path / "a.mp4")["frames"] == 2
    (tmp_path / "images/Show/1_3/0001.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"0001\.png is missing or damaged"):
        write(drawing, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_gazefollow(tmp_path: Path) -> None:
    grey(tmp_path / "test2/a.jpg")
    rows = [f"test2/a.jpg,1,0,0,.3,.9,.125,.125,{x},.5,20,20,60,60" for x in (0.5, 0.7)]
    (tmp_path / "test_annotations_release.txt").write_text("\n".join(rows))
    drawing = show.show_gazefollow(tmp_path)
    image = drawing.still()
    for x in (160, 224):
        assert is_there(image, show.TARGET, x, 120), "a point of an annotator"
    assert is_there(image, person_colour(1), 115, 75) and drawing.facts["in_frame"] == 1
    with pytest.raises(UsageError, match=r"is one image: name a file that ends in \.png"):
        write(drawing, tmp_path / "a.mp4")


def test_vgs(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    film(tmp_path / "videos/001.mp4", Clip(frames=6, rate=Fraction(25), size_wh=(320, 240)))
    rows = ["0011003.jpg,20,20,60,60,200,120", "0012003.jpg,220,20,260,60,40,40"]
    (tmp_path / "GT_label_all_videoFormat.txt").write_text("\n".join(rows))
    (tmp_path / "speakers.csv").write_text("001,3,1\n")
    drawing = show.show_vgs(tmp_path, "001")
    image = drawing.still()
    assert drawing.facts == {"looks": 2, "in_frame": 2, "still": 3}
    for person, x in ((1, 20), (2, 220)):
        assert is_there(image, person_colour(person), x, 40)
    assert write(drawing, tmp_path / "a.mp4")["frames"] == 6
    with pytest.raises(DataError, match="no video '009'; there are 001"):
        show.show_vgs(tmp_path, "009")
    with pytest.raises(DataError, match=r"holds neither GT_label_all_videoFormat\.txt nor coco"):
        show.show_vgs(tmp_path / "videos")
