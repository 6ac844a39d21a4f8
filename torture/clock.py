"""The audio of annotated videos lies where it lay in the source, counted from the first frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from torture import cases
from torture.command import forked
from torture.figures import Figure

RATE_HZ, LENGTH_S = 16_000, 10
OFF_MS = 24.0
"""One frame of AAC."""
WEAK = 0.5
NAMES = (
    "whole.ts", "variable rate.mp4", "late start.mp4", "late start.mkv", "before zero.mkv",
    "cut by copying.mp4", "b-frames.mp4", "turned 90.mp4", "hevc.mp4", "vp9.webm", "mjpeg.avi",
    "mpeg2.mpg", "windows.wmv", "flash.flv", "fragments.mp4", "disc.m2ts", "5.1.mp4", "8 kHz.mp4",
    "96 kHz.mkv", "longer audio.mp4", "shorter audio.mp4", "late audio.mp4", "early audio.mkv",
)  # fmt: skip
"""Those of the corpus whose audio may be misplaced."""


def trial(work: Path) -> Iterator[Figure]:
    """Find by correlation how far the audio has moved."""
    sources = cases.Sources(work / "sources")
    for number, name in enumerate(NAMES):
        path = work / str(number) / name
        path.parent.mkdir()
        cases.CASES[name][1](path, sources)
        ended = forked("analyze", path, "-o", path.parent / "out", "--systems", "eye_contact")
        expected = f"within {OFF_MS:g} ms"
        if ended.code != 0:
            yield Figure(name, expected, ended.last, False, ended.seconds)
            continue
        written = next((path.parent / "out").iterdir()) / "annotated.mp4"
        by_ms, alike = offset(waveform(path), waveform(written))
        outcome = f"{by_ms:+.1f} ms, correlation {alike:.2f}"
        yield Figure(name, expected, outcome, abs(by_ms) <= OFF_MS and alike > WEAK, ended.seconds)


def waveform(path: Path) -> np.ndarray:
    """The audio from the first frame on, mono, placed by its time stamps."""
    line = np.zeros(RATE_HZ * LENGTH_S, np.float32)
    begin_s, resampler = _first_frame_s(path), av.AudioResampler("flt", "mono", RATE_HZ)
    with av.open(f"file:{path}") as file:
        place: int | None = None
        for frame in file.decode(audio=0):
            if place is None and frame.time is not None:
                place = round((frame.time - begin_s) * RATE_HZ)
            for part in resampler.resample(frame) if place is not None else []:
                samples = part.to_ndarray().ravel()
                first, last = max(0, -place), min(len(samples), len(line) - place)
                if last > first:
                    line[place + first : place + last] = samples[first:last]
                place += len(samples)
    return line


def _first_frame_s(path: Path) -> float:
    with av.open(f"file:{path}") as file:
        frames = zip(range(40), file.decode(video=0), strict=False)
        return min(frame.time for _, frame in frames if frame.time is not None)


def offset(source: np.ndarray, written: np.ndarray) -> tuple[float, float]:
    """Milliseconds that audio comes too late by, and how alike the two are then, 1 for the same."""
    length = 2 * len(source)
    spectrum = np.fft.rfft(source, length) * np.conj(np.fft.rfft(written, length))
    correlation = np.fft.irfft(spectrum)
    lag = int(np.argmax(correlation))
    lag -= length if lag > length // 2 else 0
    norm = float(np.linalg.norm(source) * np.linalg.norm(written)) or 1.0
    return -1000 * lag / RATE_HZ, float(correlation.max()) / norm
