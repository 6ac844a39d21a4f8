"""Measured rows become tracks: gaps filled, smoothed without lag, head poses fitted."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline import spill
from eyeline.geometry import boxes
from eyeline.geometry.camera import Camera
from eyeline.people import pose, smooth, turns
from eyeline.people.detect import head_box
from eyeline.people.tracks import Pane, Track
from eyeline.results import Floats, Ints

SIX_MM = np.array(
    [
        [-46.0, 1.0, 7.0],
        [-16.5, 1.5, 0.0],
        [16.5, 1.5, 0.0],
        [46.0, 1.0, 7.0],
        [-11.0, 47.5, -12.0],
        [11.0, 47.5, -12.0],
    ]
)
"""Eye corners and outer nostril points in the frame of `pose.FIVE_MM`, order of
`tracks.SIX_OF_68`."""

BOX_SIGMA_S = 0.08
POINT_SIGMA_S = 0.10
IRIS_SIGMA_S = 0.12
SUREST = 0.62
"""Least mean confidence of a track's detections."""
BLINK_S = 0.35
"""Lids closed for less than half of this do not count as a look down."""
SHORTEST_S = 0.25
"""Tracks shorter than this are taken for false alarms, unless the video itself is not longer."""
REACH_S = 3 * IRIS_SIGMA_S + BLINK_S / 2
"""How far back what is smoothed longest reaches."""
HOLD_S = 0.3
"""How long a face that is missed is held in `latest`; so long an interruption ends no episode."""
SUREST = 0.62
"""Least mean confidence of a track's detections."""


@dataclass(frozen=True)
class Fusion:
    """How far points and head network are trusted, fitted by `scripts/fit_heads.py`."""

    turn_factor: float = 0.5
    """Standard deviation of an angle over the error that the network states."""
    least_turn_rad: float = float(np.radians(4.0))
    """Of the network's angles, however sure it says it is."""
    point_noise: float = 0.03
    """Standard deviation of a point from the face model, in eye distances."""


FUSION = Fusion()


def tracks(
    rows: npt.NDArray[Any],
    clock: Floats,
    camera: Camera,
    believe: bool = False,
    panes: Mapping[int, Pane] | None = None,
    fusion: Fusion = FUSION,
) -> list[Track]:
    """All tracks worth keeping, in order of their numbers.

    Args:
        rows: the table of `rows.Rows`.
        clock: `(frames, 3)` index, start and end in seconds of every analysed frame.
        camera: for the head's direction in the camera frame.
        believe: keep even short and unsure tracks, because somebody else vouches for them.
        panes: of the tracks that a part of the image shows, by their numbers.
        fusion: constants of the head's turn.
    """
    length_s = clock[-1, 2] - clock[0, 1] if len(clock) else 0.0
    result = []
    numbers = rows["track_id"].copy()
    for track_id in np.unique(numbers):
        mine = rows[np.flatnonzero(numbers == track_id)]
        mine = mine[np.argsort(mine["frame"], kind="stable")]
        if believe or _sure(mine, length_s):
            pane = (panes or {}).get(int(track_id))
            result.append(_assemble(mine, clock, camera, believe, pane, fusion))
    return result


def latest(
    rows: npt.NDArray[Any], clock: Floats, camera: Camera, known: Container[int]
) -> list[Track]:
    """The tracks in the last frame of a clock, a row each, by nothing that comes later.

    The filters are those of `tracks`, which weigh the past alone at the end of what is known. A
    face that is missed stays where it was for `HOLD_S`.

    Args:
        rows: as of `tracks`, at least those of the last `REACH_S`.
        clock: likewise.
        camera: as of `tracks`.
        known: numbers of tracks that were sure before.
    """
    result = []
    for track_id in np.unique(rows["track_id"]):
        mine = rows[rows["track_id"] == track_id]
        held = clock[-1, 1] - mine["time_s"][-1] <= HOLD_S
        if held and (track_id in known or _sure(mine, np.inf)):
            result.append(_assemble(mine, clock, camera, False, None, FUSION, last=True))
    return result


def _sure(mine: npt.NDArray[Any], length_s: float) -> bool:
    """Whether a track of a video of so many seconds is no false alarm."""
    seen_s = mine["end_s"][-1] - mine["time_s"][0]
    sure = mine["score"][mine["detected"]].mean() >= SUREST
    return bool(sure and seen_s >= min(SHORTEST_S, 0.9 * length_s))


def _assemble(
    mine: npt.NDArray[Any],
    clock: Floats,
    camera: Camera,
    believe: bool,
    pane: Pane | None,
    fusion: Fusion,
    *,
    last: bool = False,
) -> Track:
    """A track over the frames of its rows, or in the last frame of the clock alone."""
    frame, time_s, end_s, at = _span(mine, clock, clock[-1, 0] if last else mine["frame"][-1])
    known = np.zeros(len(frame), bool)
    known[at] = True

    def column(name: str) -> Floats:
        return _spread(mine[name], at, len(frame), time_s)

    score = spill.on_disk(column("score") * np.where(known, 1.0, 0.5))
    box = column("box")
    if not believe:
        box = smooth.gaussian(box, time_s, BOX_SIGMA_S, score)
    quality = np.where(known, column("quality"), 0.0)
    look, look_error = _looks(mine, at, time_s)
    detected = np.zeros(len(frame), bool)
    detected[at] = mine["detected"]
    iris, lids, mouth = _eyes_and_mouth(mine, at, known, time_s, quality)
    columns: dict[str, Any] = {
        "frame": frame,
        "time_s": time_s,
        "end_s": end_s,
        "score": score,
        "detected": detected,
        "box_xyxy": box,
        "five_px": smooth.gaussian(column("five"), time_s, POINT_SIGMA_S, score),
        "six_px": smooth.gaussian(column("six"), time_s, POINT_SIGMA_S, np.maximum(quality, 0.05)),
        "quality": quality,
        "pupil_mm": iris,
        "lid_opening": lids,
        "mouth_open": mouth,
        "look_rad": look,
        "look_error_rad": look_error,
    }
    trust = smooth.gaussian(quality, time_s, POINT_SIGMA_S)
    lens = pane.camera if pane else camera
    prior = _prior(mine, at, time_s, columns["five_px"], lens, fusion)
    if last:
        columns, trust = {name: values[-1:] for name, values in columns.items()}, trust[-1:]
        prior = prior.part(slice(-1, None)) if prior else None
    five, box = columns["five_px"], columns["box_xyxy"]

    def angles(rows: slice) -> Floats:
        """Yaw, pitch and roll of some rows, and the expected error."""
        known = prior.part(rows) if prior else None
        fitted = _head(five[rows], columns["six_px"][rows], trust[rows], known, fusion)
        turn = pose.to_camera(fitted, five[rows, :2].mean(1), lens)
        return np.stack([*turn, expected_error(fitted, trust[rows])], axis=1)

    yaw, pitch, roll, error = spill.by_blocks(len(five), angles).T.copy()
    return spill.columns(
        Track(
            track_id=int(mine["track_id"][0]),
            person=0,
            shot=int(mine["shot"][0]),
            head_xyxy=box if believe else head_box(box),
            yaw_rad=yaw,
            pitch_rad=pitch,
            roll_rad=roll,
            head_error_rad=error,
            pane=pane,
            **columns,
        )
    )


def _span(mine: npt.NDArray[Any], clock: Floats, until: int) -> tuple[Ints, Floats, Floats, Ints]:
    """Frames, starts and ends from the first row to a frame, and the rows' places among them."""
    index = clock[:, 0].astype(np.int64)
    first, last = np.searchsorted(index, [mine["frame"][0], until])
    part = clock[first : last + 1]
    at = np.searchsorted(index, mine["frame"]) - first
    return index[first : last + 1], part[:, 1].copy(), part[:, 2].copy(), at


def _spread(values: Floats, at: Ints, n: int, time_s: Floats) -> Floats:
    """Values `(rows, ...)` at their places among `n` frames, straight lines between."""
    flat = np.asarray(values, np.float64).reshape(len(at), -1)
    known_s, shape = time_s[at], np.shape(values)[1:]

    def between(rows: slice) -> Floats:
        full = [np.interp(time_s[rows], known_s, c) for c in flat.T]
        return np.stack(full, axis=1).reshape(-1, *shape)

    return spill.by_blocks(n, between)


def _prior(
    mine: npt.NDArray[Any], at: Ints, time_s: Floats, five: Floats, lens: Camera, fusion: Fusion
) -> pose.Prior | None:
    """What the head network says of each frame, None where it said nothing."""
    n = len(time_s)
    known = turns.Turns(np.full((n, 3, 3), np.nan, np.float32), np.full(n, np.nan))
    known.rotation[at], known.error_rad[at] = mine["turn"], mine["turn_error"]
    smoothed = turns.over_time(known, time_s)
    if smoothed is None:
        return None
    head_px = _spread(boxes.centre(head_box(mine["box"])), at, n, time_s)

    def seen(rows: slice) -> Floats:
        """Angles of some rows, and the spread of each."""
        turned = turns.seen_along(smoothed.part(rows), head_px[rows], five[rows, :2].mean(1), lens)
        spread = np.maximum(fusion.turn_factor * turned.error_rad, fusion.least_turn_rad)
        return np.concatenate([turns.angles(turned), spread[:, None]], axis=1)

    angles = spill.by_blocks(n, seen)
    return pose.Prior(angles[:, :3], angles[:, 3])


def _head(
    five: Floats, six: Floats, trust: Floats, prior: pose.Prior | None, fusion: Fusion
) -> pose.Pose:
    """Pose from five points, as far as trusted the six landmarks, and what else is known."""
    points = np.concatenate([five, six], axis=1)
    model = np.concatenate([pose.FIVE_MM, SIX_MM])
    weight = np.concatenate(
        [np.ones((len(five), 5)), np.repeat(trust[:, None] ** 2, 6, axis=1)], axis=1
    )
    order = [0, 1, 2, 5, 6, 7, 8, 9, 10, 3, 4]
    noise = fusion.point_noise
    return pose.fit(points[:, order], model[order], weight[:, order], noise, prior=prior)


def expected_error(fitted: pose.Pose, trust: Floats) -> Floats:
    """Expected error of the head's direction `(n,)` in radians: a stated rule, not a measured one.

    5 degrees for a frontal face whose landmarks agree, up to 8 more in profile, up to 6 more where
    they do not agree, and more where the face model does not fit the points.
    """
    misfit = np.clip(fitted.residual - 0.03, 0, 0.2)
    degrees = 5 + 8 * np.abs(np.sin(fitted.yaw_rad)) + 6 * (1 - trust) + 60 * misfit
    return np.asarray(np.radians(degrees))


def _looks(mine: npt.NDArray[Any], at: Ints, time_s: Floats) -> tuple[Floats, Floats]:
    """Yaw and pitch of the eyes within the head `(n, 2)` and their stated error `(n,)`."""
    look, error = np.full((len(time_s), 2), np.nan), np.full(len(time_s), np.nan)
    look[at], error[at] = mine["look"], mine["look_error"]
    weight = 1 / np.maximum(np.nan_to_num(error, nan=1.0), 0.02) ** 2
    smoothed = smooth.gaussian(look, time_s, IRIS_SIGMA_S, weight)
    return smoothed, smooth.gaussian(error, time_s, IRIS_SIGMA_S, weight)


def _eyes_and_mouth(
    mine: npt.NDArray[Any], at: Ints, known: npt.NDArray[np.bool_], time_s: Floats, quality: Floats
) -> tuple[Floats, Floats, Floats]:
    """Iris shift `(n, 2)`, lid opening and mouth opening `(n,)`, NaN where not to be trusted."""
    n = len(known)
    iris, lids, mouth = np.full((n, 2), np.nan), np.full(n, np.nan), np.full(n, np.nan)
    iris[at], lids[at], mouth[at] = mine["iris"], mine["lids"], mine["mouth"]
    lids[quality < 0.15] = np.nan
    mouth[quality < 0.15] = np.nan
    iris[quality < 0.25] = np.nan
    lids = smooth.gaussian(smooth.median(lids, time_s, BLINK_S), time_s, IRIS_SIGMA_S)
    steady = np.stack([smooth.median(iris[:, k], time_s, 0.2) for k in range(2)], axis=1)
    iris = smooth.gaussian(steady, time_s, IRIS_SIGMA_S)
    return iris, lids, mouth
