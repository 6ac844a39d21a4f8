"""Measures against published worked examples, scikit-learn and counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from eyeline.agreement.measures import (
    cohen_kappa,
    event_matches,
    events,
    grid,
    gwet_ac1,
    percent_agreement,
    pieces,
    table_of,
    values_at,
)
from eyeline.codings.coding import Interval
from eyeline.evaluation.metrics import LabelSegments, matched_pairs


@pytest.mark.parametrize(
    ("table", "agreement", "kappa", "ac1"),
    [
        # Gwet (2008), Br. J. Math. Stat. Psychol. 61: 125 subjects, the paradox of high prevalence
        ([[118, 5], [2, 0]], 0.944, -0.0234, 0.9408),
        # Feinstein and Cicchetti (1990), J. Clin. Epidemiol. 43: 85 % agreement twice, and AC1 of
        # the same by hand: (0.85 - 2 p (1 - p)) / (1 - 2 p (1 - p)), p the mean fraction
        ([[40, 9], [6, 45]], 0.85, 0.70, 0.7006),
        ([[80, 10], [5, 5]], 0.85, 0.32, 0.8080),
        # the usual textbook table of two readers of 50 applications
        ([[20, 5], [10, 15]], 0.70, 0.40, 0.4059),
    ],
)
def test_published_examples(
    table: list[list[int]], agreement: float, kappa: float, ac1: float
) -> None:
    counts = np.array(table, np.float64)
    assert percent_agreement(counts) == pytest.approx(agreement, abs=5e-4)
    assert cohen_kappa(counts) == pytest.approx(kappa, abs=5e-3)
    assert gwet_ac1(counts) == pytest.approx(ac1, abs=5e-4)


def test_nothing_and_one_value_alone_have_no_figure() -> None:
    assert np.isnan(percent_agreement(np.zeros((2, 2))))
    assert np.isnan(cohen_kappa(np.zeros((2, 2)))) and np.isnan(gwet_ac1(np.zeros((2, 2))))
    alone = np.array([[9.0, 0], [0, 0]])
    assert np.isnan(cohen_kappa(alone))
    assert gwet_ac1(alone) == 1
    assert np.isnan(gwet_ac1(np.array([[9.0]])))


labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60)


@settings(max_examples=60, deadline=None)
@given(labels)
def test_kappa_is_that_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    a, b = np.array(rows).T
    own = cohen_kappa(table_of(a, b, 4))
    if len({*a.tolist(), *b.tolist()}) > 1:
        assert own == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
    else:
        assert np.isnan(own)


A = (Interval(0.0, 1.0, "x"), Interval(1.0, 2.0, "y"), Interval(3.0, 4.0, "x"))
B = (Interval(0.5, 2.0, "x"), Interval(3.1, 4.3, "x"))
VALUES = ("", "x", "y")
WHOLE = np.array([[0.0, 5.0]])


def test_time_is_weighed_exactly() -> None:
    centre, length = pieces(A, B, WHOLE)
    table = table_of(values_at(A, centre, VALUES), values_at(B, centre, VALUES), 3, length)
    by_hand = [[1.7, 0.3, 0.0], [0.6, 1.4, 0.0], [0.0, 1.0, 0.0]]
    np.testing.assert_allclose(table, by_hand, atol=1e-9)
    half = np.array([[0.0, 0.75], [3.5, 5.0]])
    assert pieces(A, B, half)[1].sum() == pytest.approx(2.25)
    assert len(pieces(A, B, np.zeros((0, 2)))[0]) == 0


def test_the_grid_has_the_centres_of_its_cells() -> None:
    np.testing.assert_allclose(grid(np.array([[0.0, 0.5]]), 0.1), [0.05, 0.15, 0.25, 0.35, 0.45])
    np.testing.assert_allclose(grid(np.array([[0.2, 0.3], [0.9, 1.0]]), 0.1), [0.25, 0.95])
    assert len(grid(np.zeros((0, 2)), 0.1)) == 0
    fine = grid(WHOLE, 0.001)
    table = table_of(values_at(A, fine, VALUES), values_at(B, fine, VALUES), 3)
    np.testing.assert_allclose(table / 1000, [[1.7, 0.3, 0], [0.6, 1.4, 0], [0, 1.0, 0]], atol=2e-3)


def test_events_are_matched_by_overlap_and_label() -> None:
    a, b = (events(side, VALUES, WHOLE) for side in (A, B))
    matched, differences = event_matches(a, b, (0.1, 0.25, 0.5, 0.8))
    # x 0-1 with x 0.5-2: 0.5 / 2; x 3-4 with x 3.1-4.3: 0.9 / 1.3
    assert matched.tolist() == [2, 2, 1, 0]
    np.testing.assert_allclose(differences, [[0.5, 1.0], [0.1, 0.3]], atol=1e-9)
    assert len(events(A, VALUES, np.array([[2.0, 2.9]]))) == 0


spans = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.integers(1, 9)), max_size=12)


def _segments(rows: list[tuple[int, int, int]]) -> LabelSegments:
    ends = np.cumsum([gap + length for _, gap, length in rows])
    start = ends - [length for _, _, length in rows]
    return LabelSegments(np.array([r[0] for r in rows], np.int64), start / 7, ends / 7)


@settings(max_examples=80, deadline=None)
@given(spans, spans)
def test_matching_is_the_same_from_both_sides(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]
) -> None:
    a, b = _segments(one), _segments(other)
    for level in (0.1, 0.5):
        there, back = matched_pairs(a, b, level), matched_pairs(b, a, level)
        assert len(there) == len(back)
        assert len({i for i, _, _ in there}) == len({j for _, j, _ in there}) == len(there)
        assert sorted(there) == sorted((i, j, iou) for j, i, iou in back)
        assert there == [pair for pair in matched_pairs(a, b, 0.05) if pair[2] >= level]
        for i, j, iou in there:
            shared = min(a.end[i], b.end[j]) - max(a.start[i], b.start[j])
            covered = max(a.end[i], b.end[j]) - min(a.start[i], b.start[j])
            assert a.label[i] == b.label[j] and iou >= level
            assert iou == pytest.approx(shared / covered)
    assert matched_pairs(a, a, 0.5) == [(n, n, 1.0) for n in range(len(a))]
