"""Fit the mapping from our face boxes to the published ones of VGS.

    python scripts/fit_published_face.py VIDEO SPEAKER_NPZ [centerface|mmod|bodies] [RATE_HZ]

VIDEO is the clip 012 and SPEAKER_NPZ its stored boxes (`track_frames`, `track_boxes`). Scores are
of each track left out in turn: there are such boxes of one clip only, of four people. `bodies` are
drawn about CenterFace's faces and go by its constants: their figures tell of the heads in them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eyeline.geometry import boxes
from eyeline.geometry.camera import Camera
from eyeline.people.bodies import face_in_head
from eyeline.people.find import find_people
from eyeline.people.given import Given
from eyeline.people.published_face import BoxMapping, mapped
from eyeline.people.tracks import Track
from eyeline.results import Floats
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots


class Pair(NamedTuple):
    """One track's boxes in the frames that both have."""

    ours: Floats
    yaw_rad: Floats
    theirs: Floats


def main() -> None:
    """Measure as it is and with each track left out, then fit on all."""
    source = sys.argv[3] if len(sys.argv) > 3 else "centerface"
    rate_hz = float(sys.argv[4]) if len(sys.argv) > 4 else None
    all_pairs = pairs(Path(sys.argv[1]), Path(sys.argv[2]), source, rate_hz)
    for i, one in enumerate(all_pairs):
        result = fit([pair for j, pair in enumerate(all_pairs) if j != i])
        before, after = iou(one.ours, one.theirs), iou(mapped(*one[:2], result), one.theirs)
        print(f"track {i + 1}: median IoU {before:.3f}, mapped (left out) {after:.3f}")
    print(*(f"{name}={value:.3f}" for name, value in fit(all_pairs)._asdict().items()))


def pairs(video: Path, stored: Path, source: str, rate_hz: float | None) -> list[Pair]:
    """Our tracks with the stored track that overlaps each most."""
    reader = VideoReader(video, rate_hz=rate_hz)
    width, height = reader.info.width_px, reader.info.height_px
    content = np.load(stored)
    theirs = content["track_boxes"][..., [1, 0, 3, 2]] * np.array([width, height] * 2)
    middles = np.median(theirs, axis=1)
    result = []
    for track in tracks(reader, source):
        box = face_in_head(track.box_xyxy) if source == "bodies" else track.box_xyxy
        k = int(boxes.iou(np.median(box, axis=0)[None], middles)[0].argmax())
        _, a, b = np.intersect1d(track.frame, content["track_frames"][k], return_indices=True)
        result.append(Pair(box[a], track.yaw_rad[a], theirs[k][b]))
    return result


def tracks(reader: VideoReader, source: str) -> tuple[Track, ...]:
    """Faces of a detector, or heads in bodies that are drawn about CenterFace's faces."""
    camera = Camera.from_fov(reader.info.width_px, reader.info.height_px)
    detector = "mmod" if source == "mmod" else "centerface"
    result = find_people(mark_shots(reader), camera, detector).tracks
    if source != "bodies":
        return result
    bodies: dict[int, list[tuple[int, float, float, float, float, float]]] = {}
    for track in result:
        size = track.box_xyxy[:, 2:] - track.box_xyxy[:, :2]
        low, high = track.box_xyxy[:, :2] - size * (1, 0.4), track.box_xyxy[:, 2:] + size * (1, 4)
        for frame, box in zip(track.frame.tolist(), np.concatenate([low, high], 1), strict=True):
            x1, y1, x2, y2 = box.tolist()
            bodies.setdefault(frame, []).append((track.person, x1, y1, x2, y2, 1.0))
    given = Given("bodies about faces", bodies)
    return find_people(mark_shots(reader), camera, bodies=given).tracks


def fit(some: list[Pair]) -> BoxMapping:
    """Means over tracks of medians over frames; the shift by yaw by least squares."""
    size = [pair.ours[:, 2:] - pair.ours[:, :2] for pair in some]
    ratio = [np.median((p.theirs[:, 2:] - p.theirs[:, :2]) / s, axis=0)
             for p, s in zip(some, size, strict=True)]  # fmt: skip
    shift = [(boxes.centre(p.theirs) - boxes.centre(p.ours)) / s
             for p, s in zip(some, size, strict=True)]  # fmt: skip
    sine = np.concatenate([np.sin(pair.yaw_rad) for pair in some])
    across = np.concatenate([s[:, 0] for s in shift])
    wide, high = np.mean(ratio, axis=0)
    rise = -np.mean([np.median(s[:, 1]) for s in shift])
    behind = float(-(across @ sine) / (sine @ sine))
    return BoxMapping(float(wide), float(high), float(rise), behind)


def iou(one: Floats, other: Floats) -> float:
    """Median over frames."""
    return float(np.median(np.diag(boxes.iou(one, other))))


if __name__ == "__main__":
    main()
