"""VideoGazeSpeech in its two published formats: text with points, and COCO instances with boxes.

Images are called `VVVHFFF.jpg`: video, number of the looker's head from 1, frame from 0. Copies
of a frame for different heads show the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eyeline.errors import DataError
from eyeline.systems.gaze_following import formats, speaker_files
from eyeline.systems.gaze_following.datasets import texts
from eyeline.systems.gaze_following.datasets.annotations import Builder, GazeAnnotations
from eyeline.systems.gaze_following.datasets.texts import SizeOf, unknown_size
from eyeline.systems.gaze_following.detector import coco
from eyeline.systems.gaze_following.formats import FrameName

Speakers = Mapping[tuple[str, int], frozenset[int]]
"""By video and frame the heads that speak, from 1; nobody in an empty set."""
HeadBoxes = dict[str, tuple[float, ...]]
"""Boxes `xyxy` of heads by image name such as `0122037.jpg`."""
BOXES = "_frame_faces_boxes.npy"
"""End of the names of the speaker detector's files of head boxes."""


def image_of(name: FrameName) -> str:
    """The name of a frame without the head: the same for all people in it."""
    return f"{name.video}_{name.frame:03d}"


def read_text(
    path: Path | str, size_of: SizeOf = unknown_size, *, speakers: Speakers | None = None
) -> GazeAnnotations:
    """GazeAnnotations of the text form: `image_name, head box, gaze point`, no header.

    Args:
        path: such as `GT_label_all_videoFormat.txt`, see `formats.read_truth`.
        size_of: sizes by the name in the file.
        speakers: see `read_speakers`.

    Returns:
        One row a line; videos by number, people by head. Points beyond the image's border and
        those at (-1, -1) are looks out of it, beyond that of an unknown size only the latter.

    Raises:
        DataError: naming file and row: one that is not seven columns, a value that is no number, an
            empty head box, a name of another form, or a look that is annotated twice.
    """
    created, seen = Builder(), set[FrameName]()
    for number, row in enumerate(formats.read_truth(Path(path)), start=1):
        where = f"{path}, row {number}"
        name = formats.parse_name(row.name, where)
        texts.check_box(where, row.head_xyxy)
        if name in seen:
            raise DataError(f"{where}: the look of {row.name} is annotated twice")
        seen.add(name)
        size, (x, y) = size_of(row.name), row.point_px
        inside = not (min(x, y) < 0 or x > size[0] or y > size[1])
        heads = (speakers or {}).get((name.video, name.frame))
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
            speaks=float("nan") if heads is None else float(name.head in heads),
        )
    return created.looks()


def read_speakers(path: Path | str) -> dict[tuple[str, int], frozenset[int]]:
    """Who speaks when, from rows of `video,frame,head`; head 0 says that nobody does.

    Raises:
        DataError: naming file and line: another number of columns, a value that is no number.
    """
    result: dict[tuple[str, int], set[int]] = {}
    for where, cells in texts.read_rows(Path(path), 3):
        frame, head = texts.numbers(where, cells[1:], ("frame", "head"))
        heads = result.setdefault((cells[0].strip(), int(frame)), set())
        heads |= {int(head)} - {0}
    return {place: frozenset(heads) for place, heads in result.items()}


def read_coco(
    path: Path | str,
    heads_xyxy: Mapping[str, Sequence[float]] | None = None,
    content: Mapping[str, Any] | None = None,
) -> GazeAnnotations:
    """GazeAnnotations of the COCO form: for each image the boxes of what its head looks at.

    Args:
        path: such as `instances_val2017.json`.
        heads_xyxy: head boxes by image name, which the file does not hold.
        content: of such a file; it is not read then.

    Returns:
        One row for each usable target, see `coco.read`, image by image, with the centre of its box
        as the point. Images without one have no row; notes count them.

    Raises:
        DataError: no JSON of COCO instances, naming the annotation that is at fault.
    """
    created, known = Builder(), coco.read(path, content=content)
    for image in known.images:
        for target in image.targets:
            where = f"{path}, annotations[{target.row}]"
            name = formats.parse_name(image.name, where)
            x1, y1, x2, y2 = target.box_xyxy
            created.add(
                where,
                image=image_of(name),
                video=name.video,
                frame=name.frame,
                person=str(name.head),
                head_xyxy=heads_xyxy.get(image.name) if heads_xyxy else None,
                size_px=image.size_wh,
                target_xyxy=target.box_xyxy,
                points_px=[((x1 + x2) / 2, (y1 + y2) / 2)],
            )
    if lacking := sum(not image.targets for image in known.images):
        created.notes.append(f"{path}: {lacking} of {len(known)} images have no target: left out")
    return created.looks()


def read_head_boxes(path: Path | str) -> HeadBoxes:
    """Boxes of heads in the speaker detector's files, or in the text form of annotations.

    The path is a folder, searched for `VVV_frame_faces_boxes.npy`, one such file, or the text.
    DataError for none of these, or a damaged one.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() != ".npy":
        return {row.name: row.head_xyxy for row in formats.read_truth(path)}
    files = sorted(path.rglob(f"*{BOXES}")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} has no head boxes: no file *{BOXES} in it")
    result: HeadBoxes = {}
    for file in files:
        video, boxes = file.name.removesuffix(BOXES)[-3:], speaker_files.read_head_boxes(file)
        if boxes.ndim != 3:
            raise DataError(f"{file} holds corners; expected boxes, as of VVV{BOXES}")
        result |= {
            str(FrameName(video, head, frame)): tuple(box)
            for head, track in enumerate(boxes.tolist(), start=1)
            for frame, box in enumerate(track)
        }
    return result
