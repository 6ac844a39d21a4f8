"""When there is speech: voice activity, loudness and onsets of the speech band, in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeline.carried import carried
from eyeline.errors import DataError, check_shape
from eyeline.results import Floats

if TYPE_CHECKING:
    from eyeline.video.audio import AudioBlock

Samples = npt.NDArray[np.float32]

RATE_HZ = 16000
"""Samples a second of all audio in this system."""
VOICE_SAMPLES = 512
"""Samples of one window of the voice detector."""
VOICE_S = VOICE_SAMPLES / RATE_HZ
"""32 ms."""
HOP_SAMPLES = 160
"""Samples from one envelope value to the next."""
HOP_S = HOP_SAMPLES / RATE_HZ
"""10 ms."""
BAND_HZ = (200.0, 4000.0)
"""The band in which speech carries its loudness, above rumble and most of a hum."""
SILENCE = 10 ** (-90 / 20)
"""Audio whose samples are all smaller is digital silence: nothing was recorded."""
FLOOR_DB = -80.0
"""Level of digital silence, relative to a sine of full scale."""

_CONTEXT = 64  # samples of the window before that the network also sees
_FRAME = 512  # samples under one envelope window, 32 ms
_BANDS = 8  # sub-bands of the onset flux, equally wide on a logarithmic axis


@dataclass(frozen=True)
class Speech:
    """What is heard, from second 0 of the video's clock to the end of the audio."""

    voice: Samples
    """`(m,)` probability of speech in window k, from k * 32 ms to (k + 1) * 32 ms."""
    level_db: Samples
    """`(n,)` power of 200-4000 Hz around k * 10 ms, relative to a sine of full scale; >= -80."""
    flux_db: Samples
    """`(n,)` mean rise of the sub-bands since the value before, >= 0: peaks at onsets."""
    peak: float = 1.0
    """Size of the largest sample."""

    def __post_init__(self) -> None:
        """Check the columns."""
        check_shape(self.voice, "m", "Speech.voice")
        sizes = check_shape(self.level_db, "n", "Speech.level_db")
        check_shape(self.flux_db, "n", "Speech.flux_db", sizes)

    @property
    def duration_s(self) -> float:
        """End of the last whole or padded window of the voice detector."""
        return len(self.voice) * VOICE_S

    @property
    def time_s(self) -> Floats:
        """`(n,)` times of `level_db` and `flux_db`."""
        return np.arange(len(self.level_db)) * HOP_S

    @property
    def recorded(self) -> bool:
        """Whether there is anything but digital silence, so that a voice could be heard."""
        return self.peak >= SILENCE

    def voice_at(self, time_s: Floats) -> Floats:
        """Probability of speech at times `(k,)`; 0 outside the audio."""
        if not len(self.voice):
            return np.zeros(np.shape(time_s))
        centre_s = (np.arange(len(self.voice)) + 0.5) * VOICE_S
        value = np.interp(time_s, centre_s, self.voice)
        return np.where((time_s >= 0) & (time_s <= self.duration_s), value, 0.0)

    def segments(
        self,
        *,
        on: float = 0.5,
        off: float = 0.35,
        min_speech_s: float = 0.2,
        min_pause_s: float = 0.3,
    ) -> Floats:
        """Spans of speech.

        Args:
            on: speech begins where the probability reaches this value.
            off: and ends where it falls below this one.
            min_speech_s: shorter spans are dropped, after joining.
            min_pause_s: spans with a shorter pause between them are joined.

        Returns:
            `(k, 2)` start and end in seconds, in order, not touching.
        """
        spans: list[list[float]] = []
        for start, end in _hysteresis(self.voice, on, off):
            if spans and start * VOICE_S - spans[-1][1] < min_pause_s:
                spans[-1][1] = end * VOICE_S
            else:
                spans.append([start * VOICE_S, end * VOICE_S])
        kept = [span for span in spans if span[1] - span[0] >= min_speech_s]
        return np.array(kept, np.float64).reshape(-1, 2)


def listen(blocks: Iterable[AudioBlock]) -> Speech:
    """Voice activity and envelope of an audio signal, in one pass over blocks of any length.

    Args:
        blocks: 16 kHz mono audio in order of time, `eyeline.video.audio.read_audio(path, 16000)`;
            gaps are taken as silence.

    Raises:
        DataError: where a block begins before the one before has ended.
    """
    activity, envelope = VoiceActivity(), Envelope()
    voice: list[Samples] = []
    curves: list[Samples] = []
    peak = 0.0
    for samples in continuous(blocks):
        peak = max(peak, float(np.abs(samples).max(initial=0.0)))
        voice.append(activity.feed(samples)[1])
        curves.append(envelope.feed(samples))
    voice.append(activity.finish()[1])
    curves.append(envelope.finish())
    level_db, flux_db = np.concatenate(curves).T
    return Speech(np.concatenate(voice), np.ascontiguousarray(level_db), flux_db.copy(), peak)


def continuous(blocks: Iterable[AudioBlock]) -> Iterator[Samples]:
    """Samples from second 0 on without a hole, in blocks of at most ten seconds.

    Raises:
        DataError: where a block begins before the one before has ended.
    """
    done, longest = 0, 10 * RATE_HZ
    for block in blocks:
        start = round(block.time_s * RATE_HZ)
        if start < done:
            raise DataError(
                f"a block of audio begins at {block.time_s:.4f} s, before the end of the one "
                f"before it at {done / RATE_HZ:.4f} s; blocks must follow one another"
            )
        for at in range(done, start, longest):
            yield np.zeros(min(longest, start - at), np.float32)
        samples = np.asarray(block.samples, np.float32)
        check_shape(samples, "n", "SoundBlock.samples")
        for at in range(0, len(samples), longest):
            yield samples[at : at + longest]
        done = start + len(samples)


class VoiceActivity:
    """The silero voice detector, fed piece by piece; a piece may have any length."""

    def __init__(self) -> None:
        """Open the network that the package carries, on one thread."""
        self._session = _silero()
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._windows = 0

    def feed(self, samples: Samples) -> tuple[Floats, Samples]:
        """Take the next samples `(n,)`, 16 kHz in [-1, 1].

        Returns:
            Starts in seconds `(k,)` of the windows that are now whole, counted from the first
            sample ever fed, and the probability of speech in each.
        """
        audio = np.concatenate([self._rest, np.asarray(samples, np.float32)])
        count = len(audio) // VOICE_SAMPLES
        windows = audio[: count * VOICE_SAMPLES].reshape(count, VOICE_SAMPLES)
        self._rest = audio[count * VOICE_SAMPLES :]
        start_s = (self._windows + np.arange(count)) * VOICE_S
        self._windows += count
        return start_s, np.array([self._step(window) for window in windows], np.float32)

    def finish(self) -> tuple[Floats, Samples]:
        """The last window, filled up with silence; nothing where no samples are left over."""
        if not len(self._rest):
            return self.feed(self._rest)
        return self.feed(np.zeros(VOICE_SAMPLES - len(self._rest), np.float32))

    def _step(self, window: Samples) -> float:
        feed = {"input": np.concatenate([self._context, window])[None], "state": self._state}
        answer, self._state = self._session.run(None, feed | {"sr": np.array(RATE_HZ)})
        self._context = window[-_CONTEXT:]
        return float(answer[0, 0])


class Windows:
    """Audio cut into windows `HOP_SAMPLES` apart, fed piece by piece."""

    def __init__(self, before: npt.NDArray[Any], length: int) -> None:
        """Windows of `length` samples, the first of which begins with the samples `before`."""
        self._rest, self._length, self._count = before, length, 0

    def feed(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The windows `(k, length)` that the next samples `(n,)` make whole."""
        audio = np.concatenate([self._rest, samples])
        count = max(0, (len(audio) - self._length) // HOP_SAMPLES + 1)
        self._rest = audio[count * HOP_SAMPLES :]
        self._count += count
        if not count:
            return np.zeros((0, self._length), audio.dtype)
        return np.lib.stride_tricks.sliding_window_view(audio, self._length)[::HOP_SAMPLES][:count]

    def finish(self, count: int) -> npt.NDArray[Any]:
        """Those still missing of `count` in all, filled up with silence."""
        missing = max(0, count - self._count)
        needed = (missing - 1) * HOP_SAMPLES + self._length - len(self._rest) if missing else 0
        return self.feed(np.zeros(needed, self._rest.dtype))


class Envelope:
    """Level and onset flux of the speech band every 10 ms, fed piece by piece."""

    def __init__(self) -> None:
        """Begin at second 0; the first window is centred there, half of it before the audio."""
        self._windows = Windows(np.zeros(_FRAME // 2, np.float32), _FRAME)
        self._before: Floats | None = None
        self._samples = 0

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples `(n,)`, 16 kHz in [-1, 1].

        Returns:
            `(k, 2)` level in dB and flux in dB of the windows that are now whole.
        """
        self._samples += len(samples)
        return self._measure(self._windows.feed(np.asarray(samples, np.float32)))

    def finish(self) -> Samples:
        """The values up to the last one centred within the audio, as of `feed`."""
        return self._measure(self._windows.finish(math.ceil(self._samples / HOP_SAMPLES)))

    def _measure(self, frames: Samples) -> Samples:
        if not len(frames):
            return np.zeros((0, 2), np.float32)
        window, bands = _analysis()
        spectrum = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
        floor = 10 ** (FLOOR_DB / 10)
        power = spectrum @ bands
        band_db, level_db = (10 * np.log10(p + floor) for p in (power, power.sum(axis=1)))
        before = band_db[:1] if self._before is None else self._before
        self._before = band_db[-1:]
        rise = np.diff(band_db, axis=0, prepend=before)
        return np.stack([level_db, np.maximum(rise, 0).mean(axis=1)], axis=1).astype(np.float32)


@cache
def _analysis() -> tuple[Floats, Floats]:
    """The window `(512,)`, and weights `(257, 8)` that sum a power spectrum into sub-bands.

    Scaled so that a sine of amplitude one within the band sums to one.
    """
    window = np.hanning(_FRAME + 1)[:-1]
    frequency = np.fft.rfftfreq(_FRAME, 1 / RATE_HZ)
    edges = np.geomspace(*BAND_HZ, _BANDS + 1)
    inside = (frequency[:, None] >= edges[:-1]) & (frequency[:, None] < edges[1:])
    return window, inside * (4 / _FRAME / (window**2).sum())


def _hysteresis(probability: Samples, on: float, off: float) -> list[tuple[int, int]]:
    """Spans `[start, end)` that begin where it reaches `on` and end where it falls below `off`."""
    high = np.concatenate([[False], probability >= off, [False]])
    edges = np.flatnonzero(high[1:] != high[:-1]).reshape(-1, 2)
    spans = []
    for low, end in edges.tolist():
        reached = np.flatnonzero(probability[low:end] >= on)
        if len(reached):
            spans.append((low + int(reached[0]), end))
    return spans


@cache
def _silero() -> Any:
    """One session for the process: it keeps no state of its own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(carried("silero_vad.onnx")), options, providers=["CPUExecutionProvider"]
    )
