"""From a network's logits to the scores of rows, and what makes scores better without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.people import smooth
from eyeline.results import Floats, Ints
from eyeline.systems.ego_social.predictions import Columns, Rows, codes, rows
from eyeline.systems.ego_social.recordings.tracklets import Talk


def scores(logits: Floats) -> Floats:
    """Probability `(n,)` of class 1 of logits `(n, 2)`, in the logits' own precision."""
    from scipy.special import softmax

    check_shape(logits, "row 2", "logits")
    return np.asarray(softmax(logits, axis=1)[:, 1])


def looks(
    clip: Sequence[str],
    track: Sequence[str],
    frame: Ints,
    box_xyxy: Floats,
    *,
    label: Ints | None = None,
    score: Floats | None = None,
) -> Rows:
    """Rows of looking at me: of truth with labels `(n,)`, of predictions with scores `(n,)`."""
    sides = {
        f"{axis}{i}": box_xyxy[:, 2 * i - 2 + k] for i in (1, 2) for k, axis in enumerate("xy")
    }
    columns: Columns = {"clip": clip, "frame": frame, "track": track, **sides}
    return rows(
        "lam", columns, label=label, score=None if score is None else np.asarray(score, np.float64)
    )


def talks(segments: Sequence[Talk], logits: Floats | None = None) -> Rows:
    """Rows of talking to me, one a segment: of its pieces the mean logits, then the probability.

    Args:
        segments: pieces in order, those of one segment in a row.
        logits: `(n, 2)` for predictions; None for a table of truth.

    Returns:
        Rows from the first piece's start to the last one's end.
    """
    first = starts([(s.clip, s.segment) for s in segments])
    chosen = [segments[i] for i in first]
    ends = [segments[i - 1].end_frame for i in [*first[1:], len(segments)]] if segments else []
    columns: Columns = {
        "clip": [s.clip for s in chosen],
        "segment": [s.segment for s in chosen],
        "start_frame": [s.start_frame for s in chosen],
        "end_frame": ends,
    }
    if logits is None:
        return rows("ttm", columns, label=np.array([s.label for s in chosen], np.int64))
    return rows("ttm", columns, score=np.asarray(scores(_means(logits, first)), np.float64))


def challenge_talks(
    pieces: Sequence[str], logits: Floats, frames: Mapping[str, Sequence[int]]
) -> Rows:
    """Rows of the talking-to-me challenge: each frame with a face has its segment's score.

    Args:
        pieces: `(n,)` the segment that each piece belongs to, those of one in a row.
        logits: `(n, 2)`.
        frames: of each segment those with a face.
    """
    first = starts(pieces)
    value = scores(_means(logits, first))
    names = [pieces[i] for i in first]
    if lacking := [name for name in names if name not in frames]:
        raise DataError(f"segment {lacking[0]}: its frames with a face are not told")
    return frames_of_segments(names, value, [frames[name] for name in names])


def frames_of_segments(
    names: Sequence[str], score: Floats, frames: Sequence[Sequence[int]]
) -> Rows:
    """Rows of the talking-to-me challenge: frames of each segment with its score."""
    many = [len(own) for own in frames]
    columns: Columns = {
        "video_id": np.array(names, object).repeat(many),
        "frame_id": [str(frame) for own in frames for frame in own],
    }
    return rows("ttm_challenge", columns, score=np.asarray(score, np.float64).repeat(many))


def smoothed(table: Rows, window_frames: int) -> Rows:
    """Looking-at-me predictions with each face's scores passed through a running median.

    A face that is gone for a while begins anew. At the ends the window is cut.

    Args:
        table: predictions, of any stride and order.
        window_frames: length in frames of the clip; 0 or 1 changes nothing.
    """
    if table.kind.name != "lam" or table.score is None:
        raise DataError(f"{table.source} holds no scores by face and frame: nothing to smooth")
    if window_frames <= 1 or not len(table):
        return table
    track = codes([table], ("clip", "track"))[0]
    frame = table.columns["frame"]
    order = np.lexsort((frame, track))
    score = np.array(table.score, np.float64)
    step = np.diff(frame[order])
    same = np.diff(track[order]) == 0
    usual = int(np.median(step[same & (step > 0)])) if (same & (step > 0)).any() else 1
    for run in np.split(order, np.flatnonzero(~same | (step > usual)) + 1):
        score[run] = smooth.median(table.score[run], frame[run].astype(np.float64), window_frames)
    return replace(table, score=score)


def fused(face: Floats, voice: Floats, quality: Floats) -> Floats:
    """Scores `(n,)` of talking to me from the face and from the voice alone.

    Args:
        face: `(n,)` in [0, 1]; NaN where no face was seen.
        voice: `(n,)` in [0, 1].
        quality: `(n,)` of the face's images in [0, 1]: what the face's score weighs, the voice's
            weighs the rest.
    """
    for name, values in (("face", face), ("voice", voice), ("quality", quality)):
        check_shape(values, "row", name, {"row": len(voice)})
    trust = np.where(np.isnan(face), 0.0, np.clip(np.nan_to_num(quality), 0, 1))
    return np.asarray(trust * np.nan_to_num(face) + (1 - trust) * voice)


def flip_mean(logits: Floats, flipped: Floats) -> Floats:
    """Scores `(n,)` from logits `(n, 2)` of images as they are and of their mirror images."""
    check_shape(flipped, "row 2", "logits of mirror images", {"row": len(logits)})
    return (scores(logits) + scores(flipped)) / 2


def _means(logits: Floats, first: Sequence[int]) -> Floats:
    """Means of runs that begin at these rows, in the logits' own precision."""
    ends = [*first[1:], len(logits)]
    means = [logits[a:b].mean(axis=0) for a, b in zip(first, ends, strict=True)]
    return np.array(means, logits.dtype).reshape(-1, 2)


def starts(names: Sequence[object]) -> list[int]:
    """Where another name begins."""
    return [i for i, name in enumerate(names) if not i or name != names[i - 1]]
