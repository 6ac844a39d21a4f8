"""Which face of a video is the person that it is about: embeddings of known faces, and likeness.

The original compares by the largest cosine to some thirty known faces and asks for 0.4, a figure
for a private network. The vectors of dlib's network all share a large part, so their cosines are
high: on a real clip of four people, known faces from one half and asked ones from the other, 0.92
takes 98.8 % of the person's own faces and 2.2 % of the others' (0.93: 98.2 and 0.5 %, 0.91: 5.1 %
of the others'). Known faces from other days and cameras are less alike than these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.documents import read_npz
from eyeline.errors import DataError, UsageError, check_shape
from eyeline.files import replacing
from eyeline.people.embed import SIZE, Embedder
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.discovery.faces import Finder, embedding, still

if TYPE_CHECKING:
    from eyeline.video.frame import Frame

LEAST_COSINE = 0.92
"""For dlib's embedding; see above."""
MOST_REFERENCES = 30
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")

_ONE_VIDEO = 0.95
"""Cosine from which two faces of one video are taken for the same: in one video people look more
alike themselves, and a known face of somebody else would spoil all."""
_LOOKS = 60
"""Frames of a video that are searched for its most seen face."""
_LEAST_LOOKS = 8
"""Key frames with a face below which the video is read at 1 Hz instead."""


@dataclass(frozen=True)
class Person:
    """Whom to look for."""

    references: Floats
    """`(m, d)` embeddings of known faces."""
    source: str
    """`images`, or `video` where the most seen face of the video itself is taken."""
    least_similarity: float = LEAST_COSINE

    def __post_init__(self) -> None:
        """Check the shape and that there is a face."""
        check_shape(self.references, "face d", "the known faces")
        if not len(self.references):
            raise DataError("no known face of the person")
        if not -1 <= self.least_similarity <= 1:
            raise UsageError(f"a cosine lies in -1 to 1; {self.least_similarity} is none")

    def similarity(self, vectors: Floats) -> Floats:
        """Largest cosine `(n,)` of embeddings `(n, d)` to the known faces."""
        check_shape(vectors, "face d", "embeddings", {"d": self.references.shape[1]})
        return np.asarray(cosines(vectors, self.references).max(axis=1))


def cosines(a: Floats, b: Floats) -> Floats:
    """Cosines `(n, m)` of all pairs of vectors `(n, d)` and `(m, d)`."""
    return np.asarray(_unit(a) @ _unit(b).T)


def references_path(root: Path, celebrity: str) -> Path:
    """Where the original layout keeps the known faces of a person."""
    return root / celebrity / f"{celebrity}_face_embedding.npz"


def read_references(path: Path, size: int = SIZE) -> Floats:
    """Known faces `(m, size)` of a file `*_face_embedding.npz`.

    Raises:
        DataError: the file cannot be read, lacks `arr_0`, or was made by another network.
    """
    vectors: Any = read_npz(path, ("arr_0",)).get("arr_0")
    if vectors is None or vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise DataError(f"{path} lacks arr_0 with one embedding a row")
    if vectors.shape[1] != size:
        raise DataError(
            f"{path} holds embeddings of {vectors.shape[1]} numbers, those of this package have "
            f"{size}: remove the file and give images of the person, or have none made"
        )
    if not np.isfinite(vectors).all() or not len(vectors):
        raise DataError(f"{path} holds no embeddings, or such as are no numbers")
    return np.asarray(vectors, np.float64)


def write_references(path: Path, vectors: Floats) -> None:
    """Write known faces as the original has them, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, vectors)


def references_of_images(folder: Path, finder: Finder, embedder: Embedder) -> Floats:
    """The largest face of each image of a folder, by name, up to `MOST_REFERENCES` faces.

    Returns:
        `(m, 128)`.

    Raises:
        DataError: no image in the folder, or no face in any of them.
    """
    images = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in IMAGES]
    if not images:
        raise DataError(f"{folder} holds no images ({', '.join(IMAGES)})")
    vectors = list(islice(_largest_faces(images, finder, embedder), MOST_REFERENCES))
    if not vectors:
        raise DataError(f"no face was found in the {len(images)} images of {folder}")
    return np.stack(vectors)


def references_of_video(path: Path | str, finder: Finder, embedder: Embedder) -> Floats:
    """The face that is seen most often in a video, from images spread over it.

    Returns:
        `(m, 128)`, at most `MOST_REFERENCES`; empty where there is no face.
    """
    from eyeline.video.keyframes import key_frames
    from eyeline.video.reader import VideoReader, probe

    apart_s = probe(path).duration_s / _LOOKS
    looks = [v for f in key_frames(path, apart_s) if (v := _faces_of(f, finder, embedder))]
    if len(looks) < _LEAST_LOOKS:
        reader = VideoReader(path, rate_hz=min(1.0, 1 / max(apart_s, 1e-3)))
        looks = [v for f in reader if (v := _faces_of(f, finder, embedder))]
    vectors = [vector for look in looks for vector in look]
    return most_seen(np.array(vectors).reshape(-1, SIZE), _ONE_VIDEO)


def most_seen(vectors: Floats, least_similarity: float) -> Floats:
    """The vector with the most others like it, and these, the most alike first.

    Args:
        vectors: `(n, d)`.
        least_similarity: cosine from which two are alike.

    Returns:
        `(m, d)`, at most `MOST_REFERENCES`.
    """
    if not len(vectors):
        return vectors
    likeness = cosines(vectors, vectors)
    alike = likeness >= least_similarity
    centre = int(np.where(alike, likeness, 0.0).sum(axis=1).argmax())
    order = np.argsort(-likeness[centre], kind="stable")
    return np.asarray(vectors[order[alike[centre, order]][:MOST_REFERENCES]])


def _largest_faces(images: Sequence[Path], finder: Finder, embedder: Embedder) -> Iterator[Floats]:
    from eyeline.geometry import boxes

    for path in images:
        rgb = _read_image(path)
        faces = finder.find(still(rgb)) if rgb is not None else []
        if faces and rgb is not None:
            largest = max(faces, key=lambda face: float(boxes.area(face.box_xyxy)))
            yield embedding(rgb, largest, embedder)


def _read_image(path: Path) -> Image | None:
    import cv2

    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    return None if image is None else np.asarray(image, np.uint8)


def _faces_of(frame: Frame, finder: Finder, embedder: Embedder) -> list[Floats]:
    return [embedding(frame.rgb(), face, embedder) for face in finder.find(frame)]


def _unit(vectors: Iterable[Any] | Floats) -> Floats:
    vectors = np.asarray(vectors, np.float64)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
