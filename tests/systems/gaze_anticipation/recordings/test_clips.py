"""Cutting rules and lists against the original's."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.recordings import clips
from eyeline.systems.gaze_anticipation.recordings.clips import Clip
from tests.systems.gaze_anticipation.invented import golden


@pytest.mark.parametrize(
    "case", ["ego4d0", "ego4d1", "ego4d2", "ego4d3", "aria0", "aria1", "aria2"]
)
def test_cuts_as_published(case: str, authors: Path) -> None:
    file, dataset = golden("trim"), case[:-1]
    video = str(file[f"{case}/video"]) if dataset == "ego4d" else "movie_9"
    untracked = clips.read_untracked(authors / clips.UNTRACKED).get(video, ())
    result = clips.cut(dataset, video, float(file[f"{case}/duration"]), untracked)
    assert [clip.name for clip in result] == [str(name) for name in file[f"{case}/names"]]


@pytest.mark.parametrize(
    ("intervals", "starts"),
    [
        ([], [0, 5, 10, 15]),
        ([(5, 9)], [10, 15]),
        ([(6, 9)], [0, 10, 15]),
        ([(20, 30)], [0, 5, 10]),
        ([(16, 2)], [0, 5, 10, 15]),
    ],
    ids=["none", "touches both neighbours", "touches one", "touches the end", "ends too early"],
)
def test_a_touching_interval_counts(intervals: clips.Intervals, starts: list[int]) -> None:
    assert [c.start_s for c in clips.cut("ego4d", "v", 20.0, intervals)] == starts


COUNTS = {"ego4d": (15310, 20, 5202, 7), "aria": (10456, 107, 2901, 36)}


@pytest.mark.parametrize("dataset", clips.DATASETS)
def test_released_lists_have_the_published_counts(dataset: str, authors: Path) -> None:
    result = [clips.read_list(authors / f"{split}_{dataset}_gaze.csv") for split in clips.SPLITS]
    counts = [n for those in result for n in (len(those), len({clip.video for clip in those}))]
    assert tuple(counts) == COUNTS[dataset]
    assert not {c.video for c in result[0]} & {c.video for c in result[1]}
    assert not {c.video for those in result for c in those} & clips.SKIPPED


@pytest.mark.parametrize("dataset", clips.DATASETS)
@pytest.mark.parametrize("split", clips.SPLITS)
def test_the_rule_gives_the_released_lists_byte_for_byte(
    dataset: str, split: str, authors: Path
) -> None:
    path = authors / f"{split}_{dataset}_gaze.csv"
    untracked = clips.read_untracked(authors / clips.UNTRACKED) if dataset == "ego4d" else {}
    ends: dict[str, int] = {}
    for clip in clips.read_list(path):
        ends[clip.video] = max(ends.get(clip.video, 0), clip.start_s + clips.CLIP_S)
    result = [
        clip
        for video, end_s in ends.items()
        for clip in clips.cut(dataset, video, end_s, untracked.get(video, ()))
    ]
    assert clips.as_released(result) == path.read_bytes()


@pytest.mark.parametrize("line", ["a/b_t0_t5.mp4", "a_t0_t5.mp4", "a/a_t0_t9.mp4", "a/a.mp4", "x"])
def test_a_line_that_is_no_clip(tmp_path: Path, line: str) -> None:
    path = tmp_path / "own.list"
    path.write_text(f"v/v_t0_t5.mp4\n{line}\n")
    with pytest.raises(DataError, match=r"own.list, line 2"):
        clips.read_list(path)


def test_reads_its_own_lines(tmp_path: Path) -> None:
    created = [Clip("v", 5), Clip("movie_1", 4, "aria")]
    (tmp_path / "a.list").write_bytes(clips.as_released(created))
    assert clips.read_list(tmp_path / "a.list") == sorted(created, key=lambda clip: clip.line)
    (tmp_path / "none.list").write_text("\n")
    with pytest.raises(DataError, match="names no clip"):
        clips.read_list(tmp_path / "none.list")


def test_untracked_rows_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "untracked.csv"
    path.write_text("v,00:00:01,00:01:02,3\nv,1,2\n")
    with pytest.raises(DataError, match=r"untracked.csv, line 2"):
        clips.read_untracked(path)
    path.write_text("v,00:00:01,00:01:02,3\nw,01:00:00,01:00:02\n")
    assert clips.read_untracked(path) == {"v": ((1, 62),), "w": ((3600, 3602),)}


def test_skipped_videos_have_no_clips() -> None:
    assert all(clips.cut("ego4d", name, 100.0) == [] for name in clips.SKIPPED)
