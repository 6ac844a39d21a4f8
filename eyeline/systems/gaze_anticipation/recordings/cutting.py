"""Clips as files of their own, and all else that the original reads, in its layout."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from eyeline.errors import DataError, EyelineError
from eyeline.files import made, replacing, write_bytes
from eyeline.systems.gaze_anticipation.recordings.clips import CLIP_S, Clip
from eyeline.systems.gaze_anticipation.recordings.footage import Pcm, Videos, read_pcm, to_floats
from eyeline.systems.gaze_anticipation.recordings.store import Media, PreparedVideo, open_video
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ, spectrogram
from eyeline.video.audio import has_audio, write_wav
from eyeline.video.reader import probe
from eyeline.video.writer import VideoWriter

CLIPS = {"ego4d": "clips.gaze", "aria": "clips"}
"""Folders of clips, as the original has them."""
LABELS, AUDIO, SPECTROGRAMS = "gaze_frame_label", "clips.audio_24kHz", "clips.audio_24kHz_stft"
LOADED = {"ego4d": "clips.gaze.audio_stft"}
"""Where the original reads the spectrograms of Ego4D, which its scripts write elsewhere."""

_CLIP_HZ = 44_100


@dataclass(frozen=True)
class Written:
    """What became of the clips of one video."""

    video: str
    words: str
    failed: bool = False


def write_clips(
    root: Path, video: str, clips: Sequence[Clip], original_layout: bool = False
) -> Written:
    """Write clips of one video below `root`, as H.264 with AAC; those that are there are kept.

    The original's are of the same encoder and quality, with MP3 for audio. `original_layout` also
    writes the labels of its frames, and the audio and the spectrogram of each clip. Audio is that
    of the recording; the original takes it from its MP3.
    """
    try:
        result = open_video(root, video)
        clips_done = _write_videos(root, result, clips)
        if original_layout:
            write_bytes(root / LABELS / label_name(result), frame_labels(result).encode())
            _write_audio(root, result, clips)
    except EyelineError as error:
        return Written(video, str(error), failed=True)
    except OSError as error:
        return Written(video, f"{error.filename}: {error.strerror or error}", failed=True)
    return Written(video, f"{clips_done} clips written, {len(clips) - clips_done} kept")


def label_name(video: PreparedVideo) -> str:
    """Of the file with the labels of a video's frames."""
    return f"{video.video}{'_frame_label' if video.dataset == 'ego4d' else ''}.csv"


def frame_labels(video: PreparedVideo) -> str:
    """The labels of all frames as the original has them; only Aria's rows have times."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    gaze = video.gaze
    aria = video.dataset == "aria"
    writer.writerow(["frame", *(["timestamps_ns"] if aria else []), "x", "y", "gaze_type"])
    if aria and gaze.time_ns is None:
        raise DataError(f"video {video.video} was prepared without times: prepare it again")
    times = [[time] for time in gaze.time_ns.tolist()] if gaze.time_ns is not None else None
    for frame, ((x, y), kind) in enumerate(zip(gaze.xy.tolist(), gaze.kind.tolist(), strict=True)):
        writer.writerow([frame, *(times[frame] if times else []), x, y, kind])
    return text.getvalue()


def _write_videos(root: Path, video: PreparedVideo, clips: Sequence[Clip]) -> int:
    folder = made(root / CLIPS[video.dataset] / video.video)
    wanted = [clip for clip in clips if not _is_there(folder / clip.name, video)]
    audio = _Audio(video, _CLIP_HZ)
    videos = Videos()
    for clip in wanted:
        media = video.media[video.span(clip).media]
        if media.start_s is not None and has_audio(media.path) == video.has_audio:
            with replacing(folder / clip.name) as path:
                shutil.copyfile(media.path, path)
        else:
            _cut(video, clip, folder / clip.name, videos, audio.of(clip))
    videos.close()
    return len(wanted)


def _is_there(path: Path, video: PreparedVideo) -> bool:
    """Whether a clip was written before, with audio if the video has any."""
    return path.is_file() and (not video.has_audio or has_audio(path))


def _write_audio(root: Path, video: PreparedVideo, clips: Sequence[Clip]) -> None:
    audio = _Audio(video, AUDIO_HZ)
    for clip in clips if video.has_audio else ():
        wav, columns = (
            root / folder / video.video / Path(clip.name).with_suffix(ending)
            for folder, ending in ((AUDIO, ".wav"), (SPECTROGRAMS, ".npy"))
        )
        if wav.is_file() and columns.is_file():
            continue
        samples = audio.of(clip)
        with replacing(wav) as path:
            write_wav(path, samples, AUDIO_HZ)
        with replacing(columns) as path, path.open("wb") as file:
            np.save(file, spectrogram(to_floats(samples)))


class _Audio:
    """The audio of a video's clips; that of a whole video is read once, when it is first needed."""

    def __init__(self, video: PreparedVideo, rate_hz: int) -> None:
        self._video, self._rate_hz = video, rate_hz
        self._whole: Pcm | None = None

    def of(self, clip: Clip) -> Pcm:
        """Samples of a clip, silent where the video's audio has ended; none if it has no audio."""
        if not self._video.has_audio:
            return np.zeros(0, np.int16)
        media = self._video.media[self._video.span(clip).media]
        most = CLIP_S * self._rate_hz
        if media.start_s is not None:
            part = self._read(media, most)
        else:
            self._whole = self._read(media, None) if self._whole is None else self._whole
            part = self._whole[clip.start_s * self._rate_hz :][:most]
        return np.pad(part, (0, most - len(part)))

    def _read(self, media: Media, most: int | None) -> Pcm:
        return read_pcm(
            media.path, media.audio, self._rate_hz, start_s=media.start_s or 0, most=most
        )


def _cut(video: PreparedVideo, clip: Clip, path: Path, videos: Videos, audio: Pcm) -> None:
    media = video.media[video.span(clip).media]
    rate = media.frames.rate_hz
    numbers = np.arange(video.span(clip).frames)
    shown = numbers if media.start_s is not None else video.label_frames(clip, numbers)
    info = replace(probe(media.path), rate_hz=Fraction(rate), start_s=0.0, rotation_deg=0)
    wav = path.with_suffix(".sound.wav")
    try:
        if len(audio):
            write_wav(wav, audio, _CLIP_HZ)
        with VideoWriter(
            path, info, audio_from=wav if len(audio) else None, preset="medium", encode_threads=1
        ) as writer:
            for k, image in enumerate(videos.each(media.path, media.frames, shown)):
                writer.write(image, float(k / rate), float((k + 1) / rate))
    finally:
        wav.unlink(missing_ok=True)
