"""A network's outputs for clips, some at a time; and what is measured after an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from eyeline.errors import UsageError
from eyeline.log import Log
from eyeline.results import Floats, Image, Ints
from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.data import Clips
from eyeline.systems.gaze_anticipation.loss import map_divergence
from eyeline.systems.gaze_anticipation.model import GazeAnticipation, heatmaps
from eyeline.systems.gaze_anticipation.report import FIXATIONS
from eyeline.systems.gaze_anticipation.scoring import levels
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator
from eyeline.systems.gaze_anticipation.scoring.truth import targets_of
from eyeline.training import sharing

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Work:
    """How clips are gone through."""

    at_once: int = 8
    """Clips that are read and seen together."""
    workers: int = 0
    """Processes that read clips."""
    log: Log | None = None
    fabric: Fabric | None = None
    """Launched; its processes share the clips."""

    def __post_init__(self) -> None:
        if self.at_once < 1 or self.workers < 0:
            raise UsageError(
                f"at_once is {self.at_once}, workers {self.workers}; must be at least 1 and 0"
            )

    @property
    def leads(self) -> bool:
        """Whether this process has the outputs of all."""
        return sharing.leads(self.fabric)


@dataclass(frozen=True)
class Outputs:
    """Of neighbouring clips."""

    numbers: Ints
    """`(n,)` their places."""
    level: Image
    """`(n, slot, row, column)` levels of the maps, as of `levels.levels`."""
    square: Floats
    """`(n, slot, 2)` shares of the square: the map's largest cell."""
    probability: Floats
    """`(n, slot)` of that cell."""


def outputs_of(
    network: GazeAnticipation, clips: Clips, work: Work | None = None
) -> Iterator[Outputs]:
    """Outputs for all clips in their order; they have to be gone through to the end.

    The network is in evaluation mode, on its device, the clips' frames and squares are of its
    sizes. Of several processes the first one is given all outputs, the others none.
    """
    work = work or Work()
    count, size = len(clips), work.at_once
    parts = [np.arange(start, min(start + size, count)) for start in range(0, count, size)]

    def seen(own: range) -> Iterator[Outputs]:
        # each worker opens videos anew; a worker without a part would do so for nothing
        sampler, workers = [parts[n].tolist() for n in own], min(work.workers, len(own))
        read = DataLoader(clips, batch_sampler=sampler, num_workers=workers)
        for number, batch in zip(own, read, strict=True):
            yield _seen(network, parts[number], batch)

    for number, predictions in enumerate(sharing.shared(work.fabric, len(parts), seen)):
        if work.leads:
            yield predictions
        if work.log and work.leads and (number % 25 == 24 or number + 1 == len(parts)):
            work.log(f"{int(predictions.numbers[-1]) + 1} of {count} clips")


def peaks(maps: Floats) -> tuple[Floats, Floats]:
    """The largest cells of maps `(n, row, column)`: places `(n, 2)` as shares, and values `(n,)`.

    Labels are of the cell whose number is nearest to 64 times the share, so a cell's place is its
    number's share, not its middle.
    """
    flat = maps.reshape(len(maps), -1)
    at = flat.argmax(1)
    row, column = np.divmod(at, maps.shape[2])
    place = np.stack([column / maps.shape[2], row / maps.shape[1]], axis=1)
    return place, flat[np.arange(len(flat)), at]


def _seen(network: GazeAnticipation, numbers: Ints, batch: Any) -> Outputs:
    device = next(network.parameters()).device
    with torch.no_grad():
        logits = network(batch["clip"].to(device), batch["audio"].to(device)).logits
        predictions = heatmaps(logits).cpu().numpy()
    slots = predictions.shape[:2]
    maps = predictions.reshape(-1, *predictions.shape[-2:])
    place, value = peaks(maps)
    return Outputs(
        numbers,
        levels.levels(levels.rescaled(maps)).reshape(predictions.shape),
        place.astype(np.float32).reshape(*slots, 2),
        value.astype(np.float32).reshape(slots),
    )


def scores(
    network: GazeAnticipation, clips: Clips, *, batch: int = 8, workers: int = 0
) -> dict[str, float]:
    """Scores of a network, in evaluation mode and on its device, on clips of its sizes.

    `validation_loss`, the divergence of the maps, of all frames; of fixations `validation_f1`, the
    adaptive one of `report.adaptive`, `validation_auc` and `validation_l2`. Those that are not
    defined are left out.
    """
    rows = targets_of(clips)
    evaluator = Evaluator(rows.truth, network.side // 4)
    accumulator, apart, done = evaluator.accumulator(), 0.0, 0
    device = next(network.parameters()).device
    for part in DataLoader(clips, batch_size=batch, num_workers=workers):
        with torch.no_grad():
            maps = heatmaps(network(part["clip"].to(device), part["audio"].to(device)).logits).cpu()
        apart += float(map_divergence(maps, part["heatmap"])) * len(maps)
        flat, slots = np.asarray(maps.flatten(0, 1).numpy()), maps.shape[1]
        at = slice(done * slots, (done + len(maps)) * slots)
        squares = np.split(peaks(flat)[0].astype(np.float64), len(maps))
        views = rows.views[done : done + len(maps)]
        xy = np.concatenate([v.out_of(square) for v, square in zip(views, squares, strict=True)])
        evaluator.add(accumulator, at, levels.levels(levels.rescaled(flat)), xy)
        done += len(maps)
    means = accumulator.means(FIXATIONS)
    adapted = report.adaptive(means, levels.sweep(clips.dataset, clips.task))
    predictions: dict[str, Any] = {
        "loss": apart / done, "f1": adapted["f1"], "auc": means.auc, "l2": means.distance,
    }  # fmt: skip
    return {f"validation_{k}": float(v) for k, v in predictions.items() if math.isfinite(v)}
