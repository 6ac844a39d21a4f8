"""Both builders on a scene: landmarks to eye contact, gaze directions to looks at the camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.people import contact
from eyeline.people.tracks import Track, joined, who_and_when
from eyeline.results import (
    Answer,
    Floats,
    Scores,
    segments_from_scores,
)
from eyeline.system import Scene
from eyeline.systems.eye_contact.decode import decode
from eyeline.systems.eye_contact.landmarks.inputs import Landmarks, grid_s, person_features
from eyeline.systems.eye_contact.weights import SHIPPED, Model, load_landmarks_tcn

THRESHOLD = 0.5
"""From this probability on a frame counts as contact."""
MIN_QUALITY = 0.25
"""Trust in the landmarks below which a frame tells nothing."""
MAX_GAP_S = 0.5
"""Longest time without trustworthy landmarks that is bridged."""
MIN_PIECE_S = 2.0
"""Shortest unbroken piece of a track that is answered for; training pieces last 4 s or more."""
MIN_SEGMENT_S = 0.2
"""Shorter looks into the camera are left out of the segments of `camera_angle`."""


@dataclass(frozen=True)
class Piece:
    """Rows of a track without a long gap in trustworthy landmarks."""

    track: int
    """Index of the track in the scene."""
    rows: npt.NDArray[np.intp]
    """`(n,)` rows of the track from the piece's first to its last trustworthy one."""
    landmarks: Landmarks
    """Those of them that are trustworthy."""


class LandmarksTcnPredictor:
    """Eye contact of each person from the way the head moves; see `docs/eye_contact.md`."""

    def __init__(self, weights: Path | str = SHIPPED) -> None:
        """Open the weights; CheckpointError says what is wrong with them."""
        self.model: Model = load_landmarks_tcn(weights)

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores and segments called `eye_contact`.

        Scores have a row for each row of the scene's tracks, in order, with the calibrated
        probability of contact, NaN outside of pieces of trustworthy landmarks of `MIN_PIECE_S` or
        more. Segments come of decoding whole pieces, so that they may differ from runs of scores
        over the threshold.
        """
        value = [np.full(len(t), np.nan) for t in scene.tracks]
        held = [np.zeros(len(t), bool) for t in scene.tracks]
        for piece, log_odds in self._log_odds(scene):
            track = scene.tracks[piece.track]
            at_s, time_s = grid_s(piece.landmarks.time_s), track.time_s[piece.rows]
            states = decode(log_odds, self.model.decoding)
            nearest = np.clip(np.rint((time_s - at_s[0]) * 25).astype(np.int64), 0, len(at_s) - 1)
            held[piece.track][piece.rows] = states[nearest] == 1
            value[piece.track][piece.rows] = _probability(np.interp(time_s, at_s, log_odds))
        scores = _scores(
            scene, "landmarks_tcn", "eye_contact", THRESHOLD, joined(value, np.float64)
        )
        decided = joined(held, np.bool_)
        return [scores, segments_from_scores(scores, _ends(scene), "contact", yes=decided)]

    def _log_odds(self, scene: Scene) -> Iterator[tuple[Piece, Floats]]:
        """Calibrated log odds at 25 Hz of each piece that can be answered for."""
        size = scene.video.width_px, scene.video.height_px
        for pieces in _by_person(scene.tracks):
            features = person_features([p.landmarks for p in pieces], *size)
            for piece, rows in zip(pieces, features, strict=True):
                if np.isfinite(rows).all():
                    yield piece, self.model.log_odds(rows)


class CameraAngle:
    """Looks into the camera, by geometry: the chance that the gaze meets a cone about it."""

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores, in the order of the tracks, and segments called `looks_at_camera`.

        Raises:
            UsageError: the scene has no gaze directions.
        """
        if scene.gaze is None:
            raise UsageError("eye_contact/camera_angle needs directions: add gaze_3d to --systems")
        value = np.clip(contact.camera_contact(scene.gaze, scene.camera), 0, 1)
        scores = _scores(scene, "camera_angle", "looks_at_camera", contact.THRESHOLD, value)
        ends = _ends(scene)
        return [
            scores,
            segments_from_scores(scores, ends, "camera", min_duration_s=MIN_SEGMENT_S),
        ]


def pieces_of(tracks: Sequence[Track]) -> list[Piece]:
    """The pieces of all tracks that are long enough to be answered for, in order."""
    found = []
    for number, track in enumerate(tracks):
        for seen in _trusted_runs(track):
            if track.time_s[seen[-1]] - track.time_s[seen[0]] < MIN_PIECE_S:
                continue
            landmarks = Landmarks(track.time_s[seen], track.six_px[seen])
            found.append(Piece(number, np.arange(seen[0], seen[-1] + 1), landmarks))
    return found


def _trusted_runs(track: Track) -> list[npt.NDArray[np.intp]]:
    """Trustworthy rows, split where more than `MAX_GAP_S` lies between two of them."""
    trusted = (track.quality >= MIN_QUALITY) & np.isfinite(track.six_px).all(axis=(1, 2))
    later = np.diff(np.maximum.accumulate(track.time_s), prepend=-np.inf) > 0
    seen = np.flatnonzero(trusted & later)
    if not len(seen):
        return []
    return np.split(seen, np.flatnonzero(np.diff(track.time_s[seen]) > MAX_GAP_S) + 1)


def _by_person(tracks: Sequence[Track]) -> list[list[Piece]]:
    """Pieces grouped by person; tracks without an identity stand for themselves."""
    groups: dict[tuple[int, int], list[Piece]] = {}
    for piece in pieces_of(tracks):
        track = tracks[piece.track]
        key = (track.person, 0) if track.person else (0, track.track_id)
        groups.setdefault(key, []).append(piece)
    return list(groups.values())


def _scores(scene: Scene, builder: str, name: str, threshold: float, value: Floats) -> Scores:
    return Scores(
        "eye_contact", builder, name, threshold, **who_and_when(scene.tracks), value=value
    )


def _ends(scene: Scene) -> Floats:
    return joined((t.end_s for t in scene.tracks), np.float64)


def _probability(log_odds: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(log_odds))
