"""Figures of the original code, and what must hold of such figures at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from eyeline.errors import DataError
from eyeline.systems.ego_social import report
from eyeline.systems.ego_social.predictions import Rows, read_predictions, read_truth
from eyeline.systems.ego_social.score import score
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import document

CASES = (
    "lam_a", "lam_perm", "lam_dup", "lam_thr", "lam_small", "lam_perfect", "lam_inverse",
    "ttm_segment_a", "lam_ties_stable", "lam_ties_stable_posfirst", "lam_ties_stable_negfirst",
)  # fmt: skip


def once(table: Rows) -> Rows:
    from eyeline.systems.ego_social.predictions import first_of_each

    return table.take(first_of_each(table))


def tables(folder: Path, case: str) -> tuple[Rows, Rows]:
    numbers = golden("metrics")
    for side in ("gt", "pred"):
        (folder / f"{side}.csv").write_text(str(numbers[f"{case}.{side}"]), encoding="utf-8")
    return once(read_predictions(folder / "pred.csv")), once(read_truth(folder / "gt.csv"))


@pytest.mark.parametrize("case", CASES)
def test_figures_are_the_originals(tmp_path: Path, case: str) -> None:
    expected = document(golden("metrics"), f"{case}.result")
    predictions = score(*tables(tmp_path, case))["published"]
    for ours, theirs in (("mAP", "mAP"), ("ap_positive", "AP_pos"), ("ap_negative", "AP_neg")):
        assert abs(predictions[ours] - expected[theirs]) < 1e-12
    assert round(100 * predictions["accuracy"], 3) == expected["acc_pct_3dp"]
    confusion = [[round(100 * v, 3) for v in row] for row in predictions["confusion"]]
    assert confusion == expected["confusion_rows_pct_3dp"]


def test_frames_of_the_challenge(tmp_path: Path) -> None:
    expected = document(golden("metrics"), "ttm_frame_a.result")
    predictions = score(*tables(tmp_path, "ttm_frame_a"))
    answer = predictions["challenge"]["test_split"]
    assert abs(answer["mAP"] - expected["mAP"]) < 1e-12
    assert round(100 * answer["Acc"], 3) == expected["acc_pct_3dp"]
    assert predictions["task"] == "ttm"


@pytest.mark.parametrize("case", ["lam_onlypos", "lam_onlyneg", "lam_missing"])
def test_where_the_original_fails(tmp_path: Path, case: str) -> None:
    assert document(golden("metrics"), f"{case}.result") == {"error": "ValueError"}
    message = r"lacks .* rows: line" if case == "lam_missing" else "rows are positive"
    with pytest.raises(DataError, match=message):
        score(*tables(tmp_path, case))


def test_the_envelope_lies_above_the_textbook() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = rng.integers(0, 2, 60)
        value = rng.random(60)
        ours = report.average_precision(truth, value)
        theirs = average_precision_score(truth, value)
        assert ours >= theirs - 1e-12
    falling = np.array([0.9, 0.8, 0.7])
    assert report.average_precision(np.array([1, 0, 1]), falling) == pytest.approx(5 / 6)
    assert report.average_precision(np.array([0, 1, 1]), falling) == pytest.approx(2 / 3)
    assert average_precision_score(np.array([0, 1, 1]), falling) == pytest.approx(7 / 12)
    assert np.isnan(report.average_precision(np.zeros(3, np.int64), np.arange(3.0)))


def test_weights_are_repeats() -> None:
    rng = np.random.default_rng(1)
    truth, value = rng.integers(0, 2, 40), rng.random(40).round(1)
    times = rng.integers(0, 5, 40)
    long = np.repeat(truth, times), np.repeat(value, times)
    weighed, repeated = report.published(truth, value, times), report.published(*long)
    for name in ("mAP", "ap_positive", "ap_negative", "accuracy"):
        assert weighed[name] == pytest.approx(repeated[name], abs=1e-12)
    np.testing.assert_allclose(weighed["confusion"], repeated["confusion"], atol=1e-12)
    answer = report.challenge(truth, value, times)["test_split"]
    assert answer["mAP"] == pytest.approx(repeated["mAP"], abs=1e-12)
    assert answer["Acc"] == pytest.approx(repeated["accuracy"], abs=1e-12)


def test_half_counts_as_positive() -> None:
    predictions = report.published(np.array([1, 0]), np.array([0.5, np.nextafter(0.5, 0)]))
    assert predictions["accuracy"] == 1.0 and predictions["confusion"] == [[1.0, 0.0], [0.0, 1.0]]


def test_small_scores_of_the_other_class_tie() -> None:
    """One minus each is 1, so that the order of the file decides, as in the original."""
    predictions = report.published(np.array([0, 1]), np.array([2e-20, 1e-20]))
    assert predictions["ap_negative"] == 1.0 and predictions["ap_positive"] == 0.5
    predictions = report.published(np.array([1, 0]), np.array([1e-20, 2e-20]))
    assert predictions["ap_negative"] == 0.5


def test_textbook_scores() -> None:
    truth, value = np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.6, 0.1])
    predictions = report.pooled(truth, value)
    assert (
        predictions["auc"] == 0.75 and predictions["accuracy"] == 0.5 and predictions["rows"] == 4
    )
    both = [average_precision_score(t, v) for t, v in ((truth, value), (1 - truth, 1 - value))]
    assert predictions["mAP"] == pytest.approx(np.mean(both))
    assert predictions["prior"] == {"mAP": 0.5, "ap_positive": 0.5, "accuracy": 0.5}


def test_intervals_draw_whole_clips() -> None:
    rng = np.random.default_rng(2)
    clip = np.repeat(np.arange(30), 20)
    truth = rng.integers(0, 2, 600)
    value = np.clip(0.5 * truth + 0.7 * rng.random(600), 0, 1)
    predictions = report.intervals(truth, value, clip, samples=300)
    figures = report.published(truth, value)
    for name in ("mAP", "accuracy"):
        span = predictions[name]
        assert span is not None
        assert span[0] < figures[name] < span[1] and span[1] - span[0] < 0.15
    again = report.intervals(truth, value, clip, samples=300)
    assert again == predictions, "drawn by a seed"
    one = report.intervals(truth, value, np.zeros(600, np.int64), samples=20)
    assert one["mAP"] == pytest.approx([figures["mAP"]] * 2, abs=1e-12)
