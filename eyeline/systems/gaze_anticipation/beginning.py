"""Where a training begins: at random weights, at one of our files, or at Kinetics-400's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline import files
from eyeline.systems.gaze_anticipation import weights
from eyeline.training import checkpoint

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation.model import GazeAnticipation

OTHERS_LICENCE = "begun at weights of others, whose file states no licence"


@dataclass(frozen=True)
class Beginning:
    """What a network began at."""

    file: str = ""
    """Its name; empty: random weights."""
    sha256: str = ""
    taken: int = 0
    """Tensors that were taken."""
    random: tuple[str, ...] = ()
    """Tensors that stayed as they were drawn, by name; none where there is no file."""
    licence: str = ""
    """Of what was taken; it binds what is trained from it."""

    def as_dict(self) -> dict[str, Any]:
        """For a card or a report."""
        return {**asdict(self), "random": list(self.random)} if self.file else {}

    @property
    def words(self) -> str:
        """What was taken."""
        return f"{self.taken} tensors of {self.file} taken, {len(self.random)} begin at random"


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
    ours = path.suffix == ".safetensors"
    licence = checkpoint.read_card(path).licence if ours else OTHERS_LICENCE
    taken = len(network.state_dict()) - len(random)
    return Beginning(path.name, files.sha256(path), taken, random, licence)
