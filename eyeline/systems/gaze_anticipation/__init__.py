"""For a head-worn camera: where its wearer will look next, or looks now.

Paper: Lai et al., "Listen to Look into the Future: Audio-Visual Egocentric Gaze Anticipation",
    ECCV 2024 (CSTS).
In: the video, and its sound where there is any.
Out: `Points` called `gaze_next` of the camera wearer, with heatmaps; of weights that learned
    estimation `gaze_now`.
Licence: the original code states none; nothing of it is here. Here: `centre_prior`, the usual
    baseline, and `csts`, own code of the authors' network that takes their weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eyeline.bounds import Count
from eyeline.results import Method
from eyeline.system import Builder, Lazy, Needs, Predictor, System


def _centre_prior() -> Predictor:
    from eyeline.systems.gaze_anticipation.infer import CentrePrior

    return CentrePrior()


def _csts(
    files: Mapping[str, Path],
    device: str,
    *,
    dataset: str | None = None,
    task: str | None = None,
    every: Count | None = None,
    precision: str = "float32",
) -> Predictor:
    from eyeline.systems.gaze_anticipation.from_video import CstsPredictor

    return CstsPredictor(
        files["csts"], device, dataset=dataset, task=task, every=every, precision=precision
    )


_HERE = "eyeline.systems.gaze_anticipation"

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
                "baseline: the middle of the picture, where head-worn cameras' wearers look most; "
                "it does not look at the video",
                "not measured: no egocentric video with gaze was at hand",
                "own code, Apache-2.0",
            ),
            answers=("gaze_next",),
            predictor=_centre_prior,
            needs=Needs(people=False, ego=True),
        ),
        "csts": Builder(
            Method(
                "gaze_anticipation",
                "csts",
                "as published: transformers over eight frames of the last two seconds and the "
                "sound around them tell where the look goes in the next two; of weights that "
                "learned estimation, where it is. A pass every 0.9 s (Aria: 0.75 s) of "
                "anticipation, every 2.4 s (2 s) of estimation, interpolated between them. Sees "
                "the middle square of the picture only; without sound it takes silence",
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
    networks={
        "csts": Lazy(f"{_HERE}.model", "csts"),
        "mvit_b": Lazy(f"{_HERE}.model", "mvit_b"),
    },
    recipes=(
        "aria_anticipation",
        "aria_estimation",
        "ego4d_anticipation",
        "ego4d_estimation",
        "miniature",
    ),
    prepare={
        "ego4d": Lazy(f"{_HERE}.prepare"),
        "aria": Lazy(f"{_HERE}.prepare_aria"),
    },
    train=Lazy(f"{_HERE}.train"),
    evaluate=Lazy(f"{_HERE}.evaluate"),
    score=Lazy(f"{_HERE}.score"),
    synthesize=Lazy(f"{_HERE}.synthesize"),
    import_original=Lazy(f"{_HERE}.weights", "import_original"),
    to_onnx=Lazy(f"{_HERE}.export", "to_onnx"),
)
