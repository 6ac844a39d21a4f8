"""What the network takes, made in one way for training, evaluation, raw video and live streams.

Frames become squares in `spatial`, audio becomes spectrograms in `spectrogram`; here both meet the
shape of the network.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from eyeline.errors import check_shape
from eyeline.results import Floats
from eyeline.systems.gaze_anticipation.windows.sampling import AUDIO_COLUMNS
from eyeline.systems.gaze_anticipation.windows.spatial import SIDE
from eyeline.systems.gaze_anticipation.windows.spectrogram import SILENCE


def audio_input(windows: Floats, side: int = SIDE) -> Tensor:
    """Spectrograms around frames, as the network takes them.

    Args:
        windows: `(frames, 256, 256)` float32: frequency, time.
        side: of the network's squares; of a smaller one than published the audio is coarser, too.

    Returns:
        `(1, frames, side, side)`: channel first.
    """
    check_shape(windows, f"frames {AUDIO_COLUMNS} {AUDIO_COLUMNS}", "spectrograms")
    heard = torch.from_numpy(windows)[None]
    return heard if side == AUDIO_COLUMNS else F.adaptive_avg_pool2d(heard, side)


def silence(frames: int, side: int = SIDE) -> Tensor:
    """Likewise, of no audio at all."""
    return torch.full((1, frames, side, side), SILENCE)
