"""The matcher on annotated looks, beside what needs no training."""

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
from eyeline.systems.gaze_following import measures, predictions, report
from eyeline.systems.gaze_following.matching import data, gains, match, rules, slope
from eyeline.systems.gaze_following.matching.data import Examples, Scenes
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from eyeline.systems.gaze_following.measures import Maps, Measures
from eyeline.systems.gaze_following.predictions import NOBODY, OFF_SCREEN, Predictions
from eyeline.training import sharing
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from eyeline.systems.gaze_following.matching.model import Matcher

REPORT, TABLE = "report.json", "predictions.csv"
BASELINES = ("nearest_object", "surest_object", "middle")
"""The nearest candidate or head, the candidate surest to the detector, the image's middle; never
what was found on the looker's own head."""


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
            looks without speakers; by default the same weights are not told of them.
        samples: draws of the intervals.
        devices: several processes that share the looks; `device` is not heeded then.

    Returns:
        `pooled` and `interval`: see `report.score`; the former with `auc_of_all_answers`, that of
        heatmaps of all answers by their probabilities, not of the chosen point; `baselines`:
        figures by name; `gains`: see `gains.gains`; `speakers`: see `report.compare`, None where
        it is not told who speaks; `answers`: how often each kind of answer was right;
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
    result = predict(scenes, examples, chances)
    compared = measure(result, scenes, examples)
    figures: Figures = {"weights": str(weights), "data": str(data_dir), "split": split}
    figures |= report.score(compared, samples=samples)
    figures["answers"] = by_kind(examples, chances)
    spread = measure(result, scenes, examples, heat=_heatmaps(scenes, examples, chances))
    figures["pooled"]["auc_of_all_answers"] = metrics.mean(spread.auc)
    guesses = {name: baseline(scenes, examples, name) for name in BASELINES}
    if slope_weights is not None:
        k = slope.read(slope_weights)
        guesses |= {f"{rule}_rule": by_rule(scenes, examples, rule, k) for rule in rules.RULES}
    figures["baselines"] = {
        name: report.summary(measure(guess, scenes, examples)) for name, guess in guesses.items()
    }
    figures["gains"] = gains.gains(result, guesses, scenes, examples, samples=samples)
    figures["speakers"] = None
    if muted is not None:
        apart = measure(predict(scenes, examples, muted), scenes, examples)
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


def predict(scenes: Scenes, examples: Examples, chances: list[Floats]) -> Predictions:
    """The answers as predictions, rows as those of the examples."""
    moments, image, person = scenes.moments()
    point, chance, looked_at = [], [], []
    pairs = zip(image.tolist(), person.tolist(), strict=True)
    rows_of = {pair: row for row, pair in enumerate(pairs)}  # of each head in each image
    for i, row in enumerate(examples.row.tolist()):
        moment = moments[image[row]]
        one = match.decide(moment, int(person[row]), examples.among[i], chances[i])
        point.append(one.point_px)
        chance.append(one.in_frame)
        name = OFF_SCREEN if one.target == -2 else NOBODY
        if one.target >= 0:
            name = scenes.looks.person[rows_of[int(image[row]), one.target]]
        looked_at.append(name)
    return _made(scenes, examples.row, np.array(point), np.array(chance), looked_at)


def baseline(scenes: Scenes, examples: Examples, name: str) -> Predictions:
    """The answers of one of `BASELINES`.

    Raises:
        UsageError: another name.
    """
    if name not in BASELINES:
        raise UsageError(f"no baseline '{name}'; there are {', '.join(BASELINES)}")
    point = scenes.looks.size_px[examples.row] / 2
    heads = scenes.looks.head_xyxy[examples.row]
    origin = boxes.centre(heads)
    for i, among in enumerate(examples.among):
        centre = boxes.centre(among.box_xyxy)
        rank = np.linalg.norm(centre - origin[i], axis=1)
        if name == "surest_object":
            rank = np.where(among.person < 0, -among.score, np.inf)
        rank = np.where(boxes.contain(heads[i], centre), np.inf, rank)
        if name != "middle" and len(rank) and np.isfinite(rank).any():
            point[i] = centre[rank.argmin()]
    return _made(scenes, examples.row, point)


def by_rule(scenes: Scenes, examples: Examples, rule: str, regressor: SlopeMlp) -> Predictions:
    """The answers of one of the published rules, which know candidates only.

    Raises:
        UsageError: no such rule.
    """
    if rule not in rules.RULES:
        raise UsageError(f"no rule '{rule}'; there are {', '.join(rules.RULES)}")
    point = np.full((len(examples), 2), np.nan)
    for i, row in enumerate(examples.row.tolist()):
        among = examples.among[i]
        candidates = among.box_xyxy[among.person < 0]
        best = rules.RULES[rule](scenes.looks.head_xyxy[row], candidates, regressor)
        if best is not None:
            point[i] = boxes.centre(candidates[best])
    return _made(scenes, examples.row, point)


def measure(
    predicted: Predictions, scenes: Scenes, examples: Examples, heat: Maps | None = None
) -> Measures:
    """Compare answers with the truth of the same looks."""
    return measures.measure(predicted, scenes.looks, rows=examples.row, heat=heat)


def _heatmaps(scenes: Scenes, examples: Examples, chances: list[Floats]) -> Maps:
    """Of all answers of each look, by their probabilities."""
    moments, image, person = scenes.moments()

    def of(at: Ints) -> Floats:
        heat = []
        for i in at.tolist():
            row = int(examples.row[i])
            moment, looker, among = moments[image[row]], int(person[row]), examples.among[i]
            one = match.decide(moment, looker, among, chances[i])
            heat.append(one.heatmap(match.places(moment, looker, among), moment.size_px))
        return np.array(heat)

    return of


def by_kind(examples: Examples, chances: list[Floats]) -> Figures:
    """How many looks there are of each kind, and how often the most probable answer was right.

    A look counts as `option`, `off_screen` or `own_lap` by its right answers; `unfit` ones have
    none and are not examples.
    """
    counts: dict[str, list[bool]] = {"option": [], "off_screen": [], "own_lap": []}
    unfit = 0
    for right, chance in zip(examples.right, chances, strict=True):
        if not right.any():
            unfit += 1
            continue
        kind = "off_screen" if right[-2] else "own_lap" if right[-1] else "option"
        counts[kind].append(bool(right[chance.argmax()]))
    return {
        **{
            kind: {"looks": len(hits), "right": float(np.mean(hits)) if hits else None}
            for kind, hits in counts.items()
        },
        "unfit": unfit,
    }


def _made(
    scenes: Scenes,
    rows: Ints,
    point: Floats,
    in_frame: Floats | None = None,
    looked_at: list[str] | None = None,
) -> Predictions:
    looks = scenes.looks
    return predictions.made(
        [looks.image[row] for row in rows.tolist()],
        point,
        head_xyxy=looks.head_xyxy[rows],
        in_frame=in_frame,
        looked_at=looked_at,
        person=[looks.person[row] for row in rows.tolist()],
    )
