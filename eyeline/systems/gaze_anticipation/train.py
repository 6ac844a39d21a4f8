"""Training of `csts`: maps near the labels', and sight and sound of one clip near one another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from eyeline import files
from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.systems.gaze_anticipation import evaluate, report
from eyeline.systems.gaze_anticipation.beginning import begin
from eyeline.systems.gaze_anticipation.data import Clips, open_training
from eyeline.systems.gaze_anticipation.model import GazeAnticipation, csts, economise
from eyeline.systems.gaze_anticipation.recipe import BUILDER, Recipe, read_recipe
from eyeline.systems.gaze_anticipation.report import Report
from eyeline.systems.gaze_anticipation.scoring import bench, validation
from eyeline.systems.gaze_anticipation.scoring.answers import Work
from eyeline.systems.gaze_anticipation.step import Step, optimizers, schedulers
from eyeline.systems.gaze_anticipation.weights import SYSTEM
from eyeline.systems.gaze_anticipation.windows.sampling import timing_of
from eyeline.training import checkpoint, loop
from eyeline.training.beginning import Beginning
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices, most_memory
from eyeline.training.loop import Epoch, Run
from eyeline.training.recipe import share_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric

BEST = "best.safetensors"
"""The chosen epoch's weights while a run is under way, beside its state."""
REPORT = "report.json"
PROTOCOL = (
    "videos held out of the training ones, by which the epoch was chosen; f1 at the threshold that "
    "is best on these very clips, which becomes that of the weights"
)
_BETTER = {"f1": ("validation_f1", 1), "loss": ("validation_loss", -1)}
"""By what the epoch is chosen, and whether more or less of it is better."""


def run(
    recipe: Path | str | Mapping[str, Any],
    data_dir: Path | str,
    out_dir: Path | str,
    progress: Log | None = None,
    *,
    changes: Sequence[str] = (),
    devices: Devices | None = None,
    weights: Path | None = None,
) -> Report:
    """Train a recipe and write weights and report; a stopped run goes on.

    Args:
        recipe: a YAML file, the name of one of this room's, or its sections.
        data_dir: a prepared data set, as of `data.open_training`.
        out_dir: gets `csts.safetensors` and `report.json`.
        progress: is told, in words, what has been finished.
        changes: `section.key=value`, made to the recipe.
        devices: where; one CPU by default.
        weights: to begin with, as of `weights.initialise`; random ones by default.

    Returns:
        `report.made`'s report of the videos held out, where there are some, with `history`,
        `memory` and `began_at`. Empty in processes other than the first.

    Raises:
        RecipeError, DataError, OutputError, CheckpointError, UsageError, TrainingError: for what is
        wrong with each.
    """
    plan = read_recipe(recipe, changes)
    learned, held = open_data(plan, Path(data_dir))
    fabric = (devices or Devices()).fabric()
    fabric.launch()
    told = progress if fabric.is_global_zero else None
    torch.manual_seed(plan.training.seed)
    network = economise(csts(**plan.arguments), plan.training.recompute)
    began = begin(network, weights)
    if told and began.file:
        told(began.words)
    whole = new_run(plan, network, learned, held, files.made(Path(out_dir)), fabric.world_size)
    whole.identity, whole.told = _identity(plan, learned, held, began), told
    loop.fit(whole, fabric)
    made: Report = {}
    if fabric.is_global_zero:
        made = _finish(plan, network, (learned, held), whole, began, fabric)
    fabric.barrier()
    return made


def open_data(plan: Recipe, data_dir: Path) -> tuple[Clips, Clips | None]:
    """Clips to learn from, and those of other videos to choose the epoch by."""
    data, network = plan.data, csts_sizes(plan)
    return open_training(
        data_dir, validation_share=data.validation_share, seed=plan.training.seed, task=data.task,
        sides=(data.smallest_side, data.largest_side), with_sound=data.with_sound,
        side=network["side"], frames=network["frames"], dataset=data.dataset,
    )  # fmt: skip


def csts_sizes(plan: Recipe) -> dict[str, int]:
    """`side` and `frames` of a recipe's network."""
    import inspect

    known = inspect.signature(csts).parameters
    return {n: plan.arguments.get(n, known[n].default) for n in ("side", "frames")}


def new_run(
    plan: Recipe, network: GazeAnticipation, learned: Clips, held: Clips | None,
    folder: Path | None, world: int = 1,
) -> Run:  # fmt: skip
    """What the training loop is to do.

    Args:
        plan: the recipe.
        network: to be trained.
        learned: clips.
        held: clips to choose the epoch by; None chooses none.
        folder: for the state; None keeps nothing.
        world: processes that share each batch.

    Raises:
        RecipeError: a batch that they cannot share evenly.
        DataError: fewer clips than a batch has.
    """
    training = plan.training
    share = share_of(training.batch_size, world)
    steps = len(learned) // training.batch_size
    if not steps:
        raise DataError(
            f"{len(learned)} clips to train on are fewer than a batch: training.batch_size is "
            f"{training.batch_size}"
        )
    moved = optimizers(plan, network)
    made = Run(
        network, moved, Step(plan), _batches(plan, learned, share, steps), training.epochs,
        seed=training.seed, clip_norm=plan.optimizer.clip_norm,
        schedulers=schedulers(plan, moved, steps), folder=folder, keep_every=training.keep_every,
    )  # fmt: skip
    if held is not None:
        made.validate = lambda net, _: _validated(cast(GazeAnticipation, net), plan, held, made)
    return made


def _batches(
    plan: Recipe, learned: Clips, share: int, steps: int
) -> Callable[[Epoch], Iterable[Any]]:
    """Whole batches only, as published; each epoch draws windows and squares anew."""
    workers = plan.data.workers

    def of(epoch: Epoch) -> Iterable[Any]:
        read = loop.loader(
            learned.at_epoch(epoch.number), epoch, batch_size=share, workers=workers
        )  # fmt: skip
        return islice(read, steps - epoch.done)

    return of


def _validated(network: GazeAnticipation, plan: Recipe, held: Clips, made: Run) -> dict[str, float]:
    """Scores of an epoch; its weights are kept if they are the best so far."""
    batch, select = plan.training.batch_size, plan.training.select
    found = validation.scores(network, held, batch=batch, workers=plan.data.workers)
    if made.folder is not None and select in _BETTER and _is_best(select, made.history, found):
        card = CheckpointCard(SYSTEM, BUILDER, plan.arguments, scores=found)
        checkpoint.save(made.folder / BEST, network.state_dict(), card)
    return found


def _is_best(
    select: str, history: Sequence[Mapping[str, Any]], scores: Mapping[str, float]
) -> bool:
    """An epoch without the figure that is chosen by is the best so far."""
    name, sign = _BETTER[select]
    if name not in scores:
        return True
    return all(sign * scores[name] > sign * entry[name] for entry in history if name in entry)


def _finish(
    plan: Recipe, network: GazeAnticipation, data: tuple[Clips, Clips | None], whole: Run,
    began: Beginning, fabric: Fabric,
) -> Report:  # fmt: skip
    """Take the chosen epoch, score it once more, write weights and report."""
    folder = cast(Path, whole.folder)
    learned, held = data
    chosen = {k: v for k, v in whole.history[-1].items() if k.startswith("validation_")}
    if (folder / BEST).is_file():
        kept, state = checkpoint.load(folder / BEST)
        checkpoint.fill(network, state, folder / BEST)
        chosen = dict(kept.scores)
    made = _scored(network, plan, held) if held is not None else _unscored()
    card = CheckpointCard(
        SYSTEM, BUILDER, plan.arguments, recipe=plan.as_dict(),
        data=_described(plan, learned, held), licence=began.licence,
        scores={"protocol": PROTOCOL, **_rounded(chosen)} if held is not None else {},
        settings=_settings(plan, made) | {"began_at": began.as_dict()},
    )  # fmt: skip
    checkpoint.save(folder / f"{BUILDER}.safetensors", network.state_dict(), card)
    made |= {
        "protocol": PROTOCOL, "recipe": plan.as_dict(), "data": card.data,
        "settings": card.settings, "began_at": began.as_dict(), "history": whole.history,
        "memory": most_memory(fabric),
    }  # fmt: skip
    files.write_json(folder / REPORT, made)
    loop.forget(folder)
    (folder / BEST).unlink(missing_ok=True)
    return made


def _scored(network: GazeAnticipation, plan: Recipe, held: Clips) -> Report:
    """The report of the clips held out, beside what looks at no picture."""
    found = evaluate.measure(network, held, Work(plan.training.batch_size, plan.data.workers))
    tallies = {BUILDER: found.tally, **bench.baselines(found.bench)}
    at = {name: report.chosen(tally) for name, tally in tallies.items()}
    return report.made(tallies, found.bench.truth, at, first=BUILDER)


def _unscored() -> Report:
    return {"notes": ["no video was held out: nothing was measured, the last epoch is kept"]}


def _settings(plan: Recipe, made: Report) -> dict[str, Any]:
    """What prediction needs: how far frames are apart, and the threshold of maps."""
    timing = timing_of(plan.data.dataset)
    found: dict[str, Any] = {"rate_hz": timing.fps, "frame_step": timing.step}
    threshold = made.get("pooled", {}).get(BUILDER, {}).get("threshold")
    return found if threshold is None else found | {"threshold": threshold}


def _described(plan: Recipe, learned: Clips, held: Clips | None) -> dict[str, Any]:
    return {
        "dataset": plan.data.dataset, "task": plan.data.task,
        "videos": sorted({*learned.video}),
        "held_out_videos": [] if held is None else sorted({*held.video}),
        "clips": len(learned), "clips_held_out": 0 if held is None else len(held),
        "without_sound": sorted({*learned.video} & {*learned.silent}),
    }  # fmt: skip


def _rounded(scores: Mapping[str, Any]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in scores.items()}


def _identity(plan: Recipe, learned: Clips, held: Clips | None, began: Beginning) -> str:
    """Of recipe, data and first weights; how long to go on is free."""
    found = hashlib.sha256(json.dumps([plan.lasting(), began.sha256], sort_keys=True).encode())
    for those in (learned, held):
        lines = [] if those is None else [clip.line for clip in those.clips]
        found.update("\n".join([*lines, ""]).encode())
    return found.hexdigest()
