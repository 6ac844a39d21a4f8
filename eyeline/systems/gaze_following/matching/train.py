"""Training the matcher on annotated looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.system import Train
from eyeline.systems.gaze_following import report
from eyeline.systems.gaze_following.matching import data, evaluate, inputs
from eyeline.systems.gaze_following.matching.data import Examples, Row
from eyeline.systems.gaze_following.matching.model import Matcher, look_losses
from eyeline.systems.gaze_following.matching.recipe import Recipe, Training, read_recipe
from eyeline.training import draws, loop, task
from eyeline.training.devices import on_threads
from eyeline.training.loop import Epoch, StepLoss
from eyeline.training.task import Measured, Optimization, Selection

_MIRROR, _MUTE, _BLIND = 101, 102, 103  # of keys; dropout takes low numbers

Batch = dict[str, Tensor]


class Step:
    """A batch to a loss."""

    def __init__(self, plan: Recipe) -> None:
        self.how, self.loss = plan.training, plan.loss

    def __call__(self, network: nn.Module, batch: Batch) -> StepLoss:
        """The weighted loss of the looks, some of which are hidden in part."""
        shown = hidden(batch, self.how)
        logits = network(shown["person"], shown["option"], shown["there"], shown["key"])
        each = look_losses(logits, shown["right"], **self.loss)
        return StepLoss((each * shown["weight"]).sum())


class MatcherTask(task.Task[Recipe, Matcher, Examples, Examples, Batch]):
    """Looks of videos, and of others that are held out."""

    system = "gaze_following"
    protocol = "videos held out of the training, by which the epoch was chosen: not a test"
    read_recipe = read_recipe
    step = Step

    def selection(self, plan: Recipe) -> Selection:
        """The loss."""
        return Selection("validation_loss")

    def open_data(self, plan: Recipe, root: Path) -> tuple[Examples, Examples]:
        """Both splits, which share no video."""
        splits = plan.data.train_split, plan.data.validation_split
        train, held = (data.examples(data.open_folder(root, split=split)) for split in splits)
        if shared := sorted({*train.videos} & {*held.videos}):
            raise DataError(
                f"{', '.join(shared[:3])}: {len(shared)} videos are to be trained on and held out"
            )
        return train, held

    def around(self, device: torch.device) -> AbstractContextManager[None]:
        """One thread, for sums that come out alike."""
        return on_threads(1)

    def optimization(self, plan: Recipe, network: Matcher, train: Examples) -> Optimization:
        """AdamW with one cycle over the whole run."""
        if not train.rows:
            raise DataError("no look of the training videos has a right answer among its options")
        steps = plan.training.epochs * math.ceil(len(train.rows) / plan.training.batch_size)
        rule = plan.optimizer
        optimizer = torch.optim.AdamW(
            network.parameters(), rule.learning_rate, weight_decay=rule.weight_decay
        )
        rates = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, rule.learning_rate, total_steps=max(steps, 2), pct_start=rule.warm_up
        )
        return Optimization({"main": optimizer}, rule.clip_norm, {"main": rates})

    def batches(self, plan: Recipe, train: Examples, epoch: Epoch, size: int) -> Iterator[Batch]:
        """Looks with keys to draw by, and weights that make processes' means those of all."""
        rows = train.rows
        read = loop.loader(list(enumerate(rows)), epoch, batch_size=size, collate=_collate)
        for batch, weight in zip(read, loop.weights(len(rows), epoch, size), strict=True):
            key = draws.keys(epoch.seed, batch.pop("number"))
            yield {**batch, "key": key, "weight": weight}

    def validate(
        self, plan: Recipe, network: Matcher, held: Examples, log: Log | None
    ) -> dict[str, float]:
        """Loss, and the fraction of looks whose likeliest answer is right."""
        chances = evaluate.chances_of(network, held)
        network.eval()
        fits = [(r, c) for r, c in zip(held.right, chances, strict=True) if r.any()]
        return {
            "validation_loss": float(np.mean([-np.log(max(c[r].sum(), 1e-12)) for r, c in fits])),
            "validation_right": float(np.mean([r[c.argmax()] for r, c in fits])),
        }

    def measure(self, plan: Recipe, network: Matcher, held: Examples, folder: Path) -> Measured:
        """The benchmark's scores, and how often each kind of answer is right."""
        chances = evaluate.chances_of(network, held)
        created = report.score(held.measure(evaluate.predict(held, chances)))
        return Measured({**created, "answers": evaluate.by_kind(held, chances)})

    def describe(self, plan: Recipe, train: Examples, held: Examples) -> dict[str, Any]:
        """Videos and looks."""
        return {
            "split": plan.data.train_split,
            "videos": train.videos,
            "looks": len(train.scenes.looks),
            "held_out_videos": held.videos,
        }

    def fingerprint(self, items: Examples) -> Iterator[bytes]:
        """All that is annotated."""
        looks = items.scenes.looks
        yield "".join(looks.image).encode()
        for array in (looks.points_px, looks.head_xyxy, items.scenes.gaze, looks.speaks):
            yield np.ascontiguousarray(array).tobytes()


def hidden(batch: Mapping[str, Tensor], how: Training) -> dict[str, Tensor]:
    """The batch with some looks mirrored, some without speakers, some without directions.

    Which, the looks' keys say: processes that share a batch draw as one would.
    """
    person, option = batch["person"].clone(), batch["option"].clone()
    if how.mirror:
        flip = draws.uniform(draws.mixed(batch["key"], _MIRROR)) < 0.5
        for values, parity in ((person, inputs.PERSON_PARITY), (option, inputs.OPTION_PARITY)):
            values[flip] *= torch.from_numpy(parity).to(values)
    for number, fraction, names in (
        (_MUTE, how.mute, inputs.SPEECH),
        (_BLIND, how.blind, inputs.GAZE),
    ):
        gone = draws.uniform(draws.mixed(batch["key"], number)) < fraction
        for values, features in ((person, inputs.PERSON), (option, inputs.OPTION)):
            kept = torch.ones(len(features), device=person.device)
            kept[torch.from_numpy(inputs.columns(features, names))] = 0
            values[gone] *= kept
    return {**batch, "person": person, "option": option}


def _collate(numbered: list[tuple[int, Row]]) -> Batch:
    """A batch with the places of its looks among all, `number`."""
    numbers, looks = zip(*numbered, strict=True)
    return {**data.collate(looks), "number": torch.tensor(numbers)}


TASK = MatcherTask()
run: Train = TASK.run
