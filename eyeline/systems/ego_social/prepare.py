"""Preparing Ego4D's social benchmark: from clips as downloaded to face crops, audio and boxes.

Each video is decoded once, and all boxes of looking-at-me and talking-to-me are cut out as its
images come. A damaged clip costs itself; a run that was stopped goes on with the next clip.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eyeline.bounds import Jobs, Percent
from eyeline.datasets import listed
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import (
    LOCKS,
    Outcome,
    Status,
    Summary,
    attempt,
    prepare_all,
    size_and_hash,
    total,
)
from eyeline.errors import DataError
from eyeline.files import atomic_dir, clear, made, write_bytes, write_json
from eyeline.log import Log
from eyeline.systems.ego_social.recordings import store
from eyeline.systems.ego_social.recordings.annotations import UNLABELLED, Clip
from eyeline.systems.ego_social.recordings.footage import Footage
from eyeline.systems.ego_social.recordings.sources import Source, find
from eyeline.systems.ego_social.recordings.store import PreparedClip
from eyeline.systems.ego_social.recordings.writing import Settings, write_clip


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    jobs: Jobs = 1,
    lists: tuple[str, ...] = (),
    lossless: bool = False,
    quality: Percent = 95,
    videos: Path | str | None = None,
) -> Summary:
    """Prepare all annotated clips, or those of some lists.

    Args:
        source: Ego4D's layout, as of `sources.find`. A clip without a file of its own is cut out of
            its full-length video.
        out: folder to make, as of `store`. Its lists name what is there.
        weights: none are needed.
        device: none is used.
        log: receives every clip.
        jobs: clips worked on at the same time, a process each.
        lists: for example `val`; all annotated clips by default.
        lossless: keep crops as PNG, from which the very pixels of the decoded video come back.
        quality: of the crops' JPEG without it, 1 to 100.
        videos: folder of clips or full-length videos, where they do not lie in `source`.

    Raises:
        DataError: no annotations, damaged ones, or none of a list's clips in them.
        UsageError: numbers that cannot be, or no such list.
        OutputError: the folder cannot be written.
    """
    del weights, device
    settings = Settings(lossless, quality)
    result, out = find(source, videos), made(Path(out))
    work, lacking, notes = with_footage(result, tuple(lists))
    arguments = [(clip, footage, out, settings) for clip, footage in work]
    outcomes = prepare_all(prepare_clip, arguments, log, jobs=jobs, before=lacking)
    names = (*_notes(result), *notes, *_write_lists(result, out))
    summary = Summary("clips", outcomes, names, _details(outcomes))
    card = {"system": "ego_social", "version": store.VERSION}
    write_json(out / store.CARD, card | {"clips": list(store.prepared_clips(out))})
    summary.write(out, {"by_clip": [o.row("clip") for o in outcomes]})
    return summary


def with_footage(
    source: Source, lists: tuple[str, ...], *, whole: bool = False
) -> tuple[list[tuple[Clip, Footage]], list[Outcome], tuple[str, ...]]:
    """Clips to work on, the outcomes of those that have no video, and what is left out, in words.

    Args:
        source: the data set.
        lists: as of `Source.chosen`. Without any, unlabelled clips without a video are left out:
            the authors' script does not download the videos of the test.
        whole: take full-length videos, even where a clip has a file of its own.
    """
    work, failed, unlabelled = [], [], 0
    for clip in source.chosen(lists):
        try:
            if clip.uid != Path(clip.uid).name or clip.uid.startswith("."):
                raise DataError("its uid cannot be the name of a folder")
            work.append((clip, source.part(clip) if whole else source.footage(clip)))
        except DataError as error:
            if clip.labelled or lists:
                failed.append(Outcome(clip.uid, "failed", str(error)))
            else:
                unlabelled += 1
    note = f"{unlabelled} clips of {UNLABELLED} have no video and are left out"
    return work, failed, (note,) if unlabelled else ()


def _write_lists(source: Source, out: Path) -> tuple[str, ...]:
    """The lists without what is not there; says what they lack."""
    there = set(store.prepared_clips(out))
    empty, missing = [], {}
    for name, uids in source.lists.items():
        kept = [uid for uid in uids if uid in there]
        path = out / store.SPLIT / f"{name}.list"
        if kept:
            write_bytes(path, "\n".join(kept).encode())
            if lacks := listed.lacking("clips", uids, there):
                missing[name] = f"{lacks}; {name} has {len(kept)} of {len(uids)} clips"
        else:
            path.unlink(missing_ok=True)
            empty.append(name)
    listed.write(out, missing)
    whose = "of this data set" if source.own_lists else "that ship with eyeline"
    none = (f"no clip of the lists {whose} is here: {', '.join(empty)}",) if empty else ()
    return (*none, *missing.values())


def _notes(source: Source) -> Iterator[str]:
    yield from source.annotations.notes
    if not source.own_lists:
        yield "no split/*.list: the published lists are taken"
    for name, uids in source.lists.items():
        lacking = [uid for uid in uids if uid not in source.annotations.clips]
        if 0 < len(lacking) < len(uids):
            yield f"{len(lacking)} clips of the list {name} are not annotated, first: {lacking[0]}"


def _details(outcomes: tuple[Outcome, ...]) -> dict[str, object]:
    there = [o for o in outcomes if o.counts]
    done = [o.seconds for o in there if o.status == "done"]
    skips = {o.name: o.counts["skips"] for o in there if o.counts["skips"]["count"]}
    return {
        **{
            n: sum(o.counts[n] for o in there) for n in ("pictures", "faces", "crops", "size_bytes")
        },
        "seconds_a_clip": round(sum(done) / len(done), 2) if done else None,
        "clips_without_sound": [o.name for o in there if not o.counts["sound_s"]],
        "skipped": total(skip["count"] for skip in skips.values()),
        "skipped_by_clip": {name: skip["examples"] for name, skip in skips.items()},
        "notes_by_clip": {o.name: list(o.notes) for o in there if o.notes},
    }


def prepare_clip(clip: Clip, footage: Footage, out: Path, settings: Settings) -> Outcome:
    """Prepare one clip below `out`; what it can cause becomes an outcome.

    A clip that was prepared of the same video and annotation is kept. Its folder appears when it is
    whole, so a run that was stopped has lost no more than the clip under way.
    """

    def work() -> Outcome:
        source, folder = _source(clip, footage), out / store.CLIPS / clip.uid
        if kept := _kept(out, clip, source, settings):
            return kept
        clear(folder)
        with atomic_dir(folder) as place:
            # Audio lies on the frames' clock, so their beginning is found first.
            frames = ((number, frame.rgb) for number, frame in footage.images())
            how: dict[str, Any] = {"settings": settings, "source": source}
            write_clip(place, clip, frames, footage.audio, **how, notes=lambda: _oddities(footage))
        return _outcome(store.open_clip(out, clip.uid), "done")

    return attempt(clip.uid, work, out / LOCKS / f"{clip.uid}.lock")


def _outcome(clip: PreparedClip, status: Status) -> Outcome:
    counts = clip.card["counts"]
    notes = (*clip.card["notes"], *(() if clip.has_audio else ("without audio",)))
    skipped = (f"{n} skipped: {why}" for why, n in counts["skips"]["count"].items())
    words = ", ".join((f"{counts['faces']} faces", *skipped, *notes))
    return Outcome(clip.uid, status, words, counts, notes)


def _oddities(footage: Footage) -> Iterator[str]:
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
    annotation = hashlib.sha256(json.dumps(store.words_of(clip)).encode())
    for array in store.described(clip).values():
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
    if not (out / store.CLIPS / clip.uid / store.INDEX).is_file():
        return None
    try:
        result = store.open_clip(out, clip.uid)
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
