"""Preparing the annotated test set for the published networks: its tracklets get their features.

The published tracklets hold boxes and landmarks. What the gaze network says of their faces needs
the videos, which are decoded once each.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Summary, prepare_all
from eyeline.errors import DataError, UsageError
from eyeline.files import made, sha256, write_bytes
from eyeline.log import Log
from eyeline.systems.eye_contact import original
from eyeline.systems.eye_contact.discovery.annotated import attempt
from eyeline.systems.eye_contact.discovery.places import VideoName
from eyeline.systems.eye_contact.discovery.plan import NO_WEIGHTS
from eyeline.systems.eye_contact.discovery.sources import tops, video_files, videos_root
from eyeline.systems.eye_contact.tracklets import write_list

ANNOTATIONS = "Annotations"


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
        out: folder to make; what is finished in it is kept.
        weights: file of `xgaze_resnet50`, as `eyeline import` wrote it, under that name.
        annotations: the published `Annotations`; looked for in `source` and beside `randomVox`.
        device: of the network.
        log: receives every video.

    Raises:
        DataError: no annotations, or damaged ones.
        UsageError: no weights, or no such device.
        OutputError: the folder cannot be written.
    """
    from eyeline.systems.eye_contact.xgaze.features import GazeFeatures

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
    _write_lists(place, here)
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


def _write_lists(place: Path, entries: Sequence[original.Entry]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("celebrity_id", "video_name"))
    writer.writerows((entry.celebrity, entry.video) for entry in entries)
    write_bytes(place / original.META, text.getvalue().encode())
    rows = [row for entry in entries for row, _ in entry.tracklets]
    write_list(place / "tracklets" / original.LIST, rows)
