"""The annotated videos: tracklets of one face with their frame labels, from either layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import read_npz
from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact import original
from eyeline.systems.eye_contact.annotations import (
    RATE_HZ,
    Annotation,
    frame_labels,
    read_annotation,
)
from eyeline.systems.eye_contact.elan import TARGETS
from eyeline.systems.eye_contact.tracklets import (
    ListRow,
    TrackletFile,
    has_feature,
    read_feature,
    read_tracklet,
)


@dataclass(frozen=True)
class Tracklet:
    """One face followed without a break at 25 Hz, with the annotators' labels."""

    start_frame: int
    """Video frame of the first row."""
    six_px: Floats
    """`(n, 6, 2)` points `people.tracks.SIX_OF_68`."""
    label: Ints
    """`(n,)` 1 eye contact, 0 none."""
    uncertain: Ints
    """`(n,)` 1 where the annotators could not tell; the label is then 0 unless a target's row
    covers it."""
    number: int = 0
    """As its file is called; numbers may have gaps."""
    target: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """`(n,)` index into `elan.TARGETS`; empty where only labels are known."""
    box_px: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    """`(n, 4)` face box, xyxy; empty where it is not known."""
    feature: Floats | Callable[[], Floats] | None = None
    """`(n, feature)` float32 of the gaze network, or what reads them from their file, or None."""

    def __len__(self) -> int:
        return len(self.label)

    @property
    def name(self) -> str:
        """Its number as files have it, `000` on."""
        return f"{self.number:03d}"

    @property
    def time_s(self) -> Floats:
        """`(n,)` seconds since the video's first frame."""
        return np.asarray((self.start_frame + np.arange(len(self))) / RATE_HZ)


@dataclass(frozen=True)
class FeatureFile:
    """Reads the features of a tracklet from its file when it is called."""

    path: Path
    frames: int
    """How many there must be."""

    def __call__(self) -> Floats:
        """`(frames, feature)` float32; DataError where the file no longer holds them."""
        result = read_feature(self.path)
        if result is None or len(result) != self.frames:
            raise DataError(
                f"{self.path} has no gaze_feature for its {self.frames} frames; prepare it anew"
            )
        return result


@dataclass(frozen=True)
class AnnotatedVideo:
    """All tracklets of the one annotated person of a video."""

    name: str
    """`celebrity_video`."""
    fold: int
    """Part of the cross-validation, from 0."""
    width_px: int
    height_px: int
    tracklets: tuple[Tracklet, ...]

    @property
    def celebrity(self) -> str:
        """The first part of the name."""
        return self.name.partition("_")[0]

    @property
    def video(self) -> str:
        """The rest of the name."""
        return self.name.partition("_")[2]

    @property
    def frame_count(self) -> int:
        """Annotated frames over all tracklets."""
        return sum(len(t) for t in self.tracklets)


@dataclass(frozen=True)
class AnnotatedFolder:
    """What a folder of annotated videos holds."""

    videos: tuple[AnnotatedVideo, ...]
    notes: tuple[str, ...]
    """What was left out or looks odd, naming files and lines."""


def read_folder(folder: Path | str) -> AnnotatedFolder:
    """All annotated videos that have tracklets, in the order of the folder's list.

    The folder either holds `videos.csv` and `per_video/<celebrity>_<video>.npz`, or is the
    published `Annotations` (or its parent), see `original`: labels are then derived from the ELAN
    files, the size of the image from the coordinates, and folds by rank of the fraction of contact.
    DataError names the file, and the line or array, that is missing or wrong.
    """
    folder = Path(folder)
    if (folder / "videos.csv").is_file():
        return _read_tidy(folder)
    published = original.find(folder)
    if published is None:
        raise DataError(
            f"no annotated videos in {folder}: neither videos.csv nor {original.META}, here or in "
            "a folder Annotations"
        )
    return _read_published(published)


def _read_published(folder: Path) -> AnnotatedFolder:
    listed = original.read_folder(folder)
    if not listed.entries:
        raise DataError(f"{folder / original.META} lists no video with tracklets")
    notes, videos = list(listed.notes), []
    for entry in listed.entries:
        annotation = read_annotation(entry.annotation)
        notes += annotation.notes
        files = [_listed_tracklet(row, path, folder) for row, path in entry.tracklets]
        size = _frame_size(files, f"{folder / 'tracklets' / entry.celebrity / entry.video}")
        tracklets = tuple(
            _labelled(own, size, int(row.tracklet), path, annotation)
            for own, (row, path) in zip(files, entry.tracklets, strict=True)
        )
        videos.append(AnnotatedVideo(f"{entry.celebrity}_{entry.video}", 0, *size, tracklets))
    positive = [float(sum(t.label.sum() for t in v.tracklets) / v.frame_count) for v in videos]
    fold = original.folds(
        [(p, v.celebrity, v.video) for p, v in zip(positive, videos, strict=True)]
    )
    numbered = (replace(v, fold=f) for v, f in zip(videos, fold, strict=True))
    return AnnotatedFolder(tuple(numbered), tuple(notes))


def _listed_tracklet(row: ListRow, path: Path, folder: Path) -> TrackletFile:
    own = read_tracklet(path, feature=False)
    if (own.start_frame, own.end_frame) != (row.start, row.end):
        raise DataError(
            f"{folder / 'tracklets' / original.LIST}, line {row.line}: frames {row.start} to "
            f"{row.end}, but {path} holds {own.start_frame} to {own.end_frame}"
        )
    if not row.tracklet.isdigit():
        raise DataError(f"{path}: a tracklet is called by its number")
    return own


def _frame_size(files: Sequence[TrackletFile], where: str) -> tuple[int, int]:
    """From boxes and landmarks; from landmarks alone where boxes are not whole pixels."""
    six = np.concatenate([f.six_norm.reshape(-1, 2) for f in files])
    boxes = np.concatenate([f.box_norm.reshape(-1, 2) for f in files])
    try:
        return original.frame_size(np.concatenate([six, boxes]), where)
    except DataError:
        return original.frame_size(six, where)


def _labelled(
    own: TrackletFile, size: tuple[int, int], number: int, path: Path, annotation: Annotation
) -> Tracklet:
    frames = np.arange(own.start_frame, own.end_frame)
    label, target, uncertain = frame_labels(annotation.rows, frames)
    box_px = own.box_norm * np.array([*size, *size])
    whole = np.rint(box_px)
    return Tracklet(
        own.start_frame,
        np.rint(own.six_norm * np.array(size)),
        label,
        uncertain,
        number,
        target,
        whole if np.abs(box_px - whole).max() < 1e-6 else box_px,
        FeatureFile(path, len(own)) if has_feature(path) else None,
    )


def _read_tidy(folder: Path) -> AnnotatedFolder:
    index = folder / "videos.csv"
    columns, lines = tables.read(index, _VIDEOS)
    videos, notes = [], []
    rows = zip(*(columns[c.name].tolist() for c in _VIDEOS), lines.tolist(), strict=True)
    for celebrity, video, fold, tracklets, line in rows:
        where = f"{index}, line {line}"
        if not tracklets:
            notes.append(f"{where}: {celebrity}/{video} has no tracklet and is left out")
        elif not celebrity or not video or fold < 0:
            raise DataError(f"{where}: needs the columns celebrity_id, video_name and fold")
        else:
            videos.append(_read_video(folder, f"{celebrity}_{video}", fold, tracklets, where))
    if not videos:
        raise DataError(f"{index} lists no video with tracklets")
    return AnnotatedFolder(tuple(videos), tuple(notes))


def _read_video(folder: Path, name: str, fold: int, count: int, where: str) -> AnnotatedVideo:
    path = folder / "per_video" / f"{name}.npz"
    arrays = _read_arrays(path)
    width_px, height_px = (int(n) for n in arrays["size"])
    tracklets = _tracklets(arrays, path)
    if len(tracklets) != count:
        raise DataError(f"{where}: {count} tracklets, but {path} has {len(tracklets)}")
    return AnnotatedVideo(name, fold, width_px, height_px, tracklets)


_VIDEOS = [
    Column("celebrity_id", str.strip, object),
    Column("video_name", str.strip, object),
    Column("fold", tables.maybe(tables.whole, -1), np.int64),
    Column("tracklets", tables.whole, np.int64),
]
_ARRAYS = {
    "size": "2",
    "tracklet": "tracklet",
    "start_frame": "tracklet",
    "length": "tracklet",
    "landmark_px": "frame 6 2",
    "label": "frame",
    "uncertain": "frame",
    "target": "frame",
    "box_px": "frame 4",
}


def _read_arrays(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"no tracklets at {path}, which videos.csv lists")
    arrays = read_npz(path, _ARRAYS)
    if odd := [name for name, array in arrays.items() if array.dtype.kind not in "fiub"]:
        raise DataError(f"{path}: {', '.join(odd)} are no numbers")
    sizes: dict[str, int] = {}
    for name, axes in _ARRAYS.items():
        if name not in arrays:
            raise DataError(f"{path} lacks the array '{name}'")
        sizes = check_shape(arrays[name], axes, f"{path}: {name}", sizes)
    if int(arrays["length"].sum()) != sizes["frame"]:
        raise DataError(
            f"{path}: tracklets add up to {arrays['length'].sum()} frames, "
            f"arrays hold {sizes['frame']}"
        )
    return arrays


def _tracklets(arrays: Mapping[str, Any], path: Path) -> tuple[Tracklet, ...]:
    if not np.isin(arrays["label"], (0, 1)).all():
        raise DataError(f"{path}: labels other than 0 and 1")
    if not np.isin(arrays["target"], np.arange(len(TARGETS))).all():
        raise DataError(f"{path}: targets other than 0 to {len(TARGETS) - 1}")
    cuts = np.cumsum(arrays["length"])[:-1]
    six, box = (np.split(arrays[n].astype(np.float64), cuts) for n in ("landmark_px", "box_px"))
    label, uncertain, target = (
        np.split(arrays[n].astype(np.int64), cuts) for n in ("label", "uncertain", "target")
    )
    starts, numbers = arrays["start_frame"].tolist(), arrays["tracklet"].tolist()
    rows = zip(starts, six, label, uncertain, numbers, target, box, strict=True)
    return tuple(Tracklet(*row) for row in rows)
