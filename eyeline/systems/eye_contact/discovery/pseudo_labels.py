"""Labels without annotators: clusters of gaze points, passed on to the frames of the tracklets.

A frame whose gaze point lies in the first cluster of its video is labelled 1, one in no cluster 0,
every other one -1. Videos that are too short or too long, with fewer than two tracklets, or with
too few or too many gaze points are left out, as published, and named with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import read_json
from eyeline.errors import DataError, UsageError
from eyeline.files import replacing, write_bytes
from eyeline.log import Log
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery.clusters import (
    CONTACT,
    FIRST_EPS_MM,
    MOST_FITS,
    NOT_CONTACT,
    cluster,
    labels_of_frames,
)
from eyeline.systems.eye_contact.discovery.gaze_points import (
    FIXATIONS,
    TRAINING,
    read_fixations,
    read_training,
    unrolled,
    write_training,
)
from eyeline.systems.eye_contact.discovery.sources import (
    RECORD,
    VideoName,
    is_barred,
    prepared_videos,
    videos_of_test,
    videos_root,
)
from eyeline.systems.eye_contact.tracklets import (
    ListRow,
    TrackletFile,
    has_feature,
    read_tracklet,
    write_list,
)

SECONDS = (120, 720)
"""Shortest and longest video that is used, whole seconds, both included."""
POINTS = (1500, 30000)
"""Fewest and most gaze points, both included."""
LEAST_TRACKLETS = 2

LIST = "voxdataset_train.csv"
REPORT = "labels_report.json"
PROCESSED = "processed"
_RECORD = "labels.json"
"""In `processed`: how the labels were computed; written last."""


@dataclass(frozen=True)
class Limits:
    """Which videos are used."""

    seconds: tuple[float, float] = SECONDS
    points: tuple[int, int] = POINTS
    tracklets: int = LEAST_TRACKLETS

    def __post_init__(self) -> None:
        for name, (least, most) in (("seconds", self.seconds), ("points", self.points)):
            if not 0 <= least <= most:
                raise UsageError(f"{name}: {least} to {most} is no range")


@dataclass(frozen=True)
class VideoLabels:
    """What one video gave."""

    video: str
    skipped: str = ""
    """Why it was left out, empty where it was not."""
    kept: bool = False
    """Whether its labels were there already."""
    points: int = 0
    fits: int = 0
    eps_mm: float = 0.0
    clusters: int = 0
    contact: int = 0
    no_contact: int = 0
    unknown: int = 0
    """Frames of tracklets by label."""

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.video}: left out, {self.skipped}"
        return (
            f"{self.video}: {self.contact} frames of contact, {self.no_contact} of none, "
            f"{self.unknown} unknown; {self.points} gaze points, {self.fits} fits"
        )


@dataclass(frozen=True)
class Summary:
    """What a root gave."""

    videos: tuple[VideoLabels, ...]
    tracklets: int
    """Rows of the training list."""

    @property
    def labelled(self) -> tuple[VideoLabels, ...]:
        """The videos with labels."""
        return tuple(video for video in self.videos if not video.skipped)

    @property
    def skipped(self) -> Mapping[str, str]:
        """Reason by video."""
        return {video.video: video.skipped for video in self.videos if video.skipped}

    def __str__(self) -> str:
        return (
            f"labels of {len(self.labelled)} videos, {self.tracklets} tracklets; "
            f"{len(self.skipped)} videos left out"
        )

    def as_dict(self) -> dict[str, Any]:
        """Counts and reasons, ready for JSON."""
        done = self.labelled
        kinds = ("contact", "no_contact", "unknown")
        return {
            "videos": len(done),
            "tracklets": self.tracklets,
            "frames": {name: sum(getattr(video, name) for video in done) for name in kinds},
            "skipped": dict(self.skipped),
        }


def run(
    root: Path | str,
    *,
    m_eps: float = FIRST_EPS_MM,
    min_length: int = 0,
    most_fits: int = MOST_FITS,
    limits: Limits | None = None,
    leave_out: Iterable[str] | None = None,
    progress: Log | None = None,
) -> Summary:
    """Label all prepared videos of a root and list their tracklets for training.

    Leaves `training.csv` and `processed/pl_NNN.npz` next to each video's tracklets, and in the root
    `voxdataset_train.csv`, in the order of names, and `labels_report.json`. Videos that are done
    with the same settings are kept.

    Args:
        root: as `prepare.run` leaves it, or a folder of the authors in the same layout, or what
            holds it as `randomVox`.
        m_eps: neighbourhood of the first fit, mm.
        min_length: fewest frames of a tracklet that is listed.
        most_fits: fits after which a video is given up.
        limits: which videos are used; by default those of the run before, or the published ones.
        leave_out: videos not to train on, as `celebrity/video` or `video`, by default those of the
            run before; with them those of the test set where its list lies in the root, see
            `sources.videos_of_test`.
        progress: receives every video.
    """
    barred, root = videos_of_test(Path(root)), videos_root(Path(root))
    limits_before, left_out_before = _run_before(root)
    barred.update(left_out_before if leave_out is None else leave_out)
    limits = limits or limits_before
    if m_eps <= 0 or min_length < 0 or most_fits < 1:
        raise UsageError("m_eps must be more than 0, min_length at least 0, most_fits at least 1")
    names = prepared_videos(root)
    if not names:
        raise DataError(f"{root} holds no prepared video (CELEBRITY/tracklets/VIDEO/{FIXATIONS})")
    videos: list[VideoLabels] = []
    for done, name in enumerate(names, start=1):
        if is_barred(name, barred):
            videos.append(VideoLabels(str(name), skipped="a video of the test, or named to be"))
        else:
            videos.append(_label(name, root, m_eps, most_fits, limits))
        if progress:
            progress(f"labels [{done}/{len(names)}] {videos[-1]}")
    used = [name for name, video in zip(names, videos, strict=True) if not video.skipped]
    rows = [row for name in used for row in _listed(name, root, min_length)]
    write_list(root / LIST, rows)
    summary = Summary(tuple(videos), len(rows))
    further = {"limits": asdict(limits), "left_out": sorted(barred)}
    by_video = {"by_video": [asdict(video) for video in videos]}
    _write_json(root / REPORT, summary.as_dict() | further | by_video)
    return summary


def _run_before(root: Path) -> tuple[Limits, list[str]]:
    """Limits and left out videos of the run before; the published limits where there was none."""
    try:
        report = read_json(root / REPORT)
        given, left_out = report["limits"], [str(name) for name in report["left_out"]]
        limits = Limits(tuple(given["seconds"]), tuple(given["points"]), given["tracklets"])
    except (DataError, KeyError, TypeError):
        return Limits(), []
    return limits, left_out


def tracklet_files(folder: Path) -> list[Path]:
    """The tracklets of a video's folder, by number."""
    return sorted(path for path in folder.glob("*.npz") if path.stem.isdigit())


def _label(
    name: VideoName, root: Path, m_eps: float, most_fits: int, limits: Limits
) -> VideoLabels:
    folder = name.folder(root)
    kept_limits = json.loads(json.dumps(asdict(limits)))
    settings = {"m_eps": m_eps, "most_fits": most_fits, "limits": kept_limits}
    before = _before(folder, settings)
    if before is not None:
        return before
    files = tracklet_files(folder)
    tracklets = [read_tracklet(path, feature=False) for path in files]
    result = _clustered(name, folder, tracklets, m_eps, most_fits, limits)
    if not result.skipped:
        result = VideoLabels(**(asdict(result) | _write_labels(folder, files, tracklets)))
    _write_json(folder / PROCESSED / _RECORD, {"settings": settings, "found": asdict(result)})
    return result


def _clustered(
    name: VideoName,
    folder: Path,
    tracklets: list[TrackletFile],
    m_eps: float,
    most_fits: int,
    limits: Limits,
) -> VideoLabels:
    """The clusters of a video, written to `training.csv`, or the reason to leave it out."""
    points = read_fixations(folder / FIXATIONS)
    last = max([*points.frame.tolist(), *(t.end_frame - 1 for t in tracklets)], default=-1)
    reason = _outside("seconds", _frames(folder, last + 1) // RATE_HZ, limits.seconds)
    if not reason and len(tracklets) < limits.tracklets:
        reason = f"{len(tracklets)} tracklets; at least {limits.tracklets} are used"
    reason = reason or _outside("gaze points", len(points), limits.points)
    if reason:
        return VideoLabels(str(name), skipped=reason, points=len(points))
    _, flat = unrolled(points.cylinder_mm)
    try:
        if reason := _outside("gaze points on the cylinder", len(flat), limits.points):
            raise DataError(reason)
        clustering = cluster(flat, m_eps, most_fits)
    except DataError as error:
        return VideoLabels(str(name), skipped=str(error), points=len(flat))
    write_training(folder / TRAINING, points, clustering.optics)
    return VideoLabels(
        str(name),
        points=len(clustering.optics),
        fits=clustering.fits,
        eps_mm=clustering.eps_mm,
        clusters=int(clustering.optics.max()),
    )


def _frames(folder: Path, seen: int) -> int:
    """Frames of the video as recorded; without a record, as far as gaze points and tracklets go."""
    if not (folder / RECORD).is_file():
        return seen
    try:
        return int(read_json(folder / RECORD)["frames"])
    except (DataError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / RECORD} does not say how many frames there are") from error


def _outside(what: str, count: int, bounds: tuple[float, float]) -> str:
    least, most = bounds
    return "" if least <= count <= most else f"{count} {what}; {least:g} to {most:g} are used"


def _write_labels(
    folder: Path, files: Iterable[Path], tracklets: Iterable[TrackletFile]
) -> dict[str, int]:
    """Write the labels of all tracklets; how many frames have which."""
    frame, optics = read_training(folder / TRAINING)
    labels = [
        labels_of_frames(np.arange(t.start_frame, t.end_frame), frame, optics) for t in tracklets
    ]
    for path, label in zip(files, labels, strict=True):
        place = folder / PROCESSED / f"pl_{path.name}"
        with replacing(place) as temporary, temporary.open("wb") as file:
            np.savez(file, label=label)
    every = np.concatenate(labels)
    return {
        "contact": int((every == CONTACT).sum()),
        "no_contact": int((every == NOT_CONTACT).sum()),
        "unknown": int((every < 0).sum()),
    }


def _before(folder: Path, settings: Mapping[str, Any]) -> VideoLabels | None:
    """What an earlier run with the same settings left; None where there is none."""
    try:
        content = read_json(folder / PROCESSED / _RECORD)
        result = VideoLabels(**(content["found"] | {"kept": True}))
        same = content["settings"] == settings
    except (DataError, ValueError, KeyError, TypeError):
        return None
    whole = result.skipped or all(
        (folder / PROCESSED / f"pl_{path.name}").is_file() for path in tracklet_files(folder)
    )
    return result if same and whole else None


def _listed(name: VideoName, root: Path, min_length: int) -> list[ListRow]:
    """The labelled tracklets of a video that have a gaze feature."""
    rows = []
    for path in tracklet_files(name.folder(root)):
        tracklet = read_tracklet(path, feature=False)
        if len(tracklet) >= min_length and has_feature(path):
            span = (tracklet.start_frame, tracklet.end_frame)
            rows.append(ListRow(name.celebrity, name.video, path.stem, *span))
    return rows


def _write_json(path: Path, content: Any) -> None:
    write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())
