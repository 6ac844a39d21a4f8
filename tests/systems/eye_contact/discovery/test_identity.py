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
    most_seen,
    read_references,
    references_of_images,
    write_references,
)


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
    asked = np.stack([embedding(frames[1].rgb(), face, embedder) for face in later])
    alike = person.similarity(asked)
    assert len(alike) == 4
    assert alike.argmax() == 1
    assert alike[1] >= LEAST_COSINE > np.delete(alike, 1).max()


def test_a_still_image_is_a_frame() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    frame = still(image)
    assert frame.size_wh == (64, 48)
    np.testing.assert_array_equal(frame.rgb(), image)
