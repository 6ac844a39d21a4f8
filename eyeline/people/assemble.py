"""Measured rows become tracks: gaps filled, smoothed without lag, head poses fitted."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.geometry.camera import Camera
from eyeline.people import pose, smooth
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


def tracks(
    rows: npt.NDArray[Any],
    clock: Floats,
    camera: Camera,
    believe: bool = False,
    panes: Mapping[int, Pane] | None = None,
) -> list[Track]:
    """All tracks worth keeping, in order of their numbers.

    Args:
        rows: the table of `rows.Rows`.
        clock: `(frames, 3)` index, start and end in seconds of every analysed frame.
        camera: for the head's direction in the camera frame.
        believe: keep even short and unsure tracks, because somebody else vouches for them.
        panes: of the tracks that a part of the image shows, by their numbers.
    """
    length_s = clock[-1, 2] - clock[0, 1] if len(clock) else 0.0
    result = []
    for track_id in np.unique(rows["track_id"]):
        mine = rows[rows["track_id"] == track_id]
        mine = mine[np.argsort(mine["frame"], kind="stable")]
        if believe or _sure(mine, length_s):
            pane = (panes or {}).get(int(track_id))
            result.append(_assemble(mine, clock, camera, believe, pane))
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
            result.append(_assemble(mine, clock, camera, False, None, last=True))
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
    *,
    last: bool = False,
) -> Track:
    """A track over the frames of its rows, or in the last frame of the clock alone."""
    frame, time_s, end_s, at = _span(mine, clock, clock[-1, 0] if last else mine["frame"][-1])
    known = np.zeros(len(frame), bool)
    known[at] = True

    def column(name: str) -> Floats:
        return _spread(mine[name], at, len(frame), time_s)

    score = column("score") * np.where(known, 1.0, 0.5)
    box = column("box")
    if not believe:
        box = smooth.gaussian(box, time_s, BOX_SIGMA_S, score)
    quality = np.where(known, column("quality"), 0.0)
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
    }
    trust = smooth.gaussian(quality, time_s, POINT_SIGMA_S)
    if last:
        columns, trust = {name: values[-1:] for name, values in columns.items()}, trust[-1:]
    five, box = columns["five_px"], columns["box_xyxy"]
    fitted = _head(five, columns["six_px"], trust)
    yaw, pitch, roll = pose.to_camera(fitted, five[:, :2].mean(1), pane.camera if pane else camera)
    return Track(
        track_id=int(mine["track_id"][0]),
        person=0,
        shot=int(mine["shot"][0]),
        head_xyxy=box if believe else head_box(box),
        yaw_rad=yaw,
        pitch_rad=pitch,
        roll_rad=roll,
        head_error_rad=expected_error(fitted, trust),
        pane=pane,
        **columns,
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
    full = np.stack([np.interp(time_s, time_s[at], c) for c in flat.T], axis=1)
    return full.reshape(n, *np.shape(values)[1:])


def _head(five: Floats, six: Floats, trust: Floats) -> pose.Pose:
    """Pose from the detector's five points and, as far as trusted, the six landmarks."""
    points = np.concatenate([five, six], axis=1)
    model = np.concatenate([pose.FIVE_MM, SIX_MM])
    weight = np.concatenate(
        [np.ones((len(five), 5)), np.repeat(trust[:, None] ** 2, 6, axis=1)], axis=1
    )
    order = [0, 1, 2, 5, 6, 7, 8, 9, 10, 3, 4]
    return pose.fit(points[:, order], model[order], weight[:, order])


def expected_error(fitted: pose.Pose, trust: Floats) -> Floats:
    """Expected error of the head's direction `(n,)` in radians: a stated rule, not a measured one.

    5 degrees for a frontal face whose landmarks agree, up to 8 more in profile, up to 6 more where
    they do not agree, and more where the face model does not fit the points.
    """
    misfit = np.clip(fitted.residual - 0.03, 0, 0.2)
    degrees = 5 + 8 * np.abs(np.sin(fitted.yaw_rad)) + 6 * (1 - trust) + 60 * misfit
    return np.asarray(np.radians(degrees))


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
