"""Scores of a weights file: of the detector COCO's average precision, of the matcher the looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from eyeline.bounds import Count, Whole
from eyeline.errors import UsageError
from eyeline.evaluation.report import Report
from eyeline.log import Log
from eyeline.systems.gaze_following.train import BUILDERS
from eyeline.training.devices import Devices

ALL = "all"
"""For a split: all videos."""

_OPTIONS = {
    "mask_rcnn": ("split", "fusion", "masks", "proposals", "short_px"),
    "matcher": ("split", "without", "slope_weights", "samples"),
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
    devices: Devices | None = None,
) -> Report:
    """Scores of a weights file on annotated data; which network it holds, it says itself.

    What is None is as that network's own evaluation has it. Of the matcher the table of what the
    speaker cue changes is always told and returned as `speakers`.

    Args:
        weights: of `mask_rcnn` or of `matcher`.
        data_dir: for the former as of `detector.data.open_split`, for the latter as of
            `matching.data`.
        out_dir: gets `report.json` and the predictions.
        log: receives progress and figures.
        device: where, of one process.
        split: of the detector such as `val2017`, of the matcher a list such as `test.txt`, or
            `all` for every video.
        fusion: of the detector, see `detector.evaluate.run`.
        masks: likewise.
        proposals: likewise.
        short_px: likewise.
        without: of the matcher, weights that never knew who speaks, see `matching.evaluate.run`.
        slope_weights: of the matcher, see there.
        samples: of the matcher, draws of the intervals.
        devices: several processes that share the work; `device` is not heeded then.

    Returns:
        The report of `detector.evaluate.run` or of `matching.evaluate.run`; empty in processes
        other than the first.

    Raises:
        CheckpointError: weights of something else.
        UsageError: an option that only the other network has.
        DataError, OutputError: for what is wrong with each.
    """
    from eyeline.training import checkpoint

    card = checkpoint.read_card(weights)
    checkpoint.check_builder(card, "gaze_following", BUILDERS, weights)
    given: dict[str, Any] = {
        "split": split,
        "fusion": fusion,
        "masks": masks,
        "proposals": proposals,
    }
    given |= {"short_px": short_px, "without": without, "slope_weights": slope_weights}
    given |= {"samples": samples}
    options = {name: value for name, value in given.items() if value is not None}
    known = _OPTIONS[card.builder]
    if others := [name for name in options if name not in known]:
        raise UsageError(
            f"{', '.join(others)}: no option for weights of {card.builder}, which takes "
            f"{', '.join(known)}"
        )
    if card.builder == "matcher":
        from eyeline.systems.gaze_following.matching import evaluate as chosen

        if split == ALL:
            options["split"] = None
    else:
        from eyeline.systems.gaze_following.detector import evaluate as chosen  # type: ignore[no-redef]
    return chosen.run(weights, data_dir, out_dir, log, device, devices=devices, **options)
