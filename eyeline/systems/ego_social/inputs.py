"""From boxes in images and from audio to what both networks are given.

Boxes are `(x1, y1, x2, y2)` in pixels of the stored image, frames are counted at 30 a second, as
the benchmarks have them. The arithmetic is that of the published preparation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Image
from eyeline.runtimes.interface import Pixels

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FRAME_HZ = 30
"""Frames a second."""
AUDIO_HZ = 16_000
"""Samples a second, one channel."""
FRAMES = 7
"""Frames that decide about the middle one."""
SIZE = 224
"""Height and width of a face crop."""
MEAN_RGB = (0.485, 0.456, 0.406)
"""Mean of the pixels, in [0, 1], that the networks were trained on."""
STD_RGB = (0.229, 0.224, 0.225)
"""Their standard deviation."""
SHORTEST = 257
"""Samples that an audio signal must have: its ends are mirrored over half a transform."""
PIXELS = Pixels("RGB", MEAN_RGB, STD_RGB, 255.0)
"""How images become an input."""
LOUDNESS = 0.1
"""Root mean square of a stretch of speech, after `loudened`."""

_SILENCE = 1e-4


def crop_face(image: Image, box: Sequence[float] | Floats) -> Image:
    """The face crop `(224, 224, 3)`: the box as it is, stretched to a square; black if empty.

    Args:
        image: `(h, w, 3)` uint8 RGB.
        box: xyxy; cut to whole pixels, then to the image.
    """
    import cv2

    check_shape(image, "h w 3", "image")
    if not all(map(math.isfinite, box)):
        raise DataError(f"a face box is not finite: {', '.join(map(str, box))}")
    left, top, right, bottom = (max(int(side), 0) for side in box)
    part = image[top:bottom, left:right]
    if 0 in part.shape:
        return np.zeros((SIZE, SIZE, 3), np.uint8)
    return np.asarray(cv2.resize(part, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR), np.uint8)


def window(crops: Sequence[Image | None]) -> Image:
    """The frames around a centre one `(time, 224, 224, 3)`, filled in where frames are missing.

    Args:
        crops: an odd number of crops `(224, 224, 3)` of the same size, in the order of time; None
            where the person or the image is missing. Black crops alone are left as they are.
    """
    frames = stacked(crops)
    return padded(frames) if any(crop is None for crop in crops) else frames


def stacked(crops: Sequence[Image | None]) -> Image:
    """Crops `(time, 224, 224, 3)`, all of one size, black where there is None: what TTM sees."""
    shapes = {crop.shape for crop in crops if crop is not None} or {(SIZE, SIZE, 3)}
    if not crops or len(shapes) > 1:
        raise DataError(f"{len(crops)} crops of shapes {sorted(shapes)}; expected some, of one")
    black = np.zeros(shapes.pop(), np.uint8)
    return np.stack([black if crop is None else crop for crop in crops])


def padded(frames: Image) -> Image:
    """Frames with the black ones replaced, as published.

    Black frames are taken out, and as many copies of the first of the rest go before it as were
    black before the middle, of the last as were black after it. So a hole between faces draws the
    outer ones nearer to the middle. The middle frame itself stays, black or not.

    Args:
        frames: `(time, h, w, 3)` uint8, an odd number.
    """
    time = check_shape(frames, "time h w 3", "frames")["time"]
    if time % 2 == 0:
        raise DataError(f"a window of {time} frames has no middle; expected an odd length")
    centre = time // 2
    black = np.logical_not(frames.reshape(time, -1).any(axis=1))
    black[centre] = False
    rest = np.flatnonzero(~black)
    before, after = int(black[:centre].sum()), int(black[centre:].sum())
    return frames[np.concatenate([[rest[0]] * before, rest, [rest[-1]] * after]).astype(np.intp)]


def normalised(images: Image) -> Floats:
    """Face crops `(..., 224, 224, 3)` uint8 RGB as the networks take them.

    Returns:
        `(..., 3, 224, 224)` float32, channels first in memory.
    """
    pixels = np.ascontiguousarray(np.moveaxis(images, -1, -3)).astype(np.float32)
    mean, std = (np.array(values, np.float32)[:, None, None] for values in (MEAN_RGB, STD_RGB))
    pixels /= np.float32(255)
    pixels -= mean
    pixels /= std
    return pixels


def normalise(images: Image, device: torch.device | str = "cpu") -> Tensor:
    """`normalised` as a tensor on a device."""
    import torch

    return torch.from_numpy(normalised(images)).to(device)


def sample_at(frame: int) -> int:
    """Number of the sample with which a frame begins, both counted from 0."""
    return int(frame / FRAME_HZ * AUDIO_HZ)


def segment_audio(audio: npt.NDArray[Any], first_frame: int, last_frame: int) -> Floats:
    """The audio of an utterance `(sample,)` float32, brought to one loudness.

    It is silence of the utterance's length where the clip has no audio there.

    Args:
        audio: `(sample,)` of the whole clip, 16 kHz, in [-1, 1].
        first_frame: the utterance's first frame.
        last_frame: its last frame, whose own audio is not part of it.
    """
    check_shape(audio, "sample", "audio")
    if not 0 <= first_frame < last_frame:
        raise DataError(f"a stretch of speech from frame {first_frame} to {last_frame}")
    start, end = sample_at(first_frame), sample_at(last_frame)
    part = np.asarray(audio[start:end], np.float64)
    return loudened(part if len(part) else np.zeros(end - start)).astype(np.float32)


def loudened(audio: Floats) -> Floats:
    """Audio `(sample,)` with root mean square `LOUDNESS`; near silence stays near silence."""
    mean_square = float(np.square(audio).mean()) if len(audio) else 0.0
    return np.asarray(audio * (LOUDNESS / max(_SILENCE, math.sqrt(mean_square))))
