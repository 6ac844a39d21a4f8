"""Known faces: files, cosines, the most seen face, real images where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.people.embed import Embedder
from eyeline.systems.eye_contact.discovery.faces import make_finder, still
from eyeline.systems.eye_contact.discovery.identity import (
    LEAST_COSINE,
    MOST_REFERENCES,
    Person,
    cosines,
    find_known_people,
    most_seen,
    read_references,
    references_of_images,
    write_references,
)
from eyeline.systems.eye_contact.discovery.sources import Source, VideoName


def test_the_largest_cosine_counts() -> None:
    a, b = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0], [-3.0, -4.0], [6.0, 8.0]])
    np.testing.assert_allclose(cosines(a, b), [[0.96, -1.0, 1.0]])
    person = Person(b, "images", 0.4)
    np.testing.assert_allclose(person.similarity(a), [1.0])


def test_known_faces_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "id1" / "id1_face_embedding.npz"
    vectors = np.random.default_rng(0).normal(size=(30, 128))
    write_references(path, vectors)
    np.testing.assert_array_equal(read_references(path), vectors)
    with np.load(path) as file:
        assert file.files == ["arr_0"]


def test_known_faces_of_another_network_are_refused(tmp_path: Path) -> None:
    write_references(tmp_path / "a.npz", np.ones((3, 512)))
    with pytest.raises(DataError, match="512 numbers, those of this package have 128"):
        read_references(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_a_damaged_file_of_known_faces_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz"):
        read_references(tmp_path / "a.npz")


def test_the_most_seen_face_is_found_among_others() -> None:
    rng = np.random.default_rng(1)
    people = rng.normal(size=(3, 128))
    shown = [0] * 10 + [1] * 40 + [2] * 12
    vectors = people[shown] + 0.05 * rng.normal(size=(62, 128))
    result = most_seen(vectors, 0.95)
    assert len(result) == MOST_REFERENCES
    assert (cosines(result, people).argmax(axis=1) == 1).all()
    assert len(most_seen(vectors[:0], 0.95)) == 0


def test_no_person_without_a_face_and_no_cosine_beyond_one() -> None:
    with pytest.raises(DataError, match="no known face"):
        Person(np.zeros((0, 128)), "video")
    with pytest.raises(UsageError, match="cosine"):
        Person(np.ones((1, 128)), "video", 1.5)


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        references_of_images(tmp_path, make_finder(), Embedder())


def test_people_are_reported_apart_by_images(interview: Path, tmp_path: Path) -> None:
    """An image of one of four people on a couch is like him or her alone."""
    import cv2

    from eyeline.systems.eye_contact.discovery.faces import embedding
    from eyeline.video.reader import VideoReader

    finder, embedder = make_finder(), Embedder()
    frames = [f for n, f in enumerate(VideoReader(interview, rate_hz=1)) if n in (0, 8)]
    first, later = (sorted(finder.find(f), key=lambda x: x.box_xyxy[0]) for f in frames)
    box = first[1].box_xyxy.astype(int)
    crop = frames[0].rgb()[max(0, box[1] - 80) : box[3] + 80, box[0] - 80 : box[2] + 80]
    cv2.imwrite(str(tmp_path / "one.png"), crop[..., ::-1])
    (tmp_path / "two.jpg").write_bytes(b"no image")
    person = Person(references_of_images(tmp_path, finder, embedder), "images")
    assert len(person.references) == 1
    queries = np.stack([embedding(frames[1].rgb(), face, embedder) for face in later])
    alike = person.similarity(queries)
    assert len(alike) == 4
    assert alike.argmax() == 1
    assert alike[1] >= LEAST_COSINE > np.delete(alike, 1).max()


def test_a_still_image_is_a_frame() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    frame = still(image)
    assert frame.size_wh == (64, 48)
    np.testing.assert_array_equal(frame.rgb(), image)


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
        (f"{TABLE}id3,../x,m,dev\n", "line 4: VGGFace2 ID is '../x', expected a name"),
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
