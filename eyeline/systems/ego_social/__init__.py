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
from typing import TYPE_CHECKING

from eyeline.people.targets.model import measured
from eyeline.results import Label, Method
from eyeline.runtimes.run import Runtime
from eyeline.system import Builder, Needs, Predictor, System, lazily

if TYPE_CHECKING:
    from eyeline.systems.ego_social import evaluate as _evaluate
    from eyeline.systems.ego_social import infer as _infer
    from eyeline.systems.ego_social import model as _model
    from eyeline.systems.ego_social import prepare as _prepare
    from eyeline.systems.ego_social import prepare_clips as _prepare_clips
    from eyeline.systems.ego_social import score as _score
    from eyeline.systems.ego_social import show as _show
    from eyeline.systems.ego_social import synthesize as _synthesize
    from eyeline.systems.ego_social import train as _train
    from eyeline.systems.ego_social import ttm_model as _ttm_model
    from eyeline.systems.ego_social import weights as _weights
    from eyeline.systems.ego_social.from_video import looking as _from_video_looking
    from eyeline.systems.ego_social.from_video import talking as _from_video_talking
else:
    globals().update(lazily(__name__, __file__))


def _looking(network: str) -> Callable[[Mapping[str, Path], str], Predictor]:
    def made(
        files: Mapping[str, Path], device: str, *, runtime: Runtime | None = None
    ) -> Predictor:
        return _from_video_looking.LookingAtMePredictor(files[network], device, runtime=runtime)

    return made


def _talking(
    files: Mapping[str, Path], device: str, *, runtime: Runtime | None = None
) -> Predictor:
    return _from_video_talking.TalkingToMePredictor(files["ttm"], device, runtime=runtime)


_LICENCE = (
    "own code, Apache-2.0; the authors' code is MIT, their weights state no licence and were "
    "trained on data under the Ego4D licence agreement"
)

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
            predictor=_infer.ContactAndVoice,
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
            needs=Needs(audio=True, ego=True, rate_hz=30),
            networks=("ttm",),
            from_weights=_talking,
        ),
    },
    default="contact_and_voice",
    heading="Looking at me, talking to me",
    labels={
        "looking_at_me": Label("looks at the wearer", sign="camera", episode=True),
        "talking_to_me": Label("talks to the wearer"),
    },
    report_keys=("pooled", "interval", "published", "challenge", "plain", "seen_in_training"),
    networks={
        "lam_lstm": _model.lam_lstm,
        "gaze360_lstm": _model.gaze360_lstm,
        "ttm": _ttm_model.ttm,
    },
    recipes=("lam", "lam_gaze360", "ttm"),
    prepare={"ego4d": _prepare.run, "clips": _prepare_clips.run},
    train=_train.run,
    evaluate=_evaluate.run,
    score=_score.run,
    synthesize=_synthesize.run,
    show={"ego4d": _show.show},
    import_original=_weights.import_original,
)
