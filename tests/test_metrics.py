"""Tables for the textbook scores; parity with the published evaluation is in
systems/eye_contact/test_report.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from eyeline import metrics

Labels = list[int]


@pytest.mark.parametrize(
    ("truth", "predicted", "accuracy", "balanced", "f1"),
    [
        ([1, 0, 1, 0], [1, 0, 1, 0], 1.0, 1.0, 1.0),
        ([1, 1, 1, 0], [1, 1, 0, 0], 0.75, 5 / 6, 0.8),
        ([0, 0, 0, 0], [1, 1, 1, 1], 0.0, 0.0, 0.0),
        ([0, 0], [0, 0], 1.0, 1.0, 0.0),  # no positive anywhere
        ([1], [1], 1.0, 1.0, 1.0),
    ],
)
def test_frame_scores(
    truth: Labels, predicted: Labels, accuracy: float, balanced: float, f1: float
) -> None:
    a, b = np.array(truth), np.array(predicted)
    assert metrics.accuracy(a, b) == pytest.approx(accuracy)
    assert metrics.balanced_accuracy(a, b) == pytest.approx(balanced)
    assert metrics.binary_f1(a, b) == pytest.approx(f1)


def test_nothing_scores_nan() -> None:
    none = np.zeros(0, np.int64)
    assert np.isnan(metrics.accuracy(none, none))
    assert np.isnan(metrics.balanced_accuracy(none, none))
    assert np.isnan(metrics.edit_score(none, none))
    assert np.isnan(metrics.roc_auc(none, none.astype(float)))
    assert np.isnan(metrics.average_precision(none, none.astype(float)))
    assert np.isnan(metrics.expected_calibration_error(none, none.astype(float)))
    assert len(metrics.segments(none)) == 0


@pytest.mark.parametrize("truth", [[1, 1, 1], [0, 0, 0]])
def test_auc_needs_both_classes(truth: Labels) -> None:
    assert np.isnan(metrics.roc_auc(np.array(truth), np.array([0.1, 0.5, 0.9])))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=60))
def test_ranking_scores_agree_with_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    truth = np.array([int(t) for t, _ in pairs])
    score = np.array([s / 6 for _, s in pairs])
    if truth.any():
        expected = average_precision_score(truth, score)
        assert metrics.average_precision(truth, score) == pytest.approx(expected)
    if 0 < truth.sum() < len(truth):
        assert metrics.roc_auc(truth, score) == pytest.approx(roc_auc_score(truth, score))


@pytest.mark.parametrize(
    ("labels", "short", "expected"),
    [
        ([0, 0, 1, 1, 1], False, [(0, 0, 2), (1, 2, 5)]),
        ([0, 0, 1, 1, 1], True, [(0, 0, 2), (1, 2, 4)]),
        ([0, 0, 1], True, [(0, 0, 2), (1, 2, 2)]),  # a last segment of length zero
        ([1], False, [(1, 0, 1)]),
    ],
)
def test_segments(labels: Labels, short: bool, expected: list[tuple[int, int, int]]) -> None:
    found = metrics.segments(np.array(labels), last_end_short=short)
    rows = zip(found.label.tolist(), found.start.tolist(), found.end.tolist(), strict=True)
    assert list(rows) == expected


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("aaaa", "aa", 2),
    ],
)
def test_levenshtein(a: str, b: str, steps: int) -> None:
    assert metrics.levenshtein(list(a), np.array(list(b))) == steps


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1], (2, 0, 0)),
        ([0, 0, 0, 0], [1, 1, 1, 1], (0, 1, 1)),
        ([0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], (1, 0, 4)),  # one long run finds one short one
        ([0, 0, 1], [0, 0, 1], (1, 1, 1)),  # the empty last segment matches nothing, itself neither
    ],
)
def test_segment_matches(truth: Labels, predicted: Labels, expected: tuple[int, int, int]) -> None:
    assert metrics.segment_matches(np.array(truth), np.array(predicted), 0.1) == expected


def test_whole_ends_match_a_last_segment_of_one_frame() -> None:
    labels = np.array([0, 0, 1])
    assert metrics.segment_matches(labels, labels, 0.5, last_end_short=False) == (2, 0, 0)


def test_counts_are_summed_before_f1() -> None:
    good, bad = np.array([0, 0, 1, 1]), np.array([1, 1, 1, 1])
    pooled = metrics.segmental_f1([(good, good), (bad, 1 - bad)], 0.5)
    assert pooled == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert metrics.segmental_f1([(bad, 1 - bad)], 0.5) == 0.0  # no true positive is no error


def test_calibration() -> None:
    truth = np.array([0, 1, 1, 1])
    probability = np.array([0.25, 0.25, 1.0, 1.0])
    table = metrics.calibration_bins(truth, probability)
    assert [(b.count, b.mean_probability, b.positive_share) for b in table] == [
        (2, 0.25, 0.5), (2, 1.0, 1.0)
    ]  # fmt: skip
    assert metrics.expected_calibration_error(truth, probability) == pytest.approx(0.125)


def test_bootstrap_draws_groups() -> None:
    value = np.array([0.0, 0.0, 1.0, 1.0])
    low, high = metrics.bootstrap_interval(lambda g: float(value[g].mean()), 4, samples=400, seed=1)
    assert low == 0.0 and high == 1.0
    again = metrics.bootstrap_interval(lambda g: float(value[g].mean()), 4, samples=400, seed=1)
    assert again == (low, high)


def test_bootstrap_of_alike_groups_is_a_point() -> None:
    assert metrics.bootstrap_interval(lambda g: 0.25, 5) == (0.25, 0.25)


def test_bootstrap_leaves_out_draws_without_a_score() -> None:
    low, high = metrics.bootstrap_interval(lambda g: float("nan") if 0 in g else 0.5, 3)
    assert (low, high) == (0.5, 0.5)


def test_bootstrap_without_any_score_is_nan() -> None:
    assert np.isnan(metrics.bootstrap_interval(lambda g: float("nan"), 3)).all()
