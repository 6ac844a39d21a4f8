"""What the options of `eyeline evaluate ego_social/...` gain on clips that nothing was chosen by.

`python -m benchmarks.ego_social_gains [--seeds 3] [--clips 24] [--width 8] [--device cuda]`. A
made-up data set is trained on by the recipes `lam` and `ttm` (which begins at the encoder that the
former has learned), with networks as wide as told. The clips held out are two lists: by `choose`
the epoch and the length of the running median are taken, on `test` the gains are measured, by the
published arithmetic. Intervals are of 95 %: whole test clips are drawn, the same for both ways.
Made-up faces and voices tell how the options act, and nothing of real people.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from eyeline.results import Floats, Ints
    from eyeline.systems.ego_social.predictions import Rows

MEDIANS = (0, 5, 9, 15, 25, 41)
"""Lengths in frames that are chosen from."""
SAMPLES = 1000
"""Draws of test clips."""


@dataclass(frozen=True)
class Plan:
    """How much is made and trained."""

    clips: int = 24
    choose_clips: int = 8
    test_clips: int = 12
    seconds: float = 8.0
    width: int = 8
    stride: int = 13
    epochs: tuple[int, int] = (5, 3)
    """Of looking at me and of talking to me."""
    device: str = "cpu"


def run(
    *,
    seeds: Sequence[int] = (0,),
    plan: Plan | None = None,
    told: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train and measure once for each seed.

    Args:
        seeds: of data and training.
        plan: how much.
        told: hears of progress.
    """
    import torch

    plan = plan or Plan()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        runs = [_measured(Path(folder), seed, plan, told) for seed in seeds]
    return {
        "command": "python -m benchmarks.ego_social_gains", "torch": torch.__version__,
        "data": "made up", "plan": vars(plan), "runs": runs,
        "mean_gain": {
            task: {name: _mean([one[task][name]["gain"] for one in runs]) for name in names}
            for task, names in (("lam", ("median", "flip", "flip_median")),
                                ("ttm", ("flip", "fuse", "fuse_flip")))
        },
    }  # fmt: skip


def _measured(
    root: Path, seed: int, plan: Plan, told: Callable[[str], None] | None
) -> dict[str, Any]:
    from eyeline.systems.ego_social import train

    begin = time.perf_counter()
    data = _made(root / f"{seed}", seed, plan)
    common = [
        f"model.width={plan.width}", "model.memory=32", "training.flip=true",
        "optimizer.learning_rate=1.0e-3", "loss.class_weights=[0.5, 0.5]",
        "data.validation_split=choose", f"training.seed={seed}",
    ]  # fmt: skip
    looking, talking = (root / f"{seed}" / task for task in ("lam", "ttm"))
    changes = [
        f"data.stride={plan.stride}", "data.balanced=true", "training.batch_size=32",
        f"training.epochs={plan.epochs[0]}",
    ]  # fmt: skip
    from eyeline.training.devices import Devices

    devices = Devices(plan.device)
    train.run("lam", data, looking, told, changes=[*common, *changes], devices=devices)
    begun = looking / "lam_lstm.safetensors"
    changes = [f"training.epochs={plan.epochs[1]}", "model.voice_width=8"]
    train.run(
        "ttm", data, talking, told, changes=[*common, *changes], devices=devices, weights=begun
    )
    found = {
        "lam": _of_looks(begun, data, plan.device),
        "ttm": _of_talks(talking / "ttm.safetensors", data, plan.device),
    }
    return {"seed": seed, "minutes": round((time.perf_counter() - begin) / 60, 1), **found}


def _made(root: Path, seed: int, plan: Plan) -> Path:
    """A prepared data set whose clips held out are two lists."""
    from eyeline.systems.ego_social import prepare, synthesize

    held = plan.choose_clips + plan.test_clips
    synthesize.run(root / "made", seed=seed, clips=plan.clips, val_clips=held, seconds=plan.seconds)
    prepare.run(root / "made", root / "data")
    lists = root / "data" / "split"
    uids = (lists / "val.list").read_text().split()
    (lists / "choose.list").write_text("\n".join(uids[: plan.choose_clips]))
    (lists / "test.list").write_text("\n".join(uids[plan.choose_clips :]))
    return root / "data"


def _of_looks(weights: Path, data: Path, device: str) -> dict[str, Any]:
    from eyeline.systems.ego_social import answers, postprocess
    from eyeline.systems.ego_social import data as sets
    from eyeline.systems.ego_social.fused import fused
    from eyeline.systems.ego_social.weights import load_looking_at_me

    network = fused(load_looking_at_me(weights, device))
    sides: dict[str, Any] = {}
    for split in ("choose", "test"):
        items = sets.open_looks(data, split, stride=3)
        sides[split] = answers.of_looks(network, items, answers.Options(flip=True))
    chosen, test = sides["choose"], sides["test"]
    by_median = {
        length: _mAP(chosen.truth, postprocess.smoothed(chosen.plain, length)) for length in MEDIANS
    }
    length = max(by_median, key=lambda m: by_median[m])
    ways = {
        "median": postprocess.smoothed(test.plain, length),
        "flip": test.found,
        "flip_median": postprocess.smoothed(test.found, length),
    }
    return {
        "median_frames": length,
        "choose_mAP_by_median": {str(k): round(v, 4) for k, v in by_median.items()},
        **_gains(test.truth, test.plain, ways),
    }


def _of_talks(weights: Path, data: Path, device: str) -> dict[str, Any]:
    from eyeline.systems.ego_social import answers
    from eyeline.systems.ego_social import data as sets
    from eyeline.systems.ego_social.fused import fused
    from eyeline.systems.ego_social.weights import load_talking_to_me

    network = fused(load_talking_to_me(weights, device))
    items = sets.open_talks(data, "test")
    options = {
        "flip": answers.Options(flip=True), "fuse": answers.Options(fuse=True),
        "fuse_flip": answers.Options(fuse=True, flip=True),
    }  # fmt: skip
    found = {name: answers.of_talks(network, items, one) for name, one in options.items()}
    first = found["flip"]
    return _gains(first.truth, first.plain, {name: one.found for name, one in found.items()})


def _gains(truth: Rows, plain: Rows, ways: dict[str, Rows]) -> dict[str, Any]:
    """Scores of the plain way, and what each other way has more of, with intervals."""
    base = _mAP(truth, plain)
    made: dict[str, Any] = {
        "rows": len(truth), "positives": int(np.sum(truth.label == 1)), "plain_mAP": round(base, 4)
    }  # fmt: skip
    for name, table in ways.items():
        low, high = _interval(truth, plain, table)
        gain = _mAP(truth, table) - base
        made[name] = {"gain": round(gain, 4), "interval": [round(low, 4), round(high, 4)]}
    return made


def _mAP(truth: Rows, table: Rows, times: Ints | None = None) -> float:  # noqa: N802
    from eyeline.systems.ego_social import report

    label = np.asarray(truth.label)
    found = report.published(label, cast("Floats", table.score), times)
    return float(found["mAP"])


def _interval(truth: Rows, plain: Rows, other: Rows) -> tuple[float, float]:
    """Of the difference between two ways, for drawn clips."""
    from eyeline import metrics

    names, clip = np.unique(truth.columns["clip"], return_inverse=True)

    def difference(drawn: Any) -> float:
        times = np.bincount(drawn, minlength=len(names))[clip]
        label = truth.label[times > 0]
        if not 0 < np.sum(label == 1) < len(label):
            return float("nan")
        return _mAP(truth, other, times) - _mAP(truth, plain, times)

    low, high = metrics.bootstrap_interval(difference, len(names), samples=SAMPLES, seed=0)
    return float(low), float(high)


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    for name in ("clips", "width", "stride"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan, name))
    parser.add_argument("--epochs", type=int, nargs=2, default=Plan.epochs)
    given = parser.parse_args()
    plan = Plan(
        clips=given.clips, width=given.width, stride=given.stride, epochs=tuple(given.epochs),
        device=given.device,
    )  # fmt: skip
    told = partial(print, file=sys.stderr, flush=True)
    print(json.dumps(run(seeds=range(given.seeds), plan=plan, told=told), indent=2))


if __name__ == "__main__":
    main()
