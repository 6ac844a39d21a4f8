"""The results of one recording as the page asks for them, with what is costly kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from eyeline.errors import UsageError
from eyeline.export.coverage import Coverage, coverages
from eyeline.export.files import INDEX
from eyeline.export.spans import all_segments
from eyeline.results import Analysis, Segments
from eyeline.viewer import tables
from eyeline.viewer.recordings import Recording, shown
from eyeline.viewer.span import read_span

_PIXELS = (50, 4000)
_MOST_OVERLAY_S = 60.0


def details(recording: Recording) -> dict[str, Any]:
    """What the page of a video needs before it asks for any rows."""
    index, video = recording.index, recording.index["video"]
    persons = [
        tables.person_card(p["person"])
        | {"seen_s": p["seen_s"], "first_s": p["first_s"], "last_s": p["last_s"]}
        for p in index["persons"]
    ]
    numerator, _, denominator = str(video["rate_hz"]).partition("/")
    return {
        "key": recording.key,
        "name": recording.name,
        "status": index["status"],
        "warnings": [shown(warning) for warning in index["warnings"]],
        "video": {
            "path": shown(video["path"]),
            "width_px": video["width_px"],
            "height_px": video["height_px"],
            "duration_s": video["duration_s"],
            "player_start_s": video.get("player_start_s", 0.0),
            "turn_deg": video.get("turn_deg", 0),
            "rate_hz": int(numerator) / int(denominator or 1),
            "has_audio": video["has_sound"],
            "gaps": video.get("gaps", []),
            "damage": [{**d, "message": shown(d["message"])} for d in video["damage"]],
        },
        "persons": persons,
        "others": [tables.person_card(person) for person in (0, -1, -2, -3)],
        "curves": tables.curve_names(index),
        "speech": index.get("speech"),
        "files": tables.file_list(index, recording.folder),
    }


def segments_of(recording: Recording) -> tuple[Analysis, Sequence[Segments]]:
    """All segments, and an analysis without rows by frame that says whose they are."""
    return _segments(recording.folder, _state(recording))


def coverages_of(recording: Recording) -> Sequence[Coverage]:
    """Where what could be measured; reads all rows once."""
    return _coverages(recording.folder, _state(recording))


def span(recording: Recording, start_s: float, end_s: float, *names: str) -> Analysis:
    """The rows of a span of time, see `read_span`."""
    return read_span(recording.folder, recording.index, start_s, end_s, tables=names)


def overlay(recording: Recording, start_s: float, end_s: float) -> dict[str, Any]:
    """The faces of all frames of a span."""
    if end_s - start_s > _MOST_OVERLAY_S:
        raise UsageError(f"an overlay of {end_s - start_s:.0f} s; at most {_MOST_OVERLAY_S:.0f}")
    part = span(recording, start_s, end_s, "people", "directions", "points", "segments", "scores")
    return tables.overlay(part, start_s, end_s)


def curve(
    recording: Recording, name: str, start_s: float, end_s: float, pixels: int
) -> dict[str, Any]:
    """One curve a person; UsageError lists the names otherwise."""
    known = [one["id"] for one in tables.curve_names(recording.index)]
    if name not in known:
        raise UsageError(f"no curve called '{name}'. Curves: {', '.join(known)}")
    kind, _, rest = name.partition("/")
    only = None if kind == "people" else [rest.partition("/")[0]]
    part = read_span(recording.folder, recording.index, start_s, end_s, tables=(kind,), names=only)
    return {"id": name, "curves": tables.curve(part, name, start_s, end_s, pixels)}


def checked_span(start_s: float, end_s: float, pixels: float = 1000) -> tuple[float, float, int]:
    """A span and a width in pixels as asked for by the page; UsageError where they cannot be."""
    if not 0 <= end_s - start_s < float("inf") or end_s == start_s:
        raise UsageError(f"from {start_s} to {end_s}: not a span of time; to must be after from")
    return start_s, end_s, int(min(max(pixels, _PIXELS[0]), _PIXELS[1]))


def _state(recording: Recording) -> int:
    return (recording.folder / INDEX).stat().st_mtime_ns


@lru_cache(maxsize=16)
def _segments(folder: Path, _state: int) -> tuple[Analysis, Sequence[Segments]]:
    index = Recording("", "", folder).index
    bare = read_span(folder, index, tables=("segments",))
    if _unnamed(index, bare):
        bare = read_span(folder, index, tables=("people", "segments", "scores", "points"))
    return bare, all_segments(bare)


def _unnamed(index: Mapping[str, Any], analysis: Analysis) -> bool:
    """Whether scores or points have no segments of their name, so that these must be computed."""
    named = {answer.name for answer in analysis.of(Segments)}
    return any(
        a["name"] not in named for a in index["answers"] if a["kind"] in ("scores", "points")
    )


@lru_cache(maxsize=4)
def _coverages(folder: Path, _state: int) -> Sequence[Coverage]:
    index = Recording("", "", folder).index
    return coverages(read_span(folder, index, tables=("people", "scores", "points")))
