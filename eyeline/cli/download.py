"""`download`: weights and data sets of papers' authors by name."""

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
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for archives of a data set.")
    ] = None,
) -> None:
    """Weights of a paper's authors: downloaded, imported, verified, placed where analyze looks.

    Their folder is the one that EYELINE_WEIGHTS names, by default one in the user's cache. A name
    with a stroke, as gafa/preprocessed, is an archive of a data set, which goes to --out.
    """
    from eyeline.download import datasets, weights

    if not names:
        _list()
        return
    of_data = [name for name in names if "/" in name]
    if of_data and out is None:
        raise UsageError(f"{of_data[0]} is of a data set: name its folder by --out DIR")
    if (out and len(of_data) < len(names)) or (of_data and (from_ or file)):
        raise UsageError("--out is for data sets alone, --from and --file for weights alone")
    lines = [
        (datasets if "/" in name else weights).licence_line(name) for name in dict.fromkeys(names)
    ]
    if len(lines) > 1 and (from_ or file):
        raise UsageError("--from and --file are for one name at a time")
    for line in lines:
        say(line)
    if not accept_licence:
        raise UsageError("to accept what is shown above, add --accept-licence")
    failed = 0
    for name in dict.fromkeys(names):
        try:
            if out is not None:
                path = datasets.get(name, out, log=say)
            else:
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
    from eyeline.download.datasets import datasets
    from eyeline.download.table import entries
    from eyeline.download.weights import present

    lines = []
    for name, entry in entries().items():
        state = "present" if present(name) else "by hand" if entry.source.page else "missing"
        lines.append(f"{name:34}{state:9}{entry.use}; licence: {entry.licence}")
    for name, dataset in datasets().items():
        for key, archive in dataset.archives.items():
            size = f"{archive.gb:g} GB"
            lines.append(f"{f'{name}/{key}':34}{size:9}data set; licence: {dataset.licence}")
    lines.append(
        "eyeline download NAME --accept-licence; of a data set with --out DIR; "
        "by hand: the command says where"
    )
    for line in lines:
        out_console.print(line, markup=False, highlight=False)
