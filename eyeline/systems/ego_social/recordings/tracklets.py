"""From annotated tracks to the benchmark's data points: boxes of every frame, and segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.systems.ego_social.recordings.annotations import (
    WEARER,
    Clip,
    Track,
    check_policy,
    talks_to_me,
)

CHUNK = 150
"""Frames from the first to the last of a long segment's pieces; neighbours share one frame."""
SHORTEST = 15
"""Frames of the shortest segment that is trained on."""


@dataclass(frozen=True)
class Boxes:
    """A face's boxes, gaps filled."""

    frame: Ints
    """`(n,)` annotation frame; its image is the one before it in the clip, counted from 0."""
    box_xyxy: Floats
    """`(n, 4)` pixels of the clip; may reach beyond the image's right and lower edge."""


@dataclass(frozen=True)
class Talk:
    """A piece of a segment of talk."""

    clip: str
    person: str
    label: int
    start_frame: int
    end_frame: int
    """The last one."""
    segment: int
    """Place among the clip's segments with a known person; pieces of one share it."""


def filled(track: Track, *, sort: bool = True) -> Boxes:
    """Boxes of a track at every frame from its first to its last, as published.

    Entries of no width or height and of frame 0 are dropped; boxes beyond the left or upper edge
    are shifted, not cut; every gap is filled by straight lines, however long. Where there is a gap,
    a frame that comes twice has its first box.

    Args:
        track: as annotated.
        sort: take entries by frame; without it by their order in the file, as talking-to-me does:
            first and last frame are then the file's, and what lies outside them is lost wherever
            there is a gap.
    """
    order = np.argsort(track.frame, kind="stable") if sort else np.arange(len(track.frame))
    frame, box = track.frame[order], track.box_xywh[order]
    kept = (box[:, 2] > 0) & (box[:, 3] > 0) & (frame != 0)
    frame, box = frame[kept], box[kept]
    corner = np.maximum(box[:, :2], 0)
    boxes = np.concatenate([corner, corner + box[:, 2:]], axis=1)
    if not len(frame) or frame[-1] - frame[0] + 1 <= len(frame):
        return Boxes(frame, boxes)
    known, first = np.unique(frame, return_index=True)
    every = np.arange(frame[0], frame[-1] + 1)
    columns = [np.interp(every, known, boxes[first, k]) for k in range(4)]
    return Boxes(every, np.stack(columns, axis=1))


def talks(
    clip: Clip, *, policy: str = "published", training: bool = False, whole: bool = False
) -> list[Talk]:
    """The clip's segments of talk in their order, cut into pieces as published.

    The wearer's own segments and those of one frame are left out. Of a segment longer than
    `CHUNK`, what lies beyond the last whole piece is lost.

    Args:
        clip: as annotated.
        policy: see `annotations.POLICIES`.
        training: leave out segments shorter than `SHORTEST` too.
        whole: one entry a segment, from its first piece's start to its last piece's end, as the
            benchmark's score files have it.
    """
    check_policy(policy)
    result = []
    for k, segment in enumerate(clip.talking):
        length = segment.end_frame - segment.start_frame + 1
        if segment.person == WEARER or length <= 1 or (training and length < SHORTEST):
            continue
        spans = pieces(segment.start_frame, segment.end_frame)
        if whole:
            spans = [(spans[0][0], spans[-1][1])]
        label = talks_to_me(segment, policy)
        result += [Talk(clip.uid, segment.person, label, a, b, k) for a, b in spans]
    return result


def pieces(start_frame: int, end_frame: int) -> list[tuple[int, int]]:
    """First and last frames of the pieces that a segment is cut into."""
    length = end_frame - start_frame + 1
    if length <= CHUNK:
        return [(start_frame, end_frame)]
    starts = [start_frame + CHUNK * i for i in range(length // CHUNK)]
    return [(start, min(end_frame, start + CHUNK)) for start in starts]


def faces_by_person(clip: Clip, *, sort: bool = False) -> dict[str, dict[int, Floats]]:
    """Boxes `(4,)` by person and frame; where tracks of one person meet, the last one's by its id.

    For `sort` see `filled`; talking-to-me does without.
    """
    result: dict[str, dict[int, Floats]] = {}
    for track in sorted(clip.tracks, key=lambda t: t.track_id):
        boxes = filled(track, sort=sort)
        own = result.setdefault(track.person, {})
        own.update(zip(boxes.frame.tolist(), boxes.box_xyxy, strict=True))
    return result


def face_counts(clip: Clip, segments: Sequence[Talk]) -> Ints:
    """Frames `(n,)` of each segment in which its person's face was seen."""
    faces = faces_by_person(clip)
    counts = [
        sum(s.start_frame <= frame <= s.end_frame for frame in faces.get(s.person, ()))
        for s in segments
    ]
    return np.array(counts, np.int64)
