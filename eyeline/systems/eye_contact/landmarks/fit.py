"""Training the members of `landmarks_tcn` on given samples, the same each time on a CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.landmarks.forward import agreed
from eyeline.systems.eye_contact.landmarks.inputs import PARITY
from eyeline.systems.eye_contact.landmarks.model import LandmarksTcn, TemporalNetwork, landmarks_tcn
from eyeline.systems.eye_contact.loss import IGNORED, segmentation_loss
from eyeline.systems.eye_contact.recipe import Crops, Recipe
from eyeline.systems.eye_contact.samples import Sample
from eyeline.training.devices import on_threads

if TYPE_CHECKING:
    from torch import Tensor

_FRAMES_AT_ONCE = 16_384  # eleven minutes: hours of one track stay small in memory


def fit_network(
    samples: Sequence[Sample], recipe: Recipe, *, seed: int = 0, log: Log | None = None
) -> LandmarksTcn:
    """Train all members of a network on all of the samples; `seed` is added to the recipe's."""
    if not samples:
        raise DataError("no samples to train on")
    with _one_thread(recipe.training.seed + seed):
        network = landmarks_tcn(**recipe.arguments)
        for number, member in enumerate(network.members, start=1):
            rng = np.random.default_rng([recipe.training.seed, seed, number])
            assert isinstance(member, TemporalNetwork)
            loss = fit_member(member, samples, recipe, rng)
            if log:
                log(f"member {number} of {len(network.members)}, last loss {loss:.3f}")
    return network.eval()


def fit_member(
    member: TemporalNetwork, samples: Sequence[Sample], recipe: Recipe, rng: np.random.Generator
) -> float:
    """Train one member; the mean loss of its last tenth of the steps."""
    how, rule = recipe.training, recipe.optimizer
    member.normalise_by(*_moments(samples))
    frames = sum(len(s) for s in samples)
    steps = max(2, how.epochs * -(-frames // (how.crop_frames * how.batch_size)))
    optimizer = torch.optim.AdamW(
        member.parameters(), rule.learning_rate, weight_decay=rule.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rule.learning_rate, total_steps=steps, pct_start=rule.warm_up
    )
    member.train()
    losses = []
    for features, label, mask in _batches(samples, how, steps, rng):
        logits = member(features, mask[:, None])
        loss = segmentation_loss(logits[None], label, mask=mask, **recipe.loss)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(member.parameters(), rule.clip_norm)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return float(np.mean(losses[-max(1, steps // 10) :]))


def logits_of(network: LandmarksTcn, features: Floats) -> Floats:
    """Log odds `(n,)` of one track from its features `(n, feature)`; NaN rows are not allowed."""
    out = np.zeros(len(features), np.float64)
    with _one_thread(), torch.inference_mode():
        for start in range(0, len(features), _FRAMES_AT_ONCE):
            low, stop = max(0, start - network.reach), start + _FRAMES_AT_ONCE
            part = np.array(features[low : stop + network.reach].T, np.float32, order="C")
            logits = network(torch.from_numpy(part)[None])[0].double().numpy()
            out[start:stop] = logits[start - low :][:_FRAMES_AT_ONCE]
    return out


def person_logits(network: LandmarksTcn, features: Iterable[Floats]) -> list[Floats]:
    """`logits_of` all tracks of one person in one video, as `agreement.agreed` corrects them."""
    each = list(features)
    return agreed([logits_of(network, rows) for rows in each], each)


def _batches(
    samples: Sequence[Sample], how: Crops, steps: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Features, labels and mask of crops of tracklets, padded to one length."""
    length = np.array([len(s) for s in samples], np.float64)
    shape = how.batch_size, how.crop_frames
    for _ in range(steps):
        features = torch.zeros(how.batch_size, samples[0].features.shape[1], how.crop_frames)
        label, mask = torch.full(shape, IGNORED), torch.zeros(shape)
        drawn = rng.choice(len(samples), how.batch_size, p=length / length.sum())
        for row, index in enumerate(drawn):
            rows, labels = _crop(samples[index], how, rng)
            features[row, :, : len(rows)] = torch.from_numpy(np.array(rows.T, order="C"))
            label[row, : len(rows)] = torch.from_numpy(labels)
            mask[row, : len(rows)] = 1
        yield features, label, mask


def _crop(sample: Sample, how: Crops, rng: np.random.Generator) -> tuple[Floats, Ints]:
    frames = min(len(sample), how.crop_frames)
    start = int(rng.integers(0, len(sample) - frames + 1))
    features = sample.features[start : start + frames]
    factor = np.asarray(1 + how.feature_gain * rng.standard_normal(features.shape[1]))
    if how.mirror and rng.random() < 0.5:
        factor = factor * PARITY
    return features * factor.astype(np.float32), sample.label[start : start + frames]


def _moments(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each feature as if every image were also seen mirrored."""
    rows = np.concatenate([s.features for s in samples]).astype(np.float64)
    mean = np.where(PARITY > 0, rows.mean(axis=0), 0)
    deviation = np.sqrt(np.square(rows - mean).mean(axis=0)) + 1e-3
    return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float()


@contextmanager
def _one_thread(seed: int | None = None) -> Iterator[None]:
    """One thread, for sums that come out alike; the caller's threads and seed are put back."""
    with on_threads(1), torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        yield
