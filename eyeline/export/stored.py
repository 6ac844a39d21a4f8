"""Reading the folder of an analysis back, exactly as it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from eyeline.errors import DataError
from eyeline.export.columns import KINDS, arrays_of
from eyeline.export.files import FRAMES, INDEX, TABLES
from eyeline.export.index import read_index
from eyeline.export.tables import read_table
from eyeline.export.thumbnails import read_thumbnail
from eyeline.files import sha256
from eyeline.results import (
    Analysis,
    Answer,
    Clock,
    Damage,
    Gap,
    Image,
    Method,
    Part,
    People,
    Person,
    VideoInfo,
)

Read = TypeVar("Read", bound=Callable[..., Any])


def index_checked(read: Read) -> Read:
    """The function, which raises a DataError where the index of a folder lacks something."""

    @wraps(read)
    def checked(place: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return read(place, *arguments, **options)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataError(
                f"{getattr(place, 'folder', place) / INDEX} does not hold what an analysis needs "
                f"({type(error).__name__}: {error}). Analyse the video again."
            ) from error

    return cast(Read, checked)


def load(folder: Path | str) -> Analysis:
    """The analysis that `write_tables` and `write_index` left in a folder, exactly.

    Raises:
        DataError: no analysis, damaged, incomplete or of a newer format.
    """
    folder = Path(folder)
    return _analysis(folder, read_index(folder))


def _check_files(folder: Path, index: Mapping[str, Any]) -> None:
    listed = {entry["name"]: entry for entry in index["files"]}
    wanted = [table for table in TABLES if table != FRAMES or f"{table}.parquet" in listed]
    for name in (f"{table}.parquet" for table in wanted):
        if name not in listed:
            raise DataError(f"{folder / INDEX} does not list {name}; the analysis is not complete")
        path = folder / name
        if not path.is_file():
            raise DataError(f"{folder} is not complete: {name} is missing")
        if path.stat().st_size != listed[name]["bytes"] or sha256(path) != listed[name]["sha256"]:
            raise DataError(
                f"{path} is damaged: it differs from what {INDEX} says. Analyse the video again."
            )


@index_checked
def _analysis(folder: Path, index: Mapping[str, Any]) -> Analysis:
    _check_files(folder, index)
    table = read_table(folder, "people")
    if table.num_rows != index["people"]["rows"]:
        raise DataError(f"people of {folder} has {table.num_rows} rows, not those of {INDEX}")
    return Analysis(
        video=video_from_json(index["video"]),
        status=index["status"],
        persons=tuple(
            person_from_json(p, read_thumbnail(folder, p["person"]) if p["thumbnail"] else None)
            for p in index["persons"]
        ),
        people=People(**arrays_of("people", table, _dtypes(index["people"]))),
        answers=_answers(folder, index["answers"]),
        methods=tuple(Method(**m) for m in index["methods"]),
        settings=index["settings"],
        warnings=tuple(index["warnings"]),
        folder=folder,
        clock=_clock(folder),
    )


def _clock(folder: Path) -> Clock | None:
    if not (folder / f"{FRAMES}.parquet").is_file():
        return None
    return Clock.exact(**arrays_of(FRAMES, read_table(folder, FRAMES), {}))


def _answers(folder: Path, entries: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...]:
    tables = {kind: read_table(folder, kind) for kind in KINDS}
    used = dict.fromkeys(KINDS, 0)
    answers: list[Answer] = []
    for entry in entries:
        kind = entry["kind"]
        rows = tables[kind].slice(used[kind], entry["rows"])
        used[kind] += entry["rows"]
        answers.append(answer_from_json(entry, rows))
    for kind, rows_used in used.items():
        if rows_used != tables[kind].num_rows:
            raise DataError(f"{kind} of {folder} has {tables[kind].num_rows} rows, not {rows_used}")
    return tuple(answers)


def answer_from_json(entry: Mapping[str, Any], rows: Any) -> Answer:
    """An answer of the index with its rows; heatmaps only where their column was read."""
    kind = entry["kind"]
    fields = arrays_of(kind, rows, _dtypes(entry))
    if kind == "scores":
        fields["threshold"] = entry["threshold"]
    if kind == "segments":
        fields["label"] = tuple(rows.column("label").to_pylist())
    heatmaps = kind == "points" and "heatmap" in rows.column_names
    if heatmaps and entry["heatmap_rows_columns"] is not None:
        fields |= _heatmaps(rows.column("heatmap"), entry["heatmap_rows_columns"])
    answer: Answer = KINDS[kind](entry["system"], entry["builder"], entry["name"], **fields)
    return answer


def _heatmaps(column: Any, shape: Sequence[int]) -> dict[str, Any]:
    kept = np.flatnonzero(column.is_valid().to_numpy())
    cells = b"".join(column.drop_null().to_pylist())
    maps = np.frombuffer(cells, np.uint8).reshape(len(kept), *shape).copy()
    return {"heatmap_row": kept, "heatmap": maps}


def _dtypes(entry: Mapping[str, Any]) -> dict[str, str]:
    dtypes = dict(entry["dtypes"])
    for field, name in dtypes.items():
        if np.dtype(name).kind not in "iufb":
            raise DataError(f"{INDEX} gives '{field}' the type {name}, which is no number")
    return dtypes


def video_from_json(entry: Mapping[str, Any]) -> VideoInfo:
    """What the index keeps of a video."""
    fields = dict(entry)
    fields["has_audio"] = fields.pop("has_sound")
    fields |= {name: Fraction(entry[name]) for name in ("rate_hz", "pixel_aspect")}
    fields["damage"] = tuple(Damage(**d) for d in entry["damage"])
    fields["gaps"] = tuple(Gap(**g) for g in entry.get("gaps", ()))
    fields["parts"] = tuple(Part(**p) for p in entry.get("parts", ()))
    return VideoInfo(**fields)


def person_from_json(entry: Mapping[str, Any], thumbnail: Image | None = None) -> Person:
    """What the index keeps of a person."""
    return Person(
        person=entry["person"],
        track_ids=tuple(entry["track_ids"]),
        first_s=entry["first_s"],
        last_s=entry["last_s"],
        seen_s=entry["seen_s"],
        perhaps_same_as=tuple(
            (one["person"], one["probability"]) for one in entry.get("perhaps_same_as", ())
        ),
        thumbnail=thumbnail,
    )
