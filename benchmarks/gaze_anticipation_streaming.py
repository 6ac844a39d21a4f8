"""Live answers of builder `csts` against a window made anew each time, in the same run.

The naive way takes eight images, normalises and shrinks each whole,
and works out the spectrogram of the clip, for every answer; its network is ours, so that the
difference is what a stream keeps. Images of 1280x720 come 30 times a second, answers every 0.9 s.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.pairs import pair
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation.model import GazeAnticipation
    from eyeline.systems.gaze_anticipation.streaming import WindowOutput

RATE, AUDIO_HZ = 30, 24_000
HEIGHT, WIDTH = 720, 1280
BETWEEN = 27
"""Images from one answer to the next."""
FIRST = 94
"""Images up to the first answer whose clip begins with the video or later, and a warm-up."""


def run(device: str = "cpu", *, quick: bool = False) -> dict[str, object]:
    """All figures; `ratio` is the naive way's time over ours.

    Args:
        device: of the network.
        quick: few repetitions.
    """
    import torch

    from eyeline.systems.gaze_anticipation.model import csts

    torch.manual_seed(0)
    network, repeat = csts().eval().to(device), 2 if quick else 5
    with torch.no_grad():
        network.decoder.classifier.weight.mul_(30)  # maps with peaks, to be compared
    return {
        "with_audio": streaming(network, repeat, with_audio=True),
        "without_sound": streaming(network, repeat, with_audio=False),
    }


def streaming(network: GazeAnticipation, repeat: int, *, with_audio: bool) -> dict[str, object]:
    """Cost and delay of an answer, in turns with the naive way, and how far both are apart.

    `delay_ms` is the time from a window's last image, whose audio is there, to its answer, beside
    `sound_ahead_s` for which the audio has to be waited; `of_real_time` is how much of the time
    between two answers the processors work.
    """
    live = _Live(network, with_audio)
    live.advance(FIRST)
    result: dict[str, object] = {
        name.replace("published", "naive"): value
        for name, value in pair(live.naive, lambda: live.advance(BETWEEN), repeat).items()
    }
    apart = [np.abs(one - live.naive_maps(at)).max() for at, one in live.log[-2:]]
    delay_ms = 1e3 * statistics.median(live.delays_s[1:])
    return result | {
        "delay_ms": round(delay_ms, 1),
        "sound_ahead_s": round(live.stream.delay_s, 4),
        "of_real_time": round(float(str(result["processor_ms"])) * RATE / BETWEEN / 1e3, 2),
        "maps_apart": float(f"{max(apart):.2g}"),
        "peak": float(f"{live.log[-1][1].max():.2g}"),
    }


@dataclass
class _Live:
    """A camera, its microphone and what watches them."""

    network: GazeAnticipation
    with_audio: bool
    shown: int = 0
    log: list[tuple[int, Floats]] = field(default_factory=list)
    """Number of the last image, and maps."""
    delays_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        from eyeline.systems.gaze_anticipation.streaming import Stream

        random = np.random.default_rng(0)
        self._scenery = random.integers(0, 256, (HEIGHT + 600, WIDTH + 600, 3), np.uint8)
        self._audio = (0.1 * random.standard_normal(60 * AUDIO_HZ)).astype(np.float32)
        # the first window ends when its clip begins with the video
        self.stream = Stream(self.network, with_audio=self.with_audio, origin_s=22 / RATE)

    def advance(self, images: int) -> None:
        """Show images, each after its audio and a little more."""
        for number in range(self.shown, self.shown + images):
            begin = time.perf_counter()
            answers = self._heard(number) if self.with_audio else []
            answers += self.stream.show(self._image(number), number / RATE, (number + 1) / RATE)
            if answers:
                self.delays_s.append(time.perf_counter() - begin)
                self.log.append((number, answers[-1].maps))
        self.shown += images

    def naive(self) -> None:
        """The last answer, from nothing."""
        self.naive_maps(self.log[-1][0])

    def naive_maps(self, last: int) -> Floats:
        """Maps of the window that ends with an image."""
        import torch

        from eyeline.systems.gaze_anticipation.model import heatmaps
        from eyeline.systems.gaze_anticipation.windows.spectrogram import SILENCE

        clip = torch.stack([self._square(last - 9 * k) for k in range(7, -1, -1)], dim=1)
        audio = torch.full((1, 8, 256, 256), SILENCE)
        if self.with_audio:
            audio = torch.from_numpy(self._windows(last - 85))[None]
        device = next(self.network.parameters()).device
        with torch.inference_mode():
            logits = self.network(clip[None].to(device), audio[None].to(device)).logits
            return np.asarray(heatmaps(logits)[0].cpu().numpy())

    def _heard(self, number: int) -> list[WindowOutput]:
        rest = round((number + 1) * AUDIO_HZ / RATE)
        return self.stream.hear(self._audio[rest - AUDIO_HZ // RATE : rest])

    def _image(self, number: int) -> Image:
        top, left = number % 600, 2 * number % 600
        return self._scenery[top : top + HEIGHT, left : left + WIDTH]

    def _square(self, number: int) -> Any:
        import torch
        import torch.nn.functional as F

        whole = (torch.from_numpy(self._image(number)).float() / 255 - 0.45) / 0.225
        size = (256, WIDTH * 256 // HEIGHT)
        small = F.interpolate(whole.permute(2, 0, 1)[None], size, mode="bilinear")[0]
        left = -(-(size[1] - 256) // 2)
        return small[:, :, left : left + 256]

    def _windows(self, first: int) -> Floats:
        """Spectrograms `(8, 256, 256)` of a clip of five seconds."""
        from eyeline.systems.gaze_anticipation.windows.sampling import EGO4D, audio_starts
        from eyeline.systems.gaze_anticipation.windows.spectrogram import spectrogram, to_16_bits

        begin = first * AUDIO_HZ // RATE
        created = spectrogram(to_16_bits(self._audio[begin : begin + 5 * AUDIO_HZ]))
        starts = audio_starts(EGO4D, "anticipation", np.arange(22, 86, 9), 150, created.shape[1])
        return np.stack([created[:, s : s + 256] for s in starts.tolist()])
