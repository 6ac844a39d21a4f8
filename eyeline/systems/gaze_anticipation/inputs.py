"""What the network takes, computed in one way for training, evaluation, raw video and live streams.

Frames become squares in `spatial`, audio becomes spectrograms in `spectrogram`; here both meet the
shape of the network.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from eyeline.errors import check_shape
from eyeline.results import Floats
from eyeline.systems.gaze_anticipation.windows.spatial import SIDE
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_COLUMNS, SILENCE


def audio_input(windows: Floats, side: int = SIDE) -> Tensor:
    """Spectrograms `(frames, 256, 256)`: frequency, time, as the network takes them.

    `(1, frames, side, side)`, channel first; of a smaller side than published the audio is coarser,
    too.
    """
    check_shape(windows, f"frames {AUDIO_COLUMNS} {AUDIO_COLUMNS}", "spectrograms")
    heard = torch.from_numpy(windows)[None]
    return heard if side == AUDIO_COLUMNS else F.adaptive_avg_pool2d(heard, side)


def silence(frames: int, side: int = SIDE) -> Tensor:
    """Likewise, of no audio at all."""
    return torch.full((1, frames, side, side), SILENCE)


SIZE = 64
"""Rows and columns of a map."""
SPOT = 19
"""Rows and columns of a spot, of maps of that size; of smaller maps fewer."""
SPREAD = 3.2
"""Its standard deviation, likewise."""
LABELLED = 0.001
"""More than this, and a cell counts as looked at: 177 cells of a spot that nothing cuts."""


def heatmaps(xy: Floats, size: int = SIZE) -> Floats:
    """Maps `(n, size, size)` float32 that sum to 1, with the spot at the gaze's cell.

    It is cut at the borders; where it is off the map, that is even. `xy` `(n, 2)` are fractions of
    the crop's width and height; halves of cells go to the even one.
    """
    check_shape(xy, "n 2", "gaze")
    maps = np.zeros((len(xy), size, size))
    for place, (x, y) in zip(maps, np.asarray(xy, np.float64), strict=True):
        _put(place, round(float(x) * size), round(float(y) * size))
        total = place.sum()
        if total == 0:
            place[:] = 1 / place.size
        elif total != 1:
            place /= total
    return maps.astype(np.float32)


def _put(place: Floats, column: int, row: int) -> None:
    size = len(place)
    half = _half(size)
    left, top = max(column - half, 0), max(row - half, 0)
    right, bottom = min(column + half + 1, size), min(row + half + 1, size)
    if left < right and top < bottom:
        place[top:bottom, left:right] = _spot(size)[
            top - row + half : bottom - row + half, left - column + half : right - column + half
        ]


def _half(size: int) -> int:
    """Cells of a spot on each side of its middle."""
    return max(1, SPOT // 2 * size // SIZE)


@cache
def _spot(size: int) -> Floats:
    """`(19, 19)` float32 of maps of the published size."""
    half, spread = _half(size), SPREAD * size / SIZE
    away = np.arange(-half, half + 1)
    line = np.exp(-(away**2) / (2 * spread**2))
    line = (line / line.sum()).astype(np.float32)
    return np.outer(line, line)
