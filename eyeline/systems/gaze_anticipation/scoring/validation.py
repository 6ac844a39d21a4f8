"""What is measured after an epoch: the loss and the scores on clips that were held out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from eyeline.results import Floats
from eyeline.systems.gaze_anticipation import report
from eyeline.systems.gaze_anticipation.data import Clips
from eyeline.systems.gaze_anticipation.loss import map_divergence
from eyeline.systems.gaze_anticipation.model import GazeAnticipation, heatmaps
from eyeline.systems.gaze_anticipation.report import FIXATIONS
from eyeline.systems.gaze_anticipation.scoring import levels
from eyeline.systems.gaze_anticipation.scoring.answers import peaks
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator
from eyeline.systems.gaze_anticipation.scoring.truth import asked
from eyeline.systems.gaze_anticipation.windows.spatial import View


def scores(
    network: GazeAnticipation, held: Clips, *, batch: int = 8, workers: int = 0
) -> dict[str, float]:
    """Scores of a network as it stands.

    Args:
        network: in evaluation mode, on its device.
        held: clips of its sizes.
        batch: clips that are read and seen together.
        workers: processes that read clips.

    Returns:
        `validation_loss`, the divergence of the maps, of all frames; of fixations
        `validation_f1`, the adaptive one of `report.adaptive`, `validation_auc` and
        `validation_l2`. Those that are not defined are left out.
    """
    rows = asked(held)
    evaluator = Evaluator(rows.truth, network.side // 4)
    accumulator, apart, done = evaluator.accumulator(), 0.0, 0
    device = next(network.parameters()).device
    for part in DataLoader(held, batch_size=batch, num_workers=workers):
        with torch.no_grad():
            maps = heatmaps(network(part["clip"].to(device), part["audio"].to(device)).logits).cpu()
        apart += float(map_divergence(maps, part["heatmap"])) * len(maps)
        flat, slots = _flat(maps), maps.shape[1]
        at = slice(done * slots, (done + len(maps)) * slots)
        xy = _in_images(peaks(flat)[0], rows.views[done : done + len(maps)])
        evaluator.add(accumulator, at, levels.levels(levels.rescaled(flat)), xy)
        done += len(maps)
    means = accumulator.means(FIXATIONS)
    adapted = report.adaptive(means, levels.sweep(held.dataset, held.task))
    predictions: dict[str, Any] = {
        "loss": apart / done, "f1": adapted["f1"], "auc": means.auc, "l2": means.distance,
    }  # fmt: skip
    return {f"validation_{k}": float(v) for k, v in predictions.items() if math.isfinite(v)}


def _flat(maps: Tensor) -> Floats:
    """`(clip, slot, row, column)` to `(clip * slot, row, column)`."""
    return np.asarray(maps.flatten(0, 1).numpy())


def _in_images(square: Floats, views: list[View]) -> Floats:
    """Places `(clip * slot, 2)` as shares of the images."""
    each = np.split(square.astype(np.float64), len(views))
    return np.concatenate([view.out_of(xy) for view, xy in zip(views, each, strict=True)])
