"""Synthetic images as a video file."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats, Image, VideoInfo
from eyeline.video.writer import VideoWriter


def window(
    room: npt.NDArray[Any], corner_px: Floats, size_wh: tuple[int, int], roll_rad: float = 0.0
) -> npt.NDArray[Any]:
    """What a camera sees of a room larger than its image, to parts of a pixel.

    Args:
        room: `(h, w, 3)`.
        corner_px: of the room in the upper left of the image.
        size_wh: of the image.
        roll_rad: of the camera.
    """
    import cv2

    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    way = np.column_stack([[[cos, -sin], [sin, cos]], corner_px])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(room, way, size_wh, flags=flags, borderMode=cv2.BORDER_REFLECT)
    )


def write_video(
    path: Path,
    images: Iterable[Image],
    size_wh: tuple[int, int],
    frames: int,
    rate_hz: int,
    audio: Path | None = None,
) -> None:
    """Write an mp4 file of images at a constant rate.

    Args:
        path: where to.
        images: `(height, width, 3)` RGB, one after another.
        size_wh: their width and height.
        frames: how many there will be.
        rate_hz: frames a second.
        audio: a file whose audio goes along.

    Raises:
        OutputError: it cannot be written.
    """
    info = VideoInfo(
        str(path), *size_wh, Fraction(rate_hz), 0.0, frames / rate_hz, frames, audio is not None
    )
    with VideoWriter(path, info, audio_from=audio, encode_threads=1) as writer:
        for number, image in enumerate(images):
            writer.write(image, number / rate_hz, (number + 1) / rate_hz)
