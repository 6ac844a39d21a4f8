"""What surrounds the loop: the choice of an epoch, and what is said of first weights."""

from __future__ import annotations

import math

import pytest

from eyeline.training.task import InitialWeights, Selection


@pytest.mark.parametrize(
    ("values", "largest", "wanted"),
    [
        ([0.5, 0.4, 0.7, 0.7], True, [1, 0, 1, 0]),
        ([1.0, 0.5, 0.6, 0.7], False, [1, 1, 0, 0]),
        ([30, 40, 20, 25], False, [1, 0, 1, 0]),
        ([None, 0.2, 0.1, 0.2, 0.3], True, [1, 1, 0, 0, 1]),
        ([None, None], True, [1, 1]),
        ([0.5, None], True, [1, 1]),
        ([math.nan, 3.0, math.nan, 2.0], False, [1, 1, 0, 1]),
    ],
)
def test_the_kept_epoch(values: list[float | None], largest: bool, wanted: list[int]) -> None:
    rows = [{} if v is None else {"score": v} for v in values]
    selection = Selection("score", largest)
    kept = [selection.is_best(rows[:i], row) for i, row in enumerate(rows)]
    assert [int(k) for k in kept] == wanted


def test_what_is_said_of_first_weights() -> None:
    assert InitialWeights().as_dict() == {}
    begun = InitialWeights("w.pt", "ab", 3, ("a", "b", "c", "d", "e"), "free")
    assert str(begun) == "3 tensors of w.pt taken; random: a, b, c, d and 1 more"
    assert str(InitialWeights("w.pt", "ab", 3)) == "3 tensors of w.pt taken"
    assert begun.as_dict() == {
        "file": "w.pt",
        "sha256": "ab",
        "taken": 3,
        "random": ["a", "b", "c", "d", "e"],
        "licence": "free",
    }
