"""Reading pickled numbers of others without running anything that is written in the file.

A pickle is a program: it may name anything that can be imported, call it and change it. Here it is
followed by few of its instructions and with few names, and what stands for a name only makes plain
holders. These are checked and turned into arrays once the whole file is read. Nor may a small file
take much memory or time, or the process down.
"""

from __future__ import annotations

import io
import math
import os
import pickletools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from eyeline.errors import DataError

_KINDS = "biuf"
"""Kinds of numpy numbers that are read."""
_AXES = 64
"""Most of an array; numpy has no more."""
_ROOM = 2**26
"""Bytes that any file may become; what is named twice is two things."""
_ROOM_A_BYTE = 16
"""What a byte of a large file may become."""
_ENTRY = 64
"""Bytes that an entry of a list is taken for."""
_MUCH = 2**16
"""Bytes that are looked for before they are asked for."""

Array = np.ndarray[Any, Any]


def read_pickle(path: Path, *, images: bool = False, objects: bool = False) -> Any:
    """What a pickle holds: dicts, lists, tuples, text, numbers and arrays of numbers.

    Arrays keep their type.

    Args:
        path: the file.
        images: read images of Pillow, too, as uint8 `(h, w, 3)` RGB.
        objects: read arrays of objects, too, as nested lists. Any array without axes is its only
            entry then.

    Raises:
        DataError: the file cannot be read, is damaged, or holds anything else.
    """

    def read() -> Any:
        with path.open("rb") as file:
            return _loaded(file, images, objects)

    return _reported(path, read)


def read_npy(path: Path) -> Any:
    """What a `.npy` file holds: an array of numbers, or what `read_pickle` makes of objects.

    Raises:
        DataError: as of `read_pickle`.
    """

    def read() -> Any:
        file = io.BytesIO(path.read_bytes())
        version = np.lib.format.read_magic(file)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if header is None:
            raise DataError(f"version {version} of the format, which is not read")
        shape, fortran, kind = header(file)
        if kind == np.dtype(object):
            return _loaded(file, images=False, objects=True)
        return array_of(file.read(), Kind(kind.str), shape, "F" if fortran else "C")

    return _reported(path, read)


def _reported(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - a damaged file fails in any way it likes
        raise DataError(f"{path} is damaged: {type(error).__name__}: {error}") from None


def _loaded(file: BinaryIO, images: bool, objects: bool) -> Any:
    names = {**NUMBERS, **(_IMAGES if images else {})}
    what = f"arrays of numbers{', images' if images else ''} and plain values"
    content = Reader(file, names, what).load()
    return _Plain(file.seek(0, os.SEEK_END), objects)(content)


def worded(value: Any) -> str:
    """A word of the file's for a message; anything else by its kind, as it may be endless."""
    return value if isinstance(value, str) else f"a {type(value).__name__}"


class Held:
    """Stands for an object of the file's: keeps what it is given and does nothing."""

    def __init__(self, *arguments: Any) -> None:
        self.state: Any = None

    def keep(self, state: Any) -> None:
        """Take the state that the file gives the object."""
        self.state = state


class Kind(Held):
    """Stands for `numpy.dtype`: its code, and its byte order."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = worded(code)

    def keep(self, state: Any) -> None:
        """Take the byte order from what numpy keeps of a type."""
        if state[1] in ("<", ">") and self.code[:1] not in ("<", ">"):
            self.code = state[1] + self.code

    @property
    def holds_objects(self) -> bool:
        """Whether entries are not numbers but anything."""
        return self.code.lstrip("|").startswith("O")

    def numpy(self) -> np.dtype[Any]:
        """The type itself, if it is one of numbers."""
        code = self.code.lstrip("<>|=")
        if not (code[:1] in _KINDS and code[1:].isdigit()):
            raise DataError(f"an array of type '{self.code}'; only numbers are read")
        return np.dtype(self.code)


def shape_of(shape: Iterable[Any]) -> tuple[int, ...]:
    """A shape that a file gives; DataError for one that no array has."""
    result = tuple(int(n) for n in shape)
    if len(result) > _AXES or min(result, default=0) < 0:
        raise DataError(f"an array of {len(result)} axes, or of less than no entries")
    return result


def array_of(data: bytes, kind: Any, shape: Iterable[Any], order: Any) -> Array:
    """The array of so many bytes, a copy in this machine's byte order.

    Args:
        data: its numbers.
        kind: a `Kind`.
        shape: as the file has it.
        order: `C` or `F`.

    Raises:
        DataError: it is not one of numbers, or does not fit its bytes.
    """
    created, sizes = _checked(kind).numpy(), shape_of(shape)
    if math.prod(sizes) * created.itemsize != len(data):
        raise DataError(f"an array of shape {sizes} does not fit its {len(data)} bytes")
    array = np.frombuffer(data, created).reshape(sizes, order="F" if order == "F" else "C")
    return array.astype(created.newbyteorder("="))


def _checked(kind: Any) -> Kind:
    if not isinstance(kind, Kind):
        raise DataError("an array whose type is none")
    return kind


class _Bytes(Held):
    """Stands for bytes that an old protocol writes as text."""

    def __init__(self, text: Any = "", encoding: Any = "latin1") -> None:
        if encoding != "latin1" or not isinstance(text, str):
            raise DataError(f"text in '{worded(encoding)}'")
        self.text = text


class _Array(Held):
    """Stands for `numpy.ndarray`: its shape, `Kind`, order, and bytes or entries."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def keep(self, state: Any) -> None:
        """Take what numpy keeps of an array."""
        _, shape, kind, fortran, content = state
        self.parts = shape, kind, "F" if fortran else "C", content


class _Scalar(_Array):
    """Stands for a single numpy number."""

    def __init__(self, kind: Any, content: Any) -> None:
        super().__init__((), kind, "C", content)


class _Image(Held):
    """Stands for `PIL.Image.Image`."""

    def array(self) -> _Array:
        """Its pixels, `(h, w, 3)` uint8."""
        _, mode, (width, height), _, pixels = self.state[:5]
        if mode != "RGB":
            raise DataError(f"an image of mode '{worded(mode)}'; expected RGB")
        return _Array((height, width, 3), Kind("u1"), "C", pixels)


class Known:
    """What stands for a name: a holder is made of it, and it is of no other use."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make


def _frombuffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    return _Array(shape, kind, order, content)


Names = Mapping[tuple[str, str], Known]

NUMBERS: Names = {
    **{
        (f"numpy.{core}.{module}", name): Known(made)
        for core in ("core", "_core")
        for module, name, made in (
            ("multiarray", "_reconstruct", lambda *_: _Array()),
            ("multiarray", "scalar", _Scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
    ("numpy", "dtype"): Known(Kind),
    ("numpy", "ndarray"): Known(lambda *_: _Array()),
    ("_codecs", "encode"): Known(_Bytes),
    ("builtins", "bytes"): Known(lambda: _Bytes()),
    ("__builtin__", "bytes"): Known(lambda: _Bytes()),
}
"""The names that arrays and numbers of numpy need."""
_IMAGES: Names = {("PIL.Image", "Image"): Known(_Image)}


class _Within:
    """A file, asked for no more than it has: for more, memory would be made ready first."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, start = file, file.tell()
        self._end = file.seek(0, os.SEEK_END)
        file.seek(start)
        self.readline = file.readline

    def read(self, count: int) -> bytes:
        """So many bytes, or what is left."""
        if count > _MUCH:
            count = min(count, self._end - self._file.tell())
        return self._file.read(count)


_VALUES = (
    "NONE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING UNICODE "
    "SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 BINUNICODE SHORT_BINUNICODE "
    "BINUNICODE8"
)
"""Instructions that give the value that stands behind them."""


class Reader:
    """Follows some instructions of a pickle and knows some names only.

    The standard library's `pickletools` takes the instructions apart; what they do is here.
    """

    def __init__(self, file: BinaryIO, names: Names, what: str) -> None:
        """Read a file that may ask for `names`; errors say `what` they are for."""
        self._given: Any = _Within(file)
        self._names, self._what = names, what
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._kept: dict[int, Any] = {}

    def load(self) -> Any:
        """What the next pickle of the file holds; what is behind it stays unread."""
        for instruction, argument, _ in pickletools.genops(self._given):
            if instruction.name != "STOP":
                self.follow(instruction.name, argument)
        return self.stack.pop()

    def follow(self, name: str, argument: Any) -> None:
        """Do what an instruction says; DataError for one that numbers do not need."""
        match name:
            case "PROTO" | "FRAME":
                pass
            case _ if name in _VALUES.split():
                self.stack.append(argument)
            case "NEWTRUE" | "NEWFALSE":
                self.stack.append(name == "NEWTRUE")
            case "EMPTY_LIST" | "EMPTY_TUPLE" | "EMPTY_DICT":
                self.stack.append({"LIST": list, "TUPLE": tuple, "DICT": dict}[name[6:]]())
            case "MARK":
                self._below.append(self.stack)
                self.stack = []
            case "POP":
                self.stack.pop()
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._kept[argument] = self.stack[-1]
            case "MEMOIZE":
                self._kept[len(self._kept)] = self.stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                self.stack.append(self._kept[argument])
            case "LIST" | "TUPLE":
                entries = self.pop_mark()
                self.stack.append(entries if name == "LIST" else tuple(entries))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.stack.append(tuple(self._last(int(name[-1]))))
            case "APPEND" | "APPENDS":
                entries = self._last(1) if name == "APPEND" else self.pop_mark()
                self.stack[-1].extend(entries)
            case "DICT":
                entries = self.pop_mark()
                self.stack.append({})
                self._set(entries)
            case "SETITEM" | "SETITEMS":
                self._set(self._last(2) if name == "SETITEM" else self.pop_mark())
            case "GLOBAL":
                self.stack.append(self.find_class(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                self.stack.append(self.find_class(*self._last(2)))
            case "REDUCE" | "NEWOBJ":
                known, arguments = self._last(2)
                self.stack.append(self.made(known, arguments))
            case "BUILD":
                self.build(self.stack.pop())
            case _:
                raise DataError(
                    f"it uses {name}, which is not followed: it is not needed for numbers. "
                    "Nothing in the file was run"
                )

    def find_class(self, module: str, name: str) -> Known:
        """What stands for a name."""
        if (module, name) not in self._names:
            raise DataError(
                f"it asks for {worded(module)}.{worded(name)}, which is not read: only "
                f"{self._what} are. Nothing in the file was run"
            )
        return self._names[module, name]

    def made(self, known: Any, arguments: Any) -> Any:
        """A holder of a name."""
        if not isinstance(known, Known):
            raise DataError(f"it calls a {type(known).__name__}. Nothing in the file was run")
        return known.make(*arguments)

    def build(self, state: Any) -> None:
        """Give the holder on top its state."""
        if not isinstance(self.stack[-1], Held):
            raise DataError("it would change what a name stands for, or what has no state")
        self.stack[-1].keep(state)

    def pop_mark(self) -> list[Any]:
        """All since the last mark."""
        entries, self.stack = self.stack, self._below.pop()
        return entries

    def _last(self, count: int) -> list[Any]:
        return [self.stack.pop() for _ in range(count)][::-1]

    def _set(self, entries: list[Any]) -> None:
        """Put keys and values by turns into a dict."""
        check_keys(entries[::2])
        for key, value in zip(entries[::2], entries[1::2], strict=True):
            self.stack[-1][key] = value


def check_keys(keys: list[Any]) -> None:
    """A tuple of tuples may be endless: to hash it overflows the stack, or takes years."""
    for key in keys:
        if isinstance(key, tuple) and any(isinstance(part, tuple) for part in key):
            raise DataError("a dict whose keys are tuples of tuples")


class _Plain:
    """Puts arrays in the place of holders, within the room that a file may take."""

    def __init__(self, file_bytes: int, objects: bool) -> None:
        self._left = _ROOM + _ROOM_A_BYTE * file_bytes
        self._objects = objects

    def __call__(self, value: Any) -> Any:
        if value is None or isinstance(value, (str, bytes, bool, int, float)):
            return value
        if isinstance(value, dict):
            self._spend(_ENTRY * (1 + len(value)))
            return {self(k): self(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            self._spend(_ENTRY * (1 + len(value)))
            return type(value)(self(v) for v in value)
        if isinstance(value, _Bytes):
            return self._data(value)
        if isinstance(value, _Scalar):
            return self._array(value).item()
        if isinstance(value, _Image):
            return self._array(value.array())
        if isinstance(value, _Array):
            return self._items(value) if self._objects else self._array(value)
        raise DataError(f"it holds a {type(value).__name__}")

    def _array(self, held: _Array) -> Array:
        shape, kind, order, content = held.parts
        _checked(kind).numpy()  # whether it is one of numbers, before its bytes are asked for
        return array_of(self._data(content), kind, shape, order)

    def _items(self, held: _Array) -> Any:
        """An array, one of objects as nested lists, or the only entry of one without axes."""
        shape, kind, _, content = held.parts
        if not _checked(kind).holds_objects:
            array = self._array(held)
            return array if array.shape else array.item()
        sizes = shape_of(shape)
        if not isinstance(content, list) or len(content) != math.prod(sizes):
            raise DataError(f"an array of objects of shape {sizes} with other content")
        self._spend(_ENTRY * math.prod(size for size in sizes if size))
        entries = np.empty(len(content), object)
        for i, entry in enumerate(content):
            entries[i] = self(entry)
        return entries.reshape(sizes).tolist()  # numpy lists objects by rows, whatever the order

    def _data(self, content: Any) -> bytes:
        result = content.text if isinstance(content, _Bytes) else content
        if not isinstance(result, (str, bytes, bytearray)):
            raise DataError(f"an array of numbers whose bytes are a {type(result).__name__}")
        self._spend(len(result))
        return result.encode("latin1") if isinstance(result, str) else bytes(result)

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise DataError("it repeats itself to many times its size")
