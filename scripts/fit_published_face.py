"""Fit the mapping from our face boxes to the published ones of VGS.

    python scripts/fit_published_face.py VIDEO SPEAKER_NPZ

VIDEO is the clip 012 and SPEAKER_NPZ its stored boxes (`track_frames`, `track_boxes`). Scores are
of each person left out in turn: there are such boxes of one clip only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eyeline.geometry import boxes
from eyeline.geometry.camera import Camera
from eyeline.people.find import find_people
from eyeline.people.published_face import mapped
from eyeline.results import Floats
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots


class Pair(NamedTuple):
    """One person's boxes in the frames that both have."""

    ours: Floats
    yaw_rad: Floats
    theirs: Floats


def main() -> None:
    """Measure as it is and with each person left out, then fit on all."""
    all_pairs = pairs(Path(sys.argv[1]), Path(sys.argv[2]))
    for i, one in enumerate(all_pairs):
        found = fit([pair for j, pair in enumerate(all_pairs) if j != i])
        before, after = iou(one.ours, one.theirs), iou(mapped(*one[:2], found), one.theirs)
        print(f"person {i + 1}: median IoU {before:.3f}, mapped (left out) {after:.3f}")
    print("WIDTH, HEIGHT, RISE, BEHIND =", [round(v, 3) for v in fit(all_pairs)])


def pairs(video: Path, stored: Path) -> list[Pair]:
    """Our tracks with the stored track that overlaps each most."""
    reader = VideoReader(video)
    width, height = reader.info.width_px, reader.info.height_px
    content = np.load(stored)
    theirs = content["track_boxes"][..., [1, 0, 3, 2]] * np.array([width, height] * 2)
    middles = np.median(theirs, axis=1)
    found = []
    for track in find_people(mark_shots(reader), Camera.from_fov(width, height)).tracks:
        k = int(boxes.iou(np.median(track.box_xyxy, axis=0)[None], middles)[0].argmax())
        _, a, b = np.intersect1d(track.frame, content["track_frames"][k], return_indices=True)
        found.append(Pair(track.box_xyxy[a], track.yaw_rad[a], theirs[k][b]))
    return found


def fit(some: list[Pair]) -> tuple[float, float, float, float]:
    """Means over persons of medians over frames; the shift by yaw by least squares."""
    size = [pair.ours[:, 2:] - pair.ours[:, :2] for pair in some]
    ratio = [np.median((p.theirs[:, 2:] - p.theirs[:, :2]) / s, axis=0)
             for p, s in zip(some, size, strict=True)]  # fmt: skip
    shift = [(boxes.centre(p.theirs) - boxes.centre(p.ours)) / s
             for p, s in zip(some, size, strict=True)]  # fmt: skip
    sine = np.concatenate([np.sin(pair.yaw_rad) for pair in some])
    across = np.concatenate([s[:, 0] for s in shift])
    wide, high = np.mean(ratio, axis=0)
    rise = -np.mean([np.median(s[:, 1]) for s in shift])
    return float(wide), float(high), float(rise), float(-(across @ sine) / (sine @ sine))


def iou(one: Floats, other: Floats) -> float:
    """Median over frames."""
    return float(np.median(np.diag(boxes.iou(one, other))))


if __name__ == "__main__":
    main()
