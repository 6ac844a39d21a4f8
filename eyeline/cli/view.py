"""`view`: results beside the video, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eyeline.cli.console import app, out_console
from eyeline.extras import needed_by
from eyeline.remote.results import local_copy


@app.command()
def view(
    results: Annotated[
        Path, typer.Argument(help="Folder that `analyze -o` wrote, or the folder of one video.")
    ],
    port: Annotated[int, typer.Option(help="Port to listen at; any free one by default.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    videos: Annotated[
        list[Path] | None,
        typer.Option(help="Folder in which videos lie that have moved; again for each."),
    ] = None,
) -> None:
    """Show results beside the video in a local page, and correct them; Ctrl-C ends it."""
    with needed_by("view"):
        from eyeline.viewer.serve import serve

    def log(address: str) -> None:
        out_console.print(f"Open {address}\nCtrl-C ends it.", markup=False, highlight=False)

    serve(
        local_copy(results, videos=True), port=port, browser=browser, videos=videos or (), log=log
    )
