"""What each person looks at, given who speaks.

Paper: Hou et al., "Multi-Modal Gaze Following in Conversational Scenarios", WACV 2024
    (VGS / MMGaze).
In: people, their gaze directions, who speaks.
Out: `Points` called `gaze_target` with heatmaps, and `Segments`. Mutual gaze and joint attention
    are derived from them by `people.shared_looks`.
Licence: the original code states none; nothing of it is here. Here: `ray`, a model of our own, and
    `mask_rcnn_mlp`, own code of their detector that takes their weights, with a matcher of our own,
    and `gaze_lle`, own code of Gaze-LLE (Ryan et al., CVPR 2025) and DINOv2's encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from eyeline.bounds import Count, NotNegative
from eyeline.people.targets.model import measured
from eyeline.results import Label, Method
from eyeline.runtimes.run import Runtime
from eyeline.system import Builder, LazyModule, Needs, Predictor, System, lazily

if TYPE_CHECKING:
    from eyeline.speech.syncnet import model as _syncnet
    from eyeline.systems.gaze_following import best_gaze as _best_gaze
    from eyeline.systems.gaze_following import convert as _convert
    from eyeline.systems.gaze_following import evaluate as _evaluate
    from eyeline.systems.gaze_following import from_video as _from_video
    from eyeline.systems.gaze_following import fusion as _fusion
    from eyeline.systems.gaze_following import infer as _infer
    from eyeline.systems.gaze_following import prepare as _prepare
    from eyeline.systems.gaze_following import score as _score
    from eyeline.systems.gaze_following import show as _show
    from eyeline.systems.gaze_following import synthesize as _synthesize
    from eyeline.systems.gaze_following import train as _train
    from eyeline.systems.gaze_following import weights as _weights
    from eyeline.systems.gaze_following.datasets import voc as _datasets_voc
    from eyeline.systems.gaze_following.detector import model as _detector_model
    from eyeline.systems.gaze_following.gaze_lle import infer as _gaze_lle_infer
    from eyeline.systems.gaze_following.gaze_lle import model as _gaze_lle_model
    from eyeline.systems.gaze_following.matching import model as _matching_model
    from eyeline.systems.gaze_following.matching import slope as _matching_slope
else:
    globals().update(lazily(__name__, __file__))
    _syncnet = LazyModule("eyeline.speech.syncnet.model")


def _mask_rcnn_mlp(
    files: Mapping[str, Path],
    device: str,
    *,
    every_s: NotNegative = 0.5,
    fusion: str | None = None,
    rule: str | None = None,
    proposals: Count = 1000,
    short_px: Annotated[int, Ge(32), Le(2**14)] | None = None,
    runtime: Runtime | None = None,
) -> Predictor:
    return _from_video.MaskRcnnMlp(
        files["mask_rcnn"], device, matcher=files.get("matcher"), slope=files.get("slope_mlp"),
        every_s=every_s, fusion=fusion, rule=rule, proposals=proposals, short_px=short_px,
        runtime=runtime,
    )  # fmt: skip


def _gaze_lle(
    files: Mapping[str, Path],
    device: str,
    *,
    every_s: NotNegative = 0.5,
    runtime: Runtime | None = None,
) -> Predictor:
    decoder, encoder = (files[name] for name in ("gaze_lle", "dinov2"))
    return _gaze_lle_infer.GazeLle(decoder, encoder, device, every_s=every_s, runtime=runtime)


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
            predictor=_infer.Ray,
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
            from_weights=_mask_rcnn_mlp,
        ),
        "gaze_lle": Builder(
            Method(
                "gaze_following",
                "gaze_lle",
                "a frozen DINOv2 encoder sees a frame every half second, at cuts and where people "
                "appear; a decoder prompted by each head gives a heatmap of where that person "
                "looks and, with weights for it, whether the look leaves the image; heatmaps are "
                "interpolated between",
                "never run by us with the authors' weights, which were not at hand; equal to their "
                "code on random weights. Their paper states AUC 0.958 on GazeFollow and 0.937 on "
                "VideoAttentionTarget (ViT-L)",
                "own code, Apache-2.0; the authors' weights: MIT (Gaze-LLE), Apache-2.0 (DINOv2)",
                weights="gaze_lle and dinov2",
            ),
            answers=("gaze_target",),
            predictor=None,
            networks=("gaze_lle", "dinov2"),
            from_weights=_gaze_lle,
        ),
    },
    default="ray",
    heading="Gaze target",
    labels={"gaze_target": Label("looks at")},
    networks={
        "syncnet": _syncnet.syncnet,
        "mask_rcnn": _detector_model.mask_rcnn,
        "slope_mlp": _matching_slope.slope_mlp,
        "matcher": _matching_model.matcher,
        "dinov2": _gaze_lle_model.dinov2,
        "gaze_lle": _gaze_lle_model.gaze_lle,
    },
    recipes=(
        "gaze_lle",
        "gaze_lle_in_out",
        "mask_rcnn_h",
        "mask_rcnn_hs",
        "mask_rcnn_none",
        "matcher",
    ),
    prepare={
        "vgs": _prepare.run,
        "fused": _fusion.run,
        "best_gaze": _best_gaze.run,
        "voc": _datasets_voc.run,
    },
    convert={"vgs": _convert.run},
    train=_train.run,
    evaluate=_evaluate.run,
    score=_score.run,
    synthesize=_synthesize.run,
    show={
        "vgs": _show.show_vgs,
        "attention_target": _show.show_attention_target,
        "gazefollow": _show.show_gazefollow,
    },
    import_original=_weights.import_original,
)
