"""For a head-worn camera: who looks at me, who talks to me.

Paper: Grauman et al., "Ego4D: Around the World in 3,000 Hours of Egocentric Video", CVPR 2022,
    social benchmark.
In: people, their gaze directions, who speaks.
Out: `Scores` and `Segments` called `looking_at_me` and `talking_to_me`.
Licence: the authors' code MIT. Here: `contact_and_voice`, our own, and own code of the
    authors' networks `lam_lstm`, `gaze360_lstm` and `ttm`, which takes their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from eyeline.people.targets.model import measured
from eyeline.results import Method
from eyeline.system import Builder, Lazy, Needs, Predictor, System


def _contact_and_voice() -> Predictor:
    from eyeline.systems.ego_social.infer import ContactAndVoice

    return ContactAndVoice()


def _looking(network: str) -> Callable[[Mapping[str, Path], str], Predictor]:
    def made(files: Mapping[str, Path], device: str) -> Predictor:
        from eyeline.systems.ego_social.from_video.looking import LookingAtMePredictor

        return LookingAtMePredictor(files[network], device)

    return made


def _talking(files: Mapping[str, Path], device: str) -> Predictor:
    from eyeline.systems.ego_social.from_video.talking import TalkingToMePredictor

    return TalkingToMePredictor(files["ttm"], device)


_LICENCE = (
    "own code, Apache-2.0; the authors' code is MIT, their weights state no licence and were "
    "trained on data under the Ego4D licence agreement"
)
_HERE = "eyeline.systems.ego_social"

SYSTEM = System(
    name="ego_social",
    published=("ego4d", "lam", "ttm", "ego4d_social"),
    title="who looks at the camera wearer, who talks to the camera wearer",
    paper="Grauman et al., Ego4D, CVPR 2022, social benchmark",
    builders={
        "contact_and_voice": Builder(
            Method(
                "ego_social",
                "contact_and_voice",
                "default: looking at me is a look into the camera as eye_contact/camera_angle has "
                "it; talking to me is that, within a second, while this face speaks",
                f"not measured on Ego4D, of which no video was at hand. Looks into the camera: "
                f"{measured('camera F1')}",
                "own code, Apache-2.0",
            ),
            answers=("looking_at_me", "talking_to_me"),
            predictor=_contact_and_voice,
            needs=Needs(gaze=True, ego=True),
        ),
        "lam_lstm": Builder(
            Method(
                "ego_social",
                "lam_lstm",
                "as published: a residual network sees each face, an LSTM runs over seven frames, "
                "and the middle one is answered for",
                "by its authors, on Ego4D's validation clips: mAP 78.07, accuracy 87.97. Not "
                "measured here on their data",
                _LICENCE,
                weights="lam_lstm",
            ),
            answers=("looking_at_me",),
            predictor=None,
            needs=Needs(ego=True, rate_hz=30),
            networks=("lam_lstm",),
            from_weights=_looking("lam_lstm"),
        ),
        "gaze360_lstm": Builder(
            Method(
                "ego_social",
                "gaze360_lstm",
                "as published: the network of lam_lstm, begun at Gaze360's weights",
                "by its authors, on Ego4D's validation clips: mAP 79.90, accuracy 91.78. Not "
                "measured here on their data",
                f"{_LICENCE}; Gaze360's weights, and what begins at them, are for research only",
                weights="gaze360_lstm",
            ),
            answers=("looking_at_me",),
            predictor=None,
            needs=Needs(ego=True, rate_hz=30),
            networks=("gaze360_lstm",),
            from_weights=_looking("gaze360_lstm"),
        ),
        "ttm": Builder(
            Method(
                "ego_social",
                "ttm",
                "as published: the speaker's face by the same two parts, the voice by a second "
                "residual network, one answer a stretch of speech",
                "by its authors, on Ego4D's validation clips: mAP 52.85, accuracy 60.24, by a "
                "protocol that their code no longer runs. Not measured here on their data",
                _LICENCE,
                weights="ttm",
            ),
            answers=("talking_to_me",),
            predictor=None,
            needs=Needs(sound=True, ego=True, rate_hz=30),
            networks=("ttm",),
            from_weights=_talking,
        ),
    },
    default="contact_and_voice",
    networks={
        "lam_lstm": Lazy(f"{_HERE}.model", "lam_lstm"),
        "gaze360_lstm": Lazy(f"{_HERE}.model", "gaze360_lstm"),
        "ttm": Lazy(f"{_HERE}.ttm_model", "ttm"),
    },
    recipes=("lam", "lam_gaze360", "ttm"),
    prepare={"ego4d": Lazy(f"{_HERE}.prepare"), "clips": Lazy(f"{_HERE}.prepare_clips")},
    train=Lazy(f"{_HERE}.train"),
    evaluate=Lazy(f"{_HERE}.evaluate"),
    score=Lazy(f"{_HERE}.score"),
    synthesize=Lazy(f"{_HERE}.synthesize"),
    import_original=Lazy(f"{_HERE}.weights", "import_original"),
)
