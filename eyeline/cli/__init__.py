"""The command line: thin functions over the package, a module for each kind of work."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import eyeline
from eyeline.cli import (
    agreement,
    analyze,
    correct,
    download,
    listing,
    live,
    research,
    summary,
    view,
)
from eyeline.cli.console import SOME_FAILED, STOPPED, USAGE, app, complain, printable, rank
from eyeline.errors import EyelineError, UsageError
from eyeline.extras import needed_by

__all__ = [
    "agreement",
    "analyze",
    "app",
    "correct",
    "download",
    "listing",
    "live",
    "main",
    "research",
    "summary",
    "view",
]


def main() -> None:
    """The entry point: every error a user can cause is one line and an exit code."""
    printable()
    try:
        with needed_by("this command"):
            app(standalone_mode=True)
    except UsageError as error:
        complain(str(error))
        sys.exit(USAGE)
    except EyelineError as error:
        if not (error.everywhere and rank()):
            complain(str(error))
        sys.exit(SOME_FAILED)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        complain(f"{place}{error.strerror or error}")
        sys.exit(SOME_FAILED)
    except KeyboardInterrupt:
        complain("stopped; the same command goes on from there where it can")
        sys.exit(STOPPED)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(eyeline.__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Gaze and social attention in video."""
