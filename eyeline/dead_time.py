"""A scene on a clock without dead time, and its answers back on the video's clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline import spill
from eyeline.people.tracks import Track
from eyeline.results import (
    ANYBODY,
    UNSEEN,
    Answer,
    Directions,
    Gap,
    Points,
    Scores,
    Segments,
    VideoInfo,
    make_segments,
)
from eyeline.video.gaps import Shortened

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

_NOBODY = (UNSEEN, ANYBODY)  # whose speech needs no frames
_LEAST_S = 1e-6  # shorter pieces of segments are what rounding leaves


def shorter_video(video: VideoInfo, clock: Shortened) -> VideoInfo:
    """What is known of a video, on the shortened clock."""
    gaps = [clock.shorter(np.array([gap.start_s, gap.end_s])) for gap in video.gaps]
    return replace(
        video,
        duration_s=float(clock.shorter(video.duration_s)),
        gaps=tuple(Gap(float(start), float(end)) for start, end in gaps),
    )


def shorter_tracks(tracks: Sequence[Track], clock: Shortened) -> tuple[Track, ...]:
    """Tracks on the shortened clock."""
    return tuple(
        spill.columns(replace(t, time_s=clock.shorter(t.time_s), end_s=clock.shorter(t.end_s)))
        for t in tracks
    )


@dataclass(frozen=True)
class ShorterFrames:
    """Frames on the shortened clock; every iteration reads them anew."""

    frames: Iterable[Frame]
    clock: Shortened

    def __iter__(self) -> Iterator[Frame]:
        """All frames in order."""
        for frame in self.frames:
            start_s, end_s = self.clock.shorter(np.array([frame.time_s, frame.end_s])).tolist()
            yield frame.at(start_s, end_s)


def restored(
    answer: Answer, clock: Shortened, gaps: Sequence[Gap], not_analysed: Sequence[Gap] = ()
) -> Answer:
    """An answer on the video's clock; its segments do not reach into gaps of the recording.

    Args:
        answer: on the shortened clock.
        clock: the shortened clock.
        gaps: spans without frames, in which speech may be heard but nobody is seen.
        not_analysed: spans of which nothing is said at all.
    """
    if not isinstance(answer, Segments):
        if clock.cuts:
            answer = replace(answer, time_s=clock.longer(answer.time_s))
        return _rows_outside(answer, not_analysed)
    if not gaps and not clock.cuts and not not_analysed:
        return answer
    unseen = sorted((*clock.dead, *not_analysed), key=lambda span: span.start_s)
    gaps = sorted((*gaps, *not_analysed), key=lambda span: span.start_s)
    start_s, end_s = clock.longer(answer.start_s), clock.longer(answer.end_s)
    rows = [
        (person, *piece, label, score)
        for person, start, end, label, score in zip(
            answer.person.tolist(),
            start_s.tolist(),
            end_s.tolist(),
            answer.label,
            answer.score.tolist(),
            strict=True,
        )
        for piece in _outside(start, end, unseen if person in _NOBODY else gaps)
    ]
    return make_segments(answer.system, answer.builder, answer.name, rows)


def _rows_outside(
    answer: Scores | Directions | Points, spans: Sequence[Gap]
) -> Scores | Directions | Points:
    """The rows of an answer that begin outside of spans."""
    keep = np.ones(len(answer), bool)
    for span in spans:
        keep &= (answer.time_s < span.start_s - _LEAST_S) | (answer.time_s >= span.end_s - _LEAST_S)
    if keep.all():
        return answer
    rows: dict[str, Any] = {
        name: value[keep]
        for name, value in vars(answer).items()
        if isinstance(value, np.ndarray) and not name.startswith("heatmap")
    }
    if isinstance(answer, Points) and answer.heatmap is not None:
        kept = keep[answer.heatmap_row]
        row = (np.cumsum(keep) - 1)[answer.heatmap_row[kept]]
        rows |= {"heatmap_row": row, "heatmap": answer.heatmap[kept]}
    return replace(answer, **rows)


def _outside(start_s: float, end_s: float, spans: Sequence[Gap]) -> Iterator[tuple[float, float]]:
    """What of a segment lies outside of spans in order."""
    for span in spans:
        if span.start_s < end_s and span.end_s > start_s:
            if span.start_s - start_s > _LEAST_S:
                yield start_s, span.start_s
            start_s = max(start_s, span.end_s)
    if end_s - start_s > _LEAST_S:
        yield start_s, end_s


def gap_warnings(gaps: Sequence[Gap], most: int = 5) -> list[str]:
    """The gaps of a recording in words, the longest ones where there are many."""
    named = sorted(sorted(gaps, key=lambda g: g.start_s - g.end_s)[:most], key=lambda g: g.start_s)
    words = [f"no frames from {g.start_s:.1f} to {g.end_s:.1f} s" for g in named]
    if len(gaps) > most:
        seconds = sum(g.end_s - g.start_s for g in gaps)
        words.append(f"{len(gaps)} gaps without frames, {seconds:.1f} s in all")
    return words
