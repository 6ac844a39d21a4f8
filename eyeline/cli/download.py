"""`download`: weights and data sets of papers' authors by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eyeline.cli.console import SOME_FAILED, app, complain, out_console, say
from eyeline.errors import EyelineError, UsageError

if TYPE_CHECKING:
    from eyeline.download.item import Request


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
        typer.Option("--from", help="The authors' file or folder, downloaded before."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(help="Which file of the authors' repository, where they keep several."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of a data set.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="A video or recording of a data set; again for each; by default all."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take the space that a data set needs; do not ask.")
    ] = False,
) -> None:
    """Weights of a paper's authors, placed where analyze looks, or data sets, into --out.

    The folder of weights is the one that EYELINE_WEIGHTS names, by default one in the user's cache.
    A download that was stopped is resumed by the same command.
    """
    from eyeline.download import datasets, weights
    from eyeline.download.item import Request

    if not names:
        _list()
        return
    wanted = list(dict.fromkeys(names))
    known = datasets.names()
    of_data = [name for name in wanted if name in known or "/" in name]
    if of_data and out is None:
        raise UsageError(f"{of_data[0]} is a data set: name its folder by --out DIR")
    if (out or only or yes) and len(of_data) < len(wanted):
        raise UsageError("--out, --only and --yes are for data sets alone")
    if of_data and file:
        raise UsageError("--file is for weights alone")
    if len(wanted) > 1 and (from_ or file):
        raise UsageError("--from and --file are for one name at a time")
    for name in wanted:
        say((datasets if name in of_data else weights).licence_line(name))
    if not accept_licence:
        raise UsageError("to accept what is shown above, add --accept-licence")

    def get(name: str) -> bool:
        if out is not None:
            return _data_set(Request(name, out, from_, tuple(only or ())), yes)
        path = weights.get(name, given=from_, file=file, log=say)
        out_console.print(f"placed: {path}", markup=False, highlight=False)
        return True

    failed = 0
    for name in wanted:
        try:
            failed += not get(name)
        except EyelineError as error:
            if len(wanted) == 1:
                raise
            complain(str(error))
            failed += 1
    if failed:
        raise typer.Exit(SOME_FAILED)


def _data_set(request: Request, yes: bool) -> bool:
    """Say what a data set takes, ask, and bring it; whether all of it has come."""
    from eyeline.download import datasets

    size = datasets.check(request)
    free = f"{datasets.free_gb(request.out):.3g} GB left"
    say(f"{request.name}: {size.line}; into {request.out}, which has {free}")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("to take that space, add --yes")
        typer.confirm("Download it?", abort=True, err=True)
    received = datasets.get(request, log=say)
    for name, why in received.failed.items():
        complain(f"{name}: {why}")
    out_console.print(f"placed: {received.folder}", markup=False, highlight=False)
    return not received.failed


def _list() -> None:
    """All names, whether each is there, and how it is had."""
    from eyeline.download import datasets
    from eyeline.download.table import entries
    from eyeline.download.weights import present

    lines = []
    for name, entry in entries().items():
        state = "present" if present(name) else "by hand" if entry.source.page else "missing"
        lines.append(f"{name:34}{state:9}{entry.use}; licence: {entry.licence}")
    for name, (dataset, item) in datasets.names().items():
        gb = getattr(item, "gb", None)
        lines.append(f"{name:34}{f'{gb:g} GB' if gb else '':9}data set; licence: {dataset.licence}")
    lines.append(
        "eyeline download NAME --accept-licence; of a data set with --out DIR; "
        "by hand: the command says where"
    )
    for line in lines:
        out_console.print(line, markup=False, highlight=False)
