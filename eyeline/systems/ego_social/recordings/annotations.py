"""Ego4D's files of people, looks and talk: `av_*.json`, the manifest, and lists of clips."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from eyeline.documents import read_json, read_text
from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Ints

RATE_HZ = 30
"""Frames a second of the clips; all frame numbers count these."""
WEARER = "0"
"""Number of the person who wears the camera."""
Policy = Literal["published", "is_at_me"]
"""What makes a segment positive. `published`: every look that is listed, and talk that has a
target; the authors ask for it since version 1 of the annotations has the flag false everywhere.
`is_at_me`: those whose flag says so."""
POLICIES: tuple[str, ...] = get_args(Policy)
LAM_LEAVES_OUT = frozenset(
    {
        "0232fbc8-c9b1-405c-bd42-a9d773fd4835",
        "6daa9124-d894-42e5-8d98-2e0e6d1191ac",
        "92e0925c-566d-4a67-b93e-3e4b57f9b3ab",
        "e98405ee-0a5b-4df2-bb7e-97729b8b3c11",
    }
)
"""Clips of the list for training that the looking-at-me benchmark has not, and the other has."""
UNLABELLED = "av_test_unannotated.json"
"""Clips of the test: where they lie in their videos, and as far as it is told people and talk."""
MANIFEST = ("video_uid", "canonical_s3_location")


@dataclass(frozen=True)
class Segment:
    """Frames in which a person looks or talks."""

    person: str
    """Its number without quotes; `-1` is a voice out of view."""
    start_frame: int
    end_frame: int
    """The last one."""
    target: str | None
    """Whom it is for, without quotes; None: nobody is named."""
    is_at_me: bool


@dataclass(frozen=True)
class Track:
    """Boxes of one face in the order of the file."""

    track_id: str
    person: str
    frame: Ints
    """`(n,)` number in the clip; not always increasing."""
    box_xywh: Floats
    """`(n, 4)` left, top, width, height in pixels of the clip; width or height 0: no face."""


@dataclass(frozen=True)
class Clip:
    """What is annotated of one clip, without the camera wearer."""

    uid: str
    video_uid: str
    span_s: tuple[float, float] | None
    """Start and end in its video, where the file tells them."""
    tracks: tuple[Track, ...]
    """Of all persons but the first, which is the wearer, as published."""
    looking: tuple[Segment, ...]
    """Of known persons."""
    talking: tuple[Segment, ...]
    """Of known persons, the wearer's among them: scores count segments by their place here."""
    skipped: int = 0
    """Segments without a person, which the benchmark skips."""
    labelled: bool = True
    """False for one of `av_test_unannotated.json`, whose looks and targets are not published."""


@dataclass(frozen=True)
class Annotations:
    """Clips by their uid, in the order of the files."""

    clips: Mapping[str, Clip]
    notes: tuple[str, ...] = field(default=())
    """What was skipped, with counts."""

    def chosen(self, uids: Iterable[str]) -> list[Clip]:
        """The clips of a list, in its order; DataError names those that are not annotated."""
        wanted = list(uids)
        if lacking := [uid for uid in wanted if uid not in self.clips]:
            raise DataError(f"{len(lacking)} clips are not annotated, first: {lacking[0]}")
        return [self.clips[uid] for uid in wanted]


def read_annotations(*paths: Path | str) -> Annotations:
    """The clips of one or several `av_*.json`.

    Args:
        paths: the files, or a folder with some of `av_train.json`, `av_val.json` and
            `av_test_unannotated.json`, or `av_test.json` in its place; taken in this order.

    Raises:
        DataError: naming file, clip, track and frame: no such file, no such key, a value of
            another kind, a box that is no box, a segment that ends before it starts, a clip or
            track that comes twice.
    """
    clips: dict[str, Clip] = {}
    for path in _files(paths):
        for number, video in enumerate(_get(read_json(path), "videos", list, str(path))):
            video_uid = _get(video, "video_uid", str, f"{path}, videos[{number}]")
            for row in _get(video, "clips", list, f"{path}, video {video_uid}"):
                clip = _clip(row, video_uid, path, path.name != UNLABELLED)
                if clip.uid in clips:
                    raise DataError(f"{path}: clip {clip.uid} comes twice")
                clips[clip.uid] = clip
    skipped = sum(clip.skipped for clip in clips.values())
    notes = [f"{skipped} segments name no person: skipped, as published"] if skipped else []
    return Annotations(clips, tuple(notes))


def read_list(path: Path | str) -> tuple[str, ...]:
    """Clip uids, one a line."""
    lines = read_text(Path(path)).splitlines()
    result: dict[str, int] = {}
    for line, text in enumerate(lines, 1):
        uid = text.strip()
        if not uid:
            continue
        if uid in result:
            raise DataError(f"{path}, line {line}: clip {uid} stands in line {result[uid]} too")
        result[uid] = line
    if not result:
        raise DataError(f"{path} names no clip")
    return tuple(result)


def read_manifest(path: Path | str) -> dict[str, str]:
    """Where each video lies, by `video_uid`."""
    rows = csv.DictReader(read_text(Path(path)).splitlines())
    if lacking := [name for name in MANIFEST if name not in (rows.fieldnames or ())]:
        raise DataError(f"{path} lacks the column {', '.join(lacking)}")
    places: dict[str, str] = {}
    for row in rows:
        uid, place = (row[name] or "" for name in MANIFEST)
        if not uid or not place:
            raise DataError(f"{path}, line {rows.line_num}: no {MANIFEST[0 if not uid else 1]}")
        if places.setdefault(uid, place) != place:
            raise DataError(f"{path}, line {rows.line_num}: video {uid} has two places")
    return places


def check_policy(policy: str) -> None:
    """UsageError unless it is one of `POLICIES`."""
    if policy not in POLICIES:
        raise UsageError(f"no policy of labels '{policy}'; there are: {', '.join(POLICIES)}")


def looks_at_me(clip: Clip, person: str, frames: Ints, policy: str = "published") -> Ints:
    """Labels `(n,)` of a person's frames `(n,)`: 1 within a positive segment, its ends included."""
    check_policy(policy)
    label = np.zeros(len(frames), np.int64)
    for segment in clip.looking:
        if segment.person == person and (policy == "published" or segment.is_at_me):
            label[(segment.start_frame <= frames) & (frames <= segment.end_frame)] = 1
    return label


def talks_to_me(segment: Segment, policy: str = "published") -> int:
    """Label of a segment of talk."""
    check_policy(policy)
    return int(segment.target is not None if policy == "published" else segment.is_at_me)


def policy_note(clips: Sequence[Clip], policy: str) -> str | None:
    """A warning where no segment of the clips carries the flag that the policy asks for."""
    segments = [s for clip in clips for s in (*clip.looking, *clip.talking)]
    if policy == "published" or not segments or any(s.is_at_me for s in segments):
        return None
    return (
        f"none of {len(segments)} segments is is_at_me: version 1 of the annotations has the flag "
        "false everywhere; take the policy published"
    )


def _files(paths: Sequence[Path | str]) -> list[Path]:
    result = []
    for path in map(Path, paths):
        test = "av_test.json" if (path / "av_test.json").is_file() else UNLABELLED
        names = ("av_train.json", "av_val.json", test)
        there = [path / n for n in names if (path / n).is_file()] if path.is_dir() else [path]
        if not there:
            raise DataError(f"{path} holds none of av_train.json, av_val.json and {UNLABELLED}")
        result += there
    return result


def _clip(row: Any, video_uid: str, path: Path, labelled: bool) -> Clip:
    uid = _get(row, "clip_uid", str, f"{path}, a clip of video {video_uid}")
    where = f"{path}, clip {uid}"
    looking, unnamed = _segments(row, "looking", where)
    talking, others = _segments(row, "talking", where)
    tracks = _tracks(row, where) if labelled or row.get("persons") is not None else ()
    span_s = _span(row, where)
    return Clip(uid, video_uid, span_s, tracks, looking, talking, unnamed + others, labelled)


def _segments(row: Mapping[str, Any], kind: str, where: str) -> tuple[tuple[Segment, ...], int]:
    """Those of known persons, and how many others; missing and null mean none, as published."""
    key = f"social_segments_{kind}"
    rows = [] if row.get(key) is None else _get(row, key, list, where)
    known = tuple(
        _segment(segment, f"{where}, {kind}[{k}]")
        for k, segment in enumerate(rows)
        if not isinstance(segment, Mapping) or segment.get("person") is not None
    )
    return known, len(rows) - len(known)


def _span(row: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    for name in ("video", "parent"):  # the newer and the older schema
        start, end = (row.get(f"{name}_{side}_sec") for side in ("start", "end"))
        if start is None or end is None:
            continue
        numbers = all(type(side) in (int, float) and math.isfinite(side) for side in (start, end))
        if not (numbers and 0 <= start < end):
            raise DataError(f"{where}: {start!r} to {end!r} s is no span of its video")
        return float(start), float(end)
    return None


def _segment(row: Any, where: str) -> Segment:
    person = _name(_get(row, "person", (str, int), where))
    start, end = (_get(row, f"{side}_frame", int, where) for side in ("start", "end"))
    if end < start:
        raise DataError(f"{where}, person {person}: frames {start} to {end} run backwards")
    target = row.get("target")
    return Segment(
        person, start, end, None if target is None else _name(target), row.get("is_at_me") is True
    )


def _name(text: Any) -> str:
    """Some persons are written in single quotes."""
    return str(text).strip().strip("'")


def _tracks(row: Mapping[str, Any], where: str) -> tuple[Track, ...]:
    tracks: dict[str, Track] = {}
    for number, person in enumerate(_get(row, "persons", list, where)[1:], 1):
        here = f"{where}, persons[{number}]"
        name = _name(_get(person, "person_id", (str, int), here))
        for path in _get(person, "tracking_paths", list, f"{where}, person {name}"):
            track = _track(path, name, where)
            if track.track_id in tracks:
                raise DataError(f"{where}: track {track.track_id} comes twice")
            tracks[track.track_id] = track
    return tuple(tracks.values())


def _track(row: Any, person: str, where: str) -> Track:
    track_id = _get(row, "track_id", str, f"{where}, person {person}, a track")
    here = f"{where}, track {track_id}"
    entries = _get(row, "track", list, here)
    frames = [_get(entry, "frame", int, f"{here}, entry {k}") for k, entry in enumerate(entries)]
    names = ("x", "y", "width", "height")
    boxes = [
        [_number(entry, name, f"{here}, frame {frame}") for name in names]
        for entry, frame in zip(entries, frames, strict=True)
    ]
    return Track(
        track_id, person, np.array(frames, np.int64), np.array(boxes, np.float64).reshape(-1, 4)
    )


def _number(entry: Any, name: str, where: str) -> float:
    value = _get(entry, name, (int, float), where)
    if not math.isfinite(value):
        raise DataError(f"{where}: {name} is {value}, no number of pixels")
    return float(value)


def _get(row: Any, key: str, kind: type[Any] | tuple[type[Any], ...], where: str) -> Any:
    if not isinstance(row, Mapping) or key not in row:
        raise DataError(f"{where}: no '{key}'")
    value = row[key]
    kinds: tuple[type[Any], ...] = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise DataError(
            f"{where}: '{key}' is {value!r:.40}, expected {' or '.join(k.__name__ for k in kinds)}"
        )
    return value
