"""The group report: one page that stands alone, with the plots, the groups and every person."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eyeline.export.files import REPORT
from eyeline.export.report import template
from eyeline.export.summary import SPEAKING, TARGET
from eyeline.export.words import count, duration, title
from eyeline.files import write_bytes
from eyeline.people.shared_looks import JOINT, MUTUAL
from eyeline.summary.folder import FolderSummary
from eyeline.summary.measures import DEFINITIONS
from eyeline.summary.observed import ANY_PERSON, VISIBLE
from eyeline.summary.plots import drawn, figures
from eyeline.summary.turns import TURNS

_PERSON_ROWS = 500
"""More persons than these are left to wide.csv."""
_PROPORTION = {"measure": "proportion", "partner": ""}
_BY_GROUP = {
    "proportion": "Proportion of the time in which it could be measured",
    "rate_per_min": "Episodes a minute that could be measured",
    "mean_episode_s": "Mean length of an episode, s",
    "latency_s": "Latency to the first episode, s",
}
_BY_PERSON = {
    "in view": (VISIBLE, ""),
    "looks at a person": (TARGET, ANY_PERSON),
    "eye contact": ("eye_contact", ""),
    "mutual gaze": (MUTUAL, ""),
    "joint attention": (JOINT, ""),
    "speaks": (SPEAKING, ""),
}
_FILES = {
    "long": "every measure in a row of its own, with its denominator",
    "wide": "a row a person, a column a measure",
    "groups": "statistics of each group",
    "turns": "every pass of the floor, with where both look",
    "transitions": "transition matrices",
    "sequences": "the sequence lag table",
    "videos": "what was summed up",
}


def write_report(summary: FolderSummary, folder: Path) -> Path:
    """Write `report.html`; OutputError where the folder cannot be written."""
    return write_bytes(folder / REPORT, render(summary).encode("utf-8", "replace"))


def render(summary: FolderSummary) -> str:
    """The page as text; everything that comes from outside is escaped."""
    seen = summary.where("long", **_PROPORTION, tier=VISIBLE, value="")
    tables = [
        (
            heading,
            _group_table(
                summary, lambda row, of=m: row["measure"] == of and row["tier"] != TURNS, "tier"
            ),
        )
        for m, heading in _BY_GROUP.items()
    ]
    page: str = template("summary.html.j2").render(
        name=summary.corpus.folder.resolve().name,
        facts=_facts(summary),
        faults=summary.faults,
        notes=summary.notes,
        figures=[
            {
                "name": name,
                "caption": caption,
                "image": base64.b64encode(drawn(figure, "svg")).decode(),
            }
            for name, caption, figure in figures(summary)
        ],
        tables=[{"heading": heading, **table} for heading, table in tables if table["rows"]],
        turns=_group_table(summary, lambda row: row["tier"] == TURNS, "measure"),
        head=[*summary.groups, *_BY_PERSON],
        people=_people(summary, seen.slice(0, _PERSON_ROWS)),
        more=max(0, seen.num_rows - _PERSON_ROWS),
        files=_FILES,
        definitions=DEFINITIONS,
    )
    return page


def _facts(summary: FolderSummary) -> list[tuple[str, str]]:
    wide, videos = summary.tables["wide"], summary.tables["videos"].to_pylist()
    spans = wide.column("span").unique()
    persons = wide.group_by(["video", "person"]).aggregate([])
    facts = [
        ("videos", str(len(summary.results))),
        ("analysed", duration(sum(v["analysed_s"] for v in videos))),
        ("persons", str(sum(v["persons"] or 0 for v in videos) or persons.num_rows)),
        ("spans of interest", "whole videos" if len(spans) == 1 else str(len(spans))),
    ]
    for name in summary.groups:
        levels = {str(v) for v in wide.column(name).unique().to_pylist() if v is not None}
        few = len(levels) <= 6
        said = ", ".join(sorted(levels)) if few else count(len(levels), "group")
        facts.append((f"groups by {name}", said))
    return facts


def _group_table(summary: FolderSummary, wanted: Any, first: str) -> dict[str, Any]:
    """Mean, standard deviation and number of persons: a column each group and span."""
    rows = [row for row in summary.tables["groups"].to_pylist() if wanted(row)]
    columns = sorted({_column(summary, row) for row in rows})
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        label = title(row["tier"]) if first == "tier" else row["measure"]
        cells.setdefault((label, row["value"] or ""), {})[_column(summary, row)] = _cell(row)
    return {
        "columns": columns,
        "rows": [
            {"label": label, "value": value, "cells": [found.get(c, "–") for c in columns]}
            for (label, value), found in cells.items()
        ],
    }


def _column(summary: FolderSummary, row: Mapping[str, Any]) -> str:
    """The groups of a row and, where there are several or nothing else, its span."""
    groups = [row[name] or "no group" for name in summary.groups]
    return " · ".join([*groups, *([row["span"]] if len(summary.spans) > 1 or not groups else [])])


def _cell(row: Mapping[str, Any]) -> str:
    """`0.43 ± 0.12 (n 8)`, with those of whom there is no number."""
    lacking = f", {row['missing']} without" if row["missing"] else ""
    if not row["n"]:
        return f"no value (of {row['missing']})"
    spread = "" if row["sd"] is None else f" ± {row['sd']:.2f}"
    return f"{row['mean']:.2f}{spread} (n {row['n']}{lacking})"


def _people(summary: FolderSummary, seen: Any) -> list[dict[str, Any]]:
    """Proportions of each person who is seen, with the seconds in which they could be measured."""
    import pyarrow.compute as pc

    people = {_who(row): row for row in seen.to_pylist()}
    cells: dict[tuple[str, str, str], dict[str, str]] = {key: {} for key in people}
    wanted = {about: name for name, about in _BY_PERSON.items()}
    measured = summary.where("long", **_PROPORTION)
    theirs = pc.is_in(measured.column("video"), seen.column("video").unique())
    for row in measured.filter(theirs).to_pylist():
        name = wanted.get((row["tier"], row["value"]))
        if name and _who(row) in cells:
            cells[_who(row)][name] = _proportion(row)
    return [
        {
            "who": key,
            "cells": [
                *(row[group] or "–" for group in summary.groups),
                *(cells[key].get(name, "–") for name in _BY_PERSON),
            ],
        }
        for key, row in people.items()
    ]


def _who(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["video"], row["span"], row["person"]


def _proportion(row: Mapping[str, Any]) -> str:
    if row["number"] is None:
        return "not measurable"
    return f"{row['number']:.2f} of {duration(row['of'])}"
