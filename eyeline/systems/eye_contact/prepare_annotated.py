"""Preparing the annotated test set for the published networks: its tracklets get their features.

The published tracklets hold boxes and landmarks. What the gaze network says of their faces needs
the videos, which are decoded once each.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyeline.errors import DataError, UsageError
from eyeline.files import made, sha256, write_bytes, write_json
from eyeline.log import Log
from eyeline.systems.eye_contact import original
from eyeline.systems.eye_contact.discovery.annotated import attempt
from eyeline.systems.eye_contact.discovery.places import VideoName
from eyeline.systems.eye_contact.discovery.plan import NO_WEIGHTS, Outcome
from eyeline.systems.eye_contact.discovery.sources import tops, video_files, videos_root
from eyeline.systems.eye_contact.tracklets import write_list

REPORT = "prepare_report.json"
ANNOTATIONS = "Annotations"


@dataclass(frozen=True)
class Summary:
    """What became of all videos."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The videos that have no features, those that are not here among them."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Counts and reasons, ready for JSON."""
        there = [outcome for outcome in self.outcomes if outcome.status != "failed"]
        return {
            "videos": dict(Counter(outcome.status for outcome in self.outcomes)),
            "tracklets": sum(outcome.tracklets for outcome in there),
            "failed": {outcome.video: outcome.message for outcome in self.failed},
            "notes": list(self.notes),
        }


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    annotations: Path | str | None = None,
    device: str = "cpu",
    told: Log | None = None,
) -> Summary:
    """Write `Annotations/` as published, with `gaze_feature` in its tracklets, below `out`.

    Its lists name the videos that are there, so that a part of the test set can be scored.

    Args:
        source: the videos, as of `sources.find_sources`.
        out: folder to make; what is finished in it is kept.
        weights: file of `xgaze_resnet50`, as `eyeline import` wrote it, under that name.
        annotations: the published `Annotations`; looked for in `source` and beside `randomVox`.
        device: of the network.
        told: hears of every video.

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
    outcomes = []
    for done, entry in enumerate(listed.entries, start=1):
        video = videos.get(VideoName(entry.celebrity, entry.video))
        outcomes.append(attempt(entry, video, place, gaze, digest))
        if told:
            last = outcomes[-1]
            told(f"[{done}/{len(listed.entries)}] {last.video}: {last.status} {last.message}")
    _write_lists(place, listed.entries, outcomes)
    summary = Summary(tuple(outcomes), (*listed.notes, *odd))
    write_json(Path(out) / REPORT, summary.as_dict())
    return summary


def _annotations(source: Path, given: Path | str | None) -> Path:
    places = [Path(given)] if given is not None else tops(source)
    found = next((path for place in places if (path := original.find(place))), None)
    if found is None:
        raise DataError(f"no {original.META} in {places[0]} or in a folder {ANNOTATIONS} there")
    return found


def _write_lists(
    place: Path, entries: Sequence[original.Entry], outcomes: Sequence[Outcome]
) -> None:
    there = [e for e, o in zip(entries, outcomes, strict=True) if o.status != "failed"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("celebrity_id", "video_name"))
    writer.writerows((entry.celebrity, entry.video) for entry in there)
    write_bytes(place / original.META, text.getvalue().encode())
    rows = [row for entry in there for row, _ in entry.tracklets]
    write_list(place / "tracklets" / original.LIST, rows)
