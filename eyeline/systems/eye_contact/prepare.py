"""Preparing VoxCeleb2 for training: from the videos as downloaded to labelled tracklets.

Every video is decoded once; what is finished is kept, a run that was stopped goes on with the
videos that it has not finished.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from eyeline.bounds import Count, Jobs, NotNegative, Positive, Whole
from eyeline.errors import DataError, UsageError
from eyeline.files import sha256, write_bytes
from eyeline.log import Log
from eyeline.systems.eye_contact.discovery import pseudo_labels
from eyeline.systems.eye_contact.discovery.clusters import FIRST_EPS_MM
from eyeline.systems.eye_contact.discovery.formation import Association
from eyeline.systems.eye_contact.discovery.identity import LEAST_COSINE
from eyeline.systems.eye_contact.discovery.known_people import find_known_people
from eyeline.systems.eye_contact.discovery.labelled import POINTS, SECONDS, Limits
from eyeline.systems.eye_contact.discovery.labelled import Summary as LabelsSummary
from eyeline.systems.eye_contact.discovery.places import prepared_videos
from eyeline.systems.eye_contact.discovery.plan import (
    NO_WEIGHTS,
    Choices,
    Outcome,
    Plan,
    Progress,
)
from eyeline.systems.eye_contact.discovery.recognise import MEMORY_FRAMES, REFRESH_FRAMES
from eyeline.systems.eye_contact.discovery.sources import (
    Source,
    Sources,
    find_sources,
    videos_root,
)
from eyeline.systems.eye_contact.discovery.workers import Worker, side_by_side

REPORT = "prepare_report.json"


@dataclass(frozen=True)
class Summary:
    """What became of all of them."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Reason -> videos."""
    labels: LabelsSummary | None = None
    """None where no video was prepared."""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The videos that could not be prepared."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Counts, reasons and notes, ready for JSON."""
        return {
            "videos": dict(Counter(outcome.status for outcome in self.outcomes)),
            "failed": {o.video: o.message for o in self.failed},
            "skipped": {o.video: o.message for o in self.outcomes if o.status == "skipped"},
            "left_out": {reason: len(names) for reason, names in self.left_out.items()},
            "notes": list(self.notes),
            "labels": self.labels.as_dict() if self.labels else None,
        }


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
    told: Log | None = None,
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
        images: a folder a celebrity with pictures of the person, or VGGFace2, by default that of
            `source`; without one, the face most seen in the video itself is taken for the person.
        conversion: for VGGFace2, `vox_face_conversion.csv`; likewise.
        convert: write `<out>/<celebrity>/<video>_fps25.mkv` and read that. Not needed: frames are
            taken at 25 Hz by time anyway.
        m_eps: as of `pseudo_labels.run`.
        min_length: likewise.
        device: of the networks.
        jobs: videos worked on at the same time.
        progress: told of every frame, with one job.
        told: hears of every video.

    Raises:
        DataError: no videos, or lists that cannot be read.
        UsageError: choices that cannot be.
    """
    source, out, told = Path(source), videos_root(Path(out)), told or _nobody
    pairs = [_pair(seconds, "seconds"), _pair(points, "points")]
    choices = Choices(
        detector, bodies, association, least_similarity, refresh_frames, memory_frames, save_last,
        save_breaking, pairs[0],
    )  # fmt: skip
    limits = Limits(pairs[0], (int(pairs[1][0]), int(pairs[1][1])))
    found = find_sources(source, _path(annotations), leave_out)
    outcomes: tuple[Outcome, ...] = ()
    people = find_known_people(source, _path(images), _path(conversion))
    videos, unknown = people.attached(found.videos)
    if videos:
        gaze_weights = (weights or {}).get("xgaze_resnet50")
        plan = _plan(
            out, choices, gaze_weights, _path(body_weights), people.images, device, convert
        )
        outcomes = _work(videos, plan, jobs, progress, told)
    labels = _labels(source, out, outcomes, limits, found.barred, m_eps, min_length, told)
    summary = Summary(outcomes, (*found.notes, *unknown), found.left_out, labels)
    _write_report(out, summary, found)
    return summary


def _work(
    videos: Sequence[Source], plan: Plan, jobs: int, progress: Progress | None, told: Log
) -> tuple[Outcome, ...]:
    if jobs < 1:
        raise UsageError(f"{jobs} videos at the same time; 1 or more are worked on")
    outcomes = []
    one_by_one: Iterator[Outcome]
    if jobs == 1:
        worker = Worker(plan)
        one_by_one = (worker.attempt(video, progress) for video in videos)
    else:
        one_by_one = side_by_side(videos, plan, jobs)
    for done, outcome in enumerate(one_by_one, start=1):
        outcomes.append(outcome)
        told(f"[{done}/{len(videos)}] {outcome.video}: {_words(outcome)}")
    return tuple(sorted(outcomes, key=lambda outcome: outcome.video))


def _plan(
    out: Path, choices: Choices, gaze_weights: Path | str | None, body_weights: Path | None,
    images: Path | None, device: str, convert: bool,
) -> Plan:  # fmt: skip
    if gaze_weights is None:
        raise UsageError(NO_WEIGHTS)
    path = Path(gaze_weights)
    try:
        digest = sha256(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    return Plan(out, choices, path, digest, body_weights, images, device, convert)


def _labels(
    source: Path, out: Path, outcomes: Sequence[Outcome], limits: Limits, barred: Sequence[str],
    m_eps: float, min_length: int, told: Log,
) -> LabelsSummary | None:  # fmt: skip
    if prepared_videos(out):
        return pseudo_labels.run(
            out, m_eps=m_eps, min_length=min_length, limits=limits, leave_out=barred, progress=told
        )
    if not outcomes:
        raise DataError(
            f"{source} holds no video CELEBRITY/VIDEO.(mkv|mp4|webm) to prepare, "
            f"and {out} none that is prepared"
        )
    return None


def _write_report(out: Path, summary: Summary, found: Sources) -> None:
    content = summary.as_dict() | {
        "by_video": [asdict(outcome) for outcome in summary.outcomes],
        "left_out_by_name": {reason: list(names) for reason, names in found.left_out.items()},
    }
    write_bytes(out / REPORT, (json.dumps(content, indent=2) + "\n").encode())


def _words(outcome: Outcome) -> str:
    if outcome.status in ("done", "kept"):
        return f"{outcome.status}, {outcome.tracklets} tracklets, {outcome.gaze_points} gaze points"
    return f"{outcome.status}: {outcome.message}"


def _pair(values: Sequence[float], what: str) -> tuple[float, float]:
    if len(values) != 2:
        raise UsageError(f"{what} are two numbers, least and most, not {len(values)}")
    return values[0], values[1]


def _path(value: Path | str | None) -> Path | None:
    return None if value is None else Path(value)


def _nobody(_: str) -> None:
    """Nobody listens."""
