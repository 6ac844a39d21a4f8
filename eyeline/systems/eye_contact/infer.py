"""Both builders on a scene: landmarks to eye contact, gaze directions to looks at the camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from eyeline.errors import UsageError
from eyeline.people import contact
from eyeline.people.tracks import Track, joined, who_and_when
from eyeline.results import Answer, Floats, Scores, segments_from_scores
from eyeline.system import Scene
from eyeline.systems.eye_contact.decode import decode
from eyeline.systems.eye_contact.landmarks.inputs import Landmarks, grid_s, person_features
from eyeline.systems.eye_contact.pieces import Piece, by_person, contact_answers, pieces_of
from eyeline.systems.eye_contact.weights import SHIPPED, Model, load_landmarks_tcn

MIN_PIECE_S = 2.0
"""Shortest unbroken piece of a track that is answered for; training pieces last 4 s or more."""
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
        more, 0 where `pieces.contact_answers` excludes contact. Segments come of decoding whole
        pieces, so that they may differ from runs of scores over the threshold.
        """
        value = [np.full(len(t), np.nan) for t in scene.tracks]
        held = [np.zeros(len(t), bool) for t in scene.tracks]
        for piece, at_s, log_odds in self._log_odds(scene):
            time_s = scene.tracks[piece.track].time_s[piece.rows]
            states = decode(log_odds, self.model.decoding)
            nearest = np.clip(np.rint((time_s - at_s[0]) * 25).astype(np.int64), 0, len(at_s) - 1)
            held[piece.track][piece.rows] = states[nearest] == 1
            value[piece.track][piece.rows] = _probability(np.interp(time_s, at_s, log_odds))
        return contact_answers(scene, "landmarks_tcn", value, held)

    def _log_odds(self, scene: Scene) -> Iterator[tuple[Piece, Floats, Floats]]:
        """Each piece that can be answered for, times at 25 Hz and calibrated log odds there."""
        size = scene.video.width_px, scene.video.height_px
        for pieces in by_person(pieces_of(scene.tracks, MIN_PIECE_S), scene.tracks):
            landmarks = [_landmarks(piece, scene.tracks[piece.track]) for piece in pieces]
            features = person_features(landmarks, *size)
            posed = [i for i, rows in enumerate(features) if np.isfinite(rows).all()]
            known = self.model.log_odds(features[i] for i in posed)
            for i, log_odds in zip(posed, known, strict=True):
                yield pieces[i], grid_s(landmarks[i].time_s), log_odds


class CameraAngle:
    """Looks into the camera: what the target model that all systems share says of them."""

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores, in the order of the tracks, and segments called `looks_at_camera`.

        Raises:
            UsageError: the scene has no gaze directions.
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
        return [
            scores,
            segments_from_scores(scores, ends, "camera", min_duration_s=MIN_SEGMENT_S),
        ]


def _landmarks(piece: Piece, track: Track) -> Landmarks:
    return Landmarks(track.time_s[piece.seen], track.six_px[piece.seen])


def _probability(log_odds: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(log_odds))
