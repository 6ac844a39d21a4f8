"""Faces that talk, as SyncNet sees them: two people in five poses, a voice each, lips to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import resample_poly

from . import head, outlines, portrait
from .head import Pose
from .portrait import Array, Portrait
from .voice import HOP_S, RATE_HZ, Voice, speak

Floats = npt.NDArray[np.floating[Any]]
Faces = npt.NDArray[np.uint8]

AUDIO_RATE_HZ = 16000
TICK_S = 0.04
LEVELS = 10
"""Openings of the mouth that are drawn."""

_POSES = ((0.0, 0.0), (-24.0, 2.0), (22.0, -4.0), (-10.0, -9.0), (12.0, 6.0))
_FACE = (226.0, 125.0, 50.0)
"""Middle and half side of the face box in the photograph."""
_CROP_PX = 224
_SILENT = 0.012
"""Deviation of the room's noise, of the voice's peak."""


@dataclass(frozen=True)
class Looks:
    """One person in one pose, drawn with every opening of the mouth: `(LEVELS, n, n, 3)` RGB."""

    images: Array


@dataclass(frozen=True)
class Talk:
    """One person who talks now and then."""

    audio: npt.NDArray[np.float32]
    """`(n,)` 16 kHz."""
    opening: Floats
    """`(m,)` of the mouth at each tick, [0, 1]."""
    talks: npt.NDArray[np.bool_]
    """`(m,)` whether a voice is heard."""


def cast(photo: npt.NDArray[np.uint8]) -> list[Looks]:
    """All people and poses, from the photograph `(512, 512, 3)` RGB; takes a minute."""
    first = portrait.cut_out(photo)
    second = portrait.recoloured(
        portrait.reshaped(first, outlines.OTHER_FACE), (0.42, 0.36, 0.34), 205
    )
    people = (first, replace(second, mirrored=True))
    return [_looks(person, *pose) for person in people for pose in _POSES]


def talk(seed: int, duration_s: float) -> Talk:
    """Phrases with pauses between them, in a voice of the seed's own."""
    rng = np.random.default_rng(seed)
    count = round(duration_s / TICK_S)
    audio = np.zeros(round(duration_s * RATE_HZ))
    mouth, heard = np.zeros(round(duration_s / HOP_S)), np.zeros(count, bool)
    voice = Voice(rng.uniform(95, 230), rng.uniform(0.82, 1.05), rng.uniform(0.16, 0.24), seed)
    at = rng.uniform(0, 0.5)
    while at < duration_s - 1.0:
        length = min(rng.uniform(1.2, 3.5), duration_s - at)
        spoken, opening = speak(replace(voice, seed=int(rng.integers(1 << 30))), length)
        spoken = spoken * rng.uniform(0.5, 1.0)
        begin, hop = round(at * RATE_HZ), round(at / HOP_S)
        audio[begin : begin + len(spoken)] += spoken[: len(audio) - begin]
        mouth[hop : hop + len(opening)] = opening[: len(mouth) - hop]
        heard[round(at / TICK_S) : round((at + length) / TICK_S)] = True
        at += length + rng.uniform(0.15, 0.8)
    audio += _SILENT * rng.uniform(0.2, 1.5) * rng.standard_normal(len(audio))
    audio = resample_poly(0.6 * audio, 2, 3)
    # what is seen of lips differs from what is heard, and no two people open them as wide
    wander = gaussian_filter1d(rng.standard_normal(len(mouth)), 40)
    mouth = np.clip(mouth * rng.uniform(0.55, 1.1) * (1 + 0.25 * wander / wander.std()), 0, 1)
    return Talk(audio.astype(np.float32), mouth.reshape(count, -1).mean(axis=1), heard)


def resting(seed: int, duration_s: float) -> Floats:
    """Opening of a mouth that smiles, chews or does nothing."""
    rng = np.random.default_rng(seed)
    count = round(duration_s / TICK_S)
    kind = rng.integers(3)
    if kind == 0:
        return np.zeros(count)
    if kind == 1:
        return np.clip(gaussian_filter1d(rng.standard_normal(count), 25) * 2, 0, 0.6)
    phase = 2 * np.pi * np.cumsum(rng.uniform(1.0, 2.0, count)) * TICK_S
    return 0.25 + 0.2 * np.sin(phase)


def film(looks: Looks, opening: Floats, seed: int) -> Faces:
    """A face as the network sees it.

    Args:
        looks: whose.
        opening: `(n,)` of the mouth at each tick.
        seed: of the light, the noise and how the head sways.

    Returns:
        `(n, 224, 224, 3)` BGR.
    """
    rng = np.random.default_rng(seed)
    n = len(opening)
    sway = gaussian_filter1d(rng.standard_normal((n, 3)), 12, axis=0)
    sway *= np.array([3.0, 3.0, 0.02]) / max(sway.std(), 1e-9)
    light, grain = rng.uniform(0.65, 1.15), rng.uniform(1.0, 5.0)
    out = np.empty((n, _CROP_PX, _CROP_PX, 3), np.uint8)
    for k in range(n):
        level = float(np.clip(opening[k], 0, 1)) * (LEVELS - 1)
        low = min(int(level), LEVELS - 2)
        fraction = level - low
        image = (1 - fraction) * looks.images[low] + fraction * looks.images[low + 1]
        face = _cropped(image, sway[k])
        noise = grain * rng.standard_normal((_CROP_PX, _CROP_PX, 1))
        out[k] = np.clip(255 * light * face + noise, 0, 255)[..., ::-1]
    return out


def _looks(person: Portrait, yaw_deg: float, pitch_deg: float) -> Looks:
    images = []
    for level in np.linspace(0, 1, LEVELS):
        pose = Pose(yaw_deg=yaw_deg, pitch_deg=pitch_deg, mouth=float(level))
        drawn = head.draw_head(person, pose, _CROP_PX / (3 * _FACE[2]))
        wall = np.array([0.55, 0.58, 0.6], np.float32)
        images.append(drawn[..., :3] + (1 - drawn[..., 3:]) * wall)
    return Looks(np.stack(images).astype(np.float32))


def _cropped(image: Array, sway: Floats) -> Array:
    """Three half sides wide, from one above the middle of the face to two below."""
    zoom = _CROP_PX / (3 * _FACE[2])
    centre = np.array([_FACE[0] - head.CENTRE[0], _FACE[1] - head.CENTRE[1]]) * zoom
    centre = centre + image.shape[0] / 2 + np.array([0.0, 0.5 * _FACE[2] * zoom])
    scale = 1 + float(sway[2])
    corner = centre + sway[:2] - scale * _CROP_PX / 2
    matrix = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(
            image, matrix, (_CROP_PX, _CROP_PX), flags=how, borderMode=cv2.BORDER_REPLICATE
        )
    )
