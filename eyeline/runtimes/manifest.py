"""What an exported file says of itself: the card of its weights, its interface, its precision.

It is JSON in the file's metadata, and checked by its schema before anything is run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from eyeline.errors import CheckpointError
from eyeline.extras import needed_by
from eyeline.runtimes.interface import Interface
from eyeline.training import cards
from eyeline.training.cards import CheckpointCard

ONNX_SUFFIX, OPENVINO_SUFFIX = ".onnx", ".xml"
SUFFIXES = (ONNX_SUFFIX, OPENVINO_SUFFIX)
Precision = Literal["float32", "bfloat16", "int8"]
_KEY = "eyeline"
_FORMAT = 1
_MOST_TEXT = 2**24


@dataclass(frozen=True)
class Manifest:
    """What whoever runs a file must know."""

    card: CheckpointCard
    """Of the weights."""
    interface: Interface
    """Of the network."""
    precision: Precision = "float32"
    """How products are to be computed."""

    @property
    def name(self) -> str:
        """The network's, with its system's."""
        return f"{self.card.system}/{self.card.builder}"

    def to_json(self) -> str:
        """As it stands in the file."""
        entries = {"format": _FORMAT, **asdict(self)}
        return json.dumps(entries, allow_nan=False)  # the order of inputs counts


def put(onnx_file: Path, what: Manifest) -> None:
    """Add it to an ONNX file.

    Two messages of protobuf one behind the other are one with the entries of both.
    """
    import onnx

    metadata = onnx.ModelProto()
    onnx.helper.set_model_props(metadata, {_KEY: what.to_json()})
    with onnx_file.open("ab") as file:
        file.write(metadata.SerializeToString())


def is_exported(path: Path | str) -> bool:
    """Whether a file's name is that of an exported network."""
    return Path(path).suffix in SUFFIXES


def read(path: Path | str) -> Manifest:
    """What an exported file says of itself.

    Raises:
        CheckpointError: no such file, a damaged one, one that eyeline did not write, or one that
            keeps its numbers in other files.
        UsageError: a file of OpenVINO, which is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no exported network at {path}")
    text = _of_onnx(path) if path.suffix == ONNX_SUFFIX else _of_openvino(path)
    if not text:
        raise CheckpointError(
            f"{path} says nothing of eyeline, so its network is unknown. Give a file that eyeline "
            "export wrote"
        )
    return parsed(text, path)


def card_of(path: Path | str) -> CheckpointCard:
    """The card of a file of weights or of an exported network; errors as of `read`."""
    from eyeline.training import checkpoint

    return read(path).card if is_exported(path) else checkpoint.read_card(path)


def parsed(text: str, source: Path | str) -> Manifest:
    """What metadata say; CheckpointError where that is not what `Manifest` holds."""
    from pydantic import ValidationError

    try:
        entries = json.loads(text) if len(text) <= _MOST_TEXT else None
        if not isinstance(entries, dict) or entries.pop("format", None) != _FORMAT:
            raise ValueError(f"it is not of format {_FORMAT}; use the eyeline that wrote it")
        card = cards.parsed(json.dumps(entries.pop("card", None)), source)
        rest = _schema().model_validate(entries)
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, RecursionError) as error:
        what = str(error)[:200]
    else:
        return Manifest(card, rest.interface, rest.precision)
    raise CheckpointError(f"{source} has damaged metadata: {what}")


def openvino() -> Any:
    """The module; UsageError where it is not installed."""
    with needed_by("the runtime openvino"):
        import openvino
    return openvino


def load_onnx(path: Path) -> Any:
    """The message of an ONNX file; CheckpointError where it is none, or only a part of it."""
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own, which is onnx's dependency and not ours
        raise CheckpointError(f"{path} is not an ONNX file, or it is damaged") from error
    external = onnx.TensorProto.EXTERNAL
    if any(tensor.data_location == external for tensor in model.graph.initializer):
        raise CheckpointError(f"{path} keeps its numbers in other files, which are not read")
    return model


def _of_onnx(path: Path) -> str:
    found: Mapping[str, str] = {p.key: p.value for p in load_onnx(path).metadata_props}
    return found.get(_KEY, "")


def _of_openvino(path: Path) -> str:
    ov = openvino()
    try:
        model = ov.Core().read_model(path)
    except RuntimeError as error:
        reason = next((x for x in reversed(str(error).splitlines()) if x.strip()), "")[:200]
        raise CheckpointError(
            f"{path} is not a file of OpenVINO, or it is damaged: {reason}"
        ) from error
    return str(model.get_rt_info([_KEY]).value) if model.has_rt_info([_KEY]) else ""


@cache
def _schema() -> type[Any]:
    from pydantic import ConfigDict, create_model

    return create_model(
        "Entries",
        __config__=ConfigDict(extra="forbid"),
        interface=(Interface, ...),
        precision=(Precision, ...),
    )
