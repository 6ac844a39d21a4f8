"""Clips as files of their own, for whoever needs what the original reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from eyeline.files import made
from eyeline.results import Floats
from eyeline.systems.gaze_anticipation.recordings.clips import CLIP_S, Clip
from eyeline.systems.gaze_anticipation.recordings.footage import Videos
from eyeline.systems.gaze_anticipation.recordings.store import PreparedVideo, open_video
from eyeline.systems.gaze_anticipation.windows.spectrogram import to_16_bits
from eyeline.video.made_up import write_wav
from eyeline.video.reader import probe
from eyeline.video.sound import has_sound, read_sound
from eyeline.video.writer import VideoWriter

CLIPS = {"ego4d": "clips.gaze", "aria": "clips"}
"""Folders of clips, as the original has them."""

_SOUND_HZ = 44_100


def cut_video(root: Path, video: str, clips: Sequence[Clip]) -> str:
    """Write clips of one video below `root`, as H.264 with AAC; those that are there are kept.

    The original's are of the same encoder and quality, with MP3 for sound.

    Args:
        root: prepared data set.
        video: whose clips.
        clips: of it.

    Returns:
        What was done, in words.

    Raises:
        VideoError: the video cannot be read.
        OutputError: a clip cannot be written.
    """
    found = open_video(root, video)
    folder = made(root / CLIPS[found.dataset] / video)
    wanted = [clip for clip in clips if not (folder / clip.name).is_file()]
    if wanted and found.media[0].start_s is None:
        sound = _sound(found.media[0].path)
        videos = Videos()
        for clip in wanted:
            _cut(found, clip, folder / clip.name, videos, sound)
        videos.close()
    return f"{video}: {len(wanted)} clips written, {len(clips) - len(wanted)} kept"


def _cut(found: PreparedVideo, clip: Clip, path: Path, videos: Videos, sound: Floats) -> None:
    media = found.media[0]
    rate = media.frames.rate_hz
    numbers = np.arange(found.span(clip).frames)
    shown = found.label_frames(clip, numbers)
    info = replace(probe(media.path), rate_hz=Fraction(rate), start_s=0.0, rotation_deg=0)
    part = sound[clip.start_s * _SOUND_HZ : (clip.start_s + CLIP_S) * _SOUND_HZ]
    wav = path.with_suffix(".sound.wav")
    try:
        if len(part):
            write_wav(wav, (to_16_bits(part) * 32768).astype(np.int16), _SOUND_HZ)
        with VideoWriter(
            path, info, sound_from=wav if len(part) else None, preset="medium", encode_threads=1
        ) as writer:
            for k, picture in enumerate(videos.each(media.path, media.frames, shown)):
                writer.write(picture, float(k / rate), float((k + 1) / rate))
    finally:
        wav.unlink(missing_ok=True)


def _sound(path: Path) -> Floats:
    if not has_sound(path):
        return np.zeros(0, np.float32)
    blocks = read_sound(path, _SOUND_HZ, start_s=probe(path).start_s)
    return np.concatenate([np.zeros(0, np.float32), *(block.samples for block in blocks)])
