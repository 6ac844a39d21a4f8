"""`analysis.json`, the index of an analysis folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import parse_json
from eyeline.errors import DataError
from eyeline.export.columns import dtypes_of, heatmap_shape
from eyeline.export.coverage import measured_seconds
from eyeline.export.exporters import present
from eyeline.export.files import CORRECTED, CORRECTED_INDEX, CORRECTIONS, INDEX
from eyeline.export.summary import speech_seconds
from eyeline.export.thumbnails import thumbnail_name, write_thumbnails
from eyeline.files import sha256, write_bytes
from eyeline.results import Analysis, Answer, Corrected, Person, Segments, VideoInfo, target_label

FORMAT, CORRECTED_FORMAT = "eyeline analysis", "eyeline corrected results"
VERSION = 1
"""Raised when a folder can no longer be read by an older eyeline."""
_OF_DESKTOPS = (".DS_Store", "Thumbs.db", "desktop.ini")
"""Written into any folder by those who look at it."""


def write_index(
    analysis: Analysis,
    folder: Path,
    *,
    fingerprint: str = "",
    versions: Mapping[str, str] | None = None,
    source: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write the thumbnails, then `analysis.json` over all files that lie in the folder.

    Write it last: it vouches for the tables and exports with their sizes and hashes.

    Args:
        analysis: the analysis whose tables lie in the folder.
        folder: where to.
        fingerprint: what the caller makes of input and settings to know the same job again.
        versions: of eyeline and the libraries that mattered, by name.
        source: what to keep of the video's file, to know it again without reading it.
        extra: more entries, of corrected results.

    Returns:
        The path of the index.

    Raises:
        DataError: settings that JSON cannot hold.
        OutputError: the folder cannot be written.
    """
    write_thumbnails(analysis.persons, folder)
    content = {
        "format": {"name": CORRECTED_FORMAT if analysis.corrected else FORMAT, "version": VERSION},
        "status": analysis.status,
        "warnings": list(analysis.warnings),
        "fingerprint": fingerprint,
        "source": dict(source or {}),
        "versions": dict(sorted((versions or {}).items())),
        "settings": dict(analysis.settings),
        "video": _video_to_json(analysis.video),
        "persons": [_person_to_json(p, analysis.shown(p.label)) for p in analysis.persons],
        "speech": _in_ms(speech_seconds(analysis)),
        "measured": _in_ms(measured_seconds(analysis)),
        "methods": [asdict(m) for m in analysis.methods],
        "counts": _counts(analysis),
        "people": {"rows": len(analysis.people), "dtypes": dtypes_of("people", analysis.people)},
        "answers": [_answer_to_json(a) for a in analysis.answers],
        "files": [_file_to_json(folder, name) for name in present(folder)],
    }
    if analysis.corrected:
        content["corrections"] = _corrected_to_json(analysis.corrected)
    name = CORRECTED_INDEX if analysis.corrected else INDEX
    return write_bytes(folder / name, _json(content | dict(extra or {})))


def read_index(folder: Path) -> dict[str, Any]:
    """The content of `analysis.json`.

    Raises:
        DataError: no such file, damaged, not ours, or of a newer format.
    """
    path = folder / INDEX
    if not path.is_file():
        raise DataError(
            f"{folder} is not the folder of an analysis: it holds no {INDEX}. "
            "Give a folder that `eyeline analyze` has finished."
        )
    return _read(path, FORMAT)


def read_corrected_index(folder: Path) -> dict[str, Any] | None:
    """The content of the index of a folder of corrected results, None where there is no such file.

    Raises:
        DataError: damaged, not ours, or of a newer format.
    """
    path = folder / CORRECTED_INDEX
    return _read(path, CORRECTED_FORMAT) if path.is_file() else None


def _read(path: Path, form: str) -> dict[str, Any]:
    try:
        content = parse_json(path.read_bytes(), path.name)
    except (DataError, OSError) as error:
        raise DataError(f"{path} is damaged: {error}. Analyse the video again.") from error
    _check_format(path, content, form)
    return dict(content)


def foreign_files(folder: Path) -> list[str]:
    """Names of all in the folder of an analysis that eyeline did not write, or not like that.

    Corrections are not among them, and whoever replaces the folder must keep them.

    Raises:
        DataError: not such a folder.
    """
    corrected = folder / CORRECTED
    foreign = _foreign(folder, read_index(folder), INDEX)
    try:
        index = read_corrected_index(corrected)
    except DataError:
        index = None
    if index is None:
        return [name for name in foreign if not _is_correction(name)]
    rest = [n for n in foreign if n.partition("/")[0] != CORRECTED and not _is_correction(n)]
    inside = _foreign(corrected, index, CORRECTED_INDEX)
    return [*rest, *(f"{CORRECTED}/{name}" for name in inside)]


def _is_correction(name: str) -> bool:
    return name == CORRECTIONS or name.startswith(f".{CORRECTIONS}.")


def _foreign(folder: Path, index: Mapping[str, Any], name: str) -> list[str]:
    listed = _listed(folder / name, index)
    there = [path for path in sorted(folder.rglob("*")) if path.name not in _OF_DESKTOPS]
    own_folders = {parent for name in listed for parent in (folder / name).parents}
    return [
        path.relative_to(folder).as_posix()
        for path in there
        if path not in own_folders
        and path != folder / name
        and not _as_listed(path, listed.get(path.relative_to(folder).as_posix()))
    ]


def _listed(path: Path, index: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Size and hash of each file by name, as an index says."""
    try:
        return {str(e["name"]): (int(e["bytes"]), str(e["sha256"])) for e in index["files"]}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} does not list its files.") from error


def _as_listed(path: Path, listed: tuple[int, str] | None) -> bool:
    if listed is None or path.is_symlink() or not path.is_file():
        return False
    return path.stat().st_size == listed[0] and sha256(path) == listed[1]


def _check_format(path: Path, content: Any, expected: str) -> None:
    form = content.get("format") if isinstance(content, dict) else None
    if not isinstance(form, dict) or form.get("name") != expected:
        raise DataError(f"{path} was not written by eyeline: it does not say format '{expected}'")
    version = form.get("version")
    if not isinstance(version, int) or version < 1:
        raise DataError(f"{path} is damaged: its format has the version {version!r}")
    if version > VERSION:
        raise DataError(
            f"{path} has format {version}, this eyeline reads up to {VERSION}: "
            "it was written by a newer eyeline. Upgrade to read it."
        )


def _answer_to_json(answer: Answer) -> dict[str, Any]:
    kind = type(answer).__name__.lower()
    entry = {"kind": kind, "system": answer.system, "builder": answer.builder, "name": answer.name}
    extra: dict[str, Any] = {"rows": len(answer), "dtypes": dtypes_of(kind, answer)}
    if hasattr(answer, "threshold"):
        extra["threshold"] = float(answer.threshold)
    if hasattr(answer, "heatmap"):
        extra["heatmap_rows_columns"] = heatmap_shape(answer)
    return entry | extra


def _counts(analysis: Analysis) -> dict[str, Any]:
    return {
        "persons": len(analysis.persons),
        "frames_decoded": analysis.video.frame_count,
        "frames_with_people": len(np.unique(analysis.people.frame)),
        "people_rows": len(analysis.people),
        "segments": {f"{a.system}/{a.name}": len(a) for a in analysis.of(Segments)},
        "targets": {
            analysis.shown(target_label(int(t))): int(n)
            for a in analysis.answers
            if hasattr(a, "target")
            for t, n in zip(*np.unique(a.target, return_counts=True), strict=True)
        },
    }


def _in_ms(value: Any) -> Any:
    """Seconds, at any depth, to milliseconds, as in the tables; null where they are no number."""
    if isinstance(value, Mapping):
        return {name: _in_ms(one) for name, one in value.items()}
    return round(value, 3) if value is not None and math.isfinite(value) else None


def _video_to_json(video: VideoInfo) -> dict[str, Any]:
    renamed = {"has_audio": "has_sound"}  # its name since the first version of the file
    fields = {renamed.get(name, name): value for name, value in asdict(video).items()}
    return fields | {"rate_hz": str(video.rate_hz), "pixel_aspect": str(video.pixel_aspect)}


def _person_to_json(person: Person, label: str) -> dict[str, Any]:
    return {
        "person": person.person,
        "label": label,
        "track_ids": [int(t) for t in person.track_ids],
        "first_s": float(person.first_s),
        "last_s": float(person.last_s),
        "seen_s": float(person.seen_s),
        "perhaps_same_as": [
            {"person": int(other), "probability": float(p)} for other, p in person.perhaps_same_as
        ],
        "thumbnail": None if person.thumbnail is None else thumbnail_name(person.person),
    }


def _corrected_to_json(corrected: Corrected) -> dict[str, Any]:
    return {
        "revision": corrected.revision,
        "applied": corrected.applied,
        "unapplied": [{"entry": n, "why": why} for n, why in corrected.unapplied],
        "names": dict(corrected.names),
        "excluded": [asdict(span) for span in corrected.excluded],
        "areas": [a.label for a in corrected.areas],
    }


def _file_to_json(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    return {"name": name, "bytes": path.stat().st_size, "sha256": sha256(path)}


def _json(content: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise DataError(f"{INDEX} cannot hold this analysis: {error}") from error
    # File names may hold bytes that are no UTF-8; escaped like this JSON gives them back unchanged.
    return (text + "\n").encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    if isinstance(value, Path | Fraction):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a value of JSON")
