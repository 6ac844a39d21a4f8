"""Networks from files: the file names its builder, the builder's room makes the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.errors import CheckpointError, UsageError
from eyeline.system import list_systems, load_system

if TYPE_CHECKING:
    from torch import nn


def shipped() -> dict[str, Path]:
    """Weights that lie in the package: `system/builder` -> file."""
    found = {}
    for system in list_systems():
        for name, builder in system.builders.items():
            if builder.method.weights and builder.network:
                path = (
                    Path(__file__).parent
                    / "systems"
                    / system.name
                    / "weights"
                    / builder.method.weights
                )
                if path.is_file():
                    found[f"{system.name}/{name}"] = path
    return found


def load(name_or_file: str | Path) -> nn.Module:
    """See `eyeline.load_model`."""
    from eyeline.training import checkpoint

    path = _file(name_or_file)
    card, state = checkpoint.load(path)
    builder = load_system(card.system).builders.get(card.builder)
    if builder is None or builder.network is None:
        raise CheckpointError(
            f"{path}: made by {card.system}/{card.builder}, which this eyeline does not have"
        )
    network: nn.Module = builder.network(**card.arguments)
    checkpoint.fill(network, state, path)
    return network.eval()


def _file(name_or_file: str | Path) -> Path:
    path = Path(name_or_file)
    if path.is_file():
        return path
    have = shipped()
    wanted = [key for key in have if str(name_or_file) in (key, key.partition("/")[2])]
    if len(wanted) == 1:
        return have[wanted[0]]
    if path.suffix:
        raise CheckpointError(f"{path}: no such file of weights")
    raise UsageError(
        f"no builder '{name_or_file}' ships weights; these do: {', '.join(have) or 'none'}"
    )
