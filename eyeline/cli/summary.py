"""`summary` and `query`: measures of many videos, and SQL over their tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from eyeline.cli.console import DONE, SOME_FAILED, app, complain, out_console, say
from eyeline.cli.outputs import CSV_DIALECT, claimed, replaceable
from eyeline.errors import UsageError
from eyeline.remote.results import local_copy

if TYPE_CHECKING:
    from eyeline.summary.corpus import Fault

RESULTS = Annotated[
    Path, typer.Argument(help="Folder of results, such as the -o of `eyeline analyze`.")
]
_SHOWN_ROWS = 200


@app.command()
def summary(
    folder: RESULTS,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for the tables and the group report.")
    ] = Path("eyeline-summary"),
    spans: Annotated[
        str,
        typer.Option(
            help="Spans of interest: a CSV file (video, span, from_s, to_s), or the name of a tier "
            "whose episodes they are; the whole video by default."
        ),
    ] = "",
    groups: Annotated[
        Path | None,
        typer.Option(help="CSV file (video, perhaps person, and a column for each kind of group)."),
    ] = None,
    lags: Annotated[
        int, typer.Option(min=1, max=20, help="Events that the sequence lag table looks ahead.")
    ] = 3,
    plots: Annotated[
        Path | None, typer.Option(help="Folder for plots; none are written by default.")
    ] = None,
    plot_formats: Annotated[
        str, typer.Option(help="Forms of the plots, comma-separated: svg, pdf, png.")
    ] = "svg,pdf,png",
    csv_dialect: CSV_DIALECT = "excel",
) -> None:
    """Sum up all videos below a folder by person, span and group: tables, plots, a group report."""
    from eyeline.summary.corpus import read_corpus
    from eyeline.summary.folder import summarise_folder, write_tables
    from eyeline.summary.plots import forms_of, write_plots
    from eyeline.summary.report import write_report

    forms = forms_of(plot_formats)
    folder = local_copy(folder)
    corpus = read_corpus(folder)
    result = summarise_folder(corpus, spans=spans, groups=groups, lags=lags)
    inputs = (folder, groups, Path(spans) if spans else None)
    with claimed(out, *inputs), claimed(plots if plots != out else None, *inputs):
        write_tables(result, out, csv_dialect)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            report = write_report(result, out)
            if plots is not None:
                write_plots(result, plots, forms)
    for note in (*result.notes, *sorted({f"plots: {one.message}" for one in caught})):
        say(note)
    count = len(result.results)
    out_console.print(
        f"{count} of {count + len(result.faults)} videos summed\n  {report}",
        markup=False,
        highlight=False,
    )
    raise typer.Exit(_left_out(result.faults))


@app.command()
def query(
    folder: RESULTS,
    sql: Annotated[
        str,
        typer.Argument(
            help="One SELECT over videos, people, scores, directions, points, segments, frames."
        ),
    ],
    form: Annotated[
        Literal["table", "csv", "json", "parquet"],
        typer.Option("--format", help="How to write the result."),
    ] = "table",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write; the terminal by default.")
    ] = None,
    csv_dialect: CSV_DIALECT = "excel",
) -> None:
    """Ask the tables of all videos below a folder, in DuckDB's SQL; nothing can be changed."""
    from eyeline.files import write_bytes
    from eyeline.summary.corpus import read_corpus
    from eyeline.summary.query import as_bytes
    from eyeline.summary.query import query as ask

    if form == "parquet" and out is None:
        raise UsageError("Parquet is no text for a terminal: name a file with -o")
    if form == "table" and out is not None:
        raise UsageError("a file needs a form: choose --format csv, json or parquet")
    if out is not None:
        replaceable(out, None)
    answer = ask(read_corpus(local_copy(folder)), sql)
    if form == "table":
        _print_table(answer.table)
    elif out is not None:
        write_bytes(out, as_bytes(answer.table, form, csv_dialect))
    else:
        typer.echo(as_bytes(answer.table, form, csv_dialect).decode("utf-8-sig"), nl=False)
    raise typer.Exit(_left_out(answer.faults))


def _left_out(faults: Iterable[Fault]) -> int:
    """Name the videos that are left out, and give the exit code."""
    code = DONE
    for fault in faults:
        complain(f"{fault.video} is left out: {fault.message}")
        code = SOME_FAILED
    return code


def _print_table(table: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, header_style="bold", padding=(0, 1))
    for name in table.column_names:
        shown.add_column(Text(name), overflow="fold")
    columns = [column.to_pylist() for column in table.slice(0, _SHOWN_ROWS).columns]
    for row in zip(*columns, strict=True):
        shown.add_row(*(Text(_cell(value)) for value in row))
    out_console.print(shown)
    if table.num_rows > _SHOWN_ROWS:
        say(f"{_SHOWN_ROWS} of {table.num_rows:,} rows are shown; --format csv writes all")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return "" if value is None else str(value)
