"""ChildPlay: `annotations/{train,val,test}/CLIP.csv`, a row a person and frame.

Heads are x, y, width and height in pixels, gaze points pixels; `gaze_class` says whether there is a
point. Images lie under `images/CLIP`, called by the video and the frame's number in it.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column
from eyeline.systems.gaze_following.datasets.annotations import NOT_STATED, Builder, GazeAnnotations
from eyeline.systems.gaze_following.datasets.texts import (
    SizeOf,
    check_box,
    sizes_in_clips,
    unknown_size,
)

INSIDE, OUTSIDE = "inside_visible", "outside_frame"
"""Classes of looks that are known; of all others (occluded, uncertain, a shift, closed eyes, not
annotated) neither a point nor leaving the image is."""
_HEAD = ("bbox_x", "bbox_y", "bbox_width", "bbox_height")
_GAZE = ("gaze_x", "gaze_y")
_COLUMNS = (
    *(Column(name, tables.text, object) for name in ("clip", "person_id", "gaze_class")),
    Column("frame", tables.whole, np.int64),
    *(Column(name, tables.number) for name in (*_HEAD, *_GAZE)),
)
_CLIP = re.compile(r"(.+)_(\d+)-\d+")


def is_childplay(root: Path) -> bool:
    """Whether a folder has its tables."""
    return any((root / "annotations").glob("*/*.csv"))


def read(root: Path | str, part: str, size_of: SizeOf | None = None) -> GazeAnnotations:
    """The looks of a part of the data set; a video is a clip.

    Args:
        root: the folder with `annotations` and `images`.
        part: `train`, `val` or `test`.
        size_of: sizes by `CLIP/image`; by default those of the first image of each clip,
            unknown_size where there is no folder `images`.

    Raises:
        DataError: no tables there; or naming file and line: a column that lacks, a value of another
            kind, an empty head box, a clip whose name does not end in its frames.
    """
    root = Path(root)
    paths = sorted((root / "annotations" / part).glob("*.csv"))
    if not paths:
        raise DataError(f"no annotations at {root / 'annotations' / part}/CLIP.csv")
    if size_of is None:
        images = root / "images"
        size_of = sizes_in_clips(images) if images.is_dir() else unknown_size
    created, pointless = Builder(), 0
    for path in paths:
        pointless += _read_clip(path, size_of, created)
    if pointless:
        created.notes.append(f"{pointless} looks into the image without a point are left out")
    return created.looks()


def _read_clip(path: Path, size_of: SizeOf, builder: Builder) -> int:
    """Add the rows of a table; how many were left out."""
    columns, lines = tables.read(path, _COLUMNS)
    pointless = 0
    for row, line in enumerate(lines.tolist()):
        where = f"{path}, line {line}"
        clip, person, kind = (str(columns[n][row]) for n in ("clip", "person_id", "gaze_class"))
        x, y, width, height = (float(columns[name][row]) for name in _HEAD)
        point = [float(columns[name][row]) for name in _GAZE]
        if kind == INSIDE and -1 in point:
            pointless += 1
            continue
        check_box(where, head := (x, y, x + width, y + height))
        image = image_of(clip, int(columns["frame"][row]), where)
        builder.add(
            where,
            image=image,
            video=clip,
            frame=int(columns["frame"][row]),
            person=person,
            head_xyxy=head,
            in_frame={INSIDE: 1, OUTSIDE: 0}.get(kind, NOT_STATED),
            size_px=size_of(image),
            points_px=[point] if kind == INSIDE else [],
        )
    return pointless


def image_of(clip: str, frame: int, where: str) -> str:
    """The image of a clip's frame, from 1: `CLIP/VIDEO_NUMBER.jpg`; DataError for another name."""
    if not (parts := _CLIP.fullmatch(clip.replace("-downsample", ""))):
        raise DataError(f"{where}: clip is '{clip[:60]}', expected VIDEO_START-END")
    return f"{clip}/{parts[1]}_{int(parts[2]) + frame - 1}.jpg"
