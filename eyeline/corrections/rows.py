"""Choosing, renumbering and marking rows of tables, and cutting rows of segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from eyeline.results import Directions, Ints, People, Points, Scores, Segments

Bools = npt.NDArray[np.bool_]
Table = TypeVar("Table", bound=People | Scores | Directions | Points)
Framewise = Scores | Directions | Points

_TOUCHING_S = 1e-6
_HEATMAPS = ("heatmap_row", "heatmap")


def chosen(table: Table, rows: Ints) -> Table:
    """Some rows of a table, in that order, with their heatmaps."""
    columns = {f.name: getattr(table, f.name) for f in fields(table)}
    taken: dict[str, Any] = {
        name: column[rows]
        for name, column in columns.items()
        if isinstance(column, np.ndarray) and name not in _HEATMAPS
    }
    if isinstance(table, Points):
        place = np.full(len(table), -1)
        place[rows] = np.arange(len(rows))
        at = place[table.heatmap_row]
        kept = np.flatnonzero(at >= 0)[np.argsort(at[at >= 0], kind="stable")]
        taken["heatmap_row"] = at[kept]
        taken["heatmap"] = None if table.heatmap is None else table.heatmap[kept]
    return replace(table, **taken)


def marked(table: Table, rows: Bools, **columns: Any) -> Table:
    """The table with other columns, in which some rows are noted as corrected."""
    before = np.zeros(len(rows), bool) if table.corrected is None else table.corrected
    changes: Any = {**columns, "corrected": before | rows}
    return replace(table, **changes)


class Row(NamedTuple):
    """A row of segments."""

    person: int
    start_s: float
    end_s: float
    label: str
    score: float
    corrected: bool = True


def rows_of(segments: Segments) -> list[Row]:
    """The rows of segments."""
    n = len(segments)
    known = np.zeros(n, bool) if segments.corrected is None else segments.corrected
    numbers = [segments.person, segments.start_s, segments.end_s, segments.score, known]
    person, start, end, score, corrected = (column.tolist() for column in numbers)
    columns = (person, start, end, segments.label, score, corrected)
    return [Row(*values) for values in zip(*columns, strict=True)]


def with_rows(segments: Segments, rows: Iterable[Row]) -> Segments:
    """The same answer with other rows, by person, then time; those of no length are left out."""
    ordered = sorted(row for row in rows if row.end_s > row.start_s)
    return replace(
        segments,
        person=np.array([r.person for r in ordered], segments.person.dtype),
        start_s=np.array([r.start_s for r in ordered], np.float64),
        end_s=np.array([r.end_s for r in ordered], np.float64),
        label=tuple(r.label for r in ordered),
        score=np.array([r.score for r in ordered], np.float64),
        corrected=np.array([r.corrected for r in ordered], bool),
    )


def carved(
    rows: Sequence[Row], start_s: float, end_s: float, which: Callable[[Row], bool]
) -> tuple[list[Row], list[Row]]:
    """What of some rows lies outside of a span, with all others, and what lies inside."""
    outside, inside = list[Row](), list[Row]()
    for row in rows:
        if not which(row) or row.end_s <= start_s or row.start_s >= end_s:
            outside.append(row)
            continue
        before = row._replace(end_s=start_s, corrected=True)
        after = row._replace(start_s=end_s, corrected=True)
        outside += [piece for piece in (before, after) if piece.end_s > piece.start_s]
        whole = row.start_s >= start_s and row.end_s <= end_s
        part = row._replace(start_s=max(start_s, row.start_s), end_s=min(end_s, row.end_s))
        inside.append(part._replace(corrected=row.corrected or not whole))
    return outside, inside


def laid(rows: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """Rows with new ones in the place of what was there of their persons.

    A new row that touches one of its label is joined to it.
    """
    by_person: dict[int, list[Row]] = {}
    for row in sorted(new):
        by_person.setdefault(row.person, []).append(row)
    result, old = list[Row](), dict[int, list[Row]]()
    for row in rows:
        (old.setdefault(row.person, []) if row.person in by_person else result).append(row)
    for person, fresh in by_person.items():
        rest = [piece for row in old.get(person, ()) for piece in _outside(row, fresh)]
        result += _joined([(row, False) for row in rest] + [(row, True) for row in fresh])
    return result


def _outside(row: Row, spans: Sequence[Row]) -> list[Row]:
    """What of a row lies outside of others, which are in the order of time."""
    pieces, start = list[Row](), row.start_s
    for other in spans:
        if other.end_s <= start or other.start_s >= row.end_s:
            continue
        pieces.append(row._replace(start_s=start, end_s=other.start_s, corrected=True))
        start = max(start, other.end_s)
    if start == row.start_s:
        return [row]
    pieces.append(row._replace(start_s=start, corrected=True))
    return [piece for piece in pieces if piece.end_s - piece.start_s > _TOUCHING_S]


def _joined(rows: Sequence[tuple[Row, bool]]) -> list[Row]:
    """Rows of one person, of which those of one label that touch are one if either is new."""
    result, open_at = list[tuple[Row, bool]](), dict[str, int]()
    for row, new in sorted(rows, key=lambda one: one[0].start_s):
        k = open_at.get(row.label)
        if k is not None:
            before, was_new = result[k]
            if row.start_s <= before.end_s + _TOUCHING_S and (new or was_new):
                lengths = [before.end_s - before.start_s, row.end_s - row.start_s]
                score = float(np.average([before.score, row.score], weights=lengths))
                end_s = max(before.end_s, row.end_s)
                result[k] = before._replace(end_s=end_s, score=score, corrected=True), True
                continue
        open_at[row.label] = len(result)
        result.append((row, new))
    return [row for row, _ in result]
