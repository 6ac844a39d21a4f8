"""What all commands share: the application, where it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, is_dataclass
from io import TextIOWrapper
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

app = typer.Typer(
    name="eyeline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Gaze and social attention in video: "
    "who is there, where does each look, at whom, who speaks.",
)
out_console = Console(soft_wrap=True)
err_console = Console(stderr=True, soft_wrap=True)

ENGINE = Annotated[
    Literal["local", "ray"],
    typer.Option(
        help="What works on many things: processes of this machine, or tasks of Ray on the cluster "
        "at RAY_ADDRESS, else on this machine."
    ),
]
TASK_CPUS = Annotated[
    float | None,
    typer.Option(help="Processors that a task of Ray reserves; 1 by default.", show_default=False),
]
TASK_GPUS = Annotated[
    float | None,
    typer.Option(help="GPUs likewise, or a fraction of one; 0 by default.", show_default=False),
]

DONE, SOME_FAILED, USAGE, STOPPED = 0, 1, 2, 130


def printable() -> None:
    """Let the console escape what it cannot print, such as file names that are no text."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def rank() -> int:
    """Number of this process among those that share a command; the first, 0, prints results."""
    own = "RANK" if "TORCHELASTIC_RUN_ID" in os.environ else "LOCAL_RANK"
    number = os.environ.get(own, "0")
    return int(number) if number.isdigit() else 0


def complain(message: str) -> None:
    """Say on the error stream what went wrong."""
    who = f"process {rank()}: " if rank() else ""
    err_console.print(f"eyeline: {who}{message}", markup=False, highlight=False)


def say(message: str) -> None:
    """Say on the error stream how work goes on."""
    if rank():
        return
    err_console.print(message, markup=False, highlight=False)


def print_json(content: Any) -> None:
    """Print a result; data classes as their fields."""
    if rank():
        return
    plain = asdict(content) if is_dataclass(content) and not isinstance(content, type) else content
    typer.echo(json.dumps(plain, indent=2, default=str))
