"""Answers for clips: the network's own, in order, however many at once."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from eyeline.errors import UsageError
from eyeline.systems.gaze_anticipation.data import Clips, open_clips
from eyeline.systems.gaze_anticipation.model import Anticipation, heatmaps
from eyeline.systems.gaze_anticipation.scoring import levels, map_files, outputs
from eyeline.systems.gaze_anticipation.scoring.evaluator import Evaluator
from eyeline.systems.gaze_anticipation.scoring.outputs import Work, outputs_of
from tests.systems.gaze_anticipation import judged
from tests.systems.gaze_anticipation.invented import small


@pytest.fixture(scope="module")
def clips(judged_data: Path) -> Clips:
    return open_clips(
        judged_data, "test", task="estimation", full_frames=True, side=64, sides=(64, 64), frames=4
    ).subset(np.arange(0, 96, 20))


def test_answers_are_the_networks(clips: Clips) -> None:
    network, known = small(), list[str]()
    parts = list(outputs_of(network, clips, Work(at_once=3, log=known.append)))
    assert [part.numbers.tolist() for part in parts] == [[0, 1, 2], [3, 4]]
    for part in parts:
        for place, number in enumerate(part.numbers.tolist()):
            sample = clips[number]
            with torch.no_grad():
                logits = network(sample["clip"][None], sample["audio"][None]).logits
            maps = heatmaps(logits)[0].numpy()
            values = levels.levels(levels.rescaled(maps))
            np.testing.assert_array_equal(part.level[place], values)
            for slot, one in enumerate(maps):
                row, column = np.unravel_index(one.argmax(), one.shape)
                assert part.square[place, slot].tolist() == [column / 16, row / 16]
                assert part.probability[place, slot] == one.max()
    assert known == ["5 of 5 clips"]


def test_how_many_at_once_does_not_show(clips: Clips) -> None:
    network = small(1)
    every = [
        np.concatenate([part.level for part in outputs_of(network, clips, Work(at_once=size))])
        for size in (1, 2, 20)
    ]
    assert all(np.array_equal(predictions, every[0]) for predictions in every)
    assert len({one.tobytes() for one in every[0].reshape(-1, 256)}) == 20


def test_readers_do_not_show(clips: Clips) -> None:
    network = small()
    one, two = (
        list(outputs_of(network, clips, Work(at_once=2, workers=workers))) for workers in (0, 2)
    )
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_array_equal(ours.level, theirs.level)


class Guessing(nn.Module):
    """Says what it is shown, so that clips differ."""

    frames, side = 2, 256

    def __init__(self) -> None:
        super().__init__()
        self.none = nn.Parameter(torch.zeros(1))

    def forward(self, clip: Tensor, audio: Tensor) -> Anticipation:
        return Anticipation(clip)


class Noise(Dataset[dict[str, Tensor]]):
    """Clips of nothing."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        drawn = torch.Generator().manual_seed(number)
        return {"clip": torch.randn(2, 64, 64, generator=drawn), "audio": torch.zeros(1)}


def test_memory_does_not_grow_with_clips(tmp_path: Path) -> None:
    """Answers, their scores and their file, of few and of many clips."""

    def peak(count: int) -> int:
        known = judged.truth(videos=1, samples=count, slots=2)
        known = replace(known, square=known.last)  # a label of each place is kept
        frames = Evaluator(known)
        accumulator = frames.accumulator()
        tracemalloc.start()
        with map_files.writing(tmp_path / "m.parquet", 64) as writer:
            for part in outputs_of(Guessing(), Noise(count), Work(at_once=20)):  # type: ignore[arg-type]
                at = slice(2 * int(part.numbers[0]), 2 * int(part.numbers[-1]) + 2)
                predictions = part.level.reshape(-1, 64, 64)
                frames.add(accumulator, at, predictions, part.square.reshape(-1, 2))
                writer.add(known.take(np.arange(at.start, at.stop)), predictions)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert accumulator.means().frames == 2 * count
        return most

    peak(20)
    assert peak(1500) < 1.1 * peak(600), "11 MB of levels more"


def test_peaks() -> None:
    maps = np.zeros((2, 4, 8), np.float32)
    maps[0, 3, 5], maps[1, 0, 2] = 0.5, 0.25
    place, value = outputs.peaks(maps)
    np.testing.assert_array_equal(place, [[5 / 8, 3 / 4], [2 / 8, 0]])
    assert value.tolist() == [0.5, 0.25]
    with pytest.raises(UsageError, match="at_once is 0"):
        Work(at_once=0)
