"""Choose from which agreement of lips and audio on SyncNet counts a face as speaking.

`python scripts/choose_syncnet_threshold.py syncnet_v2.model -o syncnet.safetensors` (needs the
`test` extra) draws faces that talk, from the portrait that the packaged sample is made of, lets the
network judge each with its own voice (speaking) and with somebody else's, or at rest (silent), and
prints where the two kinds part. With `-o` it writes our file of the weights with that calibration
in its card; `speech.syncnet.who_speaks` goes by it.

Without the authors' file, `--stand-in` first trains a small network of two encoders on other such
faces, by the contrastive loss of SyncNet's paper and by which audio goes with which lips. It shows
how the choice is made, no more: a run gave a threshold of 0.053 with an AUC of 0.950 on 30 talkers
that it had not heard, 11.6 % of either kind on the wrong side. It knows lips worse than the real
network, whose agreements are larger, so the package's default is not its.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sample_parts import talkers

from eyeline.errors import DataError, EyelineError
from eyeline.evaluation.metrics import roc_auc
from eyeline.speech.mfcc import mfcc
from eyeline.speech.syncnet import evidence
from eyeline.speech.syncnet.evidence import Calibration
from eyeline.speech.syncnet.features import OverTime
from eyeline.speech.syncnet.model import CLIP_FRAMES, Encoder, SyncNet
from eyeline.speech.syncnet.offset import SHIFT_TICKS, distances
from eyeline.speech.syncnet.weights import BUILDER, LICENCE, load_syncnet
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import for_answers, on_threads

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.floating[Any]]

DURATION_S = 12.0
MARGIN = 20.0
"""Distance up to which a stand-in pushes lips and audio apart that are not of one time."""
_TALKERS = 30  # that a stand-in learns from, 8 s each
_HELD_OUT = 10_000  # seeds from here on are not trained on


def calibrate(speaking: Floats, silent: Floats) -> Calibration:
    """The calibration that separates two kinds of lips.

    The threshold leaves as large a part of one kind on the wrong side as of the other; the worth is
    the slope of a logistic regression.

    Args:
        speaking: `(n,)` agreements, at the right shift, of lips that make the audio.
        silent: `(m,)` of lips that do not: closed ones, and ones that say something else.

    Raises:
        DataError: fewer than ten of a kind, or speaking ones that agree no more than silent ones.
    """
    from sklearn.linear_model import LogisticRegression

    if min(len(speaking), len(silent)) < 10:
        raise DataError(f"{len(speaking)} speaking and {len(silent)} silent values: too few")
    if np.median(speaking) <= np.median(silent):
        raise DataError(
            "lips that make the audio agree with it no more than others do: this network does not "
            "know lips and audio, so no threshold separates them"
        )
    every = np.sort(np.concatenate([speaking, silent]))
    levels = (every[1:] + every[:-1]) / 2
    missed = np.searchsorted(np.sort(speaking), levels) / len(speaking)
    wrong = 1 - np.searchsorted(np.sort(silent), levels) / len(silent)
    worst = np.maximum(missed, wrong)
    threshold = float(np.median(levels[worst <= worst.min() + 1e-12]))
    kinds = np.repeat([1, 0], [len(speaking), len(silent)])
    values = np.concatenate([speaking, silent])
    scale = float(np.hypot(speaking.std(), silent.std())) or 1.0
    fit = LogisticRegression(C=10.0, class_weight="balanced")
    fit.fit(values[:, None] / scale, kinds)
    return Calibration(threshold, float(fit.coef_[0, 0] / scale / evidence.INDEPENDENT_S))


def main() -> None:
    """Train or load, judge, choose, tell, and write."""
    options = _options()
    cast = talkers.cast(_photo())
    if options.stand_in:
        net = train(cast, small(), options.steps)
    else:
        net, _ = load_syncnet(options.weights)
    speaking, silent = judged(net, cast, options.talkers)
    result = calibrate(speaking, silent)
    print(_report(result, speaking, silent))
    if options.out:
        card = CheckpointCard(
            "gaze_following", BUILDER, {}, licence=LICENCE,
            settings={"calibration": asdict(result)},
            data={"calibration": f"{options.talkers} drawn talkers of {DURATION_S:g} s"},
        )  # fmt: skip
        checkpoint.save(options.out, net.state_dict(), card)


def judged(net: SyncNet, cast: list[talkers.Looks], count: int) -> tuple[Floats, Floats]:
    """Agreements at the right shift of lips that make the audio, and of others.

    Both `(n,)`, only where a voice is heard, so far apart in time that they tell different things.
    """
    quick = OverTime(net)
    curves: list[list[Floats]] = [[], []]
    with for_answers(1):
        for number in range(count):
            seed = _HELD_OUT + 3 * number
            own, other = (talkers.talk(seed + k, DURATION_S) for k in (0, 1))
            still = talkers.resting(seed, DURATION_S)
            looks = cast[number % len(cast)]
            wrong = other.opening if number % 2 else still
            for kind, opening in enumerate((own.opening, wrong)):
                lips = quick.lips(talkers.film(looks, opening, seed + kind))
                curves[kind].append(_curve(quick, lips, own))
    best = int(np.nanmean(np.concatenate(curves[0]), axis=0).argmax())
    if abs(best - SHIFT_TICKS) > 3:
        print(f"odd: lips and audio agree best {best - SHIFT_TICKS} ticks apart")
    kinds = [np.concatenate([curve[:, best] for curve in kind]) for kind in curves]
    return tuple(kind[np.isfinite(kind)] for kind in kinds)  # type: ignore[return-value]


def small() -> SyncNet:
    """A network that looks at patches of 16 pixels, quick to train where faces hold still."""
    from torch import nn

    def head() -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 128)
        )

    lips = nn.Sequential(
        nn.Conv3d(3, 16, (CLIP_FRAMES, 16, 16), (1, 16, 16)), nn.BatchNorm3d(16), nn.ReLU(),
        nn.Conv3d(16, 128, (1, 14, 14)), nn.BatchNorm3d(128), nn.ReLU(),
    )  # fmt: skip
    audio = nn.Sequential(
        nn.Conv2d(1, 32, (13, 5)), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 128, (1, 16)), nn.BatchNorm2d(128), nn.ReLU(),
    )  # fmt: skip
    return SyncNet(Encoder(lips, head()), Encoder(audio, head()))


def train(cast: list[talkers.Looks], net: SyncNet, steps: int) -> SyncNet:
    """A network that learns which lips and sounds are of one time, by the contrastive loss."""
    import torch

    rng, pool = np.random.default_rng(0), _pool(cast)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with on_threads(1):
        torch.manual_seed(0)
        net.train()
        for step in range(steps):
            clips, windows = _batch(pool, rng)
            lips, audio = net(clips, windows)
            loss = _loss(torch.cdist(lips, audio))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            slower.step()
            if step % 100 == 99:
                print(f"step {step + 1} of {steps}, loss {loss.item():.2f}", flush=True)
    return net.eval()


def _loss(apart: Tensor) -> Tensor:
    import torch

    same = torch.eye(len(apart), dtype=torch.bool)
    pushed = (MARGIN - apart[~same]).clamp(min=0)
    contrast = (apart[same] ** 2).mean() + (pushed**2).mean()
    # alone the contrast rests for long where all distances are half the margin
    number = torch.arange(len(apart))
    named = torch.nn.functional.cross_entropy(-apart, number)
    return contrast / MARGIN**2 + named + torch.nn.functional.cross_entropy(-apart.T, number)


def _pool(cast: list[talkers.Looks]) -> list[tuple[talkers.Faces, Floats]]:
    """Films `(n, 224, 224, 3)` and coefficients of some talkers."""
    pool = []
    for seed in range(_TALKERS):
        spoken = talkers.talk(seed, 8.0)
        film = talkers.film(cast[seed % len(cast)], spoken.opening, seed)
        pool.append((film, mfcc(spoken.audio)))
    return pool


def _batch(
    pool: list[tuple[talkers.Faces, Floats]], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Clips and windows of six talkers, six times of each."""
    import torch

    clips, windows = [], []
    for number in rng.permutation(len(pool))[:6].tolist():
        film, rows = pool[number]
        for at in (rng.integers(6) + rng.permutation(np.arange(0, 185, 6))[:6]).tolist():
            clips.append(film[at : at + CLIP_FRAMES].transpose(3, 0, 1, 2))
            windows.append(rows[4 * at : 4 * at + 20].T[None])
    return (
        torch.from_numpy(np.stack(clips)).float(),
        torch.from_numpy(np.stack(windows)),
    )


def _curve(quick: OverTime, lips: Floats, own: talkers.Talk) -> Floats:
    """Agreements `(n, 31)` while the voice is heard, one each `INDEPENDENT_S`."""
    audio = quick.audio(mfcc(own.audio))
    audio = np.pad(audio[: len(lips)], ((0, max(0, len(lips) - len(audio))), (0, 0)))
    padded = np.pad(audio, ((SHIFT_TICKS, SHIFT_TICKS), (0, 0)), constant_values=np.nan)
    agreed = evidence.agreement(evidence.smooth(distances(lips, padded)))
    heard = np.flatnonzero(own.talks[: len(agreed)])
    return agreed[heard[:: round(evidence.INDEPENDENT_S / talkers.TICK_S)]]


def _report(found: Calibration, speaking: Floats, silent: Floats) -> str:
    truth = np.repeat([1, 0], [len(speaking), len(silent)])
    auc = roc_auc(truth, np.concatenate([speaking, silent]))
    missed, wrong = (speaking < found.threshold).mean(), (silent >= found.threshold).mean()
    spread = [np.percentile(kind, [5, 50, 95]).round(3).tolist() for kind in (speaking, silent)]
    return (
        f"threshold {found.threshold:.3f}, {found.nats_a_second:.1f} nats a second for each unit\n"
        f"{len(speaking)} speaking {spread[0]}, {len(silent)} silent {spread[1]} "
        f"(5, 50, 95 %)\nAUC {auc:.4f}, missed {missed:.1%}, wrongly named {wrong:.1%}"
    )


def _photo() -> npt.NDArray[np.uint8]:
    import skimage.data

    astronaut: Any = skimage.data.astronaut
    return np.asarray(astronaut(), np.uint8)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Choose the threshold of SyncNet.")
    parser.add_argument("weights", nargs="?", type=Path, help="the authors' file, or ours of it")
    parser.add_argument("--stand-in", action="store_true", help="train a small network instead")
    parser.add_argument("--steps", type=int, default=3000, help="of that training")
    parser.add_argument("--talkers", type=int, default=40, help="drawn faces to choose by")
    parser.add_argument("-o", "--out", type=Path, help="our file of the weights, calibrated")
    options = parser.parse_args()
    if bool(options.weights) == options.stand_in or (options.stand_in and options.out):
        parser.error("give the weights file, or --stand-in, which is not written")
    return options


if __name__ == "__main__":
    try:
        main()
    except EyelineError as error:
        sys.exit(str(error))
