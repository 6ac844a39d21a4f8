"""Reading the authors' pickles without running anything that is written in them.

Of all that a pickle may name, numpy arrays and Pillow's pictures are known here, and even those are
not made by their own code: the file fills plain holders, which are then checked and turned into
arrays. Any other name is an error that says which.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from eyeline.errors import DataError

_KINDS = "biuf"
"""Kinds of numpy numbers that are read."""


def read_pickle(path: Path) -> Any:
    """What a pickle holds: dicts, lists, tuples, text and numbers; arrays; pictures as arrays.

    Arrays keep their type. Pictures become uint8 `(h, w, 3)` RGB.

    Raises:
        DataError: the file cannot be read, is damaged, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            content = _Reader(file, encoding="latin1").load()
        return _plain(content)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - a damaged pickle fails in any way it likes
        raise DataError(f"{path} is damaged: {type(error).__name__}: {error}") from None


class _Type:
    """Stands for `numpy.dtype`: its code, and its byte order."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in "<>" and self.code[0] not in "<>":
            self.code = state[1] + self.code

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

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array itself; a copy."""
        kind, shape = self.kind.numpy(), tuple(int(n) for n in self.shape)
        content = self.content
        data = content.encode("latin1") if isinstance(content, str) else bytes(content)
        if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != len(data):
            raise DataError(f"an array of shape {shape} does not fit its {len(data)} bytes")
        flat = np.frombuffer(data, kind)
        array = flat.reshape(shape, order="F" if self.fortran else "C")
        return array.astype(kind.newbyteorder("="))


class _Scalar:
    """Stands for a single numpy number."""

    __slots__ = ("array",)

    def __init__(self, kind: _Type, content: bytes) -> None:
        self.array = _Array()
        self.array.__setstate__((1, (1,), kind, False, content))


class _Picture:
    """Stands for `PIL.Image.Image`."""

    __slots__ = ("mode", "pixels", "size")

    def __setstate__(self, state: list[Any]) -> None:
        _, self.mode, self.size, _, self.pixels = state[:5]

    def numpy(self) -> np.ndarray[Any, Any]:
        """`(h, w, 3)` uint8."""
        if self.mode != "RGB":
            raise DataError(f"a picture of mode '{self.mode}'; expected RGB")
        width, height = (int(n) for n in self.size)
        array = _Array()
        array.__setstate__((1, (height, width, 3), _Type("u1"), False, self.pixels))
        return array.numpy()


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

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a name of the file's would be rebound")


class _Reader(pickle.Unpickler):
    """An unpickler that knows these names only."""

    names: ClassVar[Mapping[tuple[str, str], Any]] = {
        **{
            (f"numpy.{core}.{module}", name): _Known(made)
            for core in ("core", "_core")
            for module, name, made in (
                ("multiarray", "_reconstruct", lambda *_: _Array()),
                ("multiarray", "scalar", _Scalar),
                ("numeric", "_frombuffer", _from_buffer),
            )
        },
        ("numpy", "dtype"): _Known(lambda code, *_: _Type(code)),
        ("numpy", "ndarray"): _Known(lambda *_: _Array()),
        ("_codecs", "encode"): _Known(_bytes_of),
        ("builtins", "bytes"): _Known(lambda: b""),
        ("__builtin__", "bytes"): _Known(lambda: b""),
        ("PIL.Image", "Image"): _Picture,
    }

    def find_class(self, module: str, name: str) -> Any:
        """The holder for a name."""
        if (module, name) not in self.names:
            raise DataError(
                f"it asks for {module}.{name}, which is not read: only arrays of numbers, pictures "
                "and plain values are. Nothing in the file was run"
            )
        return self.names[module, name]


def _plain(value: Any) -> Any:
    """The value with arrays in the place of holders."""
    if isinstance(value, (_Array, _Picture)):
        return value.numpy()
    if isinstance(value, _Scalar):
        return value.array.numpy()[0].item()
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(v) for v in value)
    if value is None or isinstance(value, (str, bytes, bool, int, float)):
        return value
    raise DataError(f"it holds a {type(value).__name__}")
