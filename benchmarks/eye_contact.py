"""Builder `xgaze_mstcn` step by step, against the published way in the same run.

Each pair of figures is measured in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.pairs import Work, inference, pair, train_step, waited

if TYPE_CHECKING:
    import torch
    from torch import nn

    from eyeline.people.tracks import Track
    from eyeline.results import Image
    from eyeline.system import Scene

SPEC_MS = {
    "pose": 0.104,
    "pose_warp_tensor": 0.50,
    "face_with_graph": 33,
    "face_no_grad": 30,
    "face_batch_16": 47,
    "forward_214": 8.8,
    "forward_1000": 15.6,
    "forward_6560": 78,
    "step_214": 38,
    "step_1000": 90,
    "step_6560": 454,
}
"""What the published code took on two cores of another machine, milliseconds."""
CLIP_FRAMES = 130


def run(device: str = "cpu", *, quick: bool = False) -> dict[str, object]:
    """All figures; `ratio` is the published way's time over ours.

    Args:
        device: of the networks.
        quick: few repetitions, without the clip.
    """
    import cv2

    cv2.setNumThreads(1)
    repeat = 3 if quick else 7
    result: dict[str, object] = {
        "normalisation_per_face": normalisation(repeat),
        "gaze_network_per_face": gaze_network(device, repeat),
        "segmentation": segmentation(device, repeat),
    }
    return result if quick else result | {"clip": clip(device)}


def normalisation(repeat: int) -> dict[str, object]:
    """Faces of one image: poses alone; poses, warps and the network's input."""
    from benchmarks.published import eye_contact as published
    from eyeline.systems.eye_contact.head import assumed_camera, solve_heads
    from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, network_input, views

    six, image = _landmarks(200), _image()
    camera = assumed_camera(1280, 720)

    def ours() -> None:
        warp = views(six, 1280, 720).warp
        for first in range(0, len(warp), 16):
            network_input(cut_faces(image, warp[first : first + 16]))

    works: dict[str, tuple[Work, Work]] = {
        "pose": (
            lambda: [published.pose(p, camera.matrix) for p in six],
            lambda: solve_heads(six, camera),
        ),
        "pose_warp_tensor": (lambda: [published.face_tensor(image, p) for p in six], ours),
    }
    counts = len(six), len(six)
    return {
        name: pair(*both, repeat, counts=counts, spec_ms=SPEC_MS[name])
        for name, both in works.items()
    }


def gaze_network(device: str, repeat: int) -> dict[str, object]:
    """A face through the ResNet-50, alone and in batches; published: alone, gradients tracked."""
    import torch

    from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50

    torch.manual_seed(0)
    network = xgaze_resnet50().eval()
    return {f"batch_{batch}": _batch(network, batch, device, repeat) for batch in (1, 4, 16, 64)}


def _batch(network: Any, batch: int, device: str, repeat: int) -> dict[str, object]:
    import copy

    import torch

    from eyeline.systems.eye_contact.xgaze.inputs import network_input
    from eyeline.systems.eye_contact.xgaze.running import GazeFeatures

    faces = np.random.default_rng(0).integers(0, 256, (batch, 224, 224, 3), np.uint8)
    features = GazeFeatures(network, device, batch_size=batch, threads=torch.get_num_threads())
    theirs = copy.deepcopy(network).to(device)
    alone = min(batch, 4)

    def published() -> None:
        for face in faces[:alone]:
            waited(theirs(network_input(face[None]).contiguous().to(device)), device)

    spec = SPEC_MS["face_with_graph"]
    return pair(published, lambda: features(faces), repeat, counts=(alone, batch), spec_ms=spec)


def segmentation(device: str, repeat: int) -> dict[str, object]:
    """Forward pass, and training step, at several lengths at 25 Hz."""
    result: dict[str, object] = {}
    for frames in (214, 1000, 6560, 15000):
        result[f"forward_{frames}"] = _forward(device, frames, repeat)
        result[f"step_{frames}"] = _step(device, frames, repeat if frames < 5000 else 3)
    return result


def clip(device: str) -> dict[str, object]:
    """Real faces of a real clip: the predictor, and the published way face by face.

    People are found before and not counted. Weights are random: they change no time.
    """
    import torch

    from eyeline.systems.eye_contact.xgaze.infer import XgazeMstcnPredictor

    scene = _scene()
    faces = sum(len(t) for t in scene.tracks)
    with _weights() as files:
        predictor = XgazeMstcnPredictor(*files, device, threads=torch.get_num_threads())
        ours = _seconds(lambda: predictor.predict(scene))
        theirs = _seconds(lambda: _published_clip(scene, device))
    return {
        "faces": faces,
        "frames": CLIP_FRAMES,
        "ms_per_face": round(1e3 * ours / faces, 2),
        "published_ms_per_face": round(1e3 * theirs / faces, 2),
        "ratio": round(theirs / ours, 2),
        "frames_per_second": round(CLIP_FRAMES / ours, 1),
    }


def _forward(device: str, frames: int, repeat: int) -> dict[str, object]:
    import torch

    from eyeline.systems.eye_contact.xgaze.running import Segmenter

    network, theirs = _temporals(device)
    quick = Segmenter(network.cpu(), device, threads=torch.get_num_threads())
    rows = np.random.default_rng(0).random((frames, 2048), np.float32)
    columns = torch.from_numpy(np.ascontiguousarray(rows.T)[None]).to(device)

    return pair(
        inference(theirs, device, columns),
        lambda: quick.logits(quick.enter(rows)),
        repeat,
        spec_ms=SPEC_MS.get(f"forward_{frames}"),
    )


def _step(device: str, frames: int, repeat: int) -> dict[str, object]:
    import torch

    from benchmarks.published.eye_contact import loss
    from eyeline.systems.eye_contact.loss import segmentation_loss

    network, theirs = _temporals(device)
    features = torch.rand(1, 2048, frames, device=device)
    label = (torch.arange(frames, device=device)[None] // 20) % 2

    def step(module: nn.Module, cost: Callable[..., torch.Tensor]) -> Work:
        optimizer = torch.optim.Adam(module.parameters(), 5e-4)
        return train_step(module, optimizer, lambda: cost(module(features), label), device)

    works = step(theirs, loss), step(network, segmentation_loss)
    return pair(*works, repeat, spec_ms=SPEC_MS.get(f"step_{frames}"))


def _temporals(device: str) -> tuple[Any, Any]:
    """Ours and the published one with the same weights."""
    import torch

    from benchmarks.published.eye_contact import Temporal
    from eyeline.systems.eye_contact.xgaze.model import ms_tcn2

    torch.manual_seed(0)
    ours, theirs = ms_tcn2(), Temporal()
    theirs.load_state_dict(ours.state_dict())
    return ours.eval().to(device), theirs.eval().to(device)


def _published_clip(scene: Scene, device: str) -> None:
    """All frames kept, then each track: face by face, then its features in one go."""
    import torch

    from benchmarks.published import eye_contact as published
    from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50

    assert scene.frames is not None
    network = xgaze_resnet50().eval().to(device)
    temporal = _temporals(device)[1]
    images = {frame.index: frame.rgb()[:, :, ::-1].copy() for frame in scene.frames()}
    for track in scene.tracks:
        features = []
        for index, six in zip(track.frame, track.six_px, strict=True):
            face = published.face_tensor(images[int(index)], six).to(device)
            features.append(network(face)[1].detach())
        if len(features) >= 100:
            with torch.no_grad():
                temporal(torch.cat(features).T[None]).cpu()


def _scene() -> Scene:
    """The first frames of the clip with their people."""
    from benchmarks.clips import clip as found_clip
    from eyeline.geometry.camera import Camera
    from eyeline.people.find import find_people
    from eyeline.system import Scene
    from eyeline.video.reader import VideoReader
    from eyeline.video.shots import mark_shots

    reader = VideoReader(found_clip())
    camera = Camera.from_fov(reader.info.width_px, reader.info.height_px)
    people = find_people(itertools.islice(mark_shots(reader), CLIP_FRAMES), camera)
    tracks: list[Track] = [t for t in people.tracks if len(t) >= 100]
    return Scene(
        reader.info, camera, tracks, frames=lambda: itertools.islice(iter(reader), CLIP_FRAMES)
    )


@contextmanager
def _weights() -> Iterator[tuple[Path, Path]]:
    """Both networks with random weights, as files."""
    from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50
    from eyeline.systems.eye_contact.xgaze.model import ms_tcn2
    from eyeline.training import checkpoint
    from eyeline.training.checkpoint import CheckpointCard

    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "gaze.safetensors"), Path(folder, "temporal.safetensors")
        networks: tuple[nn.Module, nn.Module] = xgaze_resnet50(), ms_tcn2()
        for path, network, name in zip(files, networks, ("xgaze_resnet50", "ms_tcn2"), strict=True):
            card = CheckpointCard("eye_contact", name, {})
            checkpoint.save(path, network.state_dict(), card)
        yield files


def _seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _landmarks(count: int) -> np.ndarray[Any, Any]:
    """Six landmarks `(count, 6, 2)` of a head that moves about, with a detector's noise."""
    from eyeline.geometry.directions import rotation_from_angles
    from eyeline.systems.eye_contact.head import FACE_POINTS_MM, assumed_camera

    rng = np.random.default_rng(0)
    turn = rotation_from_angles(*rng.normal(0, 0.25, (3, count)))
    points = FACE_POINTS_MM @ turn.transpose(0, 2, 1)
    points += np.stack(
        [rng.normal(0, 80, count), rng.normal(0, 40, count), rng.uniform(600, 1500, count)], axis=1
    )[:, None]
    seen: np.ndarray[Any, Any] = assumed_camera(1280, 720).project(points)
    return seen + rng.normal(0, 0.5, seen.shape)


def _image() -> Image:
    return np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
