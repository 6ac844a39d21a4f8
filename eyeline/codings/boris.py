"""BORIS: projects (JSON), tabular events and aggregated events, read and written.

A tier is a behaviour of a subject, a value its modifiers, or the behaviour where it has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eyeline.codings.coding import Coding, CodingTier, Rows, some
from eyeline.codings.table import Dialect, rows_of, seconds, text_of
from eyeline.documents import parse_json
from eyeline.errors import DataError

_NOBODY = "No focal subject"
"""What BORIS writes for an event without a subject."""
_NO_MODIFIER = ("", "None")
TABULAR = (
    "Observation id", "Observation date", "Description", "Media file name", "Media duration (s)",
    "FPS", "Subject", "Behavior", "Behavioral category", "Modifiers", "Behavior type", "Time",
    "Comment",
)  # fmt: skip
"""Columns of tabular events that are written; reading asks for a few, by name."""

Event = tuple[float, str, str, str, str]
"""Time, subject, behaviour, modifiers, and where it stands."""


def read_project(text: str, source: str, part: str = "") -> Coding:
    """One observation of a project.

    Args:
        text: the project.
        source: what to call it in messages.
        part: the observation's name; empty where there is one alone.

    Raises:
        DataError: no project, no such observation, several and none named, or a state event that
            never ends.
    """
    project = parse_json(text, source)
    try:
        observations: Mapping[str, Any] = project["observations"]
        part = part or _only(list(observations), source)
        if part not in observations:
            raise DataError(f"{source} has no observation '{part}'; it has {some(observations)}")
        one = observations[part]
        points = {
            behaviour["code"]
            for behaviour in project["behaviors_conf"].values()
            if "point" in str(behaviour["type"]).lower()
        }
        events = [
            (float(event[0]), str(event[1]), str(event[2]), str(event[3] or ""), f"event {n}")
            for n, event in enumerate(one["events"], start=1)
        ]
        media = next((str(m) for files in one.get("file", {}).values() for m in files), "")
        length = one.get("media_info", {}).get("length", {}).get(media)
        rows = Rows(source)
        _pair([e for e in events if e[2] not in points], rows)
        _note_points([e for e in events if e[2] in points], rows)
        return rows.coding(
            media=media.replace("\\", "/").rpartition("/")[2],
            origin_s=-float(one.get("time offset") or 0),
            duration_s=None if length is None else float(length),
        )
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise DataError(
            f"{source} is no BORIS project ({type(error).__name__}: {error}); expected "
            "observations with events, and behaviors_conf"
        ) from None


def _only(names: Sequence[str], source: str) -> str:
    if len(names) != 1:
        raise DataError(
            f"{source} has {len(names)} observations: {some(names)}. Name one behind the file: "
            f"'{source}#{names[0] if names else 'NAME'}'"
        )
    return names[0]


def _pair(events: Iterable[Event], rows: Rows) -> None:
    """Starts and stops of state events, which take turns, as intervals."""
    open_: dict[tuple[str, str, str], Event] = {}
    for event in sorted(events, key=lambda event: event[0]):
        time_s, subject, behaviour, modifiers, _ = event
        begun = open_.pop((subject, behaviour, modifiers), None)
        if begun is None:
            open_[subject, behaviour, modifiers] = event
            _tier(rows, subject, behaviour)
        else:
            _add(rows, begun, time_s)
    for time_s, subject, behaviour, modifiers, where in open_.values():
        what = f"'{behaviour}' {f'({modifiers}) ' if modifiers else ''}of '{subject or _NOBODY}'"
        raise DataError(
            f"{rows.source}, {where}: {what} starts at {time_s:g} s and never stops; add its stop"
        )


def _tier(rows: Rows, subject: str, behaviour: str) -> str:
    subject = "" if subject == _NOBODY else subject
    return rows.tier(f"{subject} {behaviour}".strip(), person=subject, kind=behaviour)


def _add(rows: Rows, event: Event, end_s: float) -> None:
    start_s, subject, behaviour, modifiers, where = event
    value = behaviour if modifiers in _NO_MODIFIER else modifiers
    rows.add(_tier(rows, subject, behaviour), start_s, end_s, value, where)


def _note_points(events: Sequence[Event], rows: Rows) -> None:
    if events:
        names = some(dict.fromkeys(event[2] for event in events))
        rows.notes.append(f"{len(events)} point events ({names}) have no length: left out")


def is_events(text: str) -> bool:
    """Whether a table is one of BORIS's: a line names the columns Subject and Behavior."""
    return any(_is_head(line) for line in text.splitlines()[:60])


def _is_head(line: str) -> bool:
    names = line.lower()
    known = "behavior type" in names or "status" in names
    return known and "subject" in names and "behavior" in names


def read_events(text: str, source: str, part: str = "") -> Coding:
    """Tabular events (a row for each start and stop) or aggregated events (a row for each span).

    Raises:
        DataError: columns that lack, a time that is none, several observations and none named.
    """
    table, comma = rows_of(text, source)
    head = next(n for n, row in enumerate(table) if _is_head(",".join(row.cells)))
    names = [name.strip().lower() for name in table[head].cells]
    if lacking := [name for name in ("subject", "behavior") if name not in names]:
        raise DataError(f"{source}, line {table[head].line}: no column {' or '.join(lacking)}")
    rest = table[head + 1 :]
    found = [dict(zip(names, row.cells, strict=False)) | {"": str(row.line)} for row in rest]
    observations = list(dict.fromkeys(r["observation id"] for r in found if "observation id" in r))
    if observations:
        part = part or _only(observations, source)
        found = [row for row in found if row["observation id"] == part]
    rows = Rows(source)
    begin = next((n for n in names if n in ("start (s)", "start (seconds)")), "")
    status = next((n for n in ("behavior type", "status") if n in names), "")
    states, points = list[Event](), list[Event]()
    for row in found:
        where = f"line {row['']}"
        modifiers = next((v.strip() for n, v in row.items() if n.startswith("modifier")), "")
        try:
            subject, behaviour = row["subject"].strip(), row["behavior"].strip()
            at = seconds(row[begin or "time"], comma)
            kind = row[status].strip().upper()
            if "POINT" in kind:
                points.append((at, subject, behaviour, modifiers, where))
            elif begin:
                end = seconds(row[begin.replace("start", "stop")], comma)
                _add(rows, (at, subject, behaviour, modifiers, where), end)
            else:
                states.append((at, subject, behaviour, modifiers, where))
        except KeyError as error:
            raise DataError(f"{source}, {where}: nothing in the column {error}") from None
        except ValueError as error:
            raise DataError(f"{source}, {where}: {error}; expected seconds") from None
    _pair(states, rows)
    _note_points(points, rows)
    media = next((v for r in found for n, v in r.items() if n.startswith("media file")), "")
    return rows.coding(media=media.replace("\\", "/").rpartition("/")[2])


def _behaviour(tier: CodingTier) -> str:
    return tier.name.removeprefix(f"{tier.person} ") or tier.name


def _modifier(value: str) -> str:
    return value.translate({ord("|"): "/", ord(","): ";"})  # which divide modifiers in BORIS


def _events(coding: Coding) -> list[tuple[float, int, str, str, str, str]]:
    """Time, stops first, subject, behaviour, modifier and START or STOP, in the order of time."""
    return sorted(
        (
            round(time_s, 3), order, tier.person, _behaviour(tier), _modifier(interval.value), word
        )
        for tier in coding.tiers
        for interval in tier.intervals
        for order, word, time_s in ((1, "START", interval.from_s), (0, "STOP", interval.to_s))
    )  # fmt: skip


def write_project(coding: Coding) -> str:
    """A project with one observation, its ethogram and its subjects; on the clock of players."""
    coding = coding.shifted(coding.origin_s)
    behaviours: dict[str, list[str]] = {}
    for tier in coding.tiers:
        own = behaviours.setdefault(_behaviour(tier), [])
        own += [_modifier(v) for v in tier.values if v and _modifier(v) not in own]
    subjects = dict.fromkeys(tier.person for tier in coding.tiers if tier.person)
    name = coding.media or "coding"
    project = {
        "time_format": "hh:mm:ss",
        "project_date": "1970-01-01T00:00:00",
        "project_name": name,
        "project_description": "written by eyeline",
        "project_format_version": "7.0",
        "subjects_conf": {
            str(n): {"key": "", "name": subject, "description": ""}
            for n, subject in enumerate(subjects)
        },
        "behaviors_conf": {
            str(n): _ethogram(code, values) for n, (code, values) in enumerate(behaviours.items())
        },
        "observations": {name: _observation(coding)},
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    return json.dumps(project, indent=1, ensure_ascii=False) + "\n"


def _ethogram(code: str, values: Sequence[str]) -> dict[str, Any]:
    sets = {"0": {"name": "", "description": "", "type": 0, "values": list(values)}}
    return {
        "type": "State event", "key": "", "code": code, "description": "", "category": "",
        "modifiers": sets if values else {}, "excluded": "", "coding map": "",
    }  # fmt: skip


def _observation(coding: Coding) -> dict[str, Any]:
    media = {coding.media: coding.duration_s} if coding.media else {}
    return {
        "file": {str(n): list(media) if n == 1 else [] for n in range(1, 9)},
        "type": "MEDIA" if media else "LIVE",
        "date": "1970-01-01T00:00:00",
        "description": "",
        "time offset": 0.0,
        "events": [
            [time_s, subject, behaviour, modifier, ""]
            for time_s, _, subject, behaviour, modifier, _ in _events(coding)
        ],
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": {m: s for m, s in media.items() if s is not None},
            "fps": {},
            "hasVideo": dict.fromkeys(media, True),
            "hasAudio": dict.fromkeys(media, True),
            "offset": {"1": 0.0},
        },
    }


def write_events(coding: Coding, dialect: Dialect = "excel") -> str:
    """Tabular events, a row for each start and stop; on the clock of players."""
    coding = coding.shifted(coding.origin_s)
    name = coding.media or "coding"
    head = (name, "1970-01-01T00:00:00", "", coding.media, coding.duration_s, None)
    rows = (
        (*head, subject or _NOBODY, behaviour, "", modifier, word, time_s, "")
        for time_s, _, subject, behaviour, modifier, word in _events(coding)
    )
    return text_of(TABULAR, rows, dialect)
