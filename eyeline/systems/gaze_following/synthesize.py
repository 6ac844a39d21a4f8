"""A small data set in the layout of VideoGazeSpeech: drawn conversations of which all is known.

Below the output folder lie the annotations in the published forms, `GT_label_all_videoFormat.txt`
with points, `coco-*/annotations/instances_{train,val,test}2017.json` and `GT_label_all.zip` with
boxes; what programs
would predict, with errors as of `synthetic.tables`: `candidates.csv`, `directions.csv`; who truly
speaks, `speakers.csv`; `sizes.csv`, the lists `{train,validation,test}.txt`; and the files of
`synthetic.writing`. Whatever is trained or measured on it says that the chain works, and nothing of
real people.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MultipleOf

from eyeline.bounds import Count, Jobs, Whole
from eyeline.datasets.items import checked, size_of, work_on
from eyeline.errors import UsageError
from eyeline.files import atomic_dir, made, write_json
from eyeline.log import Log
from eyeline.synthetic.voice import AUDIO_HZ
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import texts, voc
from eyeline.systems.gaze_following.datasets.voc import SPLITS
from eyeline.systems.gaze_following.detector import coco
from eyeline.systems.gaze_following.detector.weights import FUSION_WORDS
from eyeline.systems.gaze_following.matching import data
from eyeline.systems.gaze_following.synthetic import drawing, talk, writing
from eyeline.systems.gaze_following.synthetic.gaze import KINDS
from eyeline.systems.gaze_following.synthetic.scenes import Scene, draw_scene
from eyeline.systems.gaze_following.synthetic.tables import Tables, tables
from eyeline.systems.gaze_following.synthetic.talk import RATE_HZ
from eyeline.video.audio import pcm16, write_wav

TRAIN, VALIDATION, TEST = 18, 4, 8
"""By default: videos to train, validate and test on."""

VOC = "GT_label_all.zip"


@dataclass(frozen=True)
class _Video:
    """A video to write; drawn anew from the seed in every process."""

    name: str
    split: str
    place: int
    seed: int
    frames: int
    width_px: int
    look_every: int
    image_every: int


@checked
def run(
    out: Path | str,
    *,
    seed: Whole = 0,
    videos: Count = TRAIN,
    validation_videos: Count = VALIDATION,
    test_videos: Count = TEST,
    seconds: Annotated[float, Ge(2), Le(40)] = 8.0,
    width_px: Annotated[int, Ge(160), Le(2**14), MultipleOf(2)] = 480,
    look_every: Count = 5,
    image_every: Count = 25,
    jobs: Jobs = 1,
    log: Log | None = None,
) -> dict[str, Any]:
    """Write a data set; the same for the same arguments.

    Args:
        out: a folder that is empty or not there yet.
        seed: of everything that is drawn.
        videos: to train on; each has other people, another room and another camera.
        validation_videos: to validate on.
        test_videos: to test on.
        seconds: length of each, at most 40 (frames have three digits).
        width_px: of an image, even; its height is nine sixteenths of that.
        look_every: frames from one annotated frame to the next, at 25 frames a second.
        image_every: frames from one image of the COCO form to the next.
        jobs: videos written at the same time, a process each.
        log: receives every video.

    Returns:
        Where it lies and how much it is; `looks` by kind, and `direction_error_deg`: how far on
        average a direction is from the true gaze.

    Raises:
        UsageError: numbers that cannot be.
        OutputError: the folder holds something, or cannot be written.
    """
    count = videos + validation_videos + test_videos
    if count > 999:
        raise UsageError(f"there are {count} videos; must be at most 999, as names have 3 digits")
    names = np.repeat(list(SPLITS), [videos, validation_videos, test_videos]).tolist()
    how = seed, round(seconds * RATE_HZ), width_px, look_every, image_every
    drawn = [_Video(f"{i + 1:03d}", split, i, *how) for i, split in enumerate(names)]
    with atomic_dir(Path(out)) as folder:
        work = [(video, folder) for video in drawn]
        result = dict(work_on(_write_video, work, log, lambda item: item[0], jobs=jobs))
        everything = _write_tables(folder, drawn, result)
        size = size_of(folder)
    return {
        "folder": str(out),
        "videos": count,
        "frames": drawn[0].frames * count,
        "bytes": size,
        "looks": {kind: everything.kinds.count(i) for i, kind in enumerate(KINDS)},
        "pictures": len(everything.images),
        "direction_error_deg": round(float(np.mean(everything.errors_deg)), 2),
    }


def scene_of(seed: int, place: int, frames: int, width_px: int) -> Scene:
    """What happens in a video, as `run` draws it; `place` is its number from 0.

    Two people sit in every sixth, four in every third.
    """
    people = 2 if place % 6 == 5 else 4 if place % 3 == 0 else 3
    return draw_scene(np.random.default_rng([seed, place, 0]), people, frames, width_px)


def audio_of(seed: int, place: int, scene: Scene) -> talk.Voices:
    """Audio and mouths of a video, as `run` draws them."""
    return talk.draw_voices(np.random.default_rng([seed, place, 1]), scene.speaks, RATE_HZ)


def _write_video(video: _Video, root: Path) -> tuple[str, Tables]:
    """Write the files of a video; what goes into tables of all videos."""
    scene = scene_of(video.seed, video.place, video.frames, video.width_px)
    voices = audio_of(video.seed, video.place, scene)
    shown = drawing.images(np.random.default_rng([video.seed, video.place, 2]), scene, voices)
    faces, heads = writing.marked(scene)
    wanted = frozenset(range(0, scene.frames, video.image_every))
    audio = made(root / "audio") / f"{video.name}.wav"
    write_wav(audio, pcm16(voices.audio), AUDIO_HZ)
    path = root / "videos" / f"{video.name}.mp4"
    kept = writing.write_video(path, scene, shown, audio, wanted)
    folders = {
        fusion: made(root / f"coco-{word}" / SPLITS[video.split])
        for fusion, word in FUSION_WORDS.items()
    }
    writing.write_images(folders, video.name, kept, scene, heads)
    writing.write_speaker_files(root, video.name, scene, faces, heads, sorted(wanted))
    noted = tables(
        np.random.default_rng([video.seed, video.place, 3]),
        video.name,
        scene,
        heads.box_xyxy,
        look_every=video.look_every,
        image_every=video.image_every,
    )
    return video.name, noted


def _write_tables(folder: Path, drawn: list[_Video], by_video: dict[str, Tables]) -> Tables:
    """The tables of all videos together."""
    everything = Tables()
    for video in drawn:
        everything.add(by_video[video.name])
    for split, called in SPLITS.items():
        own = [video.name for video in drawn if video.split == split]
        texts.write_lines(folder / f"{split}.txt", own)
        content = coco.instances(row for name in own for row in by_video[name].images)
        for word in FUSION_WORDS.values():
            write_json(
                folder / f"coco-{word}" / "annotations" / f"instances_{called}.json", content
            )
    voc.write(folder / VOC, coco.instances(everything.images))
    formats.write_truth(folder / data.TRUTH, everything.truth)
    formats.write_candidates_csv(folder / data.FILES[0], everything.candidates)
    size = {formats.parse_name(name).video: wh for name, wh, _ in everything.images}
    rows = {
        data.SIZES: (f"{v},{w},{h}" for v, (w, h) in size.items()),
        data.SPEAKERS: (f"{v},{t},{head}" for v, t, head in everything.speakers),
        data.DIRECTIONS: (
            f"{image},{head},{x:.6f},{y:.6f},{z:.6f}"
            for image, head, (x, y, z) in everything.directions
        ),
    }
    for name, lines in rows.items():
        texts.write_lines(folder / name, lines)
    return everything
