"""From a network and a data set to the benchmark's rows, by its protocol and by better ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from eyeline.errors import UsageError
from eyeline.results import Floats, Ints
from eyeline.systems.ego_social.predictions import Rows, rows
from eyeline.systems.ego_social.recordings.tracklets import Talk, face_counts, faces_by_person
from eyeline.systems.ego_social.scoring import outputs, postprocess
from eyeline.systems.ego_social.scoring.outputs import TalkOutputs, Work

if TYPE_CHECKING:
    from eyeline.systems.ego_social.data import Looks, Talks
    from eyeline.systems.ego_social.model import LookingAtMe
    from eyeline.systems.ego_social.recordings.challenge import ChallengeLooks, ChallengeTalks
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
            raise UsageError(f"smooth is {self.smooth_frames} frames; must be at least 0")
        if task == "ttm" and self.smooth_frames:
            raise UsageError("smooth is for looking at me: talk has one score a segment")
        if task == "lam" and self.fuse:
            raise UsageError("fuse is for talking to me: looks have no voice")

    @property
    def sides(self) -> tuple[bool, ...]:
        """Whether images are mirrored, of each time that the network is shown them."""
        return (False, True) if self.flip else (False,)


@dataclass(frozen=True)
class Predicted:
    """Rows of a data set as the benchmark has them, and what a network makes of them."""

    truth: Rows
    plain: Rows
    """By the published protocol."""
    rows: Rows
    """With the options; the same as `plain` without any."""
    logits: Floats
    """`(n, 2)` of windows or utterances as they are, by the published protocol."""
    faces: Ints | None = None
    """`(n,)` frames of each segment of talk in which the speaker's face is annotated."""


def of_looks(
    network: LookingAtMe, items: Looks, options: Options | None = None, work: Work | None = None
) -> Predicted:
    """Predictions for looks of a prepared data set."""
    options = options or Options()
    columns = items.clip, items.track, items.frame, items.box_xyxy
    logits = [outputs.looks(network, items, work, mirrored=side) for side in options.sides]
    plain = predicted = postprocess.looks(*columns, score=postprocess.scores(logits[0]))
    if options.flip:
        predicted = postprocess.looks(*columns, score=postprocess.flip_mean(*logits))
    predicted = postprocess.smoothed(predicted, options.smooth_frames)
    return Predicted(postprocess.looks(*columns, label=items.label), plain, predicted, logits[0])


def of_talks(
    network: TalkingToMe, items: Talks, options: Options | None = None, work: Work | None = None
) -> Predicted:
    """Predictions for utterances of a prepared data set."""
    options, segments = options or Options(), items.segments
    heard = [outputs.talks(network, items, work, mirrored=side) for side in options.sides]
    plain = predicted = postprocess.talks(segments, heard[0].logits)
    if options.fuse or options.flip:
        predicted = replace(plain, score=_segment_scores(segments, heard, options.fuse))
    faces = _annotated_faces(items)
    return Predicted(postprocess.talks(segments), plain, predicted, heard[0].logits, faces)


def of_challenge_looks(
    network: LookingAtMe,
    items: ChallengeLooks,
    options: Options | None = None,
    work: Work | None = None,
) -> Rows:
    """Rows for the looking-at-me challenge, one a crop."""
    options, names = options or Options(), items.columns
    logits = [outputs.looks(network, items, work, mirrored=side) for side in options.sides]
    score = postprocess.flip_mean(*logits) if options.flip else postprocess.scores(logits[0])
    columns = names["video_id"], names["track_id"], items.frame, np.zeros((len(items), 4))
    smoothed = postprocess.smoothed(postprocess.looks(*columns, score=score), options.smooth_frames)
    return rows("lam_challenge", names, score=smoothed.score)


def of_challenge_talks(
    network: TalkingToMe,
    items: ChallengeTalks,
    options: Options | None = None,
    work: Work | None = None,
) -> Rows:
    """Rows for the talking-to-me challenge: each frame with a face has its segment's score."""
    options = options or Options()
    heard = [outputs.talks(network, items, work, mirrored=side) for side in options.sides]
    if not (options.fuse or options.flip):
        return postprocess.challenge_talks(items.pieces, heard[0].logits, items.faces)
    spans = zip(items.pieces, items.span.tolist(), strict=True)
    segments = [Talk(name, "", 0, first, last, 0) for name, (first, last) in spans]
    score = _segment_scores(segments, heard, options.fuse)
    names = list(dict.fromkeys(items.pieces))
    return postprocess.frames_of_segments(names, score, [items.faces[name] for name in names])


def as_challenge(predicted: Rows, items: Looks | Talks) -> Rows:
    """Rows of a prepared data set in the form of the challenges, for clips without labels.

    A look has clip, track and frame; the challenge's own ids come with its crops. A segment of talk
    is called `<clip>_<segment>`, and each frame with a face by its number in the segment.
    """
    columns, score = predicted.columns, cast(Floats, predicted.score)
    if predicted.kind.name == "lam":
        ids = {"video_id": columns["clip"], "track_id": columns["track"]}
        frames = [f"{frame:05d}" for frame in columns["frame"].tolist()]
        return rows("lam_challenge", {**ids, "unique_id": frames}, score=score)
    clips = {clip.uid: clip.annotation for clip in items.clips}
    faces = {uid: faces_by_person(clip) for uid, clip in clips.items()}
    names, shown = [], []
    for clip, number in zip(columns["clip"], columns["segment"], strict=True):
        segment = clips[clip].talking[number]
        span = range(segment.start_frame, segment.end_frame + 1)
        own = faces[clip].get(segment.person, ())
        names.append(f"{clip}_{number}")
        shown.append([f - segment.start_frame for f in span if f in own])
    return postprocess.frames_of_segments(names, score, shown)


def quality(segments: Sequence[Talk], heard: TalkOutputs) -> Floats:
    """Of each segment `(segment,)`, in the order of `postprocess.talks`, how many frames show it.

    As a fraction of all frames of its pieces.
    """
    first = postprocess.starts([(piece.clip, piece.segment) for piece in segments])
    faces, frames = (np.add.reduceat(counts, first) for counts in (heard.faces, heard.frames))
    return np.asarray(faces / np.maximum(frames, 1))


def _annotated_faces(items: Talks) -> Ints:
    """As `score.run` counts them from annotations."""
    whole: dict[tuple[str, int], Talk] = {}
    for piece in items.segments:
        first = whole.setdefault((piece.clip, piece.segment), piece)
        whole[piece.clip, piece.segment] = replace(first, end_frame=piece.end_frame)
    return np.concatenate(
        [
            face_counts(clip.annotation, [s for s in whole.values() if s.clip == clip.uid])
            for clip in items.clips
        ]
    )


def _segment_scores(segments: Sequence[Talk], heard: Sequence[TalkOutputs], fuse: bool) -> Floats:
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
