"""Lists beside the data, and draws where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation.recordings import splits
from eyeline.systems.gaze_anticipation.recordings.clips import Clip
from eyeline.systems.gaze_anticipation.recordings.splits import Wanted, draw

NAMES = [f"walk_{n}" for n in range(50)]


@pytest.mark.parametrize(("many", "tested"), [(1, 0), (2, 1), (5, 1), (10, 2), (50, 10)])
def test_about_a_fraction_but_never_all(many: int, tested: int) -> None:
    assert len(draw(NAMES[:many], 0.2, 0)) == tested
    assert not draw(NAMES[:many], 0, 0)
    assert len(draw(NAMES[:many], 0.99, 0)) < many


def test_a_draw_is_by_name_and_seed() -> None:
    result = draw(NAMES, 0.2, 0)
    assert result == draw(reversed(NAMES), 0.2, 0) != draw(NAMES, 0.2, 1)
    assert len(result ^ draw([*NAMES, "another"], 0.2, 0)) <= 2


def test_what_belongs_together_stays_together() -> None:
    names = [
        f"loc{k}_script{s}_seq{q}_rec{r}"
        for k in range(1, 4) for s in range(1, 5) for q in range(1, 4) for r in (1, 2)
    ]  # fmt: skip
    test = draw(names, 0.2, 0)
    assert 0.1 * len(names) < len(test) < 0.3 * len(names)
    assert not {name[:12] for name in test} & {name[:12] for name in set(names) - test}
    by_place = draw(names, 0.34, 0, r"loc\d+")
    assert len(by_place) == 24 and len({name[:4] for name in by_place}) == 1


def test_wants_that_cannot_be(tmp_path: Path) -> None:
    for fraction in (-0.1, 1.0):
        with pytest.raises(UsageError, match="0 to less than 1"):
            Wanted(test_fraction=fraction)
    with pytest.raises(UsageError, match="no regular expression"):
        Wanted(group="(")
    with pytest.raises(UsageError, match="do not go together"):
        Wanted(tmp_path, 0.2)


def test_lines_are_clips_or_videos(tmp_path: Path) -> None:
    (tmp_path / "train.list").write_text("\ufeffaa\nbb/bb_t5_t10.mp4\n")
    (tmp_path / "val.list").write_text("my walk\n")
    result = splits.read_lists(tmp_path, "ego4d", Wanted())
    assert result is not None and result.untracked is None
    assert result.parts == {"train": ["aa", Clip("bb", 5)], "val": ["my walk"]}
    assert result.videos == {"aa", "bb", "my walk"}
    (tmp_path / "train.list").write_text("aa\nbb_t5_t10.mp4\n")
    with pytest.raises(DataError, match=r"train.list, line 2"):
        splits.read_lists(tmp_path, "ego4d", Wanted())
    (tmp_path / "train.list").write_text("")
    with pytest.raises(DataError, match="names no clip"):
        splits.read_lists(tmp_path, "ego4d", Wanted())
    assert splits.read_lists(tmp_path / "elsewhere", "ego4d", Wanted()) is None


@pytest.mark.parametrize(("dataset", "videos"), [("ego4d", 27), ("aria", 143)])
def test_the_authors_lists(authors: Path, tmp_path: Path, dataset: str, videos: int) -> None:
    result = splits.read_lists(tmp_path, dataset, Wanted(authors))
    assert result is not None and len(result.videos) == videos
    assert result.notes == (f"lists: those of {authors}",)
    assert (result.untracked is not None) == (dataset == "ego4d")
