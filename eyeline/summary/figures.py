"""The figures of a summary: what each person does, by group, in plain colours."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.export.colours import hex_colour, person_colour
from eyeline.export.summary import SPEAKING, TARGET
from eyeline.export.words import title
from eyeline.people.shared_looks import JOINT, MUTUAL
from eyeline.results import ANYBODY, UNSEEN, UNSURE, person_label, person_number
from eyeline.summary.folder import FolderSummary
from eyeline.summary.observed import ANY_PERSON, VISIBLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN = 6.9
"""Of two columns of a journal."""
_GREYS = {"scene": "#98a3af", "off screen": "#d0d6dc", "camera": "#2a3340"}
_MOST_ROWS = 40
"""More persons than these are not drawn one by one."""
_MOST_DOTS = 500
"""More than these are one bitmap, in vector formats, too."""
_MOST_VALUES = 12
_MOST_PANELS = 6
NOBODY = tuple(person_label(person) for person in (UNSEEN, UNSURE, ANYBODY))
"""Voices that are no visible person's."""
_OTHERS = "other targets"
_NOT_CODABLE = "not codable"
Rows = Sequence[Mapping[str, Any]]


def _figure(height_in: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """A figure of its own, which no global state keeps, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _panels(count: int, base_in: float, each_in: float) -> tuple[Figure, Any]:
    """A figure of panels, three in a row, and all its axes; those beyond `count` are hidden."""
    columns = min(3, count)
    lines = -(-count // columns)
    figure, axes = _figure(base_in + lines * each_in, lines, columns)
    for axis in [*axes.flat][count:]:
        axis.set_visible(False)
    return figure, axes


def _rows(summary: FolderSummary, measure: str, **equal: str) -> Rows:
    """Rows of the long table with a number, of persons and not of pairs."""
    rows = summary.where("long", measure=measure, partner="", **equal)
    return [row for row in rows.to_pylist() if row["number"] is not None]


def _category(summary: FolderSummary, row: Mapping[str, Any]) -> str:
    """The group of a row and, where there are several, its span."""
    groups = [row[name] or "no group" for name in summary.groups]
    return ", ".join([*groups, *([row["span"]] if len(summary.spans) > 1 else [])])


def _categories(summary: FolderSummary) -> list[str]:
    columns = summary.tables["wide"].select([*summary.groups, "span"])
    rows = columns.group_by(columns.column_names).aggregate([]).to_pylist()
    return sorted({_category(summary, row) for row in rows})


def _by_category(summary: FolderSummary, rows: Rows, name: str) -> dict[str, list[Any]]:
    """The values of a column by category."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        values.setdefault(_category(summary, row), []).append(row[name])
    return values


def _proportions(summary: FolderSummary) -> tuple[str, str, Figure] | None:
    """A dot for each person and a mean with its interval for each group, a panel a tier."""
    rows = [
        row
        for row in _rows(summary, "proportion")
        if row["value"] == (ANY_PERSON if row["tier"] == TARGET else "")
        and row["tier"] != "voice"
        and row["person"] not in NOBODY
    ]
    tiers = [t for t in dict.fromkeys(r["tier"] for r in rows) if t != VISIBLE]
    if not tiers:
        return None
    names = _categories(summary)
    figure, axes = _panels(len(tiers), 0.3, 0.6 + 0.34 * len(names))
    for axis, tier in zip(axes.flat, tiers, strict=False):
        numbers = _by_category(summary, [r for r in rows if r["tier"] == tier], "number")
        _dots(axis, names, [numbers.get(name, []) for name in names])
        axis.set_title("looks at a person" if tier == TARGET else title(tier))
    for axis in axes[:, 1:].flat:
        axis.tick_params(labelleft=False)
    figure.supxlabel("proportion of the time in which it could be measured", fontsize=8)
    caption = (
        "Each dot is a person of a video; the bar is the mean with its 95 % interval "
        "(mean ± 1.96 standard errors, for three persons or more)."
    )
    return "proportions", caption, figure


def _dots(axis: Axes, names: Sequence[str], values: Sequence[Sequence[float]]) -> None:
    for line, numbers in enumerate(values):
        spread = [0.12 * ((k % 5) - 2) for k in range(len(numbers))]
        axis.plot(
            numbers, [line + s for s in spread], "o", ms=3.5, alpha=0.6, mew=0,
            color=hex_colour(person_colour(line % 10 + 1)),
            rasterized=len(numbers) > _MOST_DOTS,
        )  # fmt: skip
        if len(numbers) >= 3:
            mean = statistics.fmean(numbers)
            half = 1.96 * statistics.stdev(numbers) / len(numbers) ** 0.5
            low, high = max(0.0, mean - half), min(1.0, mean + half)
            axis.plot([low, high], [line, line], color="#17202b", lw=1.2)
            axis.plot([mean], [line], "|", color="#17202b", ms=11, mew=1.6)
    axis.set_xlim(-0.04, 1.04)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_yticks(range(len(names)), [_short(name) for name in names])
    axis.set_xticks([0, 0.5, 1])


def _targets(summary: FolderSummary) -> tuple[str, str, Figure] | None:
    """What each person looks at, as one bar, with the time that could not be measured."""
    rows = [
        r for r in _rows(summary, "duration_s", tier=TARGET) if r["value"] not in ("", ANY_PERSON)
    ]
    missing = {_person(r): r["number"] for r in _rows(summary, "not_codable_s", tier=TARGET)}
    people = list(dict.fromkeys(_person(row) for row in rows))[:_MOST_ROWS]
    if not people:
        return None
    values = _ordered({r["value"] for r in rows if r["number"] > 0})
    widths: dict[tuple[Any, str], float] = {(p, _NOT_CODABLE): missing.get(p, 0.0) for p in people}
    for row in rows:
        key = _person(row), row["value"] if row["value"] in values else _OTHERS
        widths[key] = widths.get(key, 0.0) + row["number"]
    figure, axes = _figure(0.9 + 0.24 * len(people))
    axis, left = axes[0, 0], [0.0] * len(people)
    for value in (*values, _OTHERS, _NOT_CODABLE):
        wide = [widths.get((person, value), 0.0) for person in people]
        if any(wide):
            axis.barh(range(len(people)), wide, left=left, height=0.72, **_bar(value, values))
        left = [a + b for a, b in zip(left, wide, strict=True)]
    axis.set_yticks(range(len(people)), [_label(summary, person) for person in people])
    axis.invert_yaxis()
    axis.set_xlabel("seconds in view")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=7)
    more = len({_person(row) for row in rows}) - len(people)
    left_out = f" {more} more persons are left out." if more > 0 else ""
    return "gaze_targets", f"What each person looks at, in seconds.{left_out}", figure


def _bar(value: str, values: Sequence[str]) -> dict[str, Any]:
    """How the bars of a target look."""
    label = _short(value)
    if value == _NOT_CODABLE:
        hatched = {"color": "none", "edgecolor": "#98a3af", "hatch": "////", "linewidth": 0.4}
        return {"label": label, **hatched}
    number = person_number(value)
    own = hex_colour(person_colour(number or len(values) + 1))
    if number is None and value in values:
        own = hex_colour(person_colour(values.index(value) + 1))
    return {"label": label, "color": _GREYS.get(value, own)}


def _transitions(summary: FolderSummary) -> tuple[str, str, Figure] | None:
    """Transition probabilities of the targets of looks, counts of all videos added, by group."""
    rows = summary.where("transitions", tier=TARGET).to_pylist()
    every = sorted({_category(summary, row) for row in rows})
    names = every[:_MOST_PANELS]
    if not rows:
        return None
    values = _ordered({_kind(r[side]) for r in rows for side in ("from_value", "to_value")})
    figure, axes = _panels(len(names), 0.0, 2.5)
    for axis, name in zip(axes.flat, names, strict=False):
        mine = [r for r in rows if _category(summary, r) == name]
        _matrix(axis, values, mine)
        axis.set_title(_short(name) if name else "from (row) to (column)")
    caption = (
        "Transitions between targets of looks: the probability of the column after the row, and "
        "the count, over all persons and videos; persons without a name are one target, so that a "
        "change from one to another stands on the diagonal, which else is empty."
    )
    if len(every) > len(names):
        caption += f" {len(every) - len(names)} more groups are left out."
    return "transitions", caption, figure


def _matrix(axis: Axes, values: Sequence[str], rows: Rows) -> None:
    counts = {(a, b): 0 for a in values for b in values}
    for row in rows:
        counts[_kind(row["from_value"]), _kind(row["to_value"])] += row["count"]
    of = {a: sum(counts[a, b] for b in values) for a in values}
    cells = [[counts[a, b] / of[a] if of[a] else float("nan") for b in values] for a in values]
    axis.imshow(cells, cmap="Blues", vmin=0, vmax=1)
    for i, a in enumerate(values):
        for k, b in enumerate(values):
            if of[a] and (a != b or counts[a, b]):
                colour = "white" if cells[i][k] > 0.6 else "#17202b"
                text = f"{cells[i][k]:.2f}\n({counts[a, b]})"
                axis.text(k, i, text, ha="center", va="center", fontsize=6, color=colour)
    axis.set_xticks(range(len(values)), values, rotation=35, ha="right")
    axis.set_yticks(range(len(values)), values)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def _offsets(summary: FolderSummary) -> tuple[str, str, Figure] | None:
    """Histogram of gaps and overlaps between turns."""
    rows = summary.tables["turns"].to_pylist()
    if not rows:
        return None
    figure, axes = _figure(2.3)
    axis = axes[0, 0]
    by_name = _by_category(summary, rows, "offset_s")
    names = sorted(by_name)
    offsets = [by_name[name] for name in names]
    colours = [hex_colour(person_colour(k % 10 + 1)) for k in range(len(names))]
    axis.hist(offsets, bins=24, stacked=True, color=colours, label=[_short(n) for n in names])
    axis.axvline(0, color="#17202b", lw=0.8)
    axis.set_xlabel("offset of the next turn, s (overlap < 0 < gap)")
    axis.set_ylabel("transfers")
    if any(names):
        axis.legend(fontsize=7)
    return "turn_offsets", "Gaps (positive) and overlaps (negative) between turns.", figure


def _latencies(summary: FolderSummary) -> tuple[str, str, Figure] | None:
    """Of each tier the fraction of persons who have shown it by a time."""
    wanted = {TARGET: ANY_PERSON, MUTUAL: "", JOINT: "", SPEAKING: "", "eye_contact": ""}
    rows = [
        row
        for row in summary.where("long", measure="latency_s", partner="").to_pylist()
        if wanted.get(row["tier"]) == row["value"] and row["person"] not in NOBODY
        and (row["number"] is not None or row["of"] > 0)
    ]  # fmt: skip
    tiers = [t for t in wanted if any(r["tier"] == t and r["number"] is not None for r in rows)]
    if not tiers:
        return None
    figure, axes = _figure(2.4)
    axis = axes[0, 0]
    for k, tier in enumerate(tiers):
        shown = [r["number"] for r in rows if r["tier"] == tier and r["number"] is not None]
        never = [r["of"] for r in rows if r["tier"] == tier and r["number"] is None]
        times, fractions = shown_by(shown, never)
        name = "looks at a person" if tier == TARGET else title(tier)
        label = f"{name} ({len(shown)} of {len(shown) + len(never)})"
        colour = hex_colour(person_colour(k + 1))
        axis.step(times, fractions, where="post", color=colour, lw=1.4, label=label)
    axis.set_ylim(0, 1.02)
    axis.set_xlim(left=0)
    axis.set_xlabel("seconds from the start of the span")
    axis.set_ylabel("fraction of persons")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=7)
    caption = (
        "Latency to the first episode: the fraction of persons who have shown it by then, by "
        "Kaplan and Meier's estimate; those who never do count for the seconds measured."
    )
    return "latencies", caption, figure


def shown_by(shown: Sequence[float], never: Sequence[float]) -> tuple[list[float], list[float]]:
    """Kaplan and Meier's estimate of the fraction who have shown something: times, fractions.

    Args:
        shown: latencies of those who do.
        never: for how long the others were watched.
    """
    times, counts = np.unique(np.asarray(shown, float), return_counts=True)
    watched = np.sort([*shown, *never])
    at_risk = len(watched) - np.searchsorted(watched, times)
    fractions = [0.0, *(1 - np.cumprod(1 - counts / at_risk)).tolist()]
    return [0.0, *times.tolist(), float(watched[-1])], [*fractions, fractions[-1]]


def _person(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["video"], row["span"], row["person"]


def _label(summary: FolderSummary, person: tuple[str, str, str]) -> str:
    video, span, name = person
    return _short(" · ".join([video, *([span] if len(summary.spans) > 1 else []), name]), 44)


def _kind(value: str) -> str:
    return "person" if person_number(value) is not None else value


def _ordered(values: set[str]) -> list[str]:
    """Persons by number, then others, then places; no more than have distinct colours."""
    last = {name: k for k, name in enumerate(_GREYS)}
    order = sorted(values, key=lambda v: (v in last, last.get(v, 0), person_number(v) or 999, v))
    return order[:_MOST_VALUES]


def _short(text: str, most: int = 28) -> str:
    """Text that is no formula and no label to hide, no longer than fits."""
    plain = (" " if text.startswith("_") else "") + text.replace("$", r"\$")
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


FIGURES = (_proportions, _targets, _transitions, _offsets, _latencies)
"""In the order of the page; each gives a name, a caption and a figure, or None without data."""
