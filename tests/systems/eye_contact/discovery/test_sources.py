"""Which videos of a folder are prepared, and what is said of the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.discovery.sources import find_sources
from eyeline.systems.eye_contact.tracklets import read_names


def files(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def listed(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("celebrity_id,video_name", *rows)) + "\n")


def names(root: Path, **options: object) -> list[str]:
    return [str(one.name) for one in find_sources(root, **options).videos]  # type: ignore[arg-type]


def test_videos_of_all_kinds_are_found_by_name(tmp_path: Path) -> None:
    files(
        tmp_path, "id2/bbb.webm", "id1/aaa_fps25.mkv", "id1/ccc.MP4", "id1/notes.txt",
        "id1/.part.mp4", "loose.mp4",
    )  # fmt: skip
    assert names(tmp_path) == ["id1/aaa", "id1/ccc", "id2/bbb"]


def test_the_converted_file_is_taken_and_the_other_one_named(tmp_path: Path) -> None:
    files(tmp_path, "id1/aaa.mp4", "id1/aaa_fps25.mkv")
    result = find_sources(tmp_path)
    assert [one.path.name for one in result.videos] == ["aaa_fps25.mkv"]
    assert any("aaa.mp4 was passed over" in note for note in result.notes)


def test_the_list_decides_and_its_oddities_are_reported(tmp_path: Path) -> None:
    files(tmp_path, "id1/aaaaaaaaaaa.mp4", "id1/unlisted000.mp4")
    listed(
        tmp_path / "randomVoxMeta.csv",
        "id1,aaaaaaaaaaa", "id1,aaaaaaaaaaa", "id2,short", "id3,missing0000",
    )  # fmt: skip
    result = find_sources(tmp_path)
    assert [str(one.name) for one in result.videos] == ["id1/aaaaaaaaaaa"]
    assert result.left_out["not in randomVoxMeta.csv"] == ("id1/unlisted000",)
    missing = result.left_out["in randomVoxMeta.csv, but not here"]
    assert missing == ("id2/short", "id3/missing0000")
    said = " ".join(result.notes)
    assert "1 videos more than once: id1/aaaaaaaaaaa" in said
    assert "1 names cut to 5 characters: id2/short" in said


def test_videos_of_the_test_are_left_out(tmp_path: Path) -> None:
    files(tmp_path, "id1/aaa.mp4", "id1/bbb.mp4", "id2/aaa.mp4", "id3/ddd.mp4")
    listed(tmp_path / "Annotations" / "meta_list.csv", "id1,aaa")
    result = find_sources(tmp_path, leave_out=["ddd"])
    assert [str(one.name) for one in result.videos] == ["id1/bbb", "id2/aaa"]
    (reason,) = result.left_out
    assert result.left_out[reason] == ("id1/aaa", "id3/ddd")
    assert names(tmp_path, leave_out=["id2/aaa"]) == ["id1/bbb", "id3/ddd"]


def test_without_a_list_of_the_test_that_is_said(tmp_path: Path) -> None:
    files(tmp_path, "id1/aaa.mp4")
    assert any("no videos of the test are left out" in n for n in find_sources(tmp_path).notes)
    with pytest.raises(DataError, match=r"no meta_list\.csv"):
        find_sources(tmp_path, annotations=tmp_path / "elsewhere")


def test_the_published_list_is_read_whole(annotated: Path) -> None:
    """11 784 rows, 15 of them repeats, 60 names cut to 5 characters; see the specification."""
    rows = read_names(annotated / "randomVoxMeta.csv")
    assert len(rows) == 11784
    assert len(rows) - len({row[:2] for row in rows}) == 15
    assert sum(len(video) == 5 for _, video, _ in rows) == 60
    assert rows[0] == ("id00016", "0cLseJLGw2o", 2)


@pytest.mark.parametrize("row", ["id1,", "id1,../../evil", ",aaa"])
def test_rows_that_name_no_video_are_refused(tmp_path: Path, row: str) -> None:
    listed(tmp_path / "list.csv", "id1,good", row)
    with pytest.raises(DataError, match=r"list\.csv, line 3"):
        read_names(tmp_path / "list.csv")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        find_sources(tmp_path / "nowhere")


@pytest.mark.parametrize("suffix", ["_25fps", "_fps25", ""])
def test_a_video_of_the_test_is_left_out_however_it_was_converted(
    tmp_path: Path, suffix: str
) -> None:
    """The README calls converted files `_25fps`, the code `_fps25`; no other list is there."""
    files(tmp_path, f"id1/aaaaaaaaaaa{suffix}.mkv", f"id1/bbbbbbbbbbb{suffix}.mkv")
    listed(tmp_path / "Annotations" / "meta_list.csv", "id1,aaaaaaaaaaa")
    result = find_sources(tmp_path)
    assert [str(one.name) for one in result.videos] == ["id1/bbbbbbbbbbb"]
    assert [*result.left_out.values()] == [("id1/aaaaaaaaaaa",)]


def test_the_videos_of_the_test_are_left_out_under_other_celebrities_too(tmp_path: Path) -> None:
    files(tmp_path, "id1/aaaaaaaaaaa.mp4", "id2/aaaaaaaaaaa.mp4", "id2/bbbbbbbbbbb.mp4")
    listed(tmp_path / "Annotations" / "meta_list.csv", "id1,aaaaaaaaaaa")
    assert names(tmp_path) == ["id2/bbbbbbbbbbb"]


def test_of_two_converted_files_one_is_taken(tmp_path: Path) -> None:
    files(tmp_path, "id1/aaa_25fps.mkv", "id1/aaa_fps25.mkv", "id1/aaa.webm")
    assert names(tmp_path) == ["id1/aaa"]


@pytest.mark.parametrize("given", [".", "randomVox"])
def test_the_root_of_the_authors_is_taken(
    tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(
        tmp_path, "randomVox/id1/aaaaaaaaaaa_25fps.mkv", "randomVox/id1/bbbbbbbbbbb_25fps.mkv",
        "modules/weights/x.mp4",
    )  # fmt: skip
    listed(tmp_path / "randomVox" / "randomVoxMeta.csv", "id1,aaaaaaaaaaa", "id1,bbbbbbbbbbb")
    listed(tmp_path / "Annotations" / "meta_list.csv", "id1,aaaaaaaaaaa")
    assert names(tmp_path / given) == ["id1/bbbbbbbbbbb"]
    monkeypatch.chdir(tmp_path / given)
    assert names(Path()) == ["id1/bbbbbbbbbbb"]
