"""Weights files that describe themselves: tensors in safetensors, and a card in its metadata.

Nothing here executes what a file says: they hold tensors and JSON only. Those of others are read by
`foreign`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import CheckpointError
from eyeline.files import write_bytes
from eyeline.results import Floats

if TYPE_CHECKING:
    from torch import Tensor, nn

_METADATA = "eyeline"
# one entry only: the library writes several in an order that changes from run to run

_SHOWN = 4


@dataclass(frozen=True)
class CheckpointCard:
    """What a weights file says of itself; JSON values only."""

    system: str
    """The room, for example `eye_contact`."""
    builder: str
    """The room's builder whose network the tensors fill."""
    arguments: Mapping[str, Any]
    """Keyword arguments of the builder's `network`."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The recipe it was trained by, sections as in the YAML file."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on: name, split, counts."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """Held-out figures and how they were measured."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What prediction needs beside tensors: calibration, threshold, decoding."""
    licence: str = ""
    version: str = ""
    """The version of eyeline that wrote the file; filled in by `save`."""


@dataclass(frozen=True)
class Imported:
    """A checkpoint of a paper's authors, read and placed."""

    card: CheckpointCard
    """What our file of it is to say of itself."""
    state: Mapping[str, Tensor]
    """All tensors of our network, by name."""
    ignored: tuple[str, ...] = ()
    """Entries of their file beside the network's tensors, such as an optimiser's state."""


def save(path: Path | str, state: Mapping[str, Tensor], card: CheckpointCard) -> None:
    """Write tensors and card to one safetensors file, whole or not at all.

    The same tensors and card give the same bytes.

    Args:
        path: the file; its folder is made.
        state: tensors by name, as of `nn.Module.state_dict`.
        card: what the file is to say of itself.

    Raises:
        CheckpointError: the card holds something that JSON cannot.
        OutputError: the file cannot be written.
    """
    from safetensors.torch import save as to_bytes

    path = Path(path)
    tensors = {name: value.detach().cpu().contiguous() for name, value in sorted(state.items())}
    content = to_bytes(tensors, metadata={_METADATA: _card_text(card)})
    write_bytes(path, content)


def load(path: Path | str) -> tuple[CheckpointCard, dict[str, Tensor]]:
    """The card and the tensors, on the CPU, of a file that `save` wrote.

    Raises:
        CheckpointError: no such file, not safetensors, not ours, or a damaged card.
    """
    return _load(path, "pt")


def load_arrays(path: Path | str) -> tuple[CheckpointCard, dict[str, Floats]]:
    """The same as numpy arrays, without torch."""
    return _load(path, "np")


def read_card(path: Path | str) -> CheckpointCard:
    """The card alone, without reading the tensors; errors as of `load`."""
    return _open(path, "np", lambda file: {})[0]


def _load(path: Path | str, framework: str) -> tuple[CheckpointCard, dict[str, Any]]:
    return _open(
        path,
        framework,
        lambda file: {name: file.get_tensor(name) for name in file.keys()},  # noqa: SIM118
    )


def _open(
    path: Path | str, framework: str, tensors: Callable[[Any], dict[str, Any]]
) -> tuple[CheckpointCard, dict[str, Any]]:
    from safetensors import safe_open

    path = existing(path)
    try:
        with safe_open(path, framework=framework) as file:
            metadata = dict(file.metadata() or {})
            count = len(file.keys())
            state = tensors(file)
    except Exception as error:  # the library raises its own, unexported class
        raise CheckpointError(
            f"{path} is not a safetensors file ({error}). "
            "A checkpoint of a paper's authors must first be imported: eyeline import SYSTEM FILE"
        ) from error
    if _METADATA not in metadata:
        raise CheckpointError(
            f"{path} holds {count} tensors but no card of eyeline, so its builder is unknown. "
            "Give a file written by eyeline train or eyeline import"
        )
    return _card_from_text(path, metadata[_METADATA]), state


def fill(network: nn.Module, state: Mapping[str, Tensor], source: Path | str) -> None:
    """Put tensors into a network, each key and shape accounted for.

    Args:
        network: as its builder made it.
        state: tensors by name.
        source: what to call their origin in a message.

    Raises:
        CheckpointError: naming missing keys, keys without a place, and shapes that differ.
    """
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    compare(shapes, state, type(network).__name__, source)
    network.load_state_dict(dict(state))


def compare(
    expected: Mapping[str, tuple[int, ...]], state: Mapping[str, Any], what: str, source: Path | str
) -> None:
    """Check that every expected tensor is there in its shape, and none besides.

    Args:
        expected: shapes by name.
        state: tensors or arrays by name.
        what: the network's name.
        source: what to call the tensors' origin in a message.

    Raises:
        CheckpointError: naming missing keys, keys without a place, and shapes that differ.
    """
    faults = [
        *_named("lacks", [k for k in expected if k not in state]),
        *_named("has no place for", [k for k in state if k not in expected]),
        *_named("has another shape for", _reshaped(expected, state)),
    ]
    if faults:
        raise CheckpointError(f"{source} does not fit {what}: it {'; it '.join(faults)}")


def check_builder(
    card: CheckpointCard, system: str, builders: tuple[str, ...], source: Path | str
) -> None:
    """CheckpointError unless the card is of one of a system's builders."""
    if card.system != system or card.builder not in builders:
        raise CheckpointError(
            f"{source} holds weights of {card.system}/{card.builder}; "
            f"expected {' or '.join(f'{system}/{builder}' for builder in builders)}"
        )


def check_finite(state: Mapping[str, Tensor], source: Path | str) -> None:
    """CheckpointError naming tensors with values that are no numbers."""
    odd = sorted(name for name, value in state.items() if not value.isfinite().all())
    if odd:
        raise CheckpointError(
            f"{source} holds values that are no numbers in {', '.join(odd[:_SHOWN])}; a training "
            "that failed?"
        )


def existing(path: Path | str) -> Path:
    """The path of a file that is there; CheckpointError otherwise."""
    path = Path(path)
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; name the weights file in it")
    if not path.is_file():
        raise CheckpointError(f"no weights file at {path}")
    return path


def _card_text(card: CheckpointCard) -> str:
    entries = {**asdict(card), "version": card.version or _own_version()}
    try:
        return json.dumps(entries, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"the card of {card.system}/{card.builder} is not JSON: {error}"
        ) from error


def _own_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("eyeline")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "source"


def _card_from_text(path: Path, text: str) -> CheckpointCard:
    try:
        entries = json.loads(text)
        known = {f.name for f in fields(CheckpointCard)}
        return CheckpointCard(**{name: value for name, value in entries.items() if name in known})
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} has a damaged card: {error}") from error


def _reshaped(expected: Mapping[str, tuple[int, ...]], state: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {tuple(state[name].shape)} instead of {shape}"
        for name, shape in expected.items()
        if name in state and tuple(state[name].shape) != shape
    ]


def _named(fault: str, names: Iterable[str]) -> list[str]:
    listed = sorted(names)
    if not listed:
        return []
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return [f"{fault} {', '.join(listed[:_SHOWN])}{more}"]


def first_line(error: Exception) -> str:
    """Of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
