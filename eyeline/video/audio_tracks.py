"""Which audio track of a file is heard, and which of its channels: what is silent is not chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.results import Floats
from eyeline.video.container import audio_stream, open_source
from eyeline.video.decode import decoded

if TYPE_CHECKING:
    from av.audio.resampler import AudioResampler
    from av.container import InputContainer

SILENT = 1e-3
"""A track is silent if no half second of any channel is louder than this: -60 dB of full scale."""
CANCELLED = 0.02
"""Channels cancel each other if their mix has less than this fraction of the loudest one's power.
Two of which one is empty keep a quarter."""
_BLOCK_S = 0.5
_ENOUGH_BLOCKS = 60  # that are not silent, to judge the channels by
_PATIENCE = 200  # packets that give nothing before a track counts as one that cannot be decoded


@dataclass(frozen=True)
class AudioTrack:
    """What was chosen to be heard."""

    number: int | None
    """From 1, None where no track can be decoded."""
    warnings: tuple[str, ...] = ()
    """What the user ought to know of the choice."""


def choose_audio_track(path: str | Path, track: int | None = None) -> AudioTrack:
    """The user's audio track, or that of a player unless it is silent or cannot be decoded.

    A track that has no rival is taken without decoding anything.

    Raises:
        VideoError: the file cannot be opened or has no track of the user's number.
    """
    with open_source(path) as container:
        first = audio_stream(container, track)
        streams = list(container.streams.audio)
        names = {number: _name(stream) for number, stream in enumerate(streams, start=1)}
        dumb = {n for n, stream in enumerate(streams, start=1) if stream.codec_context is None}
        order = sorted(names, key=lambda number: streams[number - 1] is not first)
    rivals = [track] if track is not None else order
    heard = {n: None if n in dumb else len(rivals) == 1 or is_heard(path, n) for n in rivals}
    chosen = next((n for n in rivals if heard[n]), None)
    if chosen is None:
        chosen = next((n for n in rivals if heard[n] is False), None)
    return AudioTrack(chosen, tuple(_warnings(heard, chosen, names)))


def _warnings(
    heard: dict[int, bool | None], chosen: int | None, names: dict[int, str]
) -> Iterator[str]:
    for number, is_it in heard.items():
        if is_it is None:
            yield (
                f"audio track {number} ({names[number]}) cannot be decoded by this FFmpeg; "
                "convert it to AAC to have it analysed"
            )
        elif not is_it:
            yield f"audio track {number} ({names[number]}) is silent"
    if chosen is not None and len(heard) > 1:
        yield (
            f"audio track {chosen} of {len(heard)} ({names[chosen]}) is used; choose another with "
            "--audio-track"
        )


def _name(stream: Any) -> str:
    codec = stream.codec_context
    words = [
        "unknown codec" if codec is None else codec.codec.canonical_name,
        stream.metadata.get("language", "und").replace("und", ""),
        stream.metadata.get("title", ""),
    ]
    return ", ".join(word for word in words if word)


def is_heard(path: str | Path, track: int | None = None) -> bool | None:
    """Whether a track is not silent; None where nothing of it can be decoded.

    Decodes up to the first half second that is heard, and all of a silent track.
    """
    heard: bool | None = None
    with open_source(path) as container:
        for samples, _ in _blocks(container, track):
            heard = _loud(samples)
            if heard:
                break
    return heard


def single_channel(path: str | Path, track: int | None = None) -> int | None:
    """The loudest channel, from 0, where the mix of all cancels them; None elsewhere."""
    with open_source(path) as container:
        stream = audio_stream(container, track)
        if stream is None or stream.codec_context.channels < 2:
            return None
        powers = []
        for samples, mix in _blocks(container, track):
            if _loud(samples):
                powers.append([*(samples**2).mean(axis=1), (mix**2).mean()])
            if len(powers) == _ENOUGH_BLOCKS:
                break
    if not powers or len({len(row) for row in powers}) > 1:
        return None
    *channels, mixed = np.sum(powers, axis=0)
    return int(np.argmax(channels)) if mixed < CANCELLED * max(channels) else None


def mixer(layout: str, rate_hz: int) -> AudioResampler:
    """A resampler to a layout and rate, which mixes without changing the level."""
    from av.audio.resampler import AudioResampler

    # Without this, two equal channels mix down to 1.4 times their level.
    options = {"rematrix_maxval": "1.0"}
    return AudioResampler(format="fltp", layout=layout, rate=rate_hz, options=options)


def _loud(samples: Floats) -> bool:
    return bool(np.sqrt((samples**2).mean(axis=1)).max() > SILENT)


def _blocks(container: InputContainer, track: int | None) -> Iterator[tuple[Floats, Floats]]:
    """Half seconds `(channels, n)` as decoded, each with its mix `(1, n)` to mono."""
    kind: tuple[str, str, int] | None = None
    held: list[tuple[Floats, Floats]] = []
    for frame in _frames(container, track):
        if kind != (frame.format.name, frame.layout.name, frame.sample_rate):
            kind = frame.format.name, frame.layout.name, frame.sample_rate
            plain, mono, held = mixer(kind[1], kind[2]), mixer("mono", kind[2]), []
        frame.pts = None
        held.append((_samples(plain.resample(frame)), _samples(mono.resample(frame))))
        if sum(mix.shape[1] for _, mix in held) >= _BLOCK_S * kind[2]:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _frames(container: InputContainer, track: int | None) -> Iterator[Any]:
    """The decoded frames; none of a track whose first packets give nothing."""
    empty = 0
    for step in decoded(container, audio_stream(container, track)):
        for frame in step.frames:
            if frame.samples and frame.sample_rate:
                empty = -1
                yield frame
        if empty >= 0:
            empty += 1
        if empty > _PATIENCE:
            return


def _samples(frames: list[Any]) -> Floats:
    return np.concatenate([np.asarray(f.to_ndarray(), np.float32) for f in frames], axis=1)


def _joined(held: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    plain, mixed = zip(*held, strict=True)
    return np.concatenate(plain, axis=1), np.concatenate(mixed, axis=1)
