"""For a head-worn camera: where its wearer will look next.

Paper: Lai et al., "Listen to Look into the Future: Audio-Visual Egocentric Gaze Anticipation",
    ECCV 2024 (CSTS).
In: the video. Out: `Points` called `gaze_next` of the camera wearer, with a heatmap.
Licence: the original code states none; nothing of it is here.
    Here now: `centre_prior`, the usual baseline.
"""

from __future__ import annotations

from eyeline.results import Method
from eyeline.system import Builder, Lazy, Needs, Predictor, System


def _centre_prior() -> Predictor:
    from eyeline.systems.gaze_anticipation.infer import CentrePrior

    return CentrePrior()


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
        )
    },
    default="centre_prior",
    networks={"csts": Lazy(f"{_HERE}.model", "csts")},
    prepare={
        "ego4d": Lazy(f"{_HERE}.prepare"),
        "aria": Lazy(f"{_HERE}.prepare_aria"),
    },
    import_original=Lazy(f"{_HERE}.weights", "import_original"),
)
