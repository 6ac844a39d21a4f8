"""The whole front end: a video's frames in, tracks with identities out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import UsageError
from eyeline.geometry.camera import Camera
from eyeline.people import assemble, identity
from eyeline.people.bodies import GivenPersons, HeadMeasure, HeadsOfPersons
from eyeline.people.detect import CenterFace, Detector
from eyeline.people.follow import SEARCH_S, Follower, Measure
from eyeline.people.given import Given, GivenFaces, GivenTracks
from eyeline.people.iou_tracks import LEAST_IOU, IouNumbers
from eyeline.people.portraits import Portrait
from eyeline.people.tracks import BoxSource, Track, joined, who_and_when
from eyeline.results import Floats, People, Person

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

DETECTORS = ("centerface", "mmod", "persons")
"""Ways of finding faces; `mmod` is that of the published eye contact code, `persons` finds whole
persons, also from behind, and needs weights: see `people.person_networks`."""
TRACKERS = ("ours", "iou")
"""Ways of following them; `iou` is that of the published eye contact demo."""


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
    iou: float = LEAST_IOU,
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
        tracker: one of `TRACKERS`. With `iou` every frame is searched.
        bodies: boxes of whole persons, in the place of `given` ones of faces or heads. Faces are
            looked for in them; of a person from behind the head's place is guessed.
        iou: for the tracker `iou`: a face joins a track whose last box it overlaps by more.
        axis_known: False where the camera's optical axis is an assumption: it is then judged from
            the height of the eyes, see `Camera.levelled`.

    Raises:
        UsageError: no such detector or tracker, a tracker for boxes that say whose they are, or
            boxes of both kinds.
    """
    clock: list[tuple[int, float, float]] = []

    def ticking() -> Iterator[tuple[Frame, bool]]:
        for frame, cut in frames:
            clock.append((frame.index, frame.time_s, frame.end_s))
            yield frame, cut
            if on_frame:
                on_frame(frame)

    searching = make_detector(detector)
    source = _box_source(searching)
    if bodies is not None:
        if given is not None:
            raise UsageError("give boxes of heads or of whole persons, not both")
        searching = HeadsOfPersons(GivenPersons(bodies), searching, whole_heads=True)
    follower, person_of = _follower(searching, given, tracker, bodies, iou)
    follower.run(ticking())
    times = np.array(clock, np.float64).reshape(-1, 3)
    believe = given is not None or bodies is not None
    rows = follower.rows.table()
    if not axis_known:
        camera = camera.levelled(rows["five"][:, :2, 1].mean(axis=1))
    tracks = [
        replace(track, box_source="given" if given is not None else source)
        for track in assemble.tracks(rows, times, camera, believe=believe)
    ]
    if isinstance(searching, HeadsOfPersons):
        tracks = searching.attached(tracks)
    if person_of is None:
        who = identity.join(tracks, follower.portraits)
    else:
        who = identity.given(t.of(person_of[t.track_id]) for t in tracks)
    return Found(
        who.tracks, _persons(who, follower.portraits.of), times,
        tuple(follower.shot_starts_s), follower.frames_searched, camera,
    )  # fmt: skip


def make_detector(detector: Detector | str) -> Detector:
    """The detector of a name; UsageError lists the names. Others are handed back."""
    if not isinstance(detector, str):
        return detector
    if detector == "centerface":
        return CenterFace()
    if detector == "mmod":
        from eyeline.people.mmod import Mmod

        return Mmod()
    if detector == "persons":
        return find_persons()
    raise UsageError(f"no detector '{detector}'; there are {', '.join(DETECTORS)}")


def find_persons(weights: str | None = None, device: str = "cpu") -> HeadsOfPersons:
    """The detector `persons`.

    Args:
        weights: see `people.person_networks.find_weights`.
        device: where its network runs.
    """
    from eyeline.people.person_networks import TorchvisionPersons, find_weights

    return HeadsOfPersons(TorchvisionPersons(find_weights(weights), device), CenterFace())


def _follower(
    detector: Detector, given: Given | None, tracker: str, bodies: Given | None, iou: float
) -> tuple[Follower, dict[int, int] | None]:
    """The follower, and where the user said who is who the person of each track."""
    if tracker not in TRACKERS:
        raise UsageError(f"no tracker '{tracker}'; there are {', '.join(TRACKERS)}")
    numbers = IouNumbers(iou) if tracker == "iou" else None
    given = given or bodies
    if given is None:
        interval_s = 0.0 if numbers else SEARCH_S
        return Follower(detector, interval_s, numbers, _measure(detector)), None
    heads = isinstance(detector, HeadsOfPersons)
    faces = detector if isinstance(detector, HeadsOfPersons) else GivenFaces(given, detector)
    measure = _measure(detector) if heads else None
    if not given.identified:
        return Follower(faces, 0.0, numbers, measure), None
    if numbers:
        raise UsageError("the given boxes say whose they are; no other tracker can be chosen")
    theirs = GivenTracks(faces)
    return Follower(faces, 0.0, theirs, measure), theirs.person_of


def _box_source(detector: Detector) -> BoxSource:
    from eyeline.people.mmod import Mmod

    return "mmod" if isinstance(detector, Mmod) else "centerface"


def _measure(detector: Detector) -> Measure | None:
    """What goes with a detector: dlib's own has landmarks in its boxes, a head may have no face."""
    from eyeline.people.mmod import Mmod, MmodMeasure

    if isinstance(detector, HeadsOfPersons):
        return HeadMeasure()
    return MmodMeasure(detector) if isinstance(detector, Mmod) else None


def _persons(who: identity.Identities, portraits: dict[int, Portrait]) -> tuple[Person, ...]:
    persons = []
    for number in sorted({track.person for track in who.tracks}):
        mine = [track for track in who.tracks if track.person == number]
        faces = [portraits[t.track_id] for t in mine if t.track_id in portraits]
        best = max(faces, key=lambda face: face.merit, default=None)
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
        return joined((get(t) for t in tracks), np.float64, row)[order]

    return People(
        **{name: values[order] for name, values in who.items()},
        track_id=joined((np.full(len(t), t.track_id) for t in tracks), np.int64)[order],
        box_xyxy=column(lambda t: t.head_xyxy, (4,)),
        score=column(lambda t: t.score),
        detected=joined((t.detected for t in tracks), np.bool_)[order],
        quality=column(lambda t: t.quality),
        eyes_px=column(lambda t: t.eyes_px, (2,)),
        yaw_deg=np.degrees(column(lambda t: t.yaw_rad)),
        pitch_deg=np.degrees(column(lambda t: t.pitch_rad)),
        roll_deg=np.degrees(column(lambda t: t.roll_rad)),
    )
