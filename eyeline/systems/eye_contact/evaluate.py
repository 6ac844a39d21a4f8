"""How well eye contact is told: cross-validation over videos, published scores, calibration."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import DataError, UsageError
from eyeline.evaluation.report import Figures, Report
from eyeline.log import Log, prefixed
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.data import AnnotatedVideo
from eyeline.systems.eye_contact.decode import Calibration, Decoding, decode, fit_calibration
from eyeline.systems.eye_contact.recipe import Choices, Recipe
from eyeline.systems.eye_contact.report import IOU_LEVELS, Predicted, Sums, by_video, f1_name, score
from eyeline.systems.eye_contact.samples import Sample, open_videos, samples_of
from eyeline.systems.eye_contact.slices import kinds_of, slice_scores
from eyeline.systems.eye_contact.weights import ImageModel, Model, open_model
from eyeline.training import checkpoint, sharing
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor


@dataclass(frozen=True)
class Trained:
    """A trained network."""

    person_logits: Callable[[Iterable[Floats]], list[Floats]]
    """Features `(n, feature)` of all tracklets of one person in one video to uncalibrated log odds
    of contact `(n,)`; tracklets may correct each other."""
    state: Mapping[str, Tensor]
    """Its tensors, for a checkpoint."""


def train_network(
    samples: Sequence[Sample],
    recipe: Recipe,
    fabric: Fabric | None = None,
    *,
    seed: int = 0,
    log: Log | None = None,
) -> Trained:
    """Train the recipe's network on all samples, `seed` added to the recipe's so that folds differ.

    UsageError for a device other than one CPU with `landmarks_tcn`.
    """
    if recipe.builder == "ms_tcn2":
        from eyeline.systems.eye_contact.xgaze import fit

        segmenter = fit.fit_segmenter(samples, recipe, fabric, seed=seed, log=log)
        return Trained(
            lambda each: [fit.logits_of(segmenter, rows) for rows in each], segmenter.state_dict()
        )
    from eyeline.systems.eye_contact.landmarks.fit import fit_network, person_logits

    if fabric is not None and (fabric.device.type != "cpu" or fabric.world_size > 1):
        raise UsageError("landmarks_tcn trains on one CPU in minutes; leave out the device")
    network = fit_network(samples, recipe, seed=seed, log=log)
    return Trained(lambda each: person_logits(network, each), network.state_dict())


@dataclass(frozen=True)
class CrossValidation:
    """Predictions for every sample by networks that never saw its video."""

    logits: tuple[Floats, ...]
    """`(n,)` a sample, before calibration."""
    predicted: Predicted
    """Calibrated and decoded by what the other folds chose."""
    chosen: tuple[tuple[Calibration, Decoding], ...]
    """What the other folds chose for each fold."""


def run(
    weights: Path | str,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    devices: Devices | None = None,
) -> Report:
    """Scores of a weights file, of `landmarks_tcn` or `ms_tcn2`, on annotated videos.

    Args:
        weights: a checkpoint.
        data_dir: as `data.read_videos` takes it.
        out_dir: gets `report.json`, `predictions.csv` and a timeline against the annotation for
            each video.
        log: receives progress.
        device: for `ms_tcn2`, of one process.
        devices: several processes that share the videos; `device` is not heeded then.

    Returns:
        `score`'s report, with `seen_in_training`: how many of the videos the weights were trained
        on. Unless that is 0 the figures are no measure of new videos; `cross_validate` gives one.
        `notes`: what the annotations lack or leave out. Empty in processes other than the first.
    """
    checkpoint.read_card(weights)
    notes: list[str] = []
    videos = open_videos(data_dir, notes.append)
    fabric = sharing.launched(devices)
    log = log if sharing.leads(fabric) else None
    model = open_model(weights, sharing.place(fabric, device))
    if log:
        for note in notes:
            log(note)
    samples, logits = _predicted(model, videos, log, fabric)
    if not sharing.leads(fabric):
        sharing.end(fabric)
        return Report({})
    predicted = decoded(logits, model.calibration, model.decoding)
    trained_on = set(model.card.data.get("videos", ()))
    created = Report(
        {
            **score(samples, predicted),
            "slices": slice_scores(samples, predicted, kinds_of(videos)),
            "builder": model.card.builder,
            "seen_in_training": len(trained_on & set(by_video(samples))),
            "weights": Path(weights).name,
            "notes": notes,
        }
    )
    if out_dir is not None:
        from eyeline.systems.eye_contact import predictions, timeline

        folder = Path(out_dir)
        created.write(folder / "report.json")
        predictions.write_predictions(folder / "predictions.csv", samples, predicted)
        timeline.write_all(folder / "timelines", videos, samples, predicted)
    sharing.end(fabric)
    return created


def _predicted(
    model: Model | ImageModel,
    videos: Sequence[AnnotatedVideo],
    log: Log | None,
    fabric: Fabric | None,
) -> tuple[list[Sample], list[Floats]]:
    """The samples of all videos and their logits, a video at a time."""

    def of_videos(own: range) -> Iterator[tuple[list[Sample], list[Floats]]]:
        for number in own:
            samples = samples_of([videos[number]], builder=model.card.builder)
            yield samples, _by_person(model.person_logits, samples)

    samples: list[Sample] = []
    logits: list[Floats] = []
    for done, (some, result) in enumerate(sharing.shared(fabric, len(videos), of_videos), start=1):
        samples += some
        logits += result
        if log:
            log(f"{done} of {len(videos)} videos read")
    return samples, logits


def cross_validate(
    samples: Sequence[Sample], recipe: Recipe, log: Log | None = None, fabric: Fabric | None = None
) -> tuple[CrossValidation, Figures]:
    """Train on all folds but one, predict that one, for every fold; with `score`'s report.

    Calibration and decoding of a fold are chosen on the out-of-fold predictions of the other folds;
    the report has them under `chosen_by_fold`. Without a fabric it trains on the CPU.
    """
    logits = out_of_fold_logits(samples, recipe, log, fabric)
    validation = choose_by_fold(samples, logits, recipe.decoding)
    report = score(samples, validation.predicted)
    report["chosen_by_fold"] = [
        {"calibration": asdict(c), "decoding": asdict(d)} for c, d in validation.chosen
    ]
    return validation, report


def out_of_fold_logits(
    samples: Sequence[Sample], recipe: Recipe, log: Log | None = None, fabric: Fabric | None = None
) -> list[Floats]:
    """Logits `(n,)` of each sample by a network trained on the other folds."""
    folds = sorted({s.fold for s in samples})
    if len(folds) < 2:
        raise DataError(f"cross-validation needs two folds or more, the data has {len(folds)}")
    logits: list[Floats] = [np.zeros(0)] * len(samples)
    for fold in folds:
        others = [s for s in samples if s.fold != fold]
        named = prefixed(log, f"fold {fold}")
        trained = train_network(others, recipe, fabric, seed=1 + fold, log=named)
        own = [i for i, s in enumerate(samples) if s.fold == fold]
        result = _by_person(trained.person_logits, [samples[i] for i in own])
        for index, logit in zip(own, result, strict=True):
            logits[index] = logit
    return logits


def _by_person(
    person_logits: Callable[[Iterable[Floats]], list[Floats]], samples: Sequence[Sample]
) -> list[Floats]:
    """Logits of each sample, those of one video together, since they may correct each other."""
    logits: list[Floats] = [np.zeros(0)] * len(samples)
    for own in by_video(samples).values():
        result = person_logits(samples[i].features for i in own)
        for index, logit in zip(own, result, strict=True):
            logits[index] = logit
    return logits


def choose_by_fold(
    samples: Sequence[Sample], logits: Sequence[Floats], choices: Choices
) -> CrossValidation:
    """Calibrate and decode each fold by what fits the out-of-fold logits of the others best."""
    rules = {}
    for fold in sorted({s.fold for s in samples}):
        others = [i for i, s in enumerate(samples) if s.fold != fold]
        rules[fold] = choose([samples[i] for i in others], [logits[i] for i in others], choices)
    each = [decoded([x], *rules[s.fold]) for s, x in zip(samples, logits, strict=True)]
    joined = Predicted(
        tuple(logits),
        tuple(x for a in each for x in a.probability),
        tuple(x for a in each for x in a.states),
    )
    return CrossValidation(tuple(logits), joined, tuple(rules.values()))


def choose(
    samples: Sequence[Sample], logits: Sequence[Floats], choices: Choices
) -> tuple[Calibration, Decoding]:
    """The calibration of highest likelihood, and with it the decoding of highest score."""
    calibration = fit_calibration(
        np.concatenate(logits), np.concatenate([s.label for s in samples])
    )
    grid = itertools.product(choices.balance, choices.window_s, choices.switch_cost)
    options = [Decoding(*values) for values in grid]
    scores = [
        selection_score(samples, decoded(logits, calibration, option).states) for option in options
    ]
    return calibration, options[int(np.argmax(scores))]


def selection_score(samples: Sequence[Sample], states: Sequence[Ints]) -> float:
    """What the decoding is chosen by: the mean of accuracy, edit score and the three F1."""
    sums = Sums.of(samples, states)
    whole = sums.scores(np.arange(len(sums.frames)))
    parts = [whole["accuracy"], whole["edit"], *(whole[f1_name(k)] for k in IOU_LEVELS)]
    return float(np.mean(parts))


def decoded(logits: Sequence[Floats], calibration: Calibration, decoding: Decoding) -> Predicted:
    """Probabilities and states from uncalibrated log odds `(n,)` of each tracklet."""
    return Predicted(
        tuple(logits),
        tuple(calibration.probability(x) for x in logits),
        tuple(decode(calibration.log_odds(x), decoding) for x in logits),
    )
