"""Builders answer from exported files as from weights, and where they can without torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import UsageError
from eyeline.geometry.camera import Camera
from eyeline.models import load
from eyeline.people.tracks import who_and_when
from eyeline.results import Directions, Image, Points, Scores, VideoInfo
from eyeline.settings import Settings
from eyeline.system import Scene, load_system
from eyeline.systems.eye_contact.xgaze import infer
from eyeline.video.audio import AudioBlock
from tests.people.build import track
from tests.runtimes.small import SMALL, weights

WIDTH, HEIGHT, RATE_HZ = 320, 240, 25
OFF = 2e-3
"""Of the largest number of an answer."""
SMALL_CSTS = {"side": 64, "width": 8, "layers": (1, 1, 1, 1)}


@dataclass(frozen=True)
class ImageItem:
    """A frame of smooth colours that tell which one it is."""

    index: int

    @property
    def time_s(self) -> float:
        return self.index / RATE_HZ

    @property
    def end_s(self) -> float:
        return (self.index + 1) / RATE_HZ

    def rgb(self) -> Image:
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        waves = [np.sin(x / (7 + k) + self.index * 0.1 + k) + np.cos(y / 9 + k) for k in range(3)]
        return np.rint(127 + 60 * np.stack(waves, axis=-1)).astype(np.uint8)


def audio(rate_hz: int = 16_000) -> Any:
    samples = 0.1 * np.random.default_rng(3).standard_normal(4 * rate_hz).astype(np.float32)
    yield AudioBlock(0.0, samples)


def scene(count: int = 110) -> Scene:
    """Two people who stand still; the first one speaks."""
    people = [
        track(range(count), person=n, track_id=n, at=(80.0 * n, 100.0), scale=0.3, yaw=0.2 * n)
        for n in (1, 2)
    ]
    info = VideoInfo("x.mp4", WIDTH, HEIGHT, Fraction(RATE_HZ), 0.0, count / RATE_HZ, count, True)
    known = who_and_when(people)
    n = len(known["frame"])
    speaking = Scores(
        "speech", "scripted", "speaking", 0.5, **known, value=(known["person"] == 1).astype(float)
    )
    created = Scene(
        info,
        Camera.from_fov(WIDTH, HEIGHT),
        people,
        speaking=speaking,
        ego=True,
        frames=lambda: map(ImageItem, range(count)),  # type: ignore[arg-type,return-value]
        audio=audio,
    )
    gaze = load_system("gaze_3d").builders["head_pose"].predictor
    assert gaze is not None and n
    directions = next(a for a in gaze().predict(created) if isinstance(a, Directions))
    return replace(created, gaze=directions)


CASES = {
    "ego_social/lam_lstm": ["ego_social/lam_lstm"],
    "ego_social/ttm": ["ego_social/ttm"],
    "eye_contact/xgaze_mstcn": ["eye_contact/xgaze_resnet50", "eye_contact/ms_tcn2"],
    "gaze_3d/gaze_from_afar": ["gaze_3d/gaze_from_afar"],
    "gaze_anticipation/csts": ["gaze_anticipation/csts"],
    "gaze_following/mask_rcnn_mlp": ["gaze_following/mask_rcnn", "gaze_following/matcher"],
    "gaze_following/gaze_lle": ["gaze_following/gaze_lle", "gaze_following/dinov2"],
}
"""Networks of builders."""
FRAMES = {"gaze_anticipation/csts": 60}
"""That a builder needs, where 12 are not enough."""
OPTIONS: dict[str, dict[str, Any]] = {
    "gaze_following/mask_rcnn_mlp": {"short_px": 96, "proposals": 20}
}
WITHOUT_TORCH = [n for n in CASES if n.startswith(("ego_social", "eye_contact", "gaze_3d"))]


@pytest.fixture(scope="module", autouse=True)
def fitting() -> Any:
    """Networks of the sizes that builders ask for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SMALL["eye_contact/ms_tcn2"], "features", 2048)
        for name in ("frames", "side", "width", "layers"):
            patch.delitem(SMALL["gaze_anticipation/csts"], name)
        for key, value in SMALL_CSTS.items():
            patch.setitem(SMALL["gaze_anticipation/csts"], key, value)
        yield


def exported(path: Path) -> Path:
    from eyeline.runtimes import write
    from eyeline.runtimes.manifest import Manifest, card_of

    network, out = load(path), path.with_suffix(".onnx")
    write.write(network, out, Manifest(card_of(path), network.interface))  # type: ignore[arg-type]
    return out


def answers(builder: str, files: dict[str, Path], count: int, **options: Any) -> list[Any]:
    system, _, name = builder.partition("/")
    make = load_system(system).builders[name].from_weights
    assert make is not None
    infer.MIN_FRAMES = 10  # of eye_contact/xgaze_mstcn, whose gaze network is slow
    return list(make(files, "cpu", **options).predict(scene(count)))  # type: ignore[call-arg]


def numbers(answer: Any) -> np.ndarray:
    if isinstance(answer, Directions):
        return np.asarray(answer.direction)
    if isinstance(answer, Points):
        return np.asarray(answer.probability)
    return np.asarray(answer.value if isinstance(answer, Scores) else [])


@pytest.mark.parametrize(
    "builder",
    [
        pytest.param(name, marks=[] if name == "gaze_following/gaze_lle" else pytest.mark.slow)
        for name in CASES
    ],
)
def test_exported_files_answer_as_weights(builder: str, tmp_path: Path) -> None:
    given = [weights(name, tmp_path) for name in CASES[builder]]
    files = {path.stem: path for path in given}
    others = {path.stem: exported(path) for path in given}
    count = FRAMES.get(builder, 12)
    options = OPTIONS.get(builder, {})
    ours = answers(builder, files, count, **options)
    assert any(np.nanmax(np.abs(numbers(a)), initial=0) > 0 for a in ours)
    for runtime in ("onnxruntime", "openvino"):
        theirs = answers(builder, others, count, runtime=runtime, **options)
        for a, b in zip(ours, theirs, strict=True):
            scale = max(np.nanmax(np.abs(numbers(a)), initial=0), 1e-9)
            np.testing.assert_allclose(numbers(b), numbers(a), rtol=0, atol=OFF * scale)


PROGRAM = """
import sys
from pathlib import Path
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Absent())
from eyeline.settings import Settings
from tests.runtimes.test_builders import answers
Settings(systems=(sys.argv[1],), weights=tuple(sys.argv[3:]), ego=True)
files = {Path(path).stem: Path(path) for path in sys.argv[3:]}
print(len(answers(sys.argv[1], files, int(sys.argv[2]))))
"""


@pytest.mark.slow
@pytest.mark.parametrize("builder", WITHOUT_TORCH)
def test_torch_is_not_asked_for(builder: str, tmp_path: Path) -> None:
    files = [str(exported(weights(name, tmp_path))) for name in CASES[builder]]
    count = str(FRAMES.get(builder, 12))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, builder, count, *files], capture_output=True, text=True,
        cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 0


def test_settings_know_which_runtime_runs_a_file(tmp_path: Path) -> None:
    path = weights("ego_social/lam_lstm", tmp_path)
    other = exported(path)
    mine = partial(Settings, systems=("ego_social/lam_lstm",), ego=True)
    for file, runtime in ((path, None), (path, "torch"), (other, None), (other, "openvino")):
        chosen = mine(weights=(str(file),), runtime=runtime)  # type: ignore[arg-type]
        assert chosen.to_json().get("runtime") == runtime
    landmarks = exported(weights("eye_contact/landmarks_tcn", tmp_path))
    for wrong, message in (
        ({"weights": (str(path),), "runtime": "onnxruntime"}, "eyeline export"),
        ({"weights": (str(other),), "runtime": "torch"}, "runs .safetensors files"),
        ({"weights": (str(other),), "runtime": "tensorrt"}, "no runtime 'tensorrt'"),
        ({"weights": (str(other), str(path))}, "both hold ego_social/lam_lstm"),
        ({"systems": ("gaze_3d",), "runtime": "torch"}, "none of the chosen builders"),
        ({"systems": ("eye_contact",), "weights": (str(landmarks),)}, "computes by itself"),
    ):
        with pytest.raises(UsageError, match=message):
            mine(**wrong)


def test_a_module_of_an_exported_file(tmp_path: Path) -> None:
    import torch

    path = weights("gaze_following/matcher", tmp_path)
    theirs, ours = load(exported(path)), load(path)
    from eyeline.runtimes.write import example

    given = example(ours.interface)  # type: ignore[arg-type]
    with torch.no_grad():
        torch.testing.assert_close(theirs(*given), ours(*given), atol=1e-4, rtol=0)
