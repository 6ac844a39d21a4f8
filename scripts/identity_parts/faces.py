"""Faces of clips with the truth of whose they are, measured once and kept as `.npz`."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.geometry import boxes
from eyeline.people import colours, evidence, portraits
from eyeline.people.embed import Embedder, align, align_profile
from eyeline.people.find import make_detector
from eyeline.people.follow import Follower
from eyeline.results import Floats, Ints
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots

RATE_HZ = 4.0
EACH_TRACK = 8
"""Faces of a track that are embedded."""
Truth = dict[str, list[tuple[str, float, float, float]]]
"""Clip -> rows of (person, time in s, x, y in pixels), the middle of a face."""


@dataclass
class Faces:
    """Faces of one clip, a row each."""

    clip: str
    person: Ints
    """`(n,)` index among the clip's persons."""
    time_s: Floats
    shot: Ints
    box: Floats
    """`(n, 4)` in fractions of the frame's width."""
    view: Ints
    quality: Floats
    embedding: Floats
    """`(n, 128)`."""
    colours: Floats
    """`(n, places, bins)`."""
    scene: Floats
    """`(n, pixels)` small copy of the frame."""


def read_truth(path: Path) -> Truth:
    """The table of who is where."""
    result: Truth = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            place = (float(row[name]) for name in ("time_s", "x_px", "y_px"))
            result[row["clip"]].append((row["person"], *place))
    return dict(result)


def measure(clip: Path, truth: Truth, cache: Path) -> Faces:
    """The labelled faces of a clip; faces that the truth does not name are left out."""
    kept = cache / f"{clip.stem}.npz"
    if not kept.is_file():
        np.savez_compressed(kept, **_columns(_follow(clip), truth[clip.stem]))
    with np.load(kept) as columns:
        return Faces(clip.stem, **columns)


class _Recorder(portraits.Portraits):
    """Keeps every face that it is offered."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, list[dict[str, Any]]] = defaultdict(list)

    def offer(self, frame: Any, track_id: int, box_xyxy: Floats, points_px: Floats,
              quality: float, *, five_px: Floats, placed: Floats, shot: int) -> None:  # fmt: skip
        rgb = frame.rgb()
        yaw_rad, roll_rad, scale_px = (float(value) for value in placed)
        view = portraits.view(yaw_rad)
        front = evidence.VIEWS[view] == "front"
        chip = align(rgb, points_px) if front else align_profile(rgb, five_px, roll_rad, scale_px)
        self.rows[track_id].append({
            "time_s": frame.time_s, "shot": shot, "box": np.array(box_xyxy), "view": view,
            "quality": quality, "chip": chip, "colours": colours.histograms(rgb, box_xyxy),
            "scene": portraits.small_copy(frame), "width": rgb.shape[1],
        })  # fmt: skip


def _follow(clip: Path) -> list[dict[str, Any]]:
    """At most `EACH_TRACK` faces of each track, with embeddings."""
    follower, recorder = Follower(make_detector("centerface")), _Recorder()
    follower.portraits = recorder
    follower.run(mark_shots(VideoReader(clip, rate_hz=RATE_HZ)))
    embed, result = Embedder(), []
    for rows in recorder.rows.values():
        for i in np.unique(np.linspace(0, len(rows) - 1, EACH_TRACK).astype(int)):
            result.append(rows[i] | {"embedding": embed(rows[i]["chip"])})
    return result


def _columns(rows: list[dict[str, Any]], truth: list[tuple[str, float, float, float]]) -> Any:
    names = sorted({row[0] for row in truth})
    labelled = []
    for row in rows:
        who = whose(row["box"], row["time_s"], truth)
        if who is not None:
            labelled.append(row | {"person": names.index(who), "box": row["box"] / row["width"]})
    keys = ("person", "time_s", "shot", "box", "view", "quality", "embedding", "colours", "scene")
    return {key: np.array([row[key] for row in labelled]) for key in keys}


def whose(
    box: Floats, time_s: float, truth: list[tuple[str, float, float, float]], most_s: float = 0.6
) -> str | None:
    """The person whose labelled face lies in the box at the nearest time."""
    size, centre = float(boxes.size(box)), boxes.centre(box)
    near = [row for row in truth if abs(row[1] - time_s) <= most_s]
    inside = [
        (abs(row[1] - time_s), row[0])
        for row in near
        if np.linalg.norm(centre - np.array(row[2:])) < 0.6 * size
    ]
    return min(inside)[1] if inside else None
