"""Weights files: which there are, whose they are, and the network that each makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.errors import CheckpointError, UsageError
from eyeline.runtimes.manifest import is_exported, read
from eyeline.system import Builder, System, list_systems, load_system
from eyeline.weights_folder import FOLDER, placed

if TYPE_CHECKING:
    from torch import nn


def shipped() -> dict[str, Path]:
    """Weights that lie in the package: `system/network` -> file."""
    result = {}
    for system in list_systems():
        for name in system.networks:
            path = system.folder / "weights" / f"{name}.safetensors"
            if path.is_file():
                result[f"{system.name}/{name}"] = path
    return result


def load(name_or_file: str | Path) -> nn.Module:
    """See `eyeline.load_model`."""
    from eyeline.training import checkpoint

    path = _file(name_or_file)
    if is_exported(path):
        return _exported(path)
    card, state = checkpoint.load(path)
    make = load_system(card.system).networks.get(card.builder)
    if make is None:
        raise CheckpointError(
            f"{path}: made by {card.system}/{card.builder}, which this eyeline does not have"
        )
    return checkpoint.build(make, card, state, path)


def _exported(path: Path) -> nn.Module:
    from eyeline.runtimes.module import Exported
    from eyeline.runtimes.run import open_network

    def absent() -> nn.Module:
        raise AssertionError("an exported file is run as it is")

    return Exported(open_network(path, [read(path).name], absent)[0])


@dataclass(frozen=True)
class GivenWeights:
    """Weights files of the user's, by system and network."""

    named: Mapping[tuple[str, str], Path]
    """Those given by name of the file; each must be used."""

    @classmethod
    def read(cls, files: Sequence[str | Path]) -> GivenWeights:
        """Ask each file what it holds: weights, whose values are read, or an exported network.

        Raises:
            CheckpointError: a file that is none of ours, or holds values that are no numbers.
            UsageError: two files for one network.
        """
        from eyeline.training import checkpoint

        named: dict[tuple[str, str], Path] = {}
        for path in map(Path, files):
            card = read(path).card if is_exported(path) else checkpoint.load(path)[0]
            key = (card.system, card.builder)
            if key in named:
                raise UsageError(f"{named[key]} and {path} both hold {card.system}/{card.builder}")
            named[key] = path
        return cls(named)

    def of(self, system: System, builder: Builder) -> dict[str, Path]:
        """Files for a builder's networks: given ones, then those in the folder of weights.

        A folder's files are looked at only where the package has none.

        Raises:
            UsageError: some networks of it have a file, others none; or several are given of which
                it takes one.
        """
        result = {n: p for n in builder.networks if (p := self._find(system, n, builder.embedded))}
        lacking = [name for name in builder.networks if name not in result]
        if lacking and (result or not builder.embedded):
            raise UsageError(
                f"{system.name}/{builder.method.builder} needs weights of {', '.join(lacking)}: "
                f"give --weights FILE, or set {FOLDER} to a folder with "
                f"{system.name}/{lacking[0]}.safetensors. The authors' files are turned into ours "
                f"by: eyeline import {system.name} FILE; `eyeline download` lists what it brings"
            )
        return result | self._one_more(system, builder)

    def there(self, system: System, builder: Builder) -> bool:
        """Whether all networks of a builder have a file."""
        return all(self._find(system, name, builder.embedded) for name in builder.networks)

    def unused(self, chosen: Iterable[tuple[System, Builder]]) -> list[str]:
        """What is wrong with files that none of the chosen builders takes."""
        taken = {(s.name, network) for s, b in chosen for network in (*b.networks, *b.one_of)}
        return [
            f"{path} holds {system}/{network}, which none of the chosen builders takes"
            for (system, network), path in self.named.items()
            if (system, network) not in taken
        ]

    def _one_more(self, system: System, builder: Builder) -> dict[str, Path]:
        given = [name for name in builder.one_of if (system.name, name) in self.named]
        if len(given) > 1:
            raise UsageError(
                f"{system.name}/{builder.method.builder} takes weights of one of "
                f"{', '.join(given)}, not of each: leave out the others"
            )
        for name in given or builder.one_of:
            if path := self._find(system, name, builder.embedded):
                return {name: path}
        return {}

    def _find(self, system: System, network: str, embedded: bool) -> Path | None:
        if (system.name, network) in self.named or embedded:
            return self.named.get((system.name, network))
        return placed(system.name, f"{network}.safetensors")


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
