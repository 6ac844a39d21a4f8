"""When a person holds eye contact with the camera or with whoever is talked to, in view or not.

Paper: Wu, Sugano, "Learning Video-Independent Eye Contact Segmentation from In-the-Wild Videos",
    ACCV 2022 (ECS).
In: people. `landmarks_tcn` reads six landmarks of each face over the whole video, `camera_angle`
the
    gaze directions of `gaze_3d`.
Out: `Scores` and `Segments` called `eye_contact` (`landmarks_tcn`) and `looks_at_camera`
    (`camera_angle`).
Licence: the authors' repository states none. Here now: networks and code of our own, trained on its
    annotations, which are not part of the package; for research until their licence is clarified.
"""

from __future__ import annotations

from typing import Any

from eyeline.results import Method
from eyeline.system import Builder, Needs, Predictor, System
from eyeline.systems.eye_contact.weights import LICENCE


def _landmarks_tcn() -> Predictor:
    from eyeline.systems.eye_contact.infer import LandmarksTcnPredictor

    return LandmarksTcnPredictor()


def _camera_angle() -> Predictor:
    from eyeline.systems.eye_contact.infer import CameraAngle

    return CameraAngle()


def _network(**arguments: Any) -> Any:
    from eyeline.systems.eye_contact.landmarks.model import landmarks_tcn

    return landmarks_tcn(**arguments)


def _train(*arguments: Any, **named: Any) -> Any:
    from eyeline.systems.eye_contact import train

    return train.run(*arguments, **named)


def _evaluate(*arguments: Any, **named: Any) -> Any:
    from eyeline.systems.eye_contact import evaluate

    return evaluate.run(*arguments, **named)


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
                "own habits in the video; sees heads and eye corners, not pupils",
                "cross-validation over 37 whole annotated VoxCeleb2 videos, 118 687 frames: "
                "accuracy 62.6 % (95 % interval 57.9 to 66.8; always no: 53.0 %), AUC 0.67, "
                "segment F1 0.60 at overlap 0.10 and 0.30 at 0.50. Heads alone tell little",
                LICENCE,
                weights="landmarks_tcn.safetensors",
            ),
            answers=("eye_contact",),
            predictor=_landmarks_tcn,
            needs=Needs(rate_hz=25.0),
            network=_network,
        ),
        "camera_angle": Builder(
            Method(
                "eye_contact",
                "camera_angle",
                "geometric: the chance that the gaze direction falls within 12 degrees of the "
                "camera",
                "not measured: no labelled looks into the camera were at hand; as good as the "
                "directions it is given",
                "own code, Apache-2.0",
            ),
            answers=("looks_at_camera",),
            predictor=_camera_angle,
            needs=Needs(gaze=True),
        ),
    },
    default="landmarks_tcn",
    beside=("camera_angle",),
    recipes=("ecs_landmarks",),
    train=_train,
    evaluate=_evaluate,
)
