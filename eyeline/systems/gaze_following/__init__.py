"""What each person looks at, given who speaks.

Paper: Hou et al., "Multi-Modal Gaze Following in Conversational Scenarios", WACV 2024
    (VGS / MMGaze).
In: people, their gaze directions, who speaks.
Out: `Points` called `gaze_target` with heatmaps, and `Segments`. Mutual gaze and joint attention
    are derived from them by `people.shared_looks`.
Licence: the original code states none; nothing of it is here. Here: `ray`, a model of our own, and
    `mask_rcnn_mlp`, own code of their detector that takes their weights, with a matcher of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from eyeline.bounds import Count, NotNegative
from eyeline.people.targets.model import measured
from eyeline.results import Method
from eyeline.system import Builder, Lazy, Needs, Predictor, System


def _ray() -> Predictor:
    from eyeline.systems.gaze_following.infer import Ray

    return Ray()


def _from_video(
    files: Mapping[str, Path],
    device: str,
    *,
    every_s: NotNegative = 0.5,
    fusion: str | None = None,
    rule: str | None = None,
    proposals: Count = 1000,
    short_px: Annotated[int, Ge(32), Le(2**14)] | None = None,
) -> Predictor:
    from eyeline.systems.gaze_following.from_video import MaskRcnnMlp

    return MaskRcnnMlp(
        files["mask_rcnn"], device, matcher=files.get("matcher"), slope=files.get("slope_mlp"),
        every_s=every_s, fusion=fusion, rule=rule, proposals=proposals, short_px=short_px,
    )  # fmt: skip


_HERE = "eyeline.systems.gaze_following"

SYSTEM = System(
    name="gaze_following",
    published=("vgs", "mmgaze", "videogazespeech"),
    title="what or whom does each person look at, given who speaks",
    paper="Hou et al., Multi-Modal Gaze Following in Conversational Scenarios, WACV 2024",
    builders={
        "ray": Builder(
            Method(
                "gaze_following",
                "ray",
                "default: a small probabilistic model weighs each face by itself, the camera, "
                "the scene and off screen by the gaze direction in the image and in space, irises, "
                "lids, who looks back and who speaks; its constants are fitted to labelled clips",
                measured("target", "person", "camera", "off_screen", "object"),
                "own code, Apache-2.0",
            ),
            answers=("gaze_target",),
            predictor=_ray,
            needs=Needs(gaze=True),
        ),
        "mask_rcnn_mlp": Builder(
            Method(
                "gaze_following",
                "mask_rcnn_mlp",
                "heads are brightened as published, more so who speaks, and a Mask R-CNN finds "
                "what may be looked at, every half second and at cuts, interpolated between; in "
                "every frame each person is matched to one of it: by a matcher of our own where "
                "its weights are given, which also knows off screen, else by the published rule",
                "never run by us with the authors' weights, which were not at hand, nor the "
                "figures of their paper",
                "own code, Apache-2.0; the authors' weights and data state no licence",
                weights="mask_rcnn, and matcher or slope_mlp",
            ),
            answers=("gaze_target",),
            predictor=None,
            needs=Needs(gaze=True),
            networks=("mask_rcnn",),
            one_of=("matcher", "slope_mlp"),
            from_weights=_from_video,
        ),
    },
    default="ray",
    networks={
        "syncnet": Lazy("eyeline.speech.syncnet.model", "syncnet"),
        "mask_rcnn": Lazy(f"{_HERE}.detector.model", "mask_rcnn"),
        "slope_mlp": Lazy(f"{_HERE}.matching.slope", "slope_mlp"),
        "matcher": Lazy(f"{_HERE}.matching.model", "matcher"),
    },
    recipes=("mask_rcnn_h", "mask_rcnn_hs", "mask_rcnn_none", "matcher"),
    prepare={
        "vgs": Lazy(f"{_HERE}.prepare"),
        "fused": Lazy(f"{_HERE}.fused_images"),
        "best_gaze": Lazy(f"{_HERE}.best_gaze"),
        "voc": Lazy(f"{_HERE}.labels"),
    },
    convert={"vgs": Lazy(f"{_HERE}.convert")},
    train=Lazy(f"{_HERE}.train"),
    evaluate=Lazy(f"{_HERE}.evaluate"),
    score=Lazy(f"{_HERE}.score"),
    synthesize=Lazy(f"{_HERE}.synthesize"),
    import_original=Lazy(f"{_HERE}.weights", "import_original"),
)
