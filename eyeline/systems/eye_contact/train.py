"""Training `landmarks_tcn` by a recipe: cross-validation, then one network on all videos."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eyeline.errors import OutputError
from eyeline.systems.eye_contact.decode import Calibration, Decoding
from eyeline.systems.eye_contact.evaluate import Told, choose, cross_validate
from eyeline.systems.eye_contact.recipe import Recipe, read_recipe
from eyeline.systems.eye_contact.report import Report
from eyeline.systems.eye_contact.samples import Sample, by_video, open_samples
from eyeline.systems.eye_contact.weights import LICENCE, settings_of
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

PROTOCOL = (
    "cross-validation over folds of whole videos; "
    "calibration and decoding of each fold chosen on the others"
)


def run(
    recipe: Path | str | Mapping[str, Any],
    data_dir: Path | str,
    out_dir: Path | str,
    progress: Told | None = None,
) -> Report:
    """Cross-validate a recipe, train it on all videos, and write weights and report.

    Args:
        recipe: a YAML file, the name of one of this room's, or its sections.
        data_dir: as `data.read_videos` takes it.
        out_dir: gets `landmarks_tcn.safetensors` and `report.json`.
        progress: is told, in words, what has been finished.

    Returns:
        The report of the cross-validation; the written network itself has seen all videos.

    Raises:
        RecipeError, DataError, OutputError: for what is wrong with each.
    """
    from eyeline.systems.eye_contact.landmarks.fit import fit_network

    plan = read_recipe(recipe)
    folder = _made(Path(out_dir))
    samples = open_samples(
        data_dir, lambda done, total: _tell(progress, f"{done} of {total} videos read")
    )
    validation, report = cross_validate(samples, plan, progress)
    rule = choose(samples, validation.logits, plan.decoding)
    network = fit_network(samples, plan, told=lambda text: _tell(progress, f"all videos: {text}"))
    card = _card(plan, samples, report, rule)
    checkpoint.save(folder / "landmarks_tcn.safetensors", network.state_dict(), card)
    report["settings"] = {k: v for k, v in card.settings.items() if k != "features"}
    report["protocol"], report["recipe"] = PROTOCOL, plan.as_dict()
    _write(folder / "report.json", report)
    return report


def _card(
    plan: Recipe, samples: list[Sample], report: Report, rule: tuple[Calibration, Decoding]
) -> CheckpointCard:
    return CheckpointCard(
        system="eye_contact",
        builder="landmarks_tcn",
        arguments=plan.arguments,
        recipe=plan.as_dict(),
        data={
            "dataset": "ECS annotations of VoxCeleb2 videos, visible part",
            "videos": list(by_video(samples)),
            "tracklets": len(samples),
            "frames": sum(len(s) for s in samples),
        },
        scores={
            "protocol": PROTOCOL,
            "pooled": _rounded(report["pooled"]),
            "interval": {name: _rounded(pair) for name, pair in report["interval"].items()},
            "ece": _rounded(report["calibration"]["ece"]),
        },
        settings=settings_of(*rule),
        licence=LICENCE,
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(v) for name, v in value.items()}
    if isinstance(value, tuple):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder


def _write(path: Path, report: Report) -> None:
    try:
        path.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _tell(progress: Told | None, text: str) -> None:
    if progress:
        progress(text)


def main() -> None:
    """Run from a shell: `python -m eyeline.systems.eye_contact.train --data DIR --out DIR`."""
    import argparse

    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--recipe", default="ecs_landmarks")
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    given = parser.parse_args()
    report = run(given.recipe, given.data, given.out, lambda text: print(text, flush=True))
    print(json.dumps({k: report[k] for k in ("pooled", "interval", "settings")}, indent=1))


if __name__ == "__main__":
    main()
