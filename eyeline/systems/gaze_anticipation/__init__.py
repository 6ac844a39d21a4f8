"""For a head-worn camera: where its wearer will look next, or looks now.

Paper: Lai et al., "Listen to Look into the Future: Audio-Visual Egocentric Gaze Anticipation",
    ECCV 2024 (CSTS).
In: the video, and its audio where there is any.
Out: `Points` called `gaze_next` of the camera wearer, with heatmaps; of weights that learned
    estimation `gaze_now`.
Licence: the original code states none; nothing of it is here. Here: `centre_prior`, the usual
    baseline, and `csts`, own code of the authors' network that takes their weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.bounds import Count
from eyeline.results import Method
from eyeline.runtimes.run import Runtime
from eyeline.system import Builder, Needs, Predictor, System, lazily

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation import evaluate as _evaluate
    from eyeline.systems.gaze_anticipation import from_video as _from_video
    from eyeline.systems.gaze_anticipation import infer as _infer
    from eyeline.systems.gaze_anticipation import model as _model
    from eyeline.systems.gaze_anticipation import prepare as _prepare
    from eyeline.systems.gaze_anticipation import prepare_aria as _prepare_aria
    from eyeline.systems.gaze_anticipation import score as _score
    from eyeline.systems.gaze_anticipation import show as _show
    from eyeline.systems.gaze_anticipation import synthesize as _synthesize
    from eyeline.systems.gaze_anticipation import train as _train
    from eyeline.systems.gaze_anticipation import weights as _weights
else:
    globals().update(lazily(__name__, __file__))


def _csts(
    files: Mapping[str, Path],
    device: str,
    *,
    dataset: str | None = None,
    task: str | None = None,
    every: Count | None = None,
    precision: str = "float32",
    runtime: Runtime | None = None,
) -> Predictor:
    return _from_video.CstsPredictor(
        files["csts"],
        device,
        dataset=dataset,
        task=task,
        every=every,
        precision=precision,
        runtime=runtime,
    )


SYSTEM = System(
    name="gaze_anticipation",
    published=("csts", "gaze_estimation"),
    title="where will the camera wearer look in the next two seconds",
    paper="Lai et al., Listen to Look into the Future, ECCV 2024",
    builders={
        "centre_prior": Builder(
            Method(
                "gaze_anticipation",
                "centre_prior",
                "baseline: the middle of the image, where head-worn cameras' wearers look most; "
                "it does not look at the video",
                "not measured: no egocentric video with gaze was at hand",
                "own code, Apache-2.0",
            ),
            answers=("gaze_next",),
            predictor=_infer.CentrePrior,
            needs=Needs(people=False, ego=True),
        ),
        "csts": Builder(
            Method(
                "gaze_anticipation",
                "csts",
                "as published: transformers over eight frames of the last two seconds and the "
                "audio around them tell where the look goes in the next two; of weights that "
                "learned estimation, where it is. A pass every 0.9 s (Aria: 0.75 s) of "
                "anticipation, every 2.4 s (2 s) of estimation, interpolated between them. Sees "
                "the middle square of the image only; without audio it takes silence",
                "by its authors, with their weights, on their test clips, with the threshold that "
                "is best on these very clips: F1 39.7 on Ego4D, 59.9 on Aria. Not measured here "
                "on their data",
                "own code, Apache-2.0; the authors' weights are CC BY 4.0 by their page and were "
                "trained on data under the licence agreements of Ego4D or Aria",
                weights="csts",
            ),
            answers=("gaze_next", "gaze_now"),
            predictor=None,
            needs=Needs(people=False, hears=True, ego=True),
            networks=("csts",),
            from_weights=_csts,
        ),
    },
    default="centre_prior",
    heading="Where the wearer will look",
    report_keys=("pooled", "interval", "published", "thresholds", "seen_in_training"),
    networks={"csts": _model.csts, "mvit_b": _model.mvit_b},
    recipes=(
        "aria_anticipation",
        "aria_estimation",
        "ego4d_anticipation",
        "ego4d_estimation",
        "miniature",
    ),
    prepare={"ego4d": _prepare.run, "aria": _prepare_aria.run},
    train=_train.run,
    evaluate=_evaluate.run,
    score=_score.run,
    synthesize=_synthesize.run,
    show={"ego4d": _show.show, "aria": _show.show},
    import_original=_weights.import_original,
)
