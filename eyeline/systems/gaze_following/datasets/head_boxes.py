"""Head boxes by image name, from the files of the speaker detector or from labels with points."""

from __future__ import annotations

from pathlib import Path

from eyeline.errors import DataError
from eyeline.systems.gaze_following import formats, speaker_files
from eyeline.systems.gaze_following.formats import FrameName

SUFFIX = "_frame_faces_boxes.npy"

HeadBoxes = dict[str, tuple[float, ...]]


def read(path: Path | str) -> HeadBoxes:
    """Boxes `xyxy` of heads by image name such as `0122037.jpg`.

    Args:
        path: a folder, searched for `VVV_frame_faces_boxes.npy`; one such file; or a text of
            annotations in its "video" form.

    Raises:
        DataError: none of these, or a damaged one.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() != ".npy":
        return {row.name: tuple(map(_whole, row.head_xyxy)) for row in formats.read_truth(path)}
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} has no head boxes: no file *{SUFFIX} in it")
    result: HeadBoxes = {}
    for file in files:
        result |= _of_video(file)
    return result


def _of_video(path: Path) -> HeadBoxes:
    video = path.name.removesuffix(SUFFIX)[-3:]
    boxes = speaker_files.read_head_boxes(path)
    if boxes.ndim != 3:
        raise DataError(f"{path} holds corners; expected boxes, as of VVV{SUFFIX}")
    return {
        str(FrameName(video, head, frame)): tuple(box)
        for head, track in enumerate(boxes.tolist(), start=1)
        for frame, box in enumerate(track)
    }


def _whole(value: float) -> float:
    """Whole numbers as such, as the authors' tables have them."""
    return int(value) if float(value).is_integer() else value
