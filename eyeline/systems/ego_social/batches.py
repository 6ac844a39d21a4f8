"""Batches of utterances of about one length, as published, and how they are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.utils.data import default_collate

from eyeline.errors import DataError, UsageError
from eyeline.results import Ints
from eyeline.systems.ego_social.data import Utterance

BUDGET_FRAMES = 400
"""Frames of a batch, at most, unless one utterance alone has more."""


@dataclass
class SequenceBatches:
    """Batches of a set of utterances, epoch by epoch, each drawn anew from one seed.

    As published: the list is shuffled and sorted by length, the longest first; neighbours make a
    batch as long as `budget` is not passed; the order within batches is drawn from the epoch's
    number, that of the batches from the seed. Each epoch begins with the list that the one before
    left behind, so a later epoch is found by going through all before it.
    """

    length_frames: Ints
    """`(n,)` of each utterance, as of `Talks.length_frames`."""
    budget: int = BUDGET_FRAMES
    seed: int = 0
    _epochs: list[list[list[int]]] = field(default_factory=list, repr=False)
    """Batches of all epochs so far."""
    _list: list[int] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.budget < 1:
            raise UsageError(f"a budget of {self.budget} frames a batch; 1 or more can be")
        if not len(self.length_frames):
            raise DataError("no utterances to make batches of")
        self._list = list(range(len(self.length_frames)))
        self._random = np.random.RandomState(self.seed)

    def of_epoch(
        self, epoch: int, *, rank: int = 0, world: int = 1, done: int = 0
    ) -> list[list[int]]:
        """The batches of an epoch: places of utterances in the data set.

        Args:
            epoch: from 0.
            rank: which of the processes.
            world: how many there are; each has every `world`-th batch, and all have equally many:
                where they do not divide, the first ones of the epoch come twice.
            done: batches of this process that a stopped run has been through.
        """
        if epoch < 0 or not 0 <= rank < world or done < 0:
            raise UsageError(f"epoch {epoch}, process {rank} of {world}, {done} batches done")
        while len(self._epochs) <= epoch:
            self._epochs.append(self._next(len(self._epochs)))
        every = self._epochs[epoch]
        even = [every[i % len(every)] for i in range(len(every) + -len(every) % world)]
        return even[rank::world][done:]

    def _next(self, epoch: int) -> list[list[int]]:
        self._random.shuffle(self._list)
        self._list.sort(key=lambda place: -int(self.length_frames[place]))
        generator = torch.Generator().manual_seed(epoch)
        batches = []
        for batch in cut(self.length_frames[self._list], self.budget):
            drawn = torch.randperm(len(batch), generator=generator).tolist()
            batches.append([self._list[batch[i]] for i in drawn])
        self._random.shuffle(batches)
        return batches


def cut(length_frames: Ints, budget: int = BUDGET_FRAMES) -> list[list[int]]:
    """Neighbouring places `0 .. n - 1`, as many as the first one's length allows, one or more."""
    batches, place = [], 0
    while place < len(length_frames):
        count = max(budget // max(int(length_frames[place]), 1), 1)
        batches.append(list(range(place, min(place + count, len(length_frames)))))
        place += count
    return batches


def collate(utterances: Sequence[Utterance]) -> Utterance:
    """One batch, all cut to the shortest clip and the shortest audio, from their ends.

    As of `Utterance`, with a first axis of the batch; labels and numbers are `(batch,)` int64.
    """
    if not utterances:
        raise DataError("a batch of no utterances")
    time = min(len(one["clip"]) for one in utterances)
    samples = min(len(one["audio"]) for one in utterances)
    result: Utterance = default_collate(
        [{**s, "clip": s["clip"][:time], "audio": s["audio"][:samples]} for s in utterances]
    )
    return result
