"""Documents that others wrote: what is read, and that each wrong one is one DataError."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline import documents
from eyeline.errors import DataError


def test_json_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + '{"é": [1, 2.5, null, 18446744073709551615]}'.encode())
    assert documents.read_json(path) == {"é": [1, 2.5, None, 2**64 - 1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 65 + b"]" * 65, "nested too deeply"),  # read without a RecursionError
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "64 bits"),
        (b"[18446744073709551616]", "64 bits"),
        (b"[1,\n2", "line 2: not JSON"),
        (b"", "line 1: not JSON"),
        (b"\xff\xfe{}", "not a text in UTF-8"),
    ],
)
def test_wrong_json(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        documents.read_json(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_sixty_four_lists_inside_each_other_are_read() -> None:
    assert documents.parse_json("[" * 64 + "]" * 64, "x")


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        documents.read_json(tmp_path / "none.json")
    with pytest.raises(DataError, match="cannot read"):
        documents.read_yaml(tmp_path)
    (tmp_path / "long.json").write_text("[1, 2]")
    with pytest.raises(DataError, match="larger than"):
        documents.read_json(tmp_path / "long.json", most_bytes=5)


def test_yaml_with_an_alias() -> None:
    assert documents.parse_yaml("a: &x [1, 2]\nb: *x", "r") == {"a": [1, 2], "b": [1, 2]}


_LAUGHS = "a0: &a0 [1]\n" + "".join(
    f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 20_000, "nested too deeply"),
        ("&a [*a]", "nested too deeply"),
        (_LAUGHS, "more than 100,000 values"),
        ("2001-99-99", "cannot be read"),
        ("9" * 5000, "cannot be read"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
        ("a: [", "not YAML"),
        ("{? [1]: 2}", "not YAML"),
        ("\x00", "not YAML"),
    ],
)
def test_wrong_yaml(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        documents.parse_yaml(text, "r.yaml")
    assert str(caught.value).startswith("r.yaml")


def _saved(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def _header(shape: str, kind: str = "<f8") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text + b"\n"


def test_arrays_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(_saved(one=np.arange(3), two=np.zeros((2, 0))))
    assert documents.npz_names(path) == ("one", "two")
    assert set(documents.read_npz(path)) == {"one", "two"}
    result = documents.read_npz(path, ("one", "three"))
    assert list(result) == ["one"]
    np.testing.assert_array_equal(result["one"], [0, 1, 2])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_saved(a=np.arange(1000))[:2000], "not a readable .npz"),
        (_saved(a=np.full(1000, 7)).replace(b"\x07", b"\x06"), "Bad CRC-32"),
        (b"", "not a readable .npz"),
        (b"PK\x03\x04" + bytes(100), "not a readable .npz"),
        (os.urandom(300), "not a readable .npz"),
        (_saved(a=np.array([1, "x"], object)), "holds Python objects"),
        (_zipped("a.npy", _header("(1000000000000,)")), "less than its shape"),
        (_zipped("a.npy", _header("(-5,)") + bytes(100)), "less than its shape"),
        (_zipped("a.npy", _header("(2,)", "<q9") + bytes(16)), "not a readable .npz"),
        (_zipped("xl/sheet1.xml", b" " * 500), "not a readable .npz"),
    ],
)  # fmt: skip
def test_wrong_npz(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        documents.read_npz(path)
    assert str(path) in str(caught.value)


def test_a_small_file_of_huge_arrays_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(_zipped("a.npy", _header("(1000000,)") + bytes(8_000_000)))
    assert documents.read_npz(path)["a"].shape == (1_000_000,), "small enough not to matter"
    monkeypatch.setattr(documents, "_SMALL_ARRAYS_BYTES", 1_000_000)
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("unpacked"))
    with pytest.raises(DataError, match="declares arrays of 8,000,0"):
        documents.read_npz(path)
