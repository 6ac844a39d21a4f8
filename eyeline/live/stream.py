"""What a live analysis says as it goes: a message for each frame, and one for each change."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eyeline.errors import UsageError
from eyeline.results import (
    Analysis,
    Directions,
    Floats,
    Points,
    Scores,
    Segments,
    make_segments,
    person_label,
    target_label,
)

Message = Mapping[str, Any]
Sink = Callable[[Message, float], None]
"""Takes a message and when what it is about happened, on the clock of `time.monotonic`."""
_CHANGES = ("start", "end", "summary")
EVENTS = {"changes": _CHANGES, "frames": ("frame", *_CHANGES), "none": ("summary",)}
"""Types of the messages that are printed, by what the user asks for."""
_Key = tuple[str, str, str, int, str]


@dataclass
class _Open:
    """An episode that lasts."""

    start_s: float
    end_s: float
    scores: list[float]


class Episodes:
    """Follows the episodes of all frames, and says where one begins and ends."""

    def __init__(self) -> None:
        self._open: dict[_Key, _Open] = {}
        self._ended_s: dict[tuple[str, str, str, int], float] = {}
        self._rows: dict[tuple[str, str, str], list[tuple[int, float, float, str, float]]] = {}

    def update(self, moment: Analysis) -> list[Message]:
        """Take the next frame; its changes, ends first."""
        for answer in moment.of(Segments):
            self._rows.setdefault((answer.system, answer.builder, answer.name), [])
        active = {key: row for key, *row in _active(moment)}
        messages = [self._end(key) for key in [*self._open] if key not in active]
        for key, (start_s, end_s, score) in active.items():
            if key not in self._open:
                # what was said stays: a window that has moved on may see an earlier begin
                start_s = max(start_s, self._ended_s.get(key[:4], start_s))
                self._open[key] = _Open(start_s, end_s, [])
                messages.append({"type": "start", **_words(key), "time_s": round(start_s, 4)})
            self._open[key].end_s = end_s
            self._open[key].scores.append(score)
        return messages

    def end(self) -> list[Message]:
        """End all that last, at the end of the video."""
        return [self._end(key) for key in [*self._open]]

    def segments(self) -> list[Segments]:
        """All that have ended, an answer for each question that was asked."""
        return [make_segments(*origin, rows) for origin, rows in self._rows.items()]

    def _end(self, key: _Key) -> Message:
        one = self._open.pop(key)
        self._ended_s[key[:4]] = one.end_s
        row = key[3], one.start_s, one.end_s, key[4], float(np.mean(one.scores))
        self._rows.setdefault(key[:3], []).append(row)
        span = {"time_s": round(one.end_s, 4), "began_s": round(one.start_s, 4)}
        return {"type": "end", **_words(key), **span}


def _active(moment: Analysis) -> Iterator[tuple[_Key, float, float, float]]:
    for answer in moment.of(Segments):
        for row, person in enumerate(answer.person.tolist()):
            key = answer.system, answer.builder, answer.name, person, answer.label[row]
            span = float(answer.start_s[row]), float(answer.end_s[row])
            yield key, *span, float(answer.score[row])


def _words(key: _Key) -> Message:
    return {"name": key[2], "person": person_label(key[3]), "label": key[4]}


def frame_message(moment: Analysis) -> Message:
    """All that is said of a frame, a list of people; keys are the names of the answers."""
    assert moment.clock is not None, "a live frame has its clock"
    people = moment.people
    faces: dict[int, dict[str, Any]] = {
        int(person): {
            "person": person_label(int(person)),
            "track": int(people.track_id[k]),
            "box_xyxy": _numbers(people.box_xyxy[k], 1),
            "detected": bool(people.detected[k]),
            "yaw_deg": _numbers(people.yaw_deg[k : k + 1], 2)[0],
            "pitch_deg": _numbers(people.pitch_deg[k : k + 1], 2)[0],
            "roll_deg": _numbers(people.roll_deg[k : k + 1], 2)[0],
        }
        for k, person in enumerate(people.person)
    }
    for answer in moment.answers:
        if not isinstance(answer, Segments):
            for k, person in enumerate(answer.person.tolist()):
                faces[person][answer.name] = _said(answer, k)
    index, start_s = int(moment.clock.frame[0]), float(moment.clock.start_s[0])
    at = {"frame": index, "time_s": round(start_s, 4)}
    return {"type": "frame", **at, "people": [*faces.values()]}


def _said(answer: Scores | Directions | Points, row: int) -> Any:
    if isinstance(answer, Scores):
        return _numbers(answer.value[row : row + 1], 4)[0]
    if isinstance(answer, Directions):
        return _numbers(answer.direction[row], 4)
    return {
        "target": target_label(int(answer.target[row])),
        "probability": round(float(answer.probability[row]), 4),
        "point_px": _numbers(answer.point_px[row], 1),
    }


def _numbers(values: Floats, decimals: int) -> list[float | None]:
    """For JSON, which knows no NaN."""
    return [round(v, decimals) if np.isfinite(v) else None for v in values.astype(float).tolist()]


def printer(events: str) -> Sink:
    """JSON lines on stdout, of the `EVENTS` asked for."""

    def write(message: Message, at: float) -> None:
        if message["type"] in EVENTS[events]:
            try:
                sys.stdout.write(json.dumps(message) + "\n")
                sys.stdout.flush()
            except BrokenPipeError:
                # what is left in the buffer must not fail again when Python ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise

    return write


def lab_streams(source: str) -> Sink:
    """Two outlets of Lab Streaming Layer with the same messages, stamped with the capture.

    Raises:
        UsageError: pylsl is not installed, or its library cannot be loaded.
    """
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:
        raise UsageError(f"--lsl needs pylsl: pip install eyeline[lsl] ({error})") from None
    outlets = {}
    for name, kind in (("eyeline_frames", "Gaze"), ("eyeline_events", "Markers")):
        form = 1, pylsl.IRREGULAR_RATE, pylsl.cf_string
        outlets[name] = pylsl.StreamOutlet(pylsl.StreamInfo(name, kind, *form, f"{name}:{source}"))

    def push(message: Message, at: float) -> None:
        name = "eyeline_frames" if message["type"] == "frame" else "eyeline_events"
        stamp = pylsl.local_clock() - (time.monotonic() - at)
        outlets[name].push_sample([json.dumps(message)], stamp)

    return push
