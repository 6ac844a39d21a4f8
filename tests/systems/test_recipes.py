"""The recipes of all systems: what they say, what may be changed, and mistakes that are named.

What holds for every field of every recipe is tested in `tests/training/test_recipe.py`.
"""

from __future__ import annotations

import importlib
from functools import reduce
from typing import Any

import pytest

from eyeline.errors import RecipeError
from eyeline.systems.ego_social.recipe import LOOKING_WEIGHTS, TALKING_WEIGHTS
from eyeline.training import recipe
from tests.systems.ego_social.invented import LAM, TTM, keys

EGO, EYE, GAZE_3D, CSTS = "ego_social", "eye_contact", "gaze_3d", "gaze_anticipation"
DETECTOR, MATCHER = "gaze_following.detector", "gaze_following.matching"


def module(system: str) -> Any:
    return importlib.import_module(f"eyeline.systems.{system}.recipe")


def values(plan: Any, names: Any) -> dict[str, Any]:
    """By dotted name, keys of arguments and losses too."""

    def part(of: Any, name: str) -> Any:
        return of[name] if isinstance(of, dict) else getattr(of, name)

    return {name: reduce(part, name.split("."), plan) for name in names}


@pytest.mark.parametrize(
    ("system", "names", "builders"),
    [
        (EGO, ("lam", "lam_gaze360", "ttm"), ("lam_lstm", "gaze360_lstm", "ttm")),
        (
            EYE,
            ("ecs_landmarks", "ecs_pictures", "voxceleb2"),
            ("landmarks_tcn", "ms_tcn2", "ms_tcn2"),
        ),
        (GAZE_3D, ("gafa", "gafa_per_item"), ("gaze_from_afar",) * 2),
        (
            CSTS,
            (
                "aria_anticipation",
                "aria_estimation",
                "ego4d_anticipation",
                "ego4d_estimation",
                "miniature",
            ),
            ("csts",) * 5,
        ),
        (DETECTOR, ("mask_rcnn_h", "mask_rcnn_hs", "mask_rcnn_none"), ("mask_rcnn",) * 3),
        (MATCHER, ("matcher",), ("matcher",)),
    ],
)
def test_the_recipes_of_a_system(
    system: str, names: tuple[str, ...], builders: tuple[str, ...]
) -> None:
    read = module(system).read_recipe
    assert recipe.names(module(system).RECIPES) == names
    assert tuple(read(name).builder for name in names) == builders
    with pytest.raises(RecipeError, match=f"recipes of its system: {', '.join(names)}"):
        read("absent")


def published(ahead: bool) -> dict[str, Any]:
    return {
        "data.smallest_side": 256,
        "data.largest_side": 288 if ahead else 320,
        "data.task": "anticipation" if ahead else "estimation",
        "data.validation_fraction": 0.0,
        "loss.contrast": 0.05 if ahead else 0.01,
        "optimizer.learning_rate": 1e-4,
        "optimizer.final_learning_rate": 1e-6,
        "optimizer.cosine_epochs": 15,
        "optimizer.weight_decay": 0.05,
        "optimizer.clip_norm": 1.0,
        "optimizer.warmup_epochs": 0.0,
        "training.batch_size": 8,
        "training.seed": 21,
        "training.select": "last",
    }


EGO4D = {
    "optimizer.learning_rate": 5e-4,
    "optimizer.clip_norm": None,
    "training.epochs": 40,
    "training.select": "mAP",
    "training.statistics": "batch",
    "training.flip": False,
    "data.policy": "published",
    "data.balanced": False,
}


@pytest.mark.parametrize(
    ("system", "source", "wanted"),
    [
        (
            EGO,
            "lam",
            {
                **EGO4D,
                "data.stride": 13,
                "training.batch_size": 64,
                "training.needs_weights": False,
                "class_weights": LOOKING_WEIGHTS,
            },
        ),
        (EGO, "lam_gaze360", {**EGO4D, "training.needs_weights": True}),
        (EGO, "ttm", {**EGO4D, "training.frame_budget": 400, "class_weights": TALKING_WEIGHTS}),
        (EGO, {}, {"class_weights": LOOKING_WEIGHTS}),
        (EGO, {"model": {"builder": "ttm"}}, {"class_weights": TALKING_WEIGHTS}),
        (EGO, {"loss": {"class_weights": [1, 2.5]}}, {"class_weights": (1, 2.5)}),
        (EYE, {}, {"builder": "landmarks_tcn", "training": module(EYE).Crops()}),
        (
            EYE,
            {"model": {"builder": "ms_tcn2", "maps": 16}, "training": {"rounds": 2}},
            {"training": module(EYE).WholeTracklets(rounds=2), "arguments": {"maps": 16}},
        ),
        (
            GAZE_3D,
            "gafa",
            {
                "loss.concentration": "published",
                "loss.recurrence": "original",
                "training.select": "concentration_loss",
                "data.validation": "window",
                "optimizer.learning_rate": 1e-4,
                "optimizer.concentration_learning_rate": 1e-4,
                "training.concentration_every": 10,
                "training.batch_size": 64,
            },
        ),
        *(
            (GAZE_3D, source, {"loss.concentration": "per_item", "loss.recurrence": "independent"})
            for source in ("gafa_per_item", {})
        ),
        (GAZE_3D, {}, {"training.select": "angle", "data.validation": "session"}),
        *(
            (CSTS, f"{name}_{task}", {"data.dataset": name, **published(task == "anticipation")})
            for name in ("ego4d", "aria")
            for task in ("anticipation", "estimation")
        ),
        (CSTS, "miniature", {"arguments.width": 16, "arguments.sound_mean": -7}),
        (CSTS, "miniature", {"training.select": "last", "data.validation_fraction": 0.2}),
        (MATCHER, "matcher", {"arguments": {"width": 48, "dropout": 0.1}, "training.seed": 0}),
        (DETECTOR, "mask_rcnn_h", {"data.fusion": "h"}),
        (DETECTOR, "mask_rcnn_none", {"data.fusion": "none"}),
    ],
)
def test_what_a_recipe_says(system: str, source: Any, wanted: dict[str, Any]) -> None:
    assert values(module(system).read_recipe(source), wanted) == wanted


def test_numbers_of_the_networks_are_those_of_the_originals() -> None:
    for name in ("lam", "lam_gaze360", "ttm"):
        created = module(EGO).read_recipe(name)
        wanted = keys()[TTM if created.talks else LAM]["parameters"]
        assert sum(p.numel() for p in created.network().parameters()) == wanted
    from eyeline.systems.gaze_3d.model import gaze_from_afar

    for name in ("gafa", "gafa_per_item"):
        assert gaze_from_afar(**module(GAZE_3D).read_recipe(name).arguments).frames == 7


def test_recipes_of_the_detector_differ_in_their_images_alone() -> None:
    plain = module(DETECTOR).read_recipe({}).as_dict()
    assert plain["data"]["fusion"] == "hs"
    for name in ("mask_rcnn_hs", "mask_rcnn_h", "mask_rcnn_none"):
        given = module(DETECTOR).read_recipe(name).as_dict()
        given["data"]["fusion"] = "hs"
        assert given == plain, "the defaults are the published numbers"


@pytest.mark.parametrize(
    ("system", "name", "wanted"),
    [
        (EGO, "lam", {"data.stride": 3, "arguments.width": 8, "training.flip": True}),
        (EYE, "ecs_landmarks", {"training.epochs": 2}),
        (GAZE_3D, "gafa", {"training.batch_size": 8, "training.frozen_blocks": 3}),
        (CSTS, "ego4d_anticipation", {"arguments.layers": (1, 1, 2, 1), "training.epochs": 2}),
        (DETECTOR, "mask_rcnn_h", {"optimizer.drop_epochs": (3,), "arguments.width": 32}),
        (MATCHER, "matcher", {"training.epochs": 2, "arguments.width": 8, "loss.smoothing": 0.1}),
    ],
)
def test_changes(system: str, name: str, wanted: dict[str, Any]) -> None:
    changes = [
        f"{place.replace('arguments', 'model')}="
        f"{str(list(value) if isinstance(value, tuple) else value).lower()}"
        for place, value in wanted.items()
    ]
    assert values(module(system).read_recipe(name, changes), wanted) == wanted


@pytest.mark.parametrize(
    ("system", "sections", "message"),
    [
        *(
            (system, {"training": {"epoch": 3}}, r"training\.epoch is not known")
            for system in (EGO, EYE, GAZE_3D, CSTS, DETECTOR, MATCHER)
        ),
        (EGO, {"model": {"voice_width": 4}}, r"model\.voice_width is not known; keys: frames, w"),
        (
            EGO,
            {"model": {"builder": "contact_and_voice"}},
            "networks that train: lam_lstm, gaze360_lstm, ttm",
        ),
        (
            EGO,
            {"model": {"builder": "ttm"}, "data": {"balanced": True}},
            r"data\.balanced is for looking at me",
        ),
        (
            EGO,
            {
                "model": {"builder": "gaze360_lstm", "head": "angles", "frames": 5},
                "loss": {"class_weights": [1.0]},
            },
            r"class_weights is \[1.0\]; must be two.*head is 'angles'.*frames is 5; the data has 7",
        ),
        (EYE, {"model": {"builder": "resnet"}}, r"model.builder 'resnet'.*landmarks_tcn, ms_tcn2"),
        (EYE, {"data": {"labels": "guessed"}}, "must be 'annotated' or 'clusters'"),
        (EYE, {"data": {"labels": "clusters"}}, "needs the network ms_tcn2"),
        (EYE, {"decoding": {"balance": []}}, r"balance is \[\]; must be a list of at least 1"),
        (EYE, {"data": {"validation_fraction": 1.0}}, "must be less than 1"),
        (EYE, {"training": {"rounds": 3}}, "training.rounds is not known"),
        (GAZE_3D, {"model": {"builder": "ms_tcn2"}}, "networks that train: gaze_from_afar"),
        (GAZE_3D, {"model": {"frames": 1}}, r"frames is 1; must be odd and at least 3"),
        (GAZE_3D, {"model": {"frames": 4}}, r"frames is 4; must be odd and at least 3"),
        (GAZE_3D, {"model": {"frames": -3}}, r"frames is -3; must be at least 1"),
        (CSTS, {"data": {"dataset": "egtea", "task": "?"}}, r"egtea.*or 'aria'.*task is '\?'"),
        (CSTS, {"data": {"smallest_side": 200}}, "smallest_side 200 and data.largest_side 288"),
        (CSTS, {"data": {"largest_side": 250}}, "in this order"),
        (CSTS, {"data": {"validation_fraction": 1.0}}, "validation_fraction is 1.0"),
        (
            CSTS,
            {"data": {"validation_fraction": 0.0}},
            "select is 'f1', but no video is held out",
        ),
        (CSTS, {"loss": {"temperature": 0.0}}, "temperature is 0.0; must be more than 0"),
        (CSTS, {"model": {"embedding": 0}}, "contrast needs a network with embeddings"),
        (CSTS, {"model": {"depth": 12}}, "model.depth is not known"),
        (CSTS, {"model": {"builder": "mvit"}}, "networks that train: csts"),
        (
            CSTS,
            {"training": {"gradient_checkpointing": "some"}},
            "gradient_checkpointing is 'some'.*'none', 'halving' or 'all'",
        ),
        (CSTS, {"optimizer": {"cosine_epochs": 0}}, "cosine_epochs is 0"),
        (
            CSTS,
            {"training": {"batch_size": 0, "select": "loss?"}},
            "batch_size is 0.*select is 'loss",
        ),
        (DETECTOR, {"data": {"fusion": "HS"}}, "fusion is 'HS'; must be 'hs', 'h' or 'none'"),
        (DETECTOR, {"training": {"select": "best"}}, "must be 'last' or 'box_AP'"),
        (DETECTOR, {"training": {"frozen_stages": 5}}, "must be at most 4"),
        (DETECTOR, {"data": {"mirror": 1.5}}, "data.mirror is 1.5; must be at most 1"),
        (DETECTOR, {"samples": {"boxes": 3}}, "samples.boxes is not known"),
        (DETECTOR, {"model": {"builder": "yolo"}}, "networks that train: mask_rcnn"),
        (DETECTOR, {"optimizer": {"drop_epochs": "8"}}, "optimizer.drop_epochs"),
        (MATCHER, {"model": {"builder": "csts"}}, "csts"),
        (MATCHER, {"model": {"depth": 3}}, "model.depth is not known"),
        (MATCHER, {"loss": {"weight": 1}}, "loss.weight is not known"),
        (MATCHER, {"other": {"key": 1}}, "no section 'other'"),
    ],
)
def test_mistakes_are_named(system: str, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        module(system).read_recipe(sections)
