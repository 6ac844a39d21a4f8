"""Tables for the textbook scores; parity with the published evaluation is in
../systems/eye_contact/test_report.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from eyeline.evaluation import bootstrap, metrics

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
def test_own_and_scikit_learns_scores_are_alike(pairs: list[tuple[bool, int]]) -> None:
    """By its library's definition and by counting; what a bootstrap weighs, and the balance."""
    truth = np.array([int(t) for t, _ in pairs])
    score = np.array([s / 6 for _, s in pairs])
    called = (score >= 0.5).astype(np.int64)
    hits = truth & called
    f1 = 2 * hits.sum() / max(truth.sum() + called.sum(), 1)
    assert metrics.binary_f1(truth, called) == pytest.approx(f1)
    group = np.arange(len(truth)) % 3
    of = bootstrap.drawn_precision(truth, score, group, 3)
    if truth.any():
        expected = metrics.average_precision(truth, score)
        assert of(np.arange(3)) == pytest.approx(expected)
        twice = average_precision_score(truth, score, sample_weight=1 + (group == 1))
        assert of(np.array([0, 1, 1, 2])) == pytest.approx(twice)
    if 0 < truth.sum() < len(truth):
        up, down = score[truth == 1][:, None], score[truth == 0]
        wins = ((up > down) + 0.5 * (up == down)).mean()
        assert metrics.roc_auc(truth, score) == pytest.approx(wins)
        expected = balanced_accuracy_score(truth, called)
        assert metrics.balanced_accuracy(truth, called) == pytest.approx(expected)


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
    result = metrics.segments(np.array(labels), last_end_short=short)
    rows = zip(result.label.tolist(), result.start.tolist(), result.end.tolist(), strict=True)
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


def test_counts_of_a_wrong_sequence_hold_no_true_positive() -> None:
    good, bad = np.array([0, 0, 1, 1]), np.array([1, 1, 1, 1])
    pairs = [(good, good), (bad, 1 - bad)]
    counts = np.sum([metrics.segment_matches(*pair, 0.5) for pair in pairs], axis=0)
    assert metrics.f1_from_counts(*counts) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert metrics.f1_from_counts(*metrics.segment_matches(bad, 1 - bad, 0.5)) == 0.0


def test_calibration() -> None:
    truth = np.array([0, 1, 1, 1])
    probability = np.array([0.25, 0.25, 1.0, 1.0])
    table = metrics.calibration_bins(truth, probability)
    assert [(b.count, b.mean_probability, b.positive_fraction) for b in table] == [
        (2, 0.25, 0.5), (2, 1.0, 1.0)
    ]  # fmt: skip
    assert metrics.expected_calibration_error(truth, probability) == pytest.approx(0.125)
