"""Ego4D's annotations drawn: tracked faces, who looks at the wearer, who talks to the wearer.

Annotation frame f is drawn on image f - 1 of the clip, as the published code reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from eyeline.bounds import NotNegative, Positive
from eyeline.datasets.drawing import box, chosen, legend
from eyeline.errors import DataError
from eyeline.export.colours import Colour
from eyeline.results import Floats, Image
from eyeline.system import Clip as DrawnClip
from eyeline.system import Drawing
from eyeline.systems.ego_social.recordings.annotations import (
    RATE_HZ,
    Clip,
    looks_at_me,
    talks_to_me,
)
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.systems.ego_social.recordings.sources import find
from eyeline.systems.ego_social.recordings.tracklets import faces_by_person
from eyeline.video.reader import probe

COLOURS: Mapping[str, Colour] = {
    "face": (112, 122, 134),
    "looks at me": (38, 154, 112),
    "talks to me": (226, 122, 43),
    "looks and talks to me": (208, 68, 82),
}
_NAMES = tuple(COLOURS)


def show(
    data: Path,
    item: str | None = None,
    *,
    start_s: NotNegative | None = None,
    seconds: Positive = 10.0,
    videos: Path | str | None = None,
) -> Drawing:
    """A clip of the social benchmark.

    Args:
        data: Ego4D's layout, as of `sources.find`.
        item: the clip's uid; by default the first one whose video is there.
        start_s: where a drawn clip begins; by default around the moment with most labels.
        seconds: its length.
        videos: folder of clips or full-length videos, where they do not lie in `data`.
    """
    source = find(data, videos)
    clips = source.annotations.clips
    if item is None:
        there = [uid for uid, clip in clips.items() if _has_footage(source.footage, clip)]
        if not there:
            raise DataError(f"{data}: none of {len(clips)} annotated clips has a video")
        item = there[0]
    clip = clips[chosen(tuple(clips), item, "clip")]
    footage, labels = source.footage(clip), _Labels(clip)
    most = labels.fullest()
    begin_s = max(most / RATE_HZ - seconds / 2, 0.0) if start_s is None else start_s

    def frames(from_s: float, length_s: float) -> Iterator[Image]:
        base = footage.span_s[0] if footage.span_s else 0.0
        first = round(from_s * RATE_HZ)
        span = base + first / RATE_HZ, base + first / RATE_HZ + length_s
        for number, frame in Footage(footage.path, span).images():
            yield labels.drawn(frame.rgb(), first + number + 1)

    def still() -> Image:
        return next(frames(max(most - 1, 0) / RATE_HZ, 0.2))

    begin = probe(footage.path).start_s + (footage.span_s[0] if footage.span_s else 0.0) + begin_s
    drawn = DrawnClip(
        lambda: frames(begin_s, seconds),
        round(seconds * RATE_HZ),
        Fraction(RATE_HZ),
        footage.path,
        begin,
    )
    return Drawing(clip.uid, still, drawn, labels.facts() | {"still_s": round(most / RATE_HZ, 2)})


def _has_footage(footage_of: object, clip: Clip) -> bool:
    try:
        footage_of(clip)  # type: ignore[operator]
    except DataError:
        return False
    return bool(clip.tracks)


class _Labels:
    """Faces of a clip by person and frame, and what each does."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._faces: dict[str, dict[int, Floats]] = faces_by_person(clip, sort=True)
        if not any(self._faces.values()):
            raise DataError(f"clip {clip.uid} has no face in its annotation")

    def facts(self) -> dict[str, object]:
        talks = [talks_to_me(segment) for segment in self._clip.talking]
        return {
            "persons": sorted(self._faces),
            "tracks": len(self._clip.tracks),
            "looks": len(self._clip.looking),
            "talks": len(talks),
            "talks_to_me": sum(talks),
        }

    def fullest(self) -> int:
        """The annotation frame with most labels, then most faces."""
        score: dict[int, float] = {}
        for person, faces in self._faces.items():
            for frame in faces:
                kind = self._kind(person, frame)
                score[frame] = score.get(frame, 0.0) + 1 + 10 * (kind > 0) + 5 * (kind == 3)
        return max(sorted(score), key=lambda frame: score[frame])

    def drawn(self, rgb: Image, frame: int) -> Image:
        result = np.ascontiguousarray(rgb).copy()
        for person, faces in sorted(self._faces.items()):
            if frame in faces:
                name = _NAMES[self._kind(person, frame)]
                words = f"person {person}" + ("" if name == "face" else f": {name}")
                box(result, faces[frame], COLOURS[name], words)
        legend(result, COLOURS)
        return result

    def _kind(self, person: str, frame: int) -> int:
        """0 nothing, 1 looks, 2 talks, 3 both."""
        looks = int(looks_at_me(self._clip, person, np.array([frame]))[0])
        talks = any(
            segment.person == person and segment.start_frame <= frame <= segment.end_frame
            for segment in self._clip.talking
            if talks_to_me(segment)
        )
        return looks + 2 * talks
