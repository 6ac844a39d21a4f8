"""The results of one recording as the page asks for them, with what is costly kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from eyeline.corrections import Corrections, append, apply, load_corrected, read
from eyeline.errors import DataError, UsageError
from eyeline.export.coverage import coverages
from eyeline.export.files import CORRECTED, CORRECTIONS, INDEX
from eyeline.export.index import read_corrected_index
from eyeline.export.spans import all_segments
from eyeline.export.stored import index_checked
from eyeline.results import Analysis, Segments
from eyeline.viewer import curves, tables
from eyeline.viewer.recordings import Recording, corrected_exports, shown
from eyeline.viewer.span import part_of, read_column, read_span

_MOST_OVERLAY_S = 60.0
_MOST_CODABLE_S = 1200.0


def state(recording: Recording) -> dict[str, Any]:
    """All corrections, which of them hold, and what undo and redo would be about."""
    corrections, problem = Corrections(), None
    try:
        corrections = read(recording.folder)
    except DataError as error:
        problem = shown(str(error))
    undone, operations = corrections.undone, corrections.operations
    areas: dict[str, dict[str, Any]] = {}
    for op in operations:
        if op.kind == "area":
            areas[op.name] = op.model_dump(include={"name", "shape", "keyframes", "between"})
        elif op.kind == "delete_area":
            areas.pop(op.name, None)
    return {
        "editable": problem is None,
        "problem": problem,
        "revision": corrections.revision if problem is None else None,
        "entries": [e.model_dump() | {"undone": e.id in undone} for e in corrections.entries],
        "undo": operations[-1].id if operations else None,
        "redo": undone[-1] if undone else None,
        "areas": list(areas.values()),
    }


@index_checked
def details(recording: Recording) -> dict[str, Any]:
    """What the page of a video needs before rows; DataError where the index lacks something."""
    index, video = recording.index, recording.index["video"]
    analysis, segments = segments_of(recording)
    names = analysis.corrected.names if analysis.corrected else {}
    thumbnails = _thumbnails(recording)
    persons = [
        tables.person_card(p.person, names.get(p.label, ""))
        | {"seen_s": p.seen_s, "first_s": p.first_s, "thumbnail": thumbnails.get(p.person)}
        for p in analysis.persons
    ]
    numerator, _, denominator = str(video["rate_hz"]).partition("/")
    return state(recording) | {
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
        "curves": curves.curve_names(index),
        "tiers": tables.tier_names(segments, analysis),
        "names": dict(names),
        "unapplied": dict(analysis.corrected.unapplied) if analysis.corrected else {},
        "speech": index.get("speech"),
        "files": file_list(recording),
    }


def _thumbnails(recording: Recording) -> dict[int, str]:
    """Where the images of persons lie, those first that were cut anew for current corrections."""
    folder, listed = recording.folder, {p["person"]: p for p in recording.index["persons"]}
    places = {n: p["thumbnail"] for n, p in listed.items() if p["thumbnail"]}
    if corrected_exports(folder) != "current":
        return places
    follows = read_corrected_index(folder / CORRECTED) or {"persons": ()}
    cut = {p["person"]: p["thumbnail"] for p in follows["persons"] if p["thumbnail"]}
    return places | {n: f"{CORRECTED}/{name}" for n, name in cut.items()}


def file_list(recording: Recording) -> list[dict[str, Any]]:
    """The files of the results, and of those that follow the corrections, with their sizes."""
    folder = recording.folder
    names = [str(entry["name"]) for entry in recording.index["files"]]
    follows = read_corrected_index(folder / CORRECTED) or {"files": []}
    names += [f"{CORRECTED}/{entry['name']}" for entry in follows["files"]]
    paths = {name: (folder / name).resolve() for name in names}
    return [
        {"name": name, "bytes": path.stat().st_size}
        for name, path in paths.items()
        if path.is_file() and path.is_relative_to(folder.resolve())
    ]


def corrected_of(recording: Recording) -> Analysis | None:
    """The results as people have corrected them, in memory; None where they have not."""
    try:
        if not read(recording.folder).operations:
            return None
    except DataError:  # which `state` reports
        return None
    changed = (recording.folder / CORRECTIONS).stat().st_mtime_ns
    return _corrected(recording.folder, _state(recording), changed)


def correct(recording: Recording, entry: Mapping[str, Any], who: str, revision: int) -> Corrections:
    """Keep one more operation, checked against results that are in memory; raises as `append`."""
    computed = _computed(recording.folder, _state(recording))
    return append(recording.folder, dict(entry), who=who, revision=revision, results=computed)


def segments_of(recording: Recording) -> tuple[Analysis, Sequence[Segments]]:
    """All segments, and an analysis, perhaps without rows by frame, that says whose they are."""
    analysis = corrected_of(recording)
    if analysis is not None:
        return analysis, all_segments(analysis)
    return _segments(recording.folder, _state(recording))


def overlay(recording: Recording, start_s: float, end_s: float) -> dict[str, Any]:
    """The faces of all frames of a span."""
    if end_s - start_s > _MOST_OVERLAY_S:
        raise UsageError(f"an overlay of {end_s - start_s:.0f} s; at most {_MOST_OVERLAY_S:.0f}")
    analysis = corrected_of(recording)
    if analysis is not None:
        return tables.overlay(part_of(analysis, start_s, end_s), start_s, end_s)
    index = recording.index
    wanted = ["people", "directions", "points", "segments"]
    wanted += ["scores"] if _unnamed(index) else []
    gaze = {a["name"] for a in index["answers"] if a["kind"] != "directions" or a["name"] == "gaze"}
    part = read_span(recording.folder, index, start_s, end_s, tables=wanted, names=gaze)
    return tables.overlay(part, start_s, end_s)


def curve(
    recording: Recording, name: str, start_s: float, end_s: float, pixels: int
) -> dict[str, Any]:
    """One curve a person; UsageError lists the names otherwise."""
    known = [one["id"] for one in curves.curve_names(recording.index)]
    if name not in known:
        raise UsageError(f"no curve called '{name}'. Curves: {', '.join(known)}")
    analysis = corrected_of(recording)
    if analysis is not None:
        rows = curves.curve_rows(analysis, name)
    else:
        table, _, rest = name.partition("/")
        answer, _, angle = rest.partition("/")
        column = {"scores": "value", "people": answer}.get(table, angle)
        only = None if table == "people" else answer
        rows = read_column(recording.folder, table, column, only, start_s, end_s)
    return {"id": name, "curves": curves.curve(rows, start_s, end_s, pixels)}


def not_codable(recording: Recording, start_s: float, end_s: float) -> dict[str, Any]:
    """Where questions could not be answered, of a span that is not too long to be looked at."""
    if end_s - start_s > _MOST_CODABLE_S:
        return {"spans": [], "too_long": True}
    analysis, needed = corrected_of(recording), ("people", "scores", "points")
    if analysis is not None:
        part = part_of(analysis, start_s, end_s)
    else:
        part = read_span(recording.folder, recording.index, start_s, end_s, tables=needed)
    return {"spans": tables.not_codable(coverages(part), start_s, end_s), "too_long": False}


def _state(recording: Recording) -> int:
    return (recording.folder / INDEX).stat().st_mtime_ns


@lru_cache(maxsize=16)
def _segments(folder: Path, _state: int) -> tuple[Analysis, Sequence[Segments]]:
    index = Recording("", "", folder).index
    wanted = ("people", "segments", "scores", "points") if _unnamed(index) else ("segments",)
    bare = read_span(folder, index, tables=wanted)
    return bare, all_segments(bare)


@lru_cache(maxsize=2)
def _computed(folder: Path, _state: int) -> Analysis:
    return read_span(folder, Recording("", "", folder).index)


@lru_cache(maxsize=2)
def _corrected(folder: Path, state: int, _changed: int) -> Analysis:
    corrections = read(folder)
    if any(op.kind == "area" and op.between == "track" for op in corrections.operations):
        return load_corrected(folder)  # which knows where areas were tracked
    return apply(_computed(folder, state), corrections)


def _unnamed(index: Mapping[str, Any]) -> bool:
    """Whether scores or points have no segments of their name, so that these must be computed."""
    named = {a["name"] for a in index["answers"] if a["kind"] == "segments"}
    by_frame = (a["name"] for a in index["answers"] if a["kind"] in ("scores", "points"))
    return any(name not in named for name in by_frame)
