"""`contact_and_voice` on a scene: directions and speech in, looking at me and talking to me out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.errors import UsageError
from eyeline.people import contact, smooth
from eyeline.people.tracks import joined, rows_of
from eyeline.results import Answer, Floats, Scores, segments_from_scores
from eyeline.system import Scene

MEMORY_S = 0.5
"""Someone who talks to me looks at me now and then: contact within about this time before or after
counts."""
SPEAKS = 0.5
"""From this probability on somebody speaks; from its product with the threshold of contact on
somebody talks to me."""


@dataclass(frozen=True)
class ContactAndVoice:
    """Answers by geometry and by who speaks; without audio nobody is said to talk."""

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """Scores `looking_at_me` and, with audio, `talking_to_me`, and their segments.

        Rows are in the order of the tracks.
        """
        if scene.gaze is None:
            raise UsageError(
                "ego_social/contact_and_voice needs directions: add gaze_3d to --systems"
            )
        met, from_here = contact.camera_contact(scene.looks), contact.camera_threshold()
        answers: list[Answer] = self._answer(scene, "looking_at_me", met, from_here)
        if scene.speaking is not None:
            lasting = _lasting(scene, met)
            talk = lasting * scene.speaking.value
            answers += self._answer(scene, "talking_to_me", talk, SPEAKS * from_here)
        return answers

    def _answer(self, scene: Scene, name: str, value: Floats, threshold: float) -> list[Answer]:
        gaze = scene.gaze
        assert gaze is not None
        scores = Scores(
            "ego_social",
            "contact_and_voice",
            name,
            threshold,
            gaze.frame,
            gaze.time_s,
            gaze.person,
            np.clip(value, 0, 1),
        )
        ends = joined((t.end_s for t in scene.tracks), np.float64)
        return [scores, segments_from_scores(scores, ends, name, min_duration_s=0.2)]


def _lasting(scene: Scene, met: Floats) -> Floats:
    """The highest contact within `MEMORY_S` of each frame, softened."""
    out = np.zeros(len(met))
    for track, mine in zip(scene.tracks, rows_of(scene.tracks), strict=True):
        first = np.searchsorted(track.time_s, track.time_s - MEMORY_S)
        last = np.searchsorted(track.time_s, track.time_s + MEMORY_S, side="right")
        near = met[mine]
        top = np.array([near[a:b].max() for a, b in zip(first, last, strict=True)])
        out[mine] = smooth.gaussian(top, track.time_s, MEMORY_S / 2)
    return np.clip(out, 0, 1)
