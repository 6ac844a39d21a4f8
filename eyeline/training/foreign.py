"""Checkpoints of others: PyTorch files, read without running anything in them."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import CheckpointError
from eyeline.training.checkpoint import existing, first_line

if TYPE_CHECKING:
    from torch import Tensor

PARALLEL = "module."
"""Before each name where several devices trained."""

_SHOWN = 4


def load_foreign(path: Path | str, *, inert: bool = False) -> dict[str, Any]:
    """What a PyTorch checkpoint of others holds, on the CPU, without running any code in it.

    Args:
        path: the file.
        inert: put an empty object where the file names a class or function that is not one of
            PyTorch's own, instead of refusing the file: for training states that hold more than
            tensors, such as those of Lightning.

    Raises:
        CheckpointError: no such file, a damaged one, or one that needs code to load.
    """
    import torch

    path = existing(path)
    with path.open("rb") as file:
        begins = file.read(2)
    if not begins.startswith((b"PK", b"\x80")):
        raise CheckpointError(
            f"{path} is no PyTorch checkpoint: it begins like another kind of file"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old pickle protocols; what matters raises
            with torch.serialization.safe_globals(_inert_globals(path) if inert else []):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        raise CheckpointError(
            f"{path} cannot be loaded without running code stored in it"
            f"{f' ({named[1]})' if named else ''}, and eyeline never does that. Ask for the "
            "file's state dict alone, or convert it where you trust it"
        ) from error
    except Exception as error:  # a damaged file raises whatever it runs into
        raise CheckpointError(
            f"{path} is not a readable PyTorch checkpoint: {first_line(error)}. "
            "Is the download whole?"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{path} holds a {type(content).__name__}; expected a dictionary of tensors"
        )
    return content


def load_state(
    path: Path | str, expected: str, *, wrapper: str = "state_dict", inert: bool = False
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors of a PyTorch checkpoint of others, by name.

    Args:
        path: the file.
        expected: whose state dict it should be, for the message.
        wrapper: the entry under which the tensors lie, unless they are the file itself.
        inert: as of `load_foreign`.

    Returns:
        Tensors, their names without `PARALLEL`; and the sorted names of what lies beside them.

    Raises:
        CheckpointError: as `load_foreign`, or the file holds no tensors, other things among them,
            or one name twice, with and without the prefix.
    """
    import torch

    content = load_foreign(path, inert=inert)
    wrapped = isinstance(content.get(wrapper), Mapping)
    state = content[wrapper] if wrapped else content
    odd = sorted(str(k) for k, v in state.items() if not isinstance(v, torch.Tensor))
    if odd or not state:
        holds = f"{', '.join(odd[:_SHOWN])}, which are no tensors" if odd else "no tensors"
        raise CheckpointError(
            f"{path} holds {holds}; expected the state dict of {expected}, or a checkpoint with "
            f"it as '{wrapper}'"
        )
    bare = {str(name).removeprefix(PARALLEL): value for name, value in state.items()}
    if len(bare) < len(state):
        raise CheckpointError(f"{path} holds entries twice, with and without '{PARALLEL}'")
    return bare, tuple(sorted(str(n) for n in content if n != wrapper) if wrapped else ())


class _Inert:
    """Stands for an object of a class of others; does nothing and keeps nothing."""

    def __new__(cls, *arguments: object, **named: object) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *arguments: object, **named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _inert_globals(path: Path) -> list[Any]:
    """A stand-in for each class and function in a file that PyTorch would refuse to make."""
    import torch

    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    except ValueError:  # a file of the time before PyTorch 1.6, which is read without stand-ins
        return []
    return [(type(name.rpartition(".")[2], (_Inert,), {}), name) for name in sorted(names)]
