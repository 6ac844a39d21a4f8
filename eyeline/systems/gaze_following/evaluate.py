"""Scores of a weights file: of the detector COCO's average precision, of others the looks."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from eyeline.bounds import Count, Whole
from eyeline.errors import UsageError
from eyeline.evaluation.report import Report
from eyeline.log import Log
from eyeline.systems.gaze_following import train
from eyeline.training.devices import Devices

ALL = "all"
"""For a split: all videos."""

_OPTIONS = {
    "mask_rcnn": ("split", "fusion", "masks", "proposals", "short_px"),
    "matcher": ("split", "without", "slope_weights", "samples"),
    "gaze_lle": ("encoder", "part", "every", "samples"),
}


def run(
    weights: Path | str,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    split: str | None = None,
    fusion: str | None = None,
    masks: bool | None = None,
    proposals: Count | None = None,
    short_px: Annotated[int, Ge(32), Le(2**14)] | None = None,
    without: Path | None = None,
    slope_weights: Path | None = None,
    samples: Whole | None = None,
    encoder: Path | None = None,
    part: str | None = None,
    every: Count | None = None,
    devices: Devices | None = None,
) -> Report:
    """Scores of a weights file on annotated data, as of its network's own evaluation.

    Which network it holds, the file says. Options that are None are as that evaluation has them; a
    `split` of the matcher may be `all`. Of the matcher the table of what the speaker cue changes is
    always logged and returned as `speakers`. See `detector.evaluate.run` for `fusion`, `masks`,
    `proposals` and `short_px`, `matching.evaluate.run` for `without`, `slope_weights` and
    `samples`, `gaze_lle.evaluate.run` for `encoder`, `part` and `every`.

    Raises:
        CheckpointError: weights of something else.
        UsageError: an option that only another network has.
        DataError, OutputError: for what is wrong with each.
    """
    from eyeline.training import checkpoint

    card = checkpoint.read_card(weights)
    checkpoint.check_builder(card, "gaze_following", tuple(train.run.modules), weights)
    given: dict[str, Any] = {"split": split, "fusion": fusion, "masks": masks}
    given |= {"proposals": proposals, "short_px": short_px, "without": without}
    given |= {"slope_weights": slope_weights, "samples": samples}
    given |= {"encoder": encoder, "part": part, "every": every}
    options = {name: value for name, value in given.items() if value is not None}
    known = _OPTIONS[card.builder]
    if others := [name for name in options if name not in known]:
        raise UsageError(
            f"{', '.join(others)}: no option for weights of {card.builder}, which takes "
            f"{', '.join(known)}"
        )
    if card.builder == "matcher" and split == ALL:
        options["split"] = None
    chosen = import_module(train.run.modules[card.builder].replace(".train", ".evaluate"))
    report: Report = chosen.run(weights, data_dir, out_dir, log, device, devices=devices, **options)
    return report
