"""A tiny data set in the authors' layout, with a simulated person: to run the whole chain anywhere.

Below the output folder:

- `Annotations/`: ELAN texts, evaluated tracklets with `gaze_feature`, and the two lists;
- `training/`: `randomVoxMeta.csv` and, a video, tracklets with `gaze_feature` and
  `fixations.csv`, as `prepare` leaves them;
- `truth/`: the ELAN texts of the training videos, which no part of the chain reads;
- `clips/` (if wanted): short videos for the front end, cut from the packaged sample.

Whatever is trained or measured on it says that the chain works, and nothing of real people.
"""

from __future__ import annotations

import io
import string
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from eyeline.bounds import Count, Whole
from eyeline.datasets.items import checked
from eyeline.files import atomic_dir, made, write_bytes
from eyeline.log import Log
from eyeline.synthetic.film import write_video
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery.gaze_points import GazePoints, write_fixations
from eyeline.systems.eye_contact.elan import TARGETS, UNCERTAIN
from eyeline.systems.eye_contact.original import LIST, META
from eyeline.systems.eye_contact.simulation import SimulatedVideo, simulate, spans_of
from eyeline.systems.eye_contact.tracklets import (
    SUFFIX,
    ListRow,
    TrackletFile,
    write_list,
    write_names,
    write_tracklet,
)

VIDEOS, TEST_VIDEOS, SECONDS = 6, 5, 130.0
"""By default: training videos, annotated test videos, and how long each is."""
CLIP_SECONDS = 10.0

_NAME_CHARACTERS = string.ascii_letters + string.digits + "-"
_FIRST_TRAINING, _FIRST_TEST = 90001, 91001
_EMBEDDINGS, _EMBEDDING_WIDTH = 30, 128
_CLIP_PX = (400, 480)
"""Width and height of a clip: one of the two people of the sample."""
_CLIP_LEFT_PX = (14, 440)


@dataclass(frozen=True)
class Written:
    """What was written."""

    annotations: Path
    """To evaluate on, as `data.read_videos` takes it."""
    training: Path
    """To find pseudo-labels in, and to train on."""
    truth: Path
    clips: Path | None
    frames: int
    """In all tracklets."""


@checked
def run(
    out: Path | str,
    *,
    videos: Count = VIDEOS,
    test_videos: Count = TEST_VIDEOS,
    seconds: Annotated[float, Ge(20), Le(720)] = SECONDS,
    seed: Whole = 0,
    clips: Whole = 0,
    log: Log | None = None,
) -> Written:
    """Write a data set; the same for the same arguments, byte for byte.

    Args:
        out: a folder that is empty or not there yet.
        videos: training videos, without annotation.
        test_videos: annotated ones; one more has no tracklet, as in the original.
        seconds: length of each video; training takes videos of 120 to 720 s.
        seed: of everything that is drawn.
        clips: short videos of a face that a detector finds, 0 for none.
        log: receives what has been written.
    """
    out, frames, log = Path(out), round(seconds * RATE_HZ), log or (lambda line: None)
    with atomic_dir(out) as folder:
        names = _named(_FIRST_TRAINING, max(videos, clips), seed, 0)
        written = _write_training(folder, names[:videos], frames, seed, log)
        tests = _named(_FIRST_TEST, test_videos + 1, seed, 1)
        written += _write_annotated(folder / "Annotations", tests, frames, seed, log)
        if clips:
            _write_clips(folder / "clips", names[:clips], log)
    return Written(
        out / "Annotations",
        out / "training",
        out / "truth",
        out / "clips" if clips else None,
        written,
    )


def elan_text(video: SimulatedVideo, rng: np.random.Generator) -> str:
    """The annotation of a simulated video as ELAN exports it, tier by tier.

    Bounds lie within the frame periods that the published rule turns into the video's frames.
    """
    spans = [(TARGETS[t], a, b - 1) for t, a, b in spans_of(video.target) if t]
    spans += [(UNCERTAIN, a, b) for a, b in video.uncertain]
    order = (*TARGETS[1:], UNCERTAIN)
    spans.sort(key=lambda span: (order.index(span[0]), span[1]))
    lines = []
    for tier, first, last in spans:
        early, late = rng.uniform(0.1, 0.8, 2)
        start_s = round(max(0.0, (first - early) / RATE_HZ), 3)
        lines.append(f"{tier}\t\t{start_s}\t{round((last + late) / RATE_HZ, 3)}\t\n")
    return "".join(lines)


def _named(first: int, count: int, seed: int, kind: int) -> list[tuple[str, str]]:
    """Celebrity and name of each video, as the real ones are called."""
    rng = np.random.default_rng([seed, 10 + kind])
    names = ["".join(rng.choice(list(_NAME_CHARACTERS), 11)) for _ in range(count)]
    return [(f"id{first + i:05d}", name) for i, name in enumerate(names)]


def _write_training(
    folder: Path, names: Sequence[tuple[str, str]], frames: int, seed: int, log: Log
) -> int:
    root, written = folder / "training", 0
    write_names(root / "randomVoxMeta.csv", names)
    for number, (celebrity, name) in enumerate(names):
        rng = np.random.default_rng([seed, 20, number])
        video = simulate(rng, frames)
        place = root / celebrity / "tracklets" / f"{name}{SUFFIX}"
        written += len(_write_tracklets(place, celebrity, name, video)[1])
        seen = sorted((*video.tracklets, *video.glimpses))
        at = np.concatenate([np.arange(a, b) for a, b in seen])
        points = GazePoints(at, video.point_mm[at], video.plane_mm[at])
        write_fixations(place / "fixations.csv", points)
        path = root / celebrity / f"{celebrity}_face_embedding.npz"
        own = rng.normal(0, 1, _EMBEDDING_WIDTH)
        embedded = own + rng.normal(0, 0.3, (_EMBEDDINGS, _EMBEDDING_WIDTH))
        embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
        content = io.BytesIO()
        np.savez(content, embedded)
        write_bytes(path, content.getvalue())
        text = elan_text(video, rng)
        write_bytes(folder / "truth" / celebrity / f"{name}.txt", text.encode())
        log(f"training video {number + 1} of {len(names)}")
    return written


def _write_annotated(
    folder: Path, names: Sequence[tuple[str, str]], frames: int, seed: int, log: Log
) -> int:
    """Annotated videos; the first has a tracklet twice, the last none, as the original has."""
    write_names(folder / META, names)
    rows: list[ListRow] = []
    written = 0
    for number, (celebrity, name) in enumerate(names):
        rng = np.random.default_rng([seed, 30, number])
        video = simulate(rng, frames)
        text = elan_text(video, rng)
        write_bytes(folder / celebrity / f"{name}.txt", text.encode())
        if number == len(names) - 1:
            break
        place = folder / "tracklets" / celebrity / name
        listed, seen = _write_tracklets(place, celebrity, name, video)
        if not number:
            again = (place / f"{listed[-1].tracklet}.npz").read_bytes()
            write_bytes(place / f"{len(listed):03d}.npz", again)
        rows += listed
        written += len(seen)
        log(f"annotated video {number + 1} of {len(names) - 1}")
    write_list(folder / "tracklets" / LIST, rows)
    return written


def _write_tracklets(
    place: Path, celebrity: str, name: str, video: SimulatedVideo
) -> tuple[list[ListRow], range]:
    """The files of a video's tracklets; their rows in a list, and one number a frame."""
    scale = np.array([video.width_px, video.height_px])
    rows = []
    for number, (start, end) in enumerate(video.tracklets):
        tracklet = TrackletFile(
            start,
            video.box_px[start:end] / np.tile(scale, 2),
            video.six_px[start:end] / scale,
            video.features(start, end),
        )
        write_tracklet(place / f"{number:03d}.npz", tracklet, compressed=True)
        rows.append(ListRow(celebrity, name, f"{number:03d}", start, end))
    return rows, range(sum(row.end - row.start for row in rows))


def _write_clips(root: Path, names: Sequence[tuple[str, str]], log: Log) -> None:
    """One face a clip: the sample's two people in turn, every second pair mirrored."""
    from eyeline import sample
    from eyeline.video.reader import VideoReader

    write_names(root / "randomVoxMeta.csv", names)
    images = [frame.rgb() for frame in VideoReader(sample.path())]
    count = round(CLIP_SECONDS * RATE_HZ)
    for number, (celebrity, name) in enumerate(names):
        left = _CLIP_LEFT_PX[number % 2]
        cut = [p[:, left : left + _CLIP_PX[0]] for p in images]
        mirrored = number // 2 % 2 == 1
        cut = [np.ascontiguousarray(p[:, ::-1] if mirrored else p) for p in cut]
        ring = cycle([*cut, *cut[-2:0:-1]])  # forth and back, so that nothing jumps
        path = made(root / celebrity) / f"{name}{SUFFIX}.mp4"
        write_video(path, islice(ring, count), _CLIP_PX, count, RATE_HZ)
        log(f"clip {number + 1} of {len(names)}")
