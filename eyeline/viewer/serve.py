"""The server at a port of this machine alone, for as long as the command runs."""

from __future__ import annotations

import errno
import secrets
import socket
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import OutputError, UsageError
from eyeline.viewer.guard import HOSTS

if TYPE_CHECKING:
    import uvicorn


def serve(
    root: Path,
    *,
    port: int = 0,
    browser: bool = True,
    videos: Sequence[Path] = (),
    log: Callable[[str], None],
) -> None:
    """Show the results under a folder until the user ends it.

    Args:
        root: the folder.
        port: where to listen; 0 for any that is free.
        browser: open the page.
        videos: folders in which originals are looked for that have moved.
        log: called with the address.

    Raises:
        DataError: no results there.
        OutputError: the port is taken or may not be used.
    """
    from eyeline.viewer.server import application

    app_of = partial(application, root, videos=videos)
    opening = opened(app_of, port=port, browser=browser, log=log)
    with suppress(KeyboardInterrupt), opening as (server, listening):  # which is how users end it
        server.run(sockets=[listening])


@contextmanager
def opened(
    app_of: Callable[[str], Any],
    *,
    port: int,
    browser: bool,
    log: Callable[[str], None],
    websockets: bool = False,
) -> Iterator[tuple[uvicorn.Server, socket.socket]]:
    """A server that is ready to run, and the socket that it listens at; arguments as of `serve`.

    Args:
        app_of: the application that asks for a token.
        port: where to listen.
        browser: open the page.
        log: called with the address.
        websockets: whether it has some.
    """
    import uvicorn

    token = secrets.token_urlsafe(24)
    app = app_of(token)
    with _bound(port) as listening:
        address = f"http://{HOSTS[0]}:{listening.getsockname()[1]}/?token={token}"
        log(address)
        if browser:
            webbrowser.open(address)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ws="websockets-sansio" if websockets else "none",
            timeout_graceful_shutdown=2 if websockets else None,
        )
        yield uvicorn.Server(config), listening


def _bound(port: int) -> socket.socket:
    if not 0 <= port < 65536:
        raise UsageError(f"--port is {port}; must be 0 to 65535")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOSTS[0], port))
        listening.listen()  # so that whoever reads the address can come at once
    except OSError as error:
        listening.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "is in use by another program" if taken else f"cannot be used: {error.strerror}"
        raise OutputError(
            f"port {port} {reason}. Name another with --port, or leave it out for a free one."
        ) from None
    return listening
