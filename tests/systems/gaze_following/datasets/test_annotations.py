"""Rows, points and people looked at; lists of videos; VideoAttentionTarget's folders of text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from eyeline.errors import DataError
from eyeline.systems.gaze_following.datasets import attention_target, texts
from eyeline.systems.gaze_following.datasets.annotations import Builder, looked_at


def three():
    created = Builder()
    created.add(
        "a:1", image="p", video="v", person="1", head_xyxy=(0, 0, 10, 10),
        points_px=[(25, 5), (27, 5)], size_px=(100, 50),
    )  # fmt: skip
    created.add(
        "a:2", image="p", video="v", person="2", head_xyxy=(20, 0, 30, 10), in_frame=0,
        size_px=(100, 50),
    )  # fmt: skip
    created.add(
        "a:3", image="q", video="w", person="1", eyes_px=(3, 4), points_px=[(1, 2)],
        size_px=(100, 50),
    )  # fmt: skip
    return created.looks()


def test_points_and_origins_and_some_rows():
    looks = three()
    assert len(looks) == 3
    np.testing.assert_array_equal(looks.mean_point_px(), [[26, 5], [np.nan] * 2, [1, 2]])
    assert looks.origin_px().tolist() == [[5, 5], [25, 5], [3, 4]]
    looks = three()
    some = looks.take(np.array([2, 0]))
    assert some.source == ("a:3", "a:1")
    assert some.points(0).tolist() == [[1, 2]]
    assert some.points(1).tolist() == [[25, 5], [27, 5]]
    assert looks.of_videos(["w"]).source == ("a:3",)
    with pytest.raises(DataError, match="no looks of 'x'"):
        looks.of_videos(["v", "x"])
    assert len(looks.take(np.zeros(0, np.int64))) == 0


def test_lengths_are_checked():
    looks = three()
    with pytest.raises(DataError, match="person of looks has 1 rows"):
        replace(looks, person=("1",))
    with pytest.raises(DataError, match="head_xyxy"):
        replace(looks, head_xyxy=np.zeros((2, 4)))
    with pytest.raises(DataError, match="divide"):
        replace(looks, first=np.array([0, 1, 1, 1]))


def test_looked_at():
    heads = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [26, 0, 36, 10], [0, 0, 10, 10]], float)
    names = ["p", "p", "p", "q"]
    points = np.array([[24, 5], [22, 5], [29, 5], [5, 5]], float)
    result, company = looked_at(points, heads, names)
    assert result.tolist() == [1, -1, 1, -1], "nobody looks at their own face"
    assert company.tolist() == [True, True, True, False]
    again, _ = looked_at(np.array([[29.0, 5]]), heads, names, np.array([0]))
    assert again.tolist() == [2], "of two heads the one whose middle is nearer"
    nobody, _ = looked_at(np.full((1, 2), np.nan), heads, names, np.array([0]))
    assert nobody.tolist() == [-1]


def test_splits(tmp_path):
    videos = [f"{i:03d}" for i in range(20)]
    lists = texts.drawn_lists(videos, (0.6, 0.2, 0.2), seed=1)
    assert sorted(sum(lists, ())) == videos
    assert [len(own) for own in lists] == [11, 5, 4]
    assert all(list(own) == sorted(own) for own in lists)
    assert lists == texts.drawn_lists(videos, (0.6, 0.2, 0.2), seed=1)
    assert lists != texts.drawn_lists(videos, (0.6, 0.2, 0.2), seed=2)
    assert [len(own) for own in texts.drawn_lists(videos[:3], (0.9, 0.05, 0.05))] == [1, 1, 1]
    texts.write_lines(tmp_path / "a.txt", lists[1])
    assert texts.read_list(tmp_path / "a.txt") == lists[1]


@pytest.mark.parametrize(
    ("text", "message"), [("# none\n", "names no video"), ("a\nb\na\n", "names twice: a")]
)
def test_bad_splits(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        texts.read_list(tmp_path / "a.txt")


def test_splits_that_cannot_be(tmp_path):
    with pytest.raises(DataError, match="no list"):
        texts.read_list(tmp_path / "absent.txt")
    with pytest.raises(DataError, match="cannot be divided"):
        texts.drawn_lists(["a"], (0.5, 0.5))
    with pytest.raises(DataError, match="cannot be divided"):
        texts.drawn_lists(["a", "b"], (0.5, 0.4))


S00 = "00000101.jpg,10,20,110,140,300.5,80\n00000102.jpg,11,20,111,140,-1,-1\n"
S01 = "00000101.jpg,400,20,500,140,-3,80\n"


def written(root):
    clip = root / "annotations" / "test" / "A Show" / "101_102"
    clip.mkdir(parents=True)
    (clip / "s00.txt").write_text(S00)
    (clip / "s01.txt").write_text(S01)
    images = root / "images" / "A Show" / "101_102"
    images.mkdir(parents=True)
    Image.new("RGB", (640, 360)).save(images / "00000101.jpg")
    return clip


def test_read(tmp_path):
    written(tmp_path)
    looks = attention_target.read(tmp_path, "test")
    assert looks.video == ("A Show/101_102",) * 3
    assert looks.image[0] == looks.image[2] == "A Show/101_102/00000101.jpg"
    assert looks.person == ("s00", "s00", "s01")
    assert looks.frame.tolist() == [101, 102, 101]
    assert looks.in_frame.tolist() == [1, 0, 1]
    assert looks.points(0).tolist() == [[300.5, 80]]
    assert looks.points(2).tolist() == [[0, 80]], "moved onto the border, as published"
    assert looks.size_px.tolist() == [[640, 360]] * 3, "the first image's"
    np.testing.assert_array_equal(looks.head_xyxy[2], [400, 20, 500, 140])


def test_without_images_sizes_are_unknown(tmp_path):
    written(tmp_path)
    for path in (tmp_path / "images").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(DataError, match="cannot read the image"):
        attention_target.read(tmp_path, "test")
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    assert np.isnan(attention_target.read(tmp_path, "test").size_px).all()


def test_no_annotations(tmp_path):
    with pytest.raises(DataError, match=r"no annotations at .*train"):
        attention_target.read(tmp_path, "train")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("00000103.jpg,1,2,3,4,5", "line 3: 6 columns, expected 7"),
        ("00000103.jpg,1,2,x,4,5,6", "line 3: xmax is 'x'"),
        ("00000103.jpg,1,2,3,4,inf,6", "line 3: gaze_x is 'inf'"),
        ("00000103.jpg,9,2,3,4,5,6", "line 3: the head box"),
        ("00000102.jpg,1,2,3,4,5,6", "line 3: 00000102.jpg is annotated twice"),
    ],
)
def test_bad_rows_are_named(tmp_path, line, message):
    clip = written(tmp_path)
    (clip / "s00.txt").write_text(S00 + line + "\n")
    with pytest.raises(DataError, match=rf"s00\.txt, {message}"):
        attention_target.read(tmp_path, "test")
