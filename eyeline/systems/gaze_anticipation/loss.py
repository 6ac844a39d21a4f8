"""The published losses: maps near the labels', and sight and audio of one clip near one another."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from eyeline.errors import check_shape

TEMPERATURE = 0.05
"""Of the contrastive loss."""
UNTRACKED = 3
"""The kind of a frame whose gaze is not known; its label lies in a corner."""

_LEAST = 1e-10
_SHORTEST = 1e-8


def map_divergence(predicted: Tensor, label: Tensor, counts: Tensor | None = None) -> Tensor:
    """Kullback-Leibler divergence of labels from maps, as a fraction of the largest entropy.

    The order is the published one: of the prediction from the label, the reverse of the usual. The
    mean over clips; of a clip without a frame that counts it is 0.

    Args:
        predicted: `(batch, time, row, column)` distributions, as of `model.heatmaps`.
        label: as `predicted`; a smooth spot around the gaze.
        counts: `(batch, time)`, which frames count; None counts all, as published.
    """
    sizes = check_shape(predicted, "batch time row column", "predicted")
    check_shape(label, "batch time row column", "label", sizes)
    apart = predicted * (torch.log(predicted + _LEAST) - torch.log(label + _LEAST))
    by_frame = apart.sum((2, 3)) / math.log(sizes["row"] * sizes["column"])
    if counts is None:
        return by_frame.sum(1).mean() / sizes["time"]
    check_shape(counts, "batch time", "counts", sizes)
    many = counts.sum(1).clamp(min=1)
    return ((by_frame * counts).sum(1) / many).mean()


def contrast(seen: Tensor, heard: Tensor, *, temperature: float = TEMPERATURE) -> Tensor:
    """How badly sight finds its own audio among those of a batch, and audio its sight.

    The sum of both directions, each a mean over clips, of vectors `(batch, width)` of any length.
    With several processes the batch is that of all of them together; each process then gets the
    same value, and gradients that add up to those of one process with the whole batch. (In the
    original all but the first process get those of the first one's clips.)
    """
    sizes = check_shape(seen, "batch width", "seen")
    check_shape(heard, "batch width", "heard", sizes)
    alike = similarities(gathered(seen), gathered(heard)) / temperature
    own = torch.arange(len(alike), device=alike.device)
    return F.cross_entropy(alike, own) + F.cross_entropy(alike.T, own)


def similarities(seen: Tensor, heard: Tensor) -> Tensor:
    """Cosines between each of `(n, width)` and each of `(m, width)`, `(n, m)`."""
    return F.normalize(seen, dim=1, eps=_SHORTEST) @ F.normalize(heard, dim=1, eps=_SHORTEST).T


def gathered(x: Tensor) -> Tensor:
    """The rows of all processes one after the other; equally many of each."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return x
    world, own = distributed.get_world_size(), x.detach().contiguous()
    parts = [torch.empty_like(own) for _ in range(world)]
    distributed.all_gather(parts, own)
    # every process has the loss of all rows, by whose number gradients of parameters are divided
    parts[distributed.get_rank()] = own + world * (x - own)
    return torch.cat(parts)
