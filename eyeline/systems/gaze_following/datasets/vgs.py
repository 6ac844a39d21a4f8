"""VideoGazeSpeech in its two published formats: text with points, and COCO instances with boxes.

Images are called `VVVHFFF.jpg`: video, number of the looker's head from 1, frame from 0. Copies
of a frame for different heads show the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eyeline.documents import read_json
from eyeline.errors import DataError
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import images, rows
from eyeline.systems.gaze_following.datasets.images import SizeOf
from eyeline.systems.gaze_following.datasets.looks import Builder, Looks
from eyeline.systems.gaze_following.formats import FrameName

CATEGORY = "target"
"""The only one of the COCO files."""


Speakers = Mapping[tuple[str, int], frozenset[int]]
"""By video and frame the heads that speak, from 1; nobody in an empty set."""


def image_of(name: FrameName) -> str:
    """The name of a frame without the head: the same for all people in it."""
    return f"{name.video}_{name.frame:03d}"


def read_text(
    path: Path | str,
    size_of: SizeOf = images.unknown,
    *,
    speakers: Speakers | None = None,
) -> Looks:
    """Looks of the text form: `image_name, head box, gaze point`, no header.

    Args:
        path: such as `GT_label_all_videoFormat.txt`, see `formats.read_truth`.
        size_of: sizes by the name in the file.
        speakers: see `read_speakers`.

    Returns:
        One row a line; videos by number, people by head. Points beyond the image's border and
        those at (-1, -1) are looks out of it.

    Raises:
        DataError: naming file and row: one that is not seven columns, a value that is no number, an
            empty head box, a name of another form, or a look that is told twice.
    """
    path, created, seen = Path(path), Builder(), set[FrameName]()
    for number, row in enumerate(formats.read_truth(path), start=1):
        where = f"{path}, row {number}"
        name = formats.parse_name(row.name, where)
        if not all(map(math.isfinite, (*row.head_xyxy, *row.point_px))):
            raise DataError(f"{where}: a value of {row.name} is no number")
        rows.check_box(where, row.head_xyxy)
        if name in seen:
            raise DataError(f"{where}: the look of {row.name} is told twice")
        seen.add(name)
        size = size_of(row.name)
        inside = _inside(row.point_px, size)
        created.add(
            where,
            image=image_of(name),
            video=name.video,
            frame=name.frame,
            person=str(name.head),
            head_xyxy=row.head_xyxy,
            points_px=[row.point_px] if inside else [],
            in_frame=int(inside),
            size_px=size,
            speaks=_speaks(name, speakers),
        )
    return created.looks()


def read_speakers(path: Path | str) -> dict[tuple[str, int], frozenset[int]]:
    """Who speaks when, from rows of `video,frame,head`; head 0 says that nobody does.

    Raises:
        DataError: naming file and line: another number of columns, a value that is no number.
    """
    result: dict[tuple[str, int], set[int]] = {}
    for where, cells in rows.read(Path(path), 3):
        frame, head = rows.numbers(where, cells[1:], ("frame", "head"))
        heads = result.setdefault((cells[0].strip(), int(frame)), set())
        heads |= {int(head)} - {0}
    return {place: frozenset(heads) for place, heads in result.items()}


def read_coco(path: Path | str, heads_xyxy: Mapping[str, Sequence[float]] | None = None) -> Looks:
    """Looks of the COCO form: for each image the boxes of what its head looks at.

    Args:
        path: such as `instances_val2017.json`.
        heads_xyxy: head boxes by image name, which the file does not hold.

    Returns:
        One row an annotation of the category `target` that is not ignored and has an area, with the
        middle of its box as the point. Images without one have no row; notes count them.

    Raises:
        DataError: no JSON of COCO instances, naming the annotation that is at fault.
    """
    return read_instances(read_json(Path(path)), str(path), heads_xyxy)


def read_instances(
    content: Any, path: str, heads_xyxy: Mapping[str, Sequence[float]] | None = None
) -> Looks:
    """The same of what such a file holds; `path` is what to call it in messages."""
    created = Builder()
    try:
        images = {image["id"]: image for image in content["images"]}
        wanted = {c["id"] for c in content["categories"] if c["name"] == CATEGORY}
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is no file of COCO instances: {error}") from None
    if not wanted:
        raise DataError(f"{path} has no category called '{CATEGORY}'")
    known = set()
    for number, entry in enumerate(content.get("annotations", [])):
        where = f"{path}, annotations[{number}]"
        image, box = _annotation(entry, images, wanted, where)
        if box is None:
            continue
        known.add(image["id"])
        name = formats.parse_name(image["file_name"], where)
        head = heads_xyxy.get(image["file_name"]) if heads_xyxy else None
        created.add(
            where,
            image=image_of(name),
            video=name.video,
            frame=name.frame,
            person=str(name.head),
            head_xyxy=head,
            size_px=(image["width"], image["height"]),
            target_xyxy=box,
            points_px=[((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)],
        )
    if lacking := len(images) - len(known):
        created.notes.append(f"{path}: {lacking} of {len(images)} images have no target: left out")
    return created.looks()


def _annotation(
    entry: Any, images: Mapping[Any, Any], wanted: set[Any], where: str
) -> tuple[Any, list[float] | None]:
    """The image and the box; no box where the published loader would drop it."""
    try:
        image = images[entry["image_id"]]
        x, y, width, height = (float(v) for v in entry["bbox"])
        drop = (
            bool(entry.get("ignore"))
            or bool(entry.get("iscrowd"))
            or entry["category_id"] not in wanted
            or float(entry.get("area", width * height)) <= 0
        )
        right, bottom = float(image["width"]), float(image["height"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: no annotation of COCO: {type(error).__name__} {error}") from None
    outside = x >= right or y >= bottom or x + width <= 0 or y + height <= 0
    if drop or width < 1 or height < 1 or outside:
        return image, None
    return image, [x, y, x + width, y + height]


def _inside(point: Sequence[float], size: Sequence[float]) -> bool:
    """Also where the size is not known, unless the point is negative."""
    return not (min(point) < 0 or point[0] > size[0] or point[1] > size[1])


def _speaks(name: FrameName, speakers: Speakers | None) -> float:
    heads = (speakers or {}).get((name.video, name.frame))
    return float("nan") if heads is None else float(name.head in heads)
