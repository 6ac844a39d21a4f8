"""From a network and a data set to the benchmark's rows, by its protocol and by better ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from eyeline.errors import UsageError
from eyeline.log import Log
from eyeline.results import Floats, Ints
from eyeline.systems.ego_social.predictions import Rows, rows
from eyeline.systems.ego_social.recordings.tracklets import Talk, face_counts, faces_by_person
from eyeline.systems.ego_social.scoring import postprocess

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from eyeline.systems.ego_social.data import Looks, Talks
    from eyeline.systems.ego_social.model import LookingAtMe
    from eyeline.systems.ego_social.recordings.challenge import ChallengeLooks, ChallengeTalks
    from eyeline.systems.ego_social.scoring.answering import Stretches, Talked, Windows
    from eyeline.systems.ego_social.ttm_model import TalkingToMe


@dataclass(frozen=True)
class Options:
    """What makes scores better without training; none of it is in the published protocol."""

    smooth_frames: int = 0
    """Length of a running median over each face's scores; 0 for none. Of looks."""
    flip: bool = False
    """Mean with the scores of mirror images."""
    fuse: bool = False
    """Scores of face and voice alone, the face's weighing as much as it is seen. Of talk."""

    def check(self, task: str) -> None:
        """UsageError where an option is not for the task."""
        if self.smooth_frames < 0:
            raise UsageError(f"smooth is {self.smooth_frames} frames; 0 or more can be")
        if task == "ttm" and self.smooth_frames:
            raise UsageError("smooth is for looking at me: talk has one score a segment")
        if task == "lam" and self.fuse:
            raise UsageError("fuse is for talking to me: looks have no voice")


@dataclass(frozen=True)
class Work:
    """How a data set is gone through."""

    at_once: int = 32
    """Windows that are seen together."""
    workers: int = 0
    """Processes that read crops."""
    log: Log | None = None
    fabric: Fabric | None = None
    """Launched; its processes share the data set."""


@dataclass(frozen=True)
class Answered:
    """Rows of a data set as the benchmark has them, and what a network said of them."""

    truth: Rows
    plain: Rows
    """By the published protocol."""
    found: Rows
    """With the options; the same as `plain` without any."""
    logits: Floats
    """`(n, 2)` of windows or stretches as they are, by the published protocol."""
    faces: Ints | None = None
    """`(n,)` frames of each segment of talk in which the speaker's face is annotated."""


def of_looks(
    network: LookingAtMe, items: Looks, options: Options | None = None, work: Work | None = None
) -> Answered:
    """Answers for looks of a prepared data set."""
    options = options or Options()
    columns = items.clip, items.track, items.frame, items.box_xyxy
    logits = _look_logits(network, items, options, work or Work())
    plain = predictions = postprocess.looks(*columns, score=postprocess.scores(logits[0]))
    if len(logits) > 1:
        predictions = postprocess.looks(*columns, score=postprocess.flip_mean(*logits))
    predictions = postprocess.smoothed(predictions, options.smooth_frames)
    return Answered(postprocess.looks(*columns, label=items.label), plain, predictions, logits[0])


def of_talks(
    network: TalkingToMe, items: Talks, options: Options | None = None, work: Work | None = None
) -> Answered:
    """Answers for stretches of talk of a prepared data set."""
    options = options or Options()
    segments = items.segments
    heard = _talked(network, items, options, work or Work())
    plain = predictions = postprocess.talks(segments, heard[0].logits)
    if options.fuse or options.flip:
        predictions = replace(plain, score=_segment_scores(segments, heard, options.fuse))
    faces = _annotated_faces(items)
    return Answered(postprocess.talks(segments), plain, predictions, heard[0].logits, faces)


def of_challenge_looks(
    network: LookingAtMe,
    items: ChallengeLooks,
    options: Options | None = None,
    work: Work | None = None,
) -> Rows:
    """Rows for the looking-at-me challenge, one a crop."""
    options = options or Options()
    logits = _look_logits(network, items, options, work or Work())
    score = postprocess.scores(logits[0]) if len(logits) == 1 else postprocess.flip_mean(*logits)
    names = items.columns
    unknown = np.zeros((len(items), 4))
    whole = postprocess.looks(
        names["video_id"], names["track_id"], items.frame, unknown, score=score
    )
    return rows(
        "lam_challenge", names, score=postprocess.smoothed(whole, options.smooth_frames).score
    )


def of_challenge_talks(
    network: TalkingToMe,
    items: ChallengeTalks,
    options: Options | None = None,
    work: Work | None = None,
) -> Rows:
    """Rows for the talking-to-me challenge: each frame with a face has its segment's score."""
    options = options or Options()
    heard = _talked(network, items, options, work or Work())
    if not (options.fuse or options.flip):
        return postprocess.challenge_talks(items.pieces, heard[0].logits, items.faces)
    spans = zip(items.pieces, items.span.tolist(), strict=True)
    segments = [Talk(name, "", 0, first, last, 0) for name, (first, last) in spans]
    score = _segment_scores(segments, heard, options.fuse)
    names = list(dict.fromkeys(items.pieces))
    return postprocess.frames_of_segments(names, score, [items.faces[name] for name in names])


def as_challenge(found: Rows, items: Looks | Talks) -> Rows:
    """Rows of a prepared data set in the form of the challenges, for clips without labels.

    A look is told by clip, track and frame; the challenge's own ids come with its crops. A segment
    of talk is told by `<clip>_<segment>`, and each frame with a face by its number in the segment.
    """
    columns, score = found.columns, cast(Floats, found.score)
    if found.kind.name == "lam":
        ids = {"video_id": columns["clip"], "track_id": columns["track"]}
        frames = [f"{frame:05d}" for frame in columns["frame"].tolist()]
        return rows("lam_challenge", {**ids, "unique_id": frames}, score=score)
    faces = {clip.uid: faces_by_person(clip.annotation) for clip in items.clips}
    talking = {clip.uid: clip.annotation.talking for clip in items.clips}
    names, shown = [], []
    for clip, number in zip(columns["clip"], columns["segment"], strict=True):
        segment = talking[clip][number]
        span = range(segment.start_frame, segment.end_frame + 1)
        own = faces[clip].get(segment.person, ())
        names.append(f"{clip}_{number}")
        shown.append([f - segment.start_frame for f in span if f in own])
    return postprocess.frames_of_segments(names, score, shown)


def quality(segments: Sequence[Talk], heard: Talked) -> Floats:
    """Of each segment `(segment,)` the share of its frames that show a face."""
    faces, frames = (per_segment(segments, counts) for counts in (heard.faces, heard.frames))
    return np.asarray(faces / np.maximum(frames, 1))


def per_segment(segments: Sequence[Talk], counts: Ints) -> Ints:
    """Sums `(segment,)` of counts `(n,)` of the pieces, in the order of `postprocess.talks`."""
    names = [(piece.clip, piece.segment) for piece in segments]
    begins = [i == 0 or name != names[i - 1] for i, name in enumerate(names)]
    return np.bincount(np.cumsum(begins) - 1, weights=counts).astype(np.int64)


def _annotated_faces(items: Talks) -> Ints:
    """As `score.run` counts them from annotations."""
    whole: dict[tuple[str, int], Talk] = {}
    for piece in items.segments:
        first = whole.setdefault((piece.clip, piece.segment), piece)
        whole[piece.clip, piece.segment] = replace(first, end_frame=piece.end_frame)
    counts = []
    for clip in items.clips:
        own = [segment for segment in whole.values() if segment.clip == clip.uid]
        counts.append(face_counts(clip.annotation, own))
    return np.concatenate(counts)


def _look_logits(
    network: LookingAtMe, items: Windows, options: Options, work: Work
) -> list[Floats]:
    """Of windows as they are and, if asked for, of their mirror images."""
    from eyeline.systems.ego_social.scoring import answering

    how: dict[str, Any] = {"workers": work.workers, "log": work.log, "fabric": work.fabric}
    sides = (False, True) if options.flip else (False,)
    of = partial(answering.looks, network, items, at_once=work.at_once, **how)
    return [of(mirrored=mirrored) for mirrored in sides]


def _talked(network: TalkingToMe, items: Stretches, options: Options, work: Work) -> list[Talked]:
    from eyeline.systems.ego_social.scoring import answering

    how: dict[str, Any] = {"workers": work.workers, "log": work.log, "fabric": work.fabric}
    sides = (False, True) if options.flip else (False,)
    return [answering.talks(network, items, mirrored=mirrored, **how) for mirrored in sides]


def _segment_scores(segments: Sequence[Talk], heard: Sequence[Talked], fuse: bool) -> Floats:
    """Scores `(segment,)`: means over images as they are and mirrored, where both are there."""

    def of(logits: Floats) -> Floats:
        return cast(Floats, postprocess.talks(segments, logits).score)

    sides = [
        postprocess.fused(of(one.face), of(one.voice), quality(segments, one))
        if fuse
        else of(one.logits)
        for one in heard
    ]
    return np.asarray(np.mean(sides, axis=0))
