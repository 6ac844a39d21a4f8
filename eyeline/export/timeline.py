"""Which rows of an analysis belong to a frame of the video, found in logarithmic time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eyeline import spill
from eyeline.export.spans import all_segments, clock_for, clock_of, once
from eyeline.export.words import label_of
from eyeline.geometry import directions
from eyeline.geometry.camera import ASSUMED_FOV_DEG, Camera
from eyeline.results import (
    TARGET_CAMERA,
    TARGET_OFF_SCREEN,
    UNSEEN,
    WEARER,
    Analysis,
    Clock,
    Directions,
    Floats,
    Image,
    Ints,
    Points,
    Segments,
    person_number,
)

Bools = npt.NDArray[np.bool_]

NO_TARGET = -9
"""`FrameView.target` of a person of whom nothing was said."""


@dataclass(frozen=True)
class Mark:
    """A place in the image that belongs to no face: where the camera wearer looks."""

    x_px: float
    y_px: float
    name: str
    heatmap: Image | None = None
    """`(rows, columns)` uint8 over the whole image, the last one kept up to this frame."""


@dataclass(frozen=True)
class FrameView:
    """What is known of one frame: `n` faces with their gaze and states."""

    time_s: float
    """Of the frame that is shown, which may come after the analysed one that it holds."""
    person: Ints
    """`(n,)`."""
    box_xyxy: Floats
    """`(n, 4)`."""
    detected: Bools
    """`(n,)`."""
    eyes_px: Floats
    """`(n, 2)`."""
    direction: Floats
    """`(n, 3)` unit vectors in the camera frame, NaN where there is none."""
    seen: Floats
    """`(n, 3)` the same as the image shows them, see `geometry.directions.as_seen`."""
    target: Ints
    """`(n,)` as in `Points.target`, or `NO_TARGET`."""
    target_px: Floats
    """`(n, 2)` where the look arrives, NaN where that is not in the image or not known."""
    speaks: Bools
    """`(n,)`."""
    contact: Bools
    """`(n,)` eye contact."""
    camera: Bools
    """`(n,)` looks into the camera, or at the wearer."""
    marks: tuple[Mark, ...] = ()
    unseen_speech: bool = False
    """Whether somebody speaks who is not visible."""
    legend: tuple[str, ...] = ()
    """What the analysis answers at all: of `speaks`, `contact`, `camera`, `gaze`, `target`."""
    cone_rad: Floats | None = None
    """`(n,)` half-angle of the cone about each direction in which it lies as often as not, by its
    concentration; NaN where there is none."""
    names: Mapping[int, str] = field(default_factory=dict)
    """How people have named those whom they have named."""

    def __len__(self) -> int:
        """Number of faces."""
        return len(self.person)


class Timeline:
    """An index over an analysis: the rows of its people by frame, with all answers beside them."""

    def __init__(self, analysis: Analysis) -> None:
        """Sort and join all answers once, in time n log n; columns lie in a file where long."""
        people = analysis.people
        self._clock = clock_of(analysis)
        order = np.lexsort((people.person, people.frame))
        frame = people.frame[order]
        self._person, self._box = people.person[order], people.box_xyxy[order]
        self._detected, self._eyes = people.detected[order], people.eyes_px[order]
        self._keys = _keys(frame, self._person)
        self._first = np.searchsorted(frame, self._clock.frame, "left")
        self._last = np.searchsorted(frame, self._clock.frame, "right")
        centre_s = (people.time_s[order] + self._clock.ends_of(frame)) / 2
        self._gaze, self._seen, self._cone = self._directions(analysis)
        points = chosen_points(analysis)
        self._target, self._target_px = self._targets(points)
        segments = all_segments(analysis)
        self._speaks = _during(segments, "speaks", self._person, centre_s)
        self._contact = _during(segments, "contact", self._person, centre_s)
        self._camera = _during(segments, "camera", self._person, centre_s)
        if not _signed(segments, "camera"):
            self._camera = self._target == TARGET_CAMERA
        self._unseen = _Spans(_signed(segments, "speaks"), UNSEEN)
        self._marks = [
            _Marks(p, clock_for(p, analysis)) for p in analysis.of(Points) if WEARER in p.person
        ]
        self._legend = _legend(analysis, segments, points)
        names = analysis.corrected.names if analysis.corrected else {}
        self._names = {n: name for label, name in names.items() if (n := person_number(label))}
        columns = {n: v for n, v in vars(self).items() if isinstance(v, np.ndarray)}
        vars(self).update({name: spill.on_disk(column) for name, column in columns.items()})

    def at(self, frame_index: int, time_s: float | None = None) -> FrameView:
        """What is known of a frame of the decoded video.

        A frame between two analysed ones holds the answers of the earlier; where nobody was seen
        the view is empty.

        Args:
            frame_index: index in the decoded video, from 0.
            time_s: time of that frame; by default that of the analysed frame whose answers it
                holds.
        """
        k = self._clock.holding(frame_index)
        rows = slice(0, 0) if k is None else slice(int(self._first[k]), int(self._last[k]))
        if time_s is None:
            time_s = 0.0 if k is None else float(self._clock.start_s[k])
        return FrameView(
            time_s=time_s,
            person=self._person[rows],
            box_xyxy=self._box[rows],
            detected=self._detected[rows],
            eyes_px=self._eyes[rows],
            direction=self._gaze[rows],
            seen=self._seen[rows],
            cone_rad=self._cone[rows],
            target=self._target[rows],
            target_px=self._target_px[rows],
            speaks=self._speaks[rows],
            contact=self._contact[rows],
            camera=self._camera[rows],
            marks=tuple(m for marks in self._marks if (m := marks.at(frame_index))),
            unseen_speech=bool(self._unseen.hold(np.array([time_s]))[0]),
            legend=self._legend,
            names=self._names,
        )

    def _rows(self, frame: Ints, person: Ints) -> tuple[Ints, Bools]:
        """For rows of an answer the rows of the people, and which of them there are."""
        keys = _keys(frame, person)
        at = np.searchsorted(self._keys, keys)
        at[at == len(self._keys)] = 0
        known = self._keys[at] == keys if len(self._keys) else np.zeros(len(keys), bool)
        return at[known], known

    def _directions(self, analysis: Analysis) -> tuple[Floats, Floats, Floats]:
        """Gaze directions in the camera frame, as the image shows them, and their cones."""
        gaze, seen = (np.full((len(self._person), 3), np.nan) for _ in range(2))
        cone = np.full(len(self._person), np.nan)
        camera = _camera(analysis)
        answers = (a for a in analysis.of(Directions) if a.name == "gaze")
        for answer in itertools.islice(answers, 1):  # of several methods the first counts
            rows, known = self._rows(answer.frame, answer.person)
            gaze[rows] = answer.direction[known]
            rays, _ = rays_of(
                analysis, camera, analysis.people.track_id[rows], answer.origin_px[known]
            )
            seen[rows] = directions.as_seen(gaze[rows], rays)
            cone[rows] = directions.cone(answer.concentration[known])
        return gaze, seen, cone

    def _targets(self, points: Points | None) -> tuple[Ints, Floats]:
        target = np.full(len(self._person), NO_TARGET)
        place = np.full((len(self._person), 2), np.nan)
        if points is None:
            return target, place
        rows, known = self._rows(points.frame, points.person)
        target[rows] = points.target[known]
        place[rows] = points.point_px[known]
        box = points.target_xyxy[known]
        centre = (box[:, :2] + box[:, 2:]) / 2
        place[rows] = np.where(np.isnan(place[rows]), centre, place[rows])
        place[np.isin(target, (TARGET_OFF_SCREEN, TARGET_CAMERA, NO_TARGET))] = np.nan
        return target, place


def _camera(analysis: Analysis) -> Camera:
    """The camera that the analysis assumed for the whole image."""
    known, fov = (analysis.settings.get(name) for name in ("camera_px", "fov_deg"))
    if known:
        return Camera(*known)
    return Camera.from_fov(
        analysis.video.width_px, analysis.video.height_px, float(fov or ASSUMED_FOV_DEG)
    )


def rays_of(
    analysis: Analysis, camera: Camera, track_id: Ints, points_px: Floats
) -> tuple[Floats, Floats]:
    """How the cameras of a video see points of tracks.

    Args:
        analysis: says which tracks a part of a split screen shows, and by which camera.
        camera: of the whole image.
        track_id: `(n,)`.
        points_px: `(n, 2)`.

    Returns:
        Unit vectors `(n, 3)` from the camera, and its focal length `(n,)` in pixels.
    """
    rays, focal_px = camera.rays(points_px), np.full(len(points_px), camera.fy_px)
    for pane in analysis.settings.get("panes") or ():
        mine, own = np.isin(track_id, pane["tracks"]), Camera(*pane["camera_px"])
        rays[mine], focal_px[mine] = own.rays(points_px[mine]), own.fy_px
    return rays, focal_px


class _Marks:
    """The points of the camera wearer by analysed frame."""

    def __init__(self, points: Points, clock: Clock) -> None:
        mine = np.flatnonzero((points.person == WEARER) & ~np.isnan(points.point_px).any(axis=1))
        self._clock = clock
        self._name = points.name.replace("_", " ")
        self._place = dict(
            zip(
                np.searchsorted(clock.frame, points.frame[mine]).tolist(),
                points.point_px[mine].tolist(),
                strict=True,
            )
        )
        self._heatmap = _changing(points.heatmap)
        frames = points.frame[points.heatmap_row[: len(self._heatmap)]]
        self._heatmap_order = np.argsort(frames, kind="stable")
        self._heatmap_at = np.searchsorted(clock.frame, frames[self._heatmap_order])

    def at(self, frame_index: int) -> Mark | None:
        k = self._clock.holding(frame_index)
        place = None if k is None else self._place.get(k)
        if k is None or place is None:
            return None
        kept = int(np.searchsorted(self._heatmap_at, k, "right")) - 1
        heatmap = self._heatmap[self._heatmap_order[kept]] if kept >= 0 else None
        return Mark(place[0], place[1], self._name, heatmap)


def _changing(heatmap: Image | None) -> Image:
    """Heatmaps `(n, rows, columns)`; none where all are one, which says nothing of a frame."""
    if heatmap is None or not len(heatmap) or (heatmap == heatmap[0]).all():
        return np.zeros((0, 1, 1), np.uint8)
    return heatmap


def _keys(frame: Ints, person: Ints) -> Ints:
    return np.asarray(frame.astype(np.int64) * (1 << 20) + person.astype(np.int64) + 2)


def chosen_points(analysis: Analysis) -> Points | None:
    """The points called `gaze_target`, else the first that are not about the camera wearer."""
    points: list[Points] = analysis.of(Points)
    named = [p for p in points if p.name == "gaze_target"]
    return next(iter(named + [p for p in points if WEARER not in p.person]), None)


def _signed(segments: Sequence[Segments], sign: str) -> list[Segments]:
    """The segments that show a sign at a face."""
    return [s for s in segments if label_of(s.name).sign == sign]


def _during(segments: Sequence[Segments], sign: str, person: Ints, time_s: Floats) -> Bools:
    """Which rows lie within a segment of their person."""
    inside = np.zeros(len(person), bool)
    order = np.argsort(person, kind="stable")
    values, first = np.unique(person[order], return_index=True)
    for value, rows in zip(values.tolist(), np.split(order, first[1:]), strict=False):
        inside[rows] = _Spans(_signed(segments, sign), value).hold(time_s[rows])
    return inside


class _Spans:
    """The segments of one person, which may overlap, ready to be asked for times."""

    def __init__(self, segments: Sequence[Segments], person: int) -> None:
        mine = [(s, s.person == person) for s in segments]
        self._start = np.sort(np.concatenate([np.zeros(0), *(s.start_s[m] for s, m in mine)]))
        self._end = np.sort(np.concatenate([np.zeros(0), *(s.end_s[m] for s, m in mine)]))

    def hold(self, time_s: Floats) -> Bools:
        """Which of the times lie within a segment."""
        begun = np.searchsorted(self._start, time_s, "right")
        return np.asarray(begun > np.searchsorted(self._end, time_s, "right"))


def _legend(
    analysis: Analysis, segments: Sequence[Segments], points: Points | None
) -> tuple[str, ...]:
    has = {
        "speaks": bool(_signed(segments, "speaks")),
        "contact": bool(_signed(segments, "contact")),
        "camera": bool(_signed(segments, "camera")) or points is not None,
        "gaze": bool(analysis.of(Directions)),
        "target": points is not None,
    }
    return tuple(name for name, there in has.items() if there)


@once
def timeline_of(analysis: Analysis) -> Timeline:
    """The timeline of an analysis, made once for all who draw it."""
    return Timeline(analysis)
