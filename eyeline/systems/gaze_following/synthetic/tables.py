"""What is annotated and told of a made-up video, as rows of the published files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eyeline.geometry import boxes
from eyeline.geometry.directions import angle
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following.detector.coco import CATEGORY, instance
from eyeline.systems.gaze_following.formats import Candidates, FrameName, Truth
from eyeline.systems.gaze_following.synthetic import told
from eyeline.systems.gaze_following.synthetic.looking import KINDS
from eyeline.systems.gaze_following.synthetic.scenes import Scene

PERSON, THING = KINDS.index("person"), KINDS.index("thing")
OUT = (-1, -1)
"""Point of a look out of the picture."""


@dataclass
class Tables:
    """Rows of one or several videos."""

    truth: list[Truth] = field(default_factory=list)
    speakers: list[tuple[str, int, int]] = field(default_factory=list)
    """Video, frame and head, from 1; 0 for nobody."""
    directions: list[tuple[str, int, Floats]] = field(default_factory=list)
    """Picture, head, unit vector."""
    candidates: list[Candidates] = field(default_factory=list)
    pictures: list[tuple[FrameName, tuple[int, int], Floats | None]] = field(default_factory=list)
    """Name, width and height, and the target's box `(4,)` if it has one."""
    kinds: list[int] = field(default_factory=list)
    """Of each look, place in `KINDS`."""
    errors_deg: list[float] = field(default_factory=list)
    """Of each direction, from the true gaze."""

    def add(self, other: Tables) -> None:
        """Those of another video."""
        for name, rows in vars(other).items():
            getattr(self, name).extend(rows)


def tables(
    rng: np.random.Generator, video: str, scene: Scene, heads_xyxy: Ints, *, look_every: int,
    picture_every: int,
) -> Tables:  # fmt: skip
    """Rows of one video.

    Args:
        rng: decides what programs err in.
        video: its three characters.
        scene: what happens.
        heads_xyxy: `(people, frames, 4)` as the published system marks heads.
        look_every: frames from one annotated frame to the next.
        picture_every: frames from one picture of the COCO form to the next.
    """
    made, points = Tables(), scene.points_px()
    way = told.directions(rng, scene)
    error = np.rad2deg(angle(way, scene.looks.gaze))
    for frame in range(0, scene.frames, look_every):
        loud = np.flatnonzero(scene.speaks[:, frame])
        made.speakers.append((video, frame, int(loud[0]) + 1 if len(loud) else 0))
        first = str(FrameName(video, 1, frame))
        made.candidates.append(Candidates(first, *told.candidates(rng, scene, heads_xyxy, frame)))
        for person in range(scene.people):
            name = str(FrameName(video, person + 1, frame))
            made.truth.append(_look(name, heads_xyxy[person, frame], points[person, frame]))
            made.kinds.append(int(scene.looks.kind[person, frame]))
            if not np.isnan(way[person, frame, 0]):
                made.directions.append((name, person + 1, way[person, frame]))
                made.errors_deg.append(float(error[person, frame]))
    size = (scene.view.width_px, scene.view.height_px)
    for frame in range(0, scene.frames, picture_every):
        for person in range(scene.people):
            name_of = FrameName(video, person + 1, frame)
            made.pictures.append((name_of, size, _target(scene, heads_xyxy, person, frame)))
    return made


def instances(
    pictures: Iterable[tuple[FrameName, tuple[int, int], Floats | None]],
) -> dict[str, Any]:
    """A file of COCO instances; masks are the boxes themselves, as in the published data."""
    made: dict[str, Any] = {
        "images": [], "annotations": [],
        "categories": [{"id": 1, "name": CATEGORY, "supercategory": "none"}],
    }  # fmt: skip
    for number, (name, (width, height), box) in enumerate(pictures, start=1):
        made["images"].append(
            {"id": number, "file_name": str(name), "width": width, "height": height}
        )
        if box is not None:
            made["annotations"].append(instance(len(made["annotations"]) + 1, number, box))
    return made


def _look(name: str, head_xyxy: Ints, point_px: Floats) -> Truth:
    out = np.isnan(point_px).any()
    point = OUT if out else tuple(int(v) for v in np.round(point_px))
    return Truth(name, tuple(int(v) for v in head_xyxy), point)


def _target(scene: Scene, heads_xyxy: Ints, person: int, frame: int) -> Floats | None:
    """The box of what is looked at; a lap and what is out of the picture have none."""
    kind = int(scene.looks.kind[person, frame])
    whom = int(scene.looks.whom[person, frame])
    if kind not in (PERSON, THING):
        return None
    box = heads_xyxy[whom, frame] if kind == PERSON else scene.things_xyxy()[whom]
    return boxes.clip(np.asarray(box, np.float64), scene.view.width_px, scene.view.height_px)
