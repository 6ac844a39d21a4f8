"""What annotators would have noted of a synthetic scene, with the oddities of the real notes.

Tracks have gaps, frames out of order and boxes without a size or beyond the image; persons stand
in quotes now and then; a segment names nobody. Annotated frame 0 is the clip's first image.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from eyeline.results import Floats, Ints
from eyeline.synthetic.head import FACE_MM
from eyeline.synthetic.motion import runs
from eyeline.systems.ego_social.recordings.annotations import RATE_HZ, WEARER
from eyeline.systems.ego_social.synthetic.scenes import Person, Scene, Turn

LEAST_LOOK = 5
"""Frames of the shortest look that is annotated."""

_SEEN_FRACTION, _TRACK_LEAST = 0.4, 5
_JITTER_MM = 4.0


def annotation(uid: str, scene: Scene, first: int, rng: np.random.Generator) -> dict[str, Any]:
    """A clip's entry in `av_*.json`."""
    timed = _Timed(first)
    tracks = _numbered([_tracks(head, scene, first, rng) for head in scene.heads])
    persons = [_person(WEARER, [], scene, timed)]
    persons += [
        _person(head.person, paths, scene, timed)
        for head, paths in zip(scene.heads, tracks, strict=True)
    ]
    looking = [
        {**timed.span(a, b - 1), "person": head.person, "target": None, "is_at_me": True}
        for head in scene.heads
        for a, b in runs(head.at_me, LEAST_LOOK)
    ]
    talking = [
        {**timed.span(t.start, t.end), **_talk(t, quoted=bool(rng.random() < 0.25))}
        for t in scene.turns
    ]
    if talking:  # somebody was heard whom the annotators could not name
        talking.insert(1, {**talking[0], "person": None, "target": None, "is_at_me": False})
    return {
        "clip_uid": uid,
        "source_clip_uid": uid,
        "valid": True,
        "video_start_sec": first / RATE_HZ,
        "video_end_sec": (first + scene.frames) / RATE_HZ,
        "video_start_frame": first,
        "video_end_frame": first + scene.frames - 1,
        "clip_start_sec": 0.0,
        "clip_end_sec": scene.frames / RATE_HZ,
        "clip_start_frame": 0,
        "clip_end_frame": scene.frames - 1,
        "camera_wearer": {"person_id": WEARER, "camera_wearer": True},
        "persons": persons,
        "missing_voice_segments": [],
        "transcriptions": [],
        "social_segments_looking": looking,
        "social_segments_talking": talking,
    }


@dataclass(frozen=True)
class _Timed:
    """Spans in the clip and in its video."""

    first: int
    """Frame of the video that the clip begins with."""

    def span(self, start: int, end: int) -> dict[str, float | int]:
        """The keys that say from when to when, of first and last frame of the clip."""
        result: dict[str, float | int] = {}
        for before, shift in (("", 0), ("video_", self.first)):
            result[f"{before}start_time"] = round((start + shift) / RATE_HZ, 4)
            result[f"{before}end_time"] = round((end + 1 + shift) / RATE_HZ, 4)
            result |= {f"{before}start_frame": start + shift, f"{before}end_frame": end + shift}
        return result


def _talk(turn: Turn, quoted: bool) -> dict[str, Any]:
    person, target = (f"'{who}'" if quoted else who for who in (turn.speaker, WEARER))
    return {"person": person, "target": target if turn.to_me else None, "is_at_me": turn.to_me}


def _person(
    person: str, paths: list[dict[str, Any]], scene: Scene, timed: _Timed
) -> dict[str, Any]:
    voices = [
        {**timed.span(t.start, t.end), "person": person} for t in scene.turns if t.speaker == person
    ]
    return {
        "person_id": person,
        "camera_wearer": person == WEARER,
        "tracking_paths": paths,
        "voice_segments": voices,
    }


def _numbered(tracks: list[list[list[dict[str, Any]]]]) -> list[list[dict[str, Any]]]:
    """Tracks with ids that none share in the clip."""
    number = count()
    empty = {"suspect": False, "unmapped_frames": []}
    return [
        [{"track_id": str(next(number)), "track": entries, **empty} for entries in own]
        for own in tracks
    ]


def _tracks(
    head: Person, scene: Scene, first: int, rng: np.random.Generator
) -> list[list[dict[str, Any]]]:
    """The entries of a person's tracks: broken where the face is gone, and now and then."""
    boxes = _boxes(head, rng)
    kept = _seen(boxes, scene)
    breaks = rng.random(scene.frames) < 1 / 200
    kept[breaks] = 0
    return [_entries(boxes, a, b - 1, first, rng) for a, b in runs(kept, _TRACK_LEAST)]


def _boxes(head: Person, rng: np.random.Generator) -> Floats:
    """`(t, 4)` left, top, width and height of the face, with the annotators' unsteady hand."""
    left, top, right, bottom = FACE_MM
    aside = 22.0 * np.sin(head.turned_rad[:, 0])
    sides = np.column_stack(
        [left + aside, np.full_like(aside, top), right + aside, np.full_like(aside, bottom)]
    )
    sides += rng.normal(0, _JITTER_MM, 4) + rng.normal(0, 0.4 * _JITTER_MM, sides.shape)
    sides = sides * head.px_per_mm[:, None] + np.tile(head.centre_px, 2)
    return np.round(np.column_stack([sides[:, :2], sides[:, 2:] - sides[:, :2]]), 2)


def _seen(boxes: Floats, scene: Scene) -> Ints:
    """1 `(t,)` where enough of a box lies in the image."""
    size = np.array([scene.width_px, scene.height_px])
    inside = np.minimum(boxes[:, :2] + boxes[:, 2:], size) - np.maximum(boxes[:, :2], 0)
    fraction = (np.maximum(inside, 0) / boxes[:, 2:]).prod(axis=1)
    return np.asarray(fraction > _SEEN_FRACTION, np.int64)


def _entries(
    boxes: Floats, start: int, end: int, first: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """One track: some frames missing, some without a size, some in the wrong place of the list."""
    frames = np.arange(start, end + 1)
    keep = np.ones(len(frames), bool)
    for at in np.flatnonzero(rng.random(len(frames)) < 1 / 90).tolist():
        keep[at + 1 : min(at + 1 + int(rng.integers(1, 12)), len(keep) - 1)] = False
    frames = frames[keep]
    order = np.arange(len(frames))
    if len(order) > 12 and rng.random() < 0.5:  # the ends stay, as the published code takes them
        at = int(rng.integers(2, len(order) - 8))
        order[at : at + 5] = rng.permutation(order[at : at + 5])
    empty = rng.random(len(frames)) < 1 / 150
    entries = []
    for k in order:
        frame, box = int(frames[k]), boxes[frames[k]] * [1, 1, not empty[k], not empty[k]]
        sides = dict(zip(("x", "y", "width", "height"), box.tolist(), strict=True))
        places = {"frame": frame, "clip_frame": frame, "video_frame": first + frame}
        entries.append(sides | places)
    return entries
