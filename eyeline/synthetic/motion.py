"""Series over time from random numbers: smooth noise, values that are followed, runs of ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats


def wander(rng: np.random.Generator, frames: int, columns: int, memory: float) -> Floats:
    """Smooth noise `(frames, columns)` of standard deviation 1 that changes in `memory` frames."""
    from scipy.ndimage import gaussian_filter1d

    margin = round(4 * memory)
    white = rng.standard_normal((frames + 2 * margin, columns))
    smooth = gaussian_filter1d(white, memory, axis=0)[margin:][:frames]
    return np.asarray(smooth * np.sqrt(2 * memory * np.sqrt(np.pi)))


def follow(aim: Floats, fraction: float) -> Floats:
    """Each column goes a fraction of the rest of its way every frame, from its first value on."""
    from scipy.signal import lfilter

    begin = (1 - fraction) * aim[:1]
    return np.asarray(lfilter([fraction], [1, fraction - 1], aim, axis=0, zi=begin)[0])


def runs(flags: npt.ArrayLike, least: int = 1) -> list[tuple[int, int]]:
    """First frame and the frame after the last of each run of ones that is at least so long."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags) != 0, [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= least]


def draw_span(
    rng: np.random.Generator, span: tuple[float, float], least: int, most: int | None = None
) -> int:
    """Frames of a span, lognormal by its median and the spread of its logarithm."""
    median, spread = span
    return int(np.clip(round(rng.lognormal(np.log(median), spread)), least, most))
