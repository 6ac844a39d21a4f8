"""PyTorch's files, of today and of before version 1.6, followed without running anything in them.

Their tensors lie beside a pickle that says what each is. Names in it are never imported: those that
make tensors are known here, and whatever else a training leaves beside its weights (options of
Lightning, an optimizer, numpy's numbers) becomes a stand-in that does nothing. Tensors are read
when they are asked for.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from eyeline.errors import CheckpointError, DataError
from eyeline.pickles import Known, Reader, check_keys
from eyeline.training import file_kinds

if TYPE_CHECKING:
    from torch import Tensor

_ROOM = 2**26
_ROOM_A_BYTE = 4
"""What a file may become: so many bytes, and so many more for each of its own."""
_VIEWED = 2**30
"""Bytes that the tensors of any file may show: some repeat a few stored numbers."""
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
"""What old files begin with."""
_AXES = 64

_STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "int8",
    "QUInt8Storage": "uint8",
    "QInt32Storage": "int32",
    "UntypedStorage": "uint8",
}
"""Kinds of storages, and the type that takes their bytes."""
_ODD = {
    "_rebuild_sparse_tensor": "a sparse tensor",
    "_rebuild_sparse_csr_tensor": "a sparse tensor",
    "_rebuild_qtensor": "a quantised tensor",
    "_rebuild_meta_tensor_no_storage": "a tensor without values (device meta)",
    "_rebuild_nested_tensor": "a nested tensor",
}
_COMMANDS = frozenset(
    ["os", "posix", "nt", "sys", "subprocess", "pty", "runpy", "importlib", "ctypes", "commands"]
)
"""Modules that nothing in a file of weights needs."""
_BUILTINS = ("builtins", "__builtin__")
_RUNS = frozenset(["eval", "exec", "execfile", "compile", "__import__", "open"])


@dataclass(frozen=True, eq=False)
class Storage:
    """Where in the file a tensor's numbers lie."""

    key: str
    dtype: str
    start: int = 0


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor of the file that has not been read."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class OddTensor:
    """A tensor that is not read."""

    kind: str


class Extra(dict[Any, Any]):
    """Stands for an object of a class of others, and takes what the file puts into it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def append(self, entry: object) -> None:
        """Take an entry of a list and drop it."""

    def extend(self, entries: object) -> None:
        """Take entries of a list and drop them."""


@contextmanager
def opened(path: Path) -> Iterator[TorchFile]:
    """A PyTorch checkpoint, open for as long as its tensors are read.

    Raises:
        CheckpointError: a damaged file, one that `torch.save` did not write, one that unpacks to
            many times its size, or one that would run a command where it is trusted.
    """
    try:
        with path.open("rb") as file:
            yield _Zip(path, file) if file_kinds.is_zip(path) else _Old(path, file)
    except CheckpointError:
        raise
    except DataError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except Exception as error:
        raise CheckpointError(
            f"{path} is not a readable PyTorch checkpoint ({type(error).__name__}: "
            f"{str(error)[:200]}). Is the download whole?"
        ) from error


class TorchFile:
    """A checkpoint: its content, with a `StoredTensor` where a tensor is."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._most = _ROOM_A_BYTE * path.stat().st_size
        self._shown = 0
        self._storages: dict[str, Tensor] = {}
        self._swapped = False
        self.content: Any = None

    def tensor(self, stored: StoredTensor) -> Tensor:
        """The tensor itself, on the CPU; it shares memory with others of its storage."""
        import torch

        dtype = getattr(torch, stored.dtype)
        size, stride = _sizes(stored.size), _sizes(stored.stride)
        first = _sizes((stored.offset,))[0] + stored.storage.start
        count = math.prod(size)
        last = first + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        data = self._storage(stored.storage)
        if count and (last + 1) * dtype.itemsize > len(data):
            raise DataError(f"a tensor of shape {size} lies beyond its {len(data)} bytes")
        self._spend(count * dtype.itemsize)
        if not count:
            return torch.empty(size, dtype=dtype)
        whole = data[: len(data) // dtype.itemsize * dtype.itemsize].view(dtype)
        return torch.as_strided(whole, size, stride, first)

    def _spend(self, amount: int) -> None:
        self._shown += amount
        if self._shown > _VIEWED + self._most:
            raise DataError("its tensors repeat the same numbers to many times its size")

    def _storage(self, storage: Storage) -> Tensor:
        import torch

        if storage.key not in self._storages:
            data = self._bytes(storage.key)
            itemsize = getattr(torch, storage.dtype).itemsize
            if self._swapped and itemsize > 1:
                _swap(data, itemsize)
            empty = torch.empty(0, dtype=torch.uint8)
            self._storages[storage.key] = (
                torch.frombuffer(data, dtype=torch.uint8) if data else empty
            )
        return self._storages[storage.key]

    def _bytes(self, key: str) -> bytearray:
        raise NotImplementedError


class _Zip(TorchFile):
    """The format of today: a zip archive with a pickle, and a file for each storage."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        super().__init__(path, file)
        self._archive = zipfile.ZipFile(file)
        entries = self._archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > _ROOM + self._most:
            raise DataError(
                f"{path.stat().st_size} bytes that unpack to {unpacked}: no checkpoint is so"
            )
        names = [entry.filename for entry in entries]
        roots = [n.removesuffix("data.pkl") for n in names if n.endswith("/data.pkl")]
        scripts = any(n.endswith("/constants.pkl") or "/code/" in n for n in names)
        if len(roots) != 1 or scripts:
            raise CheckpointError(f"{path} is {file_kinds.zip_described(self._archive)}")
        self._root = roots[0]
        if f"{self._root}byteorder" in names:
            self._swapped = self._archive.read(f"{self._root}byteorder").strip() == b"big"
        self.content = _Follower(io.BytesIO(self._archive.read(f"{self._root}data.pkl"))).load()

    def _bytes(self, key: str) -> bytearray:
        entry = self._archive.getinfo(f"{self._root}data/{key}")
        data = bytearray(entry.file_size)
        with self._archive.open(entry) as packed:
            _fill(data, packed.read)
        return data


class _Old(TorchFile):
    """The format of before version 1.6: pickles one after the other, then the storages."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        super().__init__(path, file)
        if _Follower(file).load() != _MAGIC:
            raise DataError("a pickle that torch.save did not write")
        if (version := _Follower(file).load()) != _VERSION:
            raise DataError(f"version {str(version)[:20]} of PyTorch's old format; expected 1001")
        system = _Follower(file).load()
        self._swapped = isinstance(system, dict) and system.get("little_endian") is False
        follower = _Follower(file)
        self.content = follower.load()
        self._places = self._found(follower.storages)

    def _found(self, storages: Mapping[str, str]) -> dict[str, tuple[int, int]]:
        """Where each storage begins, and its bytes."""
        import torch

        places, end = {}, self.path.stat().st_size
        for key in _Follower(self._file).load():
            (count,) = struct.unpack(">q" if self._swapped else "<q", self._file.read(8))
            size = count * getattr(torch, storages[key]).itemsize
            at = self._file.tell()
            if not 0 <= size <= end - at:
                raise DataError("it ends within its tensors. Is the download whole?")
            places[key] = at, size
            self._file.seek(at + size)
        return places

    def _bytes(self, key: str) -> bytearray:
        at, size = self._places[key]
        self._file.seek(at)
        data = bytearray(size)
        _fill(data, self._file.read)
        return data


def _fill(data: bytearray, read: Callable[[int], bytes]) -> None:
    view, done = memoryview(data), 0
    while done < len(data):
        chunk = read(min(2**20, len(data) - done))
        if not chunk:
            raise DataError("it ends within its tensors. Is the download whole?")
        view[done : done + len(chunk)] = chunk
        done += len(chunk)


def _swap(data: bytearray, itemsize: int) -> None:
    """From big-endian numbers to this machine's."""
    import numpy as np

    whole = len(data) // itemsize * itemsize
    np.frombuffer(data, f"u{itemsize}", count=whole // itemsize).byteswap(inplace=True)


def _sizes(numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, (tuple, list)) or len(numbers) > _AXES:
        raise DataError("a tensor whose shape is none")
    if any(type(n) is not int or not 0 <= n < 2**62 for n in numbers):
        raise DataError("a tensor whose shape holds other than counts")
    return tuple(numbers)


class _Typed(Known):
    """Stands for a kind of storage, or for a type of numbers."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        super().__init__(lambda *_: Extra(dtype))
        self.dtype = dtype


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Any:
    return _stored(storage, offset, size, stride, getattr(storage, "dtype", ""))


def _typed_tensor(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, kind: Any, *_: Any
) -> Any:
    return _stored(storage, offset, size, stride, getattr(kind, "dtype", ""))


def _stored(storage: Any, offset: Any, size: Any, stride: Any, dtype: str) -> StoredTensor:
    if not isinstance(storage, Storage) or not dtype:
        raise DataError("a tensor without a storage")
    return StoredTensor(storage, offset, size, stride, dtype)


def _first(value: Any, *_: Any) -> Any:
    return value


def _of_type(make: Any, kind: Any, arguments: Any, *_: Any) -> Any:
    return make.make(*arguments) if isinstance(make, Known) else Extra("a tensor of its own class")


def _dict(entries: Any = (), *_: Any) -> dict[Any, Any]:
    """Of OrderedDict; old Python gives it its entries as pairs."""
    pairs = [(key, value) for key, value in entries]
    check_keys([key for key, _ in pairs])
    return dict(pairs)


_NAMES: Mapping[tuple[str, str], Known] = {
    ("torch._utils", "_rebuild_tensor"): Known(_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): Known(_tensor),
    ("torch._utils", "_rebuild_tensor_v3"): Known(_typed_tensor),
    ("torch._utils", "_rebuild_parameter"): Known(_first),
    ("torch._utils", "_rebuild_parameter_with_state"): Known(_first),
    ("torch._tensor", "_rebuild_from_type_v2"): Known(_of_type),
    ("collections", "OrderedDict"): Known(_dict),
}


class _Follower(Reader):
    """Follows a pickle of PyTorch's; for names that are not known here it has stand-ins."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, {}, "tensors")
        self.storages: dict[str, str] = {}
        """Of each storage that was named, its type."""

    def find_class(self, module: str, name: str) -> Known:
        """What stands for a name."""
        if module.partition(".")[0] in _COMMANDS or (module in _BUILTINS and name in _RUNS):
            raise DataError(
                f"it asks for {module}.{name}, which would run a command where such a file is "
                "trusted. It was read without running code, and nothing of it is taken"
            )
        if (module, name) in _NAMES:
            return _NAMES[module, name]
        if module == "torch._utils" and name in _ODD:
            return Known(lambda *_: OddTensor(_ODD[name]))
        if module.partition(".")[0] == "torch" and name in _STORAGES:
            return _Typed(_STORAGES[name])
        if module == "torch" and _is_dtype(name):
            return _Typed(name)
        return Known(lambda *_: Extra(f"{module}.{name}"))

    def persistent_load(self, pid: Any) -> Storage:
        """A storage that the pickle names."""
        word, kind, key = pid[:3]
        if word != "storage" or not isinstance(kind, _Typed) or not isinstance(key, str):
            raise DataError("it names something that is no storage of numbers")
        self.storages[key] = kind.dtype
        view = pid[5] if len(pid) > 5 else None
        return Storage(key, kind.dtype, 0 if view is None else _sizes((view[1],))[0])

    def follow(self, name: str, argument: Any) -> None:
        """Also what objects of other classes need: stand-ins take their place."""
        match name:
            case "NEWOBJ_EX":  # the same with named arguments, which no tensor has
                self.stack.pop()
                super().follow("NEWOBJ", None)
            case "INST":  # an object as Python 2 wrote it
                self.pop_mark()
                self.stack.append(self.find_class(*argument.split(" ", 1)).make())
            case "BINPERSID":
                self.stack.append(self.persistent_load(self.stack.pop()))
            case "EMPTY_SET" | "FROZENSET":  # entries are not needed, and may be costly to compare
                if name == "FROZENSET":
                    self.pop_mark()
                self.stack.append(Extra("a set"))
            case "ADDITEMS":
                self.pop_mark()
            case _:
                super().follow(name, argument)

    def made(self, known: Any, arguments: Any) -> Any:
        """What a name stands for; a stand-in for a function that another one gave is one, too."""
        return Extra(known.name) if isinstance(known, Extra) else super().made(known, arguments)

    def build(self, state: Any) -> None:
        """Drop the state of an object: neither stand-ins nor tensors need it."""


def _is_dtype(name: str) -> bool:
    import torch

    return isinstance(vars(torch).get(name), torch.dtype)
