"""Both builders on a scene: landmarks to eye contact, gaze directions to looks at the camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.people import contact
from eyeline.people.tracks import Track, joined, lid_fractions, who_and_when
from eyeline.results import Answer, Floats, Scores, make_segments, runs, segments_from_scores
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


@dataclass(frozen=True)
class Piece:
    """Rows of a track without a long gap in trustworthy landmarks."""

    track: int
    """Index of the track in the scene."""
    rows: npt.NDArray[np.intp]
    """`(n,)` rows of the track from the piece's first to its last trustworthy one."""
    seen: npt.NDArray[np.intp]
    """`(m,)` those of them that are trustworthy, at increasing times."""


def pieces_of(tracks: Sequence[Track], min_s: float) -> list[Piece]:
    """The pieces of all tracks that last `min_s` or more, in order."""
    result = []
    for number, track in enumerate(tracks):
        for seen in _trusted_runs(track):
            if track.time_s[seen[-1]] - track.time_s[seen[0]] >= min_s:
                result.append(Piece(number, np.arange(seen[0], seen[-1] + 1), seen))
    return result


def by_person(pieces: Sequence[Piece], tracks: Sequence[Track]) -> list[list[Piece]]:
    """Pieces grouped by person; tracks without an identity stand for themselves."""
    groups: dict[tuple[int, int], list[Piece]] = {}
    for piece in pieces:
        track = tracks[piece.track]
        key = (track.person, 0) if track.person else (0, track.track_id)
        groups.setdefault(key, []).append(piece)
    return list(groups.values())


def contact_answers(
    scene: Scene, builder: str, value: Sequence[Floats], held: Sequence[npt.NDArray[np.bool_]]
) -> list[Answer]:
    """Scores and segments called `eye_contact`, each segment with its partner.

    A network sees that a face behaves as in contact, not with whom. The partner is the target of
    the look (unknown without directions); there is no contact where the eyes are closed or lowered,
    nor with the scene: scores are 0 there.

    Args:
        scene: whose tracks these are.
        builder: whose predictions.
        value: for each track `(n,)` probability of contact, NaN where there is none.
        held: for each track `(n,)` whether a row belongs to a segment.
    """
    rows: list[tuple[int, float, float, str, float]] = []
    concluded = []
    for track, partner, p, yes in zip(scene.tracks, _partners(scene), value, held, strict=True):
        p = np.where(np.isfinite(p) & (partner == ""), 0.0, p)
        concluded.append(p)
        for name in np.unique(partner[yes & (partner != "")]):
            for run in runs(track.time_s, track.end_s, yes & (partner == name)):
                begin, end = float(track.time_s[run][0]), float(track.end_s[run][-1])
                if end > begin:
                    rows.append((track.person, begin, end, str(name), float(p[run].mean())))
    scores = Scores(
        "eye_contact", builder, "eye_contact", THRESHOLD,
        **who_and_when(scene.tracks), value=joined(concluded, np.float64),
    )  # fmt: skip
    return [scores, make_segments("eye_contact", builder, "eye_contact", rows)]


def _partners(scene: Scene) -> list[npt.NDArray[np.str_]]:
    """For each track `(n,)` with whom there may be contact, empty where there cannot be any."""
    lids = lid_fractions(scene.tracks)
    if scene.gaze is None:
        able = [np.full(len(t), contact.UNKNOWN_PARTNER) for t in scene.tracks]
    else:
        able = [contact.partners(looks) for looks in scene.looks]
    return [np.where(contact.eyes_closed(s), "", p) for s, p in zip(lids, able, strict=True)]


def _trusted_runs(track: Track) -> list[npt.NDArray[np.intp]]:
    """Trustworthy rows, split where more than `MAX_GAP_S` lies between two of them."""
    trusted = (track.quality >= MIN_QUALITY) & np.isfinite(track.six_px).all(axis=(1, 2))
    later = np.diff(np.maximum.accumulate(track.time_s), prepend=-np.inf) > 0
    seen = np.flatnonzero(trusted & later)
    if not len(seen):
        return []
    return np.split(seen, np.flatnonzero(np.diff(track.time_s[seen]) > MAX_GAP_S) + 1)


MIN_PIECE_S = 2.0
"""Shortest unbroken piece of a track that is predicted; training pieces last 4 s or more."""
MIN_SEGMENT_S = 0.2
"""Shorter looks into the camera are left out of the segments of `camera_angle`."""


class LandmarksTcnPredictor:
    """Eye contact of each person from the way the head moves; see `docs/eye_contact.md`."""

    def __init__(self, weights: Path | str = SHIPPED) -> None:
        """Open the weights; CheckpointError says what is wrong with them."""
        self.model: Model = load_landmarks_tcn(weights)

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores and segments called `eye_contact`.

        Scores have a row for each row of the scene's tracks, in order, with the calibrated
        probability of contact, NaN outside of pieces of trustworthy landmarks of `MIN_PIECE_S` or
        more, 0 where `contact_answers` excludes contact. Segments come of decoding whole pieces, so
        that they may differ from runs of scores over the threshold.
        """
        from scipy.special import expit

        value = [np.full(len(t), np.nan) for t in scene.tracks]
        held = [np.zeros(len(t), bool) for t in scene.tracks]
        for piece, at_s, log_odds in self._log_odds(scene):
            time_s = scene.tracks[piece.track].time_s[piece.rows]
            states = decode(log_odds, self.model.decoding)
            nearest = np.clip(np.rint((time_s - at_s[0]) * 25).astype(np.int64), 0, len(at_s) - 1)
            held[piece.track][piece.rows] = states[nearest] == 1
            value[piece.track][piece.rows] = expit(np.interp(time_s, at_s, log_odds))
        return contact_answers(scene, "landmarks_tcn", value, held)

    def _log_odds(self, scene: Scene) -> Iterator[tuple[Piece, Floats, Floats]]:
        """Each piece that can be predicted, times at 25 Hz and calibrated log odds there."""
        size = scene.video.width_px, scene.video.height_px
        for pieces in by_person(pieces_of(scene.tracks, MIN_PIECE_S), scene.tracks):
            tracks = [scene.tracks[piece.track] for piece in pieces]
            landmarks = [
                Landmarks(track.time_s[piece.seen], track.six_px[piece.seen])
                for piece, track in zip(pieces, tracks, strict=True)
            ]
            features = person_features(landmarks, *size)
            posed = [i for i, rows in enumerate(features) if np.isfinite(rows).all()]
            known = self.model.log_odds(features[i] for i in posed)
            for i, log_odds in zip(posed, known, strict=True):
                yield pieces[i], grid_s(landmarks[i].time_s), log_odds


class CameraAngle:
    """Looks into the camera, by the target model that all systems share."""

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores, in the order of the tracks, and segments called `looks_at_camera`.

        UsageError for a scene without gaze directions.
        """
        if scene.gaze is None:
            raise UsageError("eye_contact/camera_angle needs directions: add gaze_3d to --systems")
        value = contact.camera_contact(scene.looks)
        scores = Scores(
            "eye_contact",
            "camera_angle",
            "looks_at_camera",
            contact.camera_threshold(),
            **who_and_when(scene.tracks),
            value=value,
        )
        ends = joined((t.end_s for t in scene.tracks), np.float64)
        return [scores, segments_from_scores(scores, ends, "camera", min_duration_s=MIN_SEGMENT_S)]
