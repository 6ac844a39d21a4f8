"""Training by a recipe: cross-validation on annotators' labels, or rounds on labels of clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline import files
from eyeline.errors import UsageError
from eyeline.evaluation.report import Figures
from eyeline.log import Log, prefixed
from eyeline.systems.eye_contact.decode import Calibration, Decoding
from eyeline.systems.eye_contact.evaluate import choose, cross_validate, train_network
from eyeline.systems.eye_contact.recipe import Recipe, read_recipe
from eyeline.systems.eye_contact.report import by_video
from eyeline.systems.eye_contact.samples import Sample, open_videos, samples_of
from eyeline.systems.eye_contact.slices import kinds_of, slice_scores
from eyeline.systems.eye_contact.weights import LICENCE, open_model, settings_of
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn

PROTOCOL = (
    "cross-validation over folds of whole videos; "
    "calibration and decoding of each fold chosen on the others"
)
ROUNDS = (
    "labels from clusters, then from the network's own answers; validation on the last part of the "
    "list of tracklets, against those labels: no measure of eye contact"
)
REPORT = "report.json"


def run(
    recipe: Path | str | Mapping[str, Any],
    data_dir: Path | str,
    out_dir: Path | str,
    progress: Log | None = None,
    *,
    changes: Sequence[str] = (),
    devices: Devices | None = None,
    weights: Path | None = None,
) -> Figures:
    """Train a recipe and write weights and report; a stopped run of rounds is resumed.

    Of labels of clusters the network of each round is kept too, in `round_N/`.

    Args:
        recipe: a YAML file, the name of one of this system's, or its sections.
        data_dir: for annotators' labels as `data.read_videos` takes it, for labels of clusters as
            `eyeline prepare eye_contact/voxceleb2` leaves it.
        out_dir: gets the network's weights and `report.json`.
        progress: called with a line for what has been finished.
        changes: `section.key=value`, made to the recipe.
        devices: where; one CPU by default.
        weights: of a network that labels for the first round, instead of the clusters.

    Returns:
        The report of the cross-validation, or of the rounds. The written network has seen all
        videos.
    """
    plan = read_recipe(recipe, changes)
    rounds = plan.data.labels == "clusters"
    if weights is not None and not rounds:
        raise UsageError(
            "--weights label for the first round of a recipe that learns from clusters"
        )
    folder = files.made(Path(out_dir))
    fabric = (devices or Devices()).fabric()
    fabric.launch()
    log = progress if fabric.is_global_zero else None
    if rounds:
        report = _run_rounds(plan, Path(data_dir), folder, fabric, weights, log)
    else:
        report = _run_annotated(plan, Path(data_dir), folder, fabric, log)
    report |= {"protocol": ROUNDS if rounds else PROTOCOL, "recipe": plan.as_dict()}
    if fabric.is_global_zero:
        files.write_json(folder / REPORT, report)
    return report


def _run_annotated(
    plan: Recipe, data_dir: Path, folder: Path, fabric: Fabric, log: Log | None
) -> Figures:
    videos = open_videos(data_dir, log)
    samples = samples_of(videos, log, plan.builder)
    validation, report = cross_validate(samples, plan, log, fabric)
    rule = choose(samples, validation.logits, plan.decoding)
    trained = train_network(samples, plan, fabric, log=prefixed(log, "all videos"))
    scores = {name: report[name] for name in ("pooled", "interval")}
    scores = {"protocol": PROTOCOL, **scores, "ece": report["calibration"]["ece"]}
    card = _card(plan, samples, scores, rule)
    if fabric.is_global_zero:
        checkpoint.save(folder / f"{plan.builder}.safetensors", trained.state, card)
    settings = {k: v for k, v in card.settings.items() if k != "features"}
    slices = slice_scores(samples, validation.predicted, kinds_of(videos))
    return report | {"settings": settings, "slices": slices}


def _run_rounds(
    plan: Recipe,
    data_dir: Path,
    folder: Path,
    fabric: Fabric,
    weights: Path | None,
    log: Log | None,
) -> Figures:
    from eyeline.systems.eye_contact import self_training
    from eyeline.systems.eye_contact.discovery import pseudo_labels

    if fabric.is_global_zero:
        result = pseudo_labels.run(
            data_dir, m_eps=plan.data.most_eps, min_length=plan.data.least_frames, progress=log
        )
        if log:
            log(str(result))
    fabric.barrier()
    split = self_training.open_split(data_dir, plan)
    label_with = open_model(weights, str(fabric.device)).logits if weights else None
    rule = Calibration(), Decoding(balance=0.0, switch_cost=0.0)

    def save(path: Path, network: nn.Module, scores: Mapping[str, Any]) -> None:
        card = _card(plan, split.everything, {"protocol": ROUNDS, **scores}, rule)
        checkpoint.save(path, network.state_dict(), card)

    network, rounds = self_training.run_rounds(
        split, plan, folder, fabric, label_with=label_with, save=save, log=log
    )
    entries = self_training.summary(rounds)
    if fabric.is_global_zero:
        last = {k: v for k, v in entries[-1].items() if k.startswith("validation")}
        save(folder / f"{plan.builder}.safetensors", network, last)
        self_training.forget_states(folder, plan)
    return {
        "rounds": entries,
        "tracklets": len(split.everything),
        "frames": sum(len(s) for s in split.everything),
    }


def _card(
    plan: Recipe,
    samples: list[Sample],
    scores: Mapping[str, Any],
    rule: tuple[Calibration, Decoding],
) -> CheckpointCard:
    return CheckpointCard(
        system="eye_contact",
        builder=plan.builder,
        arguments=plan.arguments,
        recipe=plan.as_dict(),
        data={
            "labels": plan.data.labels,
            "videos": list(by_video(samples)),
            "tracklets": len(samples),
            "frames": sum(len(s) for s in samples),
        },
        scores=_rounded(scores),
        settings=settings_of(plan.builder, *rule),
        licence=LICENCE if plan.data.labels == "annotated" else "",
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(v) for name, v in value.items()}
    if isinstance(value, tuple):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value
