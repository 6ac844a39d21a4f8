"""Labels as Pascal VOC writes them: read from a zip and a folder, divided, and scored against."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import formats, score
from eyeline.systems.gaze_following.datasets import voc
from eyeline.systems.gaze_following.detector import coco
from eyeline.systems.gaze_following.formats import Prediction
from tests.conftest import Command

XML = """<?xml version="1.0"?>
<annotation>
  <folder>any</folder><filename>{name}</filename>
  <size><width>640</width><height>360</height><depth>3</depth></size>
  <object><name>{kind}</name><pose>Unspecified</pose>
    <bndbox><xmin>192</xmin><ymin>120</ymin><xmax>454</xmax><ymax>{bottom}</ymax></bndbox>
  </object>
</annotation>
"""


def text(name: str = "0271006.jpg", kind: str = "target", bottom: str = "282.5") -> str:
    return XML.format(name=name, kind=kind, bottom=bottom)


def labelled(folder: Path, videos: int = 3) -> Path:
    folder.mkdir(parents=True)
    for video in range(1, videos + 1):
        for frame in (0, 7):
            stem = f"00{video}1{frame:03d}"
            (folder / f"{stem}.xml").write_text(text(f"{stem}.jpg"))
    return folder


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"GT_label_all/{file.name}")
        archive.writestr("__MACOSX/GT_label_all/._0011000.xml", b"\0\5")
        archive.writestr("GT_label_all/read.me", b"hello")
    return path


def test_zip_and_folder_are_the_same(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "labels")
    result = voc.instances(folder)
    assert voc.instances(zipped(folder, tmp_path / "GT_label_all.zip")) == result
    assert [i["file_name"] for i in result["images"]][:2] == ["0011000.jpg", "0011007.jpg"]
    assert result["annotations"][0]["bbox"] == [192, 120, 262, 162.5]
    voc.write(tmp_path / "again.zip", result)
    assert voc.instances(tmp_path / "again.zip") == result


def test_any_single_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "0271006.xml").write_text(text(kind="gaze"))
    assert len(voc.instances(tmp_path)["annotations"]) == 1
    (tmp_path / "0271007.xml").write_text(text(kind="head"))
    with pytest.raises(DataError, match="has no object 'target'; it has gaze, head"):
        voc.instances(tmp_path)
    result = voc.instances(tmp_path, "head")
    assert [a["image_id"] for a in result["annotations"]] == [2]
    (tmp_path / "0271008.xml").write_text(text())
    assert [a["image_id"] for a in voc.instances(tmp_path)["annotations"]] == [3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + text(), "a document type declaration"),
        ("<annotation>", "line 1"),
        ("<other/>", "no annotation of VOC: it begins with other"),
        (text().replace("640", "0"), "size is 0 x 360; must be at least 1"),
        (text(bottom="x"), r"line 5: bndbox/ymax is 'x', not a number"),
        (text(bottom="nan"), "not a number"),
        (text().replace("<ymin>120</ymin>", ""), "object has no bndbox/ymin"),
        (" " * (2 << 20), "larger than 1 MiB"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "0271006.xml").write_text(content)
    with pytest.raises(DataError, match=said) as caught:
        voc.instances(tmp_path)
    assert "0271006.xml" in str(caught.value)


def test_archives_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"hello")
    with pytest.raises(DataError, match=r"not a readable \.zip"):
        voc.instances(tmp_path / "a.zip")
    with pytest.raises(DataError, match="cannot read"):
        voc.instances(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("a.txt", "")
    with pytest.raises(DataError, match="holds no XML file"):
        voc.instances(tmp_path / "c.zip")


def test_prepared_for_training(eyeline: Command, tmp_path: Path) -> None:
    folder, images = labelled(tmp_path / "labels"), tmp_path / "images"
    for path in folder.iterdir():
        place = images / path.stem[:3] / f"{path.stem}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place), np.zeros((360, 640, 3), np.uint8))
    command: list[Any] = ["prepare", "gaze_following/voc", "--source",
                          zipped(folder, tmp_path / "GT_label_all.zip")]  # fmt: skip
    ended = eyeline(*command, "-o", tmp_path / "coco", "--set", f"images={images}")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["images"] == 6
    videos = set()
    for split, called in voc.SPLITS.items():
        result = coco.read(tmp_path / "coco/annotations" / f"instances_{called}.json")
        assert len(result) == 2 and all(len(p.targets) == 1 for p in result.images)
        assert {p.name for p in (tmp_path / "coco" / called).iterdir()} == {
            p.name for p in result.images
        }
        videos |= {*(tmp_path / "coco" / f"{split}.txt").read_text().split()}
    assert videos == {"001", "002", "003"}
    (images / "003/0031007.jpg").unlink()
    ended = eyeline(*command, "-o", tmp_path / "other", "--set", f"images={images}")
    assert ended.code == 1 and "lacks 1 of 6 labelled images, such as 0031007.jpg" in ended.err
    assert not (tmp_path / "other").exists()


def test_the_authors_tables_are_scored_against_it(tmp_path: Path) -> None:
    truth = zipped(labelled(tmp_path / "labels"), tmp_path / "GT_label_all.zip")
    names = [i["file_name"] for i in voc.instances(truth)["images"]]
    rows = [
        Prediction("001.mp4", 1, int(n[4:7]), n, (10, 20, 60, 70), (323, 201.25)) for n in names
    ]
    formats.write_sequence(tmp_path / "KETI_Sequence.csv", rows)
    result = score.run(tmp_path / "KETI_Sequence.csv", truth, samples=0)
    assert result["pooled"]["rows"] == 6
    assert result["pooled"]["l2_average"] == pytest.approx(0, abs=1e-9)
    boxes = tmp_path / "heads.txt"
    formats.write_truth(boxes, [formats.Truth(n, (10, 20, 60, 70), (0, 0)) for n in names])
    assert score.run(tmp_path / "KETI_Sequence.csv", truth, heads=str(boxes), samples=0)
    rows[0] = rows[0]._replace(point_px=(3, 201.25))
    formats.write_sequence(tmp_path / "KETI_Sequence.csv", rows)
    other = score.run(tmp_path / "KETI_Sequence.csv", tmp_path / "labels", samples=0)
    assert other["pooled"]["l2_average"] == pytest.approx(320 / 640 / 6)
    beyond = rows[0]._replace(name="0011001.jpg", frame=1)
    formats.write_sequence(tmp_path / "KETI_Sequence.csv", [*rows, beyond])
    with pytest.raises(DataError, match=r"no look of 1 in 0011001\.jpg\. With extra=true"):
        score.run(tmp_path / "KETI_Sequence.csv", truth, samples=0)
    again = score.run(tmp_path / "KETI_Sequence.csv", truth, samples=0, extra=True)
    assert again["pooled"] == other["pooled"]
    assert any("1 of 7 predictions are of no annotated look" in note for note in again["notes"])
