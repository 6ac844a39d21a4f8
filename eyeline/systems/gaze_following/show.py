"""Annotated looks drawn: heads, the way to what each looks at, boxes of targets, who speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from eyeline.datasets.drawing import arrow, box, chosen, dot, legend, read_image
from eyeline.errors import DataError
from eyeline.export.colours import Colour, person_colour
from eyeline.results import Image, Ints
from eyeline.system import Clip, Drawing
from eyeline.systems.gaze_following.datasets import attention_target, gazefollow, texts, vgs
from eyeline.systems.gaze_following.datasets.annotations import NOT_STATED, GazeAnnotations
from eyeline.systems.gaze_following.matching.data import SPEAKERS, TRUTH
from eyeline.video.reader import VideoReader, probe

TARGET: Colour = (214, 60, 60)
RATE_HZ = Fraction(25)
"""Of clips whose frames lie as images."""
_COCO = "coco-*/annotations/instances_*.json"
_ImageOf = Callable[[int], Image]


def show_vgs(data: Path, item: str | None = None) -> Drawing:
    """A video of VideoGazeSpeech.

    Args:
        data: has `videos/VVV.mp4` and `GT_label_all_videoFormat.txt`, boxes of targets in
            `coco-*/annotations`, or both, and `speakers.csv` where it is known who speaks.
        item: the video's number, such as `012`; the first one by default.
    """
    speakers = vgs.read_speakers(data / SPEAKERS) if (data / SPEAKERS).is_file() else None
    forms = []
    if (data / TRUTH).is_file():
        forms.append(vgs.read_text(data / TRUTH, texts.unknown_size, speakers=speakers))
    coco = sorted(data.glob(_COCO))
    forms += [vgs.read_coco(path) for path in coco if path.parts[-3] == coco[0].parts[-3]]
    if not forms:
        raise DataError(f"{data} holds neither {TRUTH} nor {_COCO}")
    there = {name for looks in forms for name in looks.video}
    name = chosen(sorted(there), item, "video")
    own = [looks.take(np.flatnonzero(np.array(looks.video) == name)) for looks in forms]
    video = data / "videos" / f"{name}.mp4"
    if not video.is_file():
        raise DataError(f"{video} is missing: its looks cannot be drawn")
    info = probe(video)
    most = _fullest(own)

    def frames() -> Iterator[Image]:
        for number, frame in enumerate(VideoReader(video)):
            yield _drawn(frame.rgb(), own, number)

    def still() -> Image:
        for number, frame in enumerate(VideoReader(video)):
            if number == most:
                return _drawn(frame.rgb(), own, number)
        raise DataError(f"{video} ends before frame {most}, of which looks are annotated")

    clip = Clip(frames, info.frame_count or _length(info.duration_s, info.rate_hz), info.rate_hz)
    clip = replace(clip, audio=video, start_s=info.start_s)
    return Drawing(name, still, clip, _facts(own, most))


def show_attention_target(data: Path, item: str | None = None, *, part: str = "train") -> Drawing:
    """A clip of VideoAttentionTarget.

    Args:
        data: has `annotations` and `images`.
        item: such as `Friends/120_240`; the first one by default.
        part: `train` or `test`.
    """
    looks = attention_target.read(data, part)
    name = chosen(sorted({*looks.video}), item, "clip")
    own = looks.of_videos([name])
    images = dict(sorted({(f, data / "images" / i) for f, i in zip(own.frame, own.image)}))  # noqa: B905

    def image(number: int) -> Image:
        return read_image(images[number])

    return _of_images(name, own, [*map(int, images)], image)


def show_gazefollow(data: Path, item: str | None = None, *, part: str = "test") -> Drawing:
    """An image of GazeFollow, extended.

    Args:
        data: has the texts and the images.
        item: an image as the texts name it; the first one by default.
        part: `train` or `test`.
    """
    looks = gazefollow.read(data, part)
    name = chosen(tuple(dict.fromkeys(looks.image)), item, "image")
    own = looks.take(np.flatnonzero(np.array(looks.image) == name))

    def still() -> Image:
        return _drawn(read_image(data / name), [own], -1)

    return Drawing(name, still, None, _facts([own], -1))


def _of_images(name: str, own: GazeAnnotations, numbers: list[int], image: _ImageOf) -> Drawing:
    most = _fullest([own])

    def frames() -> Iterator[Image]:
        for number in numbers:
            yield _drawn(image(number), [own], number)

    clip = Clip(frames, len(numbers), RATE_HZ)
    return Drawing(name, lambda: _drawn(image(most), [own], most), clip, _facts([own], most))


def _fullest(forms: list[GazeAnnotations]) -> int:
    """The frame with most looks in it whose target is known."""
    frames = np.concatenate([looks.frame[looks.in_frame == 1] for looks in forms])
    frames = frames if len(frames) else np.concatenate([looks.frame for looks in forms])
    numbers, counts = np.unique(frames, return_counts=True)
    return int(numbers[counts.argmax()])


def _facts(forms: list[GazeAnnotations], frame: int) -> dict[str, object]:
    looks = sum(len(one) for one in forms)
    inside = sum(int((one.in_frame == 1).sum()) for one in forms)
    return {"looks": looks, "in_frame": inside, **({"still": frame} if frame >= 0 else {})}


def _drawn(rgb: Image, forms: list[GazeAnnotations], frame: int) -> Image:
    drawn = np.ascontiguousarray(rgb).copy()
    for looks in forms:
        for target in looks.target_xyxy[looks.frame == frame]:
            if not np.isnan(target).any():
                box(drawn, target, TARGET)
    for looks in forms:
        rows = np.flatnonzero(looks.frame == frame)
        for order, row in enumerate(rows.tolist(), start=1):
            _look(drawn, looks, row, order)
    words = {"head, by person": person_colour(1), "what is looked at": TARGET}
    legend(drawn, words)
    return drawn


def _look(rgb: Image, looks: GazeAnnotations, row: int, order: int) -> None:
    person = looks.person[row]
    colour = person_colour(int(person) if person.isdigit() else order)
    head, points = looks.head_xyxy[row], looks.points(row)
    start = looks.take(_one(row)).origin_px()[0]
    if len(points) and not np.isnan(start).any():
        for point in points:
            dot(rgb, point, TARGET, 4)
        arrow(rgb, start, points.mean(axis=0), colour)
    if not np.isnan(head).any():
        box(rgb, head, colour, _words(looks, row, person))


def _words(looks: GazeAnnotations, row: int, person: str) -> str:
    short = person if len(person) < 8 else ""
    speaks = ["speaks"] if looks.speaks[row] == 1 else []
    known = {0: ["looks out of the image"], NOT_STATED: ["not known where"]}
    return ", ".join([*filter(None, [short]), *speaks, *known.get(int(looks.in_frame[row]), [])])


def _one(row: int) -> Ints:
    return np.array([row], np.int64)


def _length(duration_s: float, rate_hz: Fraction) -> int:
    return max(1, round(duration_s * float(rate_hz)))
