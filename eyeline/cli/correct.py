"""`correct`: what people say of the results of a video, kept beside them and followed."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eyeline.cli.console import app, complain, out_console, print_json
from eyeline.documents import MIB, parse_json, read_text
from eyeline.errors import DataError, UsageError

if TYPE_CHECKING:
    from eyeline.corrections import Corrections
    from eyeline.results import Analysis

correct = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(correct, name="correct")

Tier = Annotated[str, typer.Argument(help="Name of a tier, such as gaze_target or eye_contact.")]
Who = Annotated[str, typer.Argument(help="Number or name of a person; -1 unseen, after --.")]
Value = Annotated[str, typer.Argument(help="Value, such as 'person 2', a name, camera, contact.")]
From = Annotated[float, typer.Argument(metavar="FROM", help="Seconds since the first frame.")]
To = Annotated[float, typer.Argument(metavar="TO", help="Seconds.")]
Context = typer.Context


@dataclass(frozen=True)
class _Target:
    """What a command is about."""

    folder: Path
    who: str
    revision: int | None
    video: Path | None
    write: bool


@correct.callback()
def _common(
    context: Context,
    results: Annotated[Path, typer.Argument(help="Folder of the results of one video.")],
    who: Annotated[str, typer.Option(help="Who corrects; the name of this account.")] = "",
    revision: Annotated[
        int | None, typer.Option(help="Refuse if the list has another revision by now.")
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="The original video, if it lies elsewhere by now.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write/--no-write", help="Write the exports again at once.")
    ] = True,
) -> None:
    """Correct the results of a video: people, episodes, spans, areas of interest; undo and redo.

    What was computed is never changed: exports that follow the corrections lie in corrected/.
    Options of all commands stand before the folder: eyeline correct --who ann talk name 1 mother
    """
    context.obj = _Target(results, who, revision, video, write)


@correct.command(name="list")
def list_(
    context: Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The corrections, those undone and those that cannot be applied."""
    from eyeline.corrections import load_corrected, read

    corrections = read(context.obj.folder)
    corrected = load_corrected(context.obj.folder).corrected
    unapplied = dict(corrected.unapplied) if corrected else {}
    if as_json:
        rows = [e.model_dump(exclude_none=True) for e in corrections.entries]
        print_json({"revision": corrections.revision, "entries": rows, "unapplied": unapplied})
        return
    for entry in corrections.entries:
        state = "undone" if entry.id in corrections.undone else ""
        if entry.id in unapplied:
            state = f"not applied: {unapplied[entry.id]}"
        note = f"  [{state}]" if state else ""
        _print(f"{entry.id}  {entry.time}  {entry.who}  {_words(entry)}{note}")
    _print(f"revision {corrections.revision}")


@correct.command()
def episodes(
    context: Context,
    tier: Annotated[str, typer.Option(help="Only of this tier.")] = "",
) -> None:
    """People, and the episodes of all tiers with their exact bounds, as commands take them."""
    from eyeline.corrections import load_corrected
    from eyeline.export.spans import all_segments
    from eyeline.results import person_label

    analysis = load_corrected(context.obj.folder)
    for person in analysis.persons:
        name = analysis.shown(person.label)
        called = f" ({name})" if name != person.label else ""
        _print(f"{person.label}{called}: {person.first_s:g} to {person.last_s:g} s")
    for answer in all_segments(analysis):
        for k in range(len(answer) if tier in ("", answer.name) else 0):
            span = f"{answer.start_s[k]:.3f} {answer.end_s[k]:.3f}"
            who = analysis.shown(person_label(int(answer.person[k])))
            corrected = answer.corrected is not None and answer.corrected[k]
            said = f"'{analysis.shown(answer.label[k])}'  {span}{'  corrected' * bool(corrected)}"
            _print(f"{answer.name}  {who}  {said}")


@correct.command()
def name(
    context: Context, person: Who, name: Annotated[str, typer.Argument(help="The name.")]
) -> None:
    """Name a person."""
    _append(context, kind="name_person", person=person, name=name)


@correct.command()
def merge(
    context: Context,
    people: Annotated[list[str], typer.Argument(help="Two or more people.")],
    into: Annotated[str, typer.Option(help="Who they are; by default the first.")] = "",
) -> None:
    """Make one person of several."""
    numbers = [_number(context, person) for person in people]
    _append(context, kind="merge_people", people=numbers, into=_number(context, into or people[0]))


@correct.command()
def split(context: Context, person: Who, at: From) -> None:
    """Make another person of one from a time on."""
    _append(context, kind="split_person", person=person, at_s=at)


@correct.command(name="delete-face")
def delete_face(
    context: Context,
    person: Who,
    from_s: Annotated[float | None, typer.Option("--from", help="Seconds; the start.")] = None,
    to_s: Annotated[float | None, typer.Option("--to", help="Seconds; the end.")] = None,
) -> None:
    """Say that what was taken for a person, in a span or throughout, is none."""
    _append(context, kind="delete_face", person=person, from_s=from_s or 0.0, to_s=to_s)


@correct.command()
def add(context: Context, tier: Tier, person: Who, value: Value, start: From, end: To) -> None:
    """Add an episode, in the place of what the tier says there."""
    _append(
        context, kind="add_episode", tier=tier, person=person, value=value, from_s=start, to_s=end
    )


@correct.command()
def change(
    context: Context,
    tier: Tier,
    person: Who,
    value: Value,
    start: From,
    end: To,
    new_value: Annotated[str, typer.Option("--value", help="Another value.")] = "",
    from_s: Annotated[float | None, typer.Option("--from", help="Another start.")] = None,
    to_s: Annotated[float | None, typer.Option("--to", help="Another end.")] = None,
) -> None:
    """Give an episode another value or other bounds."""
    new = {
        "value": new_value or value,
        "from_s": start if from_s is None else from_s,
        "to_s": end if to_s is None else to_s,
    }
    old = {"value": value, "from_s": start, "to_s": end}
    _append(context, kind="change_episode", tier=tier, person=person, old=old, new=new)


@correct.command()
def delete(context: Context, tier: Tier, person: Who, value: Value, start: From, end: To) -> None:
    """Delete an episode."""
    span: dict[str, Any] = {"value": value, "from_s": start, "to_s": end}
    _append(context, kind="delete_episode", tier=tier, person=person, **span)


@correct.command(name="split-episode")
def split_episode(
    context: Context,
    tier: Tier,
    person: Who,
    value: Value,
    start: From,
    end: To,
    at: Annotated[float, typer.Argument(help="Where to cut, seconds.")],
) -> None:
    """Cut an episode in two."""
    span: dict[str, Any] = {"value": value, "from_s": start, "to_s": end, "at_s": at}
    _append(context, kind="split_episode", tier=tier, person=person, **span)


@correct.command(name="not-codable")
def not_codable(
    context: Context,
    start: From,
    end: To,
    tier: Annotated[str, typer.Option(help="Only of this tier.")] = "",
    person: Annotated[str, typer.Option(help="Only of this person.")] = "",
) -> None:
    """Say that nothing can be said in a span; its time counts in no fraction."""
    _append(
        context,
        kind="not_codable",
        tier=tier or None,
        person=_number(context, person) if person else None,
        from_s=start,
        to_s=end,
    )


@correct.command()
def areas(
    context: Context,
    file: Annotated[Path, typer.Argument(help="JSON or CSV of areas and their key frames.")],
) -> None:
    """Add areas of interest, or replace those of the same names: see docs/corrections.md."""
    for number, area in enumerate(_areas(file), start=1):
        _append(context, f"{file}, area {number}", write=False, kind="area", **area)
    _write(context.obj)


@correct.command(name="delete-area")
def delete_area(
    context: Context, name: Annotated[str, typer.Argument(help="Name of the area.")]
) -> None:
    """Take an area of interest away."""
    _append(context, kind="delete_area", name=name)


Number = Annotated[int | None, typer.Argument(help="Number of a correction; by default the last.")]


@correct.command()
def undo(context: Context, entry: Number = None) -> None:
    """Take back a correction."""
    from eyeline import corrections

    target = context.obj
    _done(target, corrections.undo(target.folder, entry, who=target.who, revision=target.revision))


@correct.command()
def redo(context: Context, entry: Number = None) -> None:
    """Let a correction hold again that was undone."""
    from eyeline import corrections

    target = context.obj
    _done(target, corrections.redo(target.folder, entry, who=target.who, revision=target.revision))


@correct.command()
def write(
    context: Context,
    annotated: Annotated[
        bool, typer.Option("--annotated", help="Write the annotated video, too.")
    ] = False,
) -> None:
    """Write the exports again, following the corrections."""
    _write(context.obj, annotated=annotated)


def _append(context: Context, where: str = "", *, write: bool = True, **entry: Any) -> None:
    from eyeline import corrections

    target: _Target = context.obj
    if isinstance(entry.get("person"), str):
        entry["person"] = _number(context, entry["person"])
    parsed = corrections.parse_entry(entry, where or "the correction")
    kept = corrections.append(target.folder, parsed, who=target.who, revision=target.revision)
    _done(target, kept, write=write)


def _number(context: Context, text: str) -> int:
    """The number of a person, by number or name."""
    from eyeline.corrections import load_corrected
    from eyeline.results import person_number

    if text.removeprefix("-").isdecimal():
        return int(text)
    corrected = load_corrected(context.obj.folder).corrected
    names = {name: label for label, name in (corrected.names if corrected else {}).items()}
    number = person_number(names.get(text, text))
    if number is None:
        raise UsageError(f"'{text}' is no person: give a number, or one of: {', '.join(names)}")
    return number


def _done(target: _Target, corrections: Corrections, *, write: bool = True) -> None:
    entry = corrections.entries[-1]
    _print(f"{entry.id}  {_words(entry)}")
    if write:
        _write(target)


def _write(target: _Target, *, annotated: bool = False) -> None:
    from eyeline import sessions
    from eyeline.corrections import rewrite
    from eyeline.export.files import CORRECTED, REPORT

    if not target.write:
        return
    analysis = rewrite(target.folder, target.video, annotated=annotated)
    for note in sessions.follow(target.folder):
        complain(note)
    if analysis is None:
        _print("no correction holds: the results are as they were computed")
        return
    _tell(analysis)
    _print(f"  {target.folder / CORRECTED / REPORT}")


def _tell(analysis: Analysis) -> None:
    for warning in analysis.warnings:
        if warning.startswith(("correction ", "area ")):
            complain(warning)


def _words(entry: Any) -> str:
    fields = entry.model_dump(exclude={"id", "time", "who", "kind"}, exclude_none=True)
    if entry.kind == "area":
        fields["keyframes"] = len(entry.keyframes)
    return f"{entry.kind.replace('_', ' ')}  {', '.join(f'{k} {v}' for k, v in fields.items())}"


def _print(text: str) -> None:
    out_console.print(text, markup=False, highlight=False)


def _areas(file: Path) -> list[dict[str, Any]]:
    """Areas of a JSON or CSV file, as of the operation `area`."""
    text = read_text(file, 64 * MIB)
    if file.suffix.lower() == ".csv":
        return _areas_of_csv(text, file)
    content = parse_json(text, str(file))
    listed = content.get("areas") if isinstance(content, dict) else content
    if not isinstance(listed, list) or not listed or not all(isinstance(a, dict) for a in listed):
        raise DataError(f'{file} must hold {{"areas": [{{"name", "shape", "keyframes"}}]}}')
    return [{k: v for k, v in area.items() if k != "kind"} for area in listed]


_COLUMNS = ("name", "shape", "between", "time_s", "corners_px")


def _areas_of_csv(text: str, file: Path) -> list[dict[str, Any]]:
    """Rows of name, shape, between, time_s and corners as `x,y x,y`, one a key frame."""
    rows = csv.DictReader(io.StringIO(text))
    lacking = [c for c in _COLUMNS if c not in (rows.fieldnames or ())]
    if lacking:
        raise DataError(
            f"{file} lacks the columns {', '.join(lacking)}; needs {', '.join(_COLUMNS)}"
        )
    areas: dict[str, dict[str, Any]] = {}
    for line, row in enumerate(rows, start=2):
        area = areas.setdefault(
            row["name"],
            {
                "name": row["name"],
                "shape": row["shape"],
                "between": row["between"],
                "keyframes": [],
            },
        )
        if (row["shape"], row["between"]) != (area["shape"], area["between"]):
            raise DataError(f"{file}, line {line}: '{row['name']}' has another shape or between")
        try:
            points = [[float(v) for v in pair.split(",")] for pair in row["corners_px"].split()]
            area["keyframes"].append({"time_s": float(row["time_s"]), "points": points})
        except (ValueError, AttributeError, TypeError):
            raise DataError(
                f"{file}, line {line}: time_s must be a number and corners_px like '10,20 30,40'"
            ) from None
    if not areas:
        raise DataError(f"{file} holds no areas")
    return [*areas.values()]
