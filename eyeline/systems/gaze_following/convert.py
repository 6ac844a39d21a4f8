"""`convert gaze_following/vgs`: a file of the authors to a plain table, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from eyeline.errors import DataError, UsageError
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column
from eyeline.files import write_bytes
from eyeline.results import Floats
from eyeline.speech.syncnet.crops import Squares
from eyeline.systems.gaze_following import formats, speaker_files
from eyeline.systems.gaze_following.detector import coco
from eyeline.systems.gaze_following.speaker_files import (
    StoredFaces,
    StoredOffset,
    StoredScenes,
    StoredTrack,
)
from eyeline.systems.gaze_following.tracking import FaceTrack

Table = list[list[float | str]]
KindName = Literal[
    "candidates",
    "annotations",
    "faces",
    "scenes",
    "tracks",
    "distances",
    "offsets",
    "head_boxes",
    "head_corners",
    "speakers",
]
_BOX_NORM = ("y1_norm", "x1_norm", "y2_norm", "x2_norm")
_BOX_PX = ("x1_px", "y1_px", "x2_px", "y2_px")
_CORNERS = tuple(f"{axis}{corner}_px" for corner in range(1, 5) for axis in "xy")
_SHIFTS = tuple(f"shift_{ticks}" for ticks in range(-15, 16))


class Kind(NamedTuple):
    """One kind of the authors' files, and how a table holds it."""

    files: str
    """Pattern of its names."""
    columns: tuple[str, ...]
    """Of the table. Cells behind the first may be empty where there is nothing in it."""
    read: Callable[[Path], Iterable[Sequence[Any]]]
    """The authors' file to rows."""
    write: Callable[[Path, Table], None]
    """Rows to the authors' file."""


def run(source: Path, out: Path, *, kind: KindName | None = None) -> dict[str, Any]:
    """Convert a file by its suffix and that of the other: one of them is a table, `.csv`.

    Args:
        source: a file of the authors or a table.
        out: the other.
        kind: one of `KINDS`; by default that whose name the authors' file has.

    Raises:
        UsageError: a name of no kind, or not exactly one table.
        DataError: a damaged file, or one of another kind.
        OutputError: the file cannot be written.
    """
    is_table = [path.suffix.lower() == ".csv" for path in (source, out)]
    if sum(is_table) != 1:
        raise UsageError(f"{source} to {out}: one of both must be a table, named .csv")
    name = kind or _kind_of(out if is_table[0] else source)
    chosen = KINDS[name]
    if is_table[0]:
        rows = _read_table(source, chosen.columns)
        try:
            chosen.write(out, rows)
        except DataError as error:
            raise DataError(f"{source}: {error}") from None
    else:
        rows = [[_plain(cell) for cell in row] for row in chosen.read(source)]
        formats.write_table(out, chosen.columns, rows)
    return {"kind": name, "rows": len(rows), "file": str(out)}


def _kind_of(file: Path) -> str:
    known = [name for name, one in KINDS.items() if fnmatch(file.name, one.files)]
    if not known:
        patterns = ", ".join(one.files for one in KINDS.values())
        raise UsageError(
            f"{file.name} is no name of the authors' files ({patterns}): say what it is by "
            f"--set kind={'|'.join(KINDS)}"
        )
    return known[0]


def _plain(cell: Any) -> Any:
    """Numbers of numpy as Python's, to be written to the last digit."""
    return cell.item() if isinstance(cell, np.generic) else cell


def _read_table(path: Path, columns: tuple[str, ...]) -> Table:
    """Rows with their numbers; text stays where the column is a name, and empty cells."""
    number = tables.maybe(formats.real, "")
    kinds = [Column(n, tables.text if n == "frame_name" else number, object) for n in columns]
    return [[*row] for row in zip(*tables.read(path, kinds).columns.values(), strict=True)]


def _numbers(rows: Table, columns: slice = slice(None)) -> Floats:
    cells = [row[columns] for row in rows]
    if any(cell == "" for row in cells for cell in row):
        raise DataError("a cell is empty where a number is expected")
    return np.array(cells, np.float64)


def _tables(rows: Table, first: int = 2) -> list[Floats]:
    """Of each track the columns from the `first` on."""
    groups = [(int(float(key)), list(own)) for key, own in groupby(rows, lambda row: row[0])]
    if [track for track, _ in groups] != list(range(len(groups))):
        raise DataError("rows must stand by track: 0, 1, ...")
    return [_numbers(own, slice(first, None)) for _, own in groups]


def _candidates(path: Path) -> Iterable[Sequence[Any]]:
    for one in formats.read_candidates_text(path):
        for box, score in zip(one.box_xyxy, one.score, strict=True):
            yield one.name, *box, score
        if not len(one.score):
            yield one.name, *[""] * 5


def _write_candidates(path: Path, rows: Table) -> None:
    formats.write_candidates_text(
        path,
        (
            formats.Candidates(str(name), table[:, :4], table[:, 4])
            for name, own in groupby(rows, lambda row: row[0])
            for table in [_filled(own, slice(1, None)).reshape(-1, 5)]
        ),
    )


def _filled(rows: Iterable[Any], columns: slice) -> Floats:
    """Those rows that hold more than their first cell."""
    return _numbers([row for row in rows if row[-1] != ""], columns)


def _annotations(path: Path) -> Iterable[Sequence[Any]]:
    for image in coco.read(path).images:
        boxes: list[Sequence[Any]] = [target.box_xyxy for target in image.targets]
        yield from ((image.name, *image.size_wh, *box) for box in boxes or [[""] * 4])


def _write_annotations(path: Path, rows: Table) -> None:
    groups = [(str(name), list(own)) for name, own in groupby(rows, lambda row: row[0])]
    sizes = [_numbers(own[:1], slice(1, 3))[0].astype(int).tolist() for _, own in groups]
    images = (
        (name, (width, height), _filled(own, slice(3, 7)))
        for (name, own), (width, height) in zip(groups, sizes, strict=True)
    )
    write_bytes(path, json.dumps(coco.instances(images)).encode())


def _faces(path: Path) -> Iterable[Sequence[Any]]:
    faces = speaker_files.read_faces(path)
    for frame in range(faces.frames_read):
        own = np.flatnonzero(faces.frame == frame)
        yield from ((frame, *faces.box_norm[row], faces.score[row]) for row in own)
        if not len(own):
            yield frame, *[""] * 5


def _write_faces(path: Path, rows: Table) -> None:
    frames = _numbers(rows, slice(0, 1)).astype(np.int64).ravel()
    table = _filled(rows, slice(None)).reshape(-1, 6)
    count = int(frames.max(initial=-1)) + 1
    if {*frames.tolist()} != {*range(min(count, len(frames)))}:
        raise DataError("every frame needs a row, with empty cells where there is no face")
    faces = StoredFaces(table[:, 0].astype(np.int64), table[:, 1:5], table[:, 5], count)
    speaker_files.write_faces(path, faces)


def _write_scenes(path: Path, rows: Table) -> None:
    frames = {int(n) for n in _numbers(rows, slice(0, 1)).ravel()}
    if len(frames) != 1:
        raise DataError(f"frames_read must be one number in all rows, not {len(frames)}")
    cuts = tuple(int(n) for n in _filled(rows, slice(1, 2)).ravel())
    speaker_files.write_scenes(path, StoredScenes(frames.pop(), cuts))


def _tracks(path: Path) -> Iterable[Sequence[Any]]:
    for number, (track, squares) in enumerate(speaker_files.read_tracks(path)):
        for row, frame in enumerate(track.frame):
            yield number, frame, *track.box_norm[row], *(column[row] for column in squares)


def _write_tracks(path: Path, rows: Table) -> None:
    stored = [
        StoredTrack(FaceTrack(t[:, 0].astype(np.int64), t[:, 1:5]), Squares(*t[:, 5:8].T))
        for t in _tables(rows, 1)
    ]
    speaker_files.write_tracks(path, stored)


def _distances(path: Path) -> Iterable[Sequence[Any]]:
    for number, table in enumerate(speaker_files.read_distances(path)):
        if table.shape[1] != len(_SHIFTS):
            raise DataError(f"{path}: {table.shape[1]} shifts; expected {len(_SHIFTS)}")
        yield from ((number, tick, *row) for tick, row in enumerate(table))


def _boxes(axes: int) -> Callable[[Path], Iterable[Sequence[Any]]]:
    def read(path: Path) -> Iterable[Sequence[Any]]:
        boxes = speaker_files.read_head_boxes(path)
        if boxes.ndim != axes:
            raise DataError(f"{path}: boxes by {('sides', 'corners')[boxes.ndim - 3]}")
        for number, track in enumerate(boxes):
            yield from ((number, frame, *box.ravel()) for frame, box in enumerate(track))

    return read


def _write_boxes(path: Path, rows: Table) -> None:
    tracks = [table.astype(np.int64) for table in _tables(rows)]
    if len({len(track) for track in tracks}) > 1:
        raise DataError("tracks of head boxes must be of one length")
    boxes = np.stack(tracks) if tracks else np.zeros((0, 0, 4), np.int64)
    by_corner = boxes.shape[2] == len(_CORNERS)
    speaker_files.write_boxes(path, boxes.reshape(*boxes.shape[:2], 4, 2) if by_corner else boxes)


KINDS: dict[str, Kind] = {
    "candidates": Kind(
        "x101_*.txt", ("frame_name", *_BOX_PX, "score"), _candidates, _write_candidates
    ),
    "annotations": Kind(
        "instances_*.json",
        ("frame_name", "width_px", "height_px", *_BOX_PX),
        _annotations,
        _write_annotations,
    ),
    "faces": Kind("faces.pckl", ("frame", *_BOX_NORM, "score"), _faces, _write_faces),
    "scenes": Kind(
        "scene.pckl",
        ("frames_read", "first_frame"),
        lambda path: [
            (scenes.frames_read, cut)
            for scenes in [speaker_files.read_scenes(path)]
            for cut in scenes.cuts or ("",)
        ],
        _write_scenes,
    ),
    "tracks": Kind(
        "tracks.pckl",
        ("track", "frame", *_BOX_NORM, "half_px", "x_px", "y_px"),
        _tracks,
        _write_tracks,
    ),
    "distances": Kind(
        "activesd.pckl",
        ("track", "tick", *_SHIFTS),
        _distances,
        lambda path, rows: speaker_files.write_distances(path, _tables(rows)),
    ),
    "offsets": Kind(
        "offsets.txt",
        ("track", "ticks", "confidence"),
        lambda path: ((i, *row) for i, row in enumerate(speaker_files.read_offsets(path))),
        lambda path, rows: speaker_files.write_offsets(
            path, [StoredOffset(int(ticks), sure) for _, ticks, sure in _numbers(rows).tolist()]
        ),
    ),
    "head_boxes": Kind(
        "*_frame_faces_boxes.npy", ("track", "frame", *_BOX_PX), _boxes(3), _write_boxes
    ),
    "head_corners": Kind(
        "*_faces_bboxes.npy", ("track", "frame", *_CORNERS), _boxes(4), _write_boxes
    ),
    "speakers": Kind(
        "whospeaks.npy",
        ("frame", "head"),
        lambda path: enumerate(speaker_files.read_array(path, 1)),
        lambda path, rows: speaker_files.write_array(path, _numbers(rows)[:, 1]),
    ),
}
"""By name."""
