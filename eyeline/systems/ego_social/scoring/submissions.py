"""JSON files for the challenges' server: made, and read back with their schema checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eyeline.documents import parse_json, read_text
from eyeline.errors import DataError

VERSION = "1.0"
CHALLENGES = {
    "lam_challenge": "ego4d_looking_at_me",
    "ttm_challenge": "ego4d_talking_to_me",
}
"""What each kind of table is called on the server."""
KEYS = {
    "lam_challenge": ("video_id", "unique_id", "track_id"),
    "ttm_challenge": ("video_id", "frame_id"),
}
"""What tells a result from others; `label`, always 1, and `score` follow."""
_HEAD = ("version", "challenge", "results")


def text(kind: str, columns: Mapping[str, Sequence[str]], score: Sequence[float]) -> str:
    """A submission of one of `CHALLENGES`, one result a line."""
    ids = zip(*(columns[name] for name in KEYS[kind]), strict=True)
    lines = (
        json.dumps({**dict(zip(KEYS[kind], row, strict=True)), "label": 1, "score": value})
        for row, value in zip(ids, score, strict=True)
    )
    head = f'{{"version": "{VERSION}", "challenge": "{CHALLENGES[kind]}", "results": [\n'
    return head + ",\n".join(lines) + "\n]}\n"


def read(path: Path) -> tuple[str, dict[str, list[str]], list[float]]:
    """A submission: its kind, columns by `KEYS`, and scores; DataError names file and line."""
    whole = read_text(path)
    content = parse_json(whole, str(path))
    kind = _head(content, path)
    keys = (*KEYS[kind], "label", "score")
    for number, row in enumerate(content["results"]):
        if fault := _fault(row, keys):
            line = _line(whole, number)
            raise DataError(f"{path}, line {line}, results[{number}]: {fault}")
    columns = {name: [str(row[name]) for row in content["results"]] for name in KEYS[kind]}
    return kind, columns, [float(row["score"]) for row in content["results"]]


def _head(content: Any, path: Path) -> str:
    if not isinstance(content, dict):
        raise DataError(f"{path}, line 1: no object with {', '.join(_HEAD)}")
    if fault := _keys_fault(content, _HEAD):
        raise DataError(f"{path}: {fault}")
    if content["version"] != VERSION:
        raise DataError(f"{path}: version {content['version']!r}, expected '{VERSION}'")
    kinds = [kind for kind, name in CHALLENGES.items() if name == content["challenge"]]
    if not kinds:
        names = " or ".join(CHALLENGES.values())
        raise DataError(f"{path}: challenge {content['challenge']!r}, expected {names}")
    if not isinstance(content["results"], list) or not content["results"]:
        raise DataError(f"{path}: results is no list of one or more")
    return kinds[0]


def _fault(row: Any, keys: Sequence[str]) -> str | None:
    if not isinstance(row, dict):
        return f"{row!r:.40} is no object"
    if fault := _keys_fault(row, keys):
        return fault
    for name in keys[:-2]:
        if isinstance(row[name], bool) or not isinstance(row[name], (str, int)):
            return f"{name} is {row[name]!r:.40}, expected a text"
    if isinstance(row["label"], bool) or row["label"] != 1:
        return f"label {row['label']!r}, expected 1"
    score = row["score"]
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1:
        return f"score {score!r:.40}, expected a number in [0, 1]"
    return None


def _keys_fault(row: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    lacking = [key for key in keys if key not in row]
    unknown = [key for key in row if key not in keys]
    known = [f"no {', '.join(lacking)}"] if lacking else []
    known += [f"unknown: {', '.join(unknown)}"] if unknown else []
    return "; ".join(known) + f"; expected {', '.join(keys)}" if known else None


def _line(whole: str, number: int) -> int:
    """Where a result begins; parsed again, since a decoder tells no places."""
    decoder, begins = json.JSONDecoder(), re.compile(r"[\s,]*")
    place = whole.index("[", whole.index('"results"')) + 1
    for _ in range(number):
        _, place = decoder.raw_decode(whole, begins.match(whole, place).end())  # type: ignore[union-attr]
    return whole.count("\n", 0, begins.match(whole, place).end()) + 1  # type: ignore[union-attr]
