"""One video to its folder of a prepared data set, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.datasets import prepare
from eyeline.datasets.prepare import LOCKS, Outcome, Status, size_and_hash
from eyeline.errors import DataError
from eyeline.files import atomic_dir, clear
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_anticipation.recordings import store
from eyeline.systems.gaze_anticipation.recordings.footage import (
    Pcm,
    find_frames,
    read_pcm,
    to_floats,
)
from eyeline.systems.gaze_anticipation.recordings.labels import UNTRACKED, gaps
from eyeline.systems.gaze_anticipation.recordings.raw import Raw
from eyeline.systems.gaze_anticipation.recordings.store import (
    AUDIO,
    INDEX,
    VIDEOS,
    Content,
    Media,
    PreparedVideo,
    open_video,
)
from eyeline.systems.gaze_anticipation.windows import spectrogram
from eyeline.systems.gaze_anticipation.windows.sampling import timing_of
from eyeline.video.reader import probe

RATE_OFF = 0.002
"""Share by which a video's rate may differ: 29.97 passes for 30."""
SHORT_S = 1.0
"""By which audio may end before the image; the rest is silent."""

_COLUMN = spectrogram.AUDIO_HZ // spectrogram.COLUMNS_S
_MINUTE = 60 * spectrogram.AUDIO_HZ


@dataclass(frozen=True)
class Settings:
    """How videos are prepared."""

    fill_silence: bool = False
    """Take videos whose audio is missing or ends too early; the rest is silent."""


def attempt(raw: Raw, out: Path, settings: Settings) -> Outcome:
    """Prepare one video below `out`; what it can cause becomes an outcome.

    One that was prepared of the same files is kept. Its folder appears when it is whole, so a run
    that was stopped has lost no more than the video under way.
    """

    def work() -> Outcome:
        raw.ready()
        source = _source(raw)
        return _kept(out, raw, source, settings) or _prepare(raw, out, settings, source)

    return prepare.attempt(raw.video, work, out / LOCKS / f"{raw.video}.lock")


def _prepare(
    raw: Raw, out: Path, settings: Settings, source: Sequence[Mapping[str, Any]]
) -> Outcome:
    folder = out / VIDEOS / raw.video
    clear(folder)
    with atomic_dir(folder) as place:
        content = _content(raw, settings, place)
        card = {"source": source, "settings": asdict(settings), **content.card}
        store.write_index(place, out, replace(content, card=card))
    return _outcome(open_video(out, raw.video), "done")


def _content(raw: Raw, settings: Settings, place: Path) -> Content:
    """All that is known of a video; its audio is written."""
    timing = timing_of(raw.dataset)
    result = [(path, start, find_frames(path)) for path, start in raw.media]
    for path, _, frames in result:
        if abs(float(frames.rate_hz) / timing.fps - 1) > RATE_OFF:
            raise DataError(
                f"{path}: its frame rate is {float(frames.rate_hz):.3f}; labels and steps of "
                f"{raw.dataset} are for {timing.fps} frames a second. Convert the video first, for "
                f"example by: ffmpeg -i IN -r {timing.fps} OUT"
            )
    info = probe(result[0][0])
    gaze = raw.labels(result[0][2])
    audios = [
        _samples(raw.audio, path, start or 0, frames.duration_s, settings)
        for path, start, frames in result
    ]
    media = [
        Media(path, frames, _columns(len(samples)), start, raw.audio)
        for (path, start, frames), samples in zip(result, audios, strict=True)
    ]
    _write_audio(place / AUDIO, audios)
    whole = media[0].start_s is None
    heads = _heads(audios[0]) if whole else {}
    counts = {
        "frames": sum(len(m.frames) for m in media),
        "seconds": round(sum(m.frames.duration_s for m in media), 3),
        "sound_s": round(sum(map(len, audios)) / spectrogram.AUDIO_HZ, 3),
        "gaze": gaze.counts(),
    }
    card = {
        "counts": counts,
        "notes": [*gaze.notes, *_notes(media, audios, gaze.kind)],
        "gaps": gaps(gaze, timing.fps, result[0][2].duration_s) if whole else [],
    }
    size = (info.width_px, info.height_px)
    return Content(raw.video, raw.dataset, media, gaze, size, heads, card)


def _samples(
    beside: Path | None, video: Path, start_s: int, image_s: float, settings: Settings
) -> Pcm:
    """Audio `(n,)`, 24 kHz, from the first frame on, no longer than the frames.

    DataError where there is none, or too little of it, and silence is not to fill it.
    """
    most = round(image_s * spectrogram.AUDIO_HZ)
    result = read_pcm(video, beside, spectrogram.AUDIO_HZ, start_s=start_s, most=most)
    lacking = image_s - len(result) / spectrogram.AUDIO_HZ
    if lacking > SHORT_S and not settings.fill_silence:
        short = f"its audio ends {lacking:.2f} s before the image"
        raise DataError(
            f"{beside or video}: {short if len(result) else 'it has no audio'}; put "
            "missing_audio/<uid>.wav beside, or let silence fill it (fill_silence=true)"
        )
    return result


def _columns(samples: int) -> int:
    return 1 + (samples - 1) // _COLUMN if samples else 0


def _write_audio(path: Path, audios: Sequence[Pcm]) -> None:
    """The spectrograms of all files, one after the other, worked out in pieces."""
    columns = sum(_columns(len(samples)) for samples in audios)
    if not columns:
        return
    written = np.lib.format.open_memmap(
        path, "w+", np.dtype(np.float32), (columns, spectrogram.ROWS)
    )
    at = 0
    for samples in audios:
        starts = range(0, len(samples), _MINUTE)
        blocks = (to_floats(samples[start : start + _MINUTE]) for start in starts)
        for piece in spectrogram.pieces(blocks):
            written[at : at + len(piece)] = piece
            at += len(piece)
    written.flush()


def _heads(samples: Pcm) -> dict[int, Floats]:
    """First columns of clips that begin at a whole second."""
    last = (len(samples) - 256) // spectrogram.AUDIO_HZ
    if last < 0:
        return {}
    begin = [samples[s * spectrogram.AUDIO_HZ :][:256] for s in range(last + 1)]
    result = spectrogram.first_columns(to_floats(np.stack(begin)))
    return dict(enumerate(result))


def _notes(media: Sequence[Media], audios: Sequence[Pcm], kind: Ints) -> Iterator[str]:
    silent = sum(
        m.frames.duration_s - len(s) / spectrogram.AUDIO_HZ
        for m, s in zip(media, audios, strict=True)
    )
    if silent > 1 / 30:
        yield f"the last {silent:.2f} s are silent"
    many = int((kind == UNTRACKED).sum())
    if many:
        yield f"{many} of {len(kind)} frames have no gaze"
    whole = media[0].start_s is None
    if whole and len(kind) < len(media[0].frames):
        yield f"labels end {len(media[0].frames) - len(kind)} frames before the video"


def _outcome(video: PreparedVideo, status: Status) -> Outcome:
    size = sum(path.stat().st_size for path in video.folder.iterdir())
    counts, notes = {**video.card["counts"], "size_bytes": size}, tuple(video.card["notes"])
    words = ", ".join((f"{counts['frames']} frames", *notes))
    return Outcome(video.video, status, words, counts, notes)


def _source(raw: Raw) -> list[dict[str, Any]]:
    """What distinguishes this video's files from others."""
    result = []
    for path in raw.files:
        if not path.is_file():
            raise DataError(f"{raw.video}: {path} is missing")
        size, digest = size_and_hash(path)
        result.append({"name": path.name, "bytes": size, "ends_sha256": digest})
    return result


def _kept(
    out: Path, raw: Raw, source: Sequence[Mapping[str, Any]], settings: Settings
) -> Outcome | None:
    """A video that is there and whole, if it was prepared from the same in the same way."""
    if not (out / VIDEOS / raw.video / INDEX).is_file():
        return None
    try:
        result = open_video(out, raw.video)
        result.check()
    except DataError:
        return None
    if result.card.get("source") != source or result.card.get("settings") != asdict(settings):
        return None
    return None if _lacks(result, raw) else _outcome(result, "kept")


def _lacks(prepared: PreparedVideo, raw: Raw) -> bool:
    """Whether an index of an earlier version lacks what is stored today."""
    audio = any(media.audio for media in prepared.media)
    return audio != (raw.audio is not None) or (
        raw.dataset == "aria" and prepared.gaze.time_ns is None
    )
