"""The authors' `model_mlp.m`, read without running anything that is written in it.

It is a regressor of scikit-learn as joblib stores it: a pickle with the bytes of its arrays in
between. Of all names that it may use, a short list is known here, and even those are answered by
holders that do nothing but keep what they are given; scikit-learn and joblib are neither needed nor
asked. Any other name is an error.
"""

from __future__ import annotations

import gzip
import io
import math
import pickle
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from eyeline.errors import CheckpointError
from eyeline.results import Floats
from eyeline.systems.gaze_following.matching import slope
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from eyeline.training.checkpoint import CheckpointCard, Imported

LICENCE = "none stated by the authors (VideoGazeSpeech); for research at your own judgement"
_LARGEST = 64 * 2**20
"""Bytes of a file, unpacked; the published regressor has kilobytes."""
_KINDS = "biuf"
_BUILD: Callable[[Any], None] = pickle._Unpickler.dispatch[pickle.BUILD[0]]


def import_original(path: Path | str) -> Imported:
    """The card and tensors of a stored regressor.

    Raises:
        CheckpointError: see `read`.
    """
    mlp = read(path)
    card = CheckpointCard(
        "gaze_following", slope.NETWORK, slope.arguments_of(mlp),
        data={"name": "VideoGazeSpeech, by its authors"}, licence=LICENCE,
    )  # fmt: skip
    return Imported(card, slope.state_of(mlp))


def read(path: Path | str) -> SlopeMlp:
    """The regressor in a file that `joblib.dump` wrote, packed by zlib or gzip or not.

    Raises:
        CheckpointError: no such file, a damaged one, one that asks for anything beside arrays and
            a regressor, or a regressor that does not make one number of two.
    """
    path = Path(path)
    try:
        content = _Reader(_unpacked(path)).load()
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - a damaged pickle fails in any way it likes
        raise CheckpointError(f"{path} is damaged: {type(error).__name__}: {error}") from None
    return _regressor(content, path)


def _regressor(content: Any, path: Path) -> SlopeMlp:
    state = content.state if isinstance(content, _Regressor) else None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds no MLPRegressor of scikit-learn")
    lacking = [name for name in ("coefs_", "intercepts_", "activation") if name not in state]
    if lacking:
        raise CheckpointError(f"{path}: the regressor was not trained, it lacks {lacking[0]}")
    if state.get("out_activation_", "identity") != "identity":
        raise CheckpointError(f"{path}: its output is {state['out_activation_']}, not a number")
    try:
        layers = [
            tuple(_numbers(array) for array in state[name]) for name in ("coefs_", "intercepts_")
        ]
        return SlopeMlp(layers[0], layers[1], str(state["activation"]))
    except (CheckpointError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from None


def _numbers(array: Any) -> Floats:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise CheckpointError("its layers are no arrays of numbers")
    if not np.isfinite(array).all():
        raise CheckpointError("its layers hold values that are no numbers")
    return array.astype(np.float64)


def _unpacked(path: Path) -> BinaryIO:
    if path.stat().st_size > _LARGEST:
        raise CheckpointError("it is larger than any regressor of a slope")
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            data = file.read(_LARGEST + 1)
    elif data[:1] == b"x":
        data = zlib.decompressobj().decompress(data, _LARGEST + 1)
    if len(data) > _LARGEST:
        raise CheckpointError("it unpacks to more than any regressor of a slope")
    if data[:1] != b"\x80":
        raise CheckpointError("it is no file of joblib")
    return io.BytesIO(data)


class _Held:
    """Stands for an object: keeps its state and does nothing."""

    def __init__(self, *arguments: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Regressor(_Held):
    """Stands for the regressor."""


class _Wrapped(_Held):
    """Stands for joblib's word that an array's bytes follow."""

    def array(self, file: BinaryIO) -> np.ndarray[Any, Any]:
        """The array whose bytes come next in the file."""
        said = self.state
        shape = tuple(int(n) for n in said["shape"])
        kind = said["dtype"].numpy()
        if said.get("numpy_array_alignment_bytes") is not None:
            file.read(file.read(1)[0])
        size = math.prod(shape) * kind.itemsize
        if min(shape, default=0) < 0 or size > _LARGEST:
            raise CheckpointError(f"an array of shape {shape}")
        data = file.read(size)
        if len(data) != size:
            raise CheckpointError(f"it ends within an array of shape {shape}")
        array = np.frombuffer(data, kind).reshape(shape, order=said["order"])
        return array.astype(kind.newbyteorder("="))


class _Type:
    """Stands for `numpy.dtype`: its code, and its byte order."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = str(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">") and self.code[0] not in "<>":
            self.code = state[1] + self.code

    def numpy(self) -> np.dtype[Any]:
        """The type itself, if it is one of numbers."""
        code = self.code.lstrip("<>|=")
        if not (code[:1] in _KINDS and code[1:].isdigit()):
            raise CheckpointError(f"an array of type '{self.code}'; only numbers are read")
        return np.dtype(self.code)


class _Known:
    """A name that a file may use: called or made, and of no other use."""

    __slots__ = ("_made",)

    def __init__(self, made: Callable[..., Any]) -> None:
        self._made = made

    def __call__(self, *arguments: Any) -> Any:
        return self._made(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise CheckpointError("it would change what a name stands for")


_MLP = ("_multilayer_perceptron", "multilayer_perceptron")
_STEPS = ("_stochastic_optimizers", "_stochastic_gradient", "stochastic_optimizers")


class _Reader(pickle._Unpickler):
    """An unpickler that knows these names only.

    Python's own, as the compiled one cannot stop at an array's bytes.

    An object is made by `__new__` of its class or by calling a function. Here both are holders.
    """

    names: ClassVar[Mapping[tuple[str, str], Any]] = {
        **{(f"sklearn.neural_network.{module}", "MLPRegressor"): _Regressor for module in _MLP},
        **{
            (f"sklearn.neural_network.{module}", name): _Held
            for module in _STEPS
            for name in ("AdamOptimizer", "SGDOptimizer")
        },
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): _Wrapped,
        ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"): _Wrapped,
        ("numpy", "ndarray"): _Held,
        ("numpy", "dtype"): _Known(_Type),
        **{
            (f"numpy.{core}.multiarray", name): _Known(_Held)
            for core in ("core", "_core")
            for name in ("scalar", "_reconstruct")
        },
        **{
            ("numpy.random._pickle", name): _Known(_Held)
            for name in ("__randomstate_ctor", "__bit_generator_ctor", "__generator_ctor")
        },
        ("numpy.random._mt19937", "MT19937"): _Held,
        ("_codecs", "encode"): _Known(_Held),
    }
    stack: list[Any]
    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._file = file

    def find_class(self, module: str, name: str) -> Any:
        """The holder for a name."""
        if (module, name) not in self.names:
            raise CheckpointError(
                f"it asks for {module}.{name}, which is not read: only arrays of numbers and a "
                "regressor are. Nothing in the file was run"
            )
        return self.names[module, name]

    def load_build(self) -> None:
        """Give an object its state; in the place of joblib's word for an array, the array."""
        _BUILD(self)
        if isinstance(self.stack[-1], _Wrapped):
            self.stack[-1] = self.stack[-1].array(self._file)

    dispatch[pickle.BUILD[0]] = load_build
