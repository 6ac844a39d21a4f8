"""A prepared data set of five small videos and weights to judge on it, and answers by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eyeline.systems.gaze_anticipation import prepare
from eyeline.systems.gaze_anticipation.data import Clips
from eyeline.systems.gaze_anticipation.predictions import Truth
from eyeline.systems.gaze_anticipation.recordings import store
from eyeline.systems.gaze_anticipation.recordings.clips import Clip
from eyeline.systems.gaze_anticipation.recordings.footage import find_frames
from eyeline.systems.gaze_anticipation.recordings.labels import FIXATION, SACCADE, FrameGaze
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.reader import probe
from tests.systems.gaze_anticipation import filmed
from tests.systems.gaze_anticipation.invented import GOLDEN, SMALL, golden, small

SECONDS = 10
TRAIN, TEST = ("aa", "ab", "ac"), ("ba", "bb")
SILENT = "bb"
RECORDED = {
    "ego4d": ("clip_ego4d_150f_30fps.mp4", Clip("vid", 5)),
    "aria": ("clip_aria_100f_20fps.mp4", Clip("movie_1", 2, "aria")),
}


def prepared(root: Path) -> Path:
    """Two clips of each video; one to test on is silent."""
    source = root / "source"
    for number, name in enumerate((*TRAIN, *TEST)):
        audio = None if name == SILENT else filmed.tone(SECONDS, number)
        path = source / "full_scale.gaze" / f"{name}.mp4"
        filmed.write_video(path, 30 * SECONDS, audio=audio)
        filmed.write_gaze(source / "gaze" / f"{name}.csv", SECONDS)
    for split, names in (("train", TRAIN), ("test", TEST)):
        lines = [f"{name}/{name}_t{s}_t{s + 5}.mp4\r\n" for name in names for s in (0, 5)]
        (source / f"{split}_ego4d_gaze.csv").write_bytes("".join(lines).encode())
    out = root / "prepared"
    assert not prepare.run(source, out, fill_silence=True).failed
    return out


def recorded(root: Path, dataset: str) -> Path:
    """The golden file's clip of a data set, prepared; only a list of tests."""
    name, clip = RECORDED[dataset]
    rows = golden("loader")["frame_labels_x_y_type"]
    place = root / store.VIDEOS / clip.video
    place.mkdir(parents=True)
    info, frames = probe(GOLDEN / name), find_frames(GOLDEN / name)
    content = store.Content(
        clip.video, dataset, [store.Media(GOLDEN / name, frames, 1000, clip.start_s)],
        FrameGaze(rows[:, :2].copy(), rows[:, 2].astype(np.int64)), (info.width_px, info.height_px),
    )  # fmt: skip
    store.write_index(place, root, content)
    np.save(place / store.AUDIO, np.zeros((1000, 256), np.float32))
    (root / store.SPLIT).mkdir()
    (root / store.SPLIT / "test.list").write_text(f"{clip.line}\n")
    return root


def weights(path: Path, *, seed: int = 0, arguments: Any = (), **card: Any) -> Path:
    """A shrunken network that learned nothing."""
    given = {**SMALL, **dict(arguments)}
    state = small(seed, **given).state_dict()
    checkpoint.save(path, state, CheckpointCard("gaze_anticipation", "csts", given, **card))
    return path


def truth(
    videos: int = 3, samples: int = 5, slots: int = 8, *, seed: int = 0, ahead: bool = True
) -> Truth:
    """Frames with fixations and saccades all over images of 1088x1080."""
    rng = np.random.default_rng(seed)
    count = videos * samples * slots
    number, slot = np.arange(count) // slots, np.tile(np.arange(slots), videos * samples)
    xy = rng.uniform(0.1, 0.9, (count, 2))
    second = 5 * (number % samples)
    return Truth(
        np.array([f"v{n}" for n in number // samples], object), second, slot,
        second * 30 + 86 + 9 * slot, second + (86 + 9 * slot) / 30,
        (1 + 9 * slot) / 30 * ahead, rng.choice([FIXATION, SACCADE], count, p=[0.8, 0.2]), xy,
        xy.copy(), np.full((count, 2), 0.5), np.tile([1088, 1080], (count, 1)),
        np.full(count, "ego4d", object),
    )  # fmt: skip


def target_s(clips: Clips) -> list[Any]:
    """Of each sample the seconds, in its video, of the frames whose gaze is predicted."""
    chosen = (clips.chosen(n).target for n in range(len(clips)))
    pairs = zip(clips.clips, chosen, strict=True)
    return [clips.videos[clip.video].time_s(clip, target) for clip, target in pairs]
