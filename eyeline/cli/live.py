"""`live`: a camera, a stream or a file at its own rate, analysed while it runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eyeline.cli.analyze import four
from eyeline.cli.console import app, say
from eyeline.errors import UsageError

if TYPE_CHECKING:
    from eyeline.live.page import Page


@app.command()
def live(
    source: Annotated[
        str | None, typer.Argument(help="A stream (rtsp://...), or a file, at its own rate.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="Number or device of a camera of this machine.")
    ] = None,
    systems: Annotated[
        str,
        typer.Option(help="Systems to run, comma-separated; all that need no weights by default."),
    ] = "",
    ego: Annotated[bool, typer.Option("--ego", help="The camera is worn on the head.")] = False,
    fov: Annotated[
        float | None, typer.Option(help="Field of view along the longer side, degrees.")
    ] = None,
    intrinsics: Annotated[str, typer.Option(help="fx,fy,cx,cy in pixels, instead of --fov.")] = "",
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Show the session in a local page.")
    ] = True,
    port: Annotated[int, typer.Option(help="Port of the page; any free one by default.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    record: Annotated[
        Path | None, typer.Option(help="Folder for the video and its results.")
    ] = None,
    events: Annotated[
        str,
        typer.Option(help="JSON lines on standard output: changes, frames or none."),
    ] = "changes",
    lsl: Annotated[
        bool, typer.Option("--lsl", help="Send all messages by Lab Streaming Layer, too.")
    ] = False,
    seconds: Annotated[float | None, typer.Option(help="End after so long.")] = None,
) -> None:
    """Analyse a camera, stream or file while it runs; Ctrl-C ends it, the recording is kept."""
    from eyeline.live.capture import Source
    from eyeline.live.session import Session
    from eyeline.live.stream import EVENTS, lab_streams, printer
    from eyeline.settings import Settings

    if events not in EVENTS:
        raise UsageError(f"--events {events}; must be one of {', '.join(EVENTS)}")
    if seconds is not None and not seconds > 0:
        raise UsageError(f"--seconds {seconds}; must be greater than 0")
    settings = Settings(
        systems=tuple(s.strip() for s in systems.split(",") if s.strip()),
        ego=ego,
        fov_deg=fov,
        intrinsics=four(intrinsics),
        video=False,
    )
    place = Source.of(source, camera)
    sinks = [printer(events), *([lab_streams(place.address)] if lsl else [])]
    shown = _page() if page else None
    session = Session(
        place,
        settings,
        say,
        sinks=[*sinks, *([shown.send] if shown else [])],
        show=shown.show if shown else None,
        record=record,
        seconds=seconds,
    )
    serving = shown.served(port, browser, lambda a: say(f"Open {a}")) if shown else nullcontext()
    with _stopped_by_signals(session.stop), serving:
        say("Ctrl-C ends it.")
        session.run()


def _page() -> Page:
    try:
        import websockets  # noqa: F401 - uvicorn's choice by name

        from eyeline.live.page import Page
    except ImportError as error:
        raise UsageError(
            f"the page needs {error.name}: pip install eyeline[view], or give --no-page"
        ) from None
    return Page()


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and the end of the shell let the frame at work be finished, and the recording."""

    def handle(*_: object) -> None:
        if not stop.is_set():
            say("ending; what was recorded is kept")
        stop.set()

    before = {one: signal.signal(one, handle) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
