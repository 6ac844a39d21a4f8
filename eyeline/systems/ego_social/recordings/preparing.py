"""One clip of the raw data set to its folder of a prepared one, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eyeline.errors import DataError, EyelineError
from eyeline.files import clear, filling, locked
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

LOCKS = ".locks"

_SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Outcome:
    """What became of one clip."""

    clip: str
    status: str
    """`done`, `kept` from an earlier run, `busy` in another process, or `failed`."""
    message: str = ""
    counts: Mapping[str, Any] = field(default_factory=dict)
    """As of `writing.Written`."""
    notes: tuple[str, ...] = ()
    """What was odd about its video or sound, in words."""
    seconds: float = 0.0
    """That it took."""


def attempt(clip: Clip, footage: Footage, out: Path, settings: Settings) -> Outcome:
    """Prepare one clip below `out`; what it can cause becomes an outcome.

    A clip that was prepared of the same video and annotation is kept. Its folder appears when it is
    whole, so a run that was stopped has lost no more than the clip under way.
    """
    begun = time.monotonic()
    try:
        with locked(out / LOCKS / f"{clip.uid}.lock") as ours:
            if not ours:
                return Outcome(clip.uid, "busy", "another process is at work on it")
            source = _source(clip, footage)
            kept = _kept(out, clip, source, settings)
            return kept or _prepare(clip, footage, out, settings, source, begun)
    except EyelineError as error:
        return Outcome(clip.uid, "failed", str(error))
    except OSError as error:
        return Outcome(clip.uid, "failed", f"{footage.path}: {error.strerror or error}")


def _prepare(
    clip: Clip, footage: Footage, out: Path, settings: Settings, source: dict[str, Any],
    begun: float,
) -> Outcome:  # fmt: skip
    folder = out / CLIPS / clip.uid
    clear(folder)
    with filling(folder) as place:
        # Sound lies on the pictures' clock, so their beginning is found first.
        pictures = ((number, frame.rgb) for number, frame in footage.pictures())
        write_clip(
            place, clip, pictures, footage.sound, settings=settings, source=source,
            notes=lambda: _notes(footage),
        )  # fmt: skip
    return _told(open_clip(out, clip.uid), "done", round(time.monotonic() - begun, 2))


def _told(clip: PreparedClip, status: str, seconds: float = 0.0) -> Outcome:
    card = clip.card
    silent = () if clip.has_sound else ("without sound",)
    notes = (*card["notes"], *silent)
    return Outcome(clip.uid, status, "", card["counts"], notes, seconds)


def _notes(footage: Footage) -> Iterator[str]:
    if footage.repeated or footage.dropped:
        yield (
            f"brought to 30 frames a second: {footage.repeated} come again, {footage.dropped} "
            "are left out"
        )
    if footage.damaged:
        first = footage.damaged[0] + 1
        yield f"{len(footage.damaged)} damaged pictures, the first of frame {first}"
    if footage.damaged_sound:
        yield f"{footage.damaged_sound} spans of damaged sound, which are silent"


def _source(clip: Clip, footage: Footage) -> dict[str, Any]:
    """What tells this clip's video and annotation from others."""
    size = footage.path.stat().st_size
    found = hashlib.sha256()
    with footage.path.open("rb") as file:  # both ends: a whole video takes too long to read
        found.update(file.read(_SAMPLE_BYTES))
        file.seek(max(size - _SAMPLE_BYTES, 0))
        found.update(file.read(_SAMPLE_BYTES))
    told = hashlib.sha256(json.dumps(words_of(clip)).encode())
    for array in described(clip).values():
        told.update(array.tobytes())
    return {
        "video": footage.path.name, "video_bytes": size, "video_ends_sha256": found.hexdigest(),
        "span_s": footage.span_s and list(footage.span_s), "annotation_sha256": told.hexdigest(),
    }  # fmt: skip


def _kept(out: Path, clip: Clip, source: Mapping[str, Any], settings: Settings) -> Outcome | None:
    """A clip that is there and whole, if it was made of the same in the same way."""
    if not (out / CLIPS / clip.uid / INDEX).is_file():
        return None
    try:
        found = open_clip(out, clip.uid)
    except DataError:
        return None
    if found.card["source"] != source or not _whole(found):
        return None
    if found.card["settings"] != asdict(settings):
        raise DataError(
            f"it was prepared with {found.card['settings']}, not {asdict(settings)}: remove "
            f"{found.folder} or choose another folder to write"
        )
    return _told(found, "kept")


def _whole(clip: PreparedClip) -> bool:
    try:
        clip.check()
    except DataError:
        return False
    return True
