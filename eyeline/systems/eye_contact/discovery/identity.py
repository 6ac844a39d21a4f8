"""Which face of a video is the person that it is about: embeddings of known faces, and likeness.

The original compares by the largest cosine to some thirty known faces and asks for 0.4, a figure
for a private network. The vectors of dlib's network all share a large part, so their cosines are
high: on a real clip of four people, known faces from one half and queries from the other, 0.92
takes 98.8 % of the person's own faces and 2.2 % of the others' (0.93: 98.2 and 0.5 %, 0.91: 5.1 %
of the others'). Known faces from other days and cameras are less alike than these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.documents import read_npz
from eyeline.errors import DataError, UsageError, check_shape
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column
from eyeline.files import replacing
from eyeline.geometry import boxes
from eyeline.people.embed import SIZE, Embedder
from eyeline.results import Floats
from eyeline.systems.eye_contact.discovery.faces import Finder, embedding, still
from eyeline.systems.eye_contact.discovery.sources import Source, some, tops
from eyeline.systems.eye_contact.tracklets import name_part

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
    units = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b)]
    return np.asarray(units[0] @ units[1].T)


def references_path(root: Path, celebrity: str) -> Path:
    """Where the original layout keeps the known faces of a person."""
    return root / celebrity / f"{celebrity}_face_embedding.npz"


def read_references(path: Path, size: int = SIZE) -> Floats:
    """Known faces `(m, size)` of a file `*_face_embedding.npz`.

    DataError for a file that cannot be read, lacks `arr_0`, or was made by another network.
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
    """The largest face of each image of a folder `(m, 128)`, by name, up to `MOST_REFERENCES`.

    DataError for no image in the folder, or no face in any of them.
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
    """The vector of `(n, d)` with the most others like it, and these, the most alike first.

    Those are alike whose cosine is `least_similarity` or more; at most `MOST_REFERENCES`.
    """
    if not len(vectors):
        return vectors
    likeness = cosines(vectors, vectors)
    alike = likeness >= least_similarity
    centre = int(np.where(alike, likeness, 0.0).sum(axis=1).argmax())
    order = np.argsort(-likeness[centre], kind="stable")
    return np.asarray(vectors[order[alike[centre, order]][:MOST_REFERENCES]])


def _largest_faces(images: Sequence[Path], finder: Finder, embedder: Embedder) -> Iterator[Floats]:
    import cv2

    for path in images:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
        if image is None:
            continue
        rgb = np.asarray(image, np.uint8)
        if faces := finder.find(still(rgb)):
            largest = max(faces, key=lambda face: float(boxes.area(face.box_xyxy)))
            yield embedding(rgb, largest, embedder)


def _faces_of(frame: Frame, finder: Finder, embedder: Embedder) -> list[Floats]:
    return [embedding(frame.rgb(), face, embedder) for face in finder.find(frame)]


CONVERSION = "vox_face_conversion.csv"
"""The table of VGGFace2's authors that says which of its people is which of VoxCeleb2's."""
_COLUMNS = ("VoxCeleb2 ID", "VGGFace2 ID")
_VGG_FACES = ("VGG-Face2", "VGGFace2")
_PARTS = ("data/train", "data/test", "train", "test", ".")


@dataclass(frozen=True)
class KnownPeople:
    """Images of people, by the names of a data set of videos."""

    images: Path | None = None
    """Holds a folder a person; None where no images were given or found."""
    vgg_id: dict[str, str] | None = None
    """VoxCeleb2's name to VGGFace2's; None without a table."""

    def folder(self, celebrity: str) -> Path | None:
        """The folder of a person's images, under either name; None where there is none."""
        if self.images is None:
            return None
        other = (self.vgg_id or {}).get(celebrity, celebrity)
        places = [self.images / celebrity, *(self.images / p / other for p in _PARTS)]
        return next((place for place in places if place.is_dir()), None)

    def attached(self, videos: Iterable[Source]) -> tuple[tuple[Source, ...], tuple[str, ...]]:
        """The videos with their people's images, and who has none, in words."""
        result = tuple(replace(v, images=self.folder(v.name.celebrity)) for v in videos)
        lacking = sorted({v.name.celebrity for v in result if v.images is None})
        if self.images is None or not lacking:
            return result, ()
        note = (
            f"no images of {len(lacking)} people in {self.images}: {some(lacking)}; "
            "the face most seen in each of their videos is taken"
        )
        return result, (note,)


def find_known_people(
    source: Path, images: Path | None = None, conversion: Path | None = None
) -> KnownPeople:
    """The images of people that belong to a data set, as of `sources.find_sources`.

    Where it holds `VGG-Face2` and `vox_face_conversion.csv`, as the authors ask for, these are
    taken by default. `images` has a folder a person, under VoxCeleb2's name, or is VGGFace2, for
    which `conversion` is the table. UsageError for one of them that is not there, DataError for a
    table that cannot be read.
    """
    if images is not None and not images.is_dir():
        raise UsageError(f"{images}: no such folder of images")
    if conversion is not None and not conversion.is_file():
        raise UsageError(f"{conversion}: no such table of people")
    places = tops(source)
    files = [conversion] if conversion else [top / CONVERSION for top in places]
    table = next((path for path in files if path.is_file()), None)
    if images is None and table is not None:
        folders = (top / name for top in places for name in _VGG_FACES)
        images = next((folder for folder in folders if folder.is_dir()), None)
        if images is None:
            raise DataError(
                f"{table} is there, but no folder {_VGG_FACES[0]} with VGGFace2's images: put it "
                "beside the table, give images=FOLDER, or take the table away"
            )
    return KnownPeople(images, _read_conversion(table) if table else None)


def _read_conversion(path: Path) -> dict[str, str]:
    """VoxCeleb2's name to VGGFace2's; where one comes twice its first row counts, as published."""
    columns, _ = tables.read(path, [Column(name, name_part, object) for name in _COLUMNS])
    vox, vgg = (columns[name][::-1] for name in _COLUMNS)
    return dict(zip(vox, vgg, strict=True))
