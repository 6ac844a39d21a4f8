"""A small data set in Ego4D's own layout: drawn faces and voices whose looks and talk are known.

Below the output folder: `json/av_train.json`, `json/av_val.json`, `csv/manifest.csv`, lists of
clips `split/{train,val,full}.list`, and `videos/<clip_uid>.mp4` at 30 frames a second with sound.
One of the clips has no sound. Whatever is trained or measured on it says that the chain works, and
nothing of real people.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline import processes
from eyeline.errors import UsageError
from eyeline.files import filling, made, write_bytes, write_json
from eyeline.systems.ego_social.inputs import SOUND_HZ
from eyeline.systems.ego_social.recordings.annotations import MANIFEST, RATE_HZ
from eyeline.systems.ego_social.synthetic.annotators import annotation
from eyeline.systems.ego_social.synthetic.drawing import Look
from eyeline.systems.ego_social.synthetic.filming import pictures
from eyeline.systems.ego_social.synthetic.scenes import Scene, draw_scene
from eyeline.systems.ego_social.synthetic.voices import hear
from eyeline.video.made_up import pcm16, write_video, write_wav

TRAIN, VAL, SECONDS, WIDTH_PX = 12, 4, 12.0, 640
"""By default: clips to train and validate on, how long each is, and how wide its picture."""

_CLIPS_A_VIDEO = 2
_SILENT = 3
"""Place of the clip without sound and talk, where there are more to train on."""

Told = Callable[[str], None]


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


def run(
    out: Path | str,
    *,
    seed: int = 0,
    clips: int = TRAIN,
    val_clips: int = VAL,
    seconds: float = SECONDS,
    width_px: int = WIDTH_PX,
    jobs: int = 1,
    told: Told | None = None,
) -> dict[str, Any]:
    """Write a data set; the same for the same arguments.

    Args:
        out: a folder that is empty or not there yet.
        seed: of everything that is drawn.
        clips: to train on; each has persons of its own.
        val_clips: to validate on.
        seconds: length of each.
        width_px: of a picture, even; its height is nine sixteenths of that.
        jobs: clips made at the same time, a process each.
        told: hears of every clip.

    Returns:
        Where it lies and how much it is.

    Raises:
        UsageError: numbers that cannot be.
        OutputError: the folder holds something, or cannot be written.
    """
    if min(clips, val_clips, jobs) < 1 or not 4 <= seconds <= 300 or width_px < 160 or width_px % 2:
        raise UsageError(
            f"{clips} clips, {val_clips} to validate on, of {seconds} s and {width_px} pixels, "
            f"{jobs} jobs: 1, 1, 4 to 300 s, an even number from 160 on, and 1"
        )
    frames = round(seconds * RATE_HZ)
    drawn = [
        *_drawn("train", clips, 0, seed, frames, width_px),
        *_drawn("val", val_clips, clips, seed, frames, width_px),
    ]
    with filling(Path(out)) as folder:
        made(folder / "videos")
        _write_lists(folder / "split", drawn)
        _write_manifest(folder / "csv" / "manifest.csv", drawn)
        noted: dict[str, dict[str, Any]] = {}
        for done, document in enumerate(_all(drawn, folder / "videos", jobs), start=1):
            noted[document["clip_uid"]] = document
            if told:
                told(f"[{done}/{len(drawn)}] {document['clip_uid']}")
        for split in ("train", "val"):
            _write_annotations(folder / "json" / f"av_{split}.json", split, drawn, noted)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "folder": str(out), "clips": clips, "val_clips": val_clips, "frames": frames * len(drawn),
        "tracks": sum(len(p["tracking_paths"]) for d in noted.values() for p in d["persons"]),
        "looks": sum(len(d["social_segments_looking"]) for d in noted.values()),
        "talks": sum(len(d["social_segments_talking"]) for d in noted.values()),
        "bytes": size,
    }  # fmt: skip


def scene_of(seed: int, place: int, frames: int, width_px: int, *, silent: bool = False) -> Scene:
    """What happens in a clip, as `run` draws it.

    Args:
        seed: of the data set.
        place: of the clip, from 0, those to train on first.
        frames: of the clip.
        width_px: of its picture.
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
        _Clip(uids[k], uids[count + k // _CLIPS_A_VIDEO], split, first + k, k % _CLIPS_A_VIDEO,
              seed, frames, width_px)
        for k in range(count)
    ]  # fmt: skip


def _all(drawn: list[_Clip], videos: Path, jobs: int) -> Iterator[dict[str, Any]]:
    """The annotations of all clips as they are written, in any order."""
    return processes.here_or_beside(_write_clip, [(clip, videos) for clip in drawn], jobs)


def _write_clip(clip: _Clip, videos: Path) -> dict[str, Any]:
    """Write the video of a clip; its annotation."""
    silent = clip.split == "train" and clip.place == _SILENT
    scene = scene_of(clip.seed, clip.place, clip.frames, clip.width_px, silent=silent)
    looks = np.random.default_rng([clip.seed, clip.place, 1])
    heard = hear(np.random.default_rng([clip.seed, clip.place, 2]), scene)
    frames = pictures(looks, scene, [Look.drawn(looks) for _ in scene.heads], heard.mouths)
    sound = videos / f".{clip.uid}.wav"
    if not silent:
        write_wav(sound, pcm16(heard.sound), SOUND_HZ)
    try:
        _write_video(videos / f"{clip.uid}.mp4", scene, frames, None if silent else sound)
    finally:
        sound.unlink(missing_ok=True)
    noted = np.random.default_rng([clip.seed, clip.place, 3])
    return annotation(clip.uid, scene, clip.part * clip.frames, noted)


def _write_video(
    path: Path, scene: Scene, frames: Iterator[Any], sound: Path | None
) -> None:  # fmt: skip
    size = (scene.width_px, scene.height_px)
    write_video(path, frames, size, scene.frames, RATE_HZ, sound)


def _write_lists(folder: Path, drawn: list[_Clip]) -> None:
    named = {split: [c.uid for c in drawn if c.split == split] for split in ("train", "val")}
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
    about = "made up; drawn faces and voices"
    write_json(path, {"version": "2.0", "description": about, "videos": rows})
