"""Scores of tables without a network: the same as the evaluation's, and tables that do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.evaluation import tables
from eyeline.systems.gaze_anticipation import predictions, report, score
from eyeline.systems.gaze_anticipation.data import open_clips
from eyeline.systems.gaze_anticipation.predictions import Predictions, Truth
from eyeline.systems.gaze_anticipation.scoring import evaluator, levels, map_files
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator, baselines
from eyeline.systems.gaze_anticipation.scoring.truth import predicted, targets_of
from tests.systems.gaze_anticipation import judged

ASIDE = np.array([0.03, -0.02])


def answers(known: Truth, order: np.ndarray | None = None) -> tuple[Predictions, np.ndarray]:
    """A spot a little beside the gaze, and its maps."""
    place = np.clip(known.square + ASIDE, 0, 1)
    result = predicted(known, np.clip(known.xy + ASIDE, 0, 1), np.full(len(known), 0.1))
    order = np.arange(len(known)) if order is None else order
    return result.take(order), evaluator.spots(place[order], 64)


def written(folder: Path, known: Truth, order: np.ndarray | None = None) -> Path:
    """Tables and maps as the evaluation leaves them."""
    result, maps = answers(known, order)
    predictions.write(folder / "truth.csv", known)
    predictions.write(folder / "p.csv", result)
    with map_files.writing(folder / "p.parquet", 64) as writer:
        writer.add(result, maps)
    return folder / "p.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    created = tmp_path_factory.mktemp("scored")
    written(created, judged.truth())
    return created


def test_a_table_against_the_truth(folder: Path) -> None:
    given: list[str] = []
    created = score.run(
        folder / "p.csv", folder / "truth.csv", threshold=0.0501, fov_deg=82, samples=20,
        log=given.append,
    )  # fmt: skip
    known = judged.truth()
    result, maps = answers(known)
    frames = Evaluator(known, fov_deg=82)
    accumulator = frames.accumulator()
    frames.add(accumulator, slice(None), maps, result.xy)
    wanted = report.report_of(
        {score.PREDICTED: accumulator, **baselines(frames)}, known,
        {score.PREDICTED: levels.nearest(0.05)}, first=score.PREDICTED, samples=20,
    )  # fmt: skip
    for name in ("published", "pooled", "tracked", "by_horizon", "interval", "counts"):
        assert created[name] == wanted[name], name
    row = created["pooled"][score.PREDICTED]
    assert row["threshold"] == pytest.approx(0.05) and row["f1"] > 0.5 and row["angle_deg"] > 1
    assert row["l2"] == pytest.approx(np.hypot(0.03, 0.02), abs=1e-3)
    assert given == created["notes"] and created["predictions"].endswith("p.csv")


def test_the_order_of_rows_does_not_matter(folder: Path, tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(120)
    path = written(tmp_path, judged.truth(), order)
    one, two = (
        score.run(p, folder / "truth.csv", samples=0) for p in (folder / "p.csv", path)
    )  # fmt: skip
    assert one["counts"] == two["counts"]
    for name, row in one["pooled"].items():
        assert two["pooled"][name] == pytest.approx(row, nan_ok=True)


def test_plain_maps_parallel(folder: Path, tmp_path: Path) -> None:
    """Maps that others made, of any size and sum."""
    result, _ = answers(judged.truth())
    predictions.write(tmp_path / "p.csv", result)
    place = np.clip(judged.truth().square + ASIDE, 0, 1) * 32
    away = [np.arange(32) - place[:, axis, None] for axis in (0, 1)]
    maps = 7 * np.exp(-0.5 * (away[0][:, None] ** 2 + away[1][:, :, None] ** 2) / 1.6**2)
    np.savez_compressed(tmp_path / "p.npz", heatmap=maps)
    created = score.run(tmp_path / "p.csv", folder / "truth.csv", samples=0)
    known = score.run(folder / "p.csv", folder / "truth.csv", samples=0)
    ours, theirs = (m["published"]["f1"] for m in (created, known))
    assert ours == pytest.approx(theirs, abs=0.05) and ours > 0.5


def test_points_alone_have_distances(folder: Path, tmp_path: Path) -> None:
    predictions.write(tmp_path / "p.csv", answers(judged.truth())[0])
    created = score.run(tmp_path / "p.csv", folder / "truth.csv", samples=5)
    row = created["pooled"][score.PREDICTED]
    assert row["l2"] == pytest.approx(np.hypot(0.03, 0.02), abs=1e-3) and row["auc"] is None
    assert created["published"]["f1"] is None and created["pooled"]["centre_prior"]["auc"] > 0
    assert created["interval"][score.PREDICTED]["auc"] is None
    assert created["interval"]["predictions_over"]["centre_prior"]["l2"][1] < 0
    assert created["notes"][0] == "no maps next to p.csv: only distances are reported"


def test_a_part_of_the_frames(folder: Path, tmp_path: Path) -> None:
    known = judged.truth()
    path = written(tmp_path, known, np.flatnonzero(known.video != "v1"))
    with pytest.raises(
        DataError, match=r"lacks 40 of 120 frames: frame 86 of clip 0 s of v1; .* 37 more"
    ):
        score.run(path, folder / "truth.csv")
    created = score.run(path, folder / "truth.csv", subset=True, samples=0)
    assert created["notes"][0] == "40 of 120 frames were not predicted: left out"
    assert created["counts"]["frames"] == 80 and created["counts"]["videos"] == 2
    part = known.take(np.flatnonzero(known.video != "v1"))
    predictions.write(tmp_path / "truth.csv", part)
    assert score.run(path, tmp_path / "truth.csv", samples=0)["pooled"] == created["pooled"]


def test_tables_that_do_not_fit(folder: Path, tmp_path: Path) -> None:
    known = judged.truth()
    path = written(tmp_path, judged.truth(samples=6))
    with pytest.raises(DataError, match=r"has frame 836 of clip 25 s of v0.*does not have"):
        score.run(path, folder / "truth.csv")
    written(tmp_path, replace(known, time_s=known.time_s + 0.01))
    with pytest.raises(DataError, match=r"frame 86 of clip 0 s of v0 has time_s 2\.87"):
        score.run(path, folder / "truth.csv")
    written(tmp_path, replace(known, slot=known.slot[::-1].copy()))
    with pytest.raises(DataError, match="has slot 7"):
        score.run(path, folder / "truth.csv")
    written(tmp_path, known)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    with pytest.raises(DataError, match="other frames than the table's rows"):
        score.run(path, folder / "truth.csv")
    path.write_text(lines[0] + "\n")
    with pytest.raises(DataError, match="has no rows"):
        score.run(path, folder / "truth.csv")
    with pytest.raises(UsageError, match="field of view"):
        score.run(folder / "p.csv", folder / "truth.csv", fov_deg=200)
    with pytest.raises(DataError, match=r"train\.list|nowhere"):
        score.run(folder / "p.csv", tmp_path, split="nowhere")


@pytest.mark.parametrize("options", [
    {"task": "anticipation"}, {"task": "estimation"}, {"task": "anticipation", "frames": 4},
    {"task": "estimation", "full_frames": True},
])  # fmt: skip
def test_a_prepared_data_set_is_truth(
    judged_data: Path, options: dict[str, object], tmp_path: Path
) -> None:
    known = targets_of(open_clips(judged_data, "test", **options)).truth  # type: ignore[arg-type]
    known = known.take(tables.first_of_each(known.keys))
    path = written(tmp_path, known)
    by_table = score.run(path, tmp_path / "truth.csv", samples=10)
    by_data = score.run(path, judged_data, samples=10)
    for name in ("task", "dataset", "published", "pooled", "by_horizon", "interval", "counts"):
        assert by_table[name] == by_data[name], name
    assert by_data["task"] == options["task"]
