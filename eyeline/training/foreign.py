"""Checkpoints of others: their tensors, read without running anything in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eyeline.errors import CheckpointError
from eyeline.training import checkpoint, file_kinds
from eyeline.training.torch_files import Extra, OddTensor, StoredTensor, TorchFile, opened

if TYPE_CHECKING:
    from torch import Tensor

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
)
"""Entries under which a training keeps its weights."""
_PARALLEL = "module."
"""Before each name where several devices trained; some parts of a network may lack it."""
_COMPILED = "_orig_mod."
"""Within names where `torch.compile` was used."""
_PREFIXES = ("model.", "net.", "network.")
"""Taken off where all names share one."""

_DEEP = 4
_SHOWN = 4


class ForeignState(NamedTuple):
    """What a checkpoint of others holds."""

    state: dict[str, Tensor]
    """Its tensors, on the CPU, their names without the prefixes of trainings."""
    beside: tuple[str, ...]
    """Names of what lies beside the tensors, sorted."""
    content: Mapping[str, Any]
    """What lies there: plain values, and stand-ins for all else."""


def load_state(path: Path | str, expected: str) -> ForeignState:
    """The tensors of a checkpoint of others: of `torch.save`, old or new, or safetensors.

    Weights may be the whole file or one of its entries (`WRAPPERS`, or the only one with tensors).

    Raises:
        CheckpointError: no such file; one of another kind, whose name the message tells; a damaged
            one; one that would run a command where it is trusted; no tensors in it, or several
            networks', or tensors that cannot be read.
    """
    path = checkpoint.existing(path)
    if file_kinds.is_safetensors(path):
        if checkpoint.is_own(path):
            raise CheckpointError(f"{path} is a file of eyeline already: it need not be imported")
        return ForeignState(_bare(checkpoint.tensors_of(path), path), (), {})
    if not (file_kinds.is_zip(path) or file_kinds.is_pickle(path)):
        raise CheckpointError(f"{path} is {file_kinds.described(path)}")
    with opened(path) as file:
        holder, state, place = _weights(file, expected)
        tensors = {name: file.tensor(v) for name, v in _stored(state, path)}
        others = {n: v for n, v in holder.items() if n != place and n not in tensors}
        return ForeignState(_bare(tensors, path), tuple(sorted(map(str, others))), others)


def first_keys(state: Iterable[str]) -> str:
    """Of names that were met, the first ones, to end a message."""
    names = list(state)
    return f"the first of its {len(names)} keys: {', '.join(names[:_SHOWN])}"


def _weights(
    file: TorchFile, expected: str
) -> tuple[Mapping[Any, Any], Mapping[Any, Any], str | None]:
    """What holds the weights, the weights, and the name of the entry that they are."""
    holder, state, place = file.content, file.content, None
    wanted = f"the state dict of {expected}, or a checkpoint with it as '{WRAPPERS[0]}'"
    for _ in range(_DEEP):
        if not isinstance(state, Mapping) or (isinstance(state, Extra) and not state):
            kind = _kind(state)
            one = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
            raise CheckpointError(
                f"{file.path} holds no dict of tensors but {one}; expected {wanted}"
            )
        inner = _wrappers(state)
        if not inner:
            break
        if len(inner) > 1:
            raise CheckpointError(
                f"{file.path} holds weights as {' and as '.join(inner)}: ask for one of them, or "
                "save it alone"
            )
        holder, place = state, inner[0]
        state = state[place]
    if not any(_is_tensor(value) for value in state.values()):
        names = [f"{str(n)[:60]} ({_kind(v)})" for n, v in list(state.items())[:_SHOWN]]
        entries = f": its entries are {', '.join(names)}" if names else ""
        raise CheckpointError(f"{file.path} holds no tensors{entries}; expected {wanted}")
    return holder, state, place


def _wrappers(content: Mapping[Any, Any]) -> list[str]:
    """Entries with tensors in them: those with a usual name, or all; none where tensors lie."""
    if content and all(_is_tensor(value) for value in content.values()):
        return []
    inner = [n for n, v in content.items() if isinstance(n, str) and _has_weights(v, _DEEP)]
    return [name for name in inner if name in WRAPPERS] or inner


def _has_weights(value: Any, deep: int) -> bool:
    """Whether it is a dict with as many tensors as anything else, or wraps one."""
    if not isinstance(value, Mapping) or not deep:
        return False
    tensors = sum(_is_tensor(v) for v in value.values())
    if tensors and 2 * tensors >= len(value):
        return all(isinstance(name, str) for name in value)
    return any(_has_weights(value.get(name), deep - 1) for name in WRAPPERS)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, StoredTensor | OddTensor)


def _stored(state: Mapping[Any, Any], path: Path) -> Iterator[tuple[str, StoredTensor]]:
    for name, value in state.items():
        if isinstance(value, OddTensor):
            raise CheckpointError(
                f"{path} holds {value.kind} as {name}; expected ordinary tensors of numbers"
            )
        if isinstance(value, StoredTensor):
            yield str(name), value


def _bare(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """With names that lack the prefixes of trainings."""
    names = {name: name.replace(_COMPILED, "") for name in state}
    while True:
        shared = [p for p in _PREFIXES if names and all(n.startswith(p) for n in names.values())]
        parallel = [_PARALLEL] if any(n.startswith(_PARALLEL) for n in names.values()) else []
        if not (shared or parallel):
            break
        names = {k: n.removeprefix([*shared, *parallel][0]) for k, n in names.items()}
    if len({*names.values()}) < len(names):
        raise CheckpointError(f"{path} holds entries twice, with and without '{_PARALLEL}'")
    return {name: state[theirs] for theirs, name in names.items()}


def _kind(value: Any) -> str:
    if _is_tensor(value):
        return "tensor"
    return f"object of {value.name}" if isinstance(value, Extra) else type(value).__name__
