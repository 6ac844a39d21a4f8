"""One pass over a video: from its frames to the tracklets and gaze points of one person.

Frames are decoded once and nothing of them is kept. The gaze network sees faces of several frames
at once; as each face is chosen without looking at any other frame, the batch changes nothing. What
is held in memory is a batch of faces, the open tracklet's features and the gaze points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from eyeline.errors import UsageError
from eyeline.geometry import boxes
from eyeline.people.embed import Embedder
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery import gaze_points
from eyeline.systems.eye_contact.discovery.bodies import Bodies, BodyFinder
from eyeline.systems.eye_contact.discovery.faces import Finder
from eyeline.systems.eye_contact.discovery.formation import (
    ASSOCIATIONS,
    MEMORY_FRAMES,
    REFRESH_FRAMES,
    Association,
    FaceSeen,
    Formation,
    Recogniser,
    choose_body,
    choose_face,
)
from eyeline.systems.eye_contact.discovery.gaze_points import (
    FIXATIONS,
    BodyPoses,
    GazePoints,
    write_fixations,
)
from eyeline.systems.eye_contact.discovery.identity import Person
from eyeline.systems.eye_contact.head import assumed_camera
from eyeline.systems.eye_contact.tracklets import write_tracklet
from eyeline.systems.eye_contact.xgaze.inputs import Views, camera_plane_mm, cut_faces, views
from eyeline.video.frame import Frame

Progress = Callable[[float, float], None]
"""Called with the seconds of video done and the seconds there are."""


class Gaze(Protocol):
    """The gaze network with its weights, as `xgaze.infer.GazeFeatures`."""

    def __call__(self, faces: Image, /) -> tuple[Floats, Floats]:
        """Pitch and yaw `(n, 2)` and features `(n, d)` of normalised BGR `(n, 224, 224, 3)`."""


@dataclass(frozen=True)
class Instruments:
    """What an extraction measures with, and its switches."""

    finder: Finder
    embedder: Embedder
    gaze: Gaze
    bodies: BodyFinder
    association: Association = "centre"
    """Which of several bodies in a face's box is taken, see `formation.choose_body`."""
    save_last: bool = False
    save_breaking: bool = False
    """Both as of `formation.Formation`."""
    refresh_frames: int = REFRESH_FRAMES
    memory_frames: int = MEMORY_FRAMES
    """Both as of `formation.Recogniser`."""
    batch: int = 16
    """Faces that the gaze network sees at once."""

    def __post_init__(self) -> None:
        if self.association not in ASSOCIATIONS:
            known = ", ".join(ASSOCIATIONS)
            raise UsageError(f"no association '{self.association}'; there are {known}")
        if self.batch < 1:
            raise UsageError(f"faces seen at once must be at least 1, not {self.batch}")


@dataclass(frozen=True)
class Extracted:
    """What a video gave."""

    frames: int
    """At 25 Hz."""
    tracklets: int
    gaze_points: int
    faces_embedded: int
    damage: tuple[str, ...]
    """Spans that could not be decoded, and oddities of the file, in words."""


@dataclass
class _Look:
    """The person in one frame of the video; filled in by the gaze network."""

    face: FaceSeen
    body: Bodies
    view: Views
    """Just the one body, and the one view."""
    pixels: Image | None
    """`(224, 224, 3)` BGR until the network has seen them."""
    feature: Floats | None = None
    cylinder_mm: Floats | None = None
    camera_mm: Floats | None = None


def extract(
    video: Path | str,
    folder: Path,
    person: Person,
    instruments: Instruments,
    progress: Progress | None = None,
) -> Extracted:
    """Write `NNN.npz` and `fixations.csv` of one video into an existing folder.

    Frames are those of the video at exactly 25 Hz by time; a slower video's frames come again. The
    caller sees to it that the folder appears whole.
    """
    from eyeline.video.grid import on_grid
    from eyeline.video.reader import VideoReader

    reader = VideoReader(video, rate_hz=RATE_HZ)
    work = _Extraction(folder, person, instruments, reader.info.width_px, reader.info.height_px)
    expected_s = reader.info.duration_s
    for number, frame in on_grid(reader, RATE_HZ):
        work.take(number, frame)
        if progress:
            progress(number / RATE_HZ, max(expected_s, number / RATE_HZ))
    points = work.finish()
    write_fixations(folder / FIXATIONS, points)
    spans = [f"damaged from {d.start_s:.2f} s to {d.end_s:.2f} s" for d in reader.info.damage]
    return Extracted(
        work.frames,
        work.formation.count,
        len(points),
        work.recogniser.embedded,
        (*spans, *reader.warnings),
    )


@dataclass
class _Extraction:
    """The state of one pass."""

    folder: Path
    person: Person
    with_: Instruments
    width_px: int
    height_px: int
    frames: int = 0
    _last: tuple[Frame | None, _Look | None] = (None, None)
    _queue: list[tuple[int, _Look | None]] = field(default_factory=list)
    _unseen: list[_Look] = field(default_factory=list)
    _points: list[tuple[int, Floats, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recogniser = Recogniser(
            self.person,
            self.with_.embedder,
            refresh_frames=self.with_.refresh_frames,
            memory_frames=self.with_.memory_frames,
        )
        self.formation = Formation(
            self.width_px,
            self.height_px,
            lambda number, one: write_tracklet(self.folder / f"{number:03d}.npz", one),
            save_last=self.with_.save_last,
            save_breaking=self.with_.save_breaking,
        )

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.width_px, self.height_px

    def take(self, number: int, frame: Frame) -> None:
        """The next frame at 25 Hz; the gaze network runs once a batch is full."""
        before, look = self._last
        if frame is not before:
            look = self._look(frame)
            self._last = frame, look
            if look is not None:
                self._unseen.append(look)
        self._queue.append((number, look))
        self.frames = number + 1
        if len(self._unseen) >= self.with_.batch:
            self._flush()

    def finish(self) -> GazePoints:
        """The rest of the queue; all gaze points."""
        self._flush()
        self.formation.finish()
        return GazePoints(
            np.array([p[0] for p in self._points], np.int64),
            np.array([p[1] for p in self._points]).reshape(-1, 3),
            np.array([p[2] for p in self._points]).reshape(-1, 2),
        )

    def _look(self, frame: Frame) -> _Look | None:
        """The person's face and body in a frame; None where either is missing."""
        seen = [f for f in self.with_.finder.find(frame) if boxes.area(f.box_xyxy) >= 1]
        alike = self.recogniser.similarities(frame.rgb(), seen) if seen else []
        row = choose_face(alike, self.person.least_similarity)
        if row is None:
            return None
        face = seen[row]
        bodies = self.with_.bodies.find(frame, [face])
        # As wide as it is high, like the published detector's boxes: the nose of a profile sticks
        # out of a tight one.
        left, top, right, bottom = (float(side) for side in face.box_xyxy)
        half = max(0.0, (bottom - top) - (right - left)) / 2
        around = np.array([left - half, top, right + half, bottom])
        body = choose_body(around, bodies.parts_norm, *self.size_wh, self.with_.association)
        view = views(face.six_px[None], *self.size_wh)
        if body is None or not view.known.all():
            return None
        pixels = cut_faces(frame.rgb(), view.warp)[0, ..., ::-1]
        seen_face = FaceSeen(face.box_xyxy, face.six_px)
        return _Look(seen_face, bodies.only(body), view, np.ascontiguousarray(pixels))

    def _flush(self) -> None:
        if self._unseen:
            self._measure(self._unseen)
        for number, look in self._queue:
            self.formation.add(number, look.face if look else None, look.feature if look else None)
            if look is not None and look.cylinder_mm is not None and look.camera_mm is not None:
                self._points.append((number, look.cylinder_mm, look.camera_mm))
        self._queue, self._unseen = [], []

    def _measure(self, looks: list[_Look]) -> None:
        """Pass faces through the gaze network, and work out where the looks go."""
        faces = np.stack([look.pixels for look in looks if look.pixels is not None])
        pitch_yaw, features = self.with_.gaze(faces)
        parts = ("centre_mm", "rotation", "warp")
        columns = ([getattr(look.view, name) for look in looks] for name in parts)
        seen = Views(*map(np.concatenate, columns))
        vectors = seen.network_vectors(pitch_yaw)
        poses = self._poses([look.body for look in looks])
        cylinder = gaze_points.on_cylinder(*gaze_points.rays(seen.centre_mm, vectors, poses))
        camera = camera_plane_mm(seen.centre_mm, vectors)
        for i, look in enumerate(looks):
            look.pixels = None
            look.feature = np.array(features[i], np.float32)
            look.cylinder_mm, look.camera_mm = cylinder[i], camera[i]

    def _poses(self, bodies: list[Bodies]) -> BodyPoses:
        known = [body.poses for body in bodies if body.poses is not None]
        if len(known) == len(bodies):
            return BodyPoses(
                np.concatenate([p.rotation for p in known]),
                np.concatenate([p.translation_mm for p in known]),
            )
        parts = np.concatenate([body.parts_norm for body in bodies])[:, 1:]
        camera = assumed_camera(*self.size_wh)
        return gaze_points.solve_bodies(parts, *self.size_wh, camera)
