"""A small data set in Ego4D's own layout: drawn faces and voices whose looks and talk are known.

Below the output folder: `json/av_train.json`, `json/av_val.json`, `csv/manifest.csv`, lists of
clips `split/{train,val,full}.list`, and `videos/<clip_uid>.mp4` at 30 frames a second with audio.
One of the clips has no audio. Where asked for, there are clips of a test too, with
`json/av_test_unannotated.json` and `split/test.list`, and instead of clips the full-length videos
`full_scale/<video_uid>.mp4`. Whatever is trained or measured on it says that the chain works, and
nothing of real people.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MultipleOf

from eyeline import pool
from eyeline.bounds import Count, Jobs, Whole
from eyeline.datasets.items import checked, size_of
from eyeline.evaluation import tables
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
    splits = ("train", clips, 0), ("val", val_clips, clips), ("test", test_clips, clips + val_clips)
    drawn = [clip for split in splits for clip in _drawn(*split, seed, frames, width_px)]
    films: dict[str, list[_Clip]] = {}
    for clip in drawn:
        films.setdefault(clip.video_uid if full_length else clip.uid, []).append(clip)
    videos = "full_scale" if full_length else "videos"
    with atomic_dir(Path(out)) as folder:
        made(folder / videos)
        for name in dict.fromkeys((*(clip.split for clip in drawn), "full")):
            own = [clip.uid for clip in drawn if name in (clip.split, "full")]
            write_bytes(folder / "split" / f"{name}.list", "\n".join(own).encode())
        uids = [*dict.fromkeys(clip.video_uid for clip in drawn)]
        places = [f"s3://made/full_scale/{uid}" for uid in uids]
        manifest = dict(zip(MANIFEST, (uids, places), strict=True))
        tables.write(folder / "csv" / "manifest.csv", manifest)
        noted: dict[str, dict[str, Any]] = {}
        work = [(*film, folder / videos) for film in films.items()]
        for documents in pool.parallel_map(_write_film, work, jobs):
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
    """What happens in a clip, as `run` draws it; places from 0, those to train on first."""
    rng, height_px = np.random.default_rng([seed, place, 0]), 2 * (width_px * 9 // 32)
    return draw_scene(rng, frames, width_px, height_px, talk=not silent)


def _drawn(
    split: str, count: int, first: int, seed: int, frames: int, width_px: int
) -> list[_Clip]:
    rng = np.random.default_rng([seed, first, 99])
    uids = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(2 * count)]
    videos = [divmod(k, _CLIPS_A_VIDEO) for k in range(count)]
    return [
        _Clip(uids[k], uids[count + video], split, first + k, part, seed, frames, width_px)
        for k, (video, part) in enumerate(videos)
    ]


def _write_film(name: str, clips: list[_Clip], videos: Path) -> list[dict[str, Any]]:
    """Write a video of some clips, one after the other; their annotations."""
    shown = [_shown(clip) for clip in clips]
    heard = [audio for _, _, audio, _ in shown]
    audio = videos / f".{name}.wav"
    if any(part.any() for part in heard):
        write_wav(audio, pcm16(np.concatenate(heard)), AUDIO_HZ)
    scene, count = shown[0][0], sum(clip.frames for clip in clips)
    frames = chain.from_iterable(stills for _, stills, _, _ in shown)
    size, own = (scene.width_px, scene.height_px), audio if audio.is_file() else None
    try:
        write_video(videos / f"{name}.mp4", frames, size, count, RATE_HZ, own)
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
        # without looks, and without whom talk is for
        talk = document["social_segments_talking"]
        talk = [{k: v for k, v in s.items() if k not in ("target", "is_at_me")} for s in talk]
        document |= {"social_segments_looking": None, "social_segments_talking": talk}
    return scene, frames, np.zeros_like(heard.audio) if silent else heard.audio, document


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
