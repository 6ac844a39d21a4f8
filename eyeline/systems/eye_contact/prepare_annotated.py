"""Preparing the annotated test set for the published networks: its tracklets get their features.

The published tracklets hold boxes and landmarks. What the gaze network says of their faces needs
the videos, which are decoded once each.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from eyeline.datasets import prepare
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, prepare_all
from eyeline.documents import read_json
from eyeline.errors import DataError, UsageError
from eyeline.files import atomic_dir, made, sha256, write_json
from eyeline.log import Log
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact import original
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery.extract import Gaze
from eyeline.systems.eye_contact.discovery.sources import (
    RECORD,
    VideoName,
    tops,
    video_files,
    videos_root,
)
from eyeline.systems.eye_contact.discovery.workers import NO_WEIGHTS
from eyeline.systems.eye_contact.original import Entry
from eyeline.systems.eye_contact.tracklets import (
    TrackletFile,
    read_tracklet,
    write_list,
    write_names,
    write_tracklet,
)
from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, views

ANNOTATIONS = "Annotations"
_BATCH = 16


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    annotations: Path | str | None = None,
    device: str = "cpu",
    log: Log | None = None,
) -> Summary:
    """Write `Annotations/` as published, with `gaze_feature` in its tracklets, below `out`.

    Its lists name the videos that are there, so that a part of the test set can be scored.

    Args:
        source: the videos, as of `sources.find_sources`.
        out: folder to create; what is finished in it is kept.
        weights: file of `xgaze_resnet50`, as `eyeline import` wrote it, under that name.
        annotations: the published `Annotations`; looked for in `source` and next to `randomVox`.
        device: of the network.
        log: receives every video.

    Raises:
        DataError: no annotations, or damaged ones.
        UsageError: no weights, or no such device.
    """
    from eyeline.systems.eye_contact.xgaze.running import GazeFeatures

    source, place = Path(source), made(Path(out) / ANNOTATIONS)
    listed = original.read_folder(_annotations(source, annotations))
    gaze_weights = (weights or {}).get("xgaze_resnet50")
    if gaze_weights is None:
        raise UsageError(NO_WEIGHTS)
    gaze, digest = GazeFeatures.open(gaze_weights, device), sha256(gaze_weights)
    videos, odd = video_files(videos_root(source))
    work = [
        (entry, videos.get(VideoName(entry.celebrity, entry.video)), place, gaze, digest)
        for entry in listed.entries
    ]
    outcomes = prepare_all(attempt, work, log)
    there = {o.name for o in outcomes if o.status != "failed"}
    here = [e for e in listed.entries if f"{e.celebrity}/{e.video}" in there]
    write_names(place / original.META, [(e.celebrity, e.video) for e in here])
    write_list(place / "tracklets" / original.LIST, [row for e in here for row, _ in e.tracklets])
    tracklets = {"tracklets": sum(o.counts.get("tracklets", 0) for o in outcomes)}
    summary = Summary("videos", outcomes, (*listed.notes, *odd), tracklets)
    summary.write(Path(out))
    return summary


def _annotations(source: Path, given: Path | str | None) -> Path:
    places = [Path(given)] if given is not None else tops(source)
    result = next((path for place in places if (path := original.find(place))), None)
    if result is None:
        raise DataError(f"no {original.META} in {places[0]} or in a folder {ANNOTATIONS} there")
    return result


def attempt(entry: Entry, video: Path | None, out: Path, gaze: Gaze, gaze_sha256: str) -> Outcome:
    """Write the annotation and the tracklets of a video below `out`, with features.

    What the video can cause becomes an outcome. A video that is there is whole, and kept if its
    features are of the same weights.
    """
    record, count = {"gaze_sha256": gaze_sha256}, {"tracklets": len(entry.tracklets)}
    name = f"{entry.celebrity}/{entry.video}"
    folder = out / "tracklets" / entry.celebrity / entry.video

    def work() -> Outcome:
        if video is None:
            raise DataError("its video is not here")
        if folder.is_dir():
            if read_json(folder / RECORD) != record:
                raise DataError(f"{folder} was made with other weights: remove it")
            return Outcome(name, "kept", counts=count)
        tracklets = [read_tracklet(path, feature=False) for _, path in entry.tracklets]
        result = features_of(tracklets, video, gaze)
        (out / entry.celebrity).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.annotation, out / entry.celebrity / entry.annotation.name)
        with atomic_dir(folder) as place:
            write_json(place / RECORD, record)
            for (row, _), own, feature in zip(entry.tracklets, tracklets, result, strict=True):
                write_tracklet(place / f"{row.tracklet}.npz", replace(own, feature=feature))
        return Outcome(name, "done", counts=count)

    return prepare.attempt(name, work)


def features_of(tracklets: Sequence[TrackletFile], video: Path, gaze: Gaze) -> list[Floats]:
    """The feature `(n, d)` float32 of each frame of each tracklet, from its landmarks.

    Each frame of the video is decoded once for all tracklets, at exactly 25 Hz by time, as it was
    annotated. DataError where it ends before a tracklet does, or no head pose fits the landmarks.
    """
    result: list[dict[int, Floats]] = [{} for _ in tracklets]
    faces = _faces(tracklets, video)
    while batch := list(islice(faces, _BATCH)):
        _, features = gaze(np.stack([face for _, _, face in batch]))
        for (which, row, _), feature in zip(batch, features, strict=True):
            result[which][row] = feature
    for tracklet, rows in zip(tracklets, result, strict=True):
        if len(rows) < len(tracklet):
            raise DataError(
                f"{video} ends at frame {tracklet.start_frame + len(rows)} of 25 a second, before "
                f"the tracklet of the frames {tracklet.start_frame} to {tracklet.end_frame - 1} "
                "does: it is not the video that was annotated"
            )
    return [np.stack([rows[k] for k in range(len(rows))]).astype(np.float32) for rows in result]


def _faces(tracklets: Sequence[TrackletFile], video: Path) -> Iterator[tuple[int, int, Image]]:
    """Tracklet, row and normalised face `(224, 224, 3)` BGR, in the order of the frames."""
    from eyeline.video.grid import on_grid
    from eyeline.video.reader import VideoReader

    reader = VideoReader(video, rate_hz=RATE_HZ)
    size = reader.info.width_px, reader.info.height_px
    warps = [views(own.six_norm * np.array(size), *size) for own in tracklets]
    for own, view in zip(tracklets, warps, strict=True):
        if not view.known.all():
            unknown = own.start_frame + int(np.argmin(view.known))
            raise DataError(f"{video}, frame {unknown}: no head pose fits the landmarks")
    last = max(own.end_frame for own in tracklets)
    for number, frame in on_grid(reader, RATE_HZ):
        if number >= last:
            return
        for which, own in enumerate(tracklets):
            row = number - own.start_frame
            if 0 <= row < len(own):
                face = cut_faces(frame.rgb(), warps[which].warp[row : row + 1])[0]
                yield which, row, face[..., ::-1]
