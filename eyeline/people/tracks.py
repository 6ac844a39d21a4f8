"""A track: one face followed without a break, with everything measured on it, column-wise."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from eyeline import spill
from eyeline.errors import check_shape
from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.results import Floats, Ints

_Kind = TypeVar("_Kind", bound=np.generic)

BoxSource = Literal["centerface", "mmod", "given"]
"""What drew the boxes of faces: a detector, or the user."""

SIX_OF_68 = (36, 39, 42, 45, 31, 35)
"""Outer and inner corner of the eye on the image's left, inner and outer of the other, outer
nostril points."""
OPEN_LIDS = (0.24, 0.42)
"""Range of lid openings that open eyes measure."""


@dataclass(frozen=True)
class Pane:
    """A part of a split screen, or of an image with bars, that has a camera of its own."""

    xyxy: tuple[float, float, float, float]
    """In pixels of the whole image."""
    camera: Camera
    """Assumed: its axis in the pane's centre, the pane's longer side as wide as an image's."""


@dataclass(frozen=True)
class Usual:
    """What is usual for a person."""

    lids: float
    """Lid opening when looking ahead, NaN if never seen."""
    pitch_rad: float
    """Median pitch of the head against the ray from the camera."""


@dataclass(frozen=True)
class Track:
    """One face from its first to its last frame; every analysed frame between has a row."""

    track_id: int
    """Number from 1 in order of first appearance."""
    person: int
    """The identity that this track belongs to, from 1; 0 before identities are joined."""
    shot: int
    """Index of the shot it lies in, from 0."""
    frame: Ints
    """`(n,)` indices of the analysed frames, increasing."""
    time_s: Floats
    """`(n,)` seconds since the first video frame."""
    end_s: Floats
    """`(n,)` time at which the analysed frame ends."""
    box_xyxy: Floats
    """`(n, 4)` face box, forehead to chin."""
    head_xyxy: Floats
    """`(n, 4)` head box, hair to chin: the face box grown by `detect.head_box`, or the user's own
    box."""
    score: Floats
    """`(n,)` detector's confidence in [0, 1]."""
    detected: npt.NDArray[np.bool_]
    """`(n,)` False where the box comes from neighbouring frames."""
    five_px: Floats
    """`(n, 5, 2)` detector's points: eye on the image's left, other eye, nose tip, mouth corners
    left, right."""
    six_px: Floats
    """`(n, 6, 2)` points `SIX_OF_68` of the 68-point scheme."""
    quality: Floats
    """`(n,)` trust in the 68 landmarks, [0, 1]."""
    yaw_rad: Floats
    """`(n,)` head turn as of `geometry.directions`, smoothed."""
    pitch_rad: Floats
    """`(n,)`."""
    roll_rad: Floats
    """`(n,)`."""
    head_error_rad: Floats
    """`(n,)` expected error of the head's direction."""
    pupil_mm: Floats
    """`(n, 2)` shift of the irises from the middle between the eye corners, on the metric face:
    right and down in the image once the head's roll is undone; NaN where they cannot be seen."""
    lid_opening: Floats
    """`(n,)` lid distance over eye width; about 0.3 for open eyes, NaN where the landmarks are not
    to be trusted."""
    mouth_open: Floats
    """`(n,)` inner lip distance over the eye distance; NaN where the landmarks are not to be
    trusted."""
    look_rad: Floats | None = None
    """`(n, 2)` yaw and pitch of the eyes within the head, by the eye network, smoothed; NaN where
    they are closed or hidden; None where nobody asked."""
    look_error_rad: Floats | None = None
    """`(n,)` expected error of it, as the network states it."""
    body_xyxy: Floats | None = None
    """`(n, 4)` box of the whole person as far as the image shows it, hair to soles; None where
    nobody looked for it."""
    pane: Pane | None = None
    """Where the image is a split screen: the part that shows the face."""
    box_source: BoxSource = "centerface"
    """What drew `box_xyxy`; in the user's boxes of persons that is grown to the head, and equals
    `head_xyxy`."""
    usual: Usual | None = None
    """Of its person, where these rows are the last ones of more; None where they are all."""

    def __post_init__(self) -> None:
        """Check that all columns have the same length."""
        patterns = {
            "box_xyxy": "n 4",
            "head_xyxy": "n 4",
            "five_px": "n 5 2",
            "six_px": "n 6 2",
            "pupil_mm": "n 2",
            "look_rad": "n 2",
            "body_xyxy": "n 4",
        }
        sizes: dict[str, int] = {}
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                sizes = check_shape(value, patterns.get(name, "n"), f"Track.{name}", sizes)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @property
    def eyes_px(self) -> Floats:
        """`(n, 2)` point midway between the eyes."""
        return np.asarray(self.five_px[:, :2].mean(axis=1))

    def camera(self, whole: Camera) -> Camera:
        """The camera that sees the face: of its pane, else that of the whole image."""
        return self.pane.camera if self.pane else whole

    def of(self, person: int) -> Track:
        """The same track as `person`'s."""
        return replace(self, person=person)

    def part(self, rows: slice) -> Track:
        """Some rows of it."""
        columns: dict[str, Any] = {
            n: v[rows] for n, v in vars(self).items() if isinstance(v, np.ndarray)
        }
        return replace(self, **columns)

    def then(self, later: Track) -> Track:
        """Its rows, and below them those of a later part."""
        columns: dict[str, Any] = {
            name: np.concatenate([value, getattr(later, name)])
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        return replace(later, **columns)


def joined(
    columns: Iterable[npt.NDArray[Any]], kind: type[_Kind], row: tuple[int, ...] = ()
) -> npt.NDArray[_Kind]:
    """Columns of several tracks one below the other.

    Args:
        columns: one a track, `(n, *row)`.
        kind: the type of the result.
        row: the shape of a row, for the case that there are no tracks.
    """
    parts = [spill.on_disk(column.astype(kind)) for column in columns]
    return spill.on_disk(*parts) if parts else np.zeros((0, *row), kind)


def rows_of(tracks: Iterable[Track]) -> list[slice]:
    """Where the rows of each track lie in its `joined` columns."""
    ends = list(itertools.accumulate(len(t) for t in tracks))
    return [slice(a, b) for a, b in itertools.pairwise([0, *ends])]


def who_and_when(tracks: Iterable[Track]) -> dict[str, npt.NDArray[Any]]:
    """The columns that every answer about people has: frame, time_s and person."""
    tracks = list(tracks)
    return {
        "frame": joined((t.frame for t in tracks), np.int64),
        "time_s": joined((t.time_s for t in tracks), np.float64),
        "person": joined((np.full(len(t), t.person) for t in tracks), np.int64),
    }


def usual_lids(tracks: Iterable[Track]) -> float:
    """A person's lid opening when looking ahead, NaN if never seen.

    It is the upper decile of the frames seen not too much from the side, within what open eyes
    measure: who looks down all the time has shown no open eyes.
    """
    tracks = list(tracks)
    if tracks and tracks[-1].usual:
        return tracks[-1].usual.lids
    seen = joined((t.lid_opening[np.abs(t.yaw_rad) < 1.0] for t in tracks), np.float64)
    seen = seen[np.isfinite(seen)]
    return float(np.clip(np.quantile(seen, 0.9), *OPEN_LIDS)) if len(seen) else float("nan")


def towards_camera(track: Track, camera: Camera) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
    """Rotations `(n, 3, 3)` to face the camera, and the head's yaw, pitch and roll from there."""
    ray_yaw, ray_pitch = directions.to_yaw_pitch(-track.camera(camera).rays(track.eyes_px))
    towards = directions.rotation_from_angles(ray_yaw, ray_pitch, np.zeros_like(ray_yaw))
    head = directions.rotation_from_angles(track.yaw_rad, track.pitch_rad, track.roll_rad)
    return towards, directions.angles_from_rotation(np.swapaxes(towards, -1, -2) @ head)


def usual_pitch(tracks: Iterable[Track], camera: Camera) -> float:
    """Median pitch in radians of a person's head against the ray from the camera."""
    tracks = list(tracks)
    if tracks[-1].usual:
        return tracks[-1].usual.pitch_rad
    pitches = (
        spill.by_blocks(len(t), lambda rows, t=t: towards_camera(t.part(rows), camera)[1][1])  # type: ignore[misc]
        for t in tracks
    )
    return float(np.median(joined(pitches, np.float64)))


def lid_fractions(tracks: Sequence[Track]) -> list[Floats]:
    """Lid opening `(n,)` of each track over what is usual for its person, NaN where not seen."""
    usual = {
        person: usual_lids(t for t in tracks if t.person == person)
        for person in {t.person for t in tracks}
    }
    return [np.asarray(t.lid_opening / usual[t.person]) for t in tracks]
