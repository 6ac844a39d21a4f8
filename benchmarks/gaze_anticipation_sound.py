"""Whether audio tells a network where eyes will go, on synthetic videos that it has not seen.

`python -m benchmarks.gaze_anticipation_sound [--seeds 0 1 2 3 4] [--videos 25] [--keep FOLDER]`.
For each seed videos are synthesised and the recipe `gaze_anticipation/miniature` is trained three
times from the same weights on the same clips: with their audio, with silence, and with audio at its
published scale. All answer for other videos, by which neither an epoch nor a threshold was chosen.
Intervals are of 95 %: whole test videos are drawn, the same for all. With `--keep` what is finished
stays in a folder, and a stopped run is resumed. Synthetic recordings show that the network learns
to use audio, and nothing of real people.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.seeds import Log, each, main

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation.evaluate import Measured

SEEDS = (0, 1, 2, 3, 4)
RECIPE = "miniature"
HEARD, SILENT, SILENCED = "with_audio", "trained_silent", "made_deaf"
"""Trained and tested with audio; trained and tested without; trained with and tested without."""
UNSCALED = "published_scale"
"""As `HEARD`, with spectrograms as they are."""
TRAINED = {
    HEARD: (),
    SILENT: ("data.with_audio=false",),
    UNSCALED: ("model.sound_mean=0.0", "model.sound_std=1.0"),
}
"""Changes to the recipe."""
FIGURES = ("f1", "published_f1", "auc", "l2")


@dataclass(frozen=True)
class Plan:
    """How much is made and trained."""

    videos: int = 25
    test_videos: int = 10
    seconds: int = 60
    things: int = 2
    jobs: int = 1
    """Videos that are made at the same time."""


def run(
    *,
    seeds: Sequence[int] = SEEDS,
    plan: Plan | None = None,
    keep: Path | None = None,
    log: Log | None = None,
) -> dict[str, Any]:
    """Train and measure for each seed.

    Args:
        seeds: of data and training.
        plan: how much.
        keep: a folder for data and weights, where those that are there are used.
        log: receives progress.
    """
    import torch

    plan = plan or Plan()
    tables = each(seeds, keep, lambda root, seed: _measured(root, seed, plan, log))
    result = dict(zip(map(str, seeds), tables, strict=True))
    return {
        "command": "python -m benchmarks.gaze_anticipation_sound",
        "torch": torch.__version__,
        "data": "synthetic",
        "plan": vars(plan),
        "ahead": _ahead(result),
        "by_seed": result,
    }


def _measured(root: Path, seed: int, plan: Plan, log: Log | None) -> dict[str, Any]:
    """The table of a seed, over all answers and for the clip's end alone."""
    from eyeline.systems.gaze_anticipation import evaluate, report
    from eyeline.systems.gaze_anticipation.scoring import levels
    from eyeline.systems.gaze_anticipation.scoring.evaluator import baselines
    from eyeline.systems.gaze_anticipation.weights import load_csts
    from eyeline.training import checkpoint

    if (root / "table.json").is_file():
        kept: dict[str, Any] = json.loads((root / "table.json").read_text())
        return kept
    data = _made(root, seed, plan)
    weights = {name: _trained(name, data, root, seed, plan, log) for name in TRAINED}
    cards = {name: checkpoint.read_card(path) for name, path in weights.items()}
    networks = {name: load_csts(path) for name, path in weights.items()}

    def answers(name: str, *, audio: bool | None = None) -> Measured:
        network, card = networks[name], cards[name]
        clips = evaluate.open_split(network, data, card, "test", audio=audio)
        return evaluate.measure(network, clips)

    result = {name: answers(name) for name in TRAINED} | {SILENCED: answers(HEARD, audio=False)}
    evaluator = result[HEARD].evaluator
    borders = {n: levels.nearest(card.settings["threshold"]) for n, card in cards.items()}
    tallies = {name: one.accumulator for name, one in result.items()} | baselines(evaluator)
    created = report.report_of(
        tallies,
        evaluator.truth,
        borders | {SILENCED: borders[HEARD]},
        first=HEARD,
        samples=2000,
    )
    table = {
        "counts": created["counts"],
        "table": _rounded(created["pooled"]),
        "at_the_end": _rounded(created["by_horizon"][-1]),
        "ahead": _rounded(created["interval"][f"{HEARD}_over"]),
    }
    (root / "table.json").write_text(json.dumps(table))
    return table


def _made(root: Path, seed: int, plan: Plan) -> Path:
    """A prepared data set of videos as small as the network sees them."""
    from eyeline.systems.gaze_anticipation import prepare, synthesize

    data = root / "data"
    if not (root / "made.json").is_file():
        for folder in (root / "raw", data):
            shutil.rmtree(folder, ignore_errors=True)
        known = synthesize.run(
            root / "raw",
            seed=seed,
            videos=plan.videos,
            test_videos=plan.test_videos,
            seconds=plan.seconds,
            width_px=72,
            things=plan.things,
            jobs=plan.jobs,
        )
        prepare.run(root / "raw", data)
        (root / "made.json").write_text(json.dumps(known))
    return data


def _trained(name: str, data: Path, root: Path, seed: int, plan: Plan, log: Log | None) -> Path:
    """Weights of the recipe with the changes of a name."""
    from eyeline.systems.gaze_anticipation import train

    weights = root / name / "csts.safetensors"
    if not weights.is_file():
        changes = [*TRAINED[name], f"training.seed={seed}"]
        train.run(RECIPE, data, root / name, log, changes=changes)
    return weights


def _rounded(value: Any) -> Any:
    """The figures that are told, to four places."""
    if isinstance(value, Mapping):
        return {
            name: _rounded(own)
            for name, own in value.items()
            if isinstance(own, Mapping) or name in FIGURES
        }
    if isinstance(value, list):
        return [_rounded(own) for own in value]
    return value if value is None else round(float(value), 4)


def _ahead(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of each figure, what audio gains over silence: by seed, and in how many beyond the noise.

    `l2` is a distance: less is better.
    """
    created: dict[str, Any] = {}
    for figure in FIGURES:
        sign = -1 if figure == "l2" else 1
        gains = [
            one["table"][HEARD][figure] - one["table"][SILENT][figure] for one in found.values()
        ]
        spans = [one["ahead"][SILENT][figure] for one in found.values()]
        created[figure] = {
            "mean": round(sum(gains) / len(gains), 4),
            "by_seed": [round(g, 4) for g in gains],
            "beyond_noise": sum(min(sign * low, sign * high) > 0 for low, high in spans),
        }
    return created


if __name__ == "__main__":
    main(run, Plan, SEEDS, __doc__)
