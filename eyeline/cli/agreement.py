"""`agree`: how far two codings of the same videos agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eyeline.cli.console import DONE, SOME_FAILED, app, complain, out_console, print_json, say
from eyeline.cli.outputs import CSV_DIALECT, claimed
from eyeline.errors import UsageError

if TYPE_CHECKING:
    from eyeline.agreement.compare import Agreement

_CODING = "a results folder, a file of ELAN, Praat, BORIS or Datavyu, CSV, or a folder of these"


@app.command()
def agree(
    a: Annotated[Path, typer.Argument(help=f"A coding: {_CODING}.")],
    b: Annotated[Path, typer.Argument(help="The other coding, in any of these forms.")],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="'A TIER=B TIER', or a CSV of pairs (a,b,video); again for each."
        ),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(help="'A VALUE=B VALUE' where the coders use other words; again for each."),
    ] = None,
    presence: Annotated[
        bool,
        typer.Option("--presence", help="Compare whether there is an interval, not its value."),
    ] = False,
    step: Annotated[
        float, typer.Option(help="Step of the time grid of kappa and AC1, seconds.")
    ] = 0.04,
    from_: Annotated[float, typer.Option("--from", help="Compare from this second on.")] = 0.0,
    to: Annotated[float | None, typer.Option(help="Compare up to this second.")] = None,
    align: Annotated[
        bool, typer.Option("--align", help="Move B by the offset at which both correlate best.")
    ] = False,
    max_offset: Annotated[float, typer.Option(help="The largest offset looked for, seconds.")] = 60,
    samples: Annotated[int, typer.Option(help="Draws of videos for the intervals.")] = 1000,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for agreement.html, .json and .csv.")
    ] = None,
    csv_dialect: CSV_DIALECT = "excel",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Agreement of two codings: kappa, AC1, time, events, their bounds; a page and JSON."""
    from eyeline.agreement import page
    from eyeline.agreement.compare import Choices
    from eyeline.agreement.compare import agree as compare
    from eyeline.agreement.match import read_map

    choices = Choices(
        read_map(map_ or ()),
        {theirs: ours for ours, theirs in map(_pair, value or ())},
        presence,
        step,
        from_,
        to,
        align,
        max_offset,
        samples,
    )
    with claimed(out, a, b):
        result = compare(a, b, choices)
        if out is not None:
            page.write(result, out, csv_dialect)
    if as_json:
        print_json(result.report.content)
    else:
        _print(result)
    result.report.log(say)
    for line in result.report["failed"]:
        complain(line)
    if out is not None:
        say(f"{out / page.PAGE}")
    raise typer.Exit(SOME_FAILED if result.report["failed"] else DONE)


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals or not ours.strip() or not theirs.strip():
        raise UsageError(f"--value '{text}' is not 'A VALUE=B VALUE'")
    return ours.strip(), theirs.strip()


def _print(result: Agreement) -> None:
    """A line for each tier, as wide as its longest name."""
    from eyeline.agreement.page import figure

    head = ("kappa", "AC1", "agree", "F1@0.5", "onset 90 %", "offset 90 %", "compared")
    rows: list[tuple[str, ...]] = [("tier", *head)]
    for tier in result.tiers:
        figures = tier.figures
        bounds = (figures[side]["absolute_90"] for side in ("onset_s", "offset_s"))
        rows.append(
            (
                tier.name,
                *(figure(figures[name]) for name in ("kappa", "ac1", "agreement", "f1@0.5")),
                *("–" if bound is None else f"{bound:.2f} s" for bound in bounds),
                f"{figures['compared_s']:.1f} s",
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        line = "  ".join((row[0].ljust(widths[0]), *cells))
        out_console.print(line, markup=False, highlight=False)
