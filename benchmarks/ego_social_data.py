"""`ego_social`'s data and metric against the published way; part of `benchmarks.ego_social`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.pairs import Work, pair

if TYPE_CHECKING:
    from eyeline.systems.ego_social.data import Looks

SPEC_MS = {"window_read": 77, "metric_200k": 1350}
"""What the published code took on two cores of another machine, milliseconds."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    width: int = 64
    """Of the frame encoder."""
    memory: int = 256
    voice_width: int = 32
    image_px: int = 1920
    """Width of the synthetic clips."""
    seconds: float = 4.0
    """Of each of them."""
    rows: int = 1_000_000
    """Of the tables that are scored."""
    repeat: int = 7

    def networks(self) -> dict[str, int]:
        """Arguments of `lam_lstm`; those of `ttm` beside the voice's."""
        return {"width": self.width, "memory": self.memory}


QUICK = Sizes(repeat=3, rows=200_000)
TINY = Sizes(4, 8, 4, image_px=320, seconds=4.0, rows=500, repeat=1)
"""Sees that everything runs; its figures say nothing."""


def data(sizes: Sizes) -> dict[str, object]:
    """Preparing a synthetic set, and reading windows of it; published: from images in full size."""
    from benchmarks.published import ego_social as published
    from eyeline.systems.ego_social import prepare, synthesize
    from eyeline.systems.ego_social.data import open_looks

    with tempfile.TemporaryDirectory() as folder:
        created, out, images = (Path(folder, name) for name in ("made", "out", "pictures"))
        synthesize.run(
            created, clips=1, val_clips=1, seconds=sizes.seconds, width_px=sizes.image_px
        )
        begin = time.process_time()
        prepare.run(created, out)
        prepared = time.process_time() - begin
        sparse, dense = (open_looks(out, "val", stride=stride) for stride in (13, 1))
        count = _dump(_clip_file(created, sparse.clips[0].uid), images)
        theirs = _reader(sparse, lambda boxes, frame: published.window(images, boxes, frame))
        result: dict[str, object] = {
            "window_stride_13": pair(
                theirs, _in_turn(sparse), 3 * sizes.repeat, spec_ms=SPEC_MS["window_read"]
            ),
            "window_stride_1": pair(theirs, _in_turn(dense), 3 * sizes.repeat),
            "window_difference": _agree(sparse, images),
        }
    return result | {"prepared_frame_ms": round(1e3 * prepared / (2 * count), 2)}


def metric(sizes: Sizes) -> dict[str, object]:
    """The score of two tables, reading included; and whether both ways agree."""
    from benchmarks.published import ego_social as published
    from eyeline.systems.ego_social import score

    with tempfile.TemporaryDirectory() as folder:
        predictions, truth = Path(folder, "pred.csv"), Path(folder, "gt.csv")
        _tables(predictions, truth, sizes.rows)
        known: list[Any] = [None, None]

        def theirs() -> None:
            known[0] = published.mean_ap(predictions, truth)

        def ours() -> None:
            known[1] = score.run(predictions, truth, samples=0)

        result = pair(theirs, ours, max(1, sizes.repeat // 2))
    return result | {
        "rows": sizes.rows,
        "specification_200k_ms": SPEC_MS["metric_200k"],
        "mAP": known[1]["published"]["mAP"],
        "published_mAP": known[0],
    }


def _reader(looks: Looks, read: Callable[[Any, int], object]) -> Work:
    """Reads the windows of the first clip in turn, from its boxes."""
    chosen = np.flatnonzero(looks.rows[:, 0] == 0)
    boxes = {
        name: dict(zip(track.frame.tolist(), track.box_xyxy, strict=True))
        for name, track in looks.clips[0].tracks.items()
    }
    names, turn = list(boxes), 0

    def once() -> object:
        nonlocal turn
        _, track, frame = looks.rows[chosen[turn % len(chosen)]].tolist()
        turn += 1
        return read(boxes[names[track]], frame)

    return once


def _in_turn(looks: Looks) -> Work:
    turn = 0

    def once() -> object:
        nonlocal turn
        turn += 1
        return looks[(turn - 1) % len(looks)]

    return once


def _agree(looks: Looks, images: Path) -> float:
    """Mean difference of the first window's pixels, of 255; each way compresses on its own."""
    from benchmarks.published import ego_social as published

    theirs = _reader(looks, lambda boxes, frame: published.window(images, boxes, frame))()
    ours: Any = looks[0]
    difference = (ours["clip"] - theirs).abs()
    return round(float(difference.mean()) * 0.225 * 255, 2)


def _dump(video: Path, folder: Path) -> int:
    """Images `img_00001.jpg` and so on, as published; how many."""
    import cv2

    from eyeline.video.reader import VideoReader

    folder.mkdir()
    count = 0
    for count, frame in enumerate(VideoReader(video), start=1):
        image = np.ascontiguousarray(frame.rgb()[..., ::-1])
        cv2.imwrite(str(folder / f"img_{count:05d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return count


def _clip_file(source: Path, uid: str) -> Path:
    return next(source.rglob(f"{uid}.mp4"))


def _tables(predictions: Path, truth: Path, rows: int) -> None:
    """Looks of faces in clips of 9000 frames, with scores that tell something."""
    rng = np.random.default_rng(0)
    label = rng.random(rows) < 0.14
    score = np.clip(0.3 * label + 0.7 * rng.random(rows), 0, 1).tolist()
    box = rng.uniform(0, 1000, (rows, 4)).round(3).tolist()
    heads = [
        f"clip-{i // 90_000:08d},{i % 9000 + 1},{','.join(map(str, b))},{i // 9000 % 10}"
        for i, b in enumerate(box)
    ]
    truth.write_text("".join(f"{h},{int(v)}\n" for h, v in zip(heads, label, strict=True)))
    lines = (f"{h},1,{v!r}\n" for h, v in zip(heads, score, strict=True))
    predictions.write_text("".join(lines))
