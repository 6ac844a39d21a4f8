"""`ray` on a scene: tracks and directions in, targets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.geometry.camera import Camera
from eyeline.people import smooth
from eyeline.people.landmarks import FACE_MM
from eyeline.people.tracks import Track, joined, rows_of, who_and_when
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
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
        heatmap_rows, heatmap_columns: their size over the whole picture.
    """

    heatmap_every_s: float = 1.0
    heatmap_rows: int = 36
    heatmap_columns: int = 64

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """`Points` called `gaze_target`, rows in the order of the tracks, and its `Segments`."""
        if scene.gaze is None:
            raise UsageError("gaze_following/ray needs directions: add gaze_3d to --systems")
        everybody = _Everybody(scene)
        parts = [self._track(scene, everybody, i) for i in range(len(scene.tracks))]
        points = _points(scene, parts)
        return [points, segments(scene, points)]

    def _track(self, scene: Scene, everybody: _Everybody, i: int) -> _Part:
        track = scene.tracks[i]
        looker, others = everybody.seen_from(i)
        likelihood = ray.likelihoods(looker, scene.camera)
        posterior = ray.chain(likelihood, track.end_s - track.time_s)
        size = scene.video.width_px, scene.video.height_px
        share, middle = ray.landing(looker, scene.camera, *size)
        kept = every(track.time_s, self.heatmap_every_s)
        heat = ray.heatmaps(
            looker.at(kept),
            posterior[kept],
            scene.camera,
            *size,
            self.heatmap_rows,
            self.heatmap_columns,
        )
        return _decide(
            posterior, others, share, middle, everybody.boxes(i, others), looker, kept, heat
        )


@dataclass(frozen=True)
class _Part:
    """The answer for one track."""

    target: Ints
    probability: Floats
    point_px: Floats
    box_xyxy: Floats
    kept: Ints
    heat: Image


class _Everybody:
    """Eyes, distances, boxes and speech of all persons, by frame."""

    def __init__(self, scene: Scene) -> None:
        assert scene.gaze is not None
        self._tracks = scene.tracks
        self._rows = rows_of(scene.tracks)
        self._gaze = scene.gaze
        self._speaking = scene.speaking
        self._distance = [_distance_mm(t, scene.camera) for t in scene.tracks]

    def seen_from(self, i: int) -> tuple[ray.Looker, list[int]]:
        """Track `i` as a looker, and the numbers of the persons in its columns."""
        me, rows = self._tracks[i], self._rows[i]
        others = sorted({t.person for t in self._overlapping(i)})
        n, k = len(me), len(others)
        px, mm, speaks = np.full((n, k, 2), np.nan), np.full((n, k), np.nan), np.zeros((n, k))
        for j, track in enumerate(self._tracks):
            if track.person in others and track.person != me.person:
                mine, theirs = _common(me, track)
                column = others.index(track.person)
                px[mine, column] = track.eyes_px[theirs]
                mm[mine, column] = self._distance[j][theirs]
                speaks[mine, column] = self._speech(j)[theirs]
        looker = ray.Looker(
            me.eyes_px, self._distance[i],
            self._gaze.direction[rows], self._gaze.concentration[rows],
            px, mm, speaks,
        )  # fmt: skip
        return looker, others

    def boxes(self, i: int, others: list[int]) -> Floats:
        """Head boxes `(n, others, 4)` of the others in the frames of track `i`."""
        me = self._tracks[i]
        box = np.full((len(me), len(others), 4), np.nan)
        for track in self._overlapping(i):
            mine, theirs = _common(me, track)
            box[mine, others.index(track.person)] = track.head_xyxy[theirs]
        return box

    def _overlapping(self, i: int) -> list[Track]:
        me = self._tracks[i]
        return [
            t for t in self._tracks
            if t.person != me.person and t.frame[0] <= me.frame[-1] and me.frame[0] <= t.frame[-1]
        ]  # fmt: skip

    def _speech(self, j: int) -> Floats:
        if self._speaking is None:
            return np.zeros(len(self._tracks[j]))
        return np.nan_to_num(self._speaking.value[self._rows[j]])


def _common(a: Track, b: Track) -> tuple[Ints, Ints]:
    """Rows of two tracks that lie in the same frames."""
    _, mine, theirs = np.intersect1d(a.frame, b.frame, assume_unique=True, return_indices=True)
    return mine, theirs


def _distance_mm(track: Track, camera: Camera) -> Floats:
    """Distance from the camera `(n,)` by the size of the face, smoothed over half a second.

    The five points' spread is foreshortened by a turn, the height of the box is not.
    """
    height = np.maximum(track.box_xyxy[:, 3] - track.box_xyxy[:, 1], 2.0)
    return np.asarray(camera.fy_px * FACE_MM / smooth.gaussian(height, track.time_s, 0.25))


def every(time_s: Floats, step_s: float) -> Ints:
    """Rows nearest after each multiple of `step_s`."""
    slot = np.floor(time_s / step_s + 1e-9).astype(np.int64)
    return np.flatnonzero(np.diff(slot, prepend=slot[0] - 1) > 0)


def _decide(
    posterior: Floats, others: list[int], share: Floats, middle: Floats, boxes: Floats,
    looker: ray.Looker, kept: Ints, heat: Image,
) -> _Part:  # fmt: skip
    """The most probable target of every frame."""
    chances = np.concatenate(
        [
            posterior[:, :-1],
            posterior[:, -1:] * share[:, None],
            posterior[:, -1:] * (1 - share[:, None]),
        ],
        axis=1,
    )
    codes = np.array([*others, TARGET_CAMERA, TARGET_SCENE, TARGET_OFF_SCREEN])
    # scene and off screen are one hypothesis cut in two: the cut must not let a face win
    best = posterior.argmax(axis=1)
    best += (best == posterior.shape[1] - 1) & (share < 0.5)
    target = codes[best]
    row = np.arange(len(target))
    face = np.clip(best, 0, max(len(others) - 1, 0))
    on_face = target > 0
    point, box = np.full((len(target), 2), np.nan), np.full((len(target), 4), np.nan)
    if others:
        point[on_face] = looker.other_px[row, face][on_face]
        box[on_face] = boxes[row, face][on_face]
    point[target == TARGET_SCENE] = middle[target == TARGET_SCENE]
    return _Part(target, np.clip(chances[row, best], 0, 1), point, box, kept, heat)


def _points(scene: Scene, parts: list[_Part]) -> Points:
    rows = rows_of(scene.tracks)
    return Points(
        "gaze_following", "ray", "gaze_target",
        **who_and_when(scene.tracks),
        point_px=joined((p.point_px for p in parts), np.float64, (2,)),
        target=joined((p.target for p in parts), np.int64),
        probability=joined((p.probability for p in parts), np.float64),
        target_xyxy=joined((p.box_xyxy for p in parts), np.float64, (4,)),
        heatmap_row=joined((p.kept + r.start for p, r in zip(parts, rows, strict=True)), np.int64),
        heatmap=np.concatenate([p.heat for p in parts]) if parts else None,
    )  # fmt: skip


def segments(scene: Scene, points: Points, known: npt.NDArray[np.bool_] | None = None) -> Segments:
    """Looks of `SHORTEST_LOOK_S` and more at one target.

    Args:
        scene: what the points are about.
        points: rows in the order of the tracks.
        known: `(n,)` which rows tell something, by default all.
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
