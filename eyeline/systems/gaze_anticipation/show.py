"""The wearer's gaze drawn: where it is, what kind of look, and the heatmap that is learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from eyeline.bounds import NotNegative, Positive
from eyeline.datasets.drawing import chosen, dot, legend
from eyeline.errors import DataError
from eyeline.export.colours import Colour
from eyeline.export.glow import lay_over
from eyeline.results import Image, Ints
from eyeline.system import Clip, Drawing
from eyeline.systems.gaze_anticipation.inputs import SIZE, heatmaps
from eyeline.systems.gaze_anticipation.recordings import store
from eyeline.systems.gaze_anticipation.recordings.footage import Frames, Videos, find_frames
from eyeline.systems.gaze_anticipation.recordings.labels import (
    FIXATION,
    OUTSIDE,
    SACCADE,
    UNTRACKED,
    FrameGaze,
)
from eyeline.systems.gaze_anticipation.recordings.raw import find_ego4d
from eyeline.systems.gaze_anticipation.windows.spatial import Places, central_view
from eyeline.video.reader import probe

COLOURS: Mapping[int, tuple[str, Colour]] = {
    FIXATION: ("fixation", (38, 154, 112)),
    SACCADE: ("saccade", (226, 122, 43)),
    OUTSIDE: ("out of the image", (208, 68, 82)),
    UNTRACKED: ("not tracked", (112, 122, 134)),
}


def show(
    data: Path,
    item: str | None = None,
    *,
    start_s: NotNegative | None = None,
    seconds: Positive = 10.0,
) -> Drawing:
    """A video with the gaze of its wearer, in full size.

    Args:
        data: Ego4D's layout as of `prepare gaze_anticipation/ego4d`, or what that or
            `prepare gaze_anticipation/aria` has made.
        item: the video's name; the first one by default.
        start_s: where a drawn clip begins; by default at the first fixation.
        seconds: its length.
    """
    name, (path, frames, offset), gaze = _prepared(data, item) or _raw(data, item)
    tracked = np.flatnonzero(gaze.kind[offset : offset + len(frames)] == FIXATION)
    first = int(tracked[0]) if len(tracked) else 0
    begin = first if start_s is None else int(frames.shown_at([start_s])[0])
    count = max(1, min(round(seconds * float(frames.rate_hz)), len(frames) - begin))

    def drawn(numbers: Ints) -> Iterator[Image]:
        for number, image in zip(numbers, Videos().each(path, frames, numbers), strict=True):
            yield _drawn(image, gaze, offset + int(number))

    info = probe(path)
    rate = Fraction(frames.rate_hz)
    start = info.start_s + float(frames.time_s[begin])
    clip = Clip(lambda: drawn(np.arange(begin, begin + count)), count, rate, path, start)
    still = begin if start_s is not None else first
    facts = {"frames_by_kind": gaze.counts(), "still_s": round(float(frames.time_s[still]), 2)}
    return Drawing(name, lambda: next(drawn(np.array([still]))), clip, facts)


_Medium = tuple[Path, Frames, int]
"""File, its frames, and the number of its first one among the whole video's."""


def _prepared(data: Path, item: str | None) -> tuple[str, _Medium, FrameGaze] | None:
    names = store.prepared_videos(data)
    if not names:
        return None
    video = store.open_video(data, chosen(names, item, "video"))
    media = video.media[0]
    return video.video, (media.path, media.frames, _offset(media.start_s, media.frames)), video.gaze


def _raw(data: Path, item: str | None) -> tuple[str, _Medium, FrameGaze]:
    try:
        raws = {raw.video: raw for raw in find_ego4d(data)}
    except DataError as error:
        raise DataError(f"{error}; of Aria show what prepare has made") from None
    raw = raws[chosen(tuple(raws), item, "video")]
    path, start_s = raw.media[0]
    frames = find_frames(path)
    return raw.video, (path, frames, _offset(start_s, frames)), raw.labels(frames)


def _offset(start_s: int | None, frames: Frames) -> int:
    return round((start_s or 0) * float(frames.rate_hz))


def _drawn(rgb: Image, gaze: FrameGaze, number: int) -> Image:
    result = np.ascontiguousarray(rgb).copy()
    height, width = result.shape[:2]
    kind = int(gaze.kind[number]) if number < len(gaze) else UNTRACKED
    words, colour = COLOURS[kind]
    if kind != UNTRACKED:
        place = gaze.xy[[number]]
        view = central_view(height, width)
        inside = view.out_of(view.into(place))
        if np.abs(inside - place).max() < 1e-6:
            maps = heatmaps(view.into(place), SIZE)
            lay_over(result, Places(view, (width, height), SIZE).over_image(maps)[0])
        dot(result, place[0] * np.array([width, height]), colour)
    legend(result, {words: colour} | _others(kind))
    return result


def _others(kind: int) -> dict[str, Colour]:
    rest: Sequence[int] = [other for other in COLOURS if other != kind]
    return {COLOURS[other][0]: (206, 210, 215) for other in rest}
