"""Boxes of heads for tools of detection and tracking: COCO annotations and MOT text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.export.files import COCO, MOT
from eyeline.files import write_bytes
from eyeline.results import Analysis

_HEAD = 1
"""The one category."""


def mot(analysis: Analysis) -> str:
    """MOTChallenge text: frame (from 1), person, left, top, width, height, score, and -1 thrice.

    A line of `analyze --boxes` in this format is read back. Frames are those of the video.
    """
    people = analysis.people
    lines = [
        f"{frame + 1},{person},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.4f},-1,-1,-1\n"
        for frame, person, (x1, y1, x2, y2), score in zip(
            people.frame.tolist(), people.person.tolist(), people.box_xyxy.tolist(),
            people.score.tolist(), strict=True,
        )
    ]  # fmt: skip
    return "".join(lines)


def coco(analysis: Analysis) -> dict[str, Any]:
    """A COCO data set: an image for each analysed frame with people, an annotation for each head.

    Beside COCO's keys an image has its `time_s` and an annotation its `track_id` (the person).
    """
    people, video = analysis.people, analysis.video
    frames, first = np.unique(people.frame, return_index=True)
    stem = Path(video.path).stem
    images = [
        {
            "id": int(frame) + 1,
            "file_name": f"{stem}/{int(frame):06d}.jpg",
            "width": video.width_px,
            "height": video.height_px,
            "frame_index": int(frame),
            "time_s": round(float(people.time_s[row]), 6),
        }
        for frame, row in zip(frames, first, strict=True)
    ]
    annotations = [
        {
            "id": row + 1,
            "image_id": int(people.frame[row]) + 1,
            "category_id": _HEAD,
            "track_id": int(people.person[row]),
            "bbox": [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)],
            "area": round((x2 - x1) * (y2 - y1), 2),
            "iscrowd": 0,
            "score": round(float(people.score[row]), 6),
        }
        for row, (x1, y1, x2, y2) in enumerate(people.box_xyxy.astype(np.float64).tolist())
    ]
    return {
        "info": {"description": f"heads in {Path(video.path).name}, by eyeline"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": _HEAD, "name": "head", "supercategory": "person"}],
    }


def write_mot(analysis: Analysis, folder: Path) -> Path:
    """Write `heads.mot.txt`; OutputError where that cannot be."""
    return write_bytes(folder / MOT, mot(analysis).encode())


def coco_bytes(analysis: Analysis) -> bytes:
    """The file of `coco`."""
    return (json.dumps(coco(analysis), allow_nan=False) + "\n").encode()


def write_coco(analysis: Analysis, folder: Path) -> Path:
    """Write `heads.coco.json`; OutputError where that cannot be."""
    return write_bytes(folder / COCO, coco_bytes(analysis))
