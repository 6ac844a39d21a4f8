"""Labels without annotators: clusters of gaze points, told to the frames of the tracklets.

A frame whose gaze point lies in the first cluster of its video is labelled 1, one in no cluster 0,
every other one -1. Videos that are too short or too long, with fewer than two tracklets, or with
too few or too many gaze points are left out, as published, and named with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import npz_names, read_json
from eyeline.errors import DataError, UsageError
from eyeline.files import replacing, write_bytes
from eyeline.log import Log
from eyeline.results import Ints
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery.clusters import (
    CONTACT,
    FIRST_EPS_MM,
    MOST_FITS,
    NOT_CONTACT,
    Clustering,
    cluster,
    labels_of_frames,
)
from eyeline.systems.eye_contact.discovery.gaze_points import unrolled
from eyeline.systems.eye_contact.discovery.labelled import Limits, Summary, VideoLabels
from eyeline.systems.eye_contact.discovery.places import RECORD, VideoName, prepared_videos
from eyeline.systems.eye_contact.discovery.sources import is_barred, videos_of_test, videos_root
from eyeline.systems.eye_contact.discovery.tables import (
    FIXATIONS,
    TRAINING,
    read_fixations,
    read_training,
    write_training,
)
from eyeline.systems.eye_contact.tracklets import (
    ListRow,
    TrackletFile,
    read_tracklet,
    write_list,
)

LIST = "voxdataset_train.csv"
REPORT = "labels_report.json"
PROCESSED = "processed"
_RECORD = "labels.json"
"""In `processed`: how the labels were made; written last."""


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

    Leaves `training.csv` and `processed/pl_NNN.npz` beside each video's tracklets, and in the root
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
            run before; beside them those of the test set where its list lies in the root, see
            `sources.videos_of_test`.
        progress: hears of every video.

    Raises:
        DataError: no prepared video, or a file that is not what it should be.
        UsageError: settings that cannot be.
    """
    barred, root = videos_of_test(Path(root)), videos_root(Path(root))
    barred.update(_left_out_before(root) if leave_out is None else leave_out)
    limits = limits or _limits_before(root)
    if m_eps <= 0 or min_length < 0 or most_fits < 1:
        raise UsageError("m_eps is more than 0, min_length 0 or more, most_fits 1 or more")
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
    report = summary.as_dict() | {
        "limits": asdict(limits),
        "left_out": sorted(barred),
        "by_video": [asdict(video) for video in videos],
    }
    write_bytes(root / REPORT, (json.dumps(report, indent=2) + "\n").encode())
    return summary


def _limits_before(root: Path) -> Limits:
    """Those of the run before; the published ones where there was none."""
    try:
        said = read_json(root / REPORT)["limits"]
        return Limits(tuple(said["seconds"]), tuple(said["points"]), said["tracklets"])
    except (DataError, KeyError, TypeError):
        return Limits()


def _left_out_before(root: Path) -> list[str]:
    """The videos that the run before left out."""
    try:
        return [str(name) for name in read_json(root / REPORT)["left_out"]]
    except (DataError, KeyError, TypeError):
        return []


def tracklet_files(folder: Path) -> list[Path]:
    """The tracklets of a video's folder, by number."""
    return sorted(path for path in folder.glob("*.npz") if path.stem.isdigit())


def _label(
    name: VideoName, root: Path, m_eps: float, most_fits: int, limits: Limits
) -> VideoLabels:
    folder = name.folder(root)
    settings = {"m_eps": m_eps, "most_fits": most_fits, "limits": json.loads(_text(limits))}
    before = _before(folder, settings)
    if before is not None:
        return before
    files = tracklet_files(folder)
    tracklets = [read_tracklet(path, feature=False) for path in files]
    result = _found(name, folder, tracklets, m_eps, most_fits, limits)
    if not result.skipped:
        frame, optics = read_training(folder / TRAINING)
        labels = [_labels(tracklet, frame, optics) for tracklet in tracklets]
        for path, label in zip(files, labels, strict=True):
            _write_label(folder / PROCESSED / f"pl_{path.name}", label)
        result = VideoLabels(**(asdict(result) | _counts(labels)))
    content = {"settings": settings, "found": asdict(result)}
    write_bytes(folder / PROCESSED / _RECORD, (json.dumps(content, indent=2) + "\n").encode())
    return result


def _found(
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
    reason = (
        _outside("seconds", _frames(folder, last + 1) // RATE_HZ, limits.seconds)
        or _too_few(len(tracklets), limits.tracklets)
        or _outside("gaze points", len(points), limits.points)
    )
    if reason:
        return VideoLabels(str(name), skipped=reason, points=len(points))
    _, flat = unrolled(points.cylinder_mm)
    reason = _outside("gaze points on the cylinder", len(flat), limits.points)
    if reason:
        return VideoLabels(str(name), skipped=reason, points=len(flat))
    try:
        clustering = cluster(flat, m_eps, most_fits)
    except DataError as error:
        return VideoLabels(str(name), skipped=str(error), points=len(flat))
    write_training(folder / TRAINING, points, clustering.optics)
    return _clustered(name, clustering)


def _clustered(name: VideoName, clustering: Clustering) -> VideoLabels:
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


def _too_few(count: int, least: int) -> str:
    return "" if count >= least else f"{count} tracklets; {least} or more are used"


def _labels(tracklet: TrackletFile, frame: Ints, optics: Ints) -> Ints:
    frames = np.arange(tracklet.start_frame, tracklet.end_frame)
    return labels_of_frames(frames, frame, optics)


def _counts(labels: list[Ints]) -> dict[str, int]:
    every = np.concatenate(labels)
    return {
        "contact": int((every == CONTACT).sum()),
        "no_contact": int((every == NOT_CONTACT).sum()),
        "unknown": int((every < 0).sum()),
    }


def _write_label(path: Path, label: Ints) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, label=label)


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
        if len(tracklet) >= min_length and _has_feature(path):
            span = (tracklet.start_frame, tracklet.end_frame)
            rows.append(ListRow(name.celebrity, name.video, path.stem, *span))
    return rows


def _has_feature(path: Path) -> bool:
    return "gaze_feature" in npz_names(path)


def _text(limits: Limits) -> str:
    return json.dumps(asdict(limits))
