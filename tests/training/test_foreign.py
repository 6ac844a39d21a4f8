"""Checkpoints of others are read without running what lies in them."""

from __future__ import annotations

import argparse
import collections
import datetime
import enum
import gzip
import io
import pickle
import struct
import sys
import tarfile
import tracemalloc
import types
import warnings
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from eyeline.errors import CheckpointError
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.foreign import load_state
from tests.refusals import refuses


class Calls:
    """Does something when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code was run')",)


def test_code_in_a_foreign_file_is_not_run(tmp_path: Path) -> None:
    for name, old in (("new.pth", False), ("old.pth", True)):
        torch.save({"a": Calls()}, tmp_path / name, _use_new_zipfile_serialization=not old)
        with pytest.raises(CheckpointError, match=r"exec.*without running code"):
            load_state(tmp_path / name, "a network")
    with (tmp_path / "plain.pkl").open("wb") as file:
        pickle.dump({"a": Calls()}, file)
    with pytest.raises(CheckpointError, match="without running code"):
        load_state(tmp_path / "plain.pkl", "a network")


# What lies beside the weights


def of_class(name: str, base: type = object, **body: Any) -> Any:
    """A class of a module that is there when the file is written, and gone when it is read."""
    created = type(name, (base,), body)
    created.__module__ = GONE
    setattr(sys.modules[GONE], name, created)
    return created


GONE = "a_training_of_others"
sys.modules[GONE] = types.ModuleType(GONE)
Options = of_class("AttributeDict", dict)
Configuration = of_class("CfgNode", dict)
Losses = of_class("MyList", list)
Colour = enum.Enum("Colour", "RED", module=GONE)
Point = collections.namedtuple("Point", "x y", module=GONE)
sys.modules[GONE].Colour = Colour
sys.modules[GONE].Point = Point


def scheduler() -> Any:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))])
    return torch.optim.lr_scheduler.StepLR(optimizer, 10)


EXTRAS: dict[str, Any] = {
    "numpy number": np.float64(0.7),
    "numpy array": np.arange(3.0),
    "namespace": argparse.Namespace(lr=1),
    "path": PurePosixPath("/a"),
    "options": Options(lr=1e-4, inner=Options(seed=0)),
    "configuration": Configuration(A=[1]),
    "defaultdict": collections.defaultdict(list, a=[1]),
    "deque": collections.deque([1, 2]),
    "ordered": collections.OrderedDict(a=1),
    "date": datetime.datetime(2024, 1, 1),
    "enum": Colour.RED,  # type: ignore[attr-defined]
    "namedtuple": Point(1, 2),
    "list": Losses([1, 2]),
    "random state": (torch.get_rng_state(), np.random.default_rng(0)),
    "scheduler": scheduler(),
    "sets": ({1, 2}, frozenset({3})),
    "torch": (torch.Size([1]), torch.device("cuda"), torch.float16),
    "sparse": torch.ones(2, 2).to_sparse(),
}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", EXTRAS)
def test_what_a_training_keeps_parallel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, protocol: int, old: bool
) -> None:
    path, weight = tmp_path / "w.pth", torch.arange(6.0).reshape(2, 3).T
    torch.save(
        {"epoch": 3, "extra": EXTRAS[name], "model_state": {"a": weight, "b": weight[1:]}},
        path,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=not old,
    )
    monkeypatch.delitem(sys.modules, GONE)
    result = load_state(path, "a network")
    assert torch.equal(result.state["a"], weight) and torch.equal(result.state["b"], weight[1:])
    assert result.beside == ("epoch", "extra") and result.content["epoch"] == 3


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
)
def test_tensors_are_those_that_torch_reads(tmp_path: Path, dtype: torch.dtype, old: bool) -> None:
    whole = torch.arange(24).reshape(2, 3, 4).to(dtype)
    state = {
        "whole": whole,
        "part": whole[:, 1:, ::2],
        "turned": whole.permute(2, 0, 1),
        "single": whole[0, 0, 1],
        "empty": torch.zeros((0, 3), dtype=dtype),
        "parameter": torch.nn.Parameter(whole, requires_grad=False),
    }
    torch.save(state, tmp_path / "w", _use_new_zipfile_serialization=not old)
    result = load_state(tmp_path / "w", "a network").state
    for name, value in torch.load(tmp_path / "w", weights_only=True).items():
        assert result[name].dtype == dtype and torch.equal(result[name], value), name


# Wrappers and prefixes


@pytest.mark.parametrize(
    "prefix", ["", "module.", "model.", "_orig_mod.", "model._orig_mod.module."]
)
@pytest.mark.parametrize(
    "wrapper", [(), ("state_dict",), ("model",), ("checkpoint", "net"), ("mine",)]
)
def test_tensors_out_of_wrapper_and_prefix(
    tmp_path: Path, prefix: str, wrapper: tuple[str, ...]
) -> None:
    content: dict[str, Any] = {f"{prefix}a.x": torch.ones(2), f"{prefix}b.x": torch.zeros(1)}
    for name in reversed(wrapper):
        content = {name: content, "epoch": 3}
    torch.save(content, tmp_path / "w.pth")
    result = load_state(tmp_path / "w.pth", "a network")
    assert list(result.state) == ["a.x", "b.x"] and torch.equal(result.state["a.x"], torch.ones(2))
    assert result.beside == (("epoch",) if wrapper else ())


def test_the_optimizer_is_not_the_network(tmp_path: Path) -> None:
    moments = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1}]}
    torch.save({"state_dict": {"a": torch.ones(2)}, "optimizer": moments}, tmp_path / "w.pth")
    assert list(load_state(tmp_path / "w.pth", "a network").state) == ["a"]


def test_a_name_that_starts_like_a_prefix_stays(tmp_path: Path) -> None:
    torch.save({"model.a": torch.ones(2), "head.b": torch.ones(1)}, tmp_path / "w.pth")
    assert list(load_state(tmp_path / "w.pth", "a network").state) == ["model.a", "head.b"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"epoch": 3}, "no tensors: its entries are epoch .int.; expected the state dict of a net"),
        ({}, "holds no tensors"),
        ({"state_dict": {}}, "holds no tensors"),
        (torch.zeros(2), "no dict of tensors but a tensor"),
        (torch.nn.Linear(1, 1), r"but an object of torch\.nn\.modules\.linear\.Linear"),
        ({"a": torch.ones(1), "module.a": torch.ones(1)}, "entries twice"),
        ({"model": {"a": torch.ones(1)}, "net": {"a": torch.ones(1)}}, "as model and as net"),
        ({"a": torch.ones(2, 2).to_sparse()}, "a sparse tensor as a"),
        ({"a": torch.ones(2, device="meta")}, r"a tensor without values \(device meta\) as a"),
    ],
    ids=range(9),
)
def test_no_state_dict(tmp_path: Path, content: Any, said: str) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=said) as error:
        load_state(tmp_path / "w.pth", "a network")
    assert "\n" not in str(error.value)


def test_quantised_and_compressed_tensors(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both are of the past, or of the future
        quantised = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
        rows = torch.ones(2, 2).to_sparse_csr()
        for value, said in ((quantised, "a quantised tensor as a"), (rows, "a sparse tensor as a")):
            torch.save({"a": value}, tmp_path / "w.pth")
            with pytest.raises(CheckpointError, match=said):
                load_state(tmp_path / "w.pth", "a network")


# Files of something else


def zipped(entries: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("w.pth"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning", "a web page"),
        (b"\n <html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "run git lfs pull"),
        (b"not a checkpoint", "text, not weights: 'not a checkpoint'"),
        (b"PK\x03\x04broken", "Is the download whole"),
        (b"\x80\x02" + bytes(range(256)), "is not a readable PyTorch checkpoint"),
        (pickle.dumps([1]), "a pickle that torch.save did not write"),
        (zipped({"a.txt": b"a"}), r"a zip archive of something else \(a.txt\)"),
        (zipped({"s/data.pkl": b"", "s/constants.pkl": b"", "s/code/a.py": b""}), "a TorchScript"),
        (tarred(), "a tar archive: unpack it"),
        (gzip.compress(b"weights"), "packed by gzip"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x00\x01\x02\x03", "no file of weights: it begins with 00 01 02 03"),
    ],
    ids=range(14),
)
def test_what_a_file_is_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    refuses(CheckpointError, said, lambda: load_state(tmp_path / "w.pth", "a network"))


def test_torchscript_is_reported(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(2, 1)).save(str(tmp_path / "w.pt"))
    with pytest.raises(CheckpointError, match=r"TorchScript archive.*state dict"):
        load_state(tmp_path / "w.pt", "a network")


def test_safetensors_of_others(tmp_path: Path) -> None:
    save_file({"model.a": torch.ones(2), "model.b": torch.ones(1)}, tmp_path / "w.safetensors")
    assert list(load_state(tmp_path / "w.safetensors", "a network").state) == ["a", "b"]
    save_file({"a": torch.ones(2, dtype=torch.complex64)}, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match="a as C64; expected one of"):
        load_state(tmp_path / "w.safetensors", "a network")
    checkpoint.save(tmp_path / "ours", {"a": torch.ones(1)}, CheckpointCard("gaze_3d", "b", {}))
    with pytest.raises(CheckpointError, match="a file of eyeline already"):
        load_state(tmp_path / "ours", "a network")


# Damage and malice


@pytest.mark.parametrize("old", [False, True])
def test_a_file_that_ends_early(tmp_path: Path, old: bool) -> None:
    path = tmp_path / "w.pth"
    torch.save({"a": torch.ones(1000)}, path, _use_new_zipfile_serialization=not old)
    for part in (0.2, 0.6, 0.99):
        whole = path.read_bytes()
        (tmp_path / "cut.pth").write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(CheckpointError, match=r"cut\.pth"):
            load_state(tmp_path / "cut.pth", "a network")


def tensor_pickle(count: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """A dict of one float tensor, as torch pickles it, with sizes of one's own."""

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", n) for n in values) + b"t"

    return (
        b"\x80\x02}q\x00X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n"
        b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
        b"\x8a\x08"
        + struct.pack("<q", count)
        + b"tQK\x00"
        + numbers(size)
        + numbers(stride)
        + b"\x89ccollections\nOrderedDict\n)RtRs."
    )


@pytest.mark.parametrize(
    ("size", "stride", "said"),
    [
        ((2**40,), (1,), "lies beyond its 16 bytes"),
        ((2**20, 2**20), (0, 0), "many times its size"),
        ((2**40, 2**40), (1, 1), "lies beyond"),
        ((4,), (-1,), "other than counts"),
        ((5,), (1,), "lies beyond its 16 bytes"),
        ((2, 2), (1,), "not a readable"),
        ((1,) * 65, (1,) * 65, "whose shape is none"),
    ],
)
def test_tensors_that_cannot_be(
    tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], said: str
) -> None:
    entries = {"x/data.pkl": tensor_pickle(4, size, stride), "x/data/0": bytes(16)}
    (tmp_path / "w").write_bytes(zipped(entries))
    refuses(CheckpointError, said, lambda: load_state(tmp_path / "w", "a network"))


def test_big_endian_numbers(tmp_path: Path) -> None:
    entries = {
        "x/data.pkl": tensor_pickle(2, (2,), (1,)),
        "x/byteorder": b"big",
        "x/data/0": np.array([1.5, -2.0], ">f4").tobytes(),
    }
    (tmp_path / "w").write_bytes(zipped(entries))
    assert load_state(tmp_path / "w", "a network").state["w"].tolist() == [1.5, -2.0]


def test_a_file_that_unpacks_to_many_times_its_size_is_not_unpacked(tmp_path: Path) -> None:
    entries = {"x/data.pkl": tensor_pickle(2**25, (2**25,), (1,)), "x/data/0": bytes(2**27)}
    (tmp_path / "w").write_bytes(zipped(entries, zipfile.ZIP_DEFLATED))
    del entries
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="bytes that unpack to 13"):
        load_state(tmp_path / "w", "a network")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


DEEP = 20_000
HOSTILE = {
    "a chain of getattr": b"cbuiltins\ngetattr\ncbuiltins\n__import__\nX\x02\x00\x00\x00os\x85R"
    b"X\x06\x00\x00\x00system\x86R.",
    "eval": b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R.",
    "a file in the file": b"ctorch.storage\n_load_from_bytes\nB\x01\x00\x00\x00x\x85R.",
    "lists in lists": b"]" * DEEP + b"a" * (DEEP - 1) + b".",
    "marks": b"(" * DEEP + b".",
    "keys of tuples of tuples": b"}))\x86)\x86K\x01s.",
    "an index of numbers": b"}K\x01K\x02s.",
    "a storage of nothing": b"}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n"
    b"(NK\x00K\x01K\x01tRs.",
    "a call of a number": b"K\x01)R.",
    "an unknown register": b"\x82\x01.",
    "an instance of Python 2": b"(i" + b"posix\nsystem\n.",
    "memory far away": b"Nr\xff\xff\xff\x7f.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_do_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "w").write_bytes(zipped({"x/data.pkl": b"\x80\x02" + HOSTILE[name]}))
    with pytest.raises(CheckpointError, match="w") as error:
        load_state(tmp_path / "w", "a network")
    assert "\n" not in str(error.value)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "w"]


@pytest.mark.parametrize("name", ["posix.system", "subprocess.Popen", "builtins.exec"])
def test_a_command_parallel_good_weights_is_refused(tmp_path: Path, name: str) -> None:
    module, function = name.split(".")
    called = (
        f"X\x05\x00\x00\x00extrac{module}\n{function}\n".encode() + b"X\x01\x00\x00\x001\x85Rs."
    )
    content = tensor_pickle(4, (4,), (1,))[:-1] + called
    (tmp_path / "w").write_bytes(zipped({"x/data.pkl": content, "x/data/0": bytes(16)}))
    with pytest.raises(CheckpointError, match=f"{name}.*without running code"):
        load_state(tmp_path / "w", "a network")
