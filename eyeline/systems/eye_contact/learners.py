"""The networks that train, behind one face: samples and recipe in, a way to log odds out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eyeline.errors import UsageError
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.systems.eye_contact.recipe import Recipe
from eyeline.systems.eye_contact.samples import Sample

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor


@dataclass(frozen=True)
class Learned:
    """A trained network."""

    logits: Callable[[Floats], Floats]
    """Features `(n, feature)` of a tracklet to uncalibrated log odds of contact `(n,)`."""
    person_logits: Callable[[Iterable[Floats]], list[Floats]]
    """The same of all tracklets of one person in one video, which may correct each other."""
    state: Mapping[str, Tensor]
    """Its tensors, for a checkpoint."""


def learn(
    samples: Sequence[Sample],
    recipe: Recipe,
    fabric: Fabric | None = None,
    *,
    seed: int = 0,
    log: Log | None = None,
) -> Learned:
    """Train the recipe's network on all of the samples.

    Args:
        samples: with features for this network.
        recipe: what to build and how.
        fabric: where; the CPU by default, and `landmarks_tcn` only there.
        seed: added to the recipe's, so that folds differ.
        log: receives progress.

    Raises:
        UsageError: a device for `landmarks_tcn`.
    """
    if recipe.builder == "ms_tcn2":
        from eyeline.systems.eye_contact.xgaze import fit

        segmenter = fit.fit_segmenter(samples, recipe, fabric, seed=seed, log=log)

        def alone(rows: Floats) -> Floats:
            return fit.logits_of(segmenter, rows)

        return Learned(alone, lambda each: [alone(r) for r in each], segmenter.state_dict())
    from eyeline.systems.eye_contact.landmarks.fit import fit_network, logits_of, person_logits

    if fabric is not None and (fabric.device.type != "cpu" or fabric.world_size > 1):
        raise UsageError("landmarks_tcn trains on one CPU in minutes; leave out the device")
    network = fit_network(samples, recipe, seed=seed, log=log)
    return Learned(
        lambda rows: logits_of(network, rows),
        lambda each: person_logits(network, each),
        network.state_dict(),
    )
