"""`download`: weights of papers' authors by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eyeline.cli.console import SOME_FAILED, app, complain, out_console, say
from eyeline.errors import EyelineError, UsageError


@app.command()
def download(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="What to download; without, all are listed."),
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the licences that are shown.")
    ] = False,
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="The authors' file, downloaded before; no network is needed."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(help="Which file of the authors' repository, where they keep several."),
    ] = None,
) -> None:
    """Weights of a paper's authors: downloaded, imported, verified, placed where analyze looks.

    The folder is the one that EYELINE_WEIGHTS names, by default one in the user's cache.
    """
    from eyeline.download import weights

    if not names:
        _list()
        return
    lines = [weights.licence_line(name) for name in dict.fromkeys(names)]
    if len(lines) > 1 and (from_ or file):
        raise UsageError("--from and --file are for one name at a time")
    for line in lines:
        say(line)
    if not accept_licence:
        raise UsageError("to accept what is shown above, add --accept-licence")
    failed = 0
    for name in dict.fromkeys(names):
        try:
            path = weights.get(name, given=from_, file=file, log=say)
            out_console.print(f"placed: {path}", markup=False, highlight=False)
        except EyelineError as error:
            if len(lines) == 1:
                raise
            complain(str(error))
            failed += 1
    if failed:
        raise typer.Exit(SOME_FAILED)


def _list() -> None:
    """All names, whether each is there, and how it is had."""
    from rich.table import Table

    from eyeline.download.table import entries
    from eyeline.download.weights import present

    table = Table("name", "", "for", "licence", box=None, padding=(0, 1))
    for name, entry in entries().items():
        state = "present" if present(name) else "by hand" if entry.source.page else "missing"
        table.add_row(name, state, entry.use, entry.licence)
    out_console.print(table, soft_wrap=False)
    out_console.print(
        "eyeline download NAME --accept-licence; by hand: the command says where", markup=False
    )
