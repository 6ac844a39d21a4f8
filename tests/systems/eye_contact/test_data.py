"""Annotated videos from both layouts: the same to the last frame, and every wrong file named."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.data import read_folder
from eyeline.systems.eye_contact.elan import TARGETS
from eyeline.systems.eye_contact.original import folds, frame_size
from tests.systems.eye_contact.published import SIZE, tracklet, two_videos, write_folder


@pytest.mark.parametrize("parent", [False, True])
def test_both_layouts_hold_the_same(annotated: Path, tmp_path: Path, parent: bool) -> None:
    """All visible videos: 118 687 frames, derived from texts and normalised coordinates alone."""
    tidy = read_folder(annotated)
    place = annotated / "Annotations"
    if parent:
        (tmp_path / "Annotations").symlink_to(place)
        place = tmp_path
    result = read_folder(place)
    assert [v.name for v in result.videos] == [v.name for v in tidy.videos]
    frames = 0
    for ours, given in zip(result.videos, tidy.videos, strict=True):
        assert (ours.fold, ours.width_px, ours.height_px) == (
            given.fold, given.width_px, given.height_px,
        ), given.name  # fmt: skip
        for own, tidied in zip(ours.tracklets, given.tracklets, strict=True):
            assert (own.number, own.start_frame) == (tidied.number, tidied.start_frame)
            for name in ("label", "target", "uncertain", "six_px", "box_px"):
                assert np.array_equal(getattr(own, name), getattr(tidied, name)), (given.name, name)
            assert own.feature is None
        frames += ours.frame_count
    assert frames == 118_687
    assert sum("equal to the one before" in note for note in result.notes) == 2
    assert sum("has no tracklet" in note for note in result.notes) == 2
    assert len(result.notes) == 4 and len(tidy.notes) == 2


def test_reading_all_visible_videos(annotated: Path) -> None:
    videos = read_folder(annotated).videos
    assert len(videos) == 37
    assert sum(len(v.tracklets) for v in videos) == 363
    assert {v.fold for v in videos} == {0, 1, 2, 3, 4}
    positive = sum(int(t.label.sum()) for v in videos for t in v.tracklets)
    assert positive / 118_687 == pytest.approx(0.47, abs=5e-5)
    first = videos[0].tracklets[0]
    assert first.time_s[0] == first.start_frame / 25
    assert (videos[0].celebrity, videos[0].video) == ("id00016", "TCF9rCr7uHY")


def test_a_published_folder(tmp_path: Path) -> None:
    two_videos(tmp_path)
    result = read_folder(tmp_path)
    alpha, beta = result.videos
    assert (alpha.name, alpha.width_px, alpha.height_px) == ("id1_alpha", *SIZE)
    assert {alpha.fold, beta.fold} == {0, 1}
    first, second = alpha.tracklets
    assert np.flatnonzero(first.label).tolist() == list(range(5, 16))
    assert np.flatnonzero(first.uncertain).tolist() == list(range(25, 31))
    assert [TARGETS[t] for t in np.unique(second.target)] == ["none", "camera"]
    assert second.start_frame + np.flatnonzero(second.label)[0] == 100
    assert np.array_equal(first.six_px / SIZE, tracklet(0, 40).six_norm)
    (note,) = result.notes
    assert note.endswith("meta_list.csv, line 4: id3/gamma has no tracklet and is left out")


def test_features_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    first, second = read_folder(folder).videos[0].tracklets
    assert second.feature is None and callable(first.feature)
    assert np.array_equal(first.feature(), tracklet(0, 40, feature=8).feature)
    shutil.copy(folder / "tracklets/id1/alpha/001.npz", folder / "tracklets/id1/alpha/000.npz")
    with pytest.raises(DataError, match=r"000\.npz has no gaze_feature for its 40 frames"):
        first.feature()


def test_the_list_decides_and_the_rest_is_reported(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    place = folder / "tracklets/id1/alpha"
    shutil.copy(place / "001.npz", place / "002.npz")
    index = folder / "tracklets/test_tracklet_list.csv"
    lines = index.read_text().splitlines(keepends=True)
    index.write_text("".join(line for line in lines if not line.startswith("id1,alpha_fps25,000")))
    result = read_folder(folder)
    assert [t.number for t in result.videos[0].tracklets] == [1]
    known = [note.removeprefix(f"{place}/") for note in result.notes]
    assert "000.npz is not evaluated: not listed" in known
    assert "002.npz is not evaluated: equal to the one before" in known


def test_without_a_list_all_count_but_repeats(tmp_path: Path) -> None:
    folder = two_videos(tmp_path, listed=False)
    place = folder / "tracklets/id1/alpha"
    shutil.copy(place / "001.npz", place / "002.npz")
    result = read_folder(folder)
    assert [t.number for t in result.videos[0].tracklets] == [0, 1]
    assert "all tracklets are taken but repeated ones" in result.notes[0]


def test_an_eaf_takes_the_place_of_a_text(tmp_path: Path) -> None:
    from tests.systems.eye_contact.test_annotations import ROW, eaf, tier

    folder = two_videos(tmp_path)
    (folder / "id1/alpha.txt").unlink()
    (folder / "id1/alpha.eaf").write_bytes(eaf(tier(ROW)))
    first = read_folder(folder).videos[0].tracklets[0]
    assert np.flatnonzero(first.label).tolist() == [8, 9]


def broken(folder: Path, path: str, old: str, new: str) -> None:
    place = folder / path
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, new), encoding="utf-8")


LIST, META = "tracklets/test_tracklet_list.csv", "meta_list.csv"


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            LIST,
            "000.npz,0,40",
            "000.npz,0,41",
            r"csv, line 2: frames 0 to 41, but .*000\.npz holds 0",
        ),
        (LIST, "000.npz,3,53", "000.npz,4,54", r"csv, line 4: frames 4 to 54, but"),
        (LIST, "alpha_fps25,001", "alpha_fps25,007", r"csv, line 3: no tracklet .*007\.npz"),
        (LIST, "id2,beta", "id2,delta", "csv, line 4: id2/delta/000 belongs to no video"),
        (
            META,
            "id2,beta",
            "id2,delta",
            r"meta_list\.csv, line 3: no annotation|belongs to no video",
        ),
        (META, "id2,beta", "id1,alpha", r"meta_list\.csv, line 3: id1/alpha stands there twice"),
        (
            META,
            "id2,beta",
            "id2/..,beta",
            r"meta_list\.csv, line 3: celebrity_id is 'id2/..', expected a name",
        ),
        (META, "video_name", "name", r"meta_list\.csv, line 1: no column video_name"),
        ("id2/beta.txt", "host\t\t0.2", "host\t\t0.9", r"beta\.txt, line 1: the span 0.9"),
        ("id2/beta.txt", "4.2\t\n", "4.2\n", r"beta\.txt, line 2: 4 columns"),
    ],
)
def test_a_wrong_published_folder_is_named(
    tmp_path: Path, path: str, old: str, new: str, message: str
) -> None:
    folder = two_videos(tmp_path)
    broken(folder, path, old, new)
    with pytest.raises(DataError, match=message):
        read_folder(folder)


def test_a_missing_annotation_is_named(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    (folder / "id1/alpha.txt").unlink()
    with pytest.raises(DataError, match=r"meta_list\.csv, line 2: no annotation .*alpha"):
        read_folder(folder)


def test_no_video_with_tracklets(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {("id1", "alpha"): "host\t\t1\t2\t\n"}, {})
    with pytest.raises(DataError, match="lists no video with tracklets"):
        read_folder(folder)


def test_the_size_of_the_image() -> None:
    pixels = np.random.default_rng(0).integers(-5, 854, (300, 2))
    assert frame_size(pixels / (854, 468), "v") == (854, 468)
    assert frame_size(pixels * 2 / (854, 468), "v") == (427, 234), "the smallest that will do"
    with pytest.raises(DataError, match="v: coordinates are whole pixels of no image"):
        frame_size(np.random.default_rng(0).random((9, 2)), "v")


def test_boxes_between_pixels_do_not_matter(tmp_path: Path) -> None:
    own = tracklet(0, 40)
    finer = type(own)(0, own.box_norm + 0.37 / 641, own.six_norm)
    write_folder(tmp_path, {("id1", "alpha"): "host\t\t1\t2\t\n"}, {("id1", "alpha"): [finer]})
    (video,) = read_folder(tmp_path).videos
    assert (video.width_px, video.height_px) == SIZE
    assert video.tracklets[0].box_px == pytest.approx(finer.box_norm * (*SIZE, *SIZE))


def test_folds_go_by_rank() -> None:
    fractions = [(0.5, "b", "x"), (0.1, "a", "x"), (0.5, "a", "x"), (0.9, "a", "x"),
              (0.2, "a", "x"), (0.95, "a", "x")]  # fmt: skip
    assert folds(fractions) == [3, 0, 2, 4, 1, 0]


HEAD = "celebrity_id,video_name,fold,tracklets\n"


def folder(tmp_path: Path, row: str = "a,b,0,1\n", **changes: Any) -> Path:
    arrays = {
        "size": np.array([640, 360]), "start_frame": np.array([5]), "length": np.array([3]),
        "landmark_px": np.zeros((3, 6, 2), np.int16), "label": np.array([0, 1, 1], np.uint8),
        "uncertain": np.zeros(3, np.uint8), "target": np.array([0, 1, 4], np.uint8),
        "box_px": np.tile([1, 2, 3, 4], (3, 1)), "tracklet": np.array([7]), **changes,
    }  # fmt: skip
    (tmp_path / "per_video").mkdir()
    (tmp_path / "videos.csv").write_text(HEAD + row, encoding="utf-8")
    kept = {name: value for name, value in arrays.items() if value is not None}
    np.savez(tmp_path / "per_video" / "a_b.npz", **kept)
    return tmp_path


def test_a_small_folder(tmp_path: Path) -> None:
    (video,) = read_folder(folder(tmp_path, "a,b,3,1\nc,d,,0\n")).videos
    assert (video.name, video.fold, video.width_px, video.height_px) == ("a_b", 3, 640, 360)
    assert video.tracklets[0].label.tolist() == [0, 1, 1]
    assert video.tracklets[0].number == 7
    assert video.tracklets[0].target.tolist() == [0, 1, 4]
    assert video.tracklets[0].time_s == pytest.approx([0.2, 0.24, 0.28])


@pytest.mark.parametrize(
    ("row", "changes", "message"),
    [
        ("a,b,0,2\n", {}, "line 2: 2 tracklets"),
        ("a,b,,1\n", {}, "line 2: needs the columns .* fold"),
        ("a,b,0,x\n", {}, "line 2: tracklets is 'x', expected a whole number"),
        (",b,0,1\n", {}, "line 2: needs the columns"),
        ("a,b,0,1\n", {"target": np.array([0, 1, 5])}, "targets other than"),
        ("a,c,0,1\n", {}, "no tracklets at"),
        ("a,b,0,0\n", {}, "lists no video"),
        ("a,b,0,1\n", {"label": None}, "lacks the array 'label'"),
        ("a,b,0,1\n", {"label": np.array([0, 1, 2])}, "labels other than 0 and 1"),
        ("a,b,0,1\n", {"label": np.array([0, 1])}, "axis 'frame'"),
        ("a,b,0,1\n", {"length": np.array([4])}, "add up to 4 frames"),
        ("a,b,0,1\n", {"landmark_px": np.zeros((3, 68, 2))}, "axis '6'"),
    ],
)
def test_a_wrong_folder_is_named(
    tmp_path: Path, row: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_folder(folder(tmp_path, row, **changes))


def test_no_folder_and_no_arrays(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither videos\.csv nor meta_list\.csv"):
        read_folder(tmp_path)
    place = folder(tmp_path)
    (place / "per_video" / "a_b.npz").write_bytes(b"not an archive")
    with pytest.raises(DataError, match=r"not a readable \.npz"):
        read_folder(place)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    place = folder(tmp_path, size=np.array([{}, {}], dtype=object))
    with pytest.raises(DataError, match="holds Python objects"):
        read_folder(place)
