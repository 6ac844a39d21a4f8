"""3D gaze of people in a video, also from afar and from behind.

Paper: Nonaka, Nobuhara, Nishino, "Dynamic 3D Gaze from Afar", CVPR 2022 (GAFA).
In: people.
Out: `Directions` called `gaze`, `head` and, of `gaze_from_afar`, `body`: unit vectors in the camera
    frame with a concentration.
Licence: the authors' code MIT, their data CC BY 4.0. Here: `head_pose`, geometry of our own, and
    `gaze_from_afar`, own code of their network that takes their weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.bounds import Count
from eyeline.results import Method
from eyeline.runtimes.run import Runtime
from eyeline.system import Builder, Predictor, System, lazily

if TYPE_CHECKING:
    from eyeline.systems.gaze_3d import evaluate as _evaluate
    from eyeline.systems.gaze_3d import from_afar as _from_afar
    from eyeline.systems.gaze_3d import infer as _infer
    from eyeline.systems.gaze_3d import model as _model
    from eyeline.systems.gaze_3d import prepare as _prepare
    from eyeline.systems.gaze_3d import score as _score
    from eyeline.systems.gaze_3d import show as _show
    from eyeline.systems.gaze_3d import synthesize as _synthesize
    from eyeline.systems.gaze_3d import train as _train
    from eyeline.systems.gaze_3d import weights as _weights
    from eyeline.systems.gaze_3d.benchmarks import evaluate as _benchmarks_evaluate
    from eyeline.systems.gaze_3d.benchmarks import prepare as _benchmarks_prepare
    from eyeline.systems.gaze_3d.rendered import model as _rendered_model
else:
    globals().update(lazily(__name__, __file__))


def _gaze_from_afar(
    files: Mapping[str, Path], device: str, *, step: Count = 1, runtime: Runtime | None = None
) -> Predictor:
    return _from_afar.GazeFromAfarPredictor(
        files["gaze_from_afar"], device, step=step, runtime=runtime
    )


SYSTEM = System(
    name="gaze_3d",
    published=("gafa", "gaze_from_afar"),
    title="in which direction does each person look",
    paper="Nonaka et al., Dynamic 3D Gaze from Afar, CVPR 2022",
    builders={
        "rendered": Builder(
            Method(
                "gaze_3d",
                "rendered",
                "default: head pose from a network of rendered heads, five detector points and six "
                "landmarks on a metric face model; the eyes within it from a network of rendered "
                "eyes, and down with lowered lids where they are not seen",
                "sides and heights of looks on labelled clips: docs/accuracy.md. No ground truth "
                "in degrees was at hand but rendered people",
                "own code and weights, Apache-2.0; reads landmarks of dlib's 68-point file "
                "(research use, iBUG 300-W)",
            ),
            answers=("gaze", "head"),
            predictor=_infer.Rendered,
        ),
        "head_pose": Builder(
            Method(
                "gaze_3d",
                "head_pose",
                "geometry: head pose from five detector points and six landmarks on a "
                "metric face model, drawn towards the irises where they are seen and down with "
                "lowered lids",
                "no ground truth in degrees was at hand. Side of the look (left, right, camera, "
                "down) on one clip of four people, 27 frames labelled by eye: 105 of 105; the "
                "constants were set on the same clip",
                "own code, Apache-2.0; reads landmarks of dlib's 68-point file (research use, "
                "iBUG 300-W)",
            ),
            answers=("gaze", "head"),
            predictor=_infer.HeadPose,
        ),
        "gaze_from_afar": Builder(
            Method(
                "gaze_3d",
                "gaze_from_afar",
                "as published: two EfficientNets look at head and body of a person over seven "
                "frames, and gaze follows from the directions of both; also from afar and behind",
                "by its authors, with their weights, on the GAFA test set: mean gaze error 21.69 "
                "degrees (front 20.70, back 23.21), where a window's gaze also depends on 31 "
                "others; here each window is taken alone. Not measured here on their data. "
                "Concentrations are uncalibrated unless the weights say otherwise",
                "own code, Apache-2.0; the authors' weights state no licence, their data are "
                "CC BY 4.0",
                weights="gaze_from_afar",
            ),
            answers=("gaze", "head", "body"),
            predictor=None,
            networks=("gaze_from_afar",),
            from_weights=_gaze_from_afar,
        ),
    },
    default="rendered",
    heading="Gaze direction",
    report_keys=(
        "pooled",
        "interval",
        "by_yaw",
        "published",
        "published_table",
        "mean_direction",
        "camera",
        "rendered",
        "seen_in_training",
    ),
    networks={
        "gaze_from_afar": _model.gaze_from_afar,
        "heads": _rendered_model.heads,
        "eyes": _rendered_model.eyes,
    },
    recipes=("gafa", "gafa_per_item", "rendered_eyes", "rendered_heads"),
    prepare={
        "gafa": _prepare.run,
        "columbia": _benchmarks_prepare.columbia,
        "mpiifacegaze": _benchmarks_prepare.mpiifacegaze,
        "gaze360": _benchmarks_prepare.gaze360,
        "ethxgaze": _benchmarks_prepare.ethxgaze,
        "eyediap": _benchmarks_prepare.eyediap,
    },
    train=_train.run,
    evaluate=_evaluate.run,
    benchmarks=dict.fromkeys(
        ("columbia", "mpiifacegaze", "gaze360", "ethxgaze", "eyediap"), _benchmarks_evaluate.run
    ),
    score=_score.run,
    synthesize=_synthesize.run,
    show={"gafa": _show.show},
    import_original=_weights.import_original,
)
