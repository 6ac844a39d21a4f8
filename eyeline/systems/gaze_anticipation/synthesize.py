"""A small data set in the layout of Ego4D's gaze: drawn recordings whose sounds draw the eyes.

Below the output folder: `full_scale.gaze/<uid>.mp4` at 30 frames a second with audio,
`gaze/<uid>.csv`, `ego4d_gaze_untracked.csv`, and the lists `train_ego4d_gaze.csv` and
`test_ego4d_gaze.csv`, whose clips are cut by the published rule. The gaze of some videos is lost
for some seconds, or ends before the video does, and the audio of some lies in
`missing_audio/<uid>.wav`. Whatever is trained or measured on it says that the chain works, and
nothing of real people.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MultipleOf

from eyeline.bounds import Jobs, Whole
from eyeline.datasets.items import checked, size_of, work_on
from eyeline.files import atomic_dir, made, write_bytes
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.synthetic.film import write_video
from eyeline.systems.gaze_anticipation.recordings import clips
from eyeline.systems.gaze_anticipation.recordings.clips import UNTRACKED
from eyeline.systems.gaze_anticipation.synthetic.filming import hear, height_of, images
from eyeline.systems.gaze_anticipation.synthetic.scenes import KINDS, RATE_HZ, Scene, draw_scene
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ
from eyeline.video.audio import pcm16, write_wav

TRAIN, TEST, SECONDS, WIDTH_PX, THINGS = 8, 4, 30, 272, 3
"""By default: videos to train and to test on, seconds and pixels of each, things in each."""
HEADER = (
    "component_idx",
    "component_timestamp_s",
    "canonical_timestamp_s",
    "world_index",
    "confidence",
    "norm_pos_x",
    "norm_pos_y",
)
"""Of a file of gaze: the first columns as published."""

_APART, _LOST, _SHORT = 1, 2, 3
"""Places of the videos whose audio is apart, whose gaze is lost for a while, and ends early."""
_LOST_S, _EARLY_S = (6, 8), 1.2
_LONGER = 3
"""Rows of gaze after the last frame: published labels end two rows before the file does."""


@dataclass(frozen=True)
class _Video:
    """One to be created; drawn anew from the seed in every process."""

    uid: str
    split: str
    place: int
    """Among those of its split, from 0."""
    seed: tuple[int, ...]
    seconds: int
    width_px: int
    things: int


@checked
def run(
    out: Path | str,
    *,
    seed: Whole = 0,
    videos: Annotated[int, Ge(1), Le(10_000)] = TRAIN,
    test_videos: Annotated[int, Ge(1), Le(10_000)] = TEST,
    seconds: Annotated[int, Ge(10), Le(3600)] = SECONDS,
    width_px: Annotated[int, Ge(64), Le(2048), MultipleOf(2)] = WIDTH_PX,
    things: Annotated[int, Ge(2), Le(KINDS)] = THINGS,
    jobs: Jobs = 1,
    log: Log | None = None,
) -> dict[str, Any]:
    """Write a data set; the same for the same arguments. Returns where it lies and how much it is.

    Args:
        out: a folder that is empty or not there yet.
        seed: of everything that is drawn.
        videos: to train on.
        test_videos: to test on.
        seconds: length of each; a clip is five of them.
        width_px: of an image, even; its height is about the same.
        things: that lie about in each.
        jobs: videos created at the same time, a process each.
        log: receives every video.
    """
    drawn = [
        _Video(uid, split, k, (seed, part, k), seconds, width_px, things)
        for part, (split, count) in enumerate((("train", videos), ("test", test_videos)))
        for k, uid in enumerate(_uids((seed, part), count))
    ]
    with atomic_dir(Path(out)) as folder:
        for name in ("full_scale.gaze", "gaze", "missing_audio"):
            made(folder / name)
        list(work_on(_write, [(video, folder) for video in drawn], log, str, jobs=jobs))
        counts = _write_lists(folder, drawn)
        size = size_of(folder)
    return {
        "folder": str(out),
        "videos": videos,
        "test_videos": test_videos,
        "clips": counts["train"],
        "test_clips": counts["test"],
        "frames": seconds * RATE_HZ * len(drawn),
        "bytes": size,
    }


def scene_of(seed: int, split: str, place: int, seconds: int, things: int = THINGS) -> Scene:
    """What happens in the `place`-th video of a split, `train` or `test`, as `run` draws it."""
    part = clips.SPLITS.index(split)
    return draw_scene(np.random.default_rng([seed, part, place, 0]), seconds, things)


def _uids(seed: Sequence[int], count: int) -> list[str]:
    rng = np.random.default_rng([*seed, 99])
    return [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(count)]


def _write(video: _Video, folder: Path) -> str:
    scene, film, audio, eyes = (np.random.default_rng([*video.seed, k]) for k in range(4))
    seen = draw_scene(scene, video.seconds, video.things)
    apart = _odd(video) == _APART
    wav = folder / "missing_audio" / f"{video.uid}.wav"
    write_wav(wav, pcm16(hear(audio, seen)), AUDIO_HZ)
    try:
        path = folder / "full_scale.gaze" / f"{video.uid}.mp4"
        size = (video.width_px, height_of(video.width_px))
        shown = images(film, seen, video.width_px)
        write_video(path, shown, size, video.seconds * RATE_HZ, RATE_HZ, None if apart else wav)
    finally:
        if not apart:
            wav.unlink()
    write_bytes(folder / "gaze" / f"{video.uid}.csv", _gaze_rows(eyes, video, seen.gaze).encode())
    return video.uid


def _odd(video: _Video) -> int:
    """What is odd about it, if anything; every fifth video to train on has its turn."""
    return video.place % 5 if video.split == "train" else 0


def _gaze_rows(rng: np.random.Generator, video: _Video, gaze: Floats) -> str:
    """The rows of a video: one a frame, a little late; none where the gaze is lost."""
    gaze = np.concatenate([gaze, np.repeat(gaze[-1:], _LONGER, axis=0)])
    time_s = np.arange(len(gaze)) / RATE_HZ
    kept = np.ones(len(gaze), bool)
    if _odd(video) == _LOST:
        kept &= (time_s < _LOST_S[0]) | (time_s >= _LOST_S[1])
    elif _odd(video) == _SHORT:
        kept &= time_s < time_s[-1] - _EARLY_S
    said_s = time_s + rng.uniform(0, 0.004, len(gaze))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for k in np.flatnonzero(kept):
        at, (x, y) = f"{said_s[k]:.6f}", gaze[k]
        writer.writerow([0, at, at, k, f"{rng.uniform(0.9, 1):.2f}", f"{x:.6f}", f"{1 - y:.6f}"])
    return text.getvalue()


def _write_lists(folder: Path, drawn: Sequence[_Video]) -> dict[str, int]:
    """Lists of clips and of untracked spans; how many clips each split has."""
    lost = {video.uid: _LOST_S for video in drawn if _odd(video) == _LOST}
    rows = [f"{uid},{_clock(first)},{_clock(last)},1\n" for uid, (first, last) in lost.items()]
    write_bytes(folder / UNTRACKED, "".join(rows).encode())
    counts = {}
    for split in clips.SPLITS:
        result = [
            clip
            for video in drawn
            if video.split == split
            for clip in clips.cut(
                "ego4d", video.uid, video.seconds, [lost[video.uid]] if video.uid in lost else ()
            )
        ]
        counts[split] = len(result)
        write_bytes(folder / f"{split}_ego4d_gaze.csv", clips.as_released(result))
    return counts


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
