"""A network set by hand that hears how loud it is and sees how dark a mouth is, and clips for it.

Its parts are two templates: the darkness of the mouth in a clip's middle frame, and the log energy
in the middle of a window of audio. In the clips a mouth is as dark as its voice is loud.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import nn

from eyeline.people.tracks import Track
from eyeline.results import VideoInfo
from eyeline.speech.syncnet.model import Encoder, SyncNet
from eyeline.video.writer import VideoWriter
from tests.speech.synthesis import make_track

RATE = 16000
QUIET, LOUD = 10.0, 24.0
"""Log energies that count as 0 and 1."""
WIDTH, HEIGHT = 256, 96
FACE_PX = 24
_SKIN = 200


def eyes_and_ears() -> SyncNet:
    """The network set by hand, with one feature."""
    see = nn.Conv3d(3, 1, (5, 224, 224))
    with torch.no_grad():
        see.weight.zero_()
        mouth = see.weight[0, :, 2, MOUTH_ROWS, MOUTH_COLUMNS]
        mouth.fill_(-1 / mouth.numel() / _SKIN)
        assert see.bias is not None
        see.bias.fill_(1.0)
    hear = nn.Conv2d(1, 1, (13, 20))
    with torch.no_grad():
        hear.weight.zero_()
        hear.weight[0, 0, 0, 8:12] = 1 / 4 / (LOUD - QUIET)
        assert hear.bias is not None
        hear.bias.fill_(-QUIET / (LOUD - QUIET))
    lips = Encoder(nn.Sequential(see, nn.BatchNorm3d(1), nn.ReLU()), _as_it_is())
    audio = Encoder(nn.Sequential(hear, nn.BatchNorm2d(1), nn.ReLU()), _as_it_is())
    return SyncNet(lips, audio).eval()


MOUTH_ROWS, MOUTH_COLUMNS = slice(90, 110), slice(100, 124)
"""Where a mouth comes to lie in a crop."""


def _as_it_is() -> nn.Sequential:
    first, last = nn.Linear(1, 1), nn.Linear(1, 1)
    with torch.no_grad():
        for layer in (first, last):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
    return nn.Sequential(first, nn.BatchNorm1d(1), nn.ReLU(), last)


def babble(seed: int, duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Noise whose log energy wanders: audio `(n,)` and its loudness in [0, 1] every 10 ms."""
    from scipy.ndimage import gaussian_filter1d

    rng = np.random.default_rng(seed)
    wander = gaussian_filter1d(rng.standard_normal(round(duration_s * 100) + 40), 6)
    loud = (0.5 + 0.25 * wander / wander.std()).clip(0, 1)
    return sounding(loud[:-40], rng), loud[:-40]


def sounding(loud: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of the given loudness: `(n,)` in [-1, 1]."""
    energy = np.interp(np.arange(len(loud) * 160) / 160, np.arange(len(loud)), loud)
    # pre-emphasised white noise of deviation s has a log power of ln(400 s^2 1.94 257 / 512)
    log_energy = QUIET + (LOUD - QUIET) * energy
    std = np.sqrt(np.exp(log_energy) / (400 * 1.94 * 257 / 512)) / 32768
    return (std * rng.standard_normal(len(energy))).clip(-1, 1).astype(np.float32)


def image(darkness: Sequence[float]) -> np.ndarray:
    """`(96, 256, 3)` faces side by side, each with a mouth as dark as told."""
    rgb = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for i, dark in enumerate(darkness):
        x = 64 + 100 * i
        rgb[20:76, x - 28 : x + 28] = _SKIN
        rgb[44:58, x - 9 : x + 9] = round(_SKIN * (1 - dark))
    return rgb


def box(number: int) -> np.ndarray:
    """`(4,)` face box of a face in `image`, its middle at (64 + 100 number, 48)."""
    x = 64 + 100 * number
    return np.array([x - FACE_PX, 48 - FACE_PX, x + FACE_PX, 48 + FACE_PX], np.float64)


def write_clip(
    path: Path, rate_hz: Fraction, louds: Sequence[np.ndarray], audio: np.ndarray
) -> list[Track]:
    """A video of faces whose mouths follow `louds` (100 Hz), with an audio signal; its tracks."""
    from scipy.io import wavfile

    wav = path.with_suffix(".wav")
    wavfile.write(wav, RATE, (audio * 32767).astype(np.int16))
    with wave.open(str(wav)) as check:
        duration_s = check.getnframes() / RATE
    count = int(duration_s * rate_hz)
    time_s = np.array([float(k / rate_hz) for k in range(count + 1)])
    info = VideoInfo(str(path), WIDTH, HEIGHT, rate_hz, 0.0, duration_s, count, True)
    with VideoWriter(path, info, audio_from=wav, quality=8, encode_threads=1) as writer:
        for k in range(count):
            centre_s = (time_s[k] + time_s[k + 1]) / 2
            writer.write(image([_at(loud, centre_s) for loud in louds]), *time_s[k : k + 2])
    return [face_track(i, time_s) for i in range(len(louds))]


def face_track(number: int, edges_s: np.ndarray) -> Track:
    """The track of a face of `image`, frames between the given times."""
    track = make_track(number + 1, edges_s[:-1], np.full(len(edges_s) - 1, np.nan))
    boxes = np.tile(box(number), (len(track), 1))
    return replace(track, box_xyxy=boxes, head_xyxy=boxes, end_s=edges_s[1:])


def _at(loud: np.ndarray, time_s: float) -> float:
    return float(np.interp(time_s * 100, np.arange(len(loud)), loud))
