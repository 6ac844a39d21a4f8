"""Small networks, and raw videos of a few smooth images, for the predictors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track
from eyeline.results import Image, Scores, VideoInfo
from eyeline.system import Scene
from eyeline.systems.ego_social.model import LookingAtMe, lam_lstm
from eyeline.systems.ego_social.ttm_model import TalkingToMe, ttm
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.audio import AudioBlock
from tests.people.build import track

WIDTH, HEIGHT = 160, 120
SMALL = {"width": 4, "memory": 8}
SMALL_TTM = {**SMALL, "voice_width": 4}

Network = TypeVar("Network", LookingAtMe, TalkingToMe)


def small_lam() -> LookingAtMe:
    torch.manual_seed(1)
    return shaken(lam_lstm(**SMALL))


def small_ttm() -> TalkingToMe:
    torch.manual_seed(2)
    return shaken(ttm(**SMALL_TTM))


def shaken(network: Network) -> Network:
    """In evaluation mode, with norms that are not neutral, answers far apart for other images."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.uniform_(part.running_mean, -0.2, 0.2)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
    network.eval()
    faces = (4 * torch.rand(16, 3, 4, 4) - 2).repeat_interleave(12, 2).repeat_interleave(12, 3)
    last = network.encoder.project[2]
    with torch.no_grad():
        result = network.see(faces)
        gain = 2 / result.std(dim=0).mean()
        last.weight.mul_(gain)
        last.bias.sub_(result.mean(dim=0)).mul_(gain)
        network.head[0].weight[:, : 2 * network.memory.hidden_size].mul_(10)
        network.head[1].weight.mul_(8 if isinstance(network, TalkingToMe) else 2)
        given = (faces[None, :7], torch.from_numpy(noise(1))[None])
        known = network(*given) if isinstance(network, TalkingToMe) else network(given[0])
        network.head[1].bias.sub_(known[0])
    return network


def saved(folder: Path, builder: str, network: nn.Module, arguments: dict[str, Any]) -> Path:
    path = folder / f"{builder}.safetensors"
    checkpoint.save(path, network.state_dict(), CheckpointCard("ego_social", builder, arguments))
    return path


@dataclass(frozen=True)
class ImageItem:
    """A frame of smooth colours that tell which one it is."""

    index: int
    time_s: float

    def rgb(self) -> Image:
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        waves = [np.sin(x / (7 + k) + self.index * 0.9 + k) + np.cos(y / 9 + k) for k in range(3)]
        return np.rint(127 + 60 * np.stack(waves, axis=-1)).astype(np.uint8)


def walker(frames: range, *, rate_hz: float = 30, person: int = 1, **columns: Any) -> Track:
    """Somebody who walks to the right."""
    n = len(frames)
    left = 20.0 + 2.0 * np.arange(n) % 90
    head = np.stack([left, np.full(n, 30.0), left + 30, np.full(n, 75.0)], axis=1)
    columns = {"head_xyxy": head, "box_xyxy": head + np.array([3, 6, -3, 0])} | columns
    return track(frames, person=person, track_id=person, rate_hz=rate_hz, **columns)


def filmed(
    *tracks: Track,
    rate_hz: float = 30,
    lost: Sequence[int] = (),
    speaking: Sequence[npt.NDArray[Any]] | None = None,
    audio: Callable[[], Iterator[AudioBlock]] | None = None,
) -> Scene:
    """A scene of tracks; `speaking` are the rows of each."""
    last = max((int(t.frame[-1]) for t in tracks), default=0)
    info = VideoInfo(
        "made.mp4", WIDTH, HEIGHT, Fraction(rate_hz), 0.0, (last + 1) / rate_hz, last + 1, True
    )

    def frames() -> Iterator[Any]:
        return (ImageItem(i, i / rate_hz) for i in range(last + 3) if i not in lost)

    known = None if speaking is None else voiced(tracks, speaking)
    camera = Camera.from_fov(WIDTH, HEIGHT)
    return Scene(info, camera, tracks, speaking=known, ego=True, frames=frames, audio=audio)


def voiced(tracks: Sequence[Track], value: Sequence[npt.NDArray[Any]]) -> Scores:
    return Scores(
        "speech", "scripted", "speaking", 0.5,
        frame=np.concatenate([t.frame for t in tracks]),
        time_s=np.concatenate([t.time_s for t in tracks]),
        person=np.concatenate([np.full(len(t), t.person) for t in tracks]),
        value=np.concatenate(value),
    )  # fmt: skip


def noise(seconds: float) -> npt.NDArray[np.float32]:
    """Audio that grows and fades, 16 kHz."""
    count = round(16_000 * seconds)
    loud = 0.05 + 0.1 * np.sin(np.arange(count) / 9000) ** 2
    return np.asarray(np.random.default_rng(3).standard_normal(count) * loud, np.float32)


def played(samples: npt.NDArray[np.float32]) -> Callable[[], Iterator[AudioBlock]]:
    return partial(_blocks, samples)


def _blocks(samples: npt.NDArray[np.float32]) -> Iterator[AudioBlock]:
    for start in range(0, len(samples), 8000):
        yield AudioBlock(start / 16_000, samples[start : start + 8000])


def gone(person: Track, rows: Sequence[int]) -> Track:
    """The same track with boxes outside of the image in some rows."""
    head = person.head_xyxy.copy()
    head[list(rows)] += 1000.0
    return replace(person, head_xyxy=head)
