"""Every network of every system says in ONNX Runtime and OpenVINO what it says in torch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from eyeline.errors import CheckpointError, DataError, EyelineError, UsageError
from eyeline.people.head_networks import HeadNetwork
from eyeline.runtimes import manifest, run, write
from eyeline.runtimes.interface import Interface
from eyeline.runtimes.manifest import Manifest
from eyeline.system import list_systems
from eyeline.training.checkpoint import CheckpointCard
from tests.conftest import Command
from tests.runtimes.small import SMALL, network, weights

OFF = 1e-4
"""Of the largest number of an output."""
OTHER = {
    **dict.fromkeys(("batch", "face", "people", "clips"), 3),
    **dict.fromkeys(("images", "mask", "windows"), 1),
    "region": 5,
    "options": 5,
    "h": 96,
    "w": 64,
    "sample": 5200,
}
"""Lengths of free axes that no example had."""
QUICK = {"matcher", "slope_mlp", "heads", "landmarks_tcn", "ms_tcn2", "lam_lstm"}
EVERY = [
    pytest.param(name, marks=[] if name.partition("/")[2] in QUICK else pytest.mark.slow)
    for name in SMALL
]


def off(a: Any, b: Any) -> float:
    """Greatest difference by the largest number; what is infinite must be so in both."""
    known = np.isfinite(b)
    assert a.shape == b.shape and (np.isfinite(a) == known).all()
    return float(np.abs(a - b)[known].max() / max(np.abs(b)[known].max(), 1e-9))


def written(name: str, folder: Path, format_: str = "onnx", **how: Any) -> Path:
    system, _, builder = name.partition("/")
    module = network(name)
    what = Manifest(CheckpointCard(system, builder, {}), module.interface, **how)
    out = folder / f"{builder}{'.onnx' if format_ == 'onnx' else '.xml'}"
    write.write(module, out, what, format_, folder / "c.npz" if what.precision == "int8" else None)
    return out


def opened(path: Path, name: str, runtime: run.Runtime | None = None) -> run.Running:
    return run.open_network(path, [name], lambda: network(name), runtime=runtime)[0]


def differences(theirs: run.Running, ours: run.Running) -> dict[str, float]:
    """Of each output of each part, run part by part with the same inputs."""
    lengths = OTHER | ({"time": 70} if "time" not in theirs.interface.example else {})
    sizes = {k: v for k, v in lengths.items() if k not in {"time"} | theirs.interface.kinds.keys()}
    inputs = write.example(ours.interface, 5, sizes)
    known = {k: v.numpy() for k, v in zip(ours.interface.inputs, inputs, strict=True)}
    result = {}
    for name, part in ours.interface.parts.items():
        given = [known[key] for key in part.inputs]
        pairs = zip(theirs.run(name, *given), ours.run(name, *given), strict=True)
        for key, (a, b) in zip(part.outputs, pairs, strict=True):
            result[key], known[key] = off(a, b), b
    return result


def test_the_table_holds_every_network() -> None:
    assert SMALL.keys() == {f"{s.name}/{name}" for s in list_systems() for name in s.networks}


@pytest.mark.parametrize("name", EVERY)
def test_exported_networks_say_what_torch_says(name: str, tmp_path: Path) -> None:
    path, ours = written(name, tmp_path), run.TorchNetwork(network(name))
    theirs = opened(path, name)
    assert theirs.interface == ours.interface
    assert max(differences(theirs, ours).values()) < OFF
    assert max(differences(opened(path, name, "openvino"), ours).values()) < OFF


@pytest.mark.parametrize("name", ["gaze_3d/heads", *EVERY[:1]])
def test_openvino_reads_its_own_files(name: str, tmp_path: Path) -> None:
    path = written(name, tmp_path, "openvino")
    assert {p.suffix for p in tmp_path.iterdir()} == {".xml", ".bin"}
    assert max(differences(opened(path, name), run.TorchNetwork(network(name))).values()) < OFF


def test_the_whole_file_is_the_whole_network(tmp_path: Path) -> None:
    import onnxruntime

    name = "ego_social/lam_lstm"
    module = network(name)
    inputs = write.example(module.interface, 3, {"batch": 3})
    session = onnxruntime.InferenceSession(written(name, tmp_path))
    (logits,) = session.run(["logits"], {"clip": inputs[0].numpy()})
    assert off(logits, module(*inputs).detach().numpy()) < OFF


@pytest.mark.parametrize(("precision", "most"), [("int8", 0.2), ("bfloat16", 0.1)])
def test_fewer_bits_are_near(precision: str, most: float, tmp_path: Path) -> None:
    if precision == "bfloat16" and "ONEDNN_MAX_CPU_ISA" in os.environ:
        pytest.skip("OpenVINO asks the processor for bfloat16, whatever oneDNN may use of it")
    name = "gaze_3d/heads"
    clean = network(name)
    inputs = write.example(clean.interface, 1, {"face": 4})
    np.savez(tmp_path / "c.npz", crop=np.stack([inputs[0].numpy()] * 2))
    path = written(name, tmp_path, "openvino" if precision == "bfloat16" else "onnx",
                   precision=precision)  # fmt: skip
    assert manifest.read(path).precision == precision
    there = differences(opened(path, name), run.TorchNetwork(clean))
    assert max(there.values()) < most
    if precision == "int8":
        assert max(there.values()) > 1e-5


HEADS = "gaze_3d/heads"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gaze_3d", "--format", "tflite", "-o", "x.onnx"), "'tflite' is not"),
        (("gaze_3d", "-o", "x.bin"), "ends in .onnx"),
        (("gaze_3d", "--format", "openvino", "-o", "x.onnx"), "ends in .xml"),
        (("ego_social", "-o", "x.onnx"), "expected weights of ego_social"),
        (("gaze_3d", "--precision", "bfloat16", "-o", "x.onnx"), "is for --format openvino"),
        (("gaze_3d", "--precision", "int8", "-o", "x.onnx"), "needs --calibration"),
        (("gaze_3d", "--calibration", "c.npz", "-o", "x.onnx"), "belongs to --precision int8"),
        (("gaze_3d", "--precision", "int8", "--calibration", "no.npz", "-o", "x.onnx"), "no .npz"),
        (
            ("gaze_3d", "--precision", "int8", "--calibration", "c.npz", "-o", "x.onnx"),
            "takes crop",
        ),
    ],
)
def test_what_cannot_be_written(
    eyeline: Command,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("c.npz", other=np.zeros(3))
    given = weights(HEADS, tmp_path)
    done = eyeline("export", *arguments, "--weights", given)
    assert done.code in (1, 2) and message in done.err.replace("\n", " ")
    assert {p.name for p in tmp_path.iterdir()} == {"c.npz", given.name}


def test_without_openvino_its_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(UsageError, match=r"eyeline\[openvino\]"):
        write.check(tmp_path / "x.xml", "openvino", "float32", None)


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(HEADS, tmp_path_factory.mktemp("heads"))


def damaged(source: Path, out: Path, change: Any) -> Path:
    model = onnx.load(source)
    entry = model.metadata_props[0]
    content = json.loads(entry.value)
    change(model, content)
    if entry in model.metadata_props:
        entry.value = json.dumps(content)
    out.write_bytes(model.SerializeToString())
    return out


def external(model: Any, _: Any) -> None:
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model, _: model.ClearField("metadata_props"), "says nothing of eyeline"),
        (lambda _, content: content.update(format=9), "not of format 1"),
        (lambda _, content: content["card"].update(system=3), "damaged card"),
        (lambda _, content: content["interface"].pop("parts"), "damaged metadata: interface"),
        (lambda _, content: content.update(precision="int4"), "damaged metadata: precision"),
        (external, "in other files"),
    ],
)
def test_damaged_files_are_named(heads: Path, tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        manifest.read(damaged(heads, tmp_path / "x.onnx", change))


def test_other_files_are_named(heads: Path, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no network")
    (tmp_path / "x.xml").write_text("<net/>")
    for name in ("x.onnx", "x.xml", "absent.onnx"):
        with pytest.raises(CheckpointError, match=name):
            manifest.read(tmp_path / name)
    cases: list[tuple[Path, str, dict[str, Any], type[EyelineError], str]] = [
        (heads, "gaze_3d/eyes", {}, CheckpointError, "holds gaze_3d/heads; expected gaze_3d/eyes"),
        (heads, HEADS, {"runtime": "torch"}, UsageError, "runs .safetensors files"),
        (Path("w.safetensors"), HEADS, {"runtime": "openvino"}, UsageError, "eyeline export"),
        (heads, HEADS, {"device": "cuda"}, UsageError, "knows the cpu alone"),
        (heads, HEADS, {"device": "cuda", "runtime": "openvino"}, UsageError, "on the cpu"),
    ]
    for path, name, how, error, message in cases:
        with pytest.raises(error, match=message):
            run.open_network(path, [name], lambda: network(HEADS), **how)
    with pytest.raises(DataError, match="crop has shape"):
        opened(heads, HEADS).run("forward", np.zeros((1, 3, 8, 8)))


def test_an_exported_file_stands_where_the_packaged_one_does(
    eyeline: Command, tmp_path: Path
) -> None:
    out, face = tmp_path / "heads.onnx", np.array([[10.0, 10.0, 50.0, 60.0]])
    done = eyeline("export", "gaze_3d", "--weights", weights(HEADS, tmp_path), "-o", out)
    assert done.code == 0, done.err
    turn = HeadNetwork(out)(np.full((80, 60, 3), 90, np.uint8), face).rotation[0]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)


def test_an_interface_knows_what_comes_from_without() -> None:
    interface: Interface = network("ego_social/lam_lstm").interface  # type: ignore[assignment]
    assert list(interface.inputs) == ["clip"] and list(interface.outputs) == ["features", "logits"]
