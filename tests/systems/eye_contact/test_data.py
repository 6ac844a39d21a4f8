"""Labels by the published rule, on the original's frozen case and on all visible videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact import data
from eyeline.systems.eye_contact.data import Interval, frame_labels, parse_elan, read_videos

Golden = Callable[[str], dict[str, Any]]


def test_labels_are_those_of_the_original_routine(golden: Golden) -> None:
    case = golden("gt_labels")
    label, target, _ = frame_labels(parse_elan(str(case["elan"]), "golden"), case["frames"])
    assert np.array_equal(label, case["label"])
    assert np.array_equal(target, case["target"])


def test_all_visible_videos(annotated: Path) -> None:
    frames = 0
    for path in sorted((annotated / "per_video").glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        celebrity, _, video = path.stem.partition("_")
        rows = data.read_elan(annotated / "Annotations" / celebrity / f"{video}.txt")
        starts, lengths = arrays["start_frame"], arrays["length"]
        numbers = [s + np.arange(n) for s, n in zip(starts, lengths, strict=True)]
        found = [frame_labels(rows, n) for n in numbers]
        for name, column in zip(
            ("label", "target", "uncertain"), zip(*found, strict=True), strict=True
        ):
            assert np.array_equal(np.concatenate(column), arrays[name]), (path.name, name)
        frames += int(lengths.sum())
    assert frames == 118_687


def test_reading_all_visible_videos(annotated: Path) -> None:
    videos = read_videos(annotated)
    assert len(videos) == 37
    assert sum(len(v.tracklets) for v in videos) == 363
    assert sum(v.frame_count for v in videos) == 118_687
    assert {v.fold for v in videos} == {0, 1, 2, 3, 4}
    positive = sum(int(t.label.sum()) for v in videos for t in v.tracklets)
    assert positive / 118_687 == pytest.approx(0.47, abs=5e-5)
    first = videos[0].tracklets[0]
    assert first.time_s[0] == first.start_frame / 25


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (0.28, 0.36, [8, 9]),  # 0.28 * 25 is a little over 7 in doubles
        (0.2, 0.2, [5]),
        (0.21, 0.23, []),  # shorter than a frame
        (0.0, 0.04, [0, 1]),
        (100.0, 101.0, []),
    ],
)
def test_bounds_of_a_row(start_s: float, end_s: float, expected: list[int]) -> None:
    label, _, _ = frame_labels([Interval("host", start_s, end_s)], np.arange(20))
    assert np.flatnonzero(label).tolist() == expected


def test_later_rows_overwrite_and_uncertain_stands_apart() -> None:
    rows = [
        Interval("host", 0, 0.2),
        Interval("camera", 0.12, 0.4),
        Interval("uncertain", 0.36, 0.6),
    ]
    label, target, uncertain = frame_labels(rows, np.arange(20))
    assert target.tolist() == [1] * 3 + [4] * 8 + [0] * 9
    assert label.sum() == 11
    assert np.flatnonzero(uncertain).tolist() == list(range(9, 16))


def test_frames_may_have_gaps_or_be_none() -> None:
    label, _, _ = frame_labels([Interval("host", 0, 1)], np.array([3, 90]))
    assert label.tolist() == [1, 0]
    assert len(frame_labels([Interval("host", 0, 1)], np.zeros(0, np.int64))[0]) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("host\t\t1.0\t2.0", "line 2: 4 columns"),
        ("guest\t\t1.0\t2.0\t", "line 2: unknown tier 'guest'"),
        ("host\t\tone\t2.0\t", "line 2: 'one' is no time"),
        ("host\t\tnan\t2.0\t", "line 2: 'nan' is no time"),
        ("host\t\t3.0\t2.0\t", "does not run forward"),
    ],
)
def test_a_wrong_row_is_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_elan(f"host\t\t0.1\t0.2\t\n{line}\n", "a.txt")


def test_files_that_are_not_texts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the annotation"):
        data.read_elan(tmp_path / "none.txt")
    (tmp_path / "bad.txt").write_bytes(b"host\xff\xfe")
    with pytest.raises(DataError, match="not a text"):
        data.read_elan(tmp_path / "bad.txt")


HEAD = "celebrity_id,video_name,fold,tracklets\n"


def folder(tmp_path: Path, row: str = "a,b,0,1\n", **changes: Any) -> Path:
    arrays = {
        "size": np.array([640, 360]), "start_frame": np.array([5]), "length": np.array([3]),
        "landmark_px": np.zeros((3, 6, 2), np.int16), "label": np.array([0, 1, 1], np.uint8),
        "uncertain": np.zeros(3, np.uint8), **changes,
    }  # fmt: skip
    (tmp_path / "per_video").mkdir()
    (tmp_path / "videos.csv").write_text(HEAD + row, encoding="utf-8")
    kept = {name: value for name, value in arrays.items() if value is not None}
    np.savez(tmp_path / "per_video" / "a_b.npz", **kept)
    return tmp_path


def test_a_small_folder(tmp_path: Path) -> None:
    (video,) = read_videos(folder(tmp_path, "a,b,3,1\nc,d,,0\n"))
    assert (video.name, video.fold, video.width_px, video.height_px) == ("a_b", 3, 640, 360)
    assert video.tracklets[0].label.tolist() == [0, 1, 1]
    assert video.tracklets[0].time_s == pytest.approx([0.2, 0.24, 0.28])


@pytest.mark.parametrize(
    ("row", "changes", "message"),
    [
        ("a,b,0,2\n", {}, "line 2: 2 tracklets"),
        ("a,b,,1\n", {}, "line 2: column 'fold'"),
        ("a,b,0,x\n", {}, "line 2: column 'tracklets'"),
        (",b,0,1\n", {}, "line 2: needs the columns"),
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
        read_videos(folder(tmp_path, row, **changes))


def test_no_folder_and_no_arrays(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no videos\.csv"):
        read_videos(tmp_path)
    place = folder(tmp_path)
    (place / "per_video" / "a_b.npz").write_bytes(b"not an archive")
    with pytest.raises(DataError, match=r"not a readable \.npz"):
        read_videos(place)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    place = folder(tmp_path, size=np.array([{}, {}], dtype=object))
    with pytest.raises(DataError, match=r"not a readable \.npz"):
        read_videos(place)
