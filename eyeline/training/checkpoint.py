"""Weights files that describe themselves: tensors in safetensors, and a card in its metadata.

Nothing here executes what a file says: they hold tensors and JSON only. Those of others are read by
`foreign`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.errors import CheckpointError, EyelineError, first_names
from eyeline.files import write_bytes
from eyeline.results import Floats
from eyeline.training import cards, file_kinds
from eyeline.training.cards import CheckpointCard as CheckpointCard

if TYPE_CHECKING:
    from torch import Tensor, nn

_METADATA = "eyeline"
# one entry only: the library writes several in an order that changes from run to run

_SHOWN = 4
_LEAST_SIZE = 1024
"""A number in a card that is no larger than this is taken, however small the file's tensors."""
_NUMPY_TYPES = frozenset({"F64", "F32", "F16"})
_TYPES = _NUMPY_TYPES | {"BF16", "I64", "I32"}
_WHOLE = frozenset(f"torch.int{bits}" for bits in (16, 32, 64))


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
    """The same as numpy arrays, without torch, where all of them hold fractions."""
    return _load(path, "np")


def read_card(path: Path | str) -> CheckpointCard:
    """The card alone, without reading the tensors; errors as of `load`."""
    with _opened(existing(path), "np") as file:
        return _card_of(file, path)


def is_own(path: Path | str) -> bool:
    """Whether a file is one of ours: safetensors with a card.

    One with such an ending that cannot be read counts as ours, for a message that says so.
    """
    path = existing(path)
    if not file_kinds.is_safetensors(path):
        return path.suffix == ".safetensors"
    with _opened(path, "np") as file:
        return _METADATA in (file.metadata() or {})


def tensors_of(path: Path | str) -> dict[str, Tensor]:
    """All tensors of a safetensors file, ours or not."""
    with _opened(existing(path), "pt") as file:
        return _tensors(file, path, _TYPES)


def _load(path: Path | str, framework: str) -> tuple[CheckpointCard, dict[str, Any]]:
    path = existing(path)
    with _opened(path, framework) as file:
        card = _card_of(file, path)
        state = _tensors(file, path, _TYPES if framework == "pt" else _NUMPY_TYPES)
    check_finite(state, path)
    return card, state


@contextmanager
def _opened(path: Path | str, framework: str) -> Iterator[Any]:
    from safetensors import safe_open

    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except CheckpointError:
        raise
    except Exception as error:  # the library raises its own, unexported class
        path, what = Path(path), str(error)
        if not file_kinds.is_safetensors(path):
            pytorch = file_kinds.is_zip(path) or file_kinds.is_pickle(path)
            other = f"it is {file_kinds.described(path)}"
            what = "it begins like one of PyTorch's" if pytorch else other
        raise CheckpointError(
            f"{path} is not a safetensors file ({what}). "
            "A checkpoint of a paper's authors must first be imported: eyeline import SYSTEM FILE"
        ) from error


def _tensors(file: Any, path: Path | str, types: frozenset[str]) -> dict[str, Any]:
    names = list(file.keys())
    for name in names:
        if (kind := file.get_slice(name).get_dtype()) not in types:
            raise CheckpointError(
                f"{path} holds {name} as {kind}; expected one of {', '.join(sorted(types))}"
            )
    return {name: file.get_tensor(name) for name in names}


def _card_of(file: Any, path: Path | str) -> CheckpointCard:
    metadata = dict(file.metadata() or {})
    if _METADATA not in metadata:
        raise CheckpointError(
            f"{path} holds {len(file.keys())} tensors but no card of eyeline, so its builder is "
            "unknown. Give a file written by eyeline train or eyeline import"
        )
    return cards.parsed(metadata[_METADATA], path)


def fill(network: nn.Module, state: Mapping[str, Tensor], source: Path | str) -> None:
    """Put tensors into a network, each key, shape and kind of number accounted for.

    Raises:
        CheckpointError: as of `placed`.
    """
    network.load_state_dict(placed(network.state_dict(), state, type(network).__name__, source))


def placed(
    expected: Mapping[str, Tensor], state: Mapping[str, Tensor], what: str, source: Path | str
) -> dict[str, Tensor]:
    """Tensors in a network's order and precision.

    Args:
        expected: the network's, which may be without values.
        state: tensors by name.
        what: the network's name.
        source: what to call the tensors' origin in a message.

    Raises:
        CheckpointError: naming missing keys, keys without a place, shapes that differ, numbers of
            another kind (whole, complex or logical where fractions belong), and values that are no
            numbers.
    """
    shapes = {name: tuple(value.shape) for name, value in expected.items()}
    compare(shapes, state, what, source)
    for name, value in expected.items():
        given = state[name].dtype
        whole = not value.is_floating_point() and str(given) in _WHOLE
        if not (given.is_floating_point or whole):
            raise CheckpointError(
                f"{source} holds {name} as {given}; {what} expects {value.dtype}, or another "
                "floating point type"
            )
    check_finite(state, source)
    cast = {name: state[name].to(value.dtype) for name, value in expected.items()}
    check_finite({n: v for n, v in cast.items() if v.dtype != state[n].dtype}, source)
    return cast


def build(
    make: Callable[..., nn.Module],
    card: CheckpointCard,
    state: Mapping[str, Tensor],
    source: Path | str,
    *,
    assign: bool = False,
) -> nn.Module:
    """The network of one of our files, in evaluation mode.

    It takes no memory until its tensors are known to be those of the file.

    Args:
        make: the builder.
        card: the file's card.
        state: the file's tensors.
        source: the file, for messages.
        assign: take the tensors themselves for the network's, which must have no values besides.

    Raises:
        CheckpointError: arguments that the builder does not take, and as of `placed`.
    """
    arguments = checked_arguments(make, card, state, source)
    shell = _shell(make, arguments, card, state, source)
    filled = placed(shell.state_dict(), state, type(shell).__name__, source)
    network = shell if assign else make(**arguments)
    network.load_state_dict(filled, assign=assign)
    return network.eval()


def checked_arguments(
    make: Callable[..., Any], card: CheckpointCard, state: Mapping[str, Any], source: Path | str
) -> dict[str, Any]:
    """A card's arguments as the builder's types have them.

    Raises:
        CheckpointError: unknown ones, ones of another type, and numbers that are beyond the sizes
            of the file's tensors.
    """
    from eyeline.training.recipe import validated

    parts, faults = validated({"arguments": card.arguments}, {"arguments": make})
    arguments: dict[str, Any] = parts.get("arguments", {})
    largest = max(
        [_LEAST_SIZE, len(state), *(n for v in state.values() if 0 not in v.shape for n in v.shape)]
    )
    faults += [
        f"{name} is {str(value)[:40]}, its largest tensor has {largest}"
        for name, value in arguments.items()
        if any(
            type(n) is int and abs(n) > largest
            for n in (value if isinstance(value, list | tuple) else [value])
        )
    ]
    if faults:
        raise CheckpointError(
            f"{source} has a card that builder {card.builder} cannot use: {'; '.join(faults)}"
        )
    return arguments


def _shell(
    make: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    card: CheckpointCard,
    state: Mapping[str, Tensor],
    source: Path | str,
) -> nn.Module:
    """The network without memory for its tensors, unless it has far more of them than the file."""
    import torch

    try:
        with torch.device("meta"), _at_most(2 * len(state) + _LEAST_SIZE):
            return make(**arguments)
    except (
        EyelineError,
        ArithmeticError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
        AssertionError,
    ) as error:
        raise CheckpointError(
            f"{source} has a card that builder {card.builder} cannot use: {first_line(error)}"
        ) from error


@contextmanager
def _at_most(count: int) -> Iterator[None]:
    """Networks made within, in this thread, have no more parameters."""
    from torch.nn.modules.module import register_module_parameter_registration_hook as hooked

    thread, created = threading.get_ident(), 0

    def counted(*_: object) -> None:
        nonlocal created
        created += threading.get_ident() == thread
        if created > count:
            raise CheckpointError("it is for a network of far more tensors than the file has")

    hook = hooked(counted)
    try:
        yield
    finally:
        hook.remove()


def compare(
    expected: Mapping[str, tuple[int, ...]], state: Mapping[str, Any], what: str, source: Path | str
) -> None:
    """Check that every expected tensor is there in its shape, and none besides.

    Raises:
        CheckpointError: naming missing keys, keys without a place, and shapes that differ.
    """
    faults = [
        *_named("lacks", [k for k in expected if k not in state]),
        *_named("has no place for", [k for k in state if k not in expected]),
        *_named(
            "has another shape for",
            [
                f"{name} {tuple(state[name].shape)} instead of {shape}"
                for name, shape in expected.items()
                if name in state and tuple(state[name].shape) != shape
            ],
        ),
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


def check_finite(state: Mapping[str, Any], source: Path | str) -> None:
    """CheckpointError naming tensors or arrays with values that are no numbers."""
    odd = sorted(name for name, value in state.items() if not _is_finite(value))
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


def _is_finite(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(np.isfinite(value).all())
    return not value.is_floating_point() or bool(value.isfinite().all())


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


def _named(fault: str, names: Iterable[str]) -> list[str]:
    listed = sorted(names)
    return [f"{fault} {first_names(listed, _SHOWN)}"] if listed else []


def first_line(error: Exception) -> str:
    """Of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
