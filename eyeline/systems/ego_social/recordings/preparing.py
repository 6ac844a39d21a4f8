"""One clip of the raw data set to its folder of a prepared one, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eyeline.datasets import prepare
from eyeline.datasets.prepare import LOCKS, Outcome, Status, size_and_hash
from eyeline.errors import DataError
from eyeline.files import atomic_dir, clear
from eyeline.systems.ego_social.recordings.annotations import Clip
from eyeline.systems.ego_social.recordings.cuts import Settings
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.systems.ego_social.recordings.store import (
    CLIPS,
    INDEX,
    PreparedClip,
    described,
    open_clip,
    words_of,
)
from eyeline.systems.ego_social.recordings.writing import write_clip


def attempt(clip: Clip, footage: Footage, out: Path, settings: Settings) -> Outcome:
    """Prepare one clip below `out`; what it can cause becomes an outcome.

    A clip that was prepared of the same video and annotation is kept. Its folder appears when it is
    whole, so a run that was stopped has lost no more than the clip under way.
    """

    def work() -> Outcome:
        source = _source(clip, footage)
        return _kept(out, clip, source, settings) or _prepare(clip, footage, out, settings, source)

    return prepare.attempt(clip.uid, work, out / LOCKS / f"{clip.uid}.lock")


def _prepare(
    clip: Clip, footage: Footage, out: Path, settings: Settings, source: dict[str, Any]
) -> Outcome:
    folder = out / CLIPS / clip.uid
    clear(folder)
    with atomic_dir(folder) as place:
        # Audio lies on the frames' clock, so their beginning is found first.
        frames = ((number, frame.rgb) for number, frame in footage.images())
        write_clip(
            place,
            clip,
            frames,
            footage.audio,
            settings=settings,
            source=source,
            notes=lambda: _notes(footage),
        )
    return _outcome(open_clip(out, clip.uid), "done")


def _outcome(clip: PreparedClip, status: Status) -> Outcome:
    counts = clip.card["counts"]
    notes = (*clip.card["notes"], *(() if clip.has_audio else ("without audio",)))
    skipped = (f"{n} skipped: {why}" for why, n in counts["skips"]["count"].items())
    words = ", ".join((f"{counts['faces']} faces", *skipped, *notes))
    return Outcome(clip.uid, status, words, counts, notes)


def _notes(footage: Footage) -> Iterator[str]:
    if footage.repeated or footage.dropped:
        yield (
            f"brought to 30 frames a second: {footage.repeated} come again, {footage.dropped} "
            "are left out"
        )
    if footage.damaged:
        first = footage.damaged[0] + 1
        yield f"{len(footage.damaged)} damaged images, the first of frame {first}"
    if footage.damaged_audio:
        yield f"{footage.damaged_audio} spans of damaged audio, which are silent"


def _source(clip: Clip, footage: Footage) -> dict[str, Any]:
    """What tells this clip's video and annotation from others."""
    size, digest = size_and_hash(footage.path)
    annotation = hashlib.sha256(json.dumps(words_of(clip)).encode())
    for array in described(clip).values():
        annotation.update(array.tobytes())
    return {
        "video": footage.path.name,
        "video_bytes": size,
        "video_ends_sha256": digest,
        "span_s": footage.span_s and list(footage.span_s),
        "annotation_sha256": annotation.hexdigest(),
    }


def _kept(out: Path, clip: Clip, source: Mapping[str, Any], settings: Settings) -> Outcome | None:
    """A clip that is there and whole, if it was made of the same in the same way."""
    if not (out / CLIPS / clip.uid / INDEX).is_file():
        return None
    try:
        result = open_clip(out, clip.uid)
        if result.card["source"] != source:
            return None
        result.check()
    except DataError:
        return None
    if result.card["settings"] != asdict(settings):
        raise DataError(
            f"it was prepared with {result.card['settings']}, not {asdict(settings)}: remove "
            f"{result.folder} or choose another folder to write"
        )
    return _outcome(result, "kept")
