"""`report.html`: one page, opened from disk, with what a video shows and how that is known."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eyeline.export.colours import hex_colour, person_colour
from eyeline.export.differences import differences
from eyeline.export.exporters import EXPORTERS, OF_CORRECTIONS, copy_in, present
from eyeline.export.files import CORRECTED_INDEX, INDEX, REPORT, VIDEO
from eyeline.export.headlines import headlines
from eyeline.export.intervals import both
from eyeline.export.lanes import Timelines, timelines
from eyeline.export.spans import seen_spans
from eyeline.export.summary import PersonSummary, Summary, summarise
from eyeline.export.thumbnails import data_uri
from eyeline.export.words import (
    clock,
    count,
    duration,
    label_of,
    part,
    percent,
    question,
    title,
)
from eyeline.files import write_bytes
from eyeline.parts import words as part_words
from eyeline.results import Analysis, Method, person_label

_EPISODE_ROWS = 400
"""More contacts than these are left to segments.csv."""

_MANY_COLUMNS = 8
"""From so many targets on the heads of the matrix stand upright, and it scrolls."""


def write_report(
    analysis: Analysis,
    folder: Path,
    *,
    media: str | None = None,
    versions: Mapping[str, str] | None = None,
) -> Path:
    """Write `report.html`; it links the files of the analysis that lie in the folder by then.

    Args:
        analysis: what to report.
        folder: where to.
        media: the video to play, relative to the folder; empty for none, by default the annotated
            one if it lies there.
        versions: of eyeline and the libraries that mattered, by name.

    Returns:
        The path of the page.

    Raises:
        OutputError: the folder cannot be written.
    """
    if media is None:
        media = copy_in(folder)
    about = {
        name: words
        for e in (*EXPORTERS.values(), *OF_CORRECTIONS.values())
        for name, words in e.files.items()
        if words
    }
    listed = {name: about[name] for name in present(folder) if name in about}
    listed |= {
        CORRECTED_INDEX
        if analysis.corrected
        else INDEX: "settings, versions, counts: the index of it all"
    }
    page = render(analysis, media=media, versions=versions or {}, files=listed)
    return write_bytes(folder / REPORT, page.encode("utf-8", "replace"))


def render(
    analysis: Analysis,
    *,
    media: str = VIDEO,
    versions: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> str:
    """The page as text; everything that comes from outside is escaped."""
    summary = summarise(analysis)
    lines = timelines(analysis, summary)
    matrix = _matrix(analysis, summary, lines)
    page: str = template("report.html.j2", analysis.shown).render(
        name=Path(analysis.video.path).name or analysis.video.path,
        analysis=analysis,
        video=analysis.video,
        facts=_facts(analysis),
        excluded=analysis.corrected.excluded if analysis.corrected else (),
        summary=summary,
        headlines=headlines(analysis, summary),
        cards=_cards(analysis, summary, lines),
        matrix=matrix,
        lines=lines,
        timeline=lines.to_json(),
        keys=matrix["columns"],
        episodes=summary.episodes[:_EPISODE_ROWS],
        episode_kinds=_episode_kinds(summary),
        differences=differences(analysis),
        methods=[_method(m) for m in analysis.methods],
        media=media,
        grey="Grey all through: not analysed." if analysis.video.parts else "",
        versions=dict(versions or {}),
        settings={k: _setting(v) for k, v in analysis.settings.items()},
        files=dict(files or {}),
    )
    return page


def colour_keys(lines: Timelines) -> list[dict[str, str]]:
    """Label and colour of all that is looked at."""
    return [{"label": label, "colour": _css(colour)} for label, colour in lines.codes]


def template(
    name: str,
    shown: Callable[[str], str] = str,
    filters: Mapping[str, Callable[..., object]] | None = None,
) -> Any:
    """A template of the package, with the filters that put numbers into words.

    Args:
        name: of its file.
        shown: what to write for a label, see `Analysis.shown`.
        filters: more filters, by name.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "duration": duration,
        "clock": clock,
        "percent": percent,
        "title": title,
        "count": count,
        "part": part,
        "question": question,
        "label": lambda person: shown(person_label(person)),
        "shown": shown,
        "colour": _person_css,
        "slug": _slug,
    }
    environment.filters |= filters or {}
    return environment.get_template(name)


def _episode_kinds(summary: Summary) -> str:
    """What counts as a contact in this analysis, in words; empty where nothing does."""
    kinds = [title(s.name) for s in summary.segments if label_of(s.name).episode]
    return " and ".join([", ".join(kinds[:-1]), kinds[-1]]) if len(kinds) > 1 else "".join(kinds)


def _facts(analysis: Analysis) -> list[tuple[str, str]]:
    video = analysis.video
    rate = f"{float(video.rate_hz):.3f}".rstrip("0").rstrip(".")
    rate += " frames/s" + (", uneven" if video.variable_rate else "")
    return [
        ("length", duration(video.duration_s)),
        *([("analysed", "; ".join(map(part_words, video.parts)))] if video.parts else []),
        ("image", f"{video.width_px} × {video.height_px}"),
        ("rate", rate),
        ("frames", f"{video.frame_count:,}"),
        ("audio", "yes" if video.has_audio else "none"),
        ("people", str(len(analysis.persons))),
        *([("covered", covered)] if (covered := analysis.settings.get("anonymise")) else []),
    ]


def _cards(analysis: Analysis, summary: Summary, lines: Timelines) -> list[dict[str, Any]]:
    images = {p.person: p.thumbnail for p in analysis.persons}
    perhaps = {p.person: p.perhaps_same_as for p in analysis.persons}
    colours = dict(lines.codes)
    return [
        {
            "of": person,
            "perhaps": perhaps.get(person.person, ()),
            "colour": _person_css(person.person),
            "image": None if (image := images.get(person.person)) is None else data_uri(image),
            "targets": [
                {"label": label, "fraction": fraction, "colour": _css(colours[label])}
                for label, fraction in person.targets.items()
            ],
        }
        for person in summary.persons
    ]


def _matrix(analysis: Analysis, summary: Summary, lines: Timelines) -> dict[str, Any]:
    numbers = {person.label: person.person for person in summary.persons if person.person > 0}
    looked_at = {label for person in summary.persons for label in person.targets}
    together = _together(analysis)
    columns = [
        {"label": label, "colour": _css(colour), "person": numbers.get(label)}
        for label, colour in lines.codes
        if label in looked_at or label in numbers
    ]
    rows = [
        {
            "of": person,
            "colour": _person_css(person.person),
            "cells": [_cell(summary, person, column, together) for column in columns],
        }
        for person in summary.persons
        if person.targets or person.person > 0
    ]
    return {"columns": columns, "rows": rows, "many": len(columns) >= _MANY_COLUMNS}


def _cell(
    summary: Summary,
    person: PersonSummary,
    column: Mapping[str, Any],
    together: set[tuple[int, int]],
) -> dict[str, Any]:
    pair = (person.person, column["person"] or 0)
    return {
        "fraction": person.targets.get(column["label"]),
        "self": person.person == column["person"],
        "mutual": (summary.mutual or {}).get((min(pair), max(pair))),
        "possible": person.followed_s > 0 and (column["person"] is None or pair in together),
    }


def _together(analysis: Analysis) -> set[tuple[int, int]]:
    """Pairs of persons who are in view at one time, both ways round."""
    seen = seen_spans(analysis)
    pairs = itertools.permutations(sorted(seen), 2)
    return {(a, b) for a, b in pairs if len(both(seen[a], seen[b]))}


def _method(method: Method) -> dict[str, Any]:
    name = f"{method.system}/{method.builder}"
    return {"of": method, "trained": method.weights is not None, "id": _slug(name)}


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(v) for v in value)
    return str(value)


def _person_css(person: int) -> str:
    return hex_colour(person_colour(person))


def _css(colour: str) -> str:
    return colour if colour.startswith("#") else f"var(--{colour})"


def _slug(text: str) -> str:
    return "method-" + re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
