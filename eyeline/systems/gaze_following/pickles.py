"""Reading the published pickles without running anything that is written in them.

Of all that a pickle may name, numpy's arrays and numbers are known here, and even those are not
made by their own code: the file fills plain holders, which are then checked and turned into arrays.
Any other name is an error that says which.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from eyeline.errors import DataError

_KINDS = "biuf"
"""Kinds of numpy numbers that are read."""
_OBJECTS = "O"


def read_pickle(path: Path) -> Any:
    """What a pickle holds: dicts, lists, tuples, text, numbers and arrays.

    Arrays of numbers keep their type; arrays of objects become nested lists, and one without axes
    its only entry.

    Raises:
        DataError: the file cannot be read, is damaged, or holds anything else.
    """
    return _told(path, lambda: _loaded(io.BytesIO(path.read_bytes())))


def read_npy(path: Path) -> Any:
    """What a `.npy` file holds: an array of numbers, or what `read_pickle` makes of objects."""

    def read() -> Any:
        file = io.BytesIO(path.read_bytes())
        version = np.lib.format.read_magic(file)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if header is None:
            raise DataError(f"version {version} of the format, which is not read")
        _, _, kind = header(file)
        if kind.hasobject:
            return _loaded(file)
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)

    return _told(path, read)


def _told(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - a damaged file fails in any way it likes
        raise DataError(f"{path} is damaged: {type(error).__name__}: {error}") from None


def _loaded(file: io.BytesIO) -> Any:
    return _plain(_Reader(file, encoding="latin1").load())


class _Type:
    """Stands for `numpy.dtype`: its code, and its byte order."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in "<>" and self.code[0] not in "<>":
            self.code = state[1] + self.code

    @property
    def holds_objects(self) -> bool:
        """Whether entries are not numbers but anything."""
        return self.code.lstrip("|").startswith(_OBJECTS)

    def numpy(self) -> np.dtype[Any]:
        """The type itself, if it is one of numbers."""
        code = self.code.lstrip("<>|=")
        if not (code[:1] in _KINDS and code[1:].isdigit()):
            raise DataError(f"an array of type '{self.code}'; only numbers are read")
        return np.dtype(self.code)


class _Array:
    """Stands for `numpy.ndarray`."""

    __slots__ = ("content", "fortran", "kind", "shape")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.kind, self.fortran, self.content = state

    def plain(self) -> Any:
        """The array itself, a copy; of objects as nested lists."""
        shape = tuple(int(n) for n in self.shape)
        if self.kind.holds_objects:
            return self._nested(shape)
        kind, content = self.kind.numpy(), self.content
        data = content.encode("latin1") if isinstance(content, str) else bytes(content)
        if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != len(data):
            raise DataError(f"an array of shape {shape} does not fit its {len(data)} bytes")
        array = np.frombuffer(data, kind).reshape(shape, order="F" if self.fortran else "C")
        return array.astype(kind.newbyteorder("="))

    def _nested(self, shape: tuple[int, ...]) -> Any:
        if not isinstance(self.content, list) or len(self.content) != math.prod(shape):
            raise DataError(f"an array of objects of shape {shape} with other content")
        entries = [_plain(entry) for entry in self.content]
        if self.fortran and len(shape) > 1:
            raise DataError("an array of objects in Fortran's order; only C's is read")
        for size in shape[:0:-1]:
            entries = [entries[i : i + size] for i in range(0, len(entries), size)]
        return entries if shape else entries[0]


def _scalar(kind: _Type, content: bytes) -> _Array:
    one = _Array()
    one.__setstate__((1, (), kind, False, content))
    return one


def _from_buffer(content: bytes, kind: _Type, shape: Any, order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, kind, order == "F", content))
    return array


def _bytes_of(text: str, encoding: str) -> bytes:
    """How old protocols write bytes."""
    if encoding != "latin1":
        raise DataError(f"text in '{encoding}'")
    return text.encode("latin1")


class _Known:
    """A name that a pickle may use: called, and of no other use."""

    __slots__ = ("_made",)

    def __init__(self, made: Callable[..., Any]) -> None:
        self._made = made

    def __call__(self, *arguments: Any) -> Any:
        return self._made(*arguments)


class _Reader(pickle.Unpickler):
    """An unpickler that knows these names only."""

    names: ClassVar[Mapping[tuple[str, str], Any]] = {
        **{
            (f"numpy.{core}.{module}", name): _Known(made)
            for core in ("core", "_core")
            for module, name, made in (
                ("multiarray", "_reconstruct", lambda *_: _Array()),
                ("multiarray", "scalar", _scalar),
                ("numeric", "_frombuffer", _from_buffer),
            )
        },
        ("numpy", "dtype"): _Known(lambda code, *_: _Type(code)),
        ("numpy", "ndarray"): _Known(lambda *_: _Array()),
        ("_codecs", "encode"): _Known(_bytes_of),
        ("builtins", "bytes"): _Known(lambda: b""),
        ("__builtin__", "bytes"): _Known(lambda: b""),
    }

    def find_class(self, module: str, name: str) -> Any:
        """The holder for a name."""
        if (module, name) not in self.names:
            raise DataError(
                f"it asks for {module}.{name}, which is not read: only arrays of numbers and plain "
                "values are. Nothing in the file was run"
            )
        return self.names[module, name]


def _plain(value: Any) -> Any:
    """The value with arrays in the place of holders."""
    if isinstance(value, _Array):
        found = value.plain()
        return found.item() if isinstance(found, np.ndarray) and not found.shape else found
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(v) for v in value)
    if value is None or isinstance(value, (str, bytes, bool, int, float)):
        return value
    raise DataError(f"it holds a {type(value).__name__}")
