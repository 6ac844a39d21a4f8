"""Training on contact without annotators: labels from clusters, then rounds on the network's own.

The first round learns what the gaze points' clusters say (-1 where they say nothing). Every later
one starts a fresh network on what the network before it says of all tracklets, as published
(paper, section 3.3; the published command is `--stack --mse`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.documents import read_npz
from eyeline.errors import DataError
from eyeline.evaluation import metrics
from eyeline.log import Log, prefixed
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.data import FeatureFile
from eyeline.systems.eye_contact.discovery.pseudo_labels import LIST
from eyeline.systems.eye_contact.discovery.sources import videos_root
from eyeline.systems.eye_contact.loss import IGNORED
from eyeline.systems.eye_contact.recipe import Recipe
from eyeline.systems.eye_contact.report import IOU_LEVELS, f1_name
from eyeline.systems.eye_contact.samples import Sample
from eyeline.systems.eye_contact.tracklets import ListRow, read_list, tracklet_folder

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import nn

Save = Callable[[Path, "nn.Module", Mapping[str, Any]], None]
"""Writes a network to a file, with what is known of it."""


@dataclass(frozen=True)
class Split:
    """The tracklets of a prepared folder."""

    train: list[Sample]
    validation: list[Sample]
    """The last part of the list."""

    @property
    def everything(self) -> list[Sample]:
        """In the order of the list."""
        return [*self.train, *self.validation]

    def relabelled(self, labels: Sequence[Ints]) -> Split:
        """The same with other labels, in the order of `everything`."""
        fresh = [replace(s, label=y) for s, y in zip(self.everything, labels, strict=True)]
        return Split(fresh[: len(self.train)], fresh[len(self.train) :])


def open_split(root: Path, recipe: Recipe) -> Split:
    """The prepared tracklets with their labels from clusters; `recipe.data` says how it is split.

    `root` is as `eyeline prepare` leaves it, after `discovery.pseudo_labels.run`, or what holds it
    as `randomVox`. DataError names the file that is missing or does not fit.
    """
    root = videos_root(root)
    rows = read_list(root / LIST)
    samples = [_sample(root, row) for row in rows]
    cut = int((1 - recipe.data.validation_fraction) * len(samples))
    if not 0 < cut < len(samples):
        raise DataError(
            f"{root / LIST} lists {len(samples)} tracklets, too few to set "
            f"{recipe.data.validation_fraction:.0%} of them apart"
        )
    return Split(samples[:cut], samples[cut:])


def run_rounds(
    split: Split,
    recipe: Recipe,
    out_dir: Path,
    fabric: Fabric,
    *,
    label_with: Callable[[Floats], Floats] | None = None,
    save: Save | None = None,
    log: Log | None = None,
) -> tuple[nn.Module, list[dict[str, Any]]]:
    """All rounds, resuming from what `out_dir` holds of them.

    Args:
        split: what to train on, with labels from clusters.
        recipe: of network `ms_tcn2`.
        out_dir: gets a folder a round with its log, its weights and the labels that it gave.
        fabric: launched.
        label_with: features to log odds of a network that gives the labels of the first round
            instead of the clusters.
        save: called on the first process with `round_N/ms_tcn2.safetensors` and the network of the
            round, and with `round_N/epoch_K.safetensors` as the recipe's `save_every` asks.
        log: called with a line an epoch.

    Returns:
        The network of the last round, in evaluation mode, and an entry a round: its epochs, the
        fraction of contact in its labels, and how many labels its predictions change.
    """
    from eyeline.systems.eye_contact.xgaze.fit import fit_segmenter, logits_of
    from eyeline.training.loop import LOG

    if label_with is not None:
        split = split.relabelled([_states(label_with(s.features)) for s in split.everything])
    entries: list[dict[str, Any]] = []
    network: nn.Module | None = None
    for number in range(recipe.training.rounds):
        folder = out_dir / f"round_{number}"
        network = fit_segmenter(
            split.train,
            recipe,
            fabric,
            seed=number,
            folder=folder,
            identity=_identity(split, recipe, number),
            validate=_validate(split.validation, folder, recipe.training.save_every, save),
            log=prefixed(log, f"round {number + 1} of {recipe.training.rounds}"),
        )
        states = fabric.broadcast(
            [_states(logits_of(network, s.features)) for s in split.everything]
        )
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
        epochs = [json.loads(line) for line in lines]
        entries.append({"round": number, **_label_counts(split, states), "epochs": epochs})
        if save and fabric.is_global_zero:
            save(folder / f"{recipe.builder}.safetensors", network, summary(entries)[-1])
        split = split.relabelled(states)
    assert network is not None, "a recipe has one round or more"
    return network, entries


def forget_states(out_dir: Path, recipe: Recipe) -> None:
    """Remove what only a run that is not finished needs."""
    from eyeline.training.loop import forget

    for number in range(recipe.training.rounds):
        forget(out_dir / f"round_{number}")


def _sample(root: Path, row: ListRow) -> Sample:
    folder = tracklet_folder(root, row.celebrity, row.video)
    path = folder / f"{row.tracklet}.npz"
    labels = folder / "processed" / f"pl_{path.name}"
    try:
        label = np.asarray(read_npz(labels, ("label",))["label"], np.int64)
    except (DataError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{labels}: no labels of a tracklet ({error})") from error
    if (frames := row.end - row.start) != len(label):
        raise DataError(f"{labels}: {len(label)} labels, the list says {frames} frames")
    name, features = f"{row.celebrity}_{row.video}", FeatureFile(path, len(label))
    return Sample(name, 0, features, np.minimum(label, 1), None, row.tracklet, row.start)


def _states(logits: Floats) -> Ints:
    return (logits > 0).astype(np.int64)


def _validate(
    samples: Sequence[Sample], folder: Path, save_every: int, save: Save | None
) -> Callable[[nn.Module, int], dict[str, float]]:
    from eyeline.systems.eye_contact.xgaze.fit import logits_of

    def validate(network: nn.Module, epoch: int) -> dict[str, float]:
        states = [_states(logits_of(network, s.features)) for s in samples]
        scores = validation_scores(samples, states)
        if save and save_every and (epoch + 1) % save_every == 0:
            save(folder / f"epoch_{epoch + 1}.safetensors", network, {"epoch": epoch, **scores})
        return scores

    return validate


def validation_scores(samples: Sequence[Sample], states: Sequence[Ints]) -> dict[str, float]:
    """Agreement of predictions with labels that may say nothing.

    Accuracy is over labelled frames; for edit score and F1 of segments what has no label takes the
    prediction, as published.
    """
    labels = [s.label for s in samples]
    filled = [np.where(y == IGNORED, p, y) for y, p in zip(labels, states, strict=True)]
    known = np.concatenate(labels) != IGNORED
    right = (np.concatenate(labels) == np.concatenate(states))[known]
    scores = {"validation_accuracy": float(right.mean())} if known.any() else {}
    edits = [metrics.edit_score(y, p) for y, p in zip(filled, states, strict=True)]
    scores["validation_edit"] = float(np.mean(edits))
    for level in IOU_LEVELS:
        counts = [metrics.segment_matches(y, p, level) for y, p in zip(filled, states, strict=True)]
        f1 = metrics.f1_from_counts(*np.sum(counts, axis=0))
        scores[f"validation_{f1_name(level)}"] = f1
    return scores


def _label_counts(split: Split, states: Sequence[Ints]) -> dict[str, float]:
    label, state = np.concatenate([s.label for s in split.everything]), np.concatenate(states)
    known = label != IGNORED
    return {
        "labelled": float(known.mean()),
        "contact_in_labels": float(label[known].mean()) if known.any() else 0.0,
        "contact_in_answers": float(state.mean()),
        "changed": float((state != label)[known].mean()) if known.any() else 0.0,
    }


def _identity(split: Split, recipe: Recipe, number: int) -> str:
    """A hash of the recipe, of the tracklets and of the labels of this round."""
    digest = hashlib.sha256(json.dumps([recipe.as_dict(), number], sort_keys=True).encode())
    for sample in split.everything:
        digest.update(f"{sample.video}/{sample.tracklet}/{sample.start_frame}".encode())
        digest.update(sample.label.astype(np.int8).tobytes())
    return digest.hexdigest()


def summary(rounds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rounds without their epochs but the last."""
    return [
        {**{k: v for k, v in entry.items() if k != "epochs"}, **entry["epochs"][-1]}
        for entry in rounds
    ]
