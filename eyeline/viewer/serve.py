"""The server at a port of this machine alone, for as long as the command runs."""

from __future__ import annotations

import errno
import secrets
import socket
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from eyeline.errors import OutputError, UsageError
from eyeline.viewer.guard import HOSTS


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
    import uvicorn

    from eyeline.viewer.server import application

    token = secrets.token_urlsafe(24)
    app = application(root, token, videos)
    with _bound(port) as listening, suppress(KeyboardInterrupt):  # which is how users end it
        address = f"http://{HOSTS[0]}:{listening.getsockname()[1]}/?token={token}"
        log(address)
        if browser:
            webbrowser.open(address)
        config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none")
        uvicorn.Server(config).run(sockets=[listening])


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
