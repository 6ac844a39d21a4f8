"""What the options of `eyeline evaluate ego_social/...` gain on clips that nothing was chosen by.

`python -m benchmarks.ego_social_gains [--seeds 0 1 2] [--clips 24] [--width 6] [--keep FOLDER]`.
For each seed a synthetic data set is trained on by the recipes `lam` and `ttm` (which begins at the
encoder that the former has learned), with networks as wide as told. The clips held out are two
lists: by `choose` the length of the running median is taken, on `test` the gains are measured, by
the published arithmetic. Intervals are of 95 %: whole test clips are drawn, the same for both ways;
over several seeds within each seed, and the gain is the mean over the seeds. With `--keep` what is
finished stays in a folder, and a stopped run goes on.
Synthetic faces and voices tell how the options act, and nothing of real people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.seeds import Log, each, main

if TYPE_CHECKING:
    from eyeline.results import Floats, Ints
    from eyeline.systems.ego_social.predictions import Rows

SEEDS = (0, 1, 2)
MEDIANS = (0, 5, 9, 15, 25, 41)
"""Lengths in frames that are chosen from."""
LENGTH = "median_frames.txt"
"""The length that was chosen; written last."""
SAMPLES = 1000
"""Draws of test clips."""


Gain = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How much is made and trained."""

    clips: int = 45
    choose_clips: int = 6
    test_clips: int = 30
    seconds: float = 10.0
    width: int = 6
    stride: int = 13
    epochs: tuple[int, int] = (3, 4)
    """Of looking at me and of talking to me."""
    device: str = "cpu"


@dataclass(frozen=True)
class Measured:
    """The scores of a task on the test clips of one seed."""

    label: Ints
    """`(n,)`."""
    clip: Ints
    """`(n,)` number of each row's clip."""
    plain: Floats
    """`(n,)` by the published protocol."""
    ways: Mapping[str, Floats]
    """`(n,)` by each option."""

    def write(self, path: Path) -> None:
        """Keep the scores, the ways' under their names."""
        kept: dict[str, Any] = {"label": self.label, "clip": self.clip, "plain": self.plain}
        np.savez(path, **kept, **cast("dict[str, Any]", self.ways))

    @classmethod
    def read(cls, path: Path) -> Measured:
        """Scores that were kept."""
        with np.load(path, allow_pickle=False) as kept:
            held = dict(kept)
        return cls(held.pop("label"), held.pop("clip"), held.pop("plain"), held)

    def differences(self, way: str) -> Callable[[Ints], float]:
        """What an option gains in draws of clips."""
        clips = int(self.clip.max()) + 1

        def of(drawn: Ints) -> float:
            times = np.bincount(drawn, minlength=clips)[self.clip]
            if not 0 < np.sum(self.label[times > 0]) < np.count_nonzero(times):
                return float("nan")
            return _mAP(self.label, self.ways[way], times) - _mAP(self.label, self.plain, times)

        return of

    def draws(self, way: str, seed: int) -> Floats:
        """`(SAMPLES,)` of them."""
        rng, clips = np.random.default_rng(seed), int(self.clip.max()) + 1
        of = self.differences(way)
        return np.array([of(rng.integers(0, clips, clips)) for _ in range(SAMPLES)])


def run(
    *,
    seeds: Sequence[int] = SEEDS,
    plan: Plan | None = None,
    keep: Path | None = None,
    log: Log | None = None,
) -> dict[str, Any]:
    """Train and measure once for each seed.

    Args:
        seeds: of data and training.
        plan: how much.
        keep: a folder for data and weights, where those that are there are used.
        log: receives progress.
    """
    import torch

    plan = plan or Plan()
    result = each(seeds, keep, lambda root, seed: _measured(root, seed, plan, log))
    return {
        "command": "python -m benchmarks.ego_social_gains",
        "torch": torch.__version__,
        "data": "synthetic",
        "plan": vars(plan),
        "seeds": list(seeds),
        "median_frames": [length for length, _ in result],
        **{task: _pooled([by_task[task] for _, by_task in result]) for task in ("lam", "ttm")},
    }


def _measured(
    root: Path, seed: int, plan: Plan, log: Log | None
) -> tuple[int, dict[str, Measured]]:
    """The length of the running median, and the scores of both tasks."""
    data, kept = root / "data", {task: root / f"{task}_scores.npz" for task in ("lam", "ttm")}
    if (root / LENGTH).is_file():
        return int((root / LENGTH).read_text()), {t: Measured.read(kept[t]) for t in kept}
    if not (data / "split" / "test.list").is_file():
        _make(root, seed, plan)
    common = [
        f"model.width={plan.width}",
        "model.memory=32",
        "training.flip=true",
        "optimizer.learning_rate=1.0e-3",
        "loss.class_weights=[0.5, 0.5]",
        "data.validation_split=choose",
        "training.select=last",
        f"training.seed={seed}",
    ]
    looks = [
        *common,
        f"data.stride={plan.stride}",
        "data.balanced=true",
        "training.batch_size=32",
        f"training.epochs={plan.epochs[0]}",
    ]
    looking = _trained("lam", data, root, looks, plan, log)
    talks = [*common, f"training.epochs={plan.epochs[1]}", "model.voice_width=8"]
    talking = _trained("ttm", data, root, talks, plan, log, begin=looking)
    length, lam = _of_looks(looking, data, plan.device)
    result = {"lam": lam, "ttm": _of_talks(talking, data, plan.device)}
    for task, measured in result.items():
        measured.write(kept[task])
    (root / LENGTH).write_text(str(length))
    return length, result


def _trained(
    task: str,
    data: Path,
    root: Path,
    changes: Sequence[str],
    plan: Plan,
    log: Log | None,
    begin: Path | None = None,
) -> Path:
    from eyeline.systems.ego_social import train
    from eyeline.training.devices import Devices

    weights = root / task / {"lam": "lam_lstm", "ttm": "ttm"}[task]
    weights = weights.with_suffix(".safetensors")
    if not weights.is_file():
        devices = Devices(plan.device)
        train.run(task, data, root / task, log, changes=changes, devices=devices, weights=begin)
    return weights


def _make(root: Path, seed: int, plan: Plan) -> None:
    """Prepare a data set whose clips held out are two lists."""
    from eyeline.systems.ego_social import prepare, synthesize

    held = plan.choose_clips + plan.test_clips
    synthesize.run(root / "made", seed=seed, clips=plan.clips, val_clips=held, seconds=plan.seconds)
    prepare.run(root / "made", root / "data")
    lists = root / "data" / "split"
    uids = (lists / "val.list").read_text().split()
    (lists / "choose.list").write_text("\n".join(uids[: plan.choose_clips]))
    (lists / "test.list").write_text("\n".join(uids[plan.choose_clips :]))


def _of_looks(weights: Path, data: Path, device: str) -> tuple[int, Measured]:
    from eyeline.systems.ego_social import data as sets
    from eyeline.systems.ego_social.scoring import postprocess, tables
    from eyeline.systems.ego_social.weights import load_looking_at_me
    from eyeline.training.fused import fused

    network = fused(load_looking_at_me(weights, device))
    chosen, test = (
        tables.of_looks(
            network, sets.open_looks(data, split, stride=3), tables.Options(flip=split == "test")
        )
        for split in ("choose", "test")
    )

    def score(table: Rows, length: int) -> Floats:
        return cast("Floats", postprocess.smoothed(table, length).score)

    length = max(MEDIANS, key=lambda m: _mAP(chosen.truth.label, score(chosen.plain, m)))
    ways = {
        "median": score(test.plain, length),
        "flip": score(test.rows, 0),
        "flip_median": score(test.rows, length),
    }
    return length, _together(test.truth, score(test.plain, 0), ways)


def _of_talks(weights: Path, data: Path, device: str) -> Measured:
    """Images pass the network once as they are and once mirrored, for all ways."""
    from eyeline.systems.ego_social import data as sets
    from eyeline.systems.ego_social.scoring import outputs, postprocess, tables
    from eyeline.systems.ego_social.weights import load_talking_to_me
    from eyeline.training.fused import fused

    network = fused(load_talking_to_me(weights, device))
    items = sets.open_talks(data, "test")
    heard = [outputs.talks(network, items, mirrored=mirrored) for mirrored in (False, True)]

    def score(logits: Floats) -> Floats:
        return cast("Floats", postprocess.talks(items.segments, logits).score)

    plain = [score(one.logits) for one in heard]
    fuse = [
        postprocess.fused(score(one.face), score(one.voice), tables.quality(items.segments, one))
        for one in heard
    ]
    ways = {
        "flip": (plain[0] + plain[1]) / 2,
        "fuse": fuse[0],
        "fuse_flip": (fuse[0] + fuse[1]) / 2,
        "face_alone": score(heard[0].face),
        "voice_alone": score(heard[0].voice),
    }
    return _together(postprocess.talks(items.segments), plain[0], ways)


def _together(truth: Rows, plain: Floats, ways: Mapping[str, Floats]) -> Measured:
    clip = np.unique(truth.columns["clip"], return_inverse=True)[1]
    return Measured(np.asarray(truth.label), np.asarray(clip).ravel(), plain, ways)


def _pooled(found: Sequence[Measured]) -> dict[str, Any]:
    """Of all seeds: how the plain way scores, and what each other way has more of."""
    created: dict[str, Any] = {
        "rows": [len(one.label) for one in found],
        "positives": [int(one.label.sum()) for one in found],
        "clips": [int(one.clip.max()) + 1 for one in found],
        "plain_mAP": [round(_mAP(one.label, one.plain), 4) for one in found],
        "chance_mAP": [round(_chance(one), 4) for one in found],
    }
    return created | {way: _gain(found, way) for way in found[0].ways}


def _gain(found: Sequence[Measured], way: str) -> Gain:
    every = [one.differences(way)(np.arange(int(one.clip.max()) + 1)) for one in found]
    draws = np.mean([one.draws(way, seed) for seed, one in enumerate(found)], axis=0)
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return {
        "gain": round(float(np.mean(every)), 4),
        "interval": [round(low, 4), round(high, 4)],
        "by_seed": [round(gain, 4) for gain in every],
    }


def _chance(one: Measured, count: int = 200) -> float:
    """What the same scores in random order get: more than a half, as the envelope favours few."""
    rng = np.random.default_rng(0)
    return float(np.mean([_mAP(one.label, rng.permutation(one.plain)) for _ in range(count)]))


def _mAP(label: Ints | None, score: Floats, times: Ints | None = None) -> float:  # noqa: N802
    from eyeline.systems.ego_social import report

    return float(report.published(np.asarray(label), score, times)["mAP"])


if __name__ == "__main__":
    main(run, Plan, SEEDS, __doc__)
