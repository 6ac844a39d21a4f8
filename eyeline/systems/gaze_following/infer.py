"""`ray` on a scene: tracks and directions in, targets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline import spill
from eyeline.errors import UsageError
from eyeline.geometry.camera import Camera
from eyeline.people.targets.evidence import distance_mm
from eyeline.people.targets.model import Looks
from eyeline.people.tracks import joined, rows_of, who_and_when
from eyeline.results import (
    TARGET_SCENE,
    Answer,
    Floats,
    Image,
    Ints,
    Points,
    Segments,
    make_segments,
    runs,
    target_label,
)
from eyeline.system import Scene
from eyeline.systems.gaze_following import ray

SHORTEST_LOOK_S = 0.2
"""Looks shorter than this make no segment."""


@dataclass(frozen=True)
class Ray:
    """Targets by geometry.

    Args:
        heatmap_every_s: time between two heatmaps kept; one for every frame of a long video would
            fill the memory.
        heatmap_rows, heatmap_columns: their size over the whole image.
    """

    heatmap_every_s: float = 1.0
    heatmap_rows: int = 36
    heatmap_columns: int = 64

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """`Points` called `gaze_target`, rows in the order of the tracks, and its `Segments`."""
        if scene.gaze is None:
            raise UsageError("gaze_following/ray needs directions: add gaze_3d to --systems")
        parts = [self._track(scene, i) for i in range(len(scene.tracks))]
        points = _points(scene, parts)
        return [points, segments(scene, points)]

    def _track(self, scene: Scene, i: int) -> _Part:
        assert scene.gaze is not None
        track, looks, rows = scene.tracks[i], scene.looks[i], rows_of(scene.tracks)[i]
        gaze = scene.gaze.direction[rows], scene.gaze.concentration[rows]
        looker = ray.Looker(track.eyes_px, distance_mm(track, scene.camera), *gaze)
        size = scene.video.width_px, scene.video.height_px
        kept = every(track.time_s, self.heatmap_every_s)
        shape = self.heatmap_rows, self.heatmap_columns
        camera, view = track.camera(scene.camera), track.pane.xyxy if track.pane else (0, 0, *size)
        heat = ray.heatmaps(looker.at(kept), looks, kept, camera, view, size, shape)
        return _Part(looks, *_places(looks, looker, camera, view), kept, heat)


@dataclass(frozen=True)
class _Part:
    """The targets of one track."""

    looks: Looks
    point_px: Floats
    box_xyxy: Floats
    kept: Ints
    heat: Image


def every(time_s: Floats, step_s: float) -> Ints:
    """Rows nearest after each multiple of `step_s`."""
    slot = np.floor(time_s / step_s + 1e-9).astype(np.int64)
    return np.flatnonzero(np.diff(slot, prepend=slot[0] - 1) > 0)


def _places(
    looks: Looks, looker: ray.Looker, camera: Camera, view_xyxy: ray.Box
) -> tuple[Floats, Floats]:
    """Point `(n, 2)` and box `(n, 4)` of the targets, NaN without."""
    n = len(looks.target)
    point, box = np.full((n, 2), np.nan), np.full((n, 4), np.nan)
    for column, person in enumerate(looks.evidence.others):
        mine = looks.target == person
        point[mine] = looks.evidence.other_px[mine, column]
        box[mine] = looks.evidence.other_xyxy[mine, column]
    scene = np.flatnonzero(looks.target == TARGET_SCENE)
    point[scene] = ray.landing(looker.at(scene), camera, view_xyxy)
    return spill.on_disk(point), spill.on_disk(box)


def _points(scene: Scene, parts: list[_Part]) -> Points:
    rows = rows_of(scene.tracks)
    return Points(
        "gaze_following",
        "ray",
        "gaze_target",
        **who_and_when(scene.tracks),
        point_px=joined((p.point_px for p in parts), np.float64, (2,)),
        target=joined((p.looks.target for p in parts), np.int64),
        probability=joined((p.looks.probability for p in parts), np.float64),
        target_xyxy=joined((p.box_xyxy for p in parts), np.float64, (4,)),
        heatmap_row=joined((p.kept + r.start for p, r in zip(parts, rows, strict=True)), np.int64),
        heatmap=spill.on_disk(*(p.heat for p in parts)) if parts else None,
    )


def segments(scene: Scene, points: Points, known: npt.NDArray[np.bool_] | None = None) -> Segments:
    """Looks of `SHORTEST_LOOK_S` and more at one target, in rows that are `known` `(n,)` or in all.

    Rows of the points are in the order of the tracks.
    """
    rows: list[tuple[int, float, float, str, float]] = []
    known = np.ones(len(points), bool) if known is None else known
    for track, mine in zip(scene.tracks, rows_of(scene.tracks), strict=True):
        target, probability = points.target[mine], points.probability[mine]
        for code in np.unique(target):
            for run in runs(track.time_s, track.end_s, (target == code) & known[mine]):
                begin, end = float(track.time_s[run][0]), float(track.end_s[run][-1])
                if end - begin >= SHORTEST_LOOK_S:
                    label = target_label(int(code))
                    rows.append((track.person, begin, end, label, float(probability[run].mean())))
    return make_segments(points.system, points.builder, points.name, rows)
