"""Where a training begins: at random weights, at one of our files, or at Kinetics-400's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyeline import files
from eyeline.systems.gaze_anticipation import weights
from eyeline.training import checkpoint
from eyeline.training.beginning import Beginning

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation.model import GazeAnticipation

OTHERS_LICENCE = "begun at weights of others, whose file states no licence"


def begin(network: GazeAnticipation, path: Path | None) -> Beginning:
    """Give a fresh network its first weights.

    Args:
        network: changed in place.
        path: what `weights.initialise` takes; None leaves it as it was drawn.

    Raises:
        CheckpointError: as of `weights.initialise`.
    """
    if path is None:
        return Beginning()
    random = weights.initialise(network, path)
    ours = checkpoint.is_own(path)
    licence = checkpoint.read_card(path).licence if ours else OTHERS_LICENCE
    taken = len(network.state_dict()) - len(random)
    return Beginning(path.name, files.sha256(path), taken, random, licence)
