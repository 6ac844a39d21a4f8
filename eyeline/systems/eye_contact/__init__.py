"""When a person holds eye contact with the camera or with whoever is talked to, in view or not.

Paper: Wu, Sugano, "Learning Video-Independent Eye Contact Segmentation from In-the-Wild Videos",
    ACCV 2022 (ECS).
In: people. `landmarks_tcn` reads six landmarks of each face over the whole video, `camera_angle`
    the target model that all systems share.
Out: `Scores` and `Segments` called `eye_contact` (`landmarks_tcn`; segments name the partner) and
    `looks_at_camera` (`camera_angle`).
Licence: the authors' repository states none. Here now: networks and code of our own, trained on its
    annotations, which are not part of the package; for research until their licence is clarified.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.people.targets.model import measured
from eyeline.results import Label, Method
from eyeline.runtimes.run import Runtime
from eyeline.system import Builder, Needs, Predictor, System, lazily
from eyeline.systems.eye_contact.weights import LICENCE

if TYPE_CHECKING:
    from eyeline.systems.eye_contact import evaluate as _evaluate
    from eyeline.systems.eye_contact import infer as _infer
    from eyeline.systems.eye_contact import prepare as _prepare
    from eyeline.systems.eye_contact import prepare_annotated as _prepare_annotated
    from eyeline.systems.eye_contact import score as _score
    from eyeline.systems.eye_contact import show as _show
    from eyeline.systems.eye_contact import synthesize as _synthesize
    from eyeline.systems.eye_contact import train as _train
    from eyeline.systems.eye_contact.landmarks import model as _landmarks_model
    from eyeline.systems.eye_contact.xgaze import gaze_network as _xgaze_gaze_network
    from eyeline.systems.eye_contact.xgaze import infer as _xgaze_infer
    from eyeline.systems.eye_contact.xgaze import model as _xgaze_model
    from eyeline.systems.eye_contact.xgaze import weights as _xgaze_weights
else:
    globals().update(lazily(__name__, __file__))


def _from_landmark_weights(files: Mapping[str, Path], _: str) -> Predictor:
    return _infer.LandmarksTcnPredictor(files["landmarks_tcn"])


def _from_xgaze_weights(
    files: Mapping[str, Path], device: str, *, runtime: Runtime | None = None
) -> Predictor:
    gaze, segmenter = (files[name] for name in ("xgaze_resnet50", "ms_tcn2"))
    return _xgaze_infer.XgazeMstcnPredictor(gaze, segmenter, device, runtime=runtime)


SYSTEM = System(
    name="eye_contact",
    published=("ecs",),
    title="when does a person hold eye contact with the camera or a partner",
    paper="Wu & Sugano, Learning Video-Independent Eye Contact Segmentation, ACCV 2022",
    builders={
        "landmarks_tcn": Builder(
            Method(
                "eye_contact",
                "landmarks_tcn",
                "small temporal network over six face landmarks, each person measured against its "
                "own habits in the video; sees heads and eye corners, not pupils. The partner is "
                "the target of the look; closed eyes and looks at the scene are no contact",
                "cross-validation over 37 whole annotated VoxCeleb2 videos, 118 687 frames: "
                "accuracy 62.8 % (95 % interval 58.1 to 67.3; always no: 53.0 %), AUC 0.69, "
                "segment F1 0.61 at overlap 0.10 and 0.31 at 0.50. Heads alone tell little",
                LICENCE,
                weights="landmarks_tcn.safetensors",
            ),
            answers=("eye_contact",),
            predictor=_infer.LandmarksTcnPredictor,
            needs=Needs(rate_hz=25.0),
            networks=("landmarks_tcn",),
            from_weights=_from_landmark_weights,
        ),
        "xgaze_mstcn": Builder(
            Method(
                "eye_contact",
                "xgaze_mstcn",
                "as published: ETH-XGaze's ResNet-50 looks at each normalised face, an MS-TCN++ "
                "segments what it sees; one-way contact with the target that the face turns to "
                "most, be it camera or partner",
                "by its authors, with their weights: 71.88 % of the frames of 52 annotated "
                "VoxCeleb2 videos. Not measured here: their videos are not public any more",
                "own code, Apache-2.0; the authors' weights: ETH-XGaze is for non-commercial use, "
                "the segmentation network states no licence",
                weights="xgaze_resnet50 and ms_tcn2",
            ),
            answers=("eye_contact",),
            predictor=None,
            needs=Needs(rate_hz=25.0),
            networks=("xgaze_resnet50", "ms_tcn2"),
            from_weights=_from_xgaze_weights,
        ),
        "camera_angle": Builder(
            Method(
                "eye_contact",
                "camera_angle",
                "the probability that the camera is looked at, of the model that also gives the "
                "targets of gaze_following/ray: by direction, head, irises, lids and what else may "
                "be looked at. It counts where that target is the camera, and only there",
                measured("camera F1"),
                "own code, Apache-2.0",
            ),
            answers=("looks_at_camera",),
            predictor=_infer.CameraAngle,
            needs=Needs(gaze=True),
        ),
    },
    default="landmarks_tcn",
    beside=("camera_angle",),
    heading="Eye contact",
    labels={
        "eye_contact": Label(
            "eye contact",
            claim="has eye contact",
            nobody="No eye contact",
            sign="contact",
            episode=True,
            partner=True,
        ),
        "looks_at_camera": Label("looks at the camera", sign="camera", episode=True),
    },
    report_keys=(
        "pooled",
        "interval",
        "published",
        "without_uncertain",
        "rounds",
        "seen_in_training",
    ),
    networks={
        "landmarks_tcn": _landmarks_model.landmarks_tcn,
        "xgaze_resnet50": _xgaze_gaze_network.xgaze_resnet50,
        "ms_tcn2": _xgaze_model.ms_tcn2,
    },
    recipes=("ecs_landmarks", "ecs_pictures", "voxceleb2"),
    prepare={"voxceleb2": _prepare.run, "test": _prepare_annotated.run},
    train=_train.run,
    evaluate=_evaluate.run,
    score=_score.run,
    synthesize=_synthesize.run,
    show={"test": _show.show},
    import_original=_xgaze_weights.import_original,
)
