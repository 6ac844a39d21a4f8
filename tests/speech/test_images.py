"""Which images each frame is for."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyeline.speech.images import images_due


def pass_over(indices: list[int], asked: list[int]) -> Iterator[Any]:
    for index in indices:
        asked.append(index)
        yield SimpleNamespace(index=index)


@pytest.mark.parametrize(
    ("shown", "indices", "due"),
    [
        ([], range(3), {}),
        ([[]], range(3), {}),
        ([[0, 1, 2]], range(5), {0: [(0, 0)], 1: [(0, 1)], 2: [(0, 2)]}),
        ([[1, 1, 2]], range(5), {1: [(0, 0), (0, 1)], 2: [(0, 2)]}),  # one shown twice
        ([[0, 3]], range(5), {0: [(0, 0)], 3: [(0, 1)]}),  # one left out
        ([[2, 3], [], [0, 2]], range(5), {0: [(2, 0)], 2: [(2, 1), (0, 0)], 3: [(0, 1)]}),
        ([[1, 2, 3]], [0, 3, 4], {3: [(0, 0), (0, 1), (0, 2)]}),  # the next one stands in
        ([[0, 7]], range(3), {0: [(0, 0)]}),  # no frame is left
    ],
)
def test_images_due(shown: list[list[int]], indices: list[int], due: dict[int, Any]) -> None:
    tracks = [np.array(s, np.int64) for s in shown]
    asked: list[int] = []
    result = {f.index: pairs for f, pairs in images_due(tracks, pass_over(list(indices), asked))}
    assert {k: sorted(v) for k, v in result.items()} == {k: sorted(v) for k, v in due.items()}


def test_no_more_frames_are_asked_for_than_needed() -> None:
    asked: list[int] = []
    list(images_due([np.array([0, 2])], pass_over(list(range(9)), asked)))
    assert asked == [0, 1, 2]
    asked.clear()
    list(images_due([np.array([], np.int64)], pass_over([0], asked)))
    assert not asked
