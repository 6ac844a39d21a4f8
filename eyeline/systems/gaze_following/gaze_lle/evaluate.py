"""Encoder and decoder on annotated looks, by the protocols of the data sets."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from eyeline import files, pool
from eyeline.errors import UsageError
from eyeline.evaluation import tables
from eyeline.evaluation.report import Figures, Report
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.systems.gaze_following import measures, predictions, report, score, social
from eyeline.systems.gaze_following.gaze_lle.data import Looks, open_looks
from eyeline.systems.gaze_following.gaze_lle.infer import AT_ONCE, look
from eyeline.systems.gaze_following.gaze_lle.weights import (
    DECODER,
    ENCODER,
    SYSTEM,
    Pair,
    load_pair,
)
from eyeline.systems.gaze_following.predictions import Predictions
from eyeline.training.devices import Devices, for_answers
from eyeline.weights_folder import placed

REPORT, TABLE, HEATMAPS = "report.json", "predictions.csv", "heatmaps.npy"


class Predicted(NamedTuple):
    """Predictions, and the heatmaps that they are the peaks of."""

    looks: Predictions
    heatmap: Floats
    """`(n, rows, columns)`."""


def run(
    weights: Path | str,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    encoder: Path | str | None = None,
    part: str = "test",
    every: int = 1,
    samples: int = 200,
    devices: Devices | None = None,
) -> Report:
    """Score a decoder on GazeFollow, VideoAttentionTarget or ChildPlay.

    Args:
        weights: of `gaze_lle`.
        data_dir: the data set with its images.
        out_dir: gets `report.json`, `predictions.csv` and `heatmaps.npy`; None writes nothing.
        log: receives figures.
        device: where the networks run.
        encoder: weights of `dinov2`; by default those in the folder of weights.
        part: of the data set.
        every: of each video one image in so many is taken; as published all are.
        samples: draws of the intervals.
        devices: one only.

    Returns:
        As of `scores`, with what was scored. The published L2 is `l2_average_cells`, for
        GazeFollow with `l2_minimum_cells`.

    Raises:
        UsageError: no encoder, or several devices.
        CheckpointError, DataError: as of what is read.
    """
    if pool.is_cluster() or (devices is not None and devices.count > 1):
        raise UsageError(
            f"{SYSTEM}/{DECODER} is evaluated on one device; leave out --devices and --engine"
        )
    encoder = encoder or placed(SYSTEM, f"{ENCODER}.safetensors")
    if encoder is None:
        raise UsageError(
            "no encoder: --set encoder=FILE with weights of dinov2, or eyeline download "
            "dinov2_vitb14"
        )
    pair = load_pair(weights, encoder, device)
    looks = open_looks(data_dir, part, in_out=pair.in_out, every=every)
    result = predict(pair, looks)
    protocol = "gazefollow" if score.is_gazefollow(Path(data_dir)) else "attention_target"
    head = {"weights": str(weights), "encoder": str(encoder), "data": str(data_dir), "part": part}
    figures = scores(result, looks, protocol, samples=samples)
    created = Report({**head, "protocol": protocol, **figures, "notes": [*looks.known.notes]})
    created.log(log, *report.lines(created), *social.lines(created["social"]))
    if out_dir is not None:
        folder = files.made(Path(out_dir))
        created.write(folder / REPORT)
        predictions.write(folder / TABLE, result.looks)
        with files.replacing(folder / HEATMAPS) as path, path.open("wb") as file:
            np.save(file, result.heatmap)
    return created


def predict(pair: Pair, looks: Looks) -> Predicted:
    """Where all people look; each image passes through the encoder once."""
    images = list(tables.groups(looks.known.image).values())
    at_once = AT_ONCE[pair.device.type]
    cells = 2 * pair.grid
    heat = np.zeros((len(looks), cells, cells), np.float32)
    inside = np.full(len(looks), np.nan)
    for start in range(0, len(images), at_once):
        rows = images[start : start + at_once]
        shown = [looks.image(int(own[0])) for own in rows]
        with for_answers():
            outputs = look(pair, shown, [looks.heads_norm(own) for own in rows])
        for own, one in zip(rows, outputs, strict=True):
            heat[own], inside[own] = one.heatmap, one.in_frame
    known = looks.known
    peak = heat.reshape(len(heat), -1).argmax(axis=1)
    centre = (np.stack([peak % cells, peak // cells], axis=1) + 0.5) / cells * known.size_px
    result = predictions.predictions_of(
        known.image, centre, head_xyxy=known.head_xyxy, in_frame=inside, person=known.person
    )
    return Predicted(result, heat)


def scores(result: Predicted, looks: Looks, protocol: str, *, samples: int = 0) -> Figures:
    """The field's point metrics as of `report.score`, and `social` as of `social.score`."""
    known = looks.known
    measured = measures.measure(result.looks, known, protocol=protocol, heat=result.heatmap)
    figures = report.score(measured, samples=samples)
    figures["social"] = social.score(result.looks, known, heat=result.heatmap, samples=samples)
    return figures
