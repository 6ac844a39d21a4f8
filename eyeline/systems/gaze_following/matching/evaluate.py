"""The matcher on annotated looks, and what needs no training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline import files
from eyeline.errors import DataError, UsageError
from eyeline.evaluation import metrics
from eyeline.evaluation.report import Figures, Report
from eyeline.geometry import boxes
from eyeline.log import Log
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following import predictions, report
from eyeline.systems.gaze_following.matching import data, gains, match, rules, slope
from eyeline.systems.gaze_following.matching.data import Examples
from eyeline.systems.gaze_following.matching.match import Matched
from eyeline.systems.gaze_following.matching.rules import Slope
from eyeline.systems.gaze_following.measures import Maps
from eyeline.systems.gaze_following.predictions import NOBODY, OFF_SCREEN, Predictions
from eyeline.training import sharing
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from eyeline.systems.gaze_following.matching.model import Matcher

REPORT, TABLE = "report.json", "predictions.csv"
BASELINES = ("nearest_object", "surest_object", "middle")
"""The nearest candidate or head, the candidate surest to the detector, the image's middle; never
candidates on the looker's own head."""


def run(
    weights: Path | str | None,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    split: str | None = "test.txt",
    slope_weights: Path | str | None = None,
    without: Path | str | None = None,
    samples: int = 200,
    devices: Devices | None = None,
) -> Report:
    """Score the matcher, with and without the speakers, against baselines.

    Args:
        weights: of a matcher.
        data_dir: see `data`.
        out_dir: gets `report.json` and `predictions.csv`; None writes nothing.
        log: receives figures.
        device: where the network runs, of one process.
        split: list of videos in the folder; None takes all.
        slope_weights: of the published regressor; adds the published rules to the baselines.
        without: of a matcher that never knew who speaks (`training.mute=1`), which stands for the
            looks without speakers; by default the same weights without them.
        samples: draws of the intervals.
        devices: several processes that share the looks; `device` is not heeded then.

    Returns:
        `pooled` and `interval`: see `report.score`; the former with `auc_of_all_answers`, that of
        heatmaps of all answers by their probabilities, not of the chosen point; `baselines`:
        figures by name; `gains`: see `gains.gains`; `speakers`: see `report.compare`, None where
        it is not known who speaks; `answers`: how often each kind of answer was right;
        `notes`: what the annotations lack. Empty in processes other than the first.

    Raises:
        UsageError: no weights.
        CheckpointError, DataError: as of what is read.
    """
    if weights is None:
        raise UsageError("no matcher ships with the package; give --weights")
    scenes = data.open_folder(data_dir, split=split)
    fabric = sharing.launched(devices)
    device = sharing.place(fabric, device)
    network = match.open_matcher(weights, device)
    examples = data.examples(scenes)
    if not len(examples):
        raise DataError(f"{data_dir} has no looks of people whose head is known")
    chances = chances_of(network, examples, fabric=fabric)
    muted = None
    if not np.isnan(scenes.looks.speaks).all():
        silent = network if without is None else match.open_matcher(without, device)
        muted = chances_of(silent, examples, mute=True, fabric=fabric)
    if not sharing.leads(fabric):
        sharing.end(fabric)
        return Report({})
    result = predict(examples, chances)
    compared = examples.measure(result)
    figures: Figures = {"weights": str(weights), "data": str(data_dir), "split": split}
    figures |= report.score(compared, samples=samples)
    figures["answers"] = by_kind(examples, chances)
    spread = examples.measure(result, heat=_heatmaps(examples, chances))
    figures["pooled"]["auc_of_all_answers"] = metrics.mean(spread.auc)
    guesses = {name: baseline(examples, name) for name in BASELINES}
    if slope_weights is not None:
        k = slope.read(slope_weights)
        guesses |= {f"{rule}_rule": by_rule(examples, rule, k) for rule in rules.RULES}
    figures["baselines"] = {
        name: report.summary(examples.measure(guess)) for name, guess in guesses.items()
    }
    figures["gains"] = gains.gains(result, guesses, examples, samples=samples)
    figures["speakers"] = None
    if muted is not None:
        apart = examples.measure(predict(examples, muted))
        figures["speakers"] = report.compare(compared, apart, samples=samples)
    figures["without"] = None if without is None else str(without)
    created = Report({**figures, "notes": [*scenes.looks.notes]})
    gained = report.difference_lines(created["gains"], gains.NAMES, "gain on {}")
    speakers = report.difference_lines(created["speakers"] or {})
    created.log(log, *report.lines(created), *gained, *speakers)
    if out_dir is not None:
        folder = files.made(Path(out_dir))
        created.write(folder / REPORT)
        predictions.write(folder / TABLE, result)
    sharing.end(fabric)
    return created


def chances_of(
    network: Matcher, examples: Examples, *, mute: bool = False, fabric: Fabric | None = None
) -> list[Floats]:
    """Probabilities of all answers of each look, see `match.answer`."""
    return match.answer(network, [*examples.person], [*examples.option], mute=mute, fabric=fabric)


def predict(examples: Examples, chances: list[Floats]) -> Predictions:
    """The most probable answers as predictions, rows as those of the examples."""
    looks, rows = examples.scenes.looks, examples.row.tolist()
    lookers = examples.looker.tolist()
    names = {
        (looks.image[row], looker): looks.person[row]
        for row, looker in zip(rows, lookers, strict=True)
    }
    point, chance, looked_at = [], [], []
    for i, matched in enumerate(_decided(examples, chances)):
        point.append(matched.point_px)
        chance.append(matched.in_frame)
        name = OFF_SCREEN if matched.target == -2 else NOBODY
        looked_at.append(names.get((looks.image[rows[i]], matched.target), name))
    return examples.predictions(np.array(point), np.array(chance), looked_at)


def _decided(examples: Examples, chances: list[Floats]) -> list[Matched]:
    each = zip(examples.moment, examples.looker.tolist(), examples.among, chances, strict=True)
    return [match.decide(*one) for one in each]


def baseline(examples: Examples, name: str) -> Predictions:
    """The predictions of one of `BASELINES`; UsageError for another name."""
    if name not in BASELINES:
        raise UsageError(f"no baseline '{name}'; there are {', '.join(BASELINES)}")
    looks = examples.scenes.looks
    point, heads = looks.size_px[examples.row] / 2, looks.head_xyxy[examples.row]
    for i, among in enumerate(examples.among):
        centre = boxes.centre(among.box_xyxy)
        rank = np.linalg.norm(centre - boxes.centre(heads[i]), axis=1)
        if name == "surest_object":
            rank = np.where(among.person < 0, -among.score, np.inf)
        rank = np.where(boxes.contain(heads[i], centre), np.inf, rank)
        if name != "middle" and len(rank) and np.isfinite(rank).any():
            point[i] = centre[rank.argmin()]
    return examples.predictions(point)


def by_rule(examples: Examples, rule: str, regressor: Slope) -> Predictions:
    """The predictions of a published rule, which knows candidates only; UsageError for others."""
    if rule not in rules.RULES:
        raise UsageError(f"no rule '{rule}'; there are {', '.join(rules.RULES)}")
    point = np.full((len(examples), 2), np.nan)
    heads = examples.scenes.looks.head_xyxy[examples.row]
    for i, among in enumerate(examples.among):
        candidates = among.box_xyxy[among.person < 0]
        best = rules.RULES[rule](heads[i], candidates, regressor)
        if best is not None:
            point[i] = boxes.centre(candidates[best])
    return examples.predictions(point)


def _heatmaps(examples: Examples, chances: list[Floats]) -> Maps:
    """Of all answers of each look, by their probabilities."""
    decided = _decided(examples, chances)

    def of(at: Ints) -> Floats:
        heat = []
        for i in at.tolist():
            moment, looker = examples.moment[i], int(examples.looker[i])
            points = match.places(moment, looker, examples.among[i])
            heat.append(decided[i].heatmap(points, moment.size_px))
        return np.array(heat)

    return of


def by_kind(examples: Examples, chances: list[Floats]) -> Figures:
    """How many looks there are of each kind, and how often the most probable answer was right.

    A look counts as `option`, `off_screen` or `own_lap` by its right answers; `unfit` ones have
    none and are not trained on.
    """
    hits: dict[str, list[bool]] = {"option": [], "off_screen": [], "own_lap": [], "unfit": []}
    for right, chance in zip(examples.right, chances, strict=True):
        kind = "off_screen" if right[-2] else "own_lap" if right[-1] else "option"
        hits[kind if right.any() else "unfit"].append(bool(right[chance.argmax()]))
    unfit = len(hits.pop("unfit"))
    figures = {
        k: {"looks": len(h), "right": float(np.mean(h)) if h else None} for k, h in hits.items()
    }
    return {**figures, "unfit": unfit}
