"""Corrections as the page shows and makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eyeline import sessions
from eyeline.corrections import Corrections, read, redo, undo
from eyeline.corrections.rewrite import rewrite
from eyeline.errors import DataError
from eyeline.viewer.recordings import Recording, shown

_TURNS = {"undo": undo, "redo": redo}


def corrections_of(recording: Recording) -> Corrections:
    """Those that there are; none where the file cannot be read, which `state` reports."""
    try:
        return read(recording.folder)
    except DataError:
        return Corrections()


def state(recording: Recording) -> dict[str, Any]:
    """All entries, which of them hold, and what undo and redo would be about."""
    try:
        corrections = read(recording.folder)
    except DataError as error:
        return {
            "editable": False, "problem": shown(str(error)), "revision": None, "entries": [],
            "undo": None, "redo": None, "areas": [],
        }  # fmt: skip
    undone, operations = corrections.undone, corrections.operations
    entries = [entry.model_dump() | {"undone": entry.id in undone} for entry in corrections.entries]
    return {
        "editable": True,
        "problem": None,
        "revision": corrections.revision,
        "entries": entries,
        "undo": operations[-1].id if operations else None,
        "redo": undone[-1] if undone else None,
        "areas": areas(corrections),
    }


def areas(corrections: Corrections) -> list[dict[str, Any]]:
    """The areas that there are by now, each as it was last drawn."""
    now: dict[str, dict[str, Any]] = {}
    for op in corrections.operations:
        if op.kind == "area":
            now[op.name] = {
                key: value
                for key, value in op.model_dump().items()
                if key in ("name", "shape", "keyframes", "between")
            }
        elif op.kind == "delete_area":
            now.pop(op.name, None)
    return list(now.values())


def turn(
    which: str, folder: Path, entry: int | None, who: str, revision: int | None
) -> Corrections:
    """Undo or redo; raises as `corrections.undo`."""
    return _TURNS[which](folder, entry, who=who, revision=revision)


def write_exports(folder: Path, original: Path | None) -> list[str]:
    """All exports and the report, following the corrections; raises as `rewrite`.

    Returns:
        Notes on sessions that it belongs to and that could not follow.
    """
    rewrite(folder, original)
    return [shown(note) for note in sessions.follow(folder)]
