"""The authors' files become ours: SyncNet, the detector, the slope of the gaze, Gaze-LLE.

Which of the networks a file is for is read off its content, never off its name. The slope's
`model_mlp.m` is a regressor of scikit-learn as joblib stores it: a pickle with the bytes of its
arrays in between. Of all names that it may use, a short list is known here, and even those stand
for holders that do nothing but keep what they are given; scikit-learn and joblib are neither needed
nor run. Any other name is an error.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from eyeline.errors import CheckpointError, DataError
from eyeline.pickles import NUMBERS, Array, Held, Known, Names, Reader, array_of, shape_of, worded
from eyeline.results import Floats
from eyeline.speech.syncnet import weights as syncnet
from eyeline.systems.gaze_following.matching import slope
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from eyeline.training import file_kinds
from eyeline.training.checkpoint import CheckpointCard, Imported, existing
from eyeline.training.foreign import load_state

SYSTEM = "gaze_following"
LICENCE = "none stated by the authors (VideoGazeSpeech); for research at your own judgement"

_LARGEST = 64 * 2**20
"""Bytes of a file, unpacked; the published regressor has kilobytes."""
_MOST_LAYERS = 64
_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9"
"""The number that PyTorch's old files open with."""
_JOBLIB = (b"\x80", b"\x1f\x8b", b"x\x01", b"x\x9c", b"x\xda", b"x\x5e")
"""Beginnings of joblib's files: a pickle, as it is or packed by gzip or zlib."""


def import_original(path: Path | str) -> Imported:
    """Read one of the authors' files; nothing in it is executed.

    These are `syncnet_v2.model`, mmdetection's `.pth`, `model_mlp.m`, `gazelle_*.pt` and
    `dinov2_*_pretrain.pth`.

    Raises:
        CheckpointError: no such file, or one whose content is not that of the network it looks
            like; the message names what differs.
    """
    if _may_be_joblib(existing(path)):
        return import_slope(path)
    from eyeline.systems.gaze_following.detector import weights as detector
    from eyeline.systems.gaze_following.gaze_lle import weights as gaze_lle

    kinds = f"SyncNet, Gaze-LLE, DINOv2 or {SYSTEM}/{detector.BUILDER} as mmdetection writes it"
    result = load_state(path, kinds)
    if gaze_lle.is_original(result.state):
        return gaze_lle.place(result, path)
    if syncnet.is_original(result.state):
        card = CheckpointCard(SYSTEM, syncnet.BUILDER, {}, licence=syncnet.LICENCE)
        return Imported(card, syncnet.place(result.state, path), result.beside)
    return detector.place(result, path)


def _may_be_joblib(path: Path) -> bool:
    """Whether it begins as a pickle, packed or not, that is none of PyTorch's."""
    with path.open("rb") as file:
        begins = file.read(16)
    other = begins.startswith(_TORCH) or file_kinds.is_safetensors(path)
    return begins.startswith(_JOBLIB) and not other


def import_slope(path: Path | str) -> Imported:
    """The card and tensors of a stored regressor; CheckpointError as of `read_slope`."""
    mlp, data = read_slope(path), {"name": "VideoGazeSpeech, by its authors"}
    arguments = slope.arguments_of(mlp)
    card = CheckpointCard(SYSTEM, slope.NETWORK, arguments, data=data, licence=LICENCE)
    return Imported(card, slope.state_of(mlp))


def read_slope(path: Path | str) -> SlopeMlp:
    """The regressor in a file that `joblib.dump` wrote, packed by zlib or gzip or not.

    Raises:
        CheckpointError: no such file, a damaged one, one that asks for anything beside arrays and
            a regressor, or a regressor that does not make one number of two.
    """
    path = Path(path)
    try:
        content = _Reader(_unpacked(path), _NAMES, "arrays of numbers and a regressor").load()
    except (CheckpointError, DataError) as error:
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
    output = worded(state.get("out_activation_", "identity"))
    if output != "identity":
        raise CheckpointError(f"{path}: its output is {output}, not a number")
    try:
        weight, bias = (_layers(state[name]) for name in ("coefs_", "intercepts_"))
        return SlopeMlp(weight, bias, worded(state["activation"]))
    except (CheckpointError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from None


def _layers(arrays: Any) -> tuple[Floats, ...]:
    if not isinstance(arrays, list | tuple) or len(arrays) > _MOST_LAYERS:
        raise CheckpointError("its layers are no list of arrays")
    if any(not isinstance(array, np.ndarray) or array.dtype.kind != "f" for array in arrays):
        raise CheckpointError("its layers are no arrays of numbers")
    if not all(np.isfinite(array).all() for array in arrays):
        raise CheckpointError("its layers hold values that are no numbers")
    return tuple(array.astype(np.float64) for array in arrays)


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


class _Regressor(Held):
    """Stands for the regressor."""


class _Wrapped(Held):
    """Stands for joblib's word that an array's bytes follow."""

    def array(self, file: BinaryIO) -> Array:
        """The array whose bytes come next in the file."""
        header = self.state
        shape, kind = shape_of(header["shape"]), header["dtype"]
        size = math.prod(shape) * kind.numpy().itemsize
        if size > _LARGEST:
            raise CheckpointError(f"an array of shape {shape}")
        if header.get("numpy_array_alignment_bytes") is not None:
            file.read(file.read(1)[0])
        data = file.read(size)
        if len(data) != size:
            raise CheckpointError(f"it ends within an array of shape {shape}")
        return array_of(data, kind, shape, header["order"])


_MLP = ("_multilayer_perceptron", "multilayer_perceptron")
_STEPS = ("_stochastic_optimizers", "_stochastic_gradient", "stochastic_optimizers")

_NAMES: Names = {
    **NUMBERS,
    **{(f"sklearn.neural_network.{module}", "MLPRegressor"): Known(_Regressor) for module in _MLP},
    **{
        (f"sklearn.neural_network.{module}", name): Known(Held)
        for module in _STEPS
        for name in ("AdamOptimizer", "SGDOptimizer")
    },
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): Known(_Wrapped),
    ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"): Known(_Wrapped),
    **{
        ("numpy.random._pickle", name): Known(Held)
        for name in ("__randomstate_ctor", "__bit_generator_ctor", "__generator_ctor")
    },
    ("numpy.random._mt19937", "MT19937"): Known(Held),
    # of a regressor that was trained without a seed
    **{
        ("numpy.random.bit_generator", name): Known(Held)
        for name in ("SeedSequence", "__pyx_unpickle_SeedSequence")
    },
}


class _Reader(Reader):
    """A reader that stops at the bytes of an array."""

    def __init__(self, file: BinaryIO, names: Names, what: str) -> None:
        super().__init__(file, names, what)
        self._file = file

    def build(self, state: Any) -> None:
        """Give an object its state; in the place of joblib's word for an array, the array."""
        super().build(state)
        if isinstance(self.stack[-1], _Wrapped):
            self.stack[-1] = self.stack[-1].array(self._file)
