"""The audio of a written video: packets of the source as they are, or encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.video.container import audio_stream, open_source
from eyeline.video.decode import decoded, stamped, take_only
from eyeline.video.gaps import Shortened
from eyeline.video.pitch import pitched
from eyeline.video.placing import Pieces

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet

COPIED_CODECS = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp2", "mp3", "opus"})
"""What an mp4 file may hold and players expect in one."""
AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


LONGEST_STEP_S = 6 * 3600
"""An mp4 file cannot hold steps of audio longer than 12 hours; half of that is on the safe side."""


def first_stamp(path: str | Path, track: int | None = None) -> Fraction | None:
    """Stamp of the first sample that is heard, seconds on the file's clock; None without audio."""
    with open_source(path) as container:
        stream = audio_stream(container, track)
        if stream is None:
            return None
        for step in decoded(container, stream):
            for frame in step.frames:
                if frame.samples and frame.pts is not None:
                    return Fraction(frame.pts * frame.time_base)
    return None


def can_be_copied(path: str | Path, track: int | None = None) -> bool:
    """Whether the packets of the file's audio may go into an mp4 file as they are."""
    with open_source(path) as container:
        stream = audio_stream(container, track)
        return stream is not None and stream.codec_context.codec.canonical_name in COPIED_CODECS


class CopiedAudio:
    """Moves the packets of a file's audio into another container, re-stamped."""

    def __init__(
        self,
        path: str | Path,
        target: OutputContainer,
        origin_s: Fraction,
        track: int | None = None,
    ) -> None:
        """Open the source and add the stream.

        Args:
            path: the file whose audio is copied.
            target: the container to write to, before anything was written.
            origin_s: stamp, on the source's clock, that becomes 0; what lies before it is left out.
            track: as of `container.audio_stream`.
        """
        self._container = open_source(path)
        stream = audio_stream(self._container, track)
        assert stream is not None, path
        self._stream = target.add_stream_from_template(stream)
        tick = Fraction(stream.time_base or Fraction(1, stream.rate))
        self._earlier = round(origin_s / tick)
        self._last: int | None = None
        take_only(self._container, stream)
        self._packets = self._restamped(stream)
        self._next: Packet[Any] | None = None

    def until(self, time_s: float) -> Iterator[Packet[Any]]:
        """The packets from before a time of the written file, each once."""
        while True:
            packet = self._next if self._next is not None else next(self._packets, None)
            self._next = packet
            if packet is None or (packet.pts or 0) * packet.time_base >= time_s:
                return
            self._next = None
            packet.stream = self._stream
            yield packet

    def rest(self) -> Iterator[Packet[Any]]:
        """Nothing is held back."""
        yield from ()

    def close(self) -> None:
        """Close the source."""
        self._container.close()

    def _restamped(self, stream: AudioStream) -> Iterator[Packet[Any]]:
        for packet in stamped(self._container, stream):
            if not packet.size:
                continue
            packet.pts = (packet.pts or 0) - self._earlier
            packet.dts = packet.pts
            # Decoders need the packet before the first one that is heard; players leave out what
            # lies before 0.
            if packet.pts + 2 * (packet.duration or 0) < 0:
                continue
            if self._last is None or packet.pts > self._last:
                self._last = packet.pts
                yield packet


class EncodedAudio:
    """Encodes a file's audio to AAC, mono or stereo."""

    def __init__(
        self,
        path: str | Path,
        target: OutputContainer,
        origin_s: Fraction,
        track: int | None = None,
        clock: Shortened | None = None,
        *,
        pitch: bool = False,
    ) -> None:
        """Open the source and add the stream; the arguments are those of `CopiedAudio`.

        In dead time of `clock`, next to nothing is encoded. With `pitch` the audio is that of
        `pitch.pitched`.
        """
        with open_source(path) as container:
            stream = audio_stream(container, track)
            assert stream is not None, path
            rate_hz = stream.codec_context.sample_rate
            self._rate = rate_hz if rate_hz in AAC_RATES_HZ else 48000
            self._layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        self._stream = target.add_stream("aac", rate=self._rate)
        self._stream.codec_context.layout = self._layout
        channels = 1 if self._layout == "mono" else 2
        self._clock = clock or Shortened()
        pieces = Pieces(path, self._rate, origin_s, channels, track=track, clock=self._clock)
        self._pieces = pitched(pieces, self._rate) if pitch else iter(pieces)
        self._taken = 0
        """Samples on the shortened clock."""
        self._position = 0
        """Samples in the written file."""
        self._ended = False

    def until(self, time_s: float) -> Iterator[Packet[Any]]:
        """Packets of the audio from before a time of the written file, each once."""
        while not self._ended and self._position < time_s * self._rate:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
                yield from self._stream.encode(None)
            else:
                yield from self._over_dead_time()
                yield from self._encoded(piece)

    def rest(self) -> Iterator[Packet[Any]]:
        """What the encoder holds back of the audio that it was given."""
        if not self._ended:
            self._ended = True
            yield from self._stream.encode(None)

    def close(self) -> None:
        """Nothing is held open beyond the pieces."""

    def _over_dead_time(self) -> Iterator[Packet[Any]]:
        """Go on where the clock of the file goes on, with silence now and then on the way."""
        position = round(float(self._clock.longer(self._taken / self._rate)) * self._rate)
        silence = np.zeros((1 if self._layout == "mono" else 2, 1024), np.float32)
        while position - self._position > LONGEST_STEP_S * self._rate:
            self._position += LONGEST_STEP_S * self._rate - 1024
            yield from self._encoded(silence, taken=0)
        self._position = position

    def _encoded(self, piece: Any, taken: int | None = None) -> Iterator[Packet[Any]]:
        from av.audio.frame import AudioFrame

        samples = np.ascontiguousarray(piece)
        frame = AudioFrame.from_ndarray(samples, format="fltp", layout=self._layout)
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._position
        self._position += samples.shape[1]
        self._taken += samples.shape[1] if taken is None else taken
        yield from self._stream.encode(frame)
