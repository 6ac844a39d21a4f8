"""How well `gaze_from_afar` tells directions: the authors' protocol, and beside it a fair one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from eyeline.datasets import listed
from eyeline.errors import DataError
from eyeline.evaluation.report import Figures, Report
from eyeline.files import write_bytes
from eyeline.geometry.directions import angle
from eyeline.log import Log
from eyeline.systems.gaze_3d import answers, calibration, plots, report, splits
from eyeline.systems.gaze_3d.answers import Answers
from eyeline.systems.gaze_3d.data import Windows, open_split
from eyeline.training import sharing
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric

    from eyeline.systems.gaze_3d.model import Directions3D, GazeFromAfar, Recurrence

TEST_SPLIT = "gafa_test.txt"
PREDICTIONS = "predictions.csv"
PREDICTIONS_ORIGINAL = "predictions_original.csv"
"""With the recurrence along batches, which the authors' figures were measured with."""

AT_ONCE = 28
"""Frames that the branches see together."""


def run(
    weights: Path | str,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    split: str = TEST_SPLIT,
    devices: Devices | None = None,
) -> Report:
    """Scores of a weights file on the test sessions of a prepared data set.

    Args:
        weights: a checkpoint of `gaze_from_afar`.
        data_dir: as `eyeline prepare gaze_3d/gafa` leaves it, or the authors' preparation does.
        out_dir: gets `report.json`, the predictions of both protocols, and images of the errors
            by yaw and of the concentrations' worth.
        log: receives progress.
        device: where, of one process.
        split: list of sessions.
        devices: several processes that share the work; `device` is not heeded then.

    Returns:
        `report.score`'s report of windows each alone, with `published` from the authors' protocol:
        recurrence along batches of 32 windows in their order. `calibrated` says whether the
        concentrations are; `seen_in_training` how many of the sessions the weights were trained
        on; `left_out` the windows without a crop or a direction. Empty in processes other than the
        first.

    Raises:
        CheckpointError, DataError, OutputError, UsageError: for what is wrong with each.
    """
    from eyeline.systems.gaze_3d.weights import load_gaze_from_afar
    from eyeline.training import checkpoint

    data_dir = Path(data_dir)
    sessions = splits.read(split, data_dir)
    card = checkpoint.read_card(weights)
    fabric = sharing.launched(devices)
    network = load_gaze_from_afar(weights, sharing.place(fabric, device))
    windows = open_test(data_dir, split, network.frames)
    answered = answer(network, windows, log if sharing.leads(fabric) else None, fabric=fabric)
    if not sharing.leads(fabric):
        sharing.end(fabric)
        return Report({})
    predictions = {name: as_answers(windows, d) for name, d in answered.items()}
    rescaling = calibration.from_settings(card.settings)
    mended = {name: calibrated(a, rescaling) for name, a in predictions.items()}
    truth = answers.truth_of(windows)
    figures = report.score(mended["independent"], truth)
    original = report.score(mended["original"], truth)
    figures |= {name: original[name] for name in ("published", "published_table")}
    figures["reliability_uncalibrated"] = (
        report.score(predictions["independent"], truth)["reliability"] if rescaling else None
    )
    figures |= {
        "calibrated": bool(rescaling),
        "windows": len(windows),
        "left_out": windows.left_out,
        "weights": Path(weights).name,
        "seen_in_training": len({*card.data.get("sessions", ())} & {*sessions}),
        "notes": [*listed.notes(data_dir, split)],
    }
    created = Report(figures)
    created.log(log)
    if out_dir is not None:
        folder = Path(out_dir)
        created.write(folder / "report.json")
        answers.write(folder / PREDICTIONS, mended["independent"])
        answers.write(folder / PREDICTIONS_ORIGINAL, mended["original"])
        write_images(folder, figures)
    sharing.end(fabric)
    return created


def open_test(data_dir: Path, split: str, frames: int) -> Windows:
    """Windows of a split's sessions, side by side; DataError where there is none."""
    windows = open_split(data_dir, splits.read(split, data_dir), frames, frames=frames)
    if not len(windows):
        raise DataError(
            f"the sessions of {split} in {data_dir} have no {frames} frames in a row, which a "
            "window of these weights has"
        )
    return windows


def answer(
    network: GazeFromAfar,
    windows: Windows,
    log: Log | None = None,
    *,
    batch: int = report.PUBLISHED_BATCH,
    workers: int = 0,
    fabric: Fabric | None = None,
) -> dict[Recurrence, Directions3D]:
    """What a network says of windows, with the recurrence of either kind; frames are seen once.

    Args:
        network: in evaluation mode, on its device.
        windows: in the order in which batches are made of them.
        log: receives progress.
        batch: windows along which the recurrence `original` runs.
        workers: processes that read crops.
        fabric: launched; its processes share the batches, and all get all answers.

    Returns:
        Directions `(window, time, 3)` and concentrations `(window, time)`, on the processor.
    """
    import torch
    from torch.utils.data import DataLoader

    from eyeline.systems.gaze_3d.model import Recurrence

    device = next(network.parameters()).device
    kinds: tuple[Recurrence, ...] = get_args(Recurrence)
    starts = range(0, len(windows), batch)

    def concluded(own: range) -> Iterator[list[Directions3D]]:
        parts = [[*range(s, min(s + batch, len(windows)))] for s in (starts[n] for n in own)]
        for part in DataLoader(windows, batch_sampler=parts, num_workers=workers):
            remembered = _remembered(network, part, device)
            yield [_on_cpu(network.conclude(remembered, recurrence=kind)) for kind in kinds]

    predictions: list[list[Directions3D]] = []
    with torch.no_grad():
        for part in sharing.shared(fabric, len(starts), concluded):
            predictions.append(part)
            if log and len(predictions) % 10 == 0:
                log(f"{min(len(predictions) * batch, len(windows))} of {len(windows)} windows")
    columns = zip(*predictions, strict=True)
    return {kind: _joined(list(parts)) for kind, parts in zip(kinds, columns, strict=True)}


def as_answers(windows: Windows, found: Directions3D) -> Answers:
    """As rows of a table."""
    named = found._asdict()
    return answers.of_windows(
        windows,
        {part: estimate.direction.double().numpy() for part, estimate in named.items()},
        {part: estimate.concentration.double().numpy() for part, estimate in named.items()},
    )


def calibrated(found: Answers, rescaling: Mapping[str, calibration.Rescaling]) -> Answers:
    """With the concentrations that a checkpoint's calibration makes of them."""
    kappa = {p: rescaling[p](v) if p in rescaling else v for p, v in found.concentration.items()}
    return Answers(found.recording, found.frame, found.first_frame, found.direction, kappa)


def fit_calibration(found: Answers, truth: Answers) -> dict[str, calibration.Rescaling]:
    """The rescaling of each part's concentrations under which the truth is most likely."""
    return {
        part: calibration.fit(kappa, angle(found.direction[part], truth.direction[part]))
        for part, kappa in found.concentration.items()
    }


def cross_fitted(found: Answers, truth: Answers) -> Answers:
    """Concentrations calibrated on the other half of the recordings; of one, on its other half."""
    names = {name: number for number, name in enumerate(dict.fromkeys(found.recording))}
    half = np.array([names[name] % 2 for name in found.recording])
    if len(names) == 1:
        half = (np.arange(len(found)) >= len(found) / 2).astype(np.int64)
    kappa = {part: values.copy() for part, values in found.concentration.items()}
    for side in (0, 1):
        own, other = np.flatnonzero(half == side), np.flatnonzero(half != side)
        rescaling = fit_calibration(found.rows(other), truth.rows(other))
        for part, values in kappa.items():
            values[own] = rescaling[part](found.concentration[part][own])
    return Answers(found.recording, found.frame, found.first_frame, found.direction, kappa)


def _remembered(network: GazeFromAfar, part: Any, device: torch.device) -> torch.Tensor:
    """What the LSTM over each window keeps `(batch, time, 64)`; frames seen some at a time."""
    import torch

    given = [part[name].flatten(0, 1) for name in ("clip", "head_mask", "body_motion")]
    pieces = zip(*(tensor.split(AT_ONCE) for tensor in given), strict=True)
    features = torch.cat([network.see(*(t.to(device) for t in piece)) for piece in pieces])
    kept: torch.Tensor = network.memory(features.reshape(len(part["clip"]), network.frames, -1))[0]
    return kept


def _on_cpu(found: Directions3D) -> Directions3D:
    from eyeline.systems.gaze_3d.model import Directions3D, Estimate

    return Directions3D(*(Estimate(*(tensor.float().cpu() for tensor in e)) for e in found))


def _joined(parts: list[Directions3D]) -> Directions3D:
    import torch

    from eyeline.systems.gaze_3d.model import Directions3D, Estimate

    return Directions3D(
        *(
            Estimate(*(torch.cat(tensors) for tensors in zip(*estimates, strict=True)))
            for estimates in zip(*parts, strict=True)
        )
    )


def write_images(folder: Path, made: Figures) -> None:
    """Write `errors_by_yaw.svg`, and `concentration.svg` where there is one."""
    title = f"Angular error of the gaze, {made['frames']} frames"
    image = plots.errors_by_yaw(made["yaw"], made["pooled"]["3d_all"], title)
    write_bytes(folder / "errors_by_yaw.svg", image.encode())
    kinds = {
        "calibrated" if made.get("calibrated") else "uncalibrated": made["reliability"],
        "before calibration": made.get("reliability_uncalibrated"),
    }
    drawn = {
        name: predictions["gaze"]
        for name, predictions in kinds.items()
        if predictions and "gaze" in predictions
    }
    if drawn:
        image = plots.reliability_diagram(drawn, "What the gaze's concentration is worth")
        write_bytes(folder / "concentration.svg", image.encode())


def mean_angle_deg(found: np.ndarray[Any, Any], label: np.ndarray[Any, Any]) -> float:
    """Of directions of any shape `(..., 3)`, each frame counted alike."""
    return float(np.rad2deg(angle(found.astype(np.float64), label.astype(np.float64)).mean()))
