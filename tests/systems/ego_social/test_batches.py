"""Batches as the original sampler makes them with numpy's seed 1; numbers of `golden/`."""

from __future__ import annotations

import itertools
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from eyeline.errors import DataError, UsageError
from eyeline.systems.ego_social.batches import SequenceBatches, collate, cut
from eyeline.systems.ego_social.data import Utterance
from tests.refusals import refuses
from tests.systems.ego_social.invented import golden
from tests.systems.ego_social.recorded import document


def lengths() -> Any:
    return np.array([row[4] - row[3] for row in document(golden("sampler"), "sampler.in")])


def test_batches_are_the_originals_with_its_seed() -> None:
    """The original counts places in its own list, which each epoch shuffles and sorts in place."""
    rows = document(golden("sampler"), "sampler.in")
    result = SequenceBatches(lengths(), seed=1)
    for epoch, expected in enumerate(document(golden("sampler"), "sampler.out")):
        wanted = [[expected["segments"][place][5] for place in b] for b in expected["batches"]]
        assert [[rows[place][5] for place in b] for b in result.of_epoch(epoch)] == wanted


def test_batches_in_order_are_the_originals() -> None:
    """Those of the list that the second epoch left behind."""
    file = golden("sampler")
    left = document(file, "sampler.out")[-1]["segments"]
    longest = np.array([row[4] - row[3] for row in left])
    assert cut(longest) == document(file, "sampler.noshuffle")


def test_an_epoch_is_found_without_those_before_it() -> None:
    one, other = SequenceBatches(lengths(), seed=3), SequenceBatches(lengths(), seed=3)
    late = one.of_epoch(5)
    assert late == [other.of_epoch(epoch) for epoch in range(6)][5]
    assert one.of_epoch(5, done=4) == late[4:]
    assert one.of_epoch(0) == other.of_epoch(0) != one.of_epoch(1)
    assert SequenceBatches(lengths(), seed=4).of_epoch(5) != late


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_processes_fraction_an_epoch_evenly(world: int) -> None:
    result = SequenceBatches(lengths(), seed=1)
    fractions = [result.of_epoch(0, rank=rank, world=world) for rank in range(world)]
    assert len({len(fraction) for fraction in fractions}) == 1
    whole = result.of_epoch(0)
    dealt = [batch for row in zip(*fractions, strict=True) for batch in row]
    assert dealt[: len(whole)] == whole and dealt[len(whole) :] == whole[: len(dealt) - len(whole)]
    assert sorted(itertools.chain(*whole)) == list(range(40))


def test_no_batch_passes_the_budget_unless_alone() -> None:
    many = np.random.default_rng(0).integers(1, 700, 300)
    for batch in SequenceBatches(many).of_epoch(2):
        assert len(batch) == 1 or len(batch) * many[batch].max() <= 400
    assert cut(np.array([0, 500, 200, 200, 3]), 400) == [[0, 1, 2, 3, 4]]
    assert cut(np.array([500, 200, 200, 3]), 400) == [[0], [1, 2], [3]]


def test_collating_cuts_to_the_shortest() -> None:
    file = golden("sampler")
    one = Utterance(clip=torch.rand(20, 3, 8, 8), audio=torch.rand(10_134), label=1, number=4)
    other = Utterance(clip=torch.rand(40, 3, 8, 8), audio=torch.rand(20_800), label=0, number=2)
    batch = cast(dict[str, torch.Tensor], collate([one, other]))
    wanted = file["collate.shapes"][0].tolist()
    assert [*batch["clip"].shape[:3]] == wanted[:3] and [*batch["audio"].shape] == wanted[5:7]
    assert batch["label"].tolist() == file["collate.target"].tolist()
    assert batch["number"].tolist() == [4, 2]
    assert torch.equal(batch["clip"][1], other["clip"][:20])
    assert torch.equal(batch["audio"][1], other["audio"][:10_134])


def test_a_loader_takes_the_batches() -> None:
    items = [
        Utterance(clip=torch.zeros(n, 3, 2, 2), audio=torch.zeros(n), label=0, number=i)
        for i, n in enumerate([3, 9, 4, 5])
    ]
    batches = SequenceBatches(np.array([3, 9, 4, 5]), budget=10).of_epoch(0)
    loader: Any = DataLoader(cast(Any, items), batch_sampler=batches, collate_fn=collate)
    assert [batch["number"].tolist() for batch in loader] == batches


def test_what_cannot_be_batched() -> None:
    refuses(DataError, "no utterances", lambda: SequenceBatches(np.zeros(0, np.int64)))
    with pytest.raises(UsageError, match="budget of 0 frames"):
        SequenceBatches(np.ones(3, np.int64), budget=0)
    with pytest.raises(UsageError, match="process 2 of 2"):
        SequenceBatches(np.ones(3, np.int64)).of_epoch(0, rank=2, world=2)
    refuses(DataError, "batch of no utterances", lambda: collate([]))
