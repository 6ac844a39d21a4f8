"""What of COCO's instances is used, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following.detector import coco
from tests.systems.gaze_following.detector.invented import add, instances


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "instances_train2017.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_rules_of_dropping(tmp_path: Path) -> None:
    content = instances(list("abcdefgh"), [(100, 80)] * 6 + [(100, 31), (100, 80)])
    add(content, 1, [10, 10, 20, 30])
    add(content, 1, [-5, -5, 20, 30])
    dropped = {
        "ignored": {"ignore": 1}, "crowds": {"iscrowd": 1},
        "of another category": {"category_id": 3},
    }  # fmt: skip
    for other in dropped.values():
        add(content, 2, [10, 10, 20, 30], **other)
    for box, area in (([1, 1, 0.5, 9], 5), ([1, 1, 9, 0.5], 5), ([1, 1, 9, 9], 0)):
        add(content, 3, box, area=area)
    for box in ([100, 10, 20, 20], [-30, 10, 30, 20], [10, 80, 5, 5]):
        add(content, 4, box)
    add(content, 5, [1, 1, 9, 9], category_id=3)
    add(content, 7, [1, 1, 9, 9])
    path = written(tmp_path, content)
    whole = coco.read(path)
    assert [p.name for p in whole.images] == list("abcdefgh")
    first = whole.images[0]
    assert first.is_landscape and first.number == 1
    assert [t.box_xyxy for t in first.targets] == [(10, 10, 30, 40), (-5, -5, 15, 25)]
    assert [len(p.targets) for p in whole.images] == [2, 0, 0, 0, 0, 0, 1, 0]
    assert whole.left_out == {
        "ignored": 1, "crowds": 1, "of another category": 2, "less than a pixel": 3,
        "beside the image": 3,
    }  # fmt: skip
    learned = coco.read(path, for_training=True)
    assert [p.name for p in learned.images] == list("abcd")
    assert learned.left_out["images without a target"] == 3
    assert learned.left_out["small images"] == 1


def test_masks_from_all_forms(tmp_path: Path) -> None:
    wanted = np.zeros((20, 30), np.uint8)
    wanted[5:15, 10:20] = 1
    polygon = [[10, 5, 20, 5, 20, 15, 10, 15]]
    counts = [10 * 20 + 5, *([10, 10] * 9), 10, 20 * 10 + 5]
    runs = coco.run_lengths(wanted.astype(bool))
    json.dumps(runs)
    for outline in (None, polygon, {"size": [20, 30], "counts": counts}, runs):
        result = coco.rasterised(outline, (10, 5, 20, 15), (30, 20))
        np.testing.assert_array_equal(result, wanted)
    two = coco.rasterised([*polygon, [0, 0, 2, 0, 2, 2, 0, 2]], (0, 0, 20, 15), (30, 20))
    assert int(two.sum()) == 104


@pytest.mark.parametrize("outline", [{"size": [20, 30]}, {"size": [9, 9], "counts": [81]}])
def test_odd_outlines(outline: Any) -> None:
    with pytest.raises(DataError, match="segmentation"):
        coco.rasterised(outline, (1, 1, 5, 5), (30, 20))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c.pop("annotations"), "no list of annotations"),
        (lambda c: c.update(images={}), "no list of images"),
        (lambda c: c["categories"][0].update(name="person"), "no category 'target'; it has person"),
        (lambda c: c["annotations"][0].pop("image_id"), r"annotations\[0\] has no image_id"),
        (lambda c: c["annotations"][0].update(image_id=99), "images that it does not list: 99"),
        (
            lambda c: c["annotations"][0].update(bbox=[1, 2, 3]),
            r"annotations\[0\] is no annotation",
        ),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3, "x"]), "no annotation of COCO"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, float("nan"), 4]), "no numbers"),
        (lambda c: c["images"][0].pop("height"), r"images\[0\] lacks 'height'"),
        (lambda c: c["images"][0].update(width=0), "0 x 80"),
    ],
)
def test_what_is_no_file_of_instances(tmp_path: Path, change: Any, fault: str) -> None:
    content = instances(["a.jpg"], [(100, 80)])
    add(content, 1, [10, 10, 20, 30])
    change(content)
    with pytest.raises(DataError, match=fault):
        coco.read(written(tmp_path, content))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(DataError, match="cannot read"):
        coco.read(path)
    for text in ("{", "[]", "3"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"a\.json"):
            coco.read(path)
