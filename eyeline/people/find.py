"""The whole front end: a video's frames in, tracks with identities out."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eyeline import spill
from eyeline.errors import UsageError
from eyeline.geometry.camera import Camera
from eyeline.people import assemble, identity
from eyeline.people.bodies import GivenPersons, HeadsOfPersons
from eyeline.people.detect import Detector
from eyeline.people.follow import SEARCH_S, Follower
from eyeline.people.given import Given, GivenFaces, GivenTracks
from eyeline.people.methods import DETECTORS, TRACKERS
from eyeline.people.panes import PaneFinder, place
from eyeline.people.portraits import Portrait
from eyeline.people.tracks import Track, joined, who_and_when
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
    camera: Camera
    """The camera that the tracks' angles are of, its axis judged where it was not known."""


def find_people(
    frames: Iterable[tuple[Frame, bool]],
    camera: Camera,
    detector: Detector | str = "centerface",
    given: Given | None = None,
    on_frame: Callable[[Frame], None] | None = None,
    tracker: str = "ours",
    bodies: Given | None = None,
    *,
    iou: float | None = None,
    axis_known: bool = True,
) -> Found:
    """Find, follow, measure and tell apart the faces of a video.

    Args:
        frames: the analysed frames in order, each with whether it begins a new shot
            (`video.shots.mark_shots`).
        camera: for directions in the camera frame.
        detector: one of `DETECTORS`, or any other detector.
        given: boxes of the user's, which replace detection and, where they say whose they are,
            tracking and identity.
        on_frame: called for every frame, for progress.
        tracker: one of `TRACKERS`.
        bodies: boxes of whole persons, in the place of `given` ones of faces or heads. Faces are
            looked for in them; of a person from behind the head's place is guessed.
        iou: the tracker's least overlap, if it takes one and not its own is wanted.
        axis_known: False where the camera's optical axis is an assumption: it is then judged from
            the height of the eyes, see `Camera.levelled`, and of the panes of a split screen each
            has its own, see `people.panes`.

    Raises:
        UsageError: no such detector or tracker, a tracker for boxes that say whose they are, or
            boxes of both kinds.
    """
    clock = array("d")

    def ticking() -> Iterator[tuple[Frame, bool]]:
        for frame, cut in frames:
            clock.extend((frame.index, frame.time_s, frame.end_s))
            yield frame, cut
            if on_frame:
                on_frame(frame)

    if tracker not in TRACKERS:
        raise UsageError(f"no tracker '{tracker}'; there are {', '.join(TRACKERS)}")
    if given is not None and bodies is not None:
        raise UsageError("give boxes of heads or of whole persons, not both")
    searching = make_detector(detector)
    source = "given" if given is not None else searching.box_source
    if bodies is not None:
        searching = HeadsOfPersons(GivenPersons(bodies), searching, whole_heads=True)
    elif given is not None:
        searching = GivenFaces(given, searching)
    boxes, search_s = given or bodies, TRACKERS[tracker].search_s
    believed = GivenTracks(boxes) if boxes is not None and boxes.identified else None
    if believed and search_s is not None:
        raise UsageError("the given boxes say whose they are; no other tracker can be chosen")
    if search_s is None:
        search_s = SEARCH_S if boxes is None else 0.0
    numbers = believed or TRACKERS[tracker].create(iou)
    follower = Follower(searching, search_s, numbers, searching.measure())
    panes = PaneFinder()
    follower.run(ticking() if axis_known else panes.watch(ticking()))
    times = spill.on_disk(np.array(clock).reshape(-1, 3))
    rows = follower.rows.table()
    own = {} if axis_known else place(rows, panes.shots, camera)
    if not axis_known:
        camera = camera.levelled(rows["five"][:, :2, 1].mean(axis=1))
    tracks = [
        replace(track, box_source=source)
        for track in assemble.tracks(rows, times, camera, believe=boxes is not None, panes=own)
    ]
    tracks = searching.completed(tracks)
    if believed is None:
        who = identity.join(tracks, follower.portraits)
    else:
        who = identity.given(t.of(believed.person_of[t.track_id]) for t in tracks)
    return Found(
        who.tracks,
        _persons(who, follower.portraits.of),
        times,
        tuple(follower.shot_starts_s),
        follower.frames_searched,
        camera,
    )


def make_detector(detector: Detector | str) -> Detector:
    """The detector of a name; UsageError lists the names. Others are handed back."""
    if not isinstance(detector, str):
        return detector
    if detector not in DETECTORS:
        raise UsageError(f"no detector '{detector}'; there are {', '.join(DETECTORS)}")
    return DETECTORS[detector].create(None, "cpu")


def _persons(who: identity.Identities, portraits: dict[int, Portrait]) -> tuple[Person, ...]:
    persons = []
    for number in sorted({track.person for track in who.tracks}):
        mine = [track for track in who.tracks if track.person == number]
        faces = [portraits[t.track_id] for t in mine if t.track_id in portraits]
        best = max(faces, key=lambda face: face.score, default=None)
        persons.append(
            Person(
                number,
                tuple(t.track_id for t in mine),
                first_s=float(mine[0].time_s[0]),
                last_s=float(mine[-1].end_s[-1]),
                seen_s=float(sum((t.end_s - t.time_s).sum() for t in mine)),
                perhaps_same_as=who.perhaps.get(number, ()),
                thumbnail=best.thumbnail if best else None,
            )
        )
    return tuple(persons)


def people_table(tracks: Iterable[Track]) -> People:
    """The tracks as one table, sorted by frame, then person."""
    tracks = list(tracks)
    who = who_and_when(tracks)
    order = np.lexsort((who["person"], who["frame"]))

    def column(get: Callable[[Track], Floats], row: tuple[int, ...] = ()) -> Floats:
        return spill.on_disk(joined((get(t) for t in tracks), np.float64, row)[order])

    return People(
        **{name: spill.on_disk(values[order]) for name, values in who.items()},
        track_id=spill.on_disk(
            joined((np.full(len(t), t.track_id) for t in tracks), np.int64)[order]
        ),
        box_xyxy=column(lambda t: t.head_xyxy, (4,)),
        score=column(lambda t: t.score),
        detected=joined((t.detected for t in tracks), np.bool_)[order],
        quality=column(lambda t: t.quality),
        eyes_px=column(lambda t: t.eyes_px, (2,)),
        yaw_deg=column(lambda t: np.degrees(t.yaw_rad)),
        pitch_deg=column(lambda t: np.degrees(t.pitch_rad)),
        roll_deg=column(lambda t: np.degrees(t.roll_rad)),
    )
