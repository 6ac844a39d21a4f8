"""Where a training begins: at random weights, at one of our files, or at others' encoders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline import files
from eyeline.errors import CheckpointError
from eyeline.log import Log
from eyeline.systems.ego_social import weights
from eyeline.systems.ego_social.recipe import HEADS
from eyeline.training import checkpoint
from eyeline.training.beginning import Beginning

if TYPE_CHECKING:
    from torch import nn

    from eyeline.systems.ego_social.recipe import Recipe

IMAGENET_LICENCE = (
    "a ResNet-18 that learned ImageNet, whose pictures are for research; the file itself states no "
    "licence"
)

_SHOWN = 4


def begin(
    network: nn.Module,
    plan: Recipe,
    path: Path | None,
    told: Log | None = None,
) -> Beginning:
    """Give a fresh network its first weights, and say what was taken.

    Args:
        network: of the recipe; changed in place.
        plan: the recipe.
        path: one of our files of the same builder and arguments, which is taken whole; or anything
            that `weights.initialise` takes, which leaves the head as it was drawn; or None.
        told: hears what was taken.

    Raises:
        CheckpointError: a file of another kind, or shapes that differ from the network's.
    """
    if path is None:
        return Beginning()
    left = () if _whole(network, plan, path) else weights.initialise(network, path)
    taken = len(network.state_dict()) - len(left)
    if told:
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        rest = f"; random: {', '.join(left[:_SHOWN])}{more}" if left else ""
        told(f"{taken} tensors of {path.name} taken{rest}")
    return Beginning(path.name, files.sha256(path), taken, left, licence_of(path))


def licence_of(path: Path) -> str:
    """What binds whoever trains from a file that `weights.initialise` took."""
    if checkpoint.is_own(path):
        return checkpoint.read_card(path).licence
    try:
        return weights.import_original(path).card.licence
    except CheckpointError:  # taken, and yet none of the networks of the benchmarks or Gaze360
        return IMAGENET_LICENCE


def _whole(network: nn.Module, plan: Recipe, path: Path) -> bool:
    """Take all of a file of the same network; False where it is another one's."""
    if not checkpoint.is_own(path):
        return False
    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, weights.SYSTEM, (*weights.LOOKING, *weights.TALKING), path)
    if (card.builder, _head(card.arguments)) != (plan.builder, _head(plan.arguments)):
        return False
    checkpoint.fill(network, state, path)
    return True


def _head(arguments: Mapping[str, Any]) -> str:
    return str(arguments.get("head", HEADS[0]))
