"""The whole front end: a video's frames in, tracks with identities out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eyeline.geometry.camera import Camera
from eyeline.people import assemble, identity
from eyeline.people.detect import CenterFace, Detector
from eyeline.people.follow import Follower, Shots
from eyeline.people.portraits import Portrait
from eyeline.people.tracks import Track
from eyeline.results import Floats, People, Person

if TYPE_CHECKING:
    from eyeline.video.reader import Frame


@dataclass(frozen=True)
class Found:
    """Who is in a video."""

    tracks: tuple[Track, ...]
    """With identities, by person, then time."""
    persons: tuple[Person, ...]
    clock: Floats
    """`(frames, 3)` index, start and end in seconds of every analysed frame."""
    shot_starts_s: tuple[float, ...]
    frames_searched: int
    """Frames in which faces were looked for, the others being followed."""


def find_people(
    frames: Iterable[Frame],
    camera: Camera,
    shots: Shots,
    detector: Detector | None = None,
    on_frame: Callable[[Frame], None] | None = None,
) -> Found:
    """Find, follow, measure and tell apart the faces of a video.

    Args:
        frames: the analysed frames in order; each is looked at once.
        camera: for directions in the camera frame.
        shots: tells the cuts.
        detector: CenterFace by default.
        on_frame: called for every frame, for progress.
    """
    clock: list[tuple[int, float, float]] = []

    def ticking() -> Iterator[Frame]:
        for frame in frames:
            clock.append((frame.index, frame.time_s, frame.end_s))
            yield frame
            if on_frame:
                on_frame(frame)

    follower = Follower(detector or CenterFace(), shots)
    follower.run(ticking())
    times = np.array(clock, np.float64).reshape(-1, 3)
    tracks = identity.join(
        assemble.tracks(follower.rows.table(), times, camera), follower.portraits.of
    )
    return Found(
        tuple(tracks), _persons(tracks, follower.portraits.of), times,
        tuple(follower.shot_starts_s), follower.frames_searched,
    )  # fmt: skip


def _persons(tracks: list[Track], portraits: dict[int, Portrait]) -> tuple[Person, ...]:
    persons = []
    for number in sorted({track.person for track in tracks}):
        mine = [track for track in tracks if track.person == number]
        faces = [portraits[t.track_id] for t in mine if t.track_id in portraits]
        best = max(faces, key=lambda face: face.merit, default=None)
        persons.append(
            Person(
                number, tuple(t.track_id for t in mine),
                first_s=float(mine[0].time_s[0]), last_s=float(mine[-1].end_s[-1]),
                seen_s=float(sum((t.end_s - t.time_s).sum() for t in mine)),
                thumbnail=best.thumbnail if best else None,
            )  # fmt: skip
        )
    return tuple(persons)


def people_table(tracks: Iterable[Track]) -> People:
    """The tracks as one table, sorted by frame, then person."""
    tracks = list(tracks)

    def column(get: Callable[[Track], Floats], empty: tuple[int, ...] = (0,)) -> Floats:
        return np.concatenate([get(t) for t in tracks]) if tracks else np.zeros(empty)

    frame = column(lambda t: t.frame).astype(np.int64)
    person = column(lambda t: np.full(len(t), t.person)).astype(np.int64)
    order = np.lexsort((person, frame))
    return People(
        frame=frame[order],
        time_s=column(lambda t: t.time_s)[order],
        person=person[order],
        track_id=column(lambda t: np.full(len(t), t.track_id)).astype(np.int64)[order],
        box_xyxy=column(lambda t: t.box_xyxy, (0, 4))[order],
        score=column(lambda t: t.score)[order],
        detected=column(lambda t: t.detected).astype(bool)[order],
        quality=column(lambda t: t.quality)[order],
        eyes_px=column(lambda t: t.eyes_px, (0, 2))[order],
        yaw_deg=np.degrees(column(lambda t: t.yaw_rad))[order],
        pitch_deg=np.degrees(column(lambda t: t.pitch_rad))[order],
        roll_deg=np.degrees(column(lambda t: t.roll_rad))[order],
    )
