"""VideoAttentionTarget: `annotations/{train,test}/SHOW/CLIP/PERSON.txt`, a text a person and clip.

Its rows are `image, head box, gaze point` in pixels; a point of (-1, -1) is a look out of the
image. Images lie under `images/SHOW/CLIP`.
"""

from __future__ import annotations

import re
from pathlib import Path

from eyeline.errors import DataError
from eyeline.systems.gaze_following.datasets import texts
from eyeline.systems.gaze_following.datasets.annotations import Builder, GazeAnnotations
from eyeline.systems.gaze_following.datasets.texts import SizeOf, sizes_in_clips, unknown_size

COLUMNS = ("picture", "xmin", "ymin", "xmax", "ymax", "gaze_x", "gaze_y")
PARTS = ("train", "test")
"""As published, by folder; no show is in both."""


def read(root: Path | str, part: str, size_of: SizeOf | None = None) -> GazeAnnotations:
    """The looks of a part of the data set.

    A video is a show and clip, `Show/120_240`; people are called by their files, such as `s00`.
    As in the published reader, a point slightly beyond the left or upper border is moved onto it.

    Args:
        root: the folder with `annotations` and `images`.
        part: `train` or `test`.
        size_of: sizes by `SHOW/CLIP/picture`; by default those of the first image of each clip,
            unknown_size where there is no folder `images`.

    Raises:
        DataError: no annotations there; or naming file and line: a row that is not seven columns, a
            value that is no number, an empty head box.
    """
    root = Path(root)
    folder = root / "annotations" / part
    files = sorted(folder.glob("*/*/*.txt"))
    if not files:
        raise DataError(f"no annotations at {folder}/SHOW/CLIP/PERSON.txt")
    if size_of is None:
        images = root / "images"
        size_of = sizes_in_clips(images) if images.is_dir() else unknown_size
    created = Builder()
    for path in files:
        _read_person(path, "/".join(path.parts[-3:-1]), size_of, created)
    return created.looks()


def _read_person(path: Path, clip: str, size_of: SizeOf, builder: Builder) -> None:
    seen = set[str]()
    for where, cells in texts.read_rows(path, len(COLUMNS)):
        name, values = cells[0].strip(), texts.numbers(where, cells[1:], COLUMNS[1:])
        texts.check_box(where, values[:4])
        if name in seen:
            raise DataError(f"{where}: {name} is annotated twice")
        seen.add(name)
        point = values[4:]
        inside = point != [-1, -1]
        builder.add(
            where,
            image=f"{clip}/{name}",
            video=clip,
            frame=_number(name),
            person=path.stem,
            head_xyxy=values[:4],
            in_frame=int(inside),
            size_px=size_of(f"{clip}/{name}"),
            points_px=[[max(v, 0.0) for v in point]] if inside else [],
        )


def _number(name: str) -> int:
    digits = re.findall(r"\d+", Path(name).stem)
    return int(digits[-1]) if digits else -1
