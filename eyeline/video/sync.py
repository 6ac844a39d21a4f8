"""How two recordings of one scene lie in time, by their audio; refused where that is not clear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError, VideoError
from eyeline.results import Floats
from eyeline.video.audio import read_audio
from eyeline.video.reader import probe

RATE_HZ = 8000
HOP = 80
"""Samples from one step to the next: a hundredth of a second."""
WINDOW = 256
STEP_S = HOP / RATE_HZ
BANDS_HZ = (200, 400, 700, 1100, 1700, 2500, 3600)
"""Edges of the bands whose loudness is compared."""
MOST_STDS = 3.0
"""Changes of loudness beyond this, such as a knock at one microphone, count as this."""
LEAST_S = 5.0
"""Two recordings have at least so much in common."""
LEAST_CONFIDENCE = 0.999
SAME_S = 0.04
"""Both halves of a recording must give one offset up to this, an image of a video: those that
differ by more have clocks of different rates."""
SILENT_DB = -60.0


@dataclass(frozen=True)
class Offset:
    """When a recording begins, on the clock of another."""

    offset_s: float
    confidence: float
    """One minus the probability that recordings of different scenes fit as well by chance."""


@dataclass(frozen=True)
class _Peak:
    steps: float
    confidence: float


def loudness(path: str | Path, track: int | None = None) -> npt.NDArray[np.float32]:
    """Changes of loudness `(steps, bands)` of a video's audio, from its first frame on.

    Raises:
        UsageError: there is no audio, it is silent, or shorter than `LEAST_S`.
        VideoError: the file cannot be read.
    """
    info = probe(path)
    how = "give its --offset instead"
    if not info.has_audio:
        raise UsageError(f"--sync: {path} has no audio to synchronise it by; {how}")
    window = np.hanning(WINDOW).astype(np.float32)
    edges = np.searchsorted(np.fft.rfftfreq(WINDOW, 1 / RATE_HZ), BANDS_HZ)
    held, rows, loudest = np.zeros(0, np.float32), [], 0.0
    for block in read_audio(path, RATE_HZ, start_s=info.start_s, track=track):
        held = np.concatenate([held, block.samples])
        count = (len(held) - WINDOW) // HOP + 1
        if count < 1:
            continue
        cut = np.lib.stride_tricks.sliding_window_view(held, WINDOW)[: count * HOP : HOP]
        power = np.abs(np.fft.rfft(cut * window, axis=1)) ** 2
        rows.append(np.add.reduceat(power, edges[:-1], axis=1)[:, : len(edges) - 1])
        loudest = max(loudest, float(np.sqrt((block.samples**2).mean())))
        held = held[count * HOP :]
    if loudest < 10 ** (SILENT_DB / 20):
        raise UsageError(f"--sync: the audio of {path} is silent; {how}")
    level = np.log(np.concatenate(rows) + 1e-7)
    if len(level) * STEP_S < LEAST_S:
        raise UsageError(f"--sync: the audio of {path} is shorter than {LEAST_S:g} s; {how}")
    change = np.diff(level, axis=0)
    scale = change.std(axis=0)
    change = (change - change.mean(axis=0)) / np.where(scale > 0, scale, 1)
    return np.asarray(np.clip(change, -MOST_STDS, MOST_STDS), np.float32)


def find_offset(first: str | Path, second: str | Path, track: int | None = None) -> Offset:
    """When a second recording begins on the clock of the first, by audio tracks of one number.

    Raises:
        UsageError: the audio does not say it clearly, or the clocks run at different rates.
        VideoError: a file cannot be read.
    """
    try:
        a, b = loudness(first, track), loudness(second, track)
    except VideoError as error:
        raise UsageError(f"--sync: {error}") from None
    return offset_of(a, b, f"{first} and {second}")


def offset_of(a: Floats, b: Floats, names: str) -> Offset:
    """`find_offset` of two `loudness`; `names` is what to call them in a message."""
    whole = _peak(a, b)
    start = max(0, round(whole.steps))
    end = min(len(a), round(whole.steps) + len(b))
    centre = (start + end) // 2
    halves = [_peak(a[x:y], b) for x, y in ((start, centre), (centre, end)) if y > x]
    unclear = min((p.confidence for p in (whole, *halves)), default=0.0)
    if len(halves) < 2 or unclear < LEAST_CONFIDENCE:
        raise UsageError(
            f"--sync: the audio of {names} does not say clearly how they lie in time (confidence "
            f"{100 * unclear:.0f} %, {100 * LEAST_CONFIDENCE:g} % are needed); give --offset"
        )
    early, late = halves[0].steps + start, halves[1].steps + centre
    apart_s = (late - early) * STEP_S
    if abs(apart_s) > SAME_S:
        per_hour = apart_s / ((end - start) / 2 * STEP_S) * 3600
        raise UsageError(
            f"--sync: the clocks of {names} run at different rates (by about {per_hour:+.2g} s an "
            "hour, or they are not of one scene throughout): one offset cannot hold; cut the "
            "recordings into shorter ones"
        )
    return Offset(whole.steps * STEP_S, unclear)


def _peak(a: Floats, b: Floats) -> _Peak:
    """Where `b` begins in steps of `a`, and how sure that is.

    Each lag has the correlation over what both have in common, in units of what lags have by
    chance: their median size, as the peak itself must not count.
    """
    from scipy.special import log_ndtr

    size = 1 << (len(a) + len(b)).bit_length()
    spectrum: Any = (np.fft.rfft(a, size, axis=0) * np.fft.rfft(b, size, axis=0).conj()).sum(axis=1)
    product = np.fft.irfft(spectrum, size)
    lags = np.arange(-len(b) + 1, len(a))
    common = np.minimum(len(a), lags + len(b)) - np.maximum(0, lags)
    enough = common >= min(LEAST_S / STEP_S, len(a), len(b))
    lags, common = lags[enough], common[enough]
    height = product[lags] / np.sqrt(common)
    chance = np.median(np.abs(height)) / 0.6745
    if not chance > 0:
        return _Peak(0.0, 0.0)
    best = int(np.argmax(height))
    tail = float(np.exp(min(0.0, np.log(len(lags)) + log_ndtr(-height[best] / chance))))
    shift = 0.0
    if 0 < best < len(lags) - 1:
        left, top, right = height[best - 1 : best + 2]
        shift = 0.5 * (left - right) / min(left - 2 * top + right, -1e-12)
    return _Peak(float(lags[best]) + float(np.clip(shift, -0.5, 0.5)), 1.0 - tail)
