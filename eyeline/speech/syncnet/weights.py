"""Weights of SyncNet: the authors' flat file becomes ours, and either is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from eyeline.errors import CheckpointError
from eyeline.training import checkpoint
from eyeline.training.foreign import load_state

if TYPE_CHECKING:
    from torch import Tensor

    from eyeline.speech.syncnet.model import SyncNet

BUILDER = "syncnet"
LICENCE = (
    "weights of the authors of SyncNet (Chung and Zisserman), syncnet_v2.model: published for "
    "download with code under the MIT licence; they state no licence of their own"
)

_PARTS = {
    "netcnnlip": "lips.convolutions",
    "netfclip": "lips.head",
    "netcnnaud": "sound.convolutions",
    "netfcaud": "sound.head",
}
_COUNTER = "num_batches_tracked"


def our_name(theirs: str) -> str:
    """Our name of one of their entries; an entry that has no place keeps its name."""
    part, _, rest = theirs.partition(".")
    return f"{_PARTS[part]}.{rest}" if part in _PARTS and rest else theirs


def is_original(entries: Mapping[str, Any]) -> bool:
    """Whether a file's entries are those of SyncNet, whole or in part."""
    return any(name.partition(".")[0] in _PARTS for name in entries)


def read_original(path: Path | str) -> dict[str, Tensor]:
    """All tensors of our network from the authors' file.

    The file is one flat table of tensors. Counters of batches, which files of the time before
    PyTorch 0.4.1 lack and nothing reads, are filled in. Nothing in the file is executed.

    Raises:
        CheckpointError: no such file, not a checkpoint, or one whose keys, shapes or values are
            not those of SyncNet; the message names them.
    """
    return place(load_state(path, "SyncNet, syncnet_v2.model").state, path)


def place(theirs: Mapping[str, Tensor], path: Path | str) -> dict[str, Tensor]:
    """The same of tensors that have been read."""
    import torch

    from eyeline.speech.syncnet.model import syncnet

    with torch.device("meta"):
        expected = syncnet().state_dict()
    counters = {name: torch.tensor(0) for name in expected if name.endswith(_COUNTER)}
    result = {**counters, **{our_name(name): value for name, value in theirs.items()}}
    return checkpoint.placed(expected, result, "SyncNet", path)


def load_syncnet(path: Path | str) -> tuple[SyncNet, dict[str, Any]]:
    """The network in evaluation mode, and what its card says to go by.

    Args:
        path: the authors' `syncnet_v2.model`, or our file of it.

    Returns:
        The network, and the card's settings; none where the file has no card.

    Raises:
        CheckpointError: for a file of something else, or with tensors that do not fit.
    """
    from eyeline.speech.syncnet.model import syncnet

    if not checkpoint.is_own(path):
        net = syncnet()
        checkpoint.fill(net, read_original(path), path)
        return net.eval(), {}
    card, state = checkpoint.load(path)
    if card.builder != BUILDER:
        raise CheckpointError(
            f"{path} holds weights of {card.system}/{card.builder}; expected {BUILDER}"
        )
    net = cast("SyncNet", checkpoint.build(syncnet, card, state, path))
    return net, dict(card.settings)
