"""Training of the iris network on eyes that are drawn for it.

`python -m eyeline.people.irises.train OUT.safetensors` repeats the file that ships.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.people.irises import capture, crops, forward
from eyeline.results import Floats

if TYPE_CHECKING:
    from torch import Tensor

    from eyeline.people.irises.model import IrisNet

COUNT, EPOCHS, BATCH = 80_000, 12, 256
LEARNING_RATE = 2e-3
SEED = 1
CHECK_SEED, CHECK_COUNT = 2, 3_000
"""Drawn eyes that are never learned from."""
LICENCE = "Apache-2.0; learned from pictures drawn by this package alone"
_PART = 2_000

Samples = Mapping[str, Any]
"""Arrays of `capture.samples`."""


def draw(seed: int, count: int, processes: int = 1) -> dict[str, Floats]:
    """The samples 0 to `count` of a seed as arrays, whatever the number of processes."""
    starts = range(0, count, _PART)
    tasks = [(seed, start, min(_PART, count - start)) for start in starts]
    if processes <= 1:
        parts = [_part(task) for task in tasks]
    else:
        with ProcessPoolExecutor(processes) as pool:
            parts = list(pool.map(_part, tasks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fit(
    samples: Samples,
    epochs: int = EPOCHS,
    batch: int = BATCH,
    seed: int = SEED,
    threads: int = 1,
    tell: Callable[[int, float], None] | None = None,
) -> IrisNet:
    """Train a network from scratch; the same arguments give the same network."""
    import torch

    from eyeline.people.irises.model import IrisNet

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    network = IrisNet().to(memory_format=torch.channels_last)  # twice as fast
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-3)
    steps = epochs * math.ceil(len(samples["crop"]) / batch)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps, pct_start=0.1)
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        losses = []
        order = rng.permutation(len(samples["crop"]))
        for rows in np.split(order, range(batch, len(order), batch)):
            loss = loss_of(network, samples, rows)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            rate.step()
            losses.append(loss.item())
        if tell:
            tell(epoch, float(np.mean(losses)))
    return network.eval()


def loss_of(network: IrisNet, samples: Samples, rows: Any) -> Tensor:
    """Mean loss of some samples: the iris' place with its own expected error, and the rest."""
    import torch
    from torch.nn import functional as F

    def target(name: str) -> Tensor:
        return torch.tensor(samples[name][rows], dtype=torch.float32)

    place, known = network(torch.tensor(crops.standardised(samples["crop"][rows])))
    visible = target("visible")
    scale = known[:, 1:3].clamp(-2.5, 3.0)
    off = (place - target("iris")).abs()
    where = ((off * torch.exp(-scale) + scale).sum(1) * visible).mean()
    centre = torch.tensor([(crops.CROP_W - 1) / 2, (crops.CROP_H - 1) / 2])
    corners = (target("corners") - centre).flatten(1) / forward.CORNER_UNIT_PX
    total: Tensor = (
        where
        + F.binary_cross_entropy_with_logits(known[:, 0], visible)
        + 3 * F.smooth_l1_loss(known[:, 3], target("opening"), beta=0.02)
        + 2 * F.smooth_l1_loss(known[:, 4:8], corners, beta=0.1)
    )
    return total


def check(network: IrisNet, samples: Samples) -> dict[str, float]:
    """How well drawn eyes are answered: errors in eye widths, the visible told from the rest."""
    import torch
    from sklearn.metrics import roc_auc_score

    with torch.no_grad():
        place, known = network(torch.tensor(crops.standardised(samples["crop"])))
    seen = samples["visible"] >= 0.5
    off = np.linalg.norm(place.numpy() - samples["iris"], axis=1)[seen]
    off = off / (crops.EYE_MM * crops.PX_PER_MM)
    return {
        "median_error": float(np.median(off)),
        "p90_error": float(np.quantile(off, 0.9)),
        "within_0.1": float((off < 0.1).mean()),
        "visible_auc": float(roc_auc_score(seen, known[:, 0].numpy().astype(np.float64))),
        "opening_error": float(np.abs(known[:, 3].numpy() - samples["opening"]).mean()),
    }


def run(out: Path, processes: int = 2) -> dict[str, float]:
    """Draw, train, check, and write the weights with their card."""
    begin = time.perf_counter()
    samples = draw(SEED, COUNT, processes)
    network = fit(samples, tell=lambda epoch, loss: print(epoch, round(loss, 4), flush=True))
    scores = check(network, draw(CHECK_SEED, CHECK_COUNT, processes))
    write(out, network, scores)
    print(f"{time.perf_counter() - begin:.0f} s", scores)
    return scores


def write(out: Path, network: IrisNet, scores: Mapping[str, float]) -> None:
    """Write a network that was trained by this file's constants, with its card."""
    from eyeline.training import checkpoint

    card = checkpoint.CheckpointCard(
        system="people", builder="irises", arguments={},
        recipe={"epochs": EPOCHS, "batch": BATCH, "learning_rate": LEARNING_RATE, "seed": SEED},
        data={"name": "eyes drawn by eyeline.people.irises", "count": COUNT, "seed": SEED},
        scores={"drawn_eyes": {name: round(score, 4) for name, score in scores.items()}},
        licence=LICENCE,
    )  # fmt: skip
    checkpoint.save(out, network.state_dict(), card)


def _part(task: tuple[int, int, int]) -> dict[str, Floats]:
    import cv2

    cv2.setNumThreads(1)
    return capture.samples(*task)


def main() -> None:
    """`python -m eyeline.people.irises.train OUT`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    run(arguments.out, arguments.processes)


if __name__ == "__main__":
    main()
