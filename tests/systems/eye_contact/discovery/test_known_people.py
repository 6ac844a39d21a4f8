"""Images of people: under VoxCeleb2's names, or VGGFace2 with the table of its authors."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.eye_contact.discovery.known_people import find_known_people
from eyeline.systems.eye_contact.discovery.places import VideoName
from eyeline.systems.eye_contact.discovery.sources import Source

TABLE = "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid1 ,n000001 ,m ,dev \nid2 ,n000002 ,f ,test \n"
"""As VGGFace2's authors write it, with blanks before its commas."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of the authors' README."""
    for place in ("randomVox/id1", "VGG-Face2/data/train/n000001", "VGG-Face2/data/test/n000002"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "vox_face_conversion.csv").write_text(TABLE)
    return tmp_path


@pytest.mark.parametrize("given", [".", "randomVox"])
def test_vggface2_is_found_where_the_authors_ask_for_it(root: Path, given: str) -> None:
    people = find_known_people(root / given)
    assert people.folder("id1") == root / "VGG-Face2/data/train/n000001"
    assert people.folder("id2") == root / "VGG-Face2/data/test/n000002"
    assert people.folder("id3") is None


def test_vggface2_may_lie_elsewhere(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (root / "VGG-Face2" / "data").rename(elsewhere / "faces")
    (root / "VGG-Face2").rmdir()
    with pytest.raises(DataError, match="no folder VGG-Face2"):
        find_known_people(root)
    people = find_known_people(root, elsewhere / "faces")
    assert people.folder("id1") == elsewhere / "faces" / "train" / "n000001"


def test_a_folder_a_celebrity_needs_no_table(tmp_path: Path) -> None:
    (tmp_path / "faces" / "id1").mkdir(parents=True)
    people = find_known_people(tmp_path, tmp_path / "faces")
    assert people.folder("id1") == tmp_path / "faces" / "id1"
    assert find_known_people(tmp_path).folder("id1") is None


def test_who_has_no_images_is_named(root: Path) -> None:
    videos = [Source(VideoName(who, "aaa"), root / "aaa.mkv") for who in ("id1", "id3")]
    result, (note,) = find_known_people(root).attached(videos)
    assert [video.images is None for video in result] == [False, True]
    assert note.startswith("no images of 1 people") and "id3" in note
    (root / "vox_face_conversion.csv").unlink()
    assert find_known_people(root).attached(videos) == (tuple(videos), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id1,n000001\n", "line 1: no column VoxCeleb2 ID"),
        (f"{TABLE}id3,../x,m,dev\n", "line 4: 'id3' and '../x' are no names of a person"),
        (f"{TABLE},n000004,m,dev\n", "line 4"),
    ],
)
def test_a_table_that_is_none_is_named(root: Path, text: str, message: str) -> None:
    (root / "vox_face_conversion.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        find_known_people(root)


def test_what_was_given_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder of images"):
        find_known_people(tmp_path, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no such table"):
        find_known_people(tmp_path, conversion=tmp_path / "nowhere.csv")
