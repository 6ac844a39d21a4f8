"""A small data set in Ego4D's own layout: drawn faces and voices whose looks and talk are known.

Below the output folder: `json/av_train.json`, `json/av_val.json`, `csv/manifest.csv`, lists of
clips `split/{train,val,full}.list`, and `videos/<clip_uid>.mp4` at 30 frames a second with audio.
One of the clips has no audio. Where asked for, there are clips of a test too, with
`json/av_test_unannotated.json` and `split/test.list`, and instead of clips the full-length videos
`full_scale/<video_uid>.mp4`. Whatever is trained or measured on it says that the chain works, and
nothing of real people.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MultipleOf

from eyeline import processes
from eyeline.bounds import Count, Jobs, Whole
from eyeline.datasets.items import checked, size_of
from eyeline.files import atomic_dir, made, write_bytes, write_json
from eyeline.log import Log
from eyeline.results import Floats, Image
from eyeline.synthetic.film import write_video
from eyeline.synthetic.head import Head
from eyeline.systems.ego_social.inputs import AUDIO_HZ
from eyeline.systems.ego_social.recordings.annotations import (
    MANIFEST,
    RATE_HZ,
    UNLABELLED,
)
from eyeline.systems.ego_social.synthetic.annotators import annotation
from eyeline.systems.ego_social.synthetic.filming import images
from eyeline.systems.ego_social.synthetic.scenes import Scene, draw_scene
from eyeline.systems.ego_social.synthetic.voices import hear
from eyeline.video.audio import pcm16, write_wav

TRAIN, VAL, SECONDS, WIDTH_PX = 12, 4, 12.0, 640
"""By default: clips to train and validate on, how long each is, and how wide its image."""

FILES = {"train": "av_train.json", "val": "av_val.json", "test": UNLABELLED}
"""Of annotations, by split."""

_CLIPS_A_VIDEO = 2
_SILENT = 3
"""Place of the clip without audio and talk, where there are more to train on."""


@dataclass(frozen=True)
class _Clip:
    """A clip to be made; drawn anew from the seed in every process."""

    uid: str
    video_uid: str
    split: str
    place: int
    """Among all clips, from 0; its scene is drawn from it and the seed."""
    part: int
    """Among those of its video."""
    seed: int
    frames: int
    width_px: int


_Film = tuple[str, list[_Clip]]
"""Name and clips of a video file."""


@checked
def run(
    out: Path | str,
    *,
    seed: Whole = 0,
    clips: Count = TRAIN,
    val_clips: Count = VAL,
    seconds: Annotated[float, Ge(4), Le(300)] = SECONDS,
    width_px: Annotated[int, Ge(160), Le(2**14), MultipleOf(2)] = WIDTH_PX,
    test_clips: Whole = 0,
    full_length: bool = False,
    jobs: Jobs = 1,
    log: Log | None = None,
) -> dict[str, Any]:
    """Write a data set; the same for the same arguments.

    Args:
        out: a folder that is empty or not there yet.
        seed: of everything that is drawn.
        clips: to train on; each has persons of its own.
        val_clips: to validate on.
        seconds: length of each.
        width_px: of an image, even; its height is nine sixteenths of that.
        test_clips: whose looks and targets of talk are not told.
        full_length: write videos as they were recorded, a clip after the other, instead of clips.
        jobs: clips made at the same time, a process each.
        log: receives every clip.

    Returns:
        Where it lies and how much it is.

    Raises:
        UsageError: numbers that cannot be.
        OutputError: the folder holds something, or cannot be written.
    """
    frames = round(seconds * RATE_HZ)
    drawn = [
        *_drawn("train", clips, 0, seed, frames, width_px),
        *_drawn("val", val_clips, clips, seed, frames, width_px),
        *_drawn("test", test_clips, clips + val_clips, seed, frames, width_px),
    ]
    films = _films(drawn) if full_length else [(clip.uid, [clip]) for clip in drawn]
    videos = "full_scale" if full_length else "videos"
    with atomic_dir(Path(out)) as folder:
        made(folder / videos)
        _write_lists(folder / "split", drawn)
        _write_manifest(folder / "csv" / "manifest.csv", drawn)
        noted: dict[str, dict[str, Any]] = {}
        work = [(*film, folder / videos) for film in films]
        for documents in processes.parallel_map(_write_film, work, jobs):
            for document in documents:
                noted[document["clip_uid"]] = document
                if log:
                    log(f"[{len(noted)}/{len(drawn)}] {document['clip_uid']}")
        for split in dict.fromkeys(clip.split for clip in drawn):
            _write_annotations(folder / "json" / FILES[split], split, drawn, noted)
        size = size_of(folder)
    return {
        "folder": str(out),
        "clips": clips,
        "val_clips": val_clips,
        **({"test_clips": test_clips} if test_clips else {}),
        "frames": frames * len(drawn),
        "tracks": sum(len(p["tracking_paths"]) for d in noted.values() for p in d["persons"]),
        "looks": sum(len(d["social_segments_looking"] or ()) for d in noted.values()),
        "talks": sum(len(d["social_segments_talking"]) for d in noted.values()),
        "bytes": size,
    }


def scene_of(seed: int, place: int, frames: int, width_px: int, *, silent: bool = False) -> Scene:
    """What happens in a clip, as `run` draws it.

    Args:
        seed: of the data set.
        place: of the clip, from 0, those to train on first.
        frames: of the clip.
        width_px: of its image.
        silent: nobody talks.
    """
    rng = np.random.default_rng([seed, place, 0])
    return draw_scene(rng, frames, width_px, _height(width_px), talk=not silent)


def _height(width_px: int) -> int:
    return 2 * (width_px * 9 // 32)


def _drawn(
    split: str, count: int, first: int, seed: int, frames: int, width_px: int
) -> list[_Clip]:
    rng = np.random.default_rng([seed, first, 99])
    uids = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(2 * count)]
    return [
        _Clip(
            uids[k],
            uids[count + k // _CLIPS_A_VIDEO],
            split,
            first + k,
            k % _CLIPS_A_VIDEO,
            seed,
            frames,
            width_px,
        )
        for k in range(count)
    ]


def _films(drawn: list[_Clip]) -> list[_Film]:
    """The full-length videos, with their clips in order."""
    result: dict[str, list[_Clip]] = {}
    for clip in drawn:
        result.setdefault(clip.video_uid, []).append(clip)
    return [*result.items()]


def _write_film(name: str, clips: list[_Clip], videos: Path) -> list[dict[str, Any]]:
    """Write a video of some clips, one after the other; their annotations."""
    shown = [_shown(clip) for clip in clips]
    heard = [audio for _, _, audio, _ in shown]
    audio = videos / f".{name}.wav"
    if any(part.any() for part in heard):
        write_wav(audio, pcm16(np.concatenate(heard)), AUDIO_HZ)
    scene, count = shown[0][0], sum(clip.frames for clip in clips)
    frames = chain.from_iterable(stills for _, stills, _, _ in shown)
    try:
        write_video(
            videos / f"{name}.mp4",
            frames,
            (scene.width_px, scene.height_px),
            count,
            RATE_HZ,
            audio if audio.is_file() else None,
        )
    finally:
        audio.unlink(missing_ok=True)
    return [document for _, _, _, document in shown]


def _shown(clip: _Clip) -> tuple[Scene, Iterator[Image], Floats, dict[str, Any]]:
    """A clip's scene, images, audio, and annotation."""
    silent = clip.split == "train" and clip.place == _SILENT
    scene = scene_of(clip.seed, clip.place, clip.frames, clip.width_px, silent=silent)
    looks = np.random.default_rng([clip.seed, clip.place, 1])
    heard = hear(np.random.default_rng([clip.seed, clip.place, 2]), scene)
    frames = images(looks, scene, [Head.drawn(looks) for _ in scene.heads], heard.mouths)
    noted = np.random.default_rng([clip.seed, clip.place, 3])
    document = annotation(clip.uid, scene, clip.part * clip.frames, noted)
    if clip.split == "test":
        document = _unannotated(document)
    return scene, frames, np.zeros_like(heard.audio) if silent else heard.audio, document


def _unannotated(document: dict[str, Any]) -> dict[str, Any]:
    """A clip's entry without looks, and without whom talk is for."""
    talk = [
        {key: value for key, value in segment.items() if key not in ("target", "is_at_me")}
        for segment in document["social_segments_talking"]
    ]
    return {**document, "social_segments_looking": None, "social_segments_talking": talk}


def _write_lists(folder: Path, drawn: list[_Clip]) -> None:
    splits = dict.fromkeys(clip.split for clip in drawn)
    named = {split: [c.uid for c in drawn if c.split == split] for split in splits}
    named["full"] = [clip.uid for clip in drawn]
    for name, uids in named.items():
        write_bytes(folder / f"{name}.list", "\n".join(uids).encode())


def _write_manifest(path: Path, drawn: list[_Clip]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MANIFEST)
    for uid in dict.fromkeys(clip.video_uid for clip in drawn):
        writer.writerow([uid, f"s3://made/full_scale/{uid}"])
    write_bytes(path, text.getvalue().encode())


def _write_annotations(
    path: Path, split: str, drawn: list[_Clip], noted: Mapping[str, dict[str, Any]]
) -> None:
    videos: dict[str, list[dict[str, Any]]] = {}
    for clip in drawn:
        if clip.split == split:
            videos.setdefault(clip.video_uid, []).append(noted[clip.uid])
    rows = [{"video_uid": uid, "split": split, "clips": clips} for uid, clips in videos.items()]
    about = "synthetic; drawn faces and voices"
    write_json(path, {"version": "2.0", "description": about, "videos": rows})
