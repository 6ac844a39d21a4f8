"""Pickles of numbers are read in every protocol; hostile ones do nothing, for every reader."""

from __future__ import annotations

import collections
import copyreg
import io
import pickle
import pickletools
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from eyeline import pickles
from eyeline.errors import CheckpointError, DataError
from eyeline.pickles import read_npy, read_pickle
from eyeline.systems.gaze_3d import raw, recordings
from eyeline.systems.gaze_following import speaker_files, weights

CONTENT: dict[str, Any] = {
    "float": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big_endian": np.array([1, -2], ">i4"),
    "empty": np.zeros((0, 3)),
    "single": np.array(5.0),
    "truth": np.array([True, False]),
}
PLAIN = {"list": [1, (2.0, None, "x", b"\xff\x00", True)], "large": 2**80, (1, "a"): {}}


def written(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


# What is read


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("options", [{}, {"images": True}])
def test_arrays_come_back_in_every_protocol(
    tmp_path: Path, protocol: int, options: dict[str, bool]
) -> None:
    result = read_pickle(written(tmp_path / "a", CONTENT, protocol), **options)
    assert result.keys() == CONTENT.keys()
    for name, array in CONTENT.items():
        np.testing.assert_array_equal(result[name], array)
        assert result[name].dtype == array.dtype.newbyteorder("=")
        assert result[name].flags.writeable or not array.size


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_and_numbers_come_back(tmp_path: Path, protocol: int) -> None:
    content = {**PLAIN, "number": np.float32(2.5), "index": np.int64(-3), np.int64(7): "key"}
    result = read_pickle(written(tmp_path / "a", content, protocol))
    assert result == content
    assert type(result["number"]) is float
    assert type(result["index"]) is int


@pytest.mark.parametrize("protocol", range(2, 6))
def test_images_come_back_where_they_are_asked_for(tmp_path: Path, protocol: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 3), dtype=np.uint8)
    path = written(tmp_path / "a", {"p": PillowImage.fromarray(pixels)}, protocol)
    np.testing.assert_array_equal(read_pickle(path, images=True)["p"], pixels)
    with pytest.raises(DataError, match=r"PIL\.Image\.Image, .* only arrays of numbers and plain"):
        read_pickle(path)


@pytest.mark.parametrize("protocol", range(6))
def test_objects_are_nested_lists_where_they_are_asked_for(tmp_path: Path, protocol: int) -> None:
    table = np.empty((2, 2), object)
    table[:] = [[1, "a"], [[2.5], None]]
    content = [table, table.T, np.array({"a": 1}, object), np.zeros((2, 0), object), np.array(5)]
    path = written(tmp_path / "a", content, protocol)
    assert read_pickle(path, objects=True) == [
        [[1, "a"], [[2.5], None]], [[1, [2.5]], ["a", None]], {"a": 1}, [[], []], 5,
    ]  # fmt: skip
    with pytest.raises(DataError, match="only numbers are read"):
        read_pickle(path)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_npy_files(tmp_path: Path, version: tuple[int, int]) -> None:
    table = np.empty(2, object)
    table[:] = ["a", [2.5]]
    for array, wanted in ((table, ["a", [2.5]]), (CONTENT["columns"], CONTENT["columns"])):
        with (tmp_path / "t.npy").open("wb") as file:
            np.lib.format.write_array(file, array, version=version)
        np.testing.assert_equal(read_npy(tmp_path / "t.npy"), wanted)


@pytest.mark.parametrize(
    ("shape", "kind", "data", "said"),
    [
        ((2**50,), "<f8", b"12345678", "does not fit its 8 bytes"),
        ((2,), "<U1", b"12345678", "only numbers are read"),
        ((1,), [("a", "<f4"), ("b", "<f4")], b"12345678", "only numbers are read"),
        ((1,), [("a", "O")], pickle.dumps([1]), "only numbers are read"),
        ((-1, -1), "<f8", b"12345678", "less than no entries"),
    ],
)
def test_other_npy_files_are_refused(
    tmp_path: Path, shape: tuple[int, ...], kind: Any, data: bytes, said: str
) -> None:
    file = io.BytesIO()
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    (tmp_path / "t.npy").write_bytes(file.getvalue() + data)
    with pytest.raises(DataError, match=said):
        read_npy(tmp_path / "t.npy")


@pytest.mark.parametrize(
    "content",
    [
        np.array([object()], object),
        np.array(["text"]),
        np.array([1 + 2j]),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]),
        {1, 2},
        frozenset({1}),
        bytearray(b"a"),
        np.ndarray,
        collections.OrderedDict(a=1),
        Path("x"),
        PillowImage.new("L", (2, 2)),
        {((1, 2), 3): 0},
    ],
    ids=lambda content: type(content).__name__,
)
def test_other_things_are_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(DataError, match="other"):
        read_pickle(written(tmp_path / "other", content), images=True)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", CONTENT).read_bytes()
    cut = tmp_path / "cut"
    changed = whole.replace(b"K\x02K\x03\x86", b"K\x02K\x04\x86")
    assert changed != whole
    for content in (whole[:-40], b"", b"no pickle", changed):
        cut.write_bytes(content)
        with pytest.raises(DataError, match="cut"):
            read_pickle(cut)
    with pytest.raises(DataError, match="No such file"):
        read_pickle(tmp_path / "nowhere")


# What is refused, by all that read


def _npy(content: bytes) -> bytes:
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def _recording(folder: Path) -> object:
    return recordings.open_recording(folder, "hostile")


def _images(folder: Path) -> object:
    rows = {
        "frame": np.zeros(1), "joints": np.zeros((1, recordings.JOINTS, 2)),
        **dict.fromkeys(("head_box", "body_box"), np.ones((1, 4))),
        **dict.fromkeys(
            ("gaze", "head", "body", "head_position", "body_position"), np.ones((1, 3))
        ),
        "rotation": np.eye(3), "position": np.zeros(3),
    }  # fmt: skip
    np.savez(folder / recordings.ANNOTATION, **rows)
    try:
        return recordings.open_recording(folder, "hostile").usable
    finally:
        (folder / recordings.ANNOTATION).unlink()


READERS: dict[str, tuple[str, Callable[[Path], object], Callable[[bytes], bytes]]] = {
    "plain": ("hostile", read_pickle, bytes),
    "pictures": ("hostile", lambda path: read_pickle(path, images=True), bytes),
    "objects": ("hostile", lambda path: read_pickle(path, objects=True), bytes),
    "npy": ("hostile", read_npy, _npy),
    "gaze_3d annotation": ("hostile", raw.read_annotation, bytes),
    "gaze_3d rows": (recordings.ORIGINAL, lambda path: _recording(path.parent), bytes),
    "gaze_3d crops": (recordings.ORIGINAL_IMAGES, lambda path: _images(path.parent), bytes),
    "faces": ("hostile", speaker_files.read_faces, bytes),
    "scenes": ("hostile", speaker_files.read_scenes, bytes),
    "tracks": ("hostile", speaker_files.read_tracks, bytes),
    "distances": ("hostile", speaker_files.read_distances, bytes),
    "heads": ("hostile", speaker_files.read_head_boxes, _npy),
    "regressor": ("hostile", weights.read_slope, bytes),
}
"""File name, the reader, and what is around a pickle in its file."""

Attack = Callable[[bytes], list[str]]


@pytest.fixture
def attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attack]:
    """Have all readers read a file; gives their errors, once it is sure that nothing was run."""
    monkeypatch.setattr(pickles, "_ROOM", 2**20)
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)

    def attacked(content: bytes) -> list[str]:
        return [_attacked(tmp_path, name, content) for name in READERS]

    yield attacked
    monkeypatch.undo()


def _attacked(folder: Path, reader: str, content: bytes) -> str:
    name, read, around = READERS[reader]
    (folder / name).write_bytes(around(content))
    with pytest.raises((DataError, CheckpointError)) as caught:
        read(folder / name)
    (folder / name).unlink()
    assert not [*Path.cwd().iterdir()], f"{reader} ran it"
    assert "hostile" in str(caught.value) or name in str(caught.value)
    return str(caught.value)


class Armed:
    """Makes a folder `ran` where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (Path("ran"),)


class ArmedInState:
    """Likewise, as a part of an array."""

    def __reduce__(self) -> tuple[Any, ...]:
        return np.array([0.0]).__reduce__()[0], (Armed(), (0,), b"b")


LOADED = {
    **{f"reduce, protocol {n}": pickle.dumps({"a": [Armed()]}, n) for n in range(6)},
    **{f"in an array's state, {n}": pickle.dumps(ArmedInState(), n) for n in range(6)},
    "os.system": b"cos\nsystem\n(S'mkdir ran'\ntR.",
    "builtins.eval": b'cbuiltins\neval\n(S\'__import__("os").mkdir("ran")\'\ntR.',
    "INST": b"(S'ran'\nios\nmkdir\n.",
    "OBJ": b"(cos\nmkdir\nS'ran'\no.",
    "STACK_GLOBAL": b"\x8c\x02os\x8c\x05mkdir\x93\x8c\x03ran\x85R.",
    "STACK_GLOBAL of a name within": b"\x8c\x13numpy._core.records\x8c\x08os.mkdir\x93"
    b"\x8c\x03ran\x85R.",
    "numpy runs a text": b"cnumpy.testing._private.utils\nrunstring\n"
    b"(S'import os; os.mkdir(\"ran\")'\n}tR.",
    "code of the extension registry": b"\x82\xf0(S'ran'\ntR.",
    "NEWOBJ_EX": b"\x8c\x07pathlib\x8c\x04Path\x93\x8c\x03ran\x85}\x92\x94"
    b"\x8c\x07pathlib\x8c\x0aPath.mkdir\x93h\x00\x85R.",
    "memo": b"cos\nmkdir\nq\x050h\x05(S'ran'\ntR.",
    "a state's __setstate__": b"ccollections\nUserDict\n)\x81}S'__setstate__'\ncos\nmkdir\nsb"
    b"S'ran'\nb.",
}
"""Pickles that make a folder in other hands."""


@pytest.fixture
def extension() -> Iterator[None]:
    """A code for `os.mkdir`, which another reader has asked for already."""
    copyreg.add_extension("posix", "mkdir", 0xF0)
    pickle.loads(b"\x80\x02\x82\xf0.")
    yield
    copyreg.remove_extension("posix", "mkdir", 0xF0)


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("name", LOADED)
def test_nothing_is_run(attack: Attack, name: str) -> None:
    content = LOADED[name]
    if content[:1] != b"\x80":
        content = (b"\x80\x04" if b"\x8c" in content else b"\x80\x02") + content
    for said in attack(content):
        assert "Nothing in the file was run" in said
    if "in an array" not in name:
        pickle.loads(content)
        assert Path("ran").is_dir(), "the file does run where pickle itself reads it"


def _array(shape: bytes, kind: bytes = b"S'f8'\n", content: bytes = b"U\x0812345678") -> bytes:
    """Text of a pickle of one array; arguments are texts of pickles, too."""
    created = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    type_of = b"cnumpy\ndtype\n(" + kind + b"I0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"
    return created + b"(I1\n" + shape + type_of + b"I00\n" + content + b"tb"


def _doubled(times: int) -> bytes:
    """A tuple of two that are one, that is of two that are one, and so on."""
    return b")" + b"2\x86" * times


SHAPE = b"(I1\nt"
REFUSED = {
    "the state of a name": b"cnumpy\ndtype\nN}S'make'\ncnumpy\nndarray\ns\x86b.",
    "the state of a name, plainly": b"cnumpy\ndtype\n}S'make'\ncnumpy\nndarray\nsb.",
    "the state of a remembered name": b"cnumpy\ndtype\nq\x000h\x00}S'make'\nNsb.",
    "another state of a name": b"cnumpy\nndarray\n}S'__setstate__'\ncnumpy\ndtype\nsb.",
    "the state of text": b"S'a'\n}S'b'\nI1\nsb.",
    "the state of a dict": b"}(I1\nI2\nub.",
    "a call of text": b"S'eval'\n(tR.",
    "a call of an array": _array(SHAPE) + b"(I1\ntR.",
    "a call of a type": b"cnumpy\ndtype\n(S'f8'\ntR(tR.",
    "an object of an int": b"I5\n)\x81.",
    "PERSID": b"Pname\n.",
    "BINPERSID": b"S'name'\nQ.",
    "unknown code of the registry": b"\x84\xff\xff\x00\x00.",
    "a buffer from outside": b"\x97\x98.",
    "a set": b"\x8f(I1\n\x90.",
    "nothing remembered": b"h\x07.",
    "a name that is none": b"I1\nI2\n\x93.",
    "numpy's loads": b"cnumpy._core.multiarray\nloads\n.",
    "numpy's attribute of a name": b"\x8c\x05numpy\x8c\x0dndarray.tofile\x93.",
    "numpy's dtype of an object": _array(SHAPE, b"S'O8'\n", b"](I1\ne" + b"cos\nmkdir\na") + b".",
    "a type that is a type": _array(SHAPE, b"cnumpy\ndtype\n") + b".",
    "a type of records": _array(SHAPE, b"S'V8'\n") + b".",
    "a type of a size that is none": _array(SHAPE, b"S'f99999999999'\n") + b".",
    "an array without state": b"cnumpy\nndarray\n(tR.",
    "an array with half a state": b"cnumpy\nndarray\n(tR(I1\ntb.",
    "more entries than bytes": _array(b"(L1099511627776L\nt") + b".",
    "less than no entries": _array(b"(I-1\nI-1\nt") + b".",
    "very many axes": _array(b"(" + b"J\xff\xff\xff\x7f" * 5_000 + b"t") + b".",
    "no axes but text": _array(b"S'ab'\n") + b".",
    "an axis that is an array": _array(b"(" + _array(SHAPE) + b"t") + b".",
    "bytes that are a number": _array(b"(L1099511627776L\nt", content=b"L8796093022208L\n") + b".",
    "bytes that are a list": _array(SHAPE, content=b"](I1\nI2\nI3\nI4\nI5\nI6\nI7\nI8\ne") + b".",
    "bytes in another code": b"c_codecs\nencode\n(S'a'\nS'utf-7'\ntR.",
    "bytes that the file lacks": b"\x8e" + struct.pack("<Q", 2**62) + b".",
    "bytes to change that the file lacks": b"\x96" + struct.pack("<Q", 2**33) + b".",
    "text that the file lacks": b"\x8d" + struct.pack("<Q", 2**62) + b".",
    "a number that the file lacks": b"\x8b" + struct.pack("<i", 2**31 - 1) + b".",
    "a frame that the file lacks": b"\x95" + struct.pack("<Q", 2**62) + b".",
    "a frame beyond all": b"\x95" + struct.pack("<Q", 2**64 - 1) + b".",
    "a list of itself": b"]q\x00h\x00a.",
    "a dict of itself": b"}q\x00I1\nh\x00s.",
    "a list too deep": b"]" * 5_000 + b"a" * 4_999 + b".",
    "a key too deep": b"})" + b"\x85" * 5_000 + b"I1\ns.",
    "keys too deep": b"}()" + b"\x85" * 5_000 + b"I1\nu.",
    "a dict of a key too deep": b"()" + b"\x85" * 5_000 + b"I1\nd.",
    "a doubled key": b"}" + _doubled(60) + b"I1\ns.",
    "a key that is a list": b"}]I1\ns.",
    "a doubled list": _doubled(60) + b".",
    "a doubled type": _array(SHAPE, _doubled(60)) + b".",
    "a doubled code": b"c_codecs\nencode\n(S'a'\n" + _doubled(60) + b"tR.",
    "a doubled shape": _array(_doubled(60)) + b".",
    "a doubled content": _array(SHAPE, content=_doubled(60)) + b".",
    "a doubled mode": b"cPIL.Image\nImage\n)\x81(}" + _doubled(60) + b"(I1\nI1\ntNS'abc'\ntb.",
    "an array many times": b"(" + _array(b"(I125000\nt", content=b"T" + struct.pack("<i", 10**6)
    + bytes(10**6)) + b"q\x00" + b"h\x00" * 5_000 + b"t.",
    "text many times": b"(c_codecs\nencode\n(X" + struct.pack("<i", 10**6) + b"a" * 10**6
    + b"S'latin1'\ntRq\x00" + b"h\x00" * 5_000 + b"t.",
    "lists that take more than bytes": b"(" + b"(" + b"N" * 100_000 + b"tq\x00" + b"h\x00" * 5_000
    + b"t.",
    "an end before the beginning": b".",
    "no end": b"I1\n",
    "no mark": b"I1\nt.",
    "an instruction that is none": b"\xee.",
}  # fmt: skip
"""Pickles that want other things than to run code."""


@pytest.mark.parametrize("name", REFUSED)
def test_other_tricks_are_refused(attack: Attack, name: str) -> None:
    tracemalloc.start()
    try:
        attack(b"\x80\x02" + REFUSED[name])
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_a_far_place_in_the_memory_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "far").write_bytes(b"\x80\x02I7\nr\xff\xff\xff\x7f0j\xff\xff\xff\x7f.")
    tracemalloc.start()
    assert read_pickle(tmp_path / "far") == 7
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_names_keep_their_meaning(attack: Attack, tmp_path: Path) -> None:
    """What a hostile file has tried is not met by the next one, in any reader."""
    for name in REFUSED:
        if "state" in name:
            attack(b"\x80\x02" + REFUSED[name])
    result = read_pickle(written(tmp_path / "a", CONTENT["float"]))
    np.testing.assert_array_equal(result, CONTENT["float"])


def test_instructions_to_come_are_not_followed() -> None:
    """Whatever a later Python adds is refused until it is looked at."""
    refused = set()
    for instruction in pickletools.opcodes:
        try:
            pickles.Reader(io.BytesIO(), {}, "numbers").follow(instruction.name, None)
        except DataError as error:
            refused |= {instruction.name} if "is not followed" in str(error) else set()
        except Exception:  # noqa: BLE001 - there is nothing on the stack
            pass
    assert refused == {
        "STOP", "PERSID", "BINPERSID", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4",
        "EMPTY_SET", "ADDITEMS", "FROZENSET", "NEXT_BUFFER", "READONLY_BUFFER", "DUP", "POP_MARK",
    }  # fmt: skip
    with pytest.raises(DataError, match="is not followed"):
        pickles.Reader(io.BytesIO(), {}, "numbers").follow("OF_A_LATER_PYTHON", None)


@pytest.mark.parametrize("protocol", range(6))
def test_damage_anywhere_is_reported(tmp_path: Path, protocol: int) -> None:
    """Whatever bytes are changed, there is an answer or a DataError, and nothing else."""
    rng = np.random.default_rng(protocol)
    whole = pickle.dumps([CONTENT, PLAIN, np.array([[1, None]], object), np.float32(1)], protocol)
    path, known = tmp_path / "file", 0
    for _ in range(400):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            changed[place] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            read_pickle(path, objects=True, images=True)
        except DataError as error:
            known += 1
            assert str(path) in str(error)
    assert 100 < known < 400
