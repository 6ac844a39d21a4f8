"""Files that run code, take memory or lie about themselves."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

DEPTH = 100_000
BOMB_BYTES = 700_000_000


class Marks:
    """A folder in which whatever is run leaves a file."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        self.folder = folder
        folder.mkdir(parents=True)

    def taken(self) -> list[str]:
        """What was run since, as a fault; forgotten after it."""
        left = list(self.folder.iterdir())
        for path in left:
            path.unlink()
        return ["EXECUTED"] if left else []

    @property
    def line(self) -> str:
        """A line for the shell."""
        return f"touch {self.folder}/shell"

    @property
    def evil(self) -> Any:
        """What runs the line when it is unpickled."""
        return _Evil(self.line)


class _Evil:
    def __init__(self, line: str) -> None:
        self._line = line

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self._line,)


def saved(content: Any, **options: Any) -> bytes:
    """What PyTorch makes of it."""
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def _archive(pickled: bytes, more: Mapping[str, bytes] | None = None, deflate: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as out:
        out.writestr("archive/data.pkl", pickled)
        out.writestr("archive/version", "3\n")
        for name, data in dict(more or {}).items():
            out.writestr(zipfile.ZipInfo(name), data)
        if deflate:
            with out.open("archive/data/0", "w") as zeros:
                for _ in range(deflate // 2**20):
                    zeros.write(bytes(2**20))
    return file.getvalue()


def _text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def _tensor(numbers: int, size: Sequence[int], stride: Sequence[int]) -> bytes:
    """The pickle of a dict of one tensor of floats, with sizes that need not be true."""

    def whole(value: int) -> bytes:
        return b"\x8a\x08" + struct.pack("<q", value)

    def several(values: Sequence[int]) -> bytes:
        return b"(" + b"".join(map(whole, values)) + b"t"

    storage = _text("storage") + b"ctorch\nFloatStorage\n" + _text("0") + _text("cpu")
    content = b"((" + storage + whole(numbers) + b"tQK\x00" + several(size) + several(stride)
    rebuild = (
        b"ctorch._utils\n_rebuild_tensor_v2\n" + content + b"\x89ccollections\nOrderedDict\n)RtR"
    )
    return b"\x80\x02}" + _text("w") + rebuild + b"s."


def checkpoints(marks: Marks) -> dict[str, bytes]:
    """By name: files that are no weights, whatever they pretend."""
    four, sixteen = {"archive/data/0": bytes(4)}, {"archive/data/0": bytes(16)}
    chain = b"\x80\x02cbuiltins\ngetattr\ncbuiltins\n__import__\n" + _text("os") + b"\x85R"
    chain += _text("system") + b"\x86R" + _text(marks.line) + b"\x85R."
    opened = (
        b"\x80\x02cbuiltins\neval\n"
        + _text(f"open({str(marks.folder / 'eval')!r}, 'w')")
        + b"\x85R."
    )
    inner = saved(marks.evil)
    nested = b"\x80\x02ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(inner)) + inner
    outside = {"archive/../../../marks/zip": b"x", f"/{marks.folder}/absolute": b"x"}
    return {
        "os.system, zipped": _archive(pickle.dumps({"state_dict": marks.evil}, 2)),
        "os.system, protocol 2": pickle.dumps({"state_dict": marks.evil}, 2),
        "os.system, protocol 4": pickle.dumps(marks.evil, 4),
        "os.system, before PyTorch 1.6": saved(
            {"state_dict": {"a": marks.evil}}, _use_new_zipfile_serialization=False
        ),
        "getattr chain": _archive(chain),
        "eval": _archive(opened),
        "a pickle in a pickle": _archive(nested + b"\x85R."),
        "4 TB of nothing": _archive(_tensor(2**40, (2**40,), (1,)), four),
        "a view of 4 bytes": _archive(_tensor(1, (2**20, 2**20), (0, 0)), four),
        "sizes that overflow": _archive(_tensor(1, (2**40, 2**40), (1, 1)), four),
        "negative stride": _archive(_tensor(4, (4,), (-1,)), sixteen),
        "beyond its storage": _archive(_tensor(4, (2**20,), (1,)), sixteen),
        "zip bomb": _archive(
            _tensor(BOMB_BYTES // 4, (BOMB_BYTES // 4,), (1,)), deflate=BOMB_BYTES
        ),
        "names outside the archive": _archive(pickle.dumps({}, 2), outside),
        "cut in half": saved({"w": torch.zeros(10_000)})[:20_000],
        "lists of great depth": _archive(b"\x80\x02" + b"]" * DEPTH + b"a" * (DEPTH - 1) + b"."),
        "3 million marks": _archive(b"\x80\x02" + b"(" * 3_000_000 + b"."),
        "a list": saved([1, 2, 3]),
        "nothing in it": saved({}),
        "objects of numpy": saved({"state_dict": {"w": np.array([1, "a"], object)}}),
        "names that are numbers": saved({1: torch.ones(2), (2, 3): torch.ones(1)}),
        "text": b"hello" * 50,
        "zip's first letters": b"PK\x03\x04" + bytes(1000),
        "pickle's first letters": b"\x80\x02" + bytes(range(256)) * 20,
    }


SPOILED: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "NaN": lambda t: t * float("nan"),
    "infinity": lambda t: t + float("inf"),
    "complex": lambda t: t.to(torch.complex64),
    "whole numbers": lambda t: (t * 100).to(torch.int64),
    "yes and no": lambda t: t > 0,
    "without data": lambda t: t.to("meta"),
    "sparse": lambda t: t.to_sparse() if t.ndim else t,
    "quantised": lambda t: torch.quantize_per_tensor(t, 0.01, 0, torch.qint8),
}
"""What is done to each tensor of fractions of an otherwise good checkpoint."""


def own_files(good: bytes) -> dict[str, bytes]:
    """By name: what is made of one of eyeline's own weights files."""
    length = struct.unpack("<Q", good[:8])[0]
    header, body = json.loads(good[8 : 8 + length]), good[8 + length :]
    card = json.loads(header["__metadata__"]["eyeline"])
    first, second = [name for name in header if name != "__metadata__"][:2]
    over = {**header, second: {**header[second], **header[first]}}
    huge = {**header, first: {**header[first], "shape": [2**62, 2**62]}}
    arguments = card["arguments"]

    def carded(**changes: Any) -> bytes:
        return _safetensors(
            {**header, "__metadata__": {"eyeline": json.dumps(card | changes)}}, body
        )

    def built(**changes: Any) -> bytes:
        return carded(arguments=arguments | changes)

    return {
        "a header of 2^60 bytes": _safetensors(header, body, 2**60),
        "a header of 2^63 bytes": _safetensors(header, body, 2**63 + 5),
        "a header that is no JSON": _safetensors(b"{" * 200, body),
        "a header of great depth": _safetensors(b'{"a":' * DEPTH, body),
        "a header of 101 MB": _safetensors(json.dumps(header).encode() + b" " * 101_000_000, body),
        "tensors that overlap": _safetensors(over, body),
        "sizes that overflow": _safetensors(huge, body),
        "data missing": _safetensors(header, body[:1000]),
        "NaN": _safetensors(header, np.full(len(body) // 4, np.nan, np.float32).tobytes()),
        "empty": b"",
        "8 bytes": bytes(8),
        "card of great depth": _safetensors(
            {**header, "__metadata__": {"eyeline": "[" * DEPTH}}, body
        ),
        "card a number": _safetensors({**header, "__metadata__": {"eyeline": 5}}, body),
        "card: system a list": carded(system=["a"]),
        "card: system a path": carded(system="../../etc"),
        "card: builder a dict": carded(builder={"a": 1}),
        "card: a billion channels": built(channels=10**9),
        "card: ten million layers": built(layers=10**7),
        "card: channels null": built(channels=None),
        "card: arguments unknown": carded(arguments={"evil": 1}),
        "card: arguments text": carded(arguments="text"),
        "card: settings a list": carded(settings=[1]),
        "card: threshold text": carded(settings={"threshold": "x"}),
        "card: scores text": carded(scores="x"),
        "card: licence a number": carded(licence=5),
    }


def _safetensors(header: Any, body: bytes, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def _npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("xl/worksheets/sheet1.xml", b" " * 300_000_000)
        out.writestr("../../evil", b"x")
    return file.getvalue()


def _laughs() -> bytes:
    entities = (b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(9))
    head = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    return head + b"".join(entities) + b"]><ANNOTATION_DOCUMENT>&j;</ANNOTATION_DOCUMENT>"


def tables(marks: Marks) -> dict[str, bytes]:
    """By name: files that are no table, JSON, XML, YAML or array that anything reads."""
    evil = np.array([marks.evil], object)
    huge = (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    )
    external = b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return {
        "empty": b"",
        "noise": random.Random(1).randbytes(5000),
        "zeros": bytes(3000),
        "JSON of great depth": b"[" * DEPTH,
        "JSON objects of great depth": b'{"a":' * DEPTH,
        "JSON with NaN": b'{"videos": NaN, "images": [NaN], "annotations": [Infinity]}',
        "JSON list": b"[1,2,3]",
        "JSON null": b"null",
        "JSON number of 5,000 digits": b"[" + b"9" * 5000 + b"]",
        "Latin-1": "frame,é,ü\n1,2,3\n".encode("latin1"),
        "a field of 200 kB": b'"' + b"x" * 200_000 + b'",1,2\n',
        "formulas": b"=1+1,@SUM(A1),+1,-1\n=cmd|' /C calc'!A0,1,2,3\n",
        "only commas": b",,,,,,,,,\n" * 5,
        "a billion laughs": _laughs(),
        "XML entity of a file": external + b"<ANNOTATION_DOCUMENT>&x;</ANNOTATION_DOCUMENT>",
        "XML of great depth": b"<a>" * DEPTH,
        "YAML that runs": f"!!python/object/apply:os.system ['{marks.line}']\n".encode(),
        "YAML of great depth": b"[" * 20_000,
        "pickle that runs": pickle.dumps(marks.evil, 2),
        ".npz of objects": _npz(a=evil),
        ".npy of 8 TB": b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + huge,
        "zip bomb": _zip_bomb(),
    }
