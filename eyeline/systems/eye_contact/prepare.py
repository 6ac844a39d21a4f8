"""Preparing VoxCeleb2 for training: from the videos as downloaded to labelled tracklets.

Every video is decoded once; what is finished is kept, a run that was stopped goes on with the
videos that it has not finished.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from eyeline import pool
from eyeline.bounds import Count, Jobs, NotNegative, Positive, Whole
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, prepare_all
from eyeline.errors import DataError, UsageError
from eyeline.files import sha256
from eyeline.log import Log
from eyeline.systems.eye_contact.discovery import pseudo_labels
from eyeline.systems.eye_contact.discovery.clusters import FIRST_EPS_MM
from eyeline.systems.eye_contact.discovery.formation import (
    MEMORY_FRAMES,
    REFRESH_FRAMES,
    Association,
)
from eyeline.systems.eye_contact.discovery.identity import LEAST_COSINE, find_known_people
from eyeline.systems.eye_contact.discovery.pseudo_labels import POINTS, SECONDS, Limits
from eyeline.systems.eye_contact.discovery.pseudo_labels import Summary as LabelsSummary
from eyeline.systems.eye_contact.discovery.sources import find_sources, prepared_videos, videos_root
from eyeline.systems.eye_contact.discovery.workers import (
    NO_WEIGHTS,
    Choices,
    Plan,
    Progress,
    prepare_video,
)


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    detector: str = "centerface",
    bodies: str = "torso_from_head",
    body_weights: Path | str | None = None,
    association: Association = "centre",
    least_similarity: Annotated[float, Ge(-1), Le(1)] = LEAST_COSINE,
    refresh_frames: Count = REFRESH_FRAMES,
    memory_frames: Count = MEMORY_FRAMES,
    save_last: bool = False,
    save_breaking: bool = False,
    seconds: Sequence[NotNegative] = SECONDS,
    points: Sequence[Whole] = POINTS,
    annotations: Path | str | None = None,
    leave_out: Sequence[str] = (),
    images: Path | str | None = None,
    conversion: Path | str | None = None,
    convert: bool = False,
    m_eps: Positive = FIRST_EPS_MM,
    min_length: Whole = 0,
    device: str = "cpu",
    jobs: Jobs = 1,
    progress: Progress | None = None,
    log: Log | None = None,
) -> Summary:
    """Prepare a folder of videos: tracklets, gaze points, labels from clusters, training list.

    Where `source` holds no videos but is itself a prepared root, only the labels are made. One bad
    file does not stop the others.

    Args:
        source: a folder a celebrity with `<video>[_fps25|_25fps].(mkv|mp4|webm)`, and perhaps
            `randomVoxMeta.csv`, or what holds it as `randomVox`.
        out: root to write; may be `source`.
        weights: file of `xgaze_resnet50`, as `eyeline import` wrote it, under that name.
        detector: `centerface` or `mmod`.
        bodies: `torso_from_head` or `keypoint_rcnn`.
        body_weights: for `keypoint_rcnn`.
        association: as of `formation.choose_body`.
        least_similarity: cosine from which a face is the person's.
        refresh_frames: as of `recognise.Recogniser`.
        memory_frames: likewise.
        save_last: keep the tracklet that is open when a video ends; the original loses it.
        save_breaking: let the frame at which a face jumps begin a tracklet; the original loses it.
        seconds: shortest and longest video.
        points: fewest and most gaze points of a video that is labelled.
        annotations: the published `Annotations`; names the videos of the test set. By default
            those in `source` or beside `randomVox`.
        leave_out: further videos to leave out, as `video` or `celebrity/video`.
        images: a folder a celebrity with images of the person, or VGGFace2, by default that of
            `source`; without one, the face most seen in the video itself is taken for the person.
        conversion: for VGGFace2, `vox_face_conversion.csv`; likewise.
        convert: write `<out>/<celebrity>/<video>_fps25.mkv` and read that. Not needed: frames are
            taken at 25 Hz by time anyway.
        m_eps: as of `pseudo_labels.run`.
        min_length: likewise.
        device: of the networks.
        jobs: videos worked on at the same time.
        progress: called for every frame, with one job.
        log: receives every video.
    """
    source, out, log = Path(source), videos_root(Path(out)), log or (lambda line: None)
    pair, (fewest, most) = _pair(seconds, "seconds"), _pair(points, "points")
    choices = Choices(
        detector,
        bodies,
        association,
        least_similarity,
        refresh_frames,
        memory_frames,
        save_last,
        save_breaking,
        pair,
    )
    limits = Limits(pair, (int(fewest), int(most)))
    result = find_sources(source, _path(annotations), leave_out)
    outcomes: tuple[Outcome, ...] = ()
    people = find_known_people(source, _path(images), _path(conversion))
    videos, unknown = people.attached(result.videos)
    if videos:
        gaze_weights = _path((weights or {}).get("xgaze_resnet50"))
        if gaze_weights is None:
            raise UsageError(NO_WEIGHTS)
        several = jobs > 1 and not pool.is_cluster()
        threads = max(1, (os.cpu_count() or 1) // jobs) if several else Plan.threads
        plan = Plan(
            out,
            choices,
            gaze_weights,
            _sha256(gaze_weights),
            _path(body_weights),
            people.images,
            device,
            convert,
            threads,
        )
        work = [(plan, video, progress if jobs == 1 else None) for video in videos]
        outcomes = prepare_all(prepare_video, work, log, jobs=jobs)
    labels = _labels(source, out, outcomes, limits, result.barred, m_eps, min_length, log)
    details = {
        "skipped": {o.name: o.message for o in outcomes if o.status == "skipped"},
        "left_out": {reason: len(names) for reason, names in result.left_out.items()},
        "labels": labels.as_dict() if labels else None,
    }
    summary = Summary("videos", outcomes, (*result.notes, *unknown), details)
    further = {
        "by_video": [o.row("video", flat=True) for o in outcomes],
        "left_out_by_name": {reason: list(names) for reason, names in result.left_out.items()},
    }
    summary.write(out, further)
    return summary


def _sha256(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _labels(
    source: Path,
    out: Path,
    outcomes: Sequence[Outcome],
    limits: Limits,
    barred: Sequence[str],
    m_eps: float,
    min_length: int,
    log: Log,
) -> LabelsSummary | None:
    if prepared_videos(out):
        return pseudo_labels.run(
            out, m_eps=m_eps, min_length=min_length, limits=limits, leave_out=barred, progress=log
        )
    if not outcomes:
        raise DataError(
            f"{source} holds no video CELEBRITY/VIDEO.(mkv|mp4|webm) to prepare, "
            f"and {out} none that is prepared"
        )
    return None


def _pair(values: Sequence[float], what: str) -> tuple[float, float]:
    if len(values) != 2:
        raise UsageError(f"{what} are two numbers, least and most, not {len(values)}")
    return values[0], values[1]


def _path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)
