"""`list`: what there is, whether it is ready, its figures and its licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from eyeline.cli.console import app, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from eyeline.system import Builder, System


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Systems and builders: what each answers, whether it is ready, its figures and its licence."""
    from eyeline.models import shipped
    from eyeline.system import list_systems

    own = shipped()
    rows = [
        _row(system, name, builder, own)
        for system in list_systems()
        for name, builder in system.builders.items()
    ]
    rows += _front_end()
    if as_json:
        print_json(rows)
    else:
        _print_rows(rows)


def _row(system: System, name: str, builder: Builder, own: Mapping[str, Path]) -> dict[str, Any]:
    names = [f"{system.name}/{network}" for network in builder.networks]
    states = {n: "ships with eyeline" if n in own else _state(f"{n}.safetensors") for n in names}
    weights = "; ".join(f"{n}: {state}" for n, state in states.items()) or "none needed"
    if builder.one_of:
        weights += f"; takes one more of {', '.join(builder.one_of)}, or does without"
    return {
        "system": system.name,
        "published_as": list(system.published),
        "builder": name,
        "answers": list(builder.answers),
        "ready": builder.embedded or all(not s.startswith("missing") for s in states.values()),
        "weights": weights,
        "what": builder.method.summary,
        "measured": builder.method.measured,
        "licence": builder.method.licence,
        "recipes": list(system.recipes),
        "data_sets": list(system.prepare),
    }


def _front_end() -> list[dict[str, Any]]:
    """People and speech, which all systems share."""
    from eyeline.people.methods import PEOPLE
    from eyeline.speech.methods import SPEAKERS

    shared = [(PEOPLE, ["people"], "in the dependencies")]
    for entry in SPEAKERS.values():
        state = _state("/".join(entry.place)) if entry.place else "in the dependencies"
        shared.append((entry.method, ["speaking"], state))
    return [
        {
            "system": m.system,
            "published_as": [],
            "builder": m.builder,
            "answers": names,
            "ready": not weights.startswith("missing"),
            "weights": weights,
            "what": m.summary,
            "measured": m.measured,
            "licence": m.licence,
            "recipes": [],
            "data_sets": [],
        }
        for m, names, weights in shared
    ]


def _state(place: str) -> str:
    """Of a file in the folder of weights: whether it is there, and how to get it."""
    from eyeline.download.table import name_for
    from eyeline.weights_folder import placed

    if (path := placed(*place.split("/"))) is not None:
        return f"present, {path}"
    name = name_for(place)
    return f"missing, {f'eyeline download {name}' if name else 'given by the user'}"


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    for row in rows:
        table = Table(show_header=False, box=None, padding=(0, 1), title_justify="left")
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        table.title = f"{row['system']}/{row['builder']}"
        if row["published_as"]:
            table.add_row("published as", ", ".join(row["published_as"]))
        table.add_row("answers", ", ".join(row["answers"]))
        table.add_row("ready", f"{'yes' if row['ready'] else 'no'}, weights: {row['weights']}")
        for key in ("what", "measured", "licence"):
            table.add_row(key, row[key])
        for key in ("recipes", "data_sets"):
            if row[key]:
                table.add_row(key.replace("_", " "), ", ".join(row[key]))
        Console(soft_wrap=False).print(table, "")
