"""The gaze network's features of annotated tracklets, whose publication holds none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from eyeline.datasets import prepare
from eyeline.datasets.prepare import Outcome
from eyeline.documents import read_json
from eyeline.errors import DataError
from eyeline.files import atomic_dir, write_json
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery.extract import Gaze
from eyeline.systems.eye_contact.discovery.places import RECORD
from eyeline.systems.eye_contact.original import Entry
from eyeline.systems.eye_contact.tracklets import TrackletFile, read_tracklet, write_tracklet
from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, views

_BATCH = 16


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

    Args:
        tracklets: of the video's person; each frame of the video is decoded once for all of them.
        video: read at exactly 25 Hz by time, as it was annotated.
        gaze: the network.

    Raises:
        VideoError: the video cannot be read.
        DataError: it ends before a tracklet does, or no head pose fits the landmarks.
    """
    result: list[dict[int, Floats]] = [{} for _ in tracklets]
    waiting: list[tuple[int, int, Image]] = []
    for which, row, face in _faces(tracklets, video):
        waiting.append((which, row, face))
        if len(waiting) == _BATCH:
            _see(waiting, gaze, result)
    _see(waiting, gaze, result)
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


def _see(waiting: list[tuple[int, int, Image]], gaze: Gaze, found: list[dict[int, Floats]]) -> None:
    if not waiting:
        return
    _, features = gaze(np.stack([face for _, _, face in waiting]))
    for (which, row, _), feature in zip(waiting, features, strict=True):
        found[which][row] = feature
    waiting.clear()
