"""Laying decoded audio on a clock: resampled without seams, in its place by its stamps."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from eyeline.errors import VideoError
from eyeline.results import Damage, Gap
from eyeline.video.audio_tracks import mixer, single_channel
from eyeline.video.clock import FAR_AHEAD_S
from eyeline.video.container import audio_stream, open_source
from eyeline.video.damage import DamageLog
from eyeline.video.decode import (
    declared_end,
    declares_stream_end,
    decoded,
    stamped,
    take_only,
)
from eyeline.video.gaps import LONG_SILENCE_S, Shortened

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.container import InputContainer

Samples: TypeAlias = npt.NDArray[np.float32]

GAP_S = Fraction(4, 100)
"""A stamp further than this from where it is expected means a gap or an overlap."""
DRIFT_S = 0.0005
"""Audio that has drifted this far from its stamps on average is stretched back."""
DRIFT_FRAMES = 32
"""Decoded frames over which drift is averaged; the stamps of single frames may be coarse."""
LONGEST_PACKET_S = Fraction(2)
"""No packet of audio is longer, whatever it says, where the codec does not say how long it is."""
SET_BACK_S = 1
"""A stamp this long before the expected one belongs to a clock that was set back."""


class LongSilenceError(Exception):
    """The audio lacks more than `LONG_SILENCE_S` at a stretch."""


class Pieces:
    """Iterates over `(channels, n)` samples that follow each other without gaps from the origin on.

    Attributes:
        damage: spans that could not be decoded; filled when the last piece has been taken.
        channel: the one that is heard where a mix to mono would cancel all, from 0; else None.
    """

    def __init__(
        self,
        path: str | Path,
        rate_hz: int,
        origin_s: Fraction,
        channels: int = 1,
        *,
        track: int | None = None,
        clock: Shortened | None = None,
    ) -> None:
        """Check that there is audio.

        Args:
            path: the media file.
            rate_hz: samples a second to resample to.
            origin_s: the stamp, on the file's clock, at which the first sample lies.
            channels: 1 to mix down to mono, 2 for stereo.
            track: as of `container.audio_stream`.
            clock: whose dead time is left out; where it is not known yet, iterating raises
                `LongSilenceError`. By default all silence is filled in, however long.

        Raises:
            VideoError: the file cannot be opened or holds no audio that can be decoded.
        """
        self.damage: tuple[Damage, ...] = ()
        self._path = path
        self._rate_hz = rate_hz
        self._origin = origin_s
        self._channels = channels
        self._track = track
        self._clock = clock
        with open_source(path) as container:
            if audio_stream(container, track) is None:
                raise VideoError(f"{path} holds no audio that can be decoded; do without audio")
        self.channel = single_channel(path, track) if channels == 1 else None

    def __iter__(self) -> Iterator[Samples]:
        """All pieces; the file is opened anew."""
        with open_source(self._path) as container:
            line = _Line(self._channels, self._clock)
            for at, samples in self._placed(container):
                clock = self._clock or Shortened()
                for start, end in clock.heard(at, at + samples.shape[1], self._rate_hz):
                    yield from line.lay(start, samples[:, start - at : end - at], self._rate_hz)

    def _placed(self, container: InputContainer) -> Iterator[tuple[int, Samples]]:
        """Resampled pieces, each with the index of the sample at which it ought to begin."""
        stream: Any = audio_stream(container, self._track)
        end = declared_end(container, stream)
        log = DamageLog(Fraction(1024, stream.codec_context.sample_rate or 48000))
        placer = _Placer(self._rate_hz, self._channels, self._origin, log, end, self.channel)
        for step in decoded(container, stream):
            if step.fault is not None:
                log.fault(step.fault)
                placer.resync = placer.resync or step.fault.sure
            for frame in step.frames:
                if frame.samples and frame.sample_rate:
                    yield from placer.add(frame)
            if self._clock and self._clock.ended(float(placer.reached - self._origin)):
                end = None
                break
        yield from placer.finish()
        reached = placer.reached
        cut_off = end is not None and declares_stream_end(stream) and end - reached > 1
        log.finish(reached, end if cut_off else None)
        self.damage = log.on_clock(self._origin)


class _Line:
    """Lays pieces end to end: silence into gaps, nothing of what overlaps or comes too early."""

    def __init__(self, channels: int, clock: Shortened | None = None) -> None:
        self.channels = channels
        self.clock = clock
        self.position = 0

    def lay(self, at: int, samples: Samples, rate_hz: int) -> Iterator[Samples]:
        if self.clock is not None:
            at = round(float(self.clock.shorter(at / rate_hz)) * rate_hz)
            if at - self.position > LONG_SILENCE_S * rate_hz and not self.clock.known:
                raise LongSilenceError
        while self.position < at:
            silent = min(at - self.position, rate_hz)
            self.position += silent
            yield np.zeros((self.channels, silent), np.float32)
        rest = samples[:, self.position - at :]
        if rest.shape[1]:
            self.position += rest.shape[1]
            yield rest


class _Placer:
    """Resamples decoded frames and says where each piece belongs.

    Frames whose stamps follow from one another form a run, which goes through one resampler and
    lies without a seam. A new run begins at a change of format, and at a gap or overlap that the
    frame after confirms; a single stamp out of line is not believed.
    """

    def __init__(
        self,
        rate_hz: int,
        channels: int,
        origin: Fraction,
        log: DamageLog,
        declared_end: Fraction | None,
        channel: int | None = None,
    ) -> None:
        self.rate_hz = rate_hz
        self.channels = channels
        self.origin = origin
        self.log = log
        self.declared_end = declared_end
        self.channel = channel
        self.reached = origin
        """Where the audio so far ends, on the file's clock."""
        self.resync = False
        """Whether something was lost, so that the next stamp is to be believed to the sample."""
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._position = 0
        self._drift = 0.0
        self._leap = Fraction(0)
        self._doubtful: AudioFrame | None = None

    def add(self, frame: AudioFrame) -> Iterator[tuple[int, Samples]]:
        """Take the next decoded frame; yield what the resampler gives so far."""
        if self._doubtful is not None:
            confirmed = _follows(self._doubtful, frame)
            doubtful, self._doubtful = self._doubtful, None
            yield from self._put(doubtful, self._off(doubtful) if confirmed else Fraction(0))
        off = self._off(frame)
        tolerated = Fraction(1, 1000) if self.resync else GAP_S
        if self._format is not None and abs(off) > tolerated:
            self._doubtful = frame
        else:
            yield from self._put(frame, off)

    def finish(self) -> Iterator[tuple[int, Samples]]:
        """Yield what is still held, once there are no more frames."""
        if self._doubtful is not None:
            yield from self._put(self._doubtful, Fraction(0))
        yield from self._flush()

    def _put(self, frame: AudioFrame, off: Fraction) -> Iterator[tuple[int, Samples]]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        apart = abs(off) > (Fraction(1, 1000) if self.resync else GAP_S)
        if self._resampler is None or kind != self._format or apart:
            yield from self._flush()
            self._leap = max(off, Fraction(0))
            self._begin(kind, self.reached + off)
            off = Fraction(0)
        self.resync = False
        self._drift += (float(off) - self._drift) / DRIFT_FRAMES
        self.log.period = Fraction(frame.samples, frame.sample_rate)
        self.log.shown(self.reached, key=True, corrupt=frame.is_corrupt)
        self.reached += self.log.period
        frame.pts = None
        assert self._resampler is not None
        for piece in self._resampler.resample(frame):
            yield self._next(self._undrifted(self._array(piece)))

    def _flush(self) -> Iterator[tuple[int, Samples]]:
        """End the run: yield what the resampler still holds."""
        if self._resampler is not None:
            for piece in self._resampler.resample(None):
                if piece is not None:
                    yield self._next(self._array(piece))
        self._resampler = None

    def _begin(self, kind: tuple[str, str, int], at: Fraction) -> None:
        self._format = kind
        layout = "stereo" if self.channels == 2 else "mono"
        self._resampler = mixer(layout if self.channel is None else kind[1], self.rate_hz)
        self.reached = at
        self._position = round((at - self.origin) * self.rate_hz)
        self._drift = 0.0

    def _off(self, frame: AudioFrame) -> Fraction:
        """How far the stamp lies after the end of the audio so far; 0 if not to be believed."""
        if frame.pts is None or frame.time_base is None:
            return Fraction(0)
        stamp = frame.pts * Fraction(frame.time_base)
        off = stamp - self.reached
        if self._format is None:
            return off
        too_late = (
            self.declared_end is not None and off > FAR_AHEAD_S and stamp > self.declared_end + 1
        )
        # Back to where the stamps were before they leapt ahead is no clock that was set back.
        returns = abs(off + self._leap) < SET_BACK_S
        set_back = off < -SET_BACK_S and not returns
        return Fraction(0) if too_late or set_back else off

    def _array(self, frame: AudioFrame) -> Samples:
        samples = np.asarray(frame.to_ndarray(), np.float32)
        if self.channel is None:
            return samples
        return np.asarray(samples[min(self.channel, len(samples) - 1)][None])

    def _next(self, samples: Samples) -> tuple[int, Samples]:
        at = self._position
        self._position += samples.shape[1]
        return at, samples

    def _undrifted(self, samples: Samples) -> Samples:
        """Stretch a piece by the average drift, once that is worth it."""
        length = samples.shape[1]
        if abs(self._drift) < DRIFT_S or length < 2:
            return samples
        limit = length // 10
        more = max(-limit, min(limit, round(self._drift * self.rate_hz)))
        self._drift -= more / self.rate_hz
        self.reached += Fraction(more, self.rate_hz)
        places = np.linspace(0, length - 1, length + more)
        known = np.arange(length)
        return np.stack([np.interp(places, known, row) for row in samples]).astype(np.float32)


def _follows(frame: AudioFrame, later: AudioFrame) -> bool:
    """Whether the stamps of two frames fit together, up to `GAP_S`."""
    if frame.pts is None or later.pts is None or frame.time_base is None:
        return False
    apart = (later.pts - frame.pts) * Fraction(frame.time_base)
    return abs(apart - Fraction(frame.samples, frame.sample_rate)) <= GAP_S


def audio_spans(path: str | Path, origin_s: Fraction, track: int | None = None) -> list[Gap]:
    """Spans with audio in seconds from the origin, in order of time; nothing is decoded."""
    spans: list[list[Fraction]] = []
    with open_source(path) as container:
        stream: Any = audio_stream(container, track)
        take_only(container, stream)
        codec = stream.codec_context
        longest = Fraction(codec.frame_size, codec.sample_rate or 1) or LONGEST_PACKET_S
        for packet in stamped(container, stream):
            if not packet.size:
                continue
            start = (packet.pts or 0) * Fraction(packet.time_base) - origin_s
            # In mp4 files the packet before a hole claims to last through it.
            end = start + min((packet.duration or 0) * Fraction(packet.time_base), longest)
            if spans and start - spans[-1][0] >= 0 and start - spans[-1][1] <= 1:
                spans[-1][1] = max(spans[-1][1], end)
            else:
                spans.append([start, end])
    return [Gap(float(start), float(end)) for start, end in sorted(spans)]
