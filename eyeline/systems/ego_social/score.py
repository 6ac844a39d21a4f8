"""Scoring a table or a submission against the truth, without any network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from eyeline.bounds import Count, Whole
from eyeline.errors import DataError, UsageError
from eyeline.evaluation import tables
from eyeline.evaluation.report import Figures, Report
from eyeline.evaluation.tables import Side
from eyeline.log import Log
from eyeline.results import Ints
from eyeline.systems.ego_social import report
from eyeline.systems.ego_social.predictions import (
    KINDS,
    Rows,
    codes,
    first_of_each,
    read_predictions,
    read_truth,
)
from eyeline.systems.ego_social.recordings import tracklets
from eyeline.systems.ego_social.recordings.annotations import (
    Annotations,
    Clip,
    check_policy,
    looks_at_me,
    policy_note,
    read_annotations,
    read_list,
)
from eyeline.systems.ego_social.scoring.postprocess import looks, smoothed, talks

TOLERANCE_PX = 1e-9
"""Within which boxes of truth and predictions must agree."""

_SHOWN = 3


def run(
    predictions: Path | str,
    truth: Path | str,
    *,
    split: str | None = None,
    stride: Count | None = None,
    policy: str = "published",
    smooth_frames: Whole = 0,
    subset: bool = False,
    samples: Whole = 200,
    log: Log | None = None,
) -> Report:
    """Scores of predictions by the benchmark's rules.

    Args:
        predictions: a table as the benchmark's `pred.csv`, or a submission.
        truth: a table as its `gt.csv`; or Ego4D's annotations, an `av_*.json` or their folder.
        split: list of the annotated clips that are wanted; without it those of the predictions.
        stride: of annotated faces every so many frames are wanted; without it those predicted.
        policy: what counts as positive in annotations, see `annotations.POLICIES`.
        smooth_frames: length of a running median over each face's scores; 0 for none.
        subset: whether predictions may leave rows out; they are counted.
        samples: draws of the intervals; 0 for none.
        log: receives notes.

    Returns:
        `published`: as the benchmark's code counts; `challenge`: as its server answers, None where
        the rows do not tell frames with a face; `pooled`: textbook scores; `interval`: of the
        published ones by bootstrap over clips; counts and notes.

    Raises:
        DataError: naming file, line, clip, track and frame: rows that are missing or unknown,
            boxes or spans that differ from the truth's; or only one class is there.
        UsageError: no such policy.
    """
    check_policy(policy)
    notes: list[str] = []
    result = _once(read_predictions(predictions), notes)
    if smooth_frames:
        result = smoothed(result, smooth_frames)
    if Path(truth).is_dir() or Path(truth).suffix.lower() == ".json":
        known, faces = _annotated(truth, result, split, stride, policy, notes)
    else:
        if split is not None or stride is not None or policy != "published":
            raise UsageError(f"split, stride and policy are for annotations; {truth} is a table")
        known, faces = _once(read_truth(truth), notes), None
    figures = score(result, known, faces=faces, subset=subset, samples=samples, notes=notes)
    sources = {"predictions": str(predictions), "truth": str(truth)}
    created = Report({**sources, **figures, "notes": notes})
    created.log(log)
    return created


def score(
    predicted: Rows,
    known: Rows,
    *,
    faces: Ints | None = None,
    subset: bool = False,
    samples: int = 200,
    notes: list[str] | None = None,
) -> Figures:
    """Scores of predicted rows; each of the truth's must be there, once, and no other.

    Args:
        predicted: predictions without repeats.
        known: the truth without repeats; its order decides among equal scores.
        faces: `(n,)` frames with a face of each of the truth's segments.
        subset: see `run`.
        samples: see `run`.
        notes: where notes are added.
    """
    if predicted.kind is not known.kind:
        raise DataError(
            f"{predicted.source} holds {predicted.kind.name} rows, "
            f"{known.source} {known.kind.name} rows"
        )
    sides = zip((predicted, known), codes([predicted, known], known.kind.key), strict=True)
    mine, theirs = (Side(table.source, keys.tolist(), table.name) for table, keys in sides)
    place = tables.join(mine, theirs, subset=subset, notes=notes)
    order = np.argsort(place)
    known, predicted = known.take(place[order]), predicted.take(order)
    _check_agreement(predicted, known)
    truth, value, seen = known.label, predicted.score, np.ones(len(known), bool)
    assert value is not None
    if faces is not None:
        faces = faces[place[order]]
        seen = faces > 0  # segments without a face are not in the challenge
    challenge = None
    if (known.kind.name != "ttm" or faces is not None) and {*truth[seen].tolist()} == {0, 1}:
        challenge = report.challenge(truth, value, faces)
    clip = np.unique(codes([known], known.kind.columns[:1])[0], return_inverse=True)[1]
    return {
        "task": known.kind.task,
        "rows": len(known),
        "published": report.published(truth, value),
        "pooled": report.pooled(truth, value),
        "challenge": challenge,
        "interval": report.intervals(truth, value, clip, samples=samples) if samples else None,
    }


def _check_agreement(predicted: Rows, known: Rows) -> None:
    """Boxes and spans beside the key."""
    for name in (n for n in known.kind.columns if n not in known.kind.key):
        differs = np.abs(predicted.columns[name] - known.columns[name]) > TOLERANCE_PX
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            more = f" (and {differs.sum() - 1} more)" if differs.sum() > 1 else ""
            raise DataError(
                f"{predicted.place(row)}: {name} is {predicted.columns[name][row]}, in "
                f"{known.source} {known.columns[name][row]}{more}"
            )


def _once(table: Rows, notes: list[str]) -> Rows:
    """Without repeated rows, of which the benchmark keeps the first."""
    first = first_of_each(table)
    twice = np.setdiff1d(np.arange(len(table)), first).tolist()
    if not twice:
        return table
    shown = "; ".join(map(table.place, twice[:_SHOWN]))
    notes.append(f"{len(twice)} rows come again and are dropped, as published: {shown}")
    return table.take(first)


def _annotated(
    path: Path | str,
    predicted: Rows,
    split: str | None,
    stride: int | None,
    policy: str,
    notes: list[str],
) -> tuple[Rows, Ints | None]:
    """Truth from annotations; of segments the number of frames with a face too."""
    if predicted.kind.name.endswith("_challenge"):
        raise DataError(
            f"{predicted.source} is for a challenge, whose annotations are not published"
        )
    annotated = read_annotations(path)
    notes += annotated.notes
    clips = _clips(annotated, predicted, split, path)
    if lacking := [clip.uid for clip in clips if not clip.labelled]:
        raise DataError(f"{path}: {len(lacking)} clips have no labels, first: {lacking[0]}")
    if note := policy_note(clips, policy):
        notes.append(note)
    if predicted.kind is KINDS["ttm"]:
        own = [tracklets.talks(clip, policy=policy, whole=True) for clip in clips]
        known = talks([segment for segments in own for segment in segments])
        counts = [tracklets.face_counts(c, s) for c, s in zip(clips, own, strict=True)]
        faces = np.concatenate([np.zeros(0, np.int64), *counts])
    else:
        known, faces = _look_truth(clips, policy, stride), None
    known = replace(known, source=str(path), line=np.zeros(len(known), np.int64))
    if faces is None and stride is None:
        known = _predicted(known, predicted, notes)
    return known, faces


def _clips(
    annotated: Annotations, predicted: Rows, split: str | None, path: Path | str
) -> list[Clip]:
    if split is not None:
        return annotated.chosen(read_list(split))
    names, first = np.unique(predicted.columns["clip"].astype(str), return_index=True)
    for name, row in zip(names.tolist(), first.tolist(), strict=True):
        if name not in annotated.clips:
            raise DataError(f"{predicted.place(row)}: {path} has no such clip")
    wanted = set(names.tolist())
    return [clip for uid, clip in annotated.clips.items() if uid in wanted]


def _look_truth(clips: Iterable[Clip], policy: str, stride: int | None) -> Rows:
    names: list[tuple[str, str]] = []
    parts = []
    for clip in clips:
        for track in sorted(clip.tracks, key=lambda t: t.track_id):
            boxes = tracklets.filled(track)
            frame, box = boxes.frame[::stride], boxes.box_xyxy[::stride]
            parts.append((frame, box, looks_at_me(clip, track.person, frame, policy)))
            names += [(clip.uid, track.track_id)] * len(frame)
    if not parts:
        raise DataError("the clips have no tracks")
    frame, box, label = (np.concatenate(column) for column in zip(*parts, strict=True))
    return looks([uid for uid, _ in names], [n for _, n in names], frame, box, label=label)


def _predicted(known: Rows, predicted: Rows, notes: list[str]) -> Rows:
    """Of the annotated frames those that were predicted; notes name faces that never were."""
    mine, theirs = codes([predicted, known], predicted.kind.key)
    kept = np.isin(theirs, mine)
    track = codes([known], ("clip", "track"))[0]
    every, start = np.unique(track, return_index=True)
    unseen = start[np.bincount(track[kept], minlength=len(every))[every] == 0]
    if len(unseen):
        columns, rows = known.columns, unseen[:_SHOWN].tolist()
        named = ", ".join(f"{columns['track'][r]} of {columns['clip'][r]}" for r in rows)
        notes.append(f"{len(unseen)} tracks were not predicted at all: {named}")
    notes.append(f"{int(kept.sum())} of {len(known)} annotated frames were predicted")
    return known.take(np.flatnonzero(kept))
