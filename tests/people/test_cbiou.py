"""C-BIoU gives the numbers of the reference implementation; the rules that these rest on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eyeline.people.cbiou import CBIoU

GOLDEN = Path(__file__).parent / "golden" / "cbiou.npz"


def test_tracks_are_those_of_the_reference_implementation() -> None:
    with np.load(GOLDEN) as file:
        frozen = dict(file)
    for scene in np.unique(frozen["scene"]):
        rows = frozen["scene"] == scene
        tracker = CBIoU(float(frozen["keep_s"][rows][0]))
        for time_s in np.unique(frozen["time_s"][rows]):
            now = rows & (frozen["time_s"] == time_s)
            box = frozen["box"][now].astype(float)
            result = tracker.update(box, frozen["score"][now], float(time_s))
            assert result.tolist() == frozen["track"][now].tolist(), (scene, time_s)


Frames = Sequence[tuple[float, Sequence[tuple[float, float]]]]


def numbers(frames: Frames, keep_s: float = 1.0) -> list[list[int]]:
    """Of frames with a time and boxes of 100 px by their left side and confidence."""
    tracker = CBIoU(keep_s)
    result = []
    for time_s, given in frames:
        box = np.array([[x, 0, x + 100, 100] for x, _ in given], float).reshape(-1, 4)
        result.append(tracker.update(box, np.array([s for _, s in given]), time_s).tolist())
    return result


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (
            [(0, [(0, 0.9)]), (0.1, [(5, 0.9), (400, 0.9)]), (0.2, [(405, 0.9), (10, 0.9)])],
            [[0], [0, -1], [1, 0]],
        ),
        ([(0, [(0, 0.5)]), (0.1, [(0, 0.5)])], [[-1], [-1]]),
        (
            [(0, [(0, 0.9)]), (0.1, [(0, 0.5)]), (0.2, [(0, 0.05)]), (0.3, [(0, 0.9)])],
            [[0], [0], [-1], [0]],
        ),
        ([(0, [(0, 0.9)]), (0.2, []), (0.4, [(0, 0.5)]), (0.6, [(0, 0.9)])], [[0], [], [-1], [0]]),
        ([(0, [(0, 0.9)]), (0.9, []), (1.1, [(0, 0.9)]), (1.2, [(0, 0.9)])], [[0], [], [-1], [1]]),
    ],
    ids=[
        "a new face is numbered when it is seen again",
        "unsure boxes start nothing",
        "but carry on",
        "a lost track is not found by an unsure box",
        "a lost track ends",
    ],
)
def test_who_is_numbered(frames: Frames, expected: list[list[int]]) -> None:
    assert numbers(frames) == expected
