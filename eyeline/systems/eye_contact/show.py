"""Annotated eye contact drawn: a timeline of all tracklets, and the face with its state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from eyeline.bounds import NotNegative, Positive
from eyeline.datasets.drawing import below, blank, box, chosen, dot, legend, tag
from eyeline.export.colours import Colour, person_colour
from eyeline.results import Image, Ints
from eyeline.system import Clip, Drawing
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet, read_folder
from eyeline.systems.eye_contact.elan import TARGETS
from eyeline.video.grid import on_grid
from eyeline.video.reader import VideoReader

STRIP_S = 60
"""Seconds in one strip."""
COLOURS: Mapping[str, Colour] = {
    name: person_colour(number) for name, number in zip(TARGETS[1:], (1, 3, 5, 2), strict=True)
} | {"no contact": (168, 174, 182), "uncertain": (185, 161, 60)}
_WIDTH_PX, _STRIP_PX, _LEFT_PX = 1280, 58, 64
_ENDINGS = ("_fps25.mkv", "_25fps.mkv", ".mkv", ".mp4", ".webm")


def show(
    data: Path,
    item: str | None = None,
    *,
    start_s: NotNegative | None = None,
    seconds: Positive = 10.0,
    videos: Path | str | None = None,
) -> Drawing:
    """The annotation of a video.

    Args:
        data: the published `Annotations`, or what holds them, as of `data.read_folder`.
        item: `celebrity_video`, such as `id00016_TCF9rCr7uHY`; the first one by default.
        start_s: where a drawn clip begins; by default around the first change of state.
        seconds: its length.
        videos: folder with `<celebrity>/<video>_fps25.mkv`; without it, and without `randomVox`
            in `data`, faces are drawn on an empty ground.
    """
    known = {video.name: video for video in read_folder(data).videos}
    video = known[chosen(tuple(known), item, "video")]
    path = _file(video, Path(videos) if videos else data / "randomVox")
    begin = round((_change_s(video, seconds) if start_s is None else start_s) * RATE_HZ)
    count = round(seconds * RATE_HZ)

    def frames() -> Iterator[Image]:
        for number, image in _ground(video, path, begin, count):
            strip = _strip(video, number // (RATE_HZ * STRIP_S) * STRIP_S, number / RATE_HZ)
            yield below([_face(image, video, number), _fitted(strip, image.shape[1])], 0)

    labels = np.concatenate([tracklet.label for tracklet in video.tracklets])
    facts = {
        "tracklets": len(video.tracklets),
        "seconds": round(len(labels) / RATE_HZ, 2),
        "contact": round(float(labels.mean()), 4),
        "video": str(path) if path else None,
    }
    clip = Clip(frames, count, Fraction(RATE_HZ))
    return Drawing(video.name, lambda: timeline(video), clip, facts)


def timeline(video: AnnotatedVideo) -> Image:
    """All minutes with a tracklet, one under the other."""
    last_s = max(_span_s(tracklet)[1] for tracklet in video.tracklets)
    begins = [
        float(begin)
        for begin in range(0, int(last_s) + 1, STRIP_S)
        if any(a < begin + STRIP_S and b > begin for a, b in map(_span_s, video.tracklets))
    ]
    head, foot = blank(_WIDTH_PX, 40), blank(_WIDTH_PX, 44)
    label = np.concatenate([tracklet.label for tracklet in video.tracklets])
    words = f"{video.name}: {len(video.tracklets)} tracklets, {label.mean():.0%} contact"
    tag(head, (8, 8), words)
    legend(foot, COLOURS)
    return below([head, *(_strip(video, begin) for begin in begins), foot], 2)


def _strip(video: AnnotatedVideo, begin_s: float, now_s: float | None = None) -> Image:
    """A minute: above the targets, below where the annotators could not tell."""
    result = blank(_WIDTH_PX, _STRIP_PX)
    scale = (_WIDTH_PX - _LEFT_PX - 12) / STRIP_S
    for second in range(0, STRIP_S + 1, 10):
        x = _LEFT_PX + round(second * scale)
        result[_STRIP_PX - 12 :, x : x + 1] = (138, 147, 157)
    for tracklet in video.tracklets:
        target = tracklet.target if len(tracklet.target) else tracklet.label
        inside = (tracklet.time_s >= begin_s) & (tracklet.time_s < begin_s + STRIP_S)
        for row in np.flatnonzero(inside).tolist():
            left = _LEFT_PX + (float(tracklet.time_s[row]) - begin_s) * scale
            place = slice(int(left), int(left + scale / RATE_HZ) + 1)
            result[6:34, place] = COLOURS[_state(target, row)]
            if tracklet.uncertain[row]:
                result[36:44, place] = COLOURS["uncertain"]
    tag(result, (6, 10), f"{int(begin_s) // 60}:{int(begin_s) % 60:02d}", (91, 101, 112))
    if now_s is not None:
        x = _LEFT_PX + round((now_s - begin_s) * scale)
        result[2:50, x - 1 : x + 2] = (18, 22, 28)
    return result


def _state(target: Ints, row: int) -> str:
    return TARGETS[int(target[row])] if target[row] else "no contact"


def _face(image: Image, video: AnnotatedVideo, number: int) -> Image:
    """The box and the six points of the face in a frame, in the colour of its state."""
    drawn = np.ascontiguousarray(image).copy()
    for tracklet in video.tracklets:
        row = number - tracklet.start_frame
        if not 0 <= row < len(tracklet):
            continue
        target = tracklet.target if len(tracklet.target) else tracklet.label
        name = _state(target, row)
        words = f"{name}{', uncertain' if tracklet.uncertain[row] else ''}"
        if len(tracklet.box_px):
            box(drawn, tracklet.box_px[row], COLOURS[name], words)
        for point in tracklet.six_px[row]:
            dot(drawn, point, COLOURS[name], 3)
    return drawn


def _ground(
    video: AnnotatedVideo, path: Path | None, begin: int, count: int
) -> Iterator[tuple[int, Image]]:
    """Frames at 25 Hz from a number on, empty ones without a video file."""
    if path is None:
        empty = blank(video.width_px, video.height_px, (52, 58, 66))
        yield from ((number, empty) for number in range(begin, begin + count))
        return
    for number, frame in on_grid(VideoReader(path, rate_hz=RATE_HZ), RATE_HZ):
        if number >= begin + count:
            return
        if number >= begin:
            yield number, frame.rgb()


def _fitted(strip: Image, width: int) -> Image:
    import cv2

    height = max(24, round(strip.shape[0] * width / strip.shape[1]))
    return np.asarray(cv2.resize(strip, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _change_s(video: AnnotatedVideo, seconds: float) -> float:
    """So that the first change of state within a tracklet lies in the middle."""
    for tracklet in video.tracklets:
        changes = np.flatnonzero(np.diff(tracklet.label))
        if len(changes):
            at = (tracklet.start_frame + int(changes[0])) / RATE_HZ
            return max(at - seconds / 2, 0.0)
    return video.tracklets[0].start_frame / RATE_HZ


def _span_s(tracklet: Tracklet) -> tuple[float, float]:
    return tracklet.start_frame / RATE_HZ, (tracklet.start_frame + len(tracklet)) / RATE_HZ


def _file(video: AnnotatedVideo, folder: Path) -> Path | None:
    places = (folder / video.celebrity / f"{video.video}{ending}" for ending in _ENDINGS)
    return next((path for path in places if path.is_file()), None)
